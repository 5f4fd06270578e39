"""How far a figure depends on the articles that happened to be measured: bootstrap intervals over articles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
SEED = 20310305
"""Fixed, so that the same counts give the same interval."""

Floats = NDArray[np.float64]
Interval = tuple[float, float]


def resampled(rows: Any, *, resamples: int = RESAMPLES) -> Floats:
    """Sums of counts when articles are drawn again with replacement, as often as there are articles.

    Args:
        rows: array of shape (articles, counts): what each article adds to each count.
        resamples: how many times to draw.

    Returns:
        Array of shape (resamples, counts).
    """
    rows = np.asarray(rows, dtype=np.float64)
    draw = np.random.default_rng(SEED)
    even = np.full(len(rows), 1 / len(rows))
    # one draw at a time, so that many articles do not take much memory
    return np.stack([draw.multinomial(len(rows), even) @ rows for _ in range(resamples)])


def f1_interval(sums: Floats) -> Interval:
    """The middle 95 per cent of F1, from resampled tp, fp and fn, shape (resamples, 3)."""
    tp, fp, fn = sums.T
    return _middle(2 * tp, 2 * tp + fp + fn)


def ratio_interval(sums: Floats) -> Interval:
    """The middle 95 per cent of the first count over the second, shape (resamples, 2)."""
    return _middle(sums[:, 0], sums[:, 1])


def _middle(over: Floats, under: Floats) -> Interval:
    figures = np.divide(over, under, out=np.zeros_like(over), where=under > 0)
    low, high = np.quantile(figures, (0.025, 0.975))
    return round(float(low), 4), round(float(high), 4)
