"""The one place that matches two annotations: spans, types, arguments.

Evaluation, corrections, agreement and release diffs all stand on `compare`, `match` and `Counts`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Generic, Literal, Protocol, TypeVar

from curation.annotation import Annotation, Entity, Event, Item, Span
from curation.metrics.rounding import rounded

Kind = Literal["same", "type", "border", "both", "missed", "spurious"]

FILLER = "(filler)"
"""Type of an entity that stands in an annotation only because a role needs it: there is no name for it in the
ontology at hand, so nobody scores it as an entity."""


class Labelled(Protocol):
    """What can be matched: a span with a type. Entities and events are, and arguments as `links` gives them."""

    @property
    def start(self) -> int:
        """First code point."""

    @property
    def end(self) -> int:
        """One behind the last code point."""

    @property
    def type(self) -> str:
        """Its label."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Its attributes: of two that are alike otherwise, these decide."""


ItemT = TypeVar("ItemT", bound=Labelled)


@dataclass(frozen=True)
class Pair(Generic[ItemT]):
    """Two items that stand for each other, or one that stands alone.

    `kind`: `same` span and type; `type` differs; `border` differs; `both` differ (the spans overlap);
    `missed` (only in the reference, `other` is None); `spurious` (only in the other, `reference` is None).
    """

    kind: Kind
    reference: ItemT | None
    other: ItemT | None


@dataclass(frozen=True)
class ArgumentKey:
    """An argument by what it says, not by ids: trigger span and type, role, filler span and type."""

    trigger: tuple[int, int, str]
    role: str
    filler: tuple[int, int, str]


@dataclass(frozen=True)
class Link:
    """An argument that can be matched: the filler's span, with the role as its type, at its event's trigger."""

    start: int
    end: int
    type: str
    trigger: tuple[int, int, str]
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


@dataclass
class Counts:
    """True positives, false positives and false negatives, and what follows from them (0 where undefined).

    Whole numbers, but where half a credit is given.
    """

    tp: float = 0
    fp: float = 0
    fn: float = 0

    @property
    def precision(self) -> float:
        """Share of what was said that is right."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        """Share of what is right that was said."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; between two annotators it is the same whoever comes first."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp + self.fp + self.fn else 0.0

    def add(self, tp: float, fp: float, fn: float) -> None:
        """Add the counts of one more comparison."""
        self.tp, self.fp, self.fn = self.tp + tp, self.fp + fp, self.fn + fn

    def to_dict(self) -> dict[str, float | int]:
        """Counts and figures, the figures rounded to four digits."""
        return {
            "precision": rounded(self.precision, 4),
            "recall": rounded(self.recall, 4),
            "f1": rounded(self.f1, 4),
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
        }


@dataclass
class Tally:
    """Pairs counted by kind and by the two types; every figure on spans and types follows from it.

    The four figures are those of SemEval 2013: `exact` (strict), `spans` (exact), `overlap` (type), `partial`.
    """

    pairs: Counter[tuple[Kind, str | None, str | None]] = field(default_factory=Counter)

    def add(self, pairs: Iterable[Pair[ItemT]]) -> None:
        """Count these pairs in."""
        for pair in pairs:
            one, two = pair.reference, pair.other
            self.pairs[pair.kind, one.type if one else None, two.type if two else None] += 1

    @property
    def kinds(self) -> Counter[Kind]:
        """How many pairs of each kind."""
        kinds: Counter[Kind] = Counter()
        for (kind, _, _), count in self.pairs.items():
            kinds[kind] += count
        return kinds

    @property
    def exact(self) -> Counts:
        """Right is what has the same span and type."""
        return self._counts(same=1)

    @property
    def spans(self) -> Counts:
        """Right is what has the same span, whatever its type."""
        return self._counts(same=1, type=1)

    @property
    def overlap(self) -> Counts:
        """Right is what has the same type and overlaps."""
        return self._counts(same=1, border=1)

    @property
    def partial(self) -> Counts:
        """Right is what has the same span, half right what overlaps, whatever the type."""
        return self._counts(same=1, type=1, border=0.5, both=0.5)

    def by_type(self) -> dict[str, Counts]:
        """The exact figure of each type on either side, by name."""
        found: dict[str, Counts] = {}
        for (kind, one, two), count in self.pairs.items():
            if one is not None:
                right = kind == "same"
                found.setdefault(one, Counts()).add(count if right else 0, 0, 0 if right else count)
            if two is not None and kind != "same":
                found.setdefault(two, Counts()).add(0, count, 0)
        return dict(sorted(found.items()))

    def _counts(self, **credit: float) -> Counts:
        counts = Counts()
        for (kind, one, two), count in self.pairs.items():
            right = credit.get(kind, 0)
            counts.add(count * right, count * ((two is not None) - right), count * ((one is not None) - right))
        return counts


@dataclass
class Scores:
    """Micro-averaged counts over many comparisons, exact span and type; triggers also by span alone."""

    entities: Counts = field(default_factory=Counts)
    entity_spans: Counts = field(default_factory=Counts)
    triggers: Counts = field(default_factory=Counts)
    trigger_spans: Counts = field(default_factory=Counts)
    arguments: Counts = field(default_factory=Counts)
    by_type: dict[str, Counts] = field(default_factory=dict)

    def add(self, comparison: Comparison) -> None:
        """Count one more comparison in."""
        _count(comparison.entities, self.entities, self.entity_spans, self.by_type)
        _count(comparison.events, self.triggers, self.trigger_spans, self.by_type)
        self.arguments.add(
            len(comparison.arguments_same),
            len(comparison.arguments_spurious),
            len(comparison.arguments_missed),
        )


def compare(reference: Annotation, other: Annotation) -> Comparison:
    """Match every item of two annotations of the same text.

    Items pair in this order, each at most once: same span and type; same span; overlap with the same type; any
    overlap. Among overlaps the widest shared stretch goes first, then the earlier span.

    Raises:
        ValueError: the two are of different texts.
    """
    if reference.text_sha256 != other.text_sha256:
        raise ValueError(f"{reference.article_id}: the two annotations are of different texts")
    said, wanted = Counter(arguments(other)), Counter(arguments(reference))
    return Comparison(
        entities=tuple(match(reference.entities, other.entities)),
        events=tuple(match(reference.events, other.events)),
        arguments_same=_sorted(wanted & said),
        arguments_missed=_sorted(wanted - said),
        arguments_spurious=_sorted(said - wanted),
    )


def match(reference: Sequence[ItemT], other: Sequence[ItemT]) -> list[Pair[ItemT]]:
    """Pair the items of two lists as `compare` says; every item of both lists is in exactly one pair."""
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


def match_links(reference: Annotation, other: Annotation) -> list[Pair[Link]]:
    """Pair the arguments of two annotations, end to end: only those of one trigger, same span and type, can pair.

    Then as `match` does, with the role as the type: `same` role and filler span, `type` another role, `border` a
    filler that overlaps. The type of the filler plays no part.
    """
    pairs: list[Pair[Link]] = []
    sides: dict[tuple[int, int, str], tuple[list[Link], list[Link]]] = {}
    for side, annotation in enumerate((reference, other)):
        for link in links(annotation):
            sides.setdefault(link.trigger, ([], []))[side].append(link)
    for _, (one, two) in sorted(sides.items()):
        pairs += match(one, two)
    return pairs


def links(annotation: Annotation) -> Iterator[Link]:
    """Every argument of `annotation` as something that can be matched."""
    items = {item.id: item for item in annotation.items()}
    for event in annotation.events:
        trigger = (event.start, event.end, event.type)
        for argument in event.arguments:
            filler = items[argument.filler]
            yield Link(filler.start, filler.end, argument.role, trigger, argument.score)


def shared(reference: Iterable[Hashable], other: Iterable[Hashable]) -> Counts:
    """How far two lists hold the same things, each as often as it stands there."""
    wanted, said = Counter(reference), Counter(other)
    tp = (wanted & said).total()
    return Counts(tp, said.total() - tp, wanted.total() - tp)


def overlap_finder(items: Sequence[Labelled]) -> Callable[[int, int], Iterator[int]]:
    """A function of start and end that gives the places in `items` of what overlaps that span, by start.

    It looks at little else, so that long texts do not take time by the square of their length.
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
    """Every argument of `annotation` by what it says."""
    spans = {item.id: (item.start, item.end, item.type) for item in annotation.items()}
    for event in annotation.events:
        for argument in event.arguments:
            yield ArgumentKey(spans[event.id], argument.role, spans[argument.filler])


def _of_one_span(
    reference: Sequence[ItemT], ones: list[int], other: Sequence[ItemT], twos: list[int]
) -> Iterator[tuple[Kind, int, int]]:
    """Pair what has the same span: those of one type first, and of these the ones with the same attributes."""
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
    """Overlapping pairs, those of one type first, then the widest shared stretch, then the earlier."""
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


def _count(pairs: Iterable[Pair[ItemT]], exact: Counts, spans: Counts, by_type: dict[str, Counts]) -> None:
    for pair in pairs:
        one, two = pair.reference, pair.other
        if one is not None and pair.kind == "same":
            exact.add(1, 0, 0)
            spans.add(1, 0, 0)
            by_type.setdefault(one.type, Counts()).add(1, 0, 0)
            continue
        exact.add(0, int(two is not None), int(one is not None))
        if pair.kind == "type":
            spans.add(1, 0, 0)
        else:
            spans.add(0, int(two is not None), int(one is not None))
        if two is not None:
            by_type.setdefault(two.type, Counts()).add(0, 1, 0)
        if one is not None:
            by_type.setdefault(one.type, Counts()).add(0, 0, 1)


_Content = frozenset[tuple[object, ...]]


def unchanged(before: Annotation, after: Annotation, spans: Iterable[Span]) -> bool:
    """Does `after` say the same as `before` of everything that touches `spans`?

    That is: the same items with the same borders, types and attributes, and the same arguments of the events among
    them. Where nothing was and nothing is, it was left alone too.
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
