"""How far annotators agree on entities, triggers and arguments: F1 between every two, alpha, and where they differ.

F1 between two annotators takes neither as correct: it is the same whoever comes first. Items pair as
`curation.metrics.matching.match` pairs them, and four figures follow: `exact` (same span and type), `span` (same span,
any type), `overlap` (same type, any overlap), `partial` (same span 1, overlap ½, any type). Arguments pair by role and
filler span, and their four figures look only at events that both have, same trigger span and type; `end_to_end` takes
every argument, and requires the same type of filler.

Figures over all are micro-averages: pairs of annotators are counted together, so a pair with more articles in common
weighs more; `mean_of_pairs` weighs them alike. Intervals are 95 % bootstrap intervals over articles, seeded. Alpha is
described in `curation.metrics.alpha`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from curation.annotation import Annotation
from curation.article import Value
from curation.metrics.alpha import Alpha, Coincidences, Units, alpha_of, by_pair, units
from curation.metrics.bootstrap import Floats, Interval, draws, interval_of
from curation.metrics.corrections import Defaults
from curation.metrics.counts import (
    CREDIT,
    SECTIONS,
    Matrix,
    Measure,
    PairCounts,
    Section,
    Table,
    credited,
    f1_of,
    ratio,
    whole,
)
from curation.metrics.matching import ArgumentKey, Link, Pair, Trigger, arguments, links, match
from curation.metrics.pairing import Together
from curation.metrics.rounding import rounded

_END_TO_END = "end to end"
_COLUMNS = (*SECTIONS, _END_TO_END)
"""The names in a table of counts."""


class Figures(Value):
    """F1 in [0, 1]; None if neither marked anything. `only_first + both` is the count of the first of a pair."""

    f1: float | None
    interval: Interval | None = None
    both: int | float
    only_first: int | float
    only_second: int | float


class Mean(Value):
    """A mean over pairs of annotators, and its interval."""

    f1: float | None
    interval: Interval | None = None


class AttributeFigures(Value):
    """An attribute over the items that both have, same span and type: `share` of the `items` have the same value."""

    items: int
    same: int
    share: float | None
    matrix: Matrix


class SectionFigures(Value):
    """Agreement on entities, triggers or arguments; types of arguments are roles.

    `end_to_end` is for arguments only, `alpha` for entities and triggers, `mean_of_pairs` (of `exact`) for all
    annotators together. `matrix` counts the types of the first against those of the second.
    """

    exact: Figures
    span: Figures
    overlap: Figures
    partial: Figures
    end_to_end: Figures | None = None
    mean_of_pairs: Mean | None = None
    by_type: dict[str, Figures]
    alpha: Alpha | None = None
    matrix: Matrix
    attributes: dict[str, AttributeFigures] = {}  # noqa: RUF012 - frozen


class PairAgreement(Value):
    """Two annotators over the `articles` that both annotated."""

    first: str
    second: str
    articles: int
    entities: SectionFigures
    triggers: SectionFigures
    arguments: SectionFigures


class Disagreement(Value):
    """How many items of one article differ in any way but attributes, over all pairs of its annotators.

    `arguments` are those of events that two have in common, so that a missing event counts once.
    """

    article_id: str
    text_sha256: str
    annotators: tuple[str, ...]
    entities: int
    triggers: int
    arguments: int


class Agreement(Value):
    """All annotators together over `articles` (revisions) with two or more; then pair by pair, article by article."""

    articles: int
    annotators: tuple[str, ...]
    entities: SectionFigures
    triggers: SectionFigures
    arguments: SectionFigures
    pairs: tuple[PairAgreement, ...]
    disagreements: tuple[Disagreement, ...]

    @property
    def f1(self) -> float | None:
        """Exact F1 over entities, triggers and arguments together: 1 only where nobody differs on any of them."""
        exact = [section.exact for section in (self.entities, self.triggers, self.arguments)]
        both = sum(one.both for one in exact)
        single = sum(one.only_first + one.only_second for one in exact)
        return rounded(2 * both / (2 * both + single)) if both or single else None


def agreement(groups: Iterable[Together], defaults: Defaults | None = None) -> Agreement | None:
    """Measure agreement over article revisions, each with the annotations of two or more; None: there are none.

    Memory grows by about two hundred numbers an article, whatever its length.

    Args:
        groups: see `curation.metrics.pairing`.
        defaults: the attributes' defaults, see `curation.metrics.effort.defaults`; left out: attributes that an item
            does not have are not compared.
    """
    measuring = _Measuring(defaults or {})
    for group in groups:
        measuring.add(group)
    return measuring.result() if measuring.articles else None


@dataclass
class _Counted:
    """What is counted of one pair of annotators, or of all pairs together."""

    table: Table = field(default_factory=lambda: Table(_COLUMNS))
    counts: dict[Section, PairCounts] = field(default_factory=lambda: {section: PairCounts() for section in SECTIONS})
    values: dict[Section, dict[str, Counter[tuple[str, str]]]] = field(
        default_factory=lambda: {section: {} for section in SECTIONS}
    )
    units: dict[Section, Units] = field(default_factory=lambda: {section: Counter() for section in SECTIONS})
    with_text: int = 0


@dataclass
class _Side:
    """One annotation, prepared for comparison with several others."""

    annotation: Annotation
    arguments: list[ArgumentKey]
    triggers: set[Trigger]
    links: dict[Trigger, list[Link]]

    @classmethod
    def of(cls, annotation: Annotation) -> _Side:
        by_trigger: dict[Trigger, list[Link]] = {}
        for link in links(annotation):
            by_trigger.setdefault(link.trigger, []).append(link)
        triggers = {(event.start, event.end, event.type) for event in annotation.events}
        return cls(annotation, list(arguments(annotation)), triggers, by_trigger)

    def pairs(self, other: _Side) -> dict[Section, list[Pair[Any]]]:
        """Pairs of the items of two annotations; arguments only of events that both have."""
        return {
            "entities": match(self.annotation.entities, other.annotation.entities),
            "triggers": match(self.annotation.events, other.annotation.events),
            "arguments": [
                pair
                for trigger in sorted(self.triggers & other.triggers)
                for pair in match(self.links.get(trigger, ()), other.links.get(trigger, ()))
            ],
        }


class _Measuring:
    """Everything counted so far."""

    def __init__(self, defaults: Defaults) -> None:
        self.defaults: dict[Section, Mapping[str, str]] = {
            "entities": defaults.get("entities", {}),
            "triggers": defaults.get("events", {}),
        }
        self.articles = 0
        self.pairs: dict[tuple[str, str], _Counted] = {}
        self.coincidences: dict[Section, Coincidences] = {name: Coincidences() for name in ("entities", "triggers")}
        self.by_label: dict[tuple[Section, str], array[int]] = {}
        """Section and label → for each comparison the article, equal items, and items on both sides."""
        self.disagreements: list[Disagreement] = []

    def add(self, group: Together) -> None:
        place = self.articles
        self.articles += 1
        differ = Counter[str](dict.fromkeys(SECTIONS, 0))
        sides = [_Side.of(annotation) for annotation in group.annotations]
        for first, second in combinations(range(len(group.names)), 2):
            counted = self.pairs.setdefault((group.names[first], group.names[second]), _Counted())
            for section, counts in self._compare(place, counted, sides[first], sides[second]).items():
                differ[section] += sum(counts.kinds) - counts.kinds[0]
        self.disagreements.append(
            Disagreement(article_id=group.article_id, text_sha256=group.text_sha256, annotators=group.names, **differ)
        )
        if group.length is not None:
            self._cover(place, group, group.length)

    def _compare(self, place: int, counted: _Counted, first: _Side, second: _Side) -> dict[Section, PairCounts]:
        """Count one article of two annotators."""
        pairs = first.pairs(second)
        counts = {section: PairCounts.of(found) for section, found in pairs.items()}
        row: dict[Hashable, PairCounts] = {_END_TO_END: PairCounts.of_keys(first.arguments, second.arguments)}
        counted.table.add(row | dict(counts), place)
        for section, of_section in counts.items():
            counted.counts[section].update(of_section)
            for label, exact in of_section.by_label().items():
                items = 2 * exact.tp + exact.fp + exact.fn
                self.by_label.setdefault((section, label), array("i")).extend((place, int(exact.tp), int(items)))
        for section, default_values in self.defaults.items():
            _compare_values(pairs[section], default_values, counted.values[section])
        return counts

    def _cover(self, place: int, group: Together, length: int) -> None:
        sides: dict[Section, list[Iterable[Any]]] = {
            "entities": [annotation.entities for annotation in group.annotations],
            "triggers": [annotation.events for annotation in group.annotations],
        }
        for section, spans in sides.items():
            covered = units(spans, length)
            self.coincidences[section].add(place, covered)
            for (first, second), shared in by_pair(covered):
                self.pairs[group.names[first], group.names[second]].units[section].update(shared)
        for names in combinations(group.names, 2):
            self.pairs[names].with_text += 1

    def result(self) -> Agreement:
        pairs = dict(sorted(self.pairs.items()))
        every = _Counted()
        for counted in pairs.values():
            for section in SECTIONS:
                every.counts[section].update(counted.counts[section])
        tables = {names: counted.table for names, counted in pairs.items()}
        table = _summed(tables.values(), self.articles)
        resamples = self._resample(tables, table)
        of_pair = {
            names: {
                section: self._section(section, counted, counted.table.values(), resamples.pairs.get(names))
                for section in SECTIONS
            }
            for names, counted in pairs.items()
        }
        return Agreement(
            articles=self.articles,
            annotators=tuple(sorted({name for names in pairs for name in names})),
            **{
                section: self._section(section, every, table, resamples.every).model_copy(
                    update={
                        "mean_of_pairs": _mean(section, [figures[section] for figures in of_pair.values()], resamples),
                        "by_type": self._by_label(section, every.counts[section], resamples),
                        "matrix": Matrix.of_all([figures[section].matrix for figures in of_pair.values()]),
                        "alpha": self._alpha(section, resamples),
                        "attributes": _together([figures[section].attributes for figures in of_pair.values()]),
                    }
                )
                for section in SECTIONS
            },
            pairs=tuple(
                PairAgreement(first=names[0], second=names[1], articles=len(pairs[names].table), **figures)
                for names, figures in of_pair.items()
            ),
            disagreements=tuple(self.disagreements),
        )

    def _resample(self, tables: Mapping[tuple[str, str], Table], every: Floats) -> _Resamples:
        """Sums of counts when articles are drawn again; nothing where there is but one article."""
        found = _Resamples()
        if self.articles < 2:
            return found
        several = {names: (table.places, table.values()) for names, table in tables.items() if len(table) > 1}
        labels = self._label_table()
        sums: dict[Any, list[Floats]] = {names: [] for names in several}
        all_sums, label_sums = [], []
        for weights in draws(self.articles):
            all_sums.append(weights @ every)
            label_sums.append(weights @ labels)
            for names, (places, values) in several.items():
                sums[names].append(weights[:, places] @ values)
            for section, coincidences in self.coincidences.items():
                found.alpha.setdefault(section, []).append(coincidences.resampled(weights))
        found.every = np.concatenate(all_sums)
        found.pairs = {names: np.concatenate(parts) for names, parts in sums.items()}
        by_label = np.split(np.concatenate(label_sums), len(self.by_label), axis=1)
        found.labels = dict(zip(self.by_label, by_label, strict=True))
        return found

    def _label_table(self) -> Floats:
        """Shape (articles, 2 x labels): equal items, and items on both sides, of each label."""
        table = np.zeros((self.articles, 2 * len(self.by_label)))
        for column, counts in enumerate(self.by_label.values()):
            places, both, items = np.frombuffer(counts, dtype=np.int32).reshape(-1, 3).T
            np.add.at(table[:, 2 * column], places, both)
            np.add.at(table[:, 2 * column + 1], places, items)
        return table

    def _section(self, section: Section, counted: _Counted, values: Floats, sums: Floats | None) -> SectionFigures:
        totals = values.sum(axis=0)

        def figures(name: str, measure: Measure) -> Figures:
            columns = counted.table.columns(name)
            interval = None if sums is None else interval_of(f1_of(sums[:, columns], measure))
            both, reference, other = map(float, credited(totals[columns], measure))
            return _figures(both, reference, other, interval)

        return SectionFigures(
            **{measure: figures(section, measure) for measure in CREDIT},
            end_to_end=figures(_END_TO_END, "exact") if section == "arguments" else None,
            by_type={
                label: _figures(counts.tp, counts.tp + counts.fn, counts.tp + counts.fp)
                for label, counts in counted.counts[section].by_label().items()
            },
            alpha=None
            if section == "arguments"
            else Alpha(
                alpha=alpha_of(counted.units[section]),
                articles=counted.with_text,
                characters=counted.units[section].total(),
            ),
            matrix=Matrix.of(counted.counts[section]),
            attributes={
                name: _attribute(Matrix.of_values(cells)) for name, cells in sorted(counted.values[section].items())
            },
        )

    def _by_label(self, section: Section, counts: PairCounts, resamples: _Resamples) -> dict[str, Figures]:
        found = {}
        for label, exact in counts.by_label().items():
            sums = resamples.labels.get((section, label))
            interval = None if sums is None else interval_of(ratio(2 * sums[:, 0], sums[:, 1]))
            found[label] = _figures(exact.tp, exact.tp + exact.fn, exact.tp + exact.fp, interval)
        return found

    def _alpha(self, section: Section, resamples: _Resamples) -> Alpha | None:
        coincidences = self.coincidences.get(section)
        return None if coincidences is None else coincidences.result(resamples.alpha.get(section, ()))


@dataclass
class _Resamples:
    """Sums of resampled counts, a row a resample; empty where nothing could be drawn."""

    every: Floats | None = None
    pairs: dict[tuple[str, str], Floats] = field(default_factory=dict)
    labels: dict[tuple[Section, str], Floats] = field(default_factory=dict)
    alpha: dict[Section, list[Floats]] = field(default_factory=dict)


def _summed(tables: Iterable[Table], articles: int) -> Floats:
    """The rows of several tables together: shape (articles, columns of each)."""
    total = np.zeros((articles, 0))
    for table in tables:
        values = table.values()
        total = total if total.size else np.zeros((articles, values.shape[1]))
        np.add.at(total, np.array(table.places), values)
    return total


def _mean(section: Section, of_pairs: Iterable[SectionFigures], resamples: _Resamples) -> Mean:
    """The mean of the pairs of annotators, each weighed alike."""
    known = [figures.exact.f1 for figures in of_pairs if figures.exact.f1 is not None]
    if not known:
        return Mean(f1=None)
    interval = None
    if resamples.pairs:
        columns = Table(_COLUMNS).columns(section)
        figures = np.stack([f1_of(sums[:, columns], "exact") for sums in resamples.pairs.values()])
        interval = interval_of(ratio(np.nansum(figures, axis=0), (~np.isnan(figures)).sum(axis=0)))
    return Mean(f1=rounded(sum(known) / len(known)), interval=interval)


def _compare_values(
    pairs: Iterable[Pair[Any]], default_values: Mapping[str, str], found: dict[str, Counter[tuple[str, str]]]
) -> None:
    """Count the values that two annotators gave the attributes of items that both have."""
    plain = 0
    for pair in pairs:
        if pair.kind != "same" or pair.reference is None or pair.other is None:
            continue
        if not pair.reference.attributes and not pair.other.attributes:
            plain += 1
            continue
        first, second = {**default_values, **pair.reference.attributes}, {**default_values, **pair.other.attributes}
        for name in first.keys() & second.keys():
            found.setdefault(name, Counter())[first[name], second[name]] += 1
    for name, value in default_values.items() if plain else ():
        found.setdefault(name, Counter())[value, value] += plain


def _attribute(matrix: Matrix) -> AttributeFigures:
    items = sum(map(sum, matrix.counts))
    same = sum(matrix.counts[place][place] for place in range(len(matrix.labels)))
    return AttributeFigures(items=items, same=same, share=rounded(same / items) if items else None, matrix=matrix)


def _together(of_pairs: Sequence[Mapping[str, AttributeFigures]]) -> dict[str, AttributeFigures]:
    """The attributes of all pairs of annotators: each difference is on either side of the matrix, once a side."""
    found = {}
    for name in sorted({name for figures in of_pairs for name in figures}):
        parts = [figures[name] for figures in of_pairs if name in figures]
        items, same = sum(part.items for part in parts), sum(part.same for part in parts)
        found[name] = AttributeFigures(
            items=items,
            same=same,
            share=rounded(same / items) if items else None,
            matrix=Matrix.of_all([part.matrix for part in parts]),
        )
    return found


def _figures(both: float, first: float, second: float, interval: Interval | None = None) -> Figures:
    f1 = rounded(2 * both / (first + second)) if first + second else None
    return Figures(
        f1=f1,
        interval=None if f1 is None else interval,
        both=whole(both),
        only_first=whole(first - both),
        only_second=whole(second - both),
    )
