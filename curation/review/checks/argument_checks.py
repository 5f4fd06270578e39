"""Checks of events and overlaps: by the label schema (filler types, required roles), and by rare patterns.

Rare patterns are: one filler in two roles, two events that are arguments of each other, a filler in another paragraph,
one trigger of two events, overlapping items of one type.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from curation.annotation import Event, Item
from curation.metrics.matching import overlap_finder
from curation.review.checks.document import Document, spot
from curation.review.checks.finding import Hint, Kind, rare
from curation.schema import LabelSchema

Pattern = tuple[Any, ...]
LIKE: dict[Kind, float] = {
    "two-roles": 0.02,
    "circle": 0.03,
    "far-filler": 0.03,
    "doubled-event": 0.05,
    "overlap": 0.03,
}
"""The assumed share of mistakes that look like each pattern."""
LEAST = 0.03
"""Hints with a lower score are left out."""
CERTAIN = 0.999
ARGUMENTS: tuple[Kind, ...] = (*LIKE, "filler-type", "role-missing")


class ArgumentChecks:
    """Counts patterns. Call `learn` with every document first. Without a schema only the patterns are checked."""

    def __init__(self, schema: LabelSchema | None) -> None:
        self._schema = schema
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
        """What the schema does not allow in one document, and what is rare."""
        if self._schema is not None:
            yield from _by_schema(document, self._schema)
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
                first, second = sorted(those)[:2]
                what = f"{at}: {who} is both {first} and {second}."
                yield ("two-roles", event.type, first, second), (event, filler), what
            if document.paragraph(filler.start) != document.paragraph(event.start):
                for role in those:
                    what = f"{at}: its {role} {who} is in another paragraph."
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
                    quotes = f"{document.quote(spot(item))} and {document.quote(spot(other))}"
                    what = f"{quotes} overlap, and both are {item.type}."
                    yield ("overlap", item.type, how), (item, other), what


def _by_schema(document: Document, schema: LabelSchema) -> Iterator[Hint]:
    """Fillers of a type that the role does not allow, and required roles without a filler."""
    for event in document.events:
        event_type = schema.event_type(event.type)
        if event_type is None:
            continue
        filled = {argument.role for argument in event.arguments}
        for argument in event.arguments:
            filler = document.items[argument.filler]
            allowed = schema.fillers.get((event.type, argument.role))
            if allowed is None or filler.type not in allowed:
                yield Hint(
                    "filler-type",
                    CERTAIN,
                    (spot(filler), spot(event)),
                    (filler.type, event.type, argument.role),
                    f"{document.quote(spot(filler))} is {filler.type}, which cannot be the {argument.role} of "
                    f"{event.type} {document.quote(spot(event))}.",
                )
        for role in event_type.roles:
            if role.required and role.name not in filled:
                yield Hint(
                    "role-missing",
                    CERTAIN,
                    (spot(event),),
                    (event.type, role.name),
                    f"{event.type} {document.quote(spot(event))} has no {role.name}, which is required.",
                )
