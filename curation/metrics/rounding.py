"""The one way to round a share or a score: less than 1 is never shown as 1."""

from __future__ import annotations


def rounded(value: float, digits: int = 4) -> float:
    """`value` with so many digits; what is below 1 stays below 1: 0.9996 with two digits is 0.99."""
    figure = round(value, digits)
    return float(1 - 10**-digits) if value < 1 <= figure else figure


def decimal(value: float | None, digits: int = 3) -> str:
    """A share or a score as a decimal number: `0.987`; `–` for None, not measured."""
    return "–" if value is None else f"{rounded(value, digits):.{digits}f}"


def interval(bounds: tuple[float, float] | None) -> str:
    """An interval of shares or scores: `0.912–0.934`; empty for None."""
    return "" if bounds is None else "–".join(map(decimal, bounds))


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage without its sign: `98.7` for 0.987 with one digit."""
    return f"{100 * rounded(value, digits + 2):.{digits}f}"
