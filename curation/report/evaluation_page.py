"""The page of an evaluation: the figures, the errors, and the texts with gold and prediction side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from curation.errors import visible
from curation.metrics.error_examples import NAMES
from curation.metrics.evaluation import Compared, Evaluation
from curation.metrics.matching import Kind, Pair
from curation.report.html import render

SHOWN_ARTICLES = 40
"""Articles whose texts are on the page."""
SHOWN_CHARACTERS = 20_000
"""Characters shown of one text."""
SHOWN_ARGUMENTS = 300
"""Arguments listed of one article."""

SIGNS: dict[Kind, str] = {"same": "", "missed": "−", "spurious": "+", "type": "≠", "border": "↔", "both": "≠↔"}
"""Shown beside the colour, for people who cannot see it."""


class Mark(NamedTuple):
    """A span of one side, and how it compares with the other side."""

    start: int
    end: int
    type: str
    of: Literal["entity", "event"]
    kind: Kind

    @property
    def verdict(self) -> str:
        """The kind in words."""
        return NAMES.get(self.kind, "right")

    @property
    def sign(self) -> str:
        """The kind as a sign; empty if it is right."""
        return SIGNS[self.kind]


class Token(NamedTuple):
    """A part of a marked text: text, or a mark that opens, closes, or pauses (where spans cross)."""

    do: Literal["text", "open", "close", "pause"]
    text: str = ""
    mark: Mark | None = None


class Paragraph(NamedTuple):
    """One line of a text with the marks of gold and prediction; `differ` is False if both are the same."""

    gold: list[Token]
    predicted: list[Token]
    differ: bool


class Row(NamedTuple):
    """One argument of both sides."""

    trigger: str
    event: str
    role: str
    gold: str | None
    predicted: str | None
    verdict: str
    sign: str


class Shown(NamedTuple):
    """One article on the page."""

    id: str
    mistakes: int
    paragraphs: list[Paragraph]
    rows: list[Row]
    cut: bool


def evaluation_page(evaluation: Evaluation, articles: Sequence[Compared], *, measured: str, gold: str) -> str:
    """The page, as HTML.

    Args:
        evaluation: the figures.
        articles: the articles whose texts are shown.
        measured: name of what was measured, for the heading.
        gold: name of the gold.
    """
    sections = {"Entities": evaluation.entities, "Triggers": evaluation.triggers, "Arguments": evaluation.arguments}
    return render(
        "evaluation.html.jinja",
        styles=("base.css", "evaluation.css"),
        evaluation=evaluation,
        sections={name: section for name, section in sections.items() if section is not None},
        articles=[_shown(one) for one in articles],
        measured=measured,
        gold=gold,
    )


def _shown(compared: Compared) -> Shown:
    text = visible(compared.article.text[:SHOWN_CHARACTERS])
    sides: list[list[Mark]] = [[], []]
    pairs: tuple[Pair[Any], ...] = (*compared.entities, *compared.events)
    for place, pair in enumerate(pairs):
        of: Literal["entity", "event"] = "entity" if place < len(compared.entities) else "event"
        for marks, item in zip(sides, (pair.reference, pair.other), strict=True):
            if item is not None and item.start < len(text):
                marks.append(Mark(item.start, min(item.end, len(text)), item.type, of, pair.kind))
    return Shown(
        id=compared.article.id,
        mistakes=sum(pair.kind != "same" for pair in (*pairs, *compared.arguments)),
        paragraphs=list(_paragraphs(text, *sides)),
        rows=list(_rows(compared)),
        cut=len(compared.article.text) > len(text),
    )


def _paragraphs(text: str, gold: list[Mark], predicted: list[Mark]) -> Iterator[Paragraph]:
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if line.strip():
            here, there = _within(gold, start, end), _within(predicted, start, end)
            differ = any(mark.kind != "same" for mark in (*here, *there))
            yield Paragraph(list(_tokens(text, here, start, end)), list(_tokens(text, there, start, end)), differ)
        start = end + 1


def _within(marks: Iterable[Mark], start: int, end: int) -> list[Mark]:
    return [
        mark._replace(start=max(mark.start, start), end=min(mark.end, end))
        for mark in marks
        if mark.start < end and mark.end > start
    ]


def _tokens(text: str, marks: Sequence[Mark], start: int, end: int) -> Iterator[Token]:
    """The text from `start` to `end` with nested marks; where two cross, the later one is closed and opened again."""
    waiting = sorted(marks, key=lambda mark: (-mark.start, mark.end, mark.of == "entity"))  # next one last
    opened: list[Mark] = []
    borders = sorted({start, end, *(mark.start for mark in marks), *(mark.end for mark in marks)})
    for place, border in enumerate(borders):
        again: list[Mark] = []
        while any(mark.end == border for mark in opened):
            mark = opened.pop()
            if mark.end == border:
                yield Token("close", mark=mark)
            else:
                yield Token("pause", mark=mark)
                again.append(mark)
        while waiting and waiting[-1].start == border:
            again.insert(0, waiting.pop())
        for mark in reversed(again):
            opened.append(mark)
            yield Token("open", mark=mark)
        if place + 1 < len(borders):
            yield Token("text", text[border : borders[place + 1]])


def _rows(compared: Compared) -> Iterator[Row]:
    def words(item: Any) -> str:
        return visible(compared.article.text[item[0] : min(item[1], item[0] + 100)])

    for pair in compared.arguments[:SHOWN_ARGUMENTS]:
        gold, predicted = pair.reference, pair.other
        link = gold or predicted
        if link is None:
            continue
        roles = [side.type for side in (gold, predicted) if side is not None]
        yield Row(
            trigger=words(link.trigger),
            event=link.trigger[2],
            role=" → ".join(dict.fromkeys(roles)),
            gold=words((gold.start, gold.end)) if gold else None,
            predicted=words((predicted.start, predicted.end)) if predicted else None,
            verdict=NAMES.get(pair.kind, "right"),
            sign=SIGNS[pair.kind],
        )
