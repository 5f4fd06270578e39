"""Bootstrap intervals over articles: how far a figure depends on the articles that happened to be measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.metrics.rounding import rounded

RESAMPLES = 1000
SEED = 20310305
"""Fixed, so that the same counts give the same interval."""

_BLOCK = 50
"""Resamples drawn at a time, so that many articles do not take much memory."""

Floats = NDArray[np.float64]
Interval = tuple[float, float]


def draws(articles: int, *, resamples: int = RESAMPLES) -> Iterator[Floats]:
    """How often each article is drawn when articles are drawn again with replacement, as often as there are articles.

    Yields arrays of shape (some resamples, articles); together they are always the same.
    """
    draw = np.random.default_rng(SEED)
    even = np.full(articles, 1 / articles)
    for first in range(0, resamples, _BLOCK):
        yield draw.multinomial(articles, even, size=min(_BLOCK, resamples - first)).astype(np.float64)


def resampled(rows: Any, *, resamples: int = RESAMPLES) -> Floats:
    """Sums of counts of each resample.

    Args:
        rows: array of shape (articles, counts): what each article adds to each count.
        resamples: how many times to draw.

    Returns:
        Array of shape (resamples, counts).
    """
    rows = np.asarray(rows, dtype=np.float64)
    return np.concatenate([weights @ rows for weights in draws(len(rows), resamples=resamples)])


def interval_of(figures: Floats | Sequence[Floats] | None) -> Interval | None:
    """The middle 95 per cent of a figure's resamples, those in which it is undefined (NaN) left out.

    None where there are none.
    """
    if figures is None:
        return None
    figures = np.concatenate(figures) if isinstance(figures, Sequence) else figures
    known = figures[~np.isnan(figures)]
    if not len(known):
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return rounded(float(low)), rounded(float(high))
