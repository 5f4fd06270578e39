"""Score calibration: what the scores of an engine are worth, fitted on corrected articles and applied to predictions.

`curation calibrate` writes the file, `curation preannotate` applies it. For every label it holds how often the engine
was right at which score, and the score below which correcting an item costs more than adding it; beside them stand the
figures that justify both.

Scores: isotonic regression for each label, drawn towards the curve of all labels of its section as far as items are
few. It needs no more than the order of the scores, and rule engines have few distinct ones.

Limits: for each label the score below which leaving items out takes the fewest clicks and keys, as
`curation.metrics.effort` counts them. A limit is used only if it saves work on articles that it was not fitted on, and
none is if all of them together save nothing.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ConfigDict, Field, field_validator

from curation.annotation import Annotation, Argument, Entity, Event, Label, Score, annotation_id
from curation.article import Value, build
from curation.errors import BadInput
from curation.files import json_object
from curation.metrics.calibration import calibration
from curation.metrics.effort import Defaults, actions, cost
from curation.metrics.matching import PARTS, Part, match_all

ANY = "*"
"""The entry for labels without one of their own."""

Points = tuple[tuple[Score, Score], ...]
Limits = Mapping[Part, Mapping[str, float]]
"""Part → label → the score of the engine below which an item is left out."""


class LabelCalibration(Value):
    """The calibration of one label.

    points: (score, share that is right), rising in both; straight lines between them, and level outside.
    drop_below: items that score lower are left out; 0 keeps all, 2 none.
    items, right: what this was fitted on.
    """

    points: Points = Field(min_length=1)
    drop_below: float = Field(default=0, ge=0, le=2)
    items: int = Field(ge=0)
    right: int = Field(ge=0)

    @field_validator("points")
    @classmethod
    def _rising(cls, points: Points) -> Points:
        if any(one[0] >= two[0] or one[1] > two[1] for one, two in pairwise(points)):
            raise ValueError("points do not rise")
        return points

    def __call__(self, score: float) -> float:
        """The share of items that are right at that score."""
        place = bisect_left(self.points, (score, 0.0))
        if place == len(self.points):
            return self.points[-1][1]
        right, high = self.points[place]
        if place == 0 or right == score:
            return high
        left, low = self.points[place - 1]
        return low + (high - low) * (score - left) / (right - left)


class Change(Value):
    """A figure with the engine's scores, and with those of the file on articles it was not fitted on."""

    before: float | None
    after: float | None


class SectionFigures(Value):
    """How well scores are calibrated; see `curation.metrics.calibration`. All items count, also those left out."""

    items: int
    right: int
    ece: Change
    brier: Change
    auroc: Change


class EffortChange(Value):
    """Clicks and keys to the gold: from an empty page, from the prediction, and from the calibrated prediction."""

    blank: int
    before: int
    after: int


class ScoreCalibration(Value):
    """The file. Fitted on all `articles`; `figures` and `effort` are of each fold by what was fitted on the others."""

    model_config = ConfigDict(populate_by_name=True)

    engine: Label
    schema_ref: str = Field(alias="schema")
    gold: str
    articles: int = Field(ge=2)
    folds: int = Field(ge=2)
    entities: dict[Label, LabelCalibration]
    events: dict[Label, LabelCalibration]
    arguments: dict[Label, LabelCalibration]
    figures: dict[Part, SectionFigures]
    effort: EffortChange

    def of(self, section: Part, label: str) -> LabelCalibration | None:
        """The entry for a label (a type, of arguments a role), else the one for any label, else None."""
        entries: dict[str, LabelCalibration] = getattr(self, section)
        return entries.get(label) or entries.get(ANY)

    @cached_property
    def limits(self) -> dict[Part, dict[str, float]]:
        """Part → label → the score below which its items are left out, for labels that have one."""
        return {
            section: {label: one.drop_below for label, one in getattr(self, section).items() if one.drop_below}
            for section in PARTS
        }

    @cached_property
    def digest(self) -> str:
        """Eight hex digits of a hash of all this."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def load_calibration(path: Path) -> ScoreCalibration:
    """The file at `path`. Raises BadInput naming the field that cannot be used."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        way_out = "check the path, or make one with `curation calibrate`"
        raise BadInput(f"cannot be read: {error.strerror or error}", path=path, way_out=way_out) from error
    return build(ScoreCalibration, json_object(raw, path=path), path=path)


def apply(confidence: ScoreCalibration, annotation: Annotation) -> Annotation:
    """`annotation` with calibrated scores, without the items that cost more to correct than to add.

    Its annotator is of another version, and its id another.

    Raises:
        BadInput: the file is of another engine, or of another version of it.
    """
    if annotation.annotator.key != confidence.engine:
        what = f"the calibration is of {confidence.engine}, this annotation by {annotation.annotator.key}"
        raise BadInput(what, way_out="calibrate this engine: curation calibrate")
    kept = without(annotation, confidence.limits)
    version = f"{annotation.annotator.version or ''}.c{confidence.digest}".lstrip(".")
    annotator = annotation.annotator.model_copy(update={"version": version})

    def changed(section: Part, item: Entity | Event | Argument) -> dict[str, Any]:
        label = item.role if isinstance(item, Argument) else item.type
        entry = confidence.of(section, label)
        score = item.score if item.score is None or entry is None else round(entry(item.score), 4)
        origin = annotator.key if item.origin == annotation.annotator.key else item.origin
        return {"score": score, "origin": origin}

    return kept.model_copy(
        update={
            "id": annotation_id(annotation.id, annotator.key),
            "annotator": annotator,
            "entities": tuple(entity.model_copy(update=changed("entities", entity)) for entity in kept.entities),
            "events": tuple(
                event.model_copy(
                    update=changed("events", event)
                    | {
                        "arguments": tuple(
                            argument.model_copy(update=changed("arguments", argument)) for argument in event.arguments
                        )
                    }
                )
                for event in kept.events
            ),
        }
    )


def without(annotation: Annotation, limits: Limits) -> Annotation:
    """`annotation` without the items that score below the limit of their label, and without arguments they fill."""

    def stays(section: Part, label: str, score: float | None) -> bool:
        return score is None or score >= limits.get(section, {}).get(label, 0)

    entities = tuple(entity for entity in annotation.entities if stays("entities", entity.type, entity.score))
    events = tuple(event for event in annotation.events if stays("events", event.type, event.score))
    ids = {item.id for item in (*entities, *events)}
    return annotation.model_copy(
        update={
            "entities": entities,
            "events": tuple(
                event.model_copy(
                    update={
                        "arguments": tuple(
                            argument
                            for argument in event.arguments
                            if argument.filler in ids and stays("arguments", argument.role, argument.score)
                        )
                    }
                )
                for event in events
            ),
        }
    )


FOLDS = 5
PRIOR = 100.0
"""Items' worth of the curve of all labels that stand beside a label's own."""
DROPPED = 5
"""Fewest items that must have been counted before a limit is used."""
LIMITS = 12
"""How many limits of a label are tried, evenly spread over its scores."""
ALL = 2.0
"""A limit that no score reaches."""

_Chosen = Mapping[tuple[Part, str], float]
"""Part and label → limit."""
Scored = list[tuple[str, float, bool]]
"""Label, score, whether it is right: exact span and type, arguments end to end."""


class Corrected(NamedTuple):
    """An article's gold and the engine's prediction."""

    gold: Annotation
    predicted: Annotation


@dataclass
class _Measured:
    """One article: its scores, and for each limit how many items it drops and how much more or less effort it takes."""

    corrected: Corrected
    scored: dict[Part, Scored]
    kept: int
    blank: int
    changes: dict[tuple[Part, str, float], tuple[int, int]] = field(default_factory=dict)


def fit_calibration(
    corrected: Iterable[Corrected],
    *,
    gold: str,
    defaults: Defaults,
    folds: int = FOLDS,
    on_progress: Callable[[int], None] = lambda count: None,
) -> ScoreCalibration:
    """The calibration file of the one engine that made the predictions. All of them are kept in memory.

    Args:
        corrected: articles with gold and predictions, two at least.
        gold: what the gold is called in the file.
        defaults: the attributes' defaults, for effort.
        folds: into how many parts the articles are cut for the figures.
        on_progress: called with the number of articles read.

    Raises:
        ValueError: fewer than two articles, several engines, or no scores.
    """
    found: list[_Measured] = []
    for article in corrected:
        found.append(_measured(article, defaults))
        on_progress(len(found))
    engines = sorted({one.corrected.predicted.annotator.key for one in found})
    if len(found) < 2 or len(engines) != 1:
        raise ValueError(f"two corrected articles of one engine are needed, not {len(found)} of {len(engines)}")
    if not any(scored for one in found for scored in one.scored.values()):
        raise ValueError(f"{engines[0]} gives no scores")
    found.sort(key=lambda one: hashlib.sha256(one.corrected.gold.article_id.encode()).digest())
    _price(found, defaults)
    folds = min(folds, len(found))

    def file(articles: Sequence[_Measured], limits: _Chosen, **figures: Any) -> ScoreCalibration:
        return ScoreCalibration(
            engine=engines[0],
            schema_ref=found[0].corrected.predicted.schema_ref,
            gold=gold,
            articles=len(found),
            folds=folds,
            **{section: _entries(section, articles, limits) for section in PARTS},
            **figures,
        )

    nothing: dict[str, Any] = {"figures": {}, "effort": EffortChange(blank=0, before=0, after=0)}
    after: dict[Part, Scored] = {section: [] for section in PARTS}
    spent = 0
    for fold in range(folds):
        others = [one for place, one in enumerate(found) if place % folds != fold]
        fitted = file(others, _limits_that_hold(others, folds), **nothing)
        for one in found[fold::folds]:
            for section in PARTS:
                after[section] += [
                    (label, entry(score) if (entry := fitted.of(section, label)) else score, right)
                    for label, score, right in one.scored[section]
                ]
            spent += _cost(one.corrected.gold, apply(fitted, one.corrected.predicted), defaults)
    before: dict[Part, Scored] = {section: [s for one in found for s in one.scored[section]] for section in PARTS}
    kept = sum(one.kept for one in found)
    return file(
        found,
        _limits_that_hold(found, folds) if spent < kept else {},
        figures={section: _figures(before[section], after[section]) for section in PARTS if before[section]},
        effort=EffortChange(blank=sum(one.blank for one in found), before=kept, after=min(spent, kept)),
    )


def isotonic(scored: Iterable[tuple[float, bool]], prior: Callable[[float], float], strength: float) -> Points:
    """The rising curve nearest to the share right at each score; neighbours that would fall are pooled.

    Args:
        scored: scores with whether the item is right; one at least.
        prior: a curve that counts as `strength` further items.
        strength: how many.
    """
    counts: dict[float, list[float]] = {}
    for score, right in scored:
        here = counts.setdefault(score, [0.0, 0.0])
        here[0] += 1
        here[1] += right
    items = sum(here[0] for here in counts.values())
    pools: list[tuple[float, float, float, float]] = []  # items, right, lowest and highest score
    for score, (count, good) in sorted(counts.items()):
        more = strength * count / items
        pool = (count + more, good + more * prior(score), score, score)
        while pools and pools[-1][1] * pool[0] >= pool[1] * pools[-1][0]:
            last = pools.pop()
            pool = (last[0] + pool[0], last[1] + pool[1], last[2], pool[3])
        pools.append(pool)
    shares = [(low, high, min(1.0, round(good / count, 4))) for count, good, low, high in pools]
    return tuple((edge, share) for low, high, share in shares for edge in dict.fromkeys((low, high)))


def _measured(corrected: Corrected, defaults: Defaults) -> _Measured:
    gold, predicted = corrected
    pairs = match_all(gold, predicted)
    return _Measured(
        corrected,
        scored={
            section: [
                (pair.other.type, pair.other.score, pair.kind == "same")
                for pair in found
                if pair.other is not None and pair.other.score is not None
            ]
            for section, found in pairs.items()
        },
        kept=_cost(gold, predicted, defaults),
        blank=_cost(gold, None, defaults),
    )


def _cost(gold: Annotation, predicted: Annotation | None, defaults: Defaults) -> int:
    return cost(actions(gold, predicted, defaults), PARTS)


def _price(found: Sequence[_Measured], defaults: Defaults) -> None:
    """Compute once for all folds what each limit of each label would change in each article."""
    scores: dict[tuple[Part, str], list[float]] = {}
    for one in found:
        for section, scored in one.scored.items():
            for label, score, _ in scored:
                scores.setdefault((section, label), []).append(score)
    for (section, label), all_scores in scores.items():
        distinct = [*sorted(set(all_scores))[1:], ALL]
        step = max(1, -(-len(distinct) // LIMITS))
        for limit in distinct[::-1][::step]:
            limits: Limits = {section: {label: limit}}
            for one in found:
                dropped = sum(name == label and score < limit for name, score, _ in one.scored[section])
                if dropped:
                    spent = _cost(one.corrected.gold, without(one.corrected.predicted, limits), defaults)
                    one.changes[section, label, limit] = dropped, spent - one.kept


def _limits(articles: Sequence[_Measured]) -> _Chosen:
    """For each label the limit that saves the most effort on these articles, if one does."""
    changes: dict[tuple[Part, str], dict[float, list[int]]] = {}
    for one in articles:
        for (section, label, limit), (dropped, more) in one.changes.items():
            change = changes.setdefault((section, label), {}).setdefault(limit, [0, 0])
            change[0] += dropped
            change[1] += more
    tried = {
        label: [(more, limit) for limit, (dropped, more) in found.items() if dropped >= DROPPED and more < 0]
        for label, found in changes.items()
    }
    return {label: min(found)[1] for label, found in tried.items() if found}


def _limits_that_hold(articles: Sequence[_Measured], folds: int) -> _Chosen:
    """The limits that also save effort when they are fitted on the other folds."""
    spared: Counter[tuple[Part, str]] = Counter()
    for fold in range(folds):
        drawn = _limits([one for place, one in enumerate(articles) if place % folds != fold])
        for one in articles[fold::folds]:
            for label, limit in drawn.items():
                spared[label] += one.changes.get((*label, limit), (0, 0))[1]
    return {label: limit for label, limit in _limits(articles).items() if spared[label] < 0}


def _entries(section: Part, articles: Sequence[_Measured], limits: _Chosen) -> dict[str, LabelCalibration]:
    by_label: dict[str, list[tuple[float, bool]]] = {}
    for one in articles:
        for label, score, right in one.scored[section]:
            by_label.setdefault(label, []).append((score, right))
    every = [scored for found in by_label.values() for scored in found]
    if not every:
        return {}
    share = sum(right for _, right in every) / len(every)
    pooled = LabelCalibration(
        points=isotonic(every, lambda score: share, PRIOR), items=len(every), right=sum(right for _, right in every)
    )
    entries = {ANY: pooled}
    for label, found in sorted(by_label.items()):
        entries[label] = LabelCalibration(
            points=isotonic(found, pooled, PRIOR),
            drop_below=limits.get((section, label), 0),
            items=len(found),
            right=sum(right for _, right in found),
        )
    return entries


def _figures(before: Scored, after: Scored) -> SectionFigures:
    one, two = (
        calibration([score for _, score, _ in scored], [right for _, _, right in scored]) for scored in (before, after)
    )
    if one is None or two is None:
        raise ValueError("nothing is scored")
    return SectionFigures(
        items=one.items,
        right=one.right,
        ece=Change(before=one.ece, after=two.ece),
        brier=Change(before=one.brier, after=two.brier),
        auroc=Change(before=one.auroc, after=two.auroc),
    )
