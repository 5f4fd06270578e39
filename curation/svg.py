"""Plots as SVG, for pages and for files. The same values give the same bytes.

A plot is 360 units wide, so that one unit is one pixel on a phone. Every text in it is escaped. Colours are CSS
classes: a page defines them in its style sheet, for light and dark mode; a file contains its own style.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from math import ceil, log10
from typing import NamedTuple

from markupsafe import Markup, escape

from curation.errors import one_line

WIDTH = 360
COLOURS = 6
"""Number of colours; the series after them share the last one."""
HEADING = 22
"""Height of the heading in a file."""
FILE_STYLE = (
    "text{font:11px sans-serif;fill:#222}text.soft{fill:#5a626b;font-size:10px}text.heading{font-weight:600}"
    ".s0{fill:#2a6fbb}.grid{stroke:#d5dae0}"
)
_CHARACTER = 6.2
"""Average width of a character of font size 11."""


class Plot(NamedTuple):
    """A drawing of `height` units. Jinja inserts it into a page as it is; `file()` makes a file of it."""

    title: str
    height: float
    parts: tuple[str, ...]
    """SVG elements. Every text in them went through `_escaped`."""

    def __html__(self) -> str:
        """The element for a page."""
        title = escape(self.title)
        return (
            f'<svg class="plot" viewBox="0 0 {WIDTH} {self.height:.0f}" role="img" aria-label="{title}">'
            f"<title>{title}</title>{''.join(self.parts)}</svg>"
        )

    def file(self) -> str:
        """A whole SVG file with a heading, on a white background."""
        title, height = escape(self.title), round(self.height) + HEADING
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{2 * WIDTH}" '
            f'height="{2 * height}" role="img">'
        )
        lines = [
            head,
            f"<title>{title}</title>",
            f"<style>{FILE_STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            f'<text x="6" y="15" class="heading">{title}</text>',
            f'<g transform="translate(0 {HEADING})">',
            *self.parts,
            "</g>",
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


class Range(NamedTuple):
    """A figure between 0 and 1 with its confidence interval, if it has one. `note`: the size of the sample."""

    name: str
    value: float
    interval: tuple[float, float] | None
    note: str = ""


class Box(NamedTuple):
    """The median of a sample and its quartiles."""

    name: str
    low: float
    middle: float
    high: float
    note: str = ""


def bars(title: str, rows: Sequence[tuple[str, int]]) -> Plot:
    """Counts as horizontal bars, one for each row."""
    label = _label_width(name for name, _ in rows)
    most = max((count for _, count in rows), default=0) or 1
    room = WIDTH - label - 12 - _CHARACTER * len(f"{most:,}")
    parts = []
    for place, (name, count) in enumerate(rows):
        top = place * 18
        width = max(count / most * room, 1 if count else 0)
        parts += [
            _text(label - 6, top + 13, name, "end", limit=_letters(label)),
            f'<rect class="s0" x="{label:.0f}" y="{top + 3}" width="{width:.1f}" height="12" rx="1.5"/>',
            _text(label + width + 5, top + 13, f"{count:,}", css="n"),
        ]
    return Plot(title, 18 * len(rows) + 4, tuple(parts))


def columns(title: str, rows: Sequence[tuple[str, int]], unit: str) -> Plot:
    """Counts as columns; `unit` is the unit of the names along the bottom."""
    return stacked(title, [(name, {"": count}) for name, count in rows], [""], unit)


def stacked(title: str, rows: Sequence[tuple[str, Mapping[str, int]]], series: Sequence[str], unit: str = "") -> Plot:
    """Stacked columns, one for each row; the first series is at the bottom."""
    height, left, bottom = 170, 34, 34 if unit else 22
    most = _round(max((sum(of.values()) for _, of in rows), default=0))
    scale = (height - bottom - 8) / most
    step = (WIDTH - left - 6) / max(len(rows), 1)
    parts = _grid(most, scale, height - bottom, left)
    every = ceil(len(rows) * max((len(name) for name, _ in rows), default=1) * _CHARACTER * 1.3 / (WIDTH - left))
    for place, (name, of) in enumerate(rows):
        x, y = left + place * step, float(height - bottom)
        for index, key in enumerate(series):
            if part := of.get(key, 0) * scale:
                y -= part
                parts.append(
                    f'<rect class="{colour(index)}" x="{x + step * 0.1:.1f}" y="{y:.1f}" '
                    f'width="{max(step * 0.8, 0.5):.1f}" height="{part:.1f}"/>'
                )
        if place % max(every, 1) == 0:
            parts.append(_text(x + step / 2, height - bottom + 14, name, "middle"))
    if unit:
        parts.append(_text((WIDTH + left) / 2, height - 5, unit, "middle", css="soft"))
    return Plot(title, height, tuple(parts))


def rising(title: str, counts: Mapping[date, int], total: int, until: date) -> Plot:
    """The cumulative count by day as a step line, with `total` as a dashed line."""
    height, left, bottom = 170, 34, 22
    most = _round(max(total, sum(counts.values())))
    scale = (height - bottom - 8) / most
    first = min(counts, default=until) - timedelta(days=1)
    span = max((until - first).days, 1)
    floor = height - bottom

    def x(day: date) -> float:
        return left + (day - first).days / span * (WIDTH - left - 8)

    done, points = 0, [(float(left), float(floor))]
    for day, count in sorted(counts.items()):
        done += count
        points.append((x(day), points[-1][1]))
        points.append((x(day), floor - done * scale))
    points.append((x(until), points[-1][1]))
    line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    goal = floor - total * scale
    parts = [
        *_grid(most, scale, floor, left),
        f'<polygon class="fill" points="{left},{floor} {line} {points[-1][0]:.1f},{floor}"/>',
        f'<polyline class="line" points="{line}"/>',
        f'<line class="goal" x1="{left}" x2="{WIDTH - 8}" y1="{goal:.1f}" y2="{goal:.1f}"/>',
        _text(left, height - 6, _short(first + timedelta(days=1)), "start"),
        _text(WIDTH - 8, height - 6, _short(until), "end"),
    ]
    return Plot(title, height, tuple(parts))


def ranges(title: str, rows: Sequence[Range]) -> Plot:
    """Figures between 0 and 1 as dots with their confidence intervals."""
    label = _label_width(row.name for row in rows)
    note = max((len(row.note) for row in rows), default=0) * _CHARACTER
    room = WIDTH - label - 18 - note
    parts = []
    bottom = 18 * len(rows) + 4
    for share in (0, 0.5, 1):
        x = label + share * room
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 13, f"{share:g}", "middle", css="soft"))
    for place, row in enumerate(rows):
        y = place * 18 + 11
        parts.append(_text(label - 6, y + 4, row.name, "end", limit=_letters(label)))
        if row.interval is not None:
            low, high = (label + share * room for share in row.interval)
            parts.append(f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="s0" cx="{label + row.value * room:.1f}" cy="{y}" r="4.5"/>')
        if row.note:
            parts.append(_text(WIDTH, y + 4, row.note, "end", css="soft"))
    return Plot(title, bottom + 20, tuple(parts))


def boxes(title: str, rows: Sequence[Box], unit: str) -> Plot:
    """For each row a bar from the lower to the upper quartile, and the median as a stroke."""
    label = _label_width(row.name for row in rows)
    room = WIDTH - label - 24
    most = _round(ceil(max((row.high for row in rows), default=0)), (1, 1.2, 1.5, 2, 3, 4, 5, 6, 8, 10))
    bottom = 24 * len(rows) + 4
    parts = []
    for share in (0, 0.5, 1):
        x = label + share * room
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 13, f"{most * share:g}", "middle", css="soft"))
    for place, row in enumerate(rows):
        top = place * 24 + 4
        low, middle, high = (label + value / most * room for value in (row.low, row.middle, row.high))
        parts += [
            _text(label - 6, top + 13, row.name, "end", limit=_letters(label)),
            f'<rect class="box" x="{low:.1f}" y="{top + 2}" width="{max(high - low, 1):.1f}" height="14" rx="2"/>',
            f'<line class="median" x1="{middle:.1f}" x2="{middle:.1f}" y1="{top}" y2="{top + 18}"/>',
        ]
    parts.append(_text(label + room / 2, bottom + 28, unit, "middle", css="soft"))
    return Plot(title, bottom + 32, tuple(parts))


def heat(title: str, rows: Sequence[str], cols: Sequence[str], counts: Mapping[tuple[str, str], int]) -> Plot:
    """A matrix of counts; darker cells are higher. Cells of a name with itself are outlined and not coloured."""
    label = min(_label_width(rows), 110)
    head = 8 + max((len(one_line(name, 16)) for name in cols), default=0) * _CHARACTER * 0.85
    lean = len(one_line(cols[-1], 16)) * _CHARACTER * 0.65 if cols else 0  # the last column's name leans to the right
    size = min((WIDTH - label - lean) / max(len(cols), 1), 34)
    most = max((count for (one, two), count in counts.items() if one != two), default=0) or 1
    parts = []
    for place, name in enumerate(cols):
        x, y = label + (place + 0.65) * size, head - 5
        text = _escaped(name, 16)
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" transform="rotate(-50 {x:.1f} {y:.1f})">{text}</text>')
    for down, one in enumerate(rows):
        y = head + down * size
        parts.append(_text(label - 6, y + size / 2 + 4, one, "end", limit=_letters(label)))
        for across, two in enumerate(cols):
            count, x = counts.get((one, two), 0), label + across * size
            css = "same" if one == two else "cell"
            share = 0.0 if one == two or not count else 0.15 + 0.85 * count / most
            parts.append(
                f'<rect class="{css}" x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{size - 1:.1f}" '
                f'height="{size - 1:.1f}" fill-opacity="{share:.2f}"/>'
            )
            if count:
                dark = " dark" if share > 0.55 else ""
                small = " small" if len(str(count)) * _CHARACTER > size - 2 else ""
                parts.append(_text(x + size / 2, y + size / 2 + 4, str(count), "middle", css=f"n{dark}{small}"))
    return Plot(title, head + len(rows) * size + 4, tuple(parts))


def colour(index: int) -> str:
    """The CSS class with the colour of a series."""
    return f"s{min(index, COLOURS - 1)}"


def _text(x: float, y: float, text: str, anchor: str = "start", *, limit: int = 40, css: str = "") -> str:
    end = f' text-anchor="{anchor}"' if anchor != "start" else ""
    named = f' class="{css}"' if css else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{end}{named}>{_escaped(text, limit)}</text>'


def _escaped(text: str, limit: int) -> Markup:
    return escape(one_line(text, limit))


def _grid(most: int, scale: float, floor: float, left: float) -> list[str]:
    parts = []
    for value in sorted({0, most // 2, most}):
        y = floor - value * scale
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH - 6}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(left - 5, y + 4, f"{value:,}", "end", css="soft"))
    return parts


def _round(most: int, steps: Sequence[float] = (1, 2, 3, 4, 6, 8, 10)) -> int:
    """The next round number: one of `steps` times a power of ten, and at least 4."""
    if most <= 4:
        return 4
    power: int = 10 ** int(log10(most))
    return next(ceil(step * power) for step in steps if step * power >= most)


def _label_width(names: Iterable[str]) -> float:
    longest = max((len(one_line(name, 40)) for name in names), default=0)
    return min(longest * _CHARACTER + 10, 150)


def _letters(width: float) -> int:
    return max(int((width - 6) / _CHARACTER), 4)


def _short(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
