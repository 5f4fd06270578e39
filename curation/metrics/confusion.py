"""Who said what where the other said what: counts of types against types, and against nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from curation.article import Value
from curation.metrics.matching import Tally

NOTHING = "(nothing)"
"""What an item stands against that the other has nothing for: the last of the labels of types and roles."""


class Matrix(Value):
    """`counts[i][j]`: how often the first said `labels[i]` where the second said `labels[j]`.

    Items that pair stand against each other, also where only their borders overlap. Of all pairs of annotators
    together no one is first: `counts[i][j]` and `counts[j][i]` are the same.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def cells(self) -> list[tuple[int, str, str]]:
        """Count, first and second label of every cell off the diagonal that is not 0, the highest first."""
        found = [
            (count, one, two)
            for one, row in zip(self.labels, self.counts, strict=True)
            for two, count in zip(self.labels, row, strict=True)
            if count and one != two
        ]
        return sorted(found, key=lambda cell: (-cell[0], cell[1], cell[2]))


def matrix(tally: Tally) -> Matrix:
    """The matrix of two annotators."""
    cells: Counter[tuple[str, str]] = Counter()
    for (_, one, two), count in tally.pairs.items():
        cells[one or NOTHING, two or NOTHING] += count
    return _made(cells, NOTHING)


def matrix_of_values(cells: Counter[tuple[str, str]]) -> Matrix:
    """The matrix of an attribute: the values that two annotators gave it."""
    return _made(cells)


def matrix_of_all(matrices: Sequence[Matrix]) -> Matrix:
    """Of all pairs of annotators: an item that two agree on counts once, a difference counts on either side."""
    cells: Counter[tuple[str, str]] = Counter()
    for one in matrices:
        for first, row in zip(one.labels, one.counts, strict=True):
            for second, count in zip(one.labels, row, strict=True):
                cells[first, second] += count
                if first != second:
                    cells[second, first] += count
    last = {one.labels[-1] for one in matrices if one.labels} == {NOTHING}
    return _made(cells, *(NOTHING,) * last)


def _made(cells: Counter[tuple[str, str]], *last: str) -> Matrix:
    names = sorted({name for cell in +cells for name in cell}.difference(last))
    labels = (*names, *last)
    return Matrix(labels=labels, counts=tuple(tuple(cells[one, two] for two in labels) for one in labels))
