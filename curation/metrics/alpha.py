"""Krippendorff's alpha over the characters of the texts: agreement beyond what chance would give.

Units are the characters (code points) of every text that two people or more annotated, white space too. The value of a
character is the set of types of the spans that cover it, `nothing` where none does; so nested spans make values of
their own (GPE within Organization), and two spans of one type side by side look like one. Values are nominal: sets are
the same or not. A character that two of three people annotated counts with two values, as Krippendorff has missing
values count. No tokeniser has a say: a border that is one character off costs one character.

Stretches of text in which nobody's value changes are counted as one unit with a weight, which gives exactly what
`krippendorff.alpha` gives on every character (the tests compare them). That package holds units × values² numbers,
more than a terabyte for ten thousand articles.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from curation.article import Value
from curation.metrics.bootstrap import Floats, Interval, interval_of
from curation.metrics.matching import Labelled
from curation.metrics.rounding import rounded

Labels = tuple[str, ...]
"""The value of a character: the types that cover it, sorted; empty for nothing."""
Units = Counter[tuple[Labels, ...]]
"""How many characters have these values, one of each annotator."""


class Alpha(Value):
    """Alpha over `characters` of `articles`: 1 is full agreement, 0 is chance, less is worse than chance.

    None if everyone gave every character the same value: without variation alpha is undefined. `interval`
    is the 95 % bootstrap interval over articles, None for fewer than two articles.
    """

    alpha: float | None
    interval: Interval | None = None
    articles: int
    characters: int


class Coincidences:
    """What Krippendorff's formula needs, article by article: how often each value was given, and was given alike.

    Memory grows by the number of values that occur in an article.
    """

    def __init__(self) -> None:
        self.characters = 0
        self.articles = 0
        self._numbers: dict[Labels, int] = {}
        self._places, self._values = array("q"), array("q")
        self._given, self._alike = array("d"), array("d")

    def add(self, place: int, units: Units) -> None:
        """Count in the article with the number `place`, for `interval`; every unit has two values or more."""
        given: Counter[Labels] = Counter()
        alike = 0.0
        for values, weight in units.items():
            self.characters += weight
            if values.count(values[0]) == len(values):
                given[values[0]] += weight * len(values)
                alike += weight * len(values)
                continue
            for value, count in Counter(values).items():
                given[value] += weight * count
                alike += weight * count * (count - 1) / (len(values) - 1)
        self.articles += 1
        for value, count in given.items():
            self._places.append(place)
            self._values.append(self._numbers.setdefault(value, len(self._numbers)))
            self._given.append(count)
            self._alike.append(alike)
            alike = 0.0  # once an article

    def alpha(self) -> float | None:
        """Over all articles."""
        if not self._places:
            return None
        return _rounded(self._alpha(np.ones(max(self._places) + 1)))

    def resampled(self, weights: Floats) -> Floats:
        """Alpha of each row of `weights`, shape (resamples, articles): how often each article is drawn."""
        return np.array([self._alpha(row) for row in weights])

    def result(self, sums: Sequence[Floats] = ()) -> Alpha:
        """The figure, with the interval of what `resampled` gave."""
        interval = interval_of(sums) if sums and self.articles > 1 else None
        return Alpha(alpha=self.alpha(), interval=interval, articles=self.articles, characters=self.characters)

    def _alpha(self, weights: Floats) -> float:
        drawn = weights[np.frombuffer(self._places, dtype=np.int64)]
        given = np.bincount(np.frombuffer(self._values, dtype=np.int64), drawn * np.frombuffer(self._given))
        # not as a dot product: the library would spread one this long over threads, which costs more than it saves
        alike = float((drawn * np.frombuffer(self._alike)).sum())
        all_given = float(given.sum())
        expected = all_given**2 - float(given @ given)
        return 1 - (all_given - 1) * (all_given - alike) / expected if expected > 0 else float("nan")


def units(sides: Sequence[Iterable[Labelled]], length: int) -> Units:
    """The characters of one text by the values that each of `sides` gives them.

    Args:
        sides: the spans of each annotator.
        length: of the text, in code points; what lies beyond is not counted.
    """
    changes: list[tuple[int, int, str, int]] = []
    for side, spans in enumerate(sides):
        for span in spans:
            changes.append((span.start, side, span.type, 1))
            changes.append((span.end, side, span.type, -1))
    changes.sort()
    found: Units = Counter()
    covering: list[dict[str, int]] = [{} for _ in sides]
    values: list[Labels] = [()] * len(sides)
    at = 0
    for place, side, type_, step in changes:
        if place > at:
            until = min(place, length)
            if until > at:
                found[tuple(values)] += until - at
            at = place
        types = covering[side]
        count = types.get(type_, 0) + step
        if count:
            types[type_] = count
            if count > 1 or step < 0:
                continue
        else:
            del types[type_]
        values[side] = tuple(sorted(types)) if len(types) > 1 else tuple(types)
    if length > at:
        found[tuple(values)] += length - at
    return found


def by_pair(units: Units) -> Iterator[tuple[tuple[int, int], Units]]:
    """The units of every two annotators, by their places."""
    sides = range(len(next(iter(units), ())))
    for one, two in combinations(sides, 2):
        found: Units = Counter()
        for values, weight in units.items():
            found[values[one], values[two]] += weight
        yield (one, two), found


def alpha_of(units: Mapping[tuple[Labels, ...], int]) -> float | None:
    """Alpha of units counted elsewhere, as one article."""
    coincidences = Coincidences()
    coincidences.add(0, Counter(units))
    return coincidences.alpha()


def _rounded(figure: float) -> float | None:
    return None if np.isnan(figure) else rounded(figure)
