"""The plots of the card as plain SVG, drawn here so that the same counts give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import escape

from curation.errors import one_line
from curation.release.manifest import Counts

PLOTS = {
    "plots/labels.svg": "Entities and events by type",
    "plots/lengths.svg": "Articles by length in characters",
    "plots/timeline.svg": "Articles by the time of publication",
}
"""File → what it shows."""

_MOST = 40
"""Bars in one plot."""
_WIDTH, _BAR, _LABEL = 720, 20, 200


def plots(counts: Counts) -> dict[str, str]:
    """File → SVG; a plot that would be empty is left out."""
    labels = {name: sum(of.values()) for held in (counts.entities, counts.events) for name, of in held.items()}
    ranked = sorted(labels.items(), key=lambda one: (-one[1], one[0]))[:_MOST]
    lengths = [(f"{start:,}–{start + LENGTH - 1:,}", count) for start, count in _steps(counts.lengths)]
    series = dict(zip(PLOTS, (ranked, lengths, _times(counts.timeline)), strict=True))
    return {name: _bars(PLOTS[name], bars) for name, bars in series.items() if any(count for _, count in bars)}


LENGTH = 500
"""Characters of one bar of the lengths."""


def _steps(lengths: Mapping[str, int]) -> list[tuple[int, int]]:
    """Every step up to the longest; what is beyond the last bar is put into it."""
    held = {int(start): count for start, count in lengths.items()}
    last = min(max(held, default=0), LENGTH * (_MOST - 1))
    found = [(start, held.get(start, 0)) for start in range(0, last, LENGTH)]
    return [*found, (last, sum(count for start, count in held.items() if start >= last))]


def _times(timeline: Mapping[str, int]) -> list[tuple[str, int]]:
    """Months in order; years where the months are too many."""
    if len(timeline) <= _MOST:
        return sorted(timeline.items())
    years: dict[str, int] = {}
    for month, count in timeline.items():
        years[month[:-3]] = years.get(month[:-3], 0) + count
    return sorted(years.items())[-_MOST:]


def _bars(title: str, bars: Sequence[tuple[str, int]]) -> str:
    height = 40 + _BAR * len(bars)
    most = max(count for _, count in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'role="img" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="22" font-weight="bold" fill="#222222">{escape(title)}</text>',
    ]
    for place, (name, count) in enumerate(bars):
        top, shown = 34 + place * _BAR, escape(one_line(name, 26))
        width = round(count / most * (_WIDTH - _LABEL - 90))
        lines += [
            f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end" fill="#222222">{shown}</text>',
            f'<rect x="{_LABEL}" y="{top + 2}" width="{width}" height="{_BAR - 5}" fill="#2c6fbb"/>',
            f'<text x="{_LABEL + width + 6}" y="{top + 14}" fill="#222222">{count:,}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
