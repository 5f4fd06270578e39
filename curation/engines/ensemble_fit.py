"""Fit the weights of an ensemble of engines on corrected articles.

For each section a logistic model of the votes: one for all labels and one for each label with enough candidates. The
weights of all labels are regularised towards 0, those of a label towards the weights of all labels. The threshold from
which a candidate is predicted is the one with the best F1 on articles that were not part of the fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.annotation import Annotation
from curation.engines.ensemble_votes import (
    EACH,
    EACH_ARGUMENT,
    Ensemble,
    Measured,
    Member,
    SectionEnsemble,
    SectionMeasured,
    Votes,
    candidate_links,
    candidates,
    combine,
)
from curation.metrics.calibration import calibration
from curation.metrics.counts import PairCounts
from curation.metrics.matching import PARTS, Part, links, match_all
from curation.metrics.rounding import rounded
from curation.metrics.score_calibration import ANY

FOLDS = 5
MIN_CANDIDATES = 20
"""Fewest candidates of a label for weights of its own."""
L2_GLOBAL, L2_PER_LABEL = 1.0, 3.0
"""Strength of the regularisation of all labels' weights towards 0, and of a label's towards those of all labels."""
MAX_ITERATIONS = 50
DEFAULT_THRESHOLD = 0.5
"""The probability from which a candidate is predicted, until the fit gives a better one."""

Floats = NDArray[np.float64]
Fillers = Mapping[tuple[str, str], frozenset[str]]


class Voted(NamedTuple):
    """An article's gold, and the prediction of each member."""

    gold: Annotation
    predictions: tuple[Annotation, ...]


class _Vote(NamedTuple):
    label: str
    votes: Votes
    right: bool


def fit_ensemble(
    corrected: Iterable[Voted],
    members: Sequence[Member],
    fillers: Fillers,
    *,
    gold: str,
    folds: int = FOLDS,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Ensemble:
    """The file for these members. All of `corrected` is kept in memory.

    Args:
        corrected: articles with gold and the members' predictions, two at least.
        members: the members, in the order of their predictions.
        fillers: (event type, role) → the types that may fill it.
        gold: name of the gold in the file.
        folds: number of folds of the cross-validation that gives thresholds and figures.
        on_progress: called with the number of articles read.

    Raises:
        ValueError: fewer than two articles or members.
    """
    found: list[Voted] = []
    for one in corrected:
        found.append(one)
        on_progress(len(found))
    if len(found) < 2 or len(members) < 2:
        raise ValueError(f"two corrected articles and two members are needed, not {len(found)} and {len(members)}")
    found.sort(key=lambda one: hashlib.sha256(one.gold.article_id.encode()).digest())
    folds = min(folds, len(found))

    def file(articles: Sequence[Voted], thresholds: Mapping[Part, float]) -> Ensemble:
        return Ensemble(
            schema_ref=found[0].gold.schema_ref,
            gold=gold,
            articles=len(found),
            folds=folds,
            members=tuple(members),
            sections=_fitted(articles, len(members), thresholds),
            figures={},
        )

    held_out = [
        (file([one for place, one in enumerate(found) if place % folds != fold], {}), found[fold::folds])
        for fold in range(folds)
    ]
    thresholds: dict[Part, float] = {section: _best_limit(section, held_out) for section in PARTS}
    return file(found, thresholds).model_copy(update={"figures": _figures(held_out, thresholds, fillers, len(members))})


def fit_logistic(votes: Floats, right: Floats, l2: float, centre: Floats) -> Floats:
    """The weights of a logistic model, regularised towards `centre`: Newton's method, the same for the same input.

    Args:
        votes: items × votes.
        right: 1 or 0 for each item.
        l2: strength of the regularisation.
        centre: the weights towards which it pulls.
    """
    weights = centre.copy()
    for _ in range(MAX_ITERATIONS):
        probability = 1 / (1 + np.exp(-np.clip(votes @ weights, -30, 30)))
        gradient = votes.T @ (probability - right) + l2 * (weights - centre)
        hessian = (votes * (probability * (1 - probability))[:, None]).T @ votes + l2 * np.eye(len(weights))
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _fitted(articles: Sequence[Voted], members: int, thresholds: Mapping[Part, float]) -> dict[Part, SectionEnsemble]:
    """The weights of all sections; those of arguments are fitted on links between the items of the gold."""
    sections: dict[Part, SectionEnsemble] = {}
    for section in PARTS:
        votes = [vote for one in articles for vote in _votes(section, one)]
        width = 1 + members * (EACH_ARGUMENT if section == "arguments" else EACH)
        sections[section] = SectionEnsemble(
            threshold=thresholds.get(section, DEFAULT_THRESHOLD), weights=_weights(votes, width)
        )
    return sections


def _weights(votes: Sequence[_Vote], width: int) -> dict[str, tuple[float, ...]]:
    zeros = np.zeros(width)
    if not votes:
        return {ANY: tuple(zeros.tolist())}
    pooled = fit_logistic(*_arrays(votes), L2_GLOBAL, zeros)
    found = {ANY: pooled}
    for label in sorted({vote.label for vote in votes}):
        own = [vote for vote in votes if vote.label == label]
        if len(own) >= MIN_CANDIDATES:
            found[label] = fit_logistic(*_arrays(own), L2_PER_LABEL, pooled)
    return {label: tuple(round(float(weight), 6) for weight in weights) for label, weights in found.items()}


def _arrays(votes: Sequence[_Vote]) -> tuple[Floats, Floats]:
    return (
        np.array([vote.votes for vote in votes], dtype=np.float64),
        np.array([vote.right for vote in votes], dtype=np.float64),
    )


def _votes(section: Part, one: Voted) -> list[_Vote]:
    """The candidates of an article, and whether they are correct.

    Arguments are judged between the gold's own items, so that a wrong item does not count twice.
    """
    if section == "arguments":
        entities, events = one.gold.entities, one.gold.events
        items = {item.id: item for item in (*entities, *events)}
        true = {
            (place, argument.role, (items[argument.filler].start, items[argument.filler].end))
            for place, event in enumerate(events)
            for argument in event.arguments
        }
        return [
            _Vote(
                link.role,
                link.votes,
                (link.event, link.role, (items[link.filler].start, items[link.filler].end)) in true,
            )
            for link in candidate_links(one.predictions, entities, events)
        ]
    gold = one.gold.entities if section == "entities" else one.gold.events
    known = {(item.start, item.end, item.type) for item in gold}
    return [
        _Vote(found.label, found.votes, (found.start, found.end, found.label) in known)
        for found in candidates([made.entities if section == "entities" else made.events for made in one.predictions])
    ]


def _best_limit(section: Part, held_out: Sequence[tuple[Ensemble, Sequence[Voted]]]) -> float:
    """The threshold that separates correct from wrong candidates with the best F1, on articles outside the fit."""
    rated: list[tuple[float, bool]] = []
    wanted = 0
    for fitted, articles in held_out:
        for one in articles:
            rated += (
                (fitted.sections[section].probability(vote.label, vote.votes), vote.right)
                for vote in _votes(section, one)
            )
            wanted += len(list(links(one.gold))) if section == "arguments" else len(getattr(one.gold, section))
    best, threshold, right = 0.0, DEFAULT_THRESHOLD, 0
    rated.sort(key=lambda pair: -pair[0])
    for place, (probability, good) in enumerate(rated, start=1):
        right += good
        f1 = 2 * right / (place + wanted)
        if f1 > best and (place == len(rated) or rated[place][0] < probability):
            best, threshold = f1, probability
    return round(max(threshold - 1e-6, 0.0), 6)


def _figures(
    held_out: Sequence[tuple[Ensemble, Sequence[Voted]]],
    thresholds: Mapping[Part, float],
    fillers: Fillers,
    members: int,
) -> dict[Part, SectionMeasured]:
    counts: dict[Part, list[PairCounts]] = {section: [PairCounts() for _ in range(members + 1)] for section in PARTS}
    chances: dict[Part, tuple[list[float], list[bool]]] = {section: ([], []) for section in counts}
    for fitted, articles in held_out:
        sections = {
            section: one.model_copy(update={"threshold": thresholds[section]})
            for section, one in fitted.sections.items()
        }
        fitted = fitted.model_copy(update={"sections": sections})
        for one in articles:
            entities, events = combine(fitted, one.predictions, fillers, "engine:ensemble")
            together = one.predictions[0].model_copy(update={"entities": tuple(entities), "events": tuple(events)})
            for place, made in enumerate((*one.predictions, together)):
                for section, pairs in match_all(one.gold, made).items():
                    counts[section][place].add(pairs)
            for section, (rated, right) in chances.items():
                for vote in _votes(section, one):
                    rated.append(sections[section].probability(vote.label, vote.votes))
                    right.append(vote.right)
    figures: dict[Part, SectionMeasured] = {}
    for section, of_members in counts.items():
        scores = calibration(*chances[section])
        *each, together_counts = (
            Measured(precision=rounded(one.precision), recall=rounded(one.recall), f1=rounded(one.f1))
            for one in (pair_counts.measure("exact") for pair_counts in of_members)
        )
        figures[section] = SectionMeasured(
            members=tuple(each),
            ensemble=together_counts,
            candidates=len(chances[section][0]),
            ece=scores.ece if scores else None,
            brier=scores.brier if scores else None,
            auroc=scores.auroc if scores else None,
        )
    return figures
