"""The one place that matches two annotations: spans, types, arguments.

Evaluation, corrections, agreement and release diffs all stand on `compare` and `Counts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from curation.annotation import Annotation, Entity, Event, Item

Kind = Literal["same", "type", "border", "both", "missed", "spurious"]
ItemT = TypeVar("ItemT", bound=Item)


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
    """True positives, false positives and false negatives, and what follows from them (0 where undefined)."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

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

    def add(self, tp: int, fp: int, fn: int) -> None:
        """Add the counts of one more comparison."""
        self.tp, self.fp, self.fn = self.tp + tp, self.fp + fp, self.fn + fn

    def to_dict(self) -> dict[str, float | int]:
        """Counts and figures, the figures rounded to four digits."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
        }


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
    left = dict(enumerate(reference))
    right = dict(enumerate(other))
    exact: tuple[tuple[Kind, Callable[[ItemT], object]], ...] = (
        # a span marked twice: those of the same attributes first, whatever the order
        ("same", lambda item: (item.start, item.end, item.type, frozenset(item.attributes.items()))),
        ("same", lambda item: (item.start, item.end, item.type)),
        ("type", lambda item: (item.start, item.end)),
    )
    for kind, key in exact:
        waiting: dict[object, list[int]] = {}
        for index, item in right.items():
            waiting.setdefault(key(item), []).append(index)
        for index, item in list(left.items()):
            if candidates := waiting.get(key(item)):
                pairs.append(Pair(kind, left.pop(index), right.pop(candidates.pop(0))))
    for kind, i, j in _overlaps(left, right):
        if i in left and j in right:
            pairs.append(Pair(kind, left.pop(i), right.pop(j)))
    pairs += [Pair("missed", item, None) for item in left.values()]
    pairs += [Pair("spurious", None, item) for item in right.values()]
    return sorted(pairs, key=_place)


def arguments(annotation: Annotation) -> Iterator[ArgumentKey]:
    """Every argument of `annotation` by what it says."""
    spans = {item.id: (item.start, item.end, item.type) for item in annotation.items()}
    for event in annotation.events:
        for argument in event.arguments:
            yield ArgumentKey(spans[event.id], argument.role, spans[argument.filler])


def _overlaps(left: dict[int, ItemT], right: dict[int, ItemT]) -> list[tuple[Kind, int, int]]:
    """Overlapping pairs, those of one type first, then the widest shared stretch, then the earlier."""
    found = []
    order = sorted(right, key=lambda index: right[index].start)
    for i, one in left.items():
        for j in order:
            two = right[j]
            if two.start >= one.end:
                break
            if (shared := min(one.end, two.end) - max(one.start, two.start)) > 0:
                kind: Kind = "border" if one.type == two.type else "both"
                found.append((kind == "both", -shared, one.start, two.start, i, j))
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
