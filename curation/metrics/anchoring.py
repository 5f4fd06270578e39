"""The anchoring audit: do people who see a prediction agree with it because they see it?

Some articles are annotated blind, with the prediction held back. They are compared with the articles whose prediction
was shown: agreement with the engine, shares of the labels, and time. The difference in agreement with the engine is the
anchoring effect: what people took over and would not have marked by themselves (or would have overlooked). Articles are
drawn by a hash, so the two groups differ by chance only; every figure has a 95 % bootstrap interval over articles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from curation.annotation import Annotation
from curation.article import Value
from curation.metrics.bootstrap import Floats, draws, interval_of, resampled
from curation.metrics.counts import SECTIONS as ITEMS
from curation.metrics.counts import Counts, PairCounts, Section, Table, f1_of, section_counts
from curation.metrics.effort import strange_time
from curation.metrics.matching import compare
from curation.metrics.rounding import decimal, rounded

LEAST = 10
"""Fewest articles of either group for a conclusion."""
FLAT = 0.02
"""A difference in F1 below this is negligible, however certain."""

Sort = Literal["blind", "assisted"]
SORTS: tuple[Sort, Sort] = ("blind", "assisted")
Interval = tuple[float, float]


class Work(NamedTuple):
    """Annotations of one article by people, blind and with the prediction shown, and the prediction."""

    blind: Sequence[Annotation]
    assisted: Sequence[Annotation]
    engine: Annotation | None


class Figure(Value):
    """A figure, its interval (None for a single article), and the number of articles it is based on."""

    value: float
    interval: Interval | None
    articles: int


class Contrast(Value):
    """The same figure of blind and of assisted work, and the second minus the first; None if it is undefined."""

    blind: Figure | None
    assisted: Figure | None
    difference: float | None = None
    interval: Interval | None = None


class Label(Value):
    """How often a label is given, of all labels of blind and of assisted work."""

    label: str
    blind: int
    assisted: int
    shares: Contrast


class Anchoring(Value):
    """Blind work beside assisted work.

    engine       agreement with the engine (F1, exact span and type): `difference` is the anchoring effect
    people       agreement between people on one article, where two annotated it
    across       agreement between blind and assisted annotations of the same article, where there are both
    labels       the labels, those whose share differs most first
    seconds      median seconds on an article, of the plausible times (`curation.metrics.effort`)
    untimed      annotations without a plausible time
    words        what follows from it, in plain words
    """

    articles: dict[Sort, int]
    annotations: dict[Sort, int]
    engine: dict[Section, Contrast]
    people: dict[Section, Contrast]
    across: dict[Section, Figure]
    labels: tuple[Label, ...]
    seconds: Contrast
    untimed: dict[Sort, int]
    words: tuple[str, ...]


def anchoring(works: Iterable[Work]) -> Anchoring | None:
    """The audit over the works of a project, each of one article; None where no article was annotated blind."""
    sides: dict[Sort, _Side] = {"blind": _Side(), "assisted": _Side()}
    across = Table(ITEMS)
    for work in works:
        for sort, made in zip(SORTS, (work.blind, work.assisted), strict=True):
            if made:
                sides[sort].add(made, work.engine)
        if work.blind and work.assisted:
            across.add(_counts((one, other) for one in work.blind for other in work.assisted))
    blind, assisted = sides["blind"], sides["assisted"]
    if not blind.articles:
        return None
    engine = {item: _contrast(item, blind.engine, assisted.engine) for item in ITEMS}
    seconds = _times(blind.seconds, assisted.seconds)
    labels = _labels(blind.labels, assisted.labels)
    return Anchoring(
        articles={sort: sides[sort].articles for sort in SORTS},
        annotations={sort: sides[sort].annotations for sort in SORTS},
        engine=engine,
        people={item: _contrast(item, blind.people, assisted.people) for item in ITEMS},
        across={item: figure for item in ITEMS if (figure := _f1(item, across)[0]) is not None},
        labels=labels,
        seconds=seconds,
        untimed={sort: sides[sort].untimed for sort in SORTS},
        words=tuple(_words(sides, engine, labels, seconds)),
    )


class _Side:
    """What is counted of blind or of assisted work; rows are of articles."""

    def __init__(self) -> None:
        self.articles = self.annotations = self.untimed = 0
        self.engine, self.people = Table(ITEMS), Table(ITEMS)
        self.labels: list[Counter[str]] = []
        self.seconds: list[list[float]] = []

    def add(self, annotations: Sequence[Annotation], engine: Annotation | None) -> None:
        self.articles += 1
        self.annotations += len(annotations)
        if engine is not None:
            self.engine.add(_counts((engine, annotation) for annotation in annotations))
        if len(annotations) > 1:
            self.people.add(_counts(combinations(annotations, 2)))
        self.labels.append(Counter(item.type for annotation in annotations for item in annotation.items()))
        seconds = [annotation.lead_time for annotation in annotations]
        times = [time for time in seconds if time is not None and strange_time(time) is None]
        self.untimed += len(annotations) - len(times)
        if times:
            self.seconds.append(times)


def _counts(pairs: Iterable[tuple[Annotation, Annotation]]) -> dict[Section, PairCounts]:
    """The counts of all pairs of annotations of one article together."""
    return section_counts(compare(first, second) for first, second in pairs)


def _f1(item: Section, table: Table) -> tuple[Figure | None, Floats | None]:
    """F1 over articles, and of every resample; None where nobody has an item."""
    counts = table.values()[:, table.columns(item)]
    exact = Counts.of_kinds(counts.sum(axis=0), "exact")
    if not (exact.tp or exact.fp or exact.fn):
        return None, None
    figures = f1_of(resampled(counts), "exact")
    articles = len(table)
    return Figure(value=rounded(exact.f1), interval=_interval(figures, articles), articles=articles), figures


def _contrast(item: Section, blind: Table, assisted: Table) -> Contrast:
    return _between(_f1(item, blind), _f1(item, assisted))


def _between(blind: tuple[Figure | None, Floats | None], assisted: tuple[Figure | None, Floats | None]) -> Contrast:
    """Difference of two figures, with a bootstrap interval.

    The resamples of the blind figure are shuffled, because the two groups of articles are independent.
    """
    (blind_figure, blind_samples), (assisted_figure, assisted_samples) = blind, assisted
    if blind_figure is None or assisted_figure is None or blind_samples is None or assisted_samples is None:
        return Contrast(blind=blind_figure, assisted=assisted_figure)
    shuffled = np.random.default_rng(len(blind_samples)).permutation(blind_samples)
    return Contrast(
        blind=blind_figure,
        assisted=assisted_figure,
        difference=round(assisted_figure.value - blind_figure.value, 4),
        interval=_interval(assisted_samples - shuffled, min(blind_figure.articles, assisted_figure.articles)),
    )


def _interval(figures: Floats, articles: int) -> Interval | None:
    """The middle 95 per cent; None for a single article."""
    return interval_of(figures) if articles > 1 else None


def _times(blind: Sequence[Sequence[float]], assisted: Sequence[Sequence[float]]) -> Contrast:
    """Median seconds. Articles are resampled, each with all its times."""

    def median(articles: Sequence[Sequence[float]]) -> tuple[Figure | None, Floats | None]:
        if not articles:
            return None, None
        times = np.array([time for of_one in articles for time in of_one])
        of_article = np.array([number for number, of_one in enumerate(articles) for _ in of_one])
        order = np.argsort(times, kind="stable")
        times, of_article = times[order], of_article[order]
        found = []
        for weights in draws(len(articles)):
            reached = np.cumsum(weights[:, of_article], axis=1)
            found.append(times[(reached >= reached[:, -1:] / 2).argmax(axis=1)])
        figures = np.concatenate(found)
        value = round(float(np.median(times)), 1)
        return Figure(value=value, interval=_interval(figures, len(articles)), articles=len(articles)), figures

    return _between(median(blind), median(assisted))


def _labels(blind: Sequence[Counter[str]], assisted: Sequence[Counter[str]]) -> tuple[Label, ...]:
    names = sorted({name for counts in (*blind, *assisted) for name in counts})

    def shares(rows: Sequence[Counter[str]]) -> list[tuple[Figure | None, Floats | None]]:
        counts = np.array([[one[name] for name in names] for one in rows], dtype=np.float64).reshape(-1, len(names))
        if not counts.any():
            return [(None, None)] * len(names)
        sums = np.concatenate([weights @ counts for weights in draws(len(counts))])
        with np.errstate(invalid="ignore"):
            parts = sums / sums.sum(axis=1, keepdims=True)
        whole = counts.sum(axis=0) / counts.sum()
        return [
            (
                Figure(
                    value=round(float(whole[number]), 4),
                    interval=_interval(parts[:, number], len(rows)),
                    articles=len(rows),
                ),
                parts[:, number],
            )
            for number in range(len(names))
        ]

    found = [
        Label(
            label=name,
            blind=sum(one[name] for one in blind),
            assisted=sum(one[name] for one in assisted),
            shares=_between(one, two),
        )
        for name, one, two in zip(names, shares(blind), shares(assisted), strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.shares.difference or 0), one.label)))


def _words(
    sides: dict[Sort, _Side], engine: dict[Section, Contrast], labels: Sequence[Label], seconds: Contrast
) -> Iterable[str]:
    blind, assisted = sides["blind"], sides["assisted"]
    yield f"{blind.articles} articles were annotated blind, {assisted.articles} with a pre-annotation in view."
    if min(blind.articles, assisted.articles) < LEAST:
        yield f"Too few to conclude anything: it takes {LEAST} of each sort, and more to see small differences."
        return
    for item, contrast in engine.items():
        if contrast.blind is None or contrast.assisted is None or contrast.interval is None:
            yield f"{item.capitalize()}: nothing to set against the engine."
            continue
        low, high = contrast.interval
        figures = f"F1 with the engine {decimal(contrast.assisted.value)} with it in view, "
        figures += f"{decimal(contrast.blind.value)} blind"
        if low > FLAT:
            told = "people who see the pre-annotation say more of what it says than they would by themselves"
        elif high < -FLAT:
            told = "people who see the pre-annotation say less of what it says than those who do not"
        elif low >= -FLAT and high <= FLAT:
            told = "the pre-annotation does not steer people"
        else:
            told = "whether the pre-annotation steers people cannot be told from so few"
        yield f"{item.capitalize()}: {figures} (difference {low:+.3f} to {high:+.3f}): {told}."
    moved = [one for one in labels if one.shares.interval and not one.shares.interval[0] <= 0 <= one.shares.interval[1]]
    if moved:
        named = ", ".join(f"{one.label} ({one.shares.difference or 0:+.1%})" for one in moved[:5])
        yield f"Labels given more or less often with a pre-annotation in view: {named}."
    if seconds.blind is not None and seconds.assisted is not None and seconds.interval is not None:
        low, high = seconds.interval
        saved = "faster" if high < 0 else "slower" if low > 0 else "no faster and no slower, as far as can be told,"
        yield (
            f"Median seconds on an article: {seconds.assisted.value:.0f} with a pre-annotation, "
            f"{seconds.blind.value:.0f} blind: {saved} with it."
        )
    if untimed := blind.untimed + assisted.untimed:
        yield f"{untimed} annotations have no time that can be believed."
