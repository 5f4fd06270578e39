"""The one table of counts: pairs of items by kind and label. Every figure on spans, types and roles follows from it.

`PairCounts` holds the counts of one or more comparisons, `Table` those of each article, for intervals. A measure gives
each kind of pair a credit; precision, recall and F1 follow. The four measures are those of SemEval 2013 (`exact` is
called strict there, `span` exact, `overlap` type).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curation.article import Value
from curation.metrics.matching import Comparison, ItemT, Kind, Pair
from curation.metrics.rounding import rounded

Section = Literal["entities", "triggers", "arguments"]
SECTIONS: tuple[Section, ...] = ("entities", "triggers", "arguments")
Measure = Literal["exact", "span", "overlap", "partial"]
KINDS: tuple[Kind, ...] = ("same", "type", "border", "both", "missed", "spurious")
CREDIT: dict[Measure, tuple[float, ...]] = {
    "exact": (1, 0, 0, 0, 0, 0),  # same span and type
    "span": (1, 1, 0, 0, 0, 0),  # same span, any type
    "overlap": (1, 0, 1, 0, 0, 0),  # same type, any overlap
    "partial": (1, 1, 0.5, 0.5, 0, 0),  # same span 1, overlap ½, any type
}
"""What a pair of each kind is worth, in the order of `KINDS`."""
_IN_REFERENCE = np.array((1, 1, 1, 1, 1, 0), np.float64)
_IN_OTHER = np.array((1, 1, 1, 1, 0, 1), np.float64)
"""Whether a pair of each kind has an item of the reference, and of the other."""
NOTHING = "(nothing)"
"""The label that stands in a matrix for an item that one side does not have; the last of types and roles."""

Floats = NDArray[np.float64]


@dataclass
class Counts:
    """True positives, false positives and false negatives, and what follows from them (0 where undefined).

    Whole numbers, except where half a credit is given.
    """

    tp: float = 0
    fp: float = 0
    fn: float = 0

    @classmethod
    def of_kinds(cls, kinds: Floats, measure: Measure) -> Counts:
        """From the number of pairs of each kind, in the order of `KINDS`."""
        tp, reference, other = map(float, credited(kinds, measure))
        return cls(whole(tp), whole(other - tp), whole(reference - tp))

    @property
    def precision(self) -> float:
        """Share of the predicted items that are correct."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        """Share of the correct items that are predicted."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; between two annotators it is the same whoever comes first."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp + self.fp + self.fn else 0.0

    def add(self, tp: float, fp: float, fn: float) -> None:
        """Add the counts of another comparison."""
        self.tp, self.fp, self.fn = self.tp + tp, self.fp + fp, self.fn + fn

    def to_dict(self) -> dict[str, float | int]:
        """Counts and figures, the figures rounded to four digits."""
        return {
            "precision": rounded(self.precision),
            "recall": rounded(self.recall),
            "f1": rounded(self.f1),
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
        }


@dataclass
class PairCounts:
    """Pairs counted by their kind and the labels of both sides (None: that side has no item)."""

    pairs: Counter[tuple[Kind, str | None, str | None]] = field(default_factory=Counter)

    @classmethod
    def of(cls, pairs: Iterable[Pair[ItemT]]) -> PairCounts:
        """The counts of these pairs."""
        counts = cls()
        counts.add(pairs)
        return counts

    @classmethod
    def of_keys(cls, reference: Iterable[Hashable], other: Iterable[Hashable]) -> PairCounts:
        """The counts of two lists of equal or different things, each as often as it occurs; without labels."""
        wanted, found = Counter(reference), Counter(other)
        same = sum(min(count, found[key]) for key, count in wanted.items() if key in found)
        missed, spurious = wanted.total() - same, found.total() - same
        return cls(Counter({("same", "", ""): same, ("missed", "", None): missed, ("spurious", None, ""): spurious}))

    def add(self, pairs: Iterable[Pair[ItemT]]) -> None:
        """Count these pairs, too."""
        for pair in pairs:
            reference, other = pair.reference, pair.other
            key = (pair.kind, reference.type if reference else None, other.type if other else None)
            self.pairs[key] += 1

    def update(self, other: PairCounts) -> None:
        """Add other counts."""
        for key, count in other.pairs.items():
            self.pairs[key] += count

    @property
    def kinds(self) -> list[int]:
        """How many pairs of each kind, in the order of `KINDS`."""
        counts = dict.fromkeys(KINDS, 0)
        for (kind, _, _), count in self.pairs.items():
            counts[kind] += count
        return list(counts.values())

    def measure(self, name: Measure) -> Counts:
        """The counts by one measure."""
        return Counts.of_kinds(np.array(self.kinds, np.float64), name)

    def by_label(self) -> dict[str, Counts]:
        """The exact measure of each label on either side, by name."""
        found: dict[str, Counts] = {}
        for (kind, reference, other), count in self.pairs.items():
            if reference is not None:
                correct = kind == "same"
                found.setdefault(reference, Counts()).add(count if correct else 0, 0, 0 if correct else count)
            if other is not None and kind != "same":
                found.setdefault(other, Counts()).add(0, count, 0)
        return dict(sorted(found.items()))

    def confusions(self) -> Counter[tuple[str, str]]:
        """Label of the reference and other label of the other side → pairs."""
        found: Counter[tuple[str, str]] = Counter()
        for (_, reference, other), count in self.pairs.items():
            if reference is not None and other is not None and reference != other:
                found[reference, other] += count
        return found


class Table:
    """Counts by article: a row for each, and for each name as many columns as there are kinds of pairs.

    `places` is the number of the article that each row is of. A row takes four bytes a column.
    """

    def __init__(self, names: Sequence[Hashable]) -> None:
        self.names = tuple(names)
        self.places = array("i")
        self._rows = array("i")

    def __len__(self) -> int:
        return len(self.places)

    def add(self, counts: Mapping[Any, PairCounts], place: int | None = None) -> None:
        """Add the row of one article, by name; default: the next article."""
        self.places.append(len(self.places) if place is None else place)
        for name in self.names:
            self._rows.extend(counts[name].kinds)

    def values(self) -> Floats:
        """Shape (rows, names x kinds)."""
        columns = len(self.names) * len(KINDS)
        return np.array(self._rows, np.float64).reshape(len(self), columns)

    def columns(self, name: Hashable) -> slice:
        """The columns of one name, in `values` and in sums of its rows."""
        first = self.names.index(name) * len(KINDS)
        return slice(first, first + len(KINDS))


def exact_counts(comparisons: Iterable[Comparison]) -> dict[Section, Counts]:
    """The exact measure of entities, triggers and arguments (end to end), micro-averaged over many comparisons."""
    return {section: counts.measure("exact") for section, counts in section_counts(comparisons).items()}


def section_counts(comparisons: Iterable[Comparison]) -> dict[Section, PairCounts]:
    """The counts of entities, triggers and arguments (end to end) of all comparisons together."""
    total: dict[Section, PairCounts] = {section: PairCounts() for section in SECTIONS}
    for comparison in comparisons:
        total["entities"].add(comparison.entities)
        total["triggers"].add(comparison.events)
        arguments = total["arguments"].pairs
        for key in comparison.arguments_same:
            arguments["same", key.role, key.role] += 1
        for key in comparison.arguments_missed:
            arguments["missed", key.role, None] += 1
        for key in comparison.arguments_spurious:
            arguments["spurious", None, key.role] += 1
    return total


def credited(kinds: Floats, measure: Measure) -> tuple[Floats, Floats, Floats]:
    """Credit, items of the reference and items of the other, from counts of kinds of shape (…, kinds)."""
    return kinds @ np.array(CREDIT[measure]), kinds @ _IN_REFERENCE, kinds @ _IN_OTHER


def f1_of(kinds: Floats, measure: Measure) -> Floats:
    """F1 from counts of kinds of shape (…, kinds); NaN where neither side has an item."""
    credit, reference, other = credited(kinds, measure)
    return ratio(2 * credit, reference + other)


def ratio(over: Floats, under: Floats) -> Floats:
    """`over` / `under`, NaN where `under` is 0."""
    found = np.full(over.shape, np.nan)
    np.divide(over, under, out=found, where=under > 0)
    return found


def whole(count: float) -> int | float:
    """A count as an integer, unless half a credit is in it."""
    return int(count) if float(count).is_integer() else float(count)


class Matrix(Value):
    """`counts[i][j]`: how often the first has `labels[i]` where the second has `labels[j]`.

    Items that pair are counted against each other, also if only their borders overlap. Of all pairs of annotators
    together none is the first: `counts[i][j]` and `counts[j][i]` are the same.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, counts: PairCounts) -> Matrix:
        """The matrix of two annotators."""
        cells: Counter[tuple[str, str]] = Counter()
        for (_, reference, other), count in counts.pairs.items():
            cells[reference or NOTHING, other or NOTHING] += count
        return _matrix(cells, NOTHING)

    @classmethod
    def of_values(cls, cells: Counter[tuple[str, str]]) -> Matrix:
        """The matrix of an attribute: the values that two annotators gave it."""
        return _matrix(cells)

    @classmethod
    def of_all(cls, matrices: Sequence[Matrix]) -> Matrix:
        """Of all pairs of annotators: an item on which two agree counts once, a difference on either side."""
        cells: Counter[tuple[str, str]] = Counter()
        for matrix in matrices:
            for first, row in zip(matrix.labels, matrix.counts, strict=True):
                for second, count in zip(matrix.labels, row, strict=True):
                    cells[first, second] += count
                    if first != second:
                        cells[second, first] += count
        last = {matrix.labels[-1] for matrix in matrices if matrix.labels} == {NOTHING}
        return _matrix(cells, *(NOTHING,) * last)

    def cells(self) -> list[tuple[int, str, str]]:
        """Count, first and second label of every cell off the diagonal that is not 0, the highest first."""
        found = [
            (count, first, second)
            for first, row in zip(self.labels, self.counts, strict=True)
            for second, count in zip(self.labels, row, strict=True)
            if count and first != second
        ]
        return sorted(found, key=lambda cell: (-cell[0], cell[1], cell[2]))


def _matrix(cells: Counter[tuple[str, str]], *last: str) -> Matrix:
    names = sorted({name for cell in +cells for name in cell}.difference(last))
    labels = (*names, *last)
    return Matrix(labels=labels, counts=tuple(tuple(cells[one, two] for two in labels) for one in labels))
