"""Errors seeded into annotations that are right, of the kinds people make, and which findings come upon them.

Written apart from the checks, and never tuned to them: `scripts/bench/checks.py` counts what the checks find.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.article import Article
from curation.schema import LabelSchema

Span = tuple[int, int]

SHARES: Mapping[str, int] = {
    "entity missed": 36,
    "entity spurious": 22,
    "entity type": 40,
    "entity too long": 24,
    "entity too short": 24,
    "event missed": 24,
    "event spurious": 14,
    "event type": 24,
    "trigger border": 10,
    "event doubled": 8,
    "argument missed": 22,
    "argument role": 20,
    "argument filler": 16,
    "attribute": 16,
}
"""How many errors of each kind: 300."""


class Seeded(NamedTuple):
    """An error: what was done, and where a curator has to look to see it.

    `spans` are places, any one of which tells: the item as it stands now, or the text that should be marked. An error
    in an argument has the trigger, and `other` is the filler (that of the argument as it is, or the one missing).
    """

    article_id: str
    kind: str
    spans: tuple[Span, ...]
    other: Span | None
    was: str
    now: str


def seed_errors(
    gold: Sequence[Annotation], articles: Mapping[str, Article], schema: LabelSchema, *, seed: int = 1
) -> tuple[list[Annotation], list[Seeded]]:
    """`gold` with the errors of `SHARES` in it, and what they are. No item gets two."""
    rng = random.Random(seed)
    pages = {one.article_id: _Page(one, articles[one.article_id], schema) for one in gold}
    order = sorted(pages)
    weights = [len(pages[name].entities) + len(pages[name].events) for name in order]
    errors: list[Seeded] = []
    for kind in [kind for kind, count in SHARES.items() for _ in range(count)]:
        for _ in range(500):
            page = pages[rng.choices(order, weights)[0]]
            made = _MAKERS[kind](page, rng)
            if made is not None:
                spans, other, was, now = made
                errors.append(Seeded(page.article.id, kind, spans, other, was, now))
                break
        else:
            raise ValueError(f"no room for another error of the kind {kind!r}")
    return [pages[one.article_id].annotation() for one in gold], errors


def found(errors: Iterable[Seeded], places: Iterable[tuple[str, Sequence[Span]]]) -> list[Seeded]:
    """The errors that findings come upon. A finding is an article and the spans it points at.

    It comes upon an error in a span when it points at exactly one of its places, or for text left unmarked at any that
    overlaps it. It comes upon one in an argument when it points at the trigger and, where it names more than one span,
    at the filler too.
    """
    pointed: dict[str, list[Sequence[Span]]] = {}
    for article_id, spans in places:
        pointed.setdefault(article_id, []).append([(start, end) for start, end in spans])
    return [error for error in errors if any(_upon(error, spans) for spans in pointed.get(error.article_id, ()))]


def _upon(error: Seeded, spans: Sequence[Span]) -> bool:
    if error.kind.endswith("missed") and not error.kind.startswith("argument"):
        return any(start < end_ and start_ < end for start, end in spans for start_, end_ in error.spans)
    if not any(span in error.spans for span in spans):
        return False
    return error.other is None or len(spans) == 1 or error.other in spans


Made = tuple[tuple[Span, ...], Span | None, str, str] | None


class _Page:
    """One annotation under change. `taken` holds the ids and spans that an error has touched."""

    def __init__(self, annotation: Annotation, article: Article, schema: LabelSchema) -> None:
        self.original, self.article, self.schema = annotation, article, schema
        self.entities: dict[str, Entity] = {one.id: one for one in annotation.entities}
        self.events: dict[str, Event] = {one.id: one for one in annotation.events}
        self.taken: set[str] = set()
        self.words = [match.span() for match in re.finditer(r"\w+(?:[-’']\w+)*", article.text)]
        self.made = 0

    def annotation(self) -> Annotation:
        return self.original.model_copy(
            update={"entities": tuple(self.entities.values()), "events": tuple(self.events.values())}
        )

    def text(self, span: Span) -> str:
        return self.article.text[slice(*span)]

    def pick(self, items: Mapping[str, Any], rng: random.Random) -> Any:
        free = [one for name, one in items.items() if name not in self.taken]
        if not free:
            return None
        return rng.choice(free)

    def new_id(self) -> str:
        self.made += 1
        return f"seeded-{self.made}"

    def fills(self, item_id: str) -> list[Event]:
        return [event for event in self.events.values() if any(one.filler == item_id for one in event.arguments)]

    def occupied(self, span: Span) -> bool:
        items = [*self.entities.values(), *self.events.values()]
        return any(one.start < span[1] and span[0] < one.end for one in items)


def _span(item: Item) -> Span:
    return item.start, item.end


def _changed(item: Any, **update: Any) -> Any:
    return item.model_copy(update=update)


def _missed(kind: str) -> Callable[[_Page, random.Random], Made]:
    def make(page: _Page, rng: random.Random) -> Made:
        items: dict[str, Any] = page.entities if kind == "entities" else page.events
        item = page.pick(items, rng)
        # Who overlooks a mention draws no arrow to it either; one that fills much is hard to overlook.
        if item is None or len(page.fills(item.id)) > 1:
            return None
        for event in page.fills(item.id):
            if event.id in page.taken:
                return None
            rest = tuple(one for one in event.arguments if one.filler != item.id)
            page.events[event.id] = _changed(event, arguments=rest)
            page.taken.add(event.id)
        del items[item.id]
        return (_span(item),), None, f"{item.type} {page.text(_span(item))!r}", "nothing"

    return make


def _spurious(kind: str) -> Callable[[_Page, random.Random], Made]:
    def make(page: _Page, rng: random.Random) -> Made:
        span = rng.choice(page.words)
        if page.occupied(span) or len(page.text(span)) < 4:
            return None
        name = page.new_id()
        page.taken.add(name)
        if kind == "entities":
            type_ = rng.choice(page.schema.entity_names)
            page.entities[name] = Entity(id=name, start=span[0], end=span[1], type=type_)
        else:
            type_ = rng.choice(page.schema.event_names)
            page.events[name] = Event(id=name, start=span[0], end=span[1], type=type_)
        return (span,), None, "nothing", f"{type_} {page.text(span)!r}"

    return make


CONFUSED = {
    "Person": ("ArmedGroup", "Organization"),
    "Organization": ("ArmedGroup", "GPE", "Facility"),
    "ArmedGroup": ("Organization", "Person", "GPE"),
    "GPE": ("Location", "Organization", "Facility"),
    "Location": ("GPE", "Facility"),
    "Facility": ("Location", "Organization", "GPE"),
    "Weapon": ("Vehicle", "Object"),
    "Vehicle": ("Weapon", "Object"),
    "Nationality": ("GPE", "Organization"),
    "Time": ("Quantity",),
    "Quantity": ("Time", "Object"),
    "Object": ("Weapon", "Facility", "Quantity"),
}
"""What a hurried person takes a type for."""


def _entity_type(page: _Page, rng: random.Random) -> Made:
    entity = page.pick(page.entities, rng)
    if entity is None:
        return None
    wrong = rng.choice(CONFUSED[entity.type])
    page.entities[entity.id] = _changed(entity, type=wrong)
    page.taken.add(entity.id)
    return (_span(entity),), None, entity.type, wrong


def _event_type(page: _Page, rng: random.Random) -> Made:
    event = page.pick(page.events, rng)
    if event is None:
        return None
    # A person sees at once a type that has none of the roles drawn, so the wrong one has them.
    roles = {one.role for one in event.arguments}
    like = [
        one.name for one in page.schema.event_types if one.name != event.type and roles <= {r.name for r in one.roles}
    ]
    if not like:
        return None
    wrong = rng.choice(like)
    page.events[event.id] = _changed(event, type=wrong)
    page.taken.add(event.id)
    return (_span(event),), None, event.type, wrong


def _longer(page: _Page, rng: random.Random) -> Made:
    return _border(page, rng, page.entities, longer=True)


def _shorter(page: _Page, rng: random.Random) -> Made:
    return _border(page, rng, page.entities, longer=False)


def _trigger_border(page: _Page, rng: random.Random) -> Made:
    return _border(page, rng, page.events, longer=rng.random() < 0.7)


def _border(page: _Page, rng: random.Random, items: dict[str, Any], *, longer: bool) -> Made:
    """A word too many or too few, and now and then a character: a slip of the mouse."""
    item = page.pick(items, rng)
    if item is None:
        return None
    slip, left = rng.random() < 0.25, rng.random() < 0.5
    start, end = item.start, item.end
    inside = [word for word in page.words if start <= word[0] and word[1] <= end]
    if slip:
        step = 1 if longer else -1
        start, end = (start - step, end) if left else (start, end + step)
    elif longer and left:
        before = [word for word in page.words if word[1] <= start]
        start = before[-1][0] if before else start
    elif longer:
        after = [word for word in page.words if word[0] >= end]
        end = after[0][1] if after else end
    elif len(inside) < 2:
        return None
    elif left:
        start = inside[1][0]
    else:
        end = inside[-2][1]
    now = (start, end)
    if now == _span(item) or not 0 <= start < end <= len(page.article.text) or "\n" in page.text(now):
        return None
    if any(_span(one) == now for one in items.values()):
        return None
    items[item.id] = _changed(item, start=start, end=end)
    page.taken.add(item.id)
    return (now, _span(item)), None, page.text(_span(item)), page.text(now)


def _doubled(page: _Page, rng: random.Random) -> Made:
    """The same event marked twice: the same trigger and type, the second without its arguments."""
    event = page.pick(page.events, rng)
    if event is None:
        return None
    name = page.new_id()
    page.events[name] = _changed(event, id=name, arguments=())
    page.taken.update((event.id, name))
    return (_span(event),), None, f"one {event.type}", f"two {event.type}"


def _argument(page: _Page, rng: random.Random) -> tuple[Event, Argument, Item] | None:
    event = page.pick({name: one for name, one in page.events.items() if one.arguments}, rng)
    if event is None:
        return None
    argument = rng.choice(event.arguments)
    filler = page.entities.get(argument.filler) or page.events.get(argument.filler)
    assert filler is not None
    return None if filler.id in page.taken else (event, argument, filler)


def _argument_missed(page: _Page, rng: random.Random) -> Made:
    drawn = _argument(page, rng)
    if drawn is None:
        return None
    event, argument, filler = drawn
    page.events[event.id] = _changed(event, arguments=tuple(one for one in event.arguments if one != argument))
    page.taken.add(event.id)
    return (_span(event),), _span(filler), f"{argument.role} {page.text(_span(filler))!r}", "nothing"


def _argument_role(page: _Page, rng: random.Random) -> Made:
    """Another role of the event that the filler may fill, so that nothing formal is wrong."""
    drawn = _argument(page, rng)
    if drawn is None:
        return None
    event, argument, filler = drawn
    declared = page.schema.event_type(event.type)
    assert declared is not None
    others = [
        one.name
        for one in declared.roles
        if one.name != argument.role
        and filler.type in page.schema.fillers[event.type, one.name]
        and not any(has.role == one.name and has.filler == filler.id for has in event.arguments)
    ]
    if not others:
        return None
    wrong = rng.choice(others)
    page.events[event.id] = _changed(
        event,
        arguments=tuple(Argument(role=wrong, filler=one.filler) if one == argument else one for one in event.arguments),
    )
    page.taken.add(event.id)
    return (_span(event),), _span(filler), argument.role, wrong


def _argument_filler(page: _Page, rng: random.Random) -> Made:
    """The arrow ends at another item near by; once in four at one that the role does not admit."""
    drawn = _argument(page, rng)
    if drawn is None:
        return None
    event, argument, filler = drawn
    admitted = page.schema.fillers[event.type, argument.role]
    fitting = rng.random() < 0.75
    near = sorted(
        (
            one
            for one in page.entities.values()
            if one.id != filler.id
            and (one.type in admitted) == fitting
            and all(has.filler != one.id for has in event.arguments)
        ),
        key=lambda one: abs(one.start - event.start),
    )[:4]
    if not near:
        return None
    wrong = rng.choice(near)
    page.events[event.id] = _changed(
        event,
        arguments=tuple(
            Argument(role=one.role, filler=wrong.id) if one == argument else one for one in event.arguments
        ),
    )
    page.taken.add(event.id)
    return (_span(event),), _span(wrong), page.text(_span(filler)), page.text(_span(wrong))


def _attribute(page: _Page, rng: random.Random) -> Made:
    kind = rng.choice(("entities", "events"))
    items: dict[str, Any] = page.entities if kind == "entities" else page.events
    item = page.pick(items, rng)
    if item is None:
        return None
    attribute = rng.choice(page.schema.attributes_of("entities" if kind == "entities" else "events"))
    was = item.attributes.get(attribute.name, attribute.default)
    wrong = rng.choice([name for name in attribute.names if name != was])
    items[item.id] = _changed(item, attributes={**item.attributes, attribute.name: wrong})
    page.taken.add(item.id)
    return (_span(item),), None, f"{attribute.name} {was}", f"{attribute.name} {wrong}"


_MAKERS: Mapping[str, Callable[[_Page, random.Random], Made]] = {
    "entity missed": _missed("entities"),
    "entity spurious": _spurious("entities"),
    "entity type": _entity_type,
    "entity too long": _longer,
    "entity too short": _shorter,
    "event missed": _missed("events"),
    "event spurious": _spurious("events"),
    "event type": _event_type,
    "trigger border": _trigger_border,
    "event doubled": _doubled,
    "argument missed": _argument_missed,
    "argument role": _argument_role,
    "argument filler": _argument_filler,
    "attribute": _attribute,
}


def counts(errors: Iterable[Seeded]) -> Counter[str]:
    """How many errors of each kind."""
    return Counter(error.kind for error in errors)
