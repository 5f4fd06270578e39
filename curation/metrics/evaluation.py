"""How good an engine is against gold: precision, recall and F1 of entities, triggers and arguments, and what it costs
to correct its predictions.

Entities are correct with the same span and type; `span` takes any type, `overlap` the same type with any overlap,
`partial` gives half for an overlap, whatever the type. These are the four measures of SemEval 2013.

Triggers are correct with the same span and type (`classification`); `identification` is the span alone; `overlap` and
`partial` as above.

Arguments are correct end to end: same trigger span, event type, role and filler span; `overlap` takes any overlap of
the filler. `classification` is event type, role and filler span, at whatever trigger; `identification` leaves the role
open as well.

Spans are compared whole, character by character, fillers too; there are no head words, and the type of a filler does
not matter. Items pair one to one, see `curation.metrics.matching.match`. Figures are micro-averages.

With another ontology (a Mapping), figures are given twice: against all gold, and against the gold of types and roles
that something of ours maps to. Predictions of types that the ontology does not have are left out, and the annotation
conventions of the corpus (curation/metrics/conventions.py) are applied to the others before spans are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np

from curation.annotation import Annotation, Entity, Event
from curation.article import Article, Value
from curation.metrics.bootstrap import Floats, Interval, interval_of, resampled
from curation.metrics.calibration import Calibration, calibration
from curation.metrics.counts import KINDS, Counts, Measure, PairCounts, Table, f1_of, ratio, whole
from curation.metrics.effort import ACTIONS, Actions, Defaults, actions, cost
from curation.metrics.error_examples import NAMES, Example, Examples
from curation.metrics.label_mapping import Mapping, mapped_only, translate, with_conventions
from curation.metrics.matching import FILLER, PARTS, Link, Pair, Part, links, match, match_links

Scope = Literal["all gold", "types that map"]
EXACT = "exact"
CONFUSIONS = 10
"""How many confusions of two types are listed, the most frequent."""


class Figures(Value):
    """Precision, recall and F1 in [0, 1], the counts behind them, and the 95 % bootstrap interval of F1.

    `tp + fn` is the gold, `tp + fp` the prediction. The interval is None for fewer than two articles.
    """

    precision: float
    recall: float
    f1: float
    f1_interval: tuple[float, float] | None = None
    tp: int | float
    fp: int | float
    fn: int | float


class Confusion(Value):
    """How many items of gold type `gold` were predicted as `said`."""

    gold: str
    said: str
    items: int


class _Section(Figures):
    """Figures that entities, triggers and arguments share. The main figures are counted against `counted`."""

    counted: Scope
    all_gold: Figures
    types_that_map: Figures | None
    by_type: dict[str, Figures]
    errors: dict[str, int]
    confusions: tuple[Confusion, ...]
    examples: tuple[Example, ...]
    calibration: Calibration | None

    MAIN: ClassVar[str] = "classification"
    """The name of the main figure among the others."""

    def rows(self) -> list[tuple[str, Figures]]:
        """Every figure once by its name, the main one first."""
        again = {self.MAIN, self.counted.replace(" ", "_")}
        finer = [(name, getattr(self, name)) for name in type(self).model_fields if name not in again]
        found = [(name.replace("_", " "), figures) for name, figures in finer if isinstance(figures, Figures)]
        return [(self.MAIN.replace("_", " "), self), *found]


SectionT = TypeVar("SectionT", bound=_Section)


class EntityFigures(_Section):
    """Exact span and type at the top, and the finer figures."""

    MAIN: ClassVar[str] = "exact"

    span: Figures
    overlap: Figures
    partial: Figures


class TriggerFigures(_Section):
    """Exact span and type at the top, and the finer figures."""

    identification: Figures
    classification: Figures
    overlap: Figures
    partial: Figures


class ArgumentFigures(_Section):
    """End to end at the top, and the finer figures; `by_type` is by role."""

    MAIN: ClassVar[str] = "end_to_end"

    identification: Figures
    classification: Figures
    end_to_end: Figures
    overlap: Figures


class EffortFigures(Value):
    """Clicks and keys to the gold from the prediction, and from an empty page; `ratio` is the first over the second.

    `actions` and `blank_actions` count the editor's actions; `weights` is what each costs. Only `sections` count.
    """

    cost: int
    blank_cost: int
    ratio: float
    ratio_interval: tuple[float, float] | None
    counted: Scope
    sections: dict[str, float | None]
    actions: dict[str, int]
    blank_actions: dict[str, int]
    weights: dict[str, int]


class Evaluation(Value):
    """Everything measured. Sections that the gold has no items of are not scored, and None.

    `conventions` describes the annotation conventions of the corpus that were applied to the predictions, if any.
    """

    articles: int
    mapping: str | None
    conventions: str | None
    entities: EntityFigures | None
    triggers: TriggerFigures | None
    arguments: ArgumentFigures | None
    effort: EffortFigures | None


class Compared(NamedTuple):
    """One article as it was scored: gold and predictions in the gold's labels, pair by pair."""

    article: Article
    entities: list[Pair[Entity]]
    events: list[Pair[Event]]
    arguments: list[Pair[Link]]


def _filler(link: Link) -> Hashable:
    return link.trigger[2], link.start, link.end


def _role(link: Link) -> Hashable:
    return link.trigger[2], link.type, link.start, link.end


_OPEN: dict[str, Callable[[Link], Hashable]] = {"identification": _filler, "classification": _role}
"""Figures of arguments at whatever trigger, and by what arguments are equal."""
MEASURES: dict[Part, dict[str, tuple[str, Measure]]] = {
    "entities": {
        EXACT: ("entities", "exact"),
        "span": ("entities", "span"),
        "overlap": ("entities", "overlap"),
        "partial": ("entities", "partial"),
    },
    "events": {
        EXACT: ("events", "exact"),
        "identification": ("events", "span"),
        "classification": ("events", "exact"),
        "overlap": ("events", "overlap"),
        "partial": ("events", "partial"),
    },
    "arguments": {
        EXACT: ("arguments", "exact"),
        "identification": ("identification", "exact"),
        "classification": ("classification", "exact"),
        "end_to_end": ("arguments", "exact"),
        "overlap": ("arguments", "overlap"),
    },
}
"""Part → figure → what is counted, and by which measure."""


class Evaluator:
    """Takes articles one by one with their gold and predictions; `result` gives everything.

    Memory grows by about a hundred numbers an article.

    Args:
        mapping: from our labels to the gold's, if the gold has its own.
        defaults: the attributes' defaults, which effort needs; gold of another ontology has no attributes.
        examples: how many examples of each kind of mistake to keep.
    """

    def __init__(self, *, mapping: Mapping | None = None, defaults: Defaults | None = None, examples: int = 3) -> None:
        self.mapping = mapping
        self.defaults: Defaults = {} if mapping or not defaults else defaults
        self.counted: dict[Part, Scope] = dict.fromkeys(PARTS, "all gold")
        if mapping:
            self.counted["entities"] = "types that map"
        self.scopes: tuple[Scope, ...] = ("all gold", "types that map") if mapping else ("all gold",)
        self._table = Table([(scope, part) for scope in self.scopes for part in (*PARTS, *_OPEN)])
        self._counts = {section: PairCounts() for section in PARTS}
        self._costs: list[list[int]] = []
        self._scores: dict[Part, list[tuple[float, bool]]] = {section: [] for section in PARTS}
        self._examples = Examples(examples)
        self._actions: Actions = Counter()
        self._blank: Actions = Counter()

    def add(self, article: Article, gold: Annotation, predicted: Annotation | None) -> Compared:
        """Score one article. No prediction, because an engine failed on it, counts as everything missed.

        Raises:
            ValueError: the two annotations are of different texts.
        """
        if predicted is None:
            predicted = gold.model_copy(update={"entities": (), "events": ()})
        if predicted.text_sha256 != gold.text_sha256:
            raise ValueError(f"{article.id}: the two annotations are of different texts")
        references = [gold]
        if self.mapping:
            predicted = translate(with_conventions(predicted, article.text, self.mapping), gold, self.mapping)
            references.append(mapped_only(gold, self.mapping))
        row: dict[Hashable, PairCounts] = {}
        scored: dict[Part, list[Pair[Any]]] = {}
        for scope, reference in zip(self.scopes, references, strict=True):
            pairs: dict[Part, list[Pair[Any]]] = {
                "entities": match(_named(reference), _named(predicted)),
                "events": match(reference.events, predicted.events),
                "arguments": match_links(reference, predicted),
            }
            row |= {(scope, section): PairCounts.of(found) for section, found in pairs.items()}
            for part, key in _OPEN.items():
                row[scope, part] = PairCounts.of_keys(map(key, links(reference)), map(key, links(predicted)))
            scored |= {section: found for section, found in pairs.items() if self.counted[section] == scope}
        self._table.add(row)
        for section, found in scored.items():
            self._counts[section].add(found)
            self._examples.add(section, article, found)
            self._scores[section] += [
                (pair.other.score, pair.kind == "same")
                for pair in found
                if pair.other is not None and pair.other.score is not None
            ]
        self._add_effort(references[-1], predicted)
        return Compared(article, scored["entities"], scored["events"], scored["arguments"])

    def _add_effort(self, gold: Annotation, predicted: Annotation) -> None:
        correcting, blank = actions(gold, predicted, self.defaults), actions(gold, None, self.defaults)
        self._actions += correcting
        self._blank += blank
        self._costs.append([cost(done, [section]) for section in PARTS for done in (correcting, blank)])

    def result(self) -> Evaluation:
        """Everything measured so far.

        Raises:
            ValueError: no article was added.
        """
        if not self._costs:
            raise ValueError("nothing to evaluate")
        values = self._table.values()
        sums = resampled(values) if len(values) > 1 else None
        figures = {
            (section, scope): self._figures(section, scope, values.sum(axis=0), sums)
            for section in PARTS
            for scope in self.scopes
        }
        return Evaluation(
            articles=len(values),
            mapping=self.mapping.name if self.mapping else None,
            conventions=(self.mapping.habit.description or None) if self.mapping else None,
            entities=self._section(EntityFigures, "entities", figures),
            triggers=self._section(TriggerFigures, "events", figures),
            arguments=self._section(ArgumentFigures, "arguments", figures),
            effort=self._effort([section for section in PARTS if _has_gold(section, figures)]),
        )

    def _figures(self, section: Part, scope: Scope, totals: Floats, sums: Floats | None) -> dict[str, Figures]:
        """The figures of one section, by name."""
        found = {}
        for name, (part, measure) in MEASURES[section].items():
            columns = self._table.columns((scope, part))
            f1 = None if sums is None else np.nan_to_num(f1_of(sums[:, columns], measure))
            figures = _to_figures(Counts.of_kinds(totals[columns], measure))
            found[name] = figures.model_copy(update={"f1_interval": interval_of(f1)})
        return found

    def _section(
        self, model: type[SectionT], section: Part, figures: dict[tuple[Part, Scope], dict[str, Figures]]
    ) -> SectionT | None:
        if not _has_gold(section, figures):
            return None
        counted, counts, scores = self.counted[section], self._counts[section], self._scores[section]
        mapped = figures.get((section, "types that map"))
        confusions = sorted(counts.confusions().items(), key=lambda item: (-item[1], item[0]))
        return model(
            **dict(figures[section, counted][EXACT]),
            counted=counted,
            all_gold=figures[section, "all gold"][EXACT],
            types_that_map=mapped[EXACT] if mapped else None,
            by_type={label: _to_figures(exact) for label, exact in counts.by_label().items()},
            errors={NAMES[kind]: count for kind, count in zip(KINDS, counts.kinds, strict=True) if kind in NAMES},
            confusions=tuple(
                Confusion(gold=gold, said=other, items=count) for (gold, other), count in confusions[:CONFUSIONS]
            ),
            examples=self._examples.of(section),
            calibration=calibration([score for score, _ in scores], [correct for _, correct in scores]),
            **{name: found for name, found in figures[section, counted].items() if name != EXACT},
        )

    def _effort(self, sections: list[Part]) -> EffortFigures | None:
        every = np.asarray(self._costs).reshape(-1, len(PARTS), 2)
        costs = every[:, [PARTS.index(section) for section in sections]]
        spent, blank = costs.sum(axis=(0, 1)).tolist() if sections else (0, 0)
        if not blank:
            return None
        by_section = costs.sum(axis=0).tolist()
        return EffortFigures(
            cost=spent,
            blank_cost=blank,
            ratio=round(spent / blank, 4),
            ratio_interval=_ratio_interval(costs.sum(axis=1)),
            counted="types that map" if self.mapping else "all gold",
            sections={
                _CALLED[section]: round(one / two, 4) if two else None
                for section, (one, two) in zip(sections, by_section, strict=True)
            },
            actions=_actions(self._actions, sections),
            blank_actions=_actions(self._blank, sections),
            weights={name: action.cost for name, action in ACTIONS.items()},
        )


_CALLED = {"entities": "entities", "events": "triggers", "arguments": "arguments"}


def _named(annotation: Annotation) -> list[Entity]:
    """The entities that have a name in the ontology of the gold."""
    return [entity for entity in annotation.entities if entity.type != FILLER]


def _has_gold(section: Part, figures: dict[tuple[Part, Scope], dict[str, Figures]]) -> bool:
    exact = figures[section, "all gold"][EXACT]
    return exact.tp + exact.fn > 0


def _ratio_interval(costs: Floats) -> Interval | None:
    if len(costs) < 2:
        return None
    sums = resampled(costs)
    return interval_of(np.nan_to_num(ratio(sums[:, 0], sums[:, 1])))


def _to_figures(counts: Counts) -> Figures:
    return Figures.model_validate({name: whole(number) for name, number in counts.to_dict().items()})


def _actions(done: Actions, sections: list[Part]) -> dict[str, int]:
    found = dict.fromkeys(ACTIONS, 0)
    for (section, name), count in done.items():
        if section in sections:
            found[name] += count
    return found
