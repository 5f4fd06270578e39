"""What a person left as it was: told by what stands at a place of the text, before and after."""

from __future__ import annotations

from collections.abc import Iterable

from curation.annotation import Annotation, Event, Item, Span
from curation.compare import overlap_finder

_Said = frozenset[tuple[object, ...]]


def left_alone(before: Annotation, after: Annotation, spans: Iterable[Span]) -> bool:
    """Does `after` say the same as `before` of everything that touches `spans`?

    That is: the same items with the same borders, types and attributes, and the same arguments of the events among
    them. Where nothing was and nothing is, it was left alone too.
    """
    places = list(spans)
    return _at(before, places) == _at(after, places)


def _at(annotation: Annotation, places: list[Span]) -> _Said:
    items = annotation.items()
    find = overlap_finder(items)
    by_id = {item.id: item for item in items}
    return frozenset(_said(items[number], by_id) for place in places for number in find(place.start, place.end))


def _said(item: Item, by_id: dict[str, Item]) -> tuple[object, ...]:
    arguments: frozenset[tuple[object, ...]] = frozenset()
    if isinstance(item, Event):
        arguments = frozenset((one.role, *_place(by_id[one.filler])) for one in item.arguments)
    return (isinstance(item, Event), *_place(item), frozenset(item.attributes.items()), arguments)


def _place(item: Item) -> tuple[int, int, str]:
    return item.start, item.end, item.type
