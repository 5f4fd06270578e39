"""Checks against a second opinion: where an engine differs, weighted by how often people agree with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from curation.annotation import Item
from curation.metrics.matching import Pair, match, match_links
from curation.review.checks.document import Document, spot
from curation.review.checks.finding import Hint, Spot, doubtful

LEAST = 0.03


class SecondOpinion:
    """Counts how often people agree with the engine, by label and score. Call `learn` with every document first."""

    def __init__(self) -> None:
        self._predicted: Counter[tuple[str, str, int]] = Counter()
        self._agreed: Counter[tuple[str, str, int]] = Counter()

    def learn(self, document: Document) -> None:
        """Count one document in."""
        for section, pair in _pairs(document):
            if pair.other is not None:
                key = _key(section, pair.other)
                self._predicted[key] += 1
                self._agreed[key] += pair.kind == "same"

    def hints(self, document: Document) -> Iterator[Hint]:
        """Where the engine differs in one document."""
        for section, pair in _pairs(document):
            other, marked = pair.other, pair.reference
            if other is None or pair.kind == "same":
                continue
            key = _key(section, other)
            agreed = (self._agreed[key] + 0.5) / (self._predicted[key] + 1)
            score = doubtful(1 - agreed)
            if score < LEAST:
                continue
            sure = f"people agree with it there in {agreed:.0%} of the cases"
            spots: tuple[Spot, ...]
            labels: tuple[str, ...]
            quoted = document.quote((other.start, other.end))
            if section == "arguments":
                trigger = other.trigger
                at = f"{trigger[2]} {document.quote(trigger[:2])}"
                what = f"{at}: the engine takes {quoted} for the {other.type}; {sure}."
                spots = (trigger[:2], (other.start, other.end))
                labels = (trigger[2], other.type, marked.type if marked else "")
            elif marked is None:
                what = f"{quoted} is not marked; the engine takes it for {other.type}; {sure}."
                spots, labels = ((other.start, other.end),), (other.type,)
            else:
                what = f"{marked.type} {document.quote(spot(marked))}: the engine has {other.type} {quoted}; {sure}."
                spots, labels = (spot(marked), (other.start, other.end)), (marked.type, other.type)
            yield Hint("engine", score, spots, labels, what)


def _pairs(document: Document) -> Iterator[tuple[str, Pair[Any]]]:
    if document.engine is None:
        return
    yield from (("entities", pair) for pair in match(document.entities, document.engine.entities))
    yield from (("events", pair) for pair in match(document.events, document.engine.events))
    triggers = {(event.start, event.end, event.type) for event in document.events}
    for pair in match_links(document.said, document.engine):
        # an argument of a trigger that the person did not mark is already covered by the trigger
        if pair.other is None or pair.other.trigger in triggers:
            yield "arguments", pair


def _key(section: str, item: Item) -> tuple[str, str, int]:
    return section, item.type, -1 if item.score is None else round(5 * item.score)
