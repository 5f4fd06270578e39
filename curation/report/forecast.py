"""When the work will be done, as a range; or a sentence that says why there is no forecast.

A bootstrap simulation: each run draws a sample of the days observed, and then future days from this sample, until no
article is left. Days without work count, so weekends and pauses are part of the pace. Future holidays and people who
join or leave are unknown to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from curation.article import Value

WINDOW = 28
"""Most days that are used; the day of the pull is left out, since it is not over."""
FEWEST_DAYS, FEWEST_ACTIVE, FEWEST_ARTICLES = 5, 3, 10
RUNS = 1000
HORIZON = 3650
"""Longest forecast, in days."""
SHARE = 0.8
"""Share of the runs that end within the range."""
SEED = 20310305

Counts = NDArray[np.int64]


class Forecast(Value):
    """`early`, `likely` and `late`: the days on which 10 %, 50 % and 90 % of the runs are done.

    They are None if there are too few observations (`words` says why), or beyond the horizon. `pace`: articles per day
    in the `days` observed.
    """

    left: int
    days: int
    pace: float | None
    early: date | None
    likely: date | None
    late: date | None
    words: str


def forecast(answered: Mapping[date, int], left: int, today: date) -> Forecast:
    """When `left` articles will be answered, from the counts of each day up to `today`, the day of the pull."""

    def without(words: str, days: int = 0) -> Forecast:
        return Forecast(left=left, days=days, pace=None, early=None, likely=None, late=None, words=words)

    if not left:
        return without("Nothing is left to answer.")
    if not answered:
        return without("Nobody has answered an article yet, so there is no pace for a forecast.")
    first = max(min(answered), today - timedelta(days=WINDOW))
    seen = np.array([answered.get(first + timedelta(days=day), 0) for day in range((today - first).days)])
    total = int(seen.sum())
    if len(seen) == WINDOW and not total:
        return without(f"Nobody has answered an article in the last {WINDOW} days, so there is no pace.", WINDOW)
    if len(seen) < FEWEST_DAYS or np.count_nonzero(seen) < FEWEST_ACTIVE or total < FEWEST_ARTICLES:
        return without(
            f"Too early for a forecast: before the day of the pull, {_many(total, 'article')} on "
            f"{_many(int(np.count_nonzero(seen)), 'day')}. A forecast needs {FEWEST_ARTICLES} articles over "
            f"{FEWEST_DAYS} days, {FEWEST_ACTIVE} of them with work.",
            len(seen),
        )
    needed = _runs(seen, left)
    early, likely, late = np.quantile(needed, ((1 - SHARE) / 2, 0.5, (1 + SHARE) / 2), method="higher")
    pace = total / len(seen)
    begin = f"At the pace of the last {len(seen)} days ({pace:.1f} articles a day), the {_many(left, 'article')} left"
    if early > HORIZON:
        words = f"{begin} will take more than {HORIZON // 365} years."
    elif late > HORIZON:
        latest = f"the latest day is more than {HORIZON // 365} years away"
        words = f"{begin} will be done on {_day(today, early)} at the earliest; {latest}."
    else:
        words = (
            f"{begin} will be done between {_day(today, early)} and {_day(today, late)} "
            f"({SHARE:.0%} of {RUNS:,} simulated runs), likely about {_day(today, likely)}."
        )
    return Forecast(
        left=left,
        days=len(seen),
        pace=round(pace, 2),
        early=_date(today, early),
        likely=_date(today, likely),
        late=_date(today, late),
        words=words,
    )


def _runs(seen: Counts, left: int) -> Counts:
    """Days that each run needs; HORIZON + 1 if it does not end before."""
    draw = np.random.default_rng(SEED)
    needed = np.full(RUNS, HORIZON + 1)
    for run in range(RUNS):
        days = draw.choice(seen, len(seen))
        if not (pace := days.mean()):
            continue
        ahead = min(HORIZON, int(2 * left / pace) + 10 * len(seen))
        done = np.cumsum(draw.choice(days, ahead))
        if done[-1] >= left:
            needed[run] = int(np.searchsorted(done, left)) + 1
    return needed


def _date(today: date, days: float) -> date | None:
    return today + timedelta(days=int(days) - 1) if days <= HORIZON else None


def _day(today: date, days: float) -> str:
    found = today + timedelta(days=int(days) - 1)
    return f"{found.day} {found:%B %Y}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
