"""Lead times that can be believed, and what they come to: medians, since a few are always far off."""

from __future__ import annotations

from statistics import quantiles
from typing import Literal

LONGEST = 4 * 3600.0
"""Seconds beyond which a lead time says that the page was left open, not that somebody worked."""

Strange = Literal["no_time", "zero_times", "long_times"]


def strange_time(seconds: float | None) -> Strange | None:
    """Why a lead time cannot be believed: none, below a second, above `LONGEST`. None where it can."""
    if seconds is None:
        return "no_time"
    if seconds < 1:
        return "zero_times"
    return "long_times" if seconds > LONGEST else None


def quartiles(values: list[float]) -> tuple[float, float, float] | None:
    """Lower quartile, median and upper quartile; None where there are no values."""
    if not values:
        return None
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return round(low, 1), round(middle, 1), round(high, 1)
