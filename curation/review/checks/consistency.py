"""Checks of equal strings: labelled differently, or marked in one place and not in another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from curation.annotation import Item
from curation.metrics.matching import overlap_finder
from curation.review.checks.document import Document, spot
from curation.review.checks.finding import OMISSIONS, Hint, Kind, Spot, doubtful

CONSISTENCY: tuple[Kind, ...] = (
    "label-here",
    "label-elsewhere",
    "unmarked-here",
    "unmarked-elsewhere",
    "unmarked-trigger",
    "odd-trigger",
)
LEAST = 0.05
FEWEST = 3
"""A string must occur elsewhere in the corpus more often than this."""


class Consistency:
    """Counts the labels of strings, and their unmarked occurrences. Call `learn` with every document first."""

    def __init__(self) -> None:
        self._entities: dict[str, Counter[str]] = defaultdict(Counter)
        self._triggers: dict[str, Counter[str]] = defaultdict(Counter)
        self._marked: Counter[str] = Counter()  # places; a place with two labels counts once
        self._triggering: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._low: Counter[str] = Counter()

    def learn(self, document: Document) -> None:
        """Count one document in."""
        for start, end in document.words:
            word = document.text[start:end]
            if word[0].isalnum():
                self._words[word] += 1
                self._low[word.lower()] += 1
        for entity in document.entities:
            self._entities[_string(document, spot(entity))][entity.type] += 1
        for event in document.events:
            self._triggers[_string(document, spot(event)).lower()][event.type] += 1
        self._marked.update(_string(document, where) for where in {spot(entity) for entity in document.entities})
        self._triggering.update(
            _string(document, where).lower() for where in {spot(event) for event in document.events}
        )

    def hints(self, document: Document) -> Iterator[Hint]:
        """What differs from equal strings in one document."""
        here: dict[str, Counter[str]] = defaultdict(Counter)
        for entity in document.entities:
            here[_string(document, spot(entity))][entity.type] += 1
        for entity in document.entities:
            string = _string(document, spot(entity))
            yield from _labelled(document, entity, here[string], "label-here", "in this article", 1)
            yield from _labelled(document, entity, self._entities[string], "label-elsewhere", "in the corpus", FEWEST)
        for event in document.events:
            string = _string(document, spot(event)).lower()
            types, total = self._triggers[string], self._low[string]
            yield from _labelled(document, event, types, "label-elsewhere", "in the corpus", FEWEST)
            marked = self._triggering[string]
            score = doubtful((marked - 0.5) / total) if total > FEWEST else 0.0
            if score >= LEAST:
                quote = document.quote(spot(event))
                what = f"{quote} is a trigger here, and elsewhere in {marked - 1} of {total - 1} places."
                yield Hint("odd-trigger", score, (spot(event),), (event.type,), what)
        yield from self._unmarked(document, here)

    def _unmarked(self, document: Document, here: dict[str, Counter[str]]) -> Iterator[Hint]:
        places: dict[str, list[Spot]] = defaultdict(list)
        for where in _occurrences(document, here):
            places[_string(document, where)].append(where)
        inside = overlap_finder(document.entities)
        triggers = overlap_finder(document.events)
        for where in document.words:
            word = document.text[where[0] : where[1]]
            if word not in here and (word in self._entities or word.lower() in self._triggers):
                places[word].append(where)
        for string, spots in places.items():
            free = [where for where in spots if not any(True for _ in inside(*where))]
            if string in here:
                marked, label = here[string].total(), _most(here[string])
                score = doubtful((len(free) - 0.5) / (marked + len(free))) if free else 0.0
                if score >= LEAST:
                    what = f"“{string}” is {label} elsewhere in this article, {marked} times, and not marked here."
                    yield from (Hint("unmarked-here", score, (where,), (label,), what) for where in free)
            yield from self._unmarked_elsewhere(string, free)
            untriggered = [where for where in free if not any(True for _ in triggers(*where))]
            yield from self._unmarked_trigger(string, untriggered)

    def _unmarked_elsewhere(self, string: str, free: list[Spot]) -> Iterator[Hint]:
        types, marked, total = self._entities.get(string), self._marked[string], self._words[string]
        if types and total > FEWEST:
            score = doubtful(max(total - marked - 0.5, 0.5) / total, OMISSIONS)
            if score >= LEAST:
                label = _most(types)
                what = f"“{string}” is not marked; in the corpus it is {label}, marked in {marked} of {total} places."
                yield from (Hint("unmarked-elsewhere", score, (where,), (label,), what) for where in free)

    def _unmarked_trigger(self, string: str, free: list[Spot]) -> Iterator[Hint]:
        low = string.lower()
        types, marked, total = self._triggers.get(low), self._triggering[low], self._low[low]
        if types and total > FEWEST:
            score = doubtful(max(total - marked - 0.5, 0.5) / total, OMISSIONS)
            if score >= LEAST:
                label = _most(types)
                what = f"“{string}” is no trigger here; in the corpus it is one in {marked} of {total} places: {label}."
                yield from (Hint("unmarked-trigger", score, (where,), (label,), what) for where in free)


def _labelled(
    document: Document, item: Item, types: Counter[str], kind: Kind, where: str, fewest: int
) -> Iterator[Hint]:
    others = types.total() - 1
    if others < fewest or types[item.type] - 1 == others:
        return
    score = doubtful((types[item.type] - 0.5) / (others + 1))
    usual = _most(Counter({name: count for name, count in types.items() if name != item.type}))
    if score >= LEAST:
        what = f"{document.quote(spot(item))} is {item.type} here and {usual} elsewhere {where}, {types[usual]} times."
        yield Hint(kind, score, (spot(item),), (item.type, usual), what)


def _occurrences(document: Document, strings: Iterable[str]) -> Iterator[Spot]:
    """The places of the strings as whole words."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for string in strings:
        by_first[string.split(" ", 1)[0]].append(string)
    for start, end in document.words:
        for string in by_first.get(document.text[start:end], ()):
            stop = start + len(string)
            behind = document.text[stop : stop + 1]
            if document.text.startswith(string, start) and not behind.isalnum():
                yield start, stop


def _string(document: Document, where: Spot) -> str:
    return " ".join(document.text[where[0] : where[1]].split())


def _most(types: Counter[str]) -> str:
    return max(sorted(types), key=types.__getitem__)
