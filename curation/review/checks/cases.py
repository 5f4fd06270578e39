"""The questions that an annotator answers in an article, each with what the text around says of it.

A case is a span that may be an entity or a trigger, a filler that may have a role, or an attribute. Its label is the
answer that stands in the annotation, NONE where nothing is marked. Its values, one a template, are what may tell the
answer: words, shapes, neighbours, what else is marked there, and what an engine says. Nothing is known of any label.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from curation.annotation import Annotation, Entity, Event, Item
from curation.metrics.matching import overlap_finder
from curation.review.checks.document import Document, spot
from curation.review.checks.doubt import Spot

NONE = ""
Question = Literal["entity", "event", "argument"]
NEAR = 12
"""How many words before an event are looked at for what it depends on."""


class Case(NamedTuple):
    """`spots`: the span in question, of an argument trigger and filler. `item`: the id of what stands there."""

    spots: tuple[Spot, ...]
    label: str
    values: list[str]
    item: str | None = None
    known: str = ""
    """The words by which one can tell whether anybody ever marks such a thing; of an argument the filler's id."""
    of: str = ""
    """Of an argument the event's type: a label is known as far as it was seen there."""


class _Layer:
    """The items of one annotation, found by span."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.at: dict[Spot, list[Item]] = defaultdict(list)
        for item in items:
            self.at[spot(item)].append(item)
        self._find = overlap_finder(items)

    def exact(self, where: Spot, without: Item | None = None) -> str:
        return "+".join(sorted({item.type for item in self.at.get(where, ()) if item is not without}))

    def over(self, where: Spot, without: Item | None = None) -> list[Item]:
        found = (self.items[place] for place in self._find(*where))
        return [item for item in found if item is not without and spot(item) != where]

    def around(self, where: Spot, without: Item | None = None) -> str:
        """The smallest item that holds the span, or crosses it, or lies in it: how, and its type."""
        others = self.over(where, without)
        holding = [item for item in others if item.start <= where[0] and item.end >= where[1]]
        if holding:
            item = min(holding, key=lambda one: one.end - one.start)
            edge = "end" if item.end == where[1] else "start" if item.start == where[0] else "middle"
            return f"in {item.type} {edge}"
        crossing = [item for item in others if item.start < where[0] or item.end > where[1]]
        return f"across {crossing[0].type}" if crossing else ""

    def within(self, where: Spot, without: Item | None = None) -> str:
        """What lies inside the span."""
        inner = [item for item in self.over(where, without) if item.start >= where[0] and item.end <= where[1]]
        return "+".join(sorted({item.type + (" last" if item.end == where[1] else " first") for item in inner}))


class Cases:
    """Every case of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        engine = document.engine
        self.entities, self.events = _Layer(document.entities), _Layer(document.events)
        self.engine_entities = _Layer(engine.entities if engine else ())
        self.engine_events = _Layer(engine.events if engine else ())
        self.engine_items = {item.id: item for item in engine.items()} if engine else {}
        self._roles: dict[str, list[str]] = defaultdict(list)
        for event in document.events:
            for argument in event.arguments:
                self._roles[argument.filler].append(f"{event.type}.{argument.role}")
        self._engine_roles: dict[Spot, list[str]] = defaultdict(list)
        if engine:
            for event in engine.events:
                for argument in event.arguments:
                    filler = self.engine_items[argument.filler]
                    self._engine_roles[spot(filler)].append(f"{event.type}.{argument.role}")
        self._twins: dict[str, Counter[str]] = defaultdict(Counter)
        for item in (*document.entities, *document.events):
            self._twins[self._text(spot(item))][item.type] += 1
        self._count: Counter[str] = Counter(document.text[start:end] for start, end in document.words)

    def of(self, question: Question, more: Iterable[Spot] = ()) -> Iterator[Case]:
        """The cases of one question: of spans, those that are marked, what an engine says, every word, and `more`."""
        if question == "argument":
            yield from self._arguments()
        else:
            yield from self._spans(question, more)

    def _text(self, where: Spot) -> str:
        return self.document.text[where[0] : where[1]]

    def _spans(self, question: Question, more: Iterable[Spot]) -> Iterator[Case]:
        entities = question == "entity"
        layer = self.entities if entities else self.events
        engine = self.engine_entities if entities else self.engine_events
        marked = set(layer.at)
        words = {where for where in self.document.words if self._text(where)[0].isalnum()}
        for where in sorted(marked.union(words, engine.at, more)):
            items: list[Item | None] = [*layer.at.get(where, ())] or [None]
            for item in items:
                values = self._entity(where, item) if entities else self._event(where, item)
                known = "" if where in engine.at else self._head(where)
                yield Case((where,), item.type if item else NONE, values, item.id if item else None, known)

    def _head(self, where: Spot) -> str:
        return self.document.word(self.document.word_at(where[1]) - 1)

    def _common(self, where: Spot, item: Item | None, layer: _Layer, engine: _Layer) -> list[str]:
        document = self.document
        inside = document.inside(where)
        first, last = inside.start, inside.stop - 1
        text = self._text(where)
        low = " ".join(text.lower().split())
        before, behind = document.word(first - 1), document.word(last + 1)
        said, near = engine.exact(where), engine.around(where)
        scores = [other.score for other in engine.at.get(where, ()) if other.score is not None]
        shape = _shape(text)
        return [
            "",
            low,
            document.word(last),
            low[-3:],
            low[:5],
            shape,
            before,
            behind,
            f"{before} {low}",
            f"{low} {behind}",
            document.word(first),
            f"{before} {document.word(first)}",
            f"{document.word(last)} {behind}",
            f"{document.edges(where)} {behind if not behind.isalnum() else ''}",
            f"{document.word(first - 2)} {before}",
            f"{behind} {document.word(last + 2)}",
            f"{before} {shape} {behind}",
            said,
            f"{said} {low}",
            f"{said} {round(10 * max(scores))}" if scores else said,
            f"{said} {near}",
            f"{said} {engine.within(where)}",
            f"{said} {shape} {near}",
            self._twin(where, item),
            layer.exact(where, item),
            layer.around(where, item),
            layer.within(where, item),
        ]

    def _entity(self, where: Spot, item: Item | None) -> list[str]:
        roles = "+".join(sorted(set(self._roles.get(item.id, ())))) if item else ""
        there = "+".join(sorted(set(self._engine_roles.get(where, ()))))
        head = self._head(where)
        return [
            *self._common(where, item, self.entities, self.engine_entities),
            self.events.exact(where),
            self.events.around(where),
            roles,
            f"{bool(roles)} {head}",
            f"{self.engine_entities.exact(where)} {there}",
            f"{self.entities.around(where, item)} {_shape(self._text(where))}",
            f"{self.entities.around(where, item)} {head}",
        ]

    def _event(self, where: Spot, item: Item | None) -> list[str]:
        low = self._text(where).lower()
        return [
            *self._common(where, item, self.events, self.engine_events),
            self.entities.exact(where),
            f"{self.entities.around(where)}",
            f"{low} {self.entities.exact(where)}",
            f"{low} {self.entities.around(where)}",
            self._neighbour(where[0], -1),
            self._neighbour(where[1], 1),
            f"{low} {self._neighbour(where[1], 1)}",
        ]

    def _neighbour(self, position: int, step: int) -> str:
        """The type of the entity that starts or ends within three words."""
        words = self.document.words
        number = self.document.word_at(position) - (step < 0)
        for place in range(number, number + 3 * step, step):
            if not 0 <= place < len(words):
                break
            for item in self.entities.over((words[place][0], words[place][1])):
                return item.type
            if found := self.entities.exact(words[place]):
                return found
        return ""

    def _twin(self, where: Spot, item: Item | None) -> str:
        """What the same string is called elsewhere in this article, and how much of it is marked."""
        text = self._text(where)
        types = self._twins.get(text)
        if types is None:
            return "alone" if self._count[text] <= 1 else "never"
        others = types - Counter([item.type] if item else [])
        if not others:
            return "alone" if self._count[text] <= 1 else "never"
        return max(sorted(others), key=others.__getitem__)

    def _arguments(self) -> Iterator[Case]:
        document = self.document
        by_sentence: dict[int, list[Item]] = defaultdict(list)
        for item in (*document.entities, *document.events):
            by_sentence[document.sentence(item.start)].append(item)
        for event in document.events:
            roles: dict[str, list[str]] = defaultdict(list)
            for argument in event.arguments:
                roles[argument.filler].append(argument.role)
            said = self._said_of(event)
            near = {item.id: item for item in by_sentence[document.sentence(event.start)] if item.id != event.id}
            near |= {name: document.items[name] for name in roles}
            for where in said:
                near |= {item.id: item for item in (*self.entities.at.get(where, ()), *self.events.at.get(where, ()))}
            near.pop(event.id, None)
            filled = [(document.items[argument.filler].type, argument.role) for argument in event.arguments]
            line = sorted(near.values(), key=spot)
            for item in line:
                role = "+".join(sorted(roles.get(item.id, [])))
                others = [one for one in filled if one != (item.type, role)] if role else filled
                yield Case(
                    (spot(event), spot(item)),
                    role,
                    self._argument(event, item, said, others, line),
                    event.id,
                    item.id,
                    event.type,
                )

    def _said_of(self, event: Event) -> dict[Spot, str]:
        """Filler span → role, as the engine has it at this trigger."""
        found: dict[Spot, str] = {}
        for other in (*self.engine_events.at.get(spot(event), ()), *self.engine_events.over(spot(event))):
            if isinstance(other, Event):
                for argument in other.arguments:
                    found.setdefault(spot(self.engine_items[argument.filler]), argument.role)
        return found

    def _argument(
        self, event: Event, item: Item, said: dict[Spot, str], others: list[tuple[str, str]], line: list[Item]
    ) -> list[str]:
        document = self.document
        left = item.start < event.start
        between = (item.end, event.start) if left else (event.end, item.start)
        words = [document.word(place) for place in document.inside(between)] if between[0] < between[1] else []
        ahead = document.word(document.word_at(item.start) - 1)
        if ahead in ("the", "a", "an", "its", "their", "his"):
            ahead = document.word(document.word_at(item.start) - 2)
        inner = [one for one in line if between[0] <= one.start and one.end <= between[1]]
        rivals = sum(one.type == item.type for one in inner)
        crossed = sum(isinstance(one, Event) for one in inner)
        apart = document.sentence(item.start) - document.sentence(event.start)
        side = "left" if left else "right"
        distance = (
            "0" if not words else "1" if len(words) < 2 else "3" if len(words) < 4 else "8" if len(words) < 9 else "9"
        )
        trigger = document.text[event.start : event.end].lower()
        auxiliary = document.word(document.word_at(event.start) - 1)
        form = f"{trigger[-3:]} {auxiliary if auxiliary in _AUXILIARIES else ''}"
        nested = self.entities.around(spot(item), item)
        role = said.get(spot(item), "")
        engine = f"{'+' if said else '-' if self.engine_events.exact(spot(event)) else '0'}{role}"
        same = "+".join(sorted({other for kind, other in others if kind == item.type}))
        filled = "+".join(sorted({other for _, other in others}))
        where = f"{side} {max(-2, min(2, apart))}"
        mention = " ".join(f"{name}={value}" for name, value in sorted(item.attributes.items()))
        kind = f"{event.type} {item.type}"
        return [
            where,
            kind,
            f"{kind} {where}",
            f"{kind} {where} {distance}",
            f"{kind} {where} {form}",
            f"{kind} {ahead}",
            f"{event.type} {ahead} {where}",
            f"{ahead} {item.type} {where}",
            f"{trigger} {item.type} {where}",
            f"{trigger} {item.type} {ahead}",
            f"{trigger} {' '.join(words[:2])}",
            f"{where} {distance} {min(rivals, 2)} {min(crossed, 2)}",
            f"{item.type} {where} {min(rivals, 3)} {min(crossed, 3)}",
            f"{kind} {where} {min(rivals, 1)} {min(crossed, 1)}",
            f"{side} {' '.join(words)}" if len(words) < 4 else f"{side} {words[0]} … {words[-1]}",
            engine,
            f"{engine} {kind}",
            f"{engine} {where} {distance}",
            f"{engine} {min(rivals, 1)} {min(crossed, 1)}",
            f"{item.type} {nested}",
            f"{event.type} {nested} {where}",
            f"{kind} {same}",
            f"{kind} {filled}",
            f"{engine} {filled}",
            f"{kind} {mention}",
            f"{engine} {min(len(others), 3)}",
            f"{where} {distance} {min(len(others), 3)}",
            f"{'comma' if ',' in words else ''}{'quote' if '”' in words or '“' in words else ''} {where} {item.type}",
            document.text[item.start : item.end].lower(),
            "+".join(sorted(set(self._roles.get(item.id, ())) - {f"{event.type}.{r}" for r in [role]}))[:80]
            if crossed
            else str(len(self._roles.get(item.id, ())) > 1),
        ]


_AUXILIARIES = frozenset(
    [
        "was",
        "were",
        "been",
        "be",
        "being",
        "is",
        "are",
        "had",
        "has",
        "have",
        "to",
        "by",
        "of",
        "the",
        "will",
        "would",
        "may",
    ]
)


def attribute_cases(document: Document, name: str, default: str, items: Sequence[Entity | Event]) -> Iterator[Case]:
    """The value of an attribute of every item that has it or might."""
    engine: Annotation | None = document.engine
    said = {(item.start, item.end): item.attributes.get(name, default) for item in engine.items()} if engine else {}
    owners: dict[str, list[tuple[Event, str]]] = defaultdict(list)
    for event in document.events:
        for argument in event.arguments:
            owners[argument.filler].append((event, argument.role))
    for item in items:
        where = spot(item)
        inside = document.inside(where)
        first, last = inside.start, inside.stop - 1
        text = document.text[item.start : item.end]
        low = text.lower()
        ahead = [document.word(place) for place in range(max(0, first - NEAR), first)]
        owner = [
            f"{event.type}.{role} {event.attributes.get(name, default)}" for event, role in owners.get(item.id, [])
        ]
        source = [document.text[event.start : event.end].lower() for event, _ in owners.get(item.id, [])]
        start = document.sentence(item.start)
        head = [
            word
            for place, word in zip(range(max(0, first - NEAR), first), ahead, strict=True)
            if document.sentence(document.words[place][0]) == start
        ]
        bag = [head[-1 - place] if place < len(head) else "" for place in range(NEAR)]
        values = [
            "",
            item.type,
            low,
            document.word(last),
            low[-3:],
            _shape(text),
            f"{_shape(text)} {item.type}",
            *bag[:3],
            f"{bag[1]} {bag[0]}",
            f"{bag[2]} {bag[1]} {bag[0]}",
            f"{bag[0]} {low[-2:]}",
            document.word(last + 1),
            said.get(where, "-"),
            f"{said.get(where, '-')} {item.type}",
            f"{said.get(where, '-')} {low[-3:]}",
            owner[0] if owner else "",
            source[0] if source else "",
        ]
        yield Case((where,), item.attributes.get(name, default), [*values, *(f"*{word}" for word in bag)], item.id)


def _shape(text: str) -> str:
    """`Xx 9`: capitals, small letters and digits of the first and last word, and how many words there are."""
    words = text.split()
    if not words:
        return ""

    def kind(word: str) -> str:
        if any(char.isdigit() for char in word):
            return "9"
        return "X" if word.isupper() and len(word) > 1 else "Xx" if word[0].isupper() else "x"

    return f"{kind(words[0])} {kind(words[-1])} {min(len(words), 4)}"
