"""Calibration of an engine's scores: how far they are from the share that is correct, and whether they rank.

A constant score has a good ECE; AUROC beside it shows whether the scores separate correct items from wrong ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curation.article import Value

BINS = 10

Floats = NDArray[np.float64]


class Bin(Value):
    """Items of neighbouring scores: how many, their mean score, the share of them that is right."""

    items: int
    score: float
    right: float


class Calibration(Value):
    """Figures over all items that have a score.

    ece: expected calibration error, the mean distance between score and share right, over bins of equal mass.
    brier: mean squared distance between score and 1 (right) or 0 (wrong).
    auroc: chance that a right item has a higher score than a wrong one, ties counting half; None without both.
    """

    items: int
    right: int
    ece: float
    brier: float
    auroc: float | None
    bins: tuple[Bin, ...]


def calibration(scores: Sequence[float], right: Sequence[bool], *, bins: int = BINS) -> Calibration | None:
    """The calibration of `scores`, each in [0, 1], against whether its item is `right`; None where there are none.

    Bins hold an equal number of items as far as equal scores, which stay together, allow: order plays no part.
    """
    if not scores:
        return None
    values, place = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True)
    truth = np.asarray(right, dtype=np.float64)
    items = np.bincount(place).astype(np.float64)  # of each distinct score, in rising order
    good = np.bincount(place, weights=truth).astype(np.float64)
    filled = _bins(values, items, good, bins)
    ece = sum(part.items * abs(part.score - part.right) for part in filled) / len(truth)
    return Calibration(
        items=len(truth),
        right=int(truth.sum()),
        ece=round(ece, 4),
        brier=round(float(np.mean((values[place] - truth) ** 2)), 4),
        auroc=_auroc(items, good),
        bins=tuple(
            part.model_copy(update={"score": round(part.score, 4), "right": round(part.right, 4)}) for part in filled
        ),
    )


def _bins(values: Floats, items: Floats, good: Floats, bins: int) -> list[Bin]:
    """Each distinct score goes where the middle of its items falls when all items are cut into `bins` equal parts."""
    total = items.sum()
    middle = np.cumsum(items) - items / 2
    home = np.minimum((middle * bins / total).astype(int), bins - 1)
    made = []
    for part in range(bins):
        here = home == part
        if count := items[here].sum():
            score, right = float((values[here] * items[here]).sum() / count), float(good[here].sum() / count)
            made.append(Bin(items=int(count), score=score, right=right))
    return made


def _auroc(items: Floats, good: Floats) -> float | None:
    bad = items - good
    if not good.sum() or not bad.sum():
        return None
    below = np.cumsum(bad) - bad  # wrong items with a lower score
    return round(float((good * (below + bad / 2)).sum() / (good.sum() * bad.sum())), 4)
