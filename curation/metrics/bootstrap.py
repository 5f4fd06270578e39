"""How far a figure depends on the articles that happened to be measured: bootstrap intervals over articles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.metrics.rounding import rounded

RESAMPLES = 1000
SEED = 20310305
"""Fixed, so that the same counts give the same interval."""

_BLOCK = 50
"""Resamples drawn at a time: many articles then do not take much memory, and sums are taken in few steps."""

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
    return np.concatenate([weights @ rows for weights in draws(len(rows), resamples=resamples)])


def draws(articles: int, *, resamples: int = RESAMPLES) -> Iterator[Floats]:
    """How often each article is drawn, for counts that are not held as rows, or only of some articles.

    Yields arrays of shape (some resamples, articles); one below the other they are always the same.
    """
    draw = np.random.default_rng(SEED)
    even = np.full(articles, 1 / articles)
    for first in range(0, resamples, _BLOCK):
        yield draw.multinomial(articles, even, size=min(_BLOCK, resamples - first)).astype(np.float64)


def f1_interval(sums: Floats) -> Interval:
    """The middle 95 per cent of F1, from resampled tp, fp and fn, shape (resamples, 3)."""
    tp, fp, fn = sums.T
    return _middle(2 * tp, 2 * tp + fp + fn)


def ratio_interval(sums: Floats) -> Interval:
    """The middle 95 per cent of the first count over the second, shape (resamples, 2)."""
    return _middle(sums[:, 0], sums[:, 1])


def middle(figures: Floats) -> Interval | None:
    """The middle 95 per cent of figures taken from resamples; those that are not defined there (NaN) do not count."""
    known = figures[~np.isnan(figures)]
    if not len(known):
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return rounded(float(low)), rounded(float(high))


def _middle(over: Floats, under: Floats) -> Interval:
    figures = np.divide(over, under, out=np.zeros_like(over), where=under > 0)
    low, high = np.quantile(figures, (0.025, 0.975))
    return rounded(float(low)), rounded(float(high))
