"""Fit the weights of an ensemble of engines on corrected articles.

For each section a logistic model of the votes: one for all labels, held near nothing, and one for each label, held near
that of all labels as far as its items are few. Candidates are predicted from the chance on that gave the best F1 on
articles that were not part of the fit.
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
LEAST = 20
"""Fewest candidates of a label for weights of its own."""
HELD = 1.0, 3.0
"""How strongly weights are held near nothing, and those of a label near those of all labels."""
STEPS = 50
SAY = 0.5
"""The chance from which a candidate is predicted until a better one is known."""

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
        folds: into how many parts the articles are cut for the figures.
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

    def file(articles: Sequence[Voted], say: Mapping[Part, float]) -> Ensemble:
        return Ensemble(
            schema_ref=found[0].gold.schema_ref,
            gold=gold,
            articles=len(found),
            folds=folds,
            members=tuple(members),
            sections=_fitted(articles, len(members), say),
            figures={},
        )

    halves = [
        (file([one for place, one in enumerate(found) if place % folds != fold], {}), found[fold::folds])
        for fold in range(folds)
    ]
    say: dict[Part, float] = {section: _best_limit(section, halves) for section in PARTS}
    return file(found, say).model_copy(update={"figures": _figures(halves, say, fillers, len(members))})


def weigh(votes: Floats, right: Floats, held: float, near: Floats) -> Floats:
    """The weights of a logistic model, held near others: Newton's steps, the same for the same input.

    Args:
        votes: items × votes.
        right: 1 or 0 for each item.
        held: how strongly.
        near: the weights they are held near.
    """
    weights = near.copy()
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(votes @ weights, -30, 30)))
        slope = votes.T @ (chance - right) + held * (weights - near)
        curve = (votes * (chance * (1 - chance))[:, None]).T @ votes + held * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _fitted(articles: Sequence[Voted], members: int, say: Mapping[Part, float]) -> dict[Part, SectionEnsemble]:
    """The weights of all sections; arguments are weighed between the items of the gold that a member finds."""
    sections: dict[Part, SectionEnsemble] = {}
    for section in PARTS:
        votes = [vote for one in articles for vote in _votes(section, one)]
        width = 1 + members * (EACH_ARGUMENT if section == "arguments" else EACH)
        sections[section] = SectionEnsemble(say=say.get(section, SAY), weights=_weights(votes, width))
    return sections


def _weights(votes: Sequence[_Vote], width: int) -> dict[str, tuple[float, ...]]:
    nothing = np.zeros(width)
    if not votes:
        return {ANY: tuple(nothing.tolist())}
    pooled = weigh(*_arrays(votes), HELD[0], nothing)
    found = {ANY: pooled}
    for label in sorted({vote.label for vote in votes}):
        own = [vote for vote in votes if vote.label == label]
        if len(own) >= LEAST:
            found[label] = weigh(*_arrays(own), HELD[1], pooled)
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


def _best_limit(section: Part, halves: Sequence[tuple[Ensemble, Sequence[Voted]]]) -> float:
    """The chance that separates correct from wrong candidates with the best F1, on articles outside the fit."""
    rated: list[tuple[float, bool]] = []
    wanted = 0
    for fitted, articles in halves:
        for one in articles:
            rated += (
                (fitted.sections[section].chance(vote.label, vote.votes), vote.right) for vote in _votes(section, one)
            )
            wanted += len(list(links(one.gold))) if section == "arguments" else len(getattr(one.gold, section))
    best, say, right = 0.0, SAY, 0
    rated.sort(key=lambda pair: -pair[0])
    for place, (chance, good) in enumerate(rated, start=1):
        right += good
        f1 = 2 * right / (place + wanted)
        if f1 > best and (place == len(rated) or rated[place][0] < chance):
            best, say = f1, chance
    return round(max(say - 1e-6, 0.0), 6)


def _figures(
    halves: Sequence[tuple[Ensemble, Sequence[Voted]]], say: Mapping[Part, float], fillers: Fillers, members: int
) -> dict[Part, SectionMeasured]:
    counts: dict[Part, list[PairCounts]] = {section: [PairCounts() for _ in range(members + 1)] for section in PARTS}
    chances: dict[Part, tuple[list[float], list[bool]]] = {section: ([], []) for section in counts}
    for fitted, articles in halves:
        sections = {section: one.model_copy(update={"say": say[section]}) for section, one in fitted.sections.items()}
        fitted = fitted.model_copy(update={"sections": sections})
        for one in articles:
            entities, events = combine(fitted, one.predictions, fillers, "engine:ensemble")
            together = one.predictions[0].model_copy(update={"entities": tuple(entities), "events": tuple(events)})
            for place, made in enumerate((*one.predictions, together)):
                for section, pairs in match_all(one.gold, made).items():
                    counts[section][place].add(pairs)
            for section, (rated, right) in chances.items():
                for vote in _votes(section, one):
                    rated.append(sections[section].chance(vote.label, vote.votes))
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
