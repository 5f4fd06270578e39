"""How far annotators agree on entities, triggers and arguments: F1 between every two, alpha, and where they differ.

F1 between two annotators takes neither as correct: it is the same whoever comes first. Items pair as
`curation.metrics.matching.match` pairs them, and four figures follow: `exact` (same span and type), `span` (same span,
any type), `overlap` (same type, any overlap), `partial` (same span 1, overlap ½, any type). Arguments pair by role and
filler span, and their four figures look only at events that both have, same trigger span and type; `end_to_end` takes
every argument, and requires the same type of filler.

Figures over all are micro-averages: pairs of annotators are counted together, so a pair with more articles in common
weighs more; `mean_of_pairs` weighs them alike. Intervals are 95 % bootstrap intervals over articles, seeded. Alpha is
told in `curation.metrics.alpha`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np

from curation.annotation import Annotation
from curation.article import Value
from curation.metrics.alpha import Alpha, Coincidences, Units, alpha_of, by_pair, units
from curation.metrics.bootstrap import Floats, Interval, draws, middle
from curation.metrics.confusion import Matrix, matrix, matrix_of_all, matrix_of_values
from curation.metrics.corrections import Defaults
from curation.metrics.matching import ArgumentKey, Kind, Link, Pair, Tally, arguments, links, match
from curation.metrics.pairing import Together
from curation.metrics.rounding import rounded

Trigger = tuple[int, int, str]
Section = Literal["entities", "triggers", "arguments"]
Measure = Literal["exact", "span", "overlap", "partial"]
OfType = dict[tuple[Section, str], list[int]]
"""Of one article, items alike in two annotations, and items on both sides, by type."""
SECTIONS: tuple[Section, ...] = ("entities", "triggers", "arguments")
KINDS: tuple[Kind, ...] = ("same", "type", "border", "both", "missed", "spurious")
CREDIT: dict[Measure, tuple[float, ...]] = {
    "exact": (1, 0, 0, 0, 0, 0),
    "span": (1, 1, 0, 0, 0, 0),
    "overlap": (1, 0, 1, 0, 0, 0),
    "partial": (1, 1, 0.5, 0.5, 0, 0),
}
"""What a pair of each kind is worth, in the order of `KINDS`."""
_FIRST = np.array((1, 1, 1, 1, 1, 0))
_SECOND = np.array((1, 1, 1, 1, 0, 1))
"""Has the first, has the second an item in a pair of each kind?"""
_END_TO_END = len(SECTIONS) * len(KINDS)
"""Where in a row arguments end to end stand: both, first, second."""


class Figures(Value):
    """F1 in [0, 1]; None where neither marked anything. `only_first + both` is what the first of a pair marked."""

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
    annotators together. `matrix` counts who said what where the other said what.
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
    """Measure agreement over article revisions, each with what two or more annotators said; None: there are none.

    Memory grows by about two hundred numbers an article, whatever its length.

    Args:
        groups: see `curation.metrics.pairing`.
        defaults: the attributes' defaults, see `curation.metrics.effort.defaults`; left out: attributes that an item
            does not have are not compared.
    """
    counted = _Counted(defaults or {})
    for group in groups:
        counted.add(group)
    return counted.result() if counted.articles else None


@dataclass
class _Tallied:
    """What was counted of one pair of annotators, or of all pairs."""

    places: list[int] = field(default_factory=list)
    rows: array[int] = field(default_factory=lambda: array("i"))
    tallies: dict[Section, Tally] = field(default_factory=lambda: {section: Tally() for section in SECTIONS})
    values: dict[Section, dict[str, Counter[tuple[str, str]]]] = field(
        default_factory=lambda: {section: {} for section in SECTIONS}
    )
    units: dict[Section, Units] = field(default_factory=lambda: {section: Counter() for section in SECTIONS})
    with_text: int = 0

    def table(self) -> Floats:
        """Shape (articles, counts): the kinds of each section, then arguments end to end."""
        return np.frombuffer(self.rows, dtype=np.int32).reshape(-1, _END_TO_END + 3).astype(np.float64)


@dataclass
class _Side:
    """One annotation, made ready to be compared with several others."""

    annotation: Annotation
    arguments: Counter[ArgumentKey]
    triggers: set[Trigger]
    links: dict[Trigger, list[Link]]

    @classmethod
    def of(cls, annotation: Annotation) -> _Side:
        by_trigger: dict[Trigger, list[Link]] = {}
        for link in links(annotation):
            by_trigger.setdefault(link.trigger, []).append(link)
        triggers = {(event.start, event.end, event.type) for event in annotation.events}
        return cls(annotation, Counter(arguments(annotation)), triggers, by_trigger)


class _Counted:
    """Everything counted so far."""

    def __init__(self, defaults: Defaults) -> None:
        self.usual: dict[Section, Mapping[str, str]] = {
            "entities": defaults.get("entities", {}),
            "triggers": defaults.get("events", {}),
        }
        self.articles = 0
        self.pairs: dict[tuple[str, str], _Tallied] = {}
        self.all = _Tallied()
        self.coincidences: dict[Section, Coincidences] = {name: Coincidences() for name in ("entities", "triggers")}
        self.of_type: dict[tuple[Section, str], array[int]] = {}
        self.disagreements: list[Disagreement] = []

    def add(self, group: Together) -> None:
        place = self.articles
        self.articles += 1
        every = [0] * (_END_TO_END + 3)
        differ, of_type = Counter[str](), OfType()
        sides = [_Side.of(annotation) for annotation in group.annotations]
        for one, two in combinations(range(len(group.names)), 2):
            tallied = self.pairs.setdefault((group.names[one], group.names[two]), _Tallied())
            tallied.places.append(place)
            row = self._pair(tallied, sides[one], sides[two], of_type)
            said = sides[one].arguments, sides[two].arguments
            row += (_shared(*said), *(side.total() for side in said))
            tallied.rows.extend(row)
            every = [sum(counts) for counts in zip(every, row, strict=True)]
        for named, counts in of_type.items():
            self.of_type.setdefault(named, array("i")).extend((place, *counts))
        self.all.places.append(place)
        self.all.rows.extend(every)
        for number, section in enumerate(SECTIONS):
            kinds = every[number * len(KINDS) : (number + 1) * len(KINDS)]
            differ[section] = sum(kinds) - kinds[0]
        self.disagreements.append(
            Disagreement(article_id=group.article_id, text_sha256=group.text_sha256, annotators=group.names, **differ)
        )
        if group.length is not None:
            self._cover(place, group, group.length)

    def _pair(self, tallied: _Tallied, first: _Side, second: _Side, of_type: OfType) -> list[int]:
        """Count one article of two annotators in. Returns its row, but for arguments end to end."""
        one, two = first.annotation, second.annotation
        found: dict[Section, list[Pair[Any]]] = {
            "entities": match(one.entities, two.entities),
            "triggers": match(one.events, two.events),
            "arguments": [
                pair
                for trigger in sorted(first.triggers & second.triggers)
                for pair in match(first.links.get(trigger, ()), second.links.get(trigger, ()))
            ],
        }
        row: list[int] = []
        for section, pairs in found.items():
            here, total = Tally(), tallied.tallies[section].pairs
            here.add(pairs)
            kinds = dict.fromkeys(KINDS, 0)
            for (kind, name, other), count in here.pairs.items():
                total[kind, name, other] += count
                kinds[kind] += count
                for type_ in (name, other):
                    if type_ is not None:
                        counts = of_type.setdefault((section, type_), [0, 0])
                        counts[1] += count
                if kind == "same":
                    of_type[section, str(name)][0] += count
            row += kinds.values()
        for section, usual in self.usual.items():
            _compare_values(found[section], usual, tallied.values[section])
        return row

    def _cover(self, place: int, group: Together, length: int) -> None:
        sides: dict[Section, list[Iterable[Any]]] = {
            "entities": [one.entities for one in group.annotations],
            "triggers": [one.events for one in group.annotations],
        }
        for section, spans in sides.items():
            covered = units(spans, length)
            self.coincidences[section].add(place, covered)
            for (one, two), shared in by_pair(covered):
                self.pairs[group.names[one], group.names[two]].units[section].update(shared)
        for names in combinations(group.names, 2):
            self.pairs[names].with_text += 1

    def result(self) -> Agreement:
        pairs = dict(sorted(self.pairs.items()))
        drawn = self._draw(pairs)
        for tallied in pairs.values():
            for section in SECTIONS:
                self.all.tallies[section].pairs.update(tallied.tallies[section].pairs)
        sections = {section: self._section(section, self.all, drawn.every) for section in SECTIONS}
        of_pair = {
            names: {section: self._section(section, tallied, drawn.pairs.get(names)) for section in SECTIONS}
            for names, tallied in pairs.items()
        }
        return Agreement(
            articles=self.articles,
            annotators=tuple(sorted({name for names in pairs for name in names})),
            **{
                section: figures.model_copy(
                    update={
                        "mean_of_pairs": self._mean(section, [one[section] for one in of_pair.values()], drawn),
                        "by_type": self._types(section, drawn),
                        "matrix": matrix_of_all([one[section].matrix for one in of_pair.values()]),
                        "alpha": self._alpha(section, drawn),
                        "attributes": _together([one[section].attributes for one in of_pair.values()]),
                    }
                )
                for section, figures in sections.items()
            },
            pairs=tuple(
                PairAgreement(first=one, second=two, articles=len(pairs[one, two].places), **of_pair[one, two])
                for one, two in pairs
            ),
            disagreements=tuple(self.disagreements),
        )

    def _draw(self, pairs: Mapping[tuple[str, str], _Tallied]) -> _Drawn:
        """What the counts become when articles are drawn again; nothing where there is but one article."""
        drawn = _Drawn()
        if self.articles < 2:
            return drawn
        tables = {names: (tallied.places, tallied.table()) for names, tallied in pairs.items()}
        every, of_type = self.all.table(), self._type_table()
        sums: dict[tuple[str, str], list[Floats]] = {
            names: [] for names, tallied in pairs.items() if len(tallied.places) > 1
        }
        all_sums, type_sums = [], []
        for weights in draws(self.articles):
            all_sums.append(weights @ every)
            type_sums.append(weights @ of_type)
            for names, parts in sums.items():
                places, table = tables[names]
                parts.append(weights[:, places] @ table)
            for section, coincidences in self.coincidences.items():
                drawn.alpha.setdefault(section, []).append(coincidences.resampled(weights))
        drawn.every = np.concatenate(all_sums)
        drawn.pairs = {names: np.concatenate(parts) for names, parts in sums.items()}
        drawn.types = dict(
            zip(self.of_type, np.split(np.concatenate(type_sums), len(self.of_type), axis=1), strict=True)
        )
        return drawn

    def _type_table(self) -> Floats:
        """Shape (articles, 2 × types): items alike, and items on both sides, of each type."""
        table = np.zeros((self.articles, 2 * len(self.of_type)))
        for column, counts in enumerate(self.of_type.values()):
            places, both, items = np.frombuffer(counts, dtype=np.int32).reshape(-1, 3).T
            table[places, 2 * column] = both
            table[places, 2 * column + 1] = items
        return table

    def _section(self, section: Section, tallied: _Tallied, sums: Floats | None) -> SectionFigures:
        totals = tallied.table().sum(axis=0)
        return SectionFigures(
            **{
                measure: _figures(
                    *_sides(totals[_part(section)], credit), interval=_middle(sums, _part(section), credit)
                )
                for measure, credit in CREDIT.items()
            },
            end_to_end=_end_to_end(totals, sums) if section == "arguments" else None,
            by_type={
                name: _figures(counts.tp, counts.tp + counts.fn, counts.tp + counts.fp)
                for name, counts in tallied.tallies[section].by_type().items()
            },
            alpha=None
            if section == "arguments"
            else Alpha(
                alpha=alpha_of(tallied.units[section]),
                articles=tallied.with_text,
                characters=tallied.units[section].total(),
            ),
            matrix=matrix(tallied.tallies[section]),
            attributes={
                name: _values(matrix_of_values(cells)) for name, cells in sorted(tallied.values[section].items())
            },
        )

    def _types(self, section: Section, drawn: _Drawn) -> dict[str, Figures]:
        found = {}
        for name, counts in self.all.tallies[section].by_type().items():
            sums = drawn.types.get((section, name))
            interval = None if sums is None else middle(_ratio(2 * sums[:, 0], sums[:, 1]))
            found[name] = _figures(counts.tp, counts.tp + counts.fn, counts.tp + counts.fp, interval)
        return found

    def _alpha(self, section: Section, drawn: _Drawn) -> Alpha | None:
        counted = self.coincidences.get(section)
        return None if counted is None else counted.result(drawn.alpha.get(section, ()))

    def _mean(self, section: Section, of_pair: Iterable[SectionFigures], drawn: _Drawn) -> Mean:
        known = [one.exact.f1 for one in of_pair if one.exact.f1 is not None]
        if not known:
            return Mean(f1=None)
        interval = None
        if drawn.pairs:
            figures = np.stack([_f1(sums[:, _part(section)], CREDIT["exact"]) for sums in drawn.pairs.values()])
            interval = middle(_ratio(np.nansum(figures, axis=0), (~np.isnan(figures)).sum(axis=0)))
        return Mean(f1=rounded(sum(known) / len(known), 4), interval=interval)


@dataclass
class _Drawn:
    """Sums of resampled counts, a row a resample; empty where nothing could be drawn."""

    every: Floats | None = None
    pairs: dict[tuple[str, str], Floats] = field(default_factory=dict)
    types: dict[tuple[Section, str], Floats] = field(default_factory=dict)
    alpha: dict[Section, list[Floats]] = field(default_factory=dict)


def _part(section: Section) -> slice:
    first = SECTIONS.index(section) * len(KINDS)
    return slice(first, first + len(KINDS))


def _sides(kinds: Floats, credit: tuple[float, ...]) -> tuple[float, float, float]:
    return float(kinds @ np.array(credit)), float(kinds @ _FIRST), float(kinds @ _SECOND)


def _compare_values(
    pairs: Iterable[Pair[Any]], usual: Mapping[str, str], found: dict[str, Counter[tuple[str, str]]]
) -> None:
    """Count the values that two annotators gave the attributes of items that both have."""
    plain = 0
    for pair in pairs:
        if pair.kind != "same" or pair.reference is None or pair.other is None:
            continue
        one, two = pair.reference.attributes, pair.other.attributes
        if not one and not two:
            plain += 1
            continue
        one, two = {**usual, **one}, {**usual, **two}
        for name in one.keys() & two.keys():
            found.setdefault(name, Counter())[one[name], two[name]] += 1
    for name, value in usual.items() if plain else ():
        found.setdefault(name, Counter())[value, value] += plain


def _values(matrix: Matrix) -> AttributeFigures:
    items = sum(map(sum, matrix.counts))
    same = sum(matrix.counts[place][place] for place in range(len(matrix.labels)))
    return AttributeFigures(items=items, same=same, share=rounded(same / items, 4) if items else None, matrix=matrix)


def _together(of_pairs: Sequence[Mapping[str, AttributeFigures]]) -> dict[str, AttributeFigures]:
    """The attributes of all pairs of annotators: each difference stands on either side of the matrix, once a side."""
    found = {}
    for name in sorted({name for one in of_pairs for name in one}):
        parts = [one[name] for one in of_pairs if name in one]
        items, same = sum(one.items for one in parts), sum(one.same for one in parts)
        found[name] = AttributeFigures(
            items=items,
            same=same,
            share=rounded(same / items, 4) if items else None,
            matrix=matrix_of_all([one.matrix for one in parts]),
        )
    return found


def _end_to_end(totals: Floats, sums: Floats | None) -> Figures:
    part = slice(_END_TO_END, None)
    both, first, second = totals[part].tolist()
    return _figures(both, first, second, _middle(sums, part))


def _figures(both: float, first: float, second: float, interval: Interval | None = None) -> Figures:
    f1 = rounded(2 * both / (first + second), 4) if first + second else None
    counts = (both, first - both, second - both)
    return Figures(
        f1=f1,
        interval=None if f1 is None else interval,
        **dict(zip(("both", "only_first", "only_second"), map(_whole, counts), strict=True)),
    )


def _whole(count: float) -> int | float:
    return int(count) if float(count).is_integer() else float(count)


def _middle(sums: Floats | None, part: slice, credit: tuple[float, ...] | None = None) -> Interval | None:
    return None if sums is None else middle(_f1(sums[:, part], credit))


def _f1(sums: Floats, credit: tuple[float, ...] | None) -> Floats:
    """F1 of each row: of kinds with their credit, or of both, first, second; NaN where there is nothing."""
    if credit is None:
        both, first, second = sums.T
    else:
        both, first, second = sums @ np.array(credit), sums @ _FIRST, sums @ _SECOND
    return _ratio(2 * both, first + second)


def _ratio(over: Floats, under: Floats) -> Floats:
    ratio = np.full(over.shape, np.nan)
    np.divide(over, under, out=ratio, where=under > 0)
    return ratio


def _shared(one: Counter[ArgumentKey], two: Counter[ArgumentKey]) -> int:
    return sum(min(count, two[key]) for key, count in one.items() if key in two)
