"""Errors by kind, with a few examples of each in their context."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from heapq import heappush, heappushpop
from typing import Literal

from curation.article import Article, Value
from curation.errors import visible
from curation.metrics.matching import ItemT, Kind, Link, Pair, Part

CONTEXT = 60
"""Characters shown on either side of an example."""
LONGEST = 200
"""Longest span shown, in characters."""

Mistake = Literal["missed", "spurious", "wrong type", "wrong border", "wrong type and border"]
NAMES: dict[Kind, Mistake] = {
    "missed": "missed",
    "spurious": "spurious",
    "type": "wrong type",
    "border": "wrong border",
    "both": "wrong type and border",
}


class Side(Value):
    """A span as one of the two sides has it. `type` of an argument is its role."""

    start: int
    end: int
    type: str
    text: str


class Example(Value):
    """One mistake: the gold, the prediction (`said`), and the text around both.

    `trigger` is the event's, of an argument: its text and type.
    """

    article: str
    kind: Mistake
    gold: Side | None
    said: Side | None
    trigger: str | None = None
    before: str
    text: str
    after: str


class Examples:
    """Keeps at most `limit` examples of each kind of mistake in each section: a sample that has no order to it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: dict[tuple[Part, Mistake], list[tuple[int, Example]]] = {}

    def add(self, section: Part, article: Article, pairs: Iterable[Pair[ItemT]]) -> None:
        """Look at the pairs of one article."""
        for pair in pairs:
            if pair.kind == "same" or not self.limit:
                continue
            kept = self._kept.setdefault((section, NAMES[pair.kind]), [])
            # the hash decides, so the sample is the same whatever order the articles come in
            item = pair.reference or pair.other
            named = f"{article.id} {section} {item.start if item else 0} {item.end if item else 0} {pair.kind}"
            rank = -int.from_bytes(hashlib.sha256(named.encode()).digest()[:7])
            if len(kept) >= self.limit and rank <= kept[0][0]:
                continue
            if any(rank == other for other, _ in kept):
                continue
            entry = (rank, _example(article, pair))
            if len(kept) < self.limit:
                heappush(kept, entry)
            else:
                heappushpop(kept, entry)

    def of(self, section: Part) -> tuple[Example, ...]:
        """The examples of a section, kind by kind."""
        found = []
        for name in NAMES.values():
            found += [example for _, example in sorted(self._kept.get((section, name), []), key=lambda one: -one[0])]
        return tuple(found)


def _example(article: Article, pair: Pair[ItemT]) -> Example:
    sides = [side for side in (pair.reference, pair.other) if side is not None]
    start, end = min(side.start for side in sides), max(side.end for side in sides)
    trigger = sides[0].trigger if isinstance(sides[0], Link) else None
    return Example(
        article=article.id,
        kind=NAMES[pair.kind],
        gold=_side(article, pair.reference),
        said=_side(article, pair.other),
        trigger=None if trigger is None else f"{_cut(article.text[trigger[0] : trigger[1]])} ({trigger[2]})",
        before=_flat(article.text[max(0, start - CONTEXT) : start]),
        text=_cut(article.text[start:end]),
        after=_flat(article.text[end : end + CONTEXT]),
    )


def _side(article: Article, item: ItemT | None) -> Side | None:
    if item is None:
        return None
    return Side(start=item.start, end=item.end, type=item.type, text=_cut(article.text[item.start : item.end]))


def _cut(text: str) -> str:
    flat = _flat(text)
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


def _flat(text: str) -> str:
    """One line, character for character."""
    return "".join(" " if char.isspace() else char for char in visible(text))
