"""The plots of the card: their counts as rows of bars. `curation.svg` draws them."""

from __future__ import annotations

from collections.abc import Mapping

from curation.release.manifest import Counts
from curation.svg import bars

PLOTS = {
    "plots/labels.svg": "Entities and events by type",
    "plots/lengths.svg": "Articles by length in characters",
    "plots/timeline.svg": "Articles by the time of publication",
}
"""File → title."""
LENGTH = 500
"""Width of one bin of the lengths, in characters."""
_MOST = 40
"""Bars in one plot."""


def plots(counts: Counts) -> dict[str, str]:
    """File → SVG; a plot without any count is left out."""
    labels = {
        name: sum(by_split.values()) for held in (counts.entities, counts.events) for name, by_split in held.items()
    }
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    lengths = [(f"{start:,}–{start + LENGTH - 1:,}", count) for start, count in _bins(counts.lengths)]
    rows = dict(zip(PLOTS, (ranked, lengths, _times(counts.timeline)), strict=True))
    return {name: bars(PLOTS[name], rows[name]).file() for name in PLOTS if any(count for _, count in rows[name])}


def _bins(lengths: Mapping[str, int]) -> list[tuple[int, int]]:
    """Every bin up to the longest article; the last bar holds everything beyond it."""
    held = {int(start): count for start, count in lengths.items()}
    last = min(max(held, default=0), LENGTH * (_MOST - 1))
    found = [(start, held.get(start, 0)) for start in range(0, last, LENGTH)]
    return [*found, (last, sum(count for start, count in held.items() if start >= last))]


def _times(timeline: Mapping[str, int]) -> list[tuple[str, int]]:
    """Months in order; years where there are too many months."""
    if len(timeline) <= _MOST:
        return sorted(timeline.items())
    years: dict[str, int] = {}
    for month, count in timeline.items():
        years[month[:-3]] = years.get(month[:-3], 0) + count
    return sorted(years.items())[-_MOST:]
