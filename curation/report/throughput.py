"""How many articles each person answered, on which days, and how long it took. Days are in UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

from curation.annotation import Annotation, State
from curation.article import Value
from curation.metrics.effort import quartiles, strange_time

_FURTHEST: dict[State, int] = {"reviewed": 3, "submitted": 2, "draft": 1, "skipped": 0, "predicted": -1}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Person(Value):
    """One annotator, by pseudonym. Each article counts once, in its most advanced state.

    `reviewed` counts review tasks, which count nowhere else. `seconds`: lower quartile, median and upper quartile of
    the plausible times (`timed`). `items`: mean number of entities, events and arguments of a submitted article.
    """

    key: str
    submitted: int
    skipped: int
    drafts: int
    reviewed: int
    active_days: int
    last: date | None
    timed: int
    seconds: tuple[float, float, float] | None
    items: float


class Work(Value):
    """The work of all people. `days`: day → pseudonym → articles submitted. `answered`: day → articles first answered.

    Left out of the times and counted: `no_time` (no time), `zero_times` (zero seconds), `long_times` (above
    `curation.metrics.effort.LONGEST`. `undated` submissions have no time of submission and count on no day.
    """

    people: tuple[Person, ...]
    days: dict[date, dict[str, int]]
    answered: dict[date, int]
    no_time: int
    zero_times: int
    long_times: int
    undated: int

    @property
    def submitted(self) -> int:
        """Submissions of all people; an article with two submissions counts twice."""
        return sum(person.submitted for person in self.people)


class WorkCounter:
    """Counts articles, one at a time. Memory grows with the number of people, days and times only."""

    def __init__(self) -> None:
        self._states: dict[str, Counter[State]] = {}
        self._seconds: dict[str, list[float]] = {}
        self._items: Counter[str] = Counter()
        self._days: dict[date, Counter[str]] = {}
        self._answered: Counter[date] = Counter()
        self._odd: Counter[str] = Counter()

    def add(self, said: Iterable[Annotation], reviewed: Iterable[Annotation] = ()) -> None:
        """Count an article: one annotation of each person (see `latest`), and one of each person in review tasks."""
        for one in reviewed:
            self._states.setdefault(one.annotator.key, Counter())["reviewed"] += one.state == "reviewed"
        answers: list[date] = []
        for one in said:
            who = one.annotator.key
            self._states.setdefault(who, Counter())[one.state] += 1
            if one.time is not None and one.state != "draft":
                answers.append(one.time.astimezone(UTC).date())
            if one.state != "submitted":
                continue
            self._items[who] += len(one.entities) + len(one.events) + sum(len(event.arguments) for event in one.events)
            if one.time is None:
                self._odd["undated"] += 1
            else:
                self._days.setdefault(answers[-1], Counter())[who] += 1
            if (odd := strange_time(one.lead_time)) is not None:
                self._odd[odd] += 1
            elif one.lead_time is not None:
                self._seconds.setdefault(who, []).append(one.lead_time)
        if answers:
            self._answered[min(answers)] += 1

    def result(self) -> Work:
        """The counts; people with most submissions first."""
        people = sorted((self._person(key) for key in self._states), key=lambda one: (-one.submitted, one.key))
        return Work(
            people=tuple(people),
            days={day: dict(sorted(of.items())) for day, of in sorted(self._days.items())},
            answered=dict(sorted(self._answered.items())),
            no_time=self._odd["no_time"],
            zero_times=self._odd["zero_times"],
            long_times=self._odd["long_times"],
            undated=self._odd["undated"],
        )

    def _person(self, key: str) -> Person:
        states = self._states[key]
        submitted = states["submitted"]
        days = [day for day, of in self._days.items() if of[key]]
        seconds = self._seconds.get(key, [])
        return Person(
            key=key,
            submitted=submitted,
            skipped=states["skipped"],
            drafts=states["draft"],
            reviewed=states["reviewed"],
            active_days=len(days),
            last=max(days, default=None),
            timed=len(seconds),
            seconds=quartiles(seconds),
            items=round(self._items[key] / submitted, 2) if submitted else 0.0,
        )


def latest(annotations: Iterable[Annotation]) -> list[Annotation]:
    """The most advanced annotation of each person, of several the last; in the order of people."""
    kept: dict[str, Annotation] = {}
    for one in sorted(annotations, key=lambda one: (_FURTHEST[one.state], one.time or _LONG_AGO, one.id)):
        if one.annotator.kind == "person":
            kept[one.annotator.key] = one
    return [kept[key] for key in sorted(kept)]
