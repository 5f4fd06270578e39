"""Checks of arguments and triggers by how rare their pattern is: two roles, circles, far fillers, doubles, overlaps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from curation.annotation import Event, Item
from curation.metrics.matching import overlap_finder
from curation.review.checks.document import Document, spot
from curation.review.checks.doubt import Hint, Kind, rare

Pattern = tuple[Any, ...]
LIKE: dict[Kind, float] = {
    "two-roles": 0.02,
    "circle": 0.03,
    "far-filler": 0.03,
    "doubled-event": 0.05,
    "overlap": 0.03,
}
"""The share of mistakes that look like each, as far as one can guess it."""
LEAST = 0.03


class Links:
    """Counts patterns. Call `learn` with every document first."""

    def __init__(self) -> None:
        self._seen: Counter[Pattern] = Counter()
        self._of: Counter[Pattern] = Counter()

    def learn(self, document: Document) -> None:
        """Count one document in."""
        for event in document.events:
            self._of["events",] += 1
            for argument in event.arguments:
                self._of["arguments",] += 1
                self._of["role", argument.role] += 1
        for entity in document.entities:
            self._of["type", entity.type] += 1
        for pattern, _, _ in self._found(document):
            self._seen[pattern] += 1

    def hints(self, document: Document) -> Iterator[Hint]:
        """What is rare in one document."""
        for pattern, items, what in self._found(document):
            kind, size = pattern[0], self._size(pattern)
            score = rare(self._seen[pattern], size, LIKE[kind])
            if score >= LEAST:
                labels = (*(item.type for item in items), *pattern[1:])
                yield Hint(kind, score, tuple(spot(item) for item in items), labels, what)

    def _size(self, pattern: Pattern) -> int:
        if pattern[0] == "far-filler":
            return self._of["role", pattern[1]]
        if pattern[0] == "overlap":
            return self._of["type", pattern[1]] or self._of["events",]
        return self._of["events",]

    def _found(self, document: Document) -> Iterator[tuple[Pattern, tuple[Item, ...], str]]:
        for event in document.events:
            yield from self._arguments(document, event)
        yield from self._doubled(document)
        yield from self._overlaps(document)

    @staticmethod
    def _arguments(document: Document, event: Event) -> Iterator[tuple[Pattern, tuple[Item, ...], str]]:
        at = f"{event.type} {document.quote(spot(event))}"
        roles: dict[str, list[str]] = defaultdict(list)
        for argument in event.arguments:
            roles[argument.filler].append(argument.role)
        for name, those in roles.items():
            filler = document.items[name]
            who = document.quote(spot(filler))
            if len(those) > 1:
                one, two = sorted(those)[:2]
                yield ("two-roles", event.type, one, two), (event, filler), f"{at}: {who} is both {one} and {two}."
            if document.paragraph(filler.start) != document.paragraph(event.start):
                for role in those:
                    what = f"{at}: its {role} {who} stands in another paragraph."
                    yield ("far-filler", role), (event, filler), what
            if (
                isinstance(filler, Event)
                and spot(event) < spot(filler)
                and any(argument.filler == event.id for argument in filler.arguments)
            ):
                what = f"{at} and {filler.type} {who} are arguments of each other."
                yield ("circle",), (event, filler), what

    @staticmethod
    def _doubled(document: Document) -> Iterator[tuple[Pattern, tuple[Item, ...], str]]:
        here: dict[tuple[int, int], list[Event]] = defaultdict(list)
        for event in document.events:
            here[spot(event)].append(event)
        for where, events in here.items():
            if len(events) > 1:
                types = " and ".join(event.type for event in events)
                what = f"{document.quote(where)} is the trigger of {len(events)} events: {types}."
                same = "same" if len({event.type for event in events}) < len(events) else "other"
                yield ("doubled-event", same), (events[0],), what

    @staticmethod
    def _overlaps(document: Document) -> Iterator[tuple[Pattern, tuple[Item, ...], str]]:
        for items in (document.entities, document.events):
            find = overlap_finder(items)
            for place, item in enumerate(items):
                for other_place in find(item.start, item.end):
                    other = items[other_place]
                    if (
                        other_place == place
                        or other.type != item.type
                        or (spot(other), other_place) < (spot(item), place)
                    ):
                        continue
                    if spot(other) == spot(item) and isinstance(item, Event):
                        continue
                    how = "same" if spot(other) == spot(item) else "part"
                    one, two = document.quote(spot(item)), document.quote(spot(other))
                    what = f"{one} and {two} overlap, and both are {item.type}."
                    yield ("overlap", item.type, how), (item, other), what
