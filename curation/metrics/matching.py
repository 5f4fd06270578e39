"""The one place that matches two annotations: spans, types, arguments.

Evaluation, corrections, agreement and release diffs are all based on `match` and `compare`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Generic, Literal, Protocol, TypeVar

from curation.annotation import Annotation, Entity, Event, Item, Span

Part = Literal["entities", "events", "arguments"]
PARTS: tuple[Part, ...] = ("entities", "events", "arguments")
Kind = Literal["same", "type", "border", "both", "missed", "spurious"]

FILLER = "(filler)"
"""Type of an entity that is in an annotation only because a role needs it: the ontology in use has no name for it, so
it is not scored as an entity."""


class Labelled(Protocol):
    """A span with a type, which can be matched: entities, events, and arguments as `links` gives them."""

    @property
    def start(self) -> int:
        """First code point."""

    @property
    def end(self) -> int:
        """One after the last code point."""

    @property
    def type(self) -> str:
        """Its label."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Its attributes; they decide between items that are equal otherwise."""


ItemT = TypeVar("ItemT", bound=Labelled)
Trigger = tuple[int, int, str]
"""Start, end and type of an event's trigger."""


@dataclass(frozen=True)
class Pair(Generic[ItemT]):
    """Two items that correspond to each other, or one without a counterpart.

    `kind`: `same` span and type; `type` differs; `border` differs; `both` differ (the spans overlap);
    `missed` (only in the reference, `other` is None); `spurious` (only in the other, `reference` is None).
    """

    kind: Kind
    reference: ItemT | None
    other: ItemT | None


@dataclass(frozen=True)
class ArgumentKey:
    """An argument by its content, not by ids: trigger span and type, role, filler span and type."""

    trigger: Trigger
    role: str
    filler: tuple[int, int, str]


@dataclass(frozen=True)
class Link:
    """An argument that can be matched: the filler's span, with the role as its type, at its event's trigger."""

    start: int
    end: int
    type: str
    trigger: Trigger
    score: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Comparison:
    """How `other` differs from `reference`, item by item. Arguments count as same end to end (see ArgumentKey)."""

    entities: tuple[Pair[Entity], ...]
    events: tuple[Pair[Event], ...]
    arguments_same: tuple[ArgumentKey, ...]
    arguments_missed: tuple[ArgumentKey, ...]
    arguments_spurious: tuple[ArgumentKey, ...]

    @property
    def equal(self) -> bool:
        """Same spans, types, attributes and arguments; ids, scores and origins may differ."""
        pairs: tuple[Pair[Any], ...] = (*self.entities, *self.events)
        return all(_same(pair) for pair in pairs) and not self.arguments_missed and not self.arguments_spurious


def compare(reference: Annotation, other: Annotation) -> Comparison:
    """Match every item of two annotations of the same text.

    Items pair in this order, each at most once: same span and type; same span; overlap with the same type; any
    overlap. Among overlaps the widest shared stretch goes first, then the earlier span.

    Raises:
        ValueError: the two are of different texts.
    """
    if reference.text_sha256 != other.text_sha256:
        raise ValueError(f"{reference.article_id}: the two annotations are of different texts")
    wanted, found = Counter(arguments(reference)), Counter(arguments(other))
    return Comparison(
        entities=tuple(match(reference.entities, other.entities)),
        events=tuple(match(reference.events, other.events)),
        arguments_same=_sorted(wanted & found),
        arguments_missed=_sorted(wanted - found),
        arguments_spurious=_sorted(found - wanted),
    )


def match(reference: Sequence[ItemT], other: Sequence[ItemT]) -> list[Pair[ItemT]]:
    """Pair the items of two lists by the rules of `compare`; every item of both lists is in exactly one pair."""
    pairs: list[Pair[ItemT]] = []
    left, right = dict(enumerate(reference)), dict(enumerate(other))
    spans = _by_key(right, _span)
    for span, ones in _by_key(left, _span).items():
        for kind, i, j in _of_one_span(reference, ones, other, spans[span]) if span in spans else ():
            pairs.append(Pair(kind, left.pop(i), right.pop(j)))
    for kind, i, j in _overlaps(left, right) if left and right else ():
        if i in left and j in right:
            pairs.append(Pair(kind, left.pop(i), right.pop(j)))
    pairs += [Pair("missed", item, None) for item in left.values()]
    pairs += [Pair("spurious", None, item) for item in right.values()]
    return sorted(pairs, key=_place)


def match_all(
    reference: Annotation, other: Annotation
) -> dict[Literal["entities", "events", "arguments"], list[Pair[Any]]]:
    """Pair the entities, the events by their triggers, and the arguments (see `match_links`) of two annotations."""
    return {
        "entities": match(reference.entities, other.entities),
        "events": match(reference.events, other.events),
        "arguments": match_links(reference, other),
    }


def match_links(reference: Annotation, other: Annotation) -> list[Pair[Link]]:
    """Pair the arguments of two annotations, end to end: only those of one trigger, same span and type, can pair.

    Then as `match` does, with the role as the type: `same` role and filler span, `type` another role, `border` a
    filler that overlaps. The type of the filler plays no part.
    """
    pairs: list[Pair[Link]] = []
    sides: dict[Trigger, tuple[list[Link], list[Link]]] = {}
    for side, annotation in enumerate((reference, other)):
        for link in links(annotation):
            sides.setdefault(link.trigger, ([], []))[side].append(link)
    for _, (one, two) in sorted(sides.items()):
        pairs += match(one, two)
    return pairs


def links(annotation: Annotation) -> Iterator[Link]:
    """Every argument of `annotation` in a form that can be matched."""
    items = {item.id: item for item in annotation.items()}
    for event in annotation.events:
        trigger = (event.start, event.end, event.type)
        for argument in event.arguments:
            filler = items[argument.filler]
            yield Link(filler.start, filler.end, argument.role, trigger, argument.score)


def overlap_finder(items: Sequence[Labelled]) -> Callable[[int, int], Iterator[int]]:
    """A function of start and end: the indices in `items` of the items that overlap that span, by start.

    It visits few other items, so that the time does not grow with the square of the length of a text.
    """
    order = sorted(range(len(items)), key=lambda place: items[place].start)
    reach = list(accumulate((items[place].end for place in order), max))  # how far those up to here go

    def find(start: int, end: int) -> Iterator[int]:
        for rank in range(bisect_right(reach, start), len(order)):
            item = items[order[rank]]
            if item.start >= end:
                break
            if item.end > start:
                yield order[rank]

    return find


def arguments(annotation: Annotation) -> Iterator[ArgumentKey]:
    """Every argument of `annotation` by its content."""
    spans = {item.id: (item.start, item.end, item.type) for item in annotation.items()}
    for event in annotation.events:
        for argument in event.arguments:
            yield ArgumentKey(spans[event.id], argument.role, spans[argument.filler])


def _of_one_span(
    reference: Sequence[ItemT], ones: list[int], other: Sequence[ItemT], twos: list[int]
) -> Iterator[tuple[Kind, int, int]]:
    """Pair items of the same span: those of one type first, and of these the ones with the same attributes."""
    if len(ones) == len(twos) == 1:
        same = reference[ones[0]].type == other[twos[0]].type
        yield "same" if same else "type", ones[0], twos[0]
        return
    left, right = {i: reference[i] for i in ones}, {j: other[j] for j in twos}
    keys: tuple[tuple[Kind, Callable[[ItemT], Hashable]], ...] = (
        # a span marked twice: those of the same attributes first, whatever the order
        ("same", lambda item: (item.type, frozenset(item.attributes.items()))),
        ("same", lambda item: item.type),
        ("type", lambda item: None),
    )
    for kind, key in keys:
        waiting = _by_key(right, key)
        for i, item in list(left.items()):
            if candidates := waiting.get(key(item)):
                del left[i], right[candidates[0]]
                yield kind, i, candidates.pop(0)


def _by_key(items: Mapping[int, ItemT], key: Callable[[ItemT], Hashable]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for place, item in items.items():
        found.setdefault(key(item), []).append(place)
    return found


def _span(item: Labelled) -> tuple[int, int]:
    return item.start, item.end


def _overlaps(left: dict[int, ItemT], right: dict[int, ItemT]) -> list[tuple[Kind, int, int]]:
    """Overlapping pairs: those of one type first, then the widest overlap, then the earlier."""
    found = []
    places = list(right)
    find = overlap_finder(list(right.values()))
    for i, one in left.items():
        for j in map(places.__getitem__, find(one.start, one.end)):
            two = right[j]
            shared_stretch = min(one.end, two.end) - max(one.start, two.start)
            found.append((one.type != two.type, -shared_stretch, one.start, two.start, i, j))
    return [("both" if both else "border", i, j) for both, _, _, _, i, j in sorted(found)]


def _same(pair: Pair[Any]) -> bool:
    one, two = pair.reference, pair.other
    return pair.kind == "same" and one is not None and two is not None and one.attributes == two.attributes


def _place(pair: Pair[ItemT]) -> tuple[int, int, str]:
    item = pair.reference or pair.other
    assert item is not None  # noqa: S101 - a pair has at least one side
    return item.start, item.end, item.type


def _sorted(keys: Counter[ArgumentKey]) -> tuple[ArgumentKey, ...]:
    return tuple(sorted(keys.elements(), key=lambda key: (key.trigger, key.role, key.filler)))


_Content = frozenset[tuple[object, ...]]


def unchanged(before: Annotation, after: Annotation, spans: Iterable[Span]) -> bool:
    """Whether `after` and `before` have the same items wherever they touch `spans`.

    The same items have the same borders, types and attributes, and events the same arguments. No items before and none
    after count as the same.
    """
    places = list(spans)
    return _at(before, places) == _at(after, places)


def _at(annotation: Annotation, places: list[Span]) -> _Content:
    items = annotation.items()
    find = overlap_finder(items)
    by_id = {item.id: item for item in items}
    return frozenset(_content(items[number], by_id) for place in places for number in find(place.start, place.end))


def _content(item: Item, by_id: dict[str, Item]) -> tuple[object, ...]:
    arguments: frozenset[tuple[object, ...]] = frozenset()
    if isinstance(item, Event):
        arguments = frozenset((one.role, *_location(by_id[one.filler])) for one in item.arguments)
    return (isinstance(item, Event), *_location(item), frozenset(item.attributes.items()), arguments)


def _location(item: Item) -> tuple[int, int, str]:
    return item.start, item.end, item.type
