"""The votes of an ensemble: the file of their weights, which `curation ensemble` writes and the engine reads.

Each item that any member predicts is a candidate. The members' predictions become votes, and a weighted sum of votes
gives the probability that it is correct: one set of weights for all labels, and one for each label with enough items.
The file also holds the figures that justify the weights.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ConfigDict, Field

from curation.annotation import Annotation, Argument, Entity, Event, Label
from curation.article import Value, build
from curation.errors import BadInput
from curation.files import json_object
from curation.metrics.matching import Part, match
from curation.metrics.score_calibration import ANY

Votes = tuple[float, ...]
"""The members' votes on a candidate: a number for each weight, the first always 1."""

SURE = 4.0
"""How far a score may count, in log-odds: 0.982."""
EACH = 4
"""Votes of a member on a span: predicts it, its log-odds, has it with another border, has another label there."""
EACH_ARGUMENT = 3
"""Votes of a member on an argument: predicts it, its log-odds, has event and filler but does not link them."""


class Member(Value):
    """One engine of the ensemble: how to make it, and the version whose votes were weighed."""

    name: Label
    model: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    key: Label


class SectionEnsemble(Value):
    """The weights of one section.

    Attributes:
        threshold: the probability from which a candidate is predicted; `say` in the file.
        weights: label (of arguments the role) → its weights; `*` is for all labels without weights of their own.
    """

    model_config = ConfigDict(populate_by_name=True)

    threshold: float = Field(alias="say", ge=0, le=1)
    weights: dict[Label, tuple[float, ...]]

    def probability(self, label: str, votes: Votes) -> float:
        """The probability that a candidate with these votes is correct."""
        weights = self.weights.get(label) or self.weights[ANY]
        return _sigmoid(sum(weight * vote for weight, vote in zip(weights, votes, strict=True)))


class Measured(Value):
    """Figures on articles that were not part of the fit: micro-averages, exact span and type."""

    precision: float
    recall: float
    f1: float


class SectionMeasured(Value):
    """Figures of one section: of each member, in their order, and of the ensemble; calibration over all candidates."""

    members: tuple[Measured, ...]
    ensemble: Measured
    candidates: int
    ece: float | None
    brier: float | None
    auroc: float | None


class Ensemble(Value):
    """The file. Weights are of all `articles`; figures are of each fold by what was fitted on the others."""

    model_config = ConfigDict(populate_by_name=True)

    schema_ref: str = Field(alias="schema")
    gold: str
    articles: int = Field(ge=2)
    folds: int = Field(ge=2)
    members: tuple[Member, ...] = Field(min_length=2)
    sections: dict[Part, SectionEnsemble]
    figures: dict[Part, SectionMeasured]

    @cached_property
    def digest(self) -> str:
        """Eight hex digits of a hash of all this."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def load_ensemble(path: Path) -> Ensemble:
    """The file at `path`. Raises BadInput naming the field that cannot be used."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        way_out = "check the path, or make one with `curation ensemble`"
        raise BadInput(f"cannot be read: {error.strerror or error}", path=path, way_out=way_out) from error
    found = build(Ensemble, json_object(raw, path=path), path=path)
    for section, votes in (("entities", EACH), ("events", EACH), ("arguments", EACH_ARGUMENT)):
        wanted = 1 + votes * len(found.members)
        fitted = found.sections.get(section)  # type: ignore[call-overload]
        if fitted is None or ANY not in fitted.weights or {len(one) for one in fitted.weights.values()} != {wanted}:
            what = f"needs {wanted} weights for each label, and for {ANY}"
            raise BadInput(what, path=path, field=f"sections.{section}", way_out="fit it again: curation ensemble")
    return found


class Candidate(NamedTuple):
    """An entity or event that a member predicts: its place and label, its votes, and each member's item or None."""

    start: int
    end: int
    label: str
    votes: Votes
    items: tuple[Entity | Event | None, ...]


class CandidateLink(NamedTuple):
    """An argument between predicted items: the event's place among the events, role, the filler, its votes."""

    event: int
    role: str
    filler: str
    votes: Votes


def candidates(predicted: Sequence[Sequence[Entity | Event]]) -> list[Candidate]:
    """Every span and label that a member predicts, by place, with the votes of all members.

    Args:
        predicted: of each member, all entities or all events of one article.
    """
    exact: list[dict[tuple[int, int, str], Entity | Event]] = [
        {(item.start, item.end, item.type): item for item in reversed(items)} for items in predicted
    ]
    near: list[dict[tuple[int, int, str], set[str]]] = [{} for _ in predicted]  # of members without the item: how close
    for one in range(len(predicted)):
        for two in range(len(predicted)):
            for pair in match(predicted[one], predicted[two]) if one != two else ():
                if pair.kind in ("border", "type") and pair.reference is not None:
                    key = (pair.reference.start, pair.reference.end, pair.reference.type)
                    near[two].setdefault(key, set()).add(pair.kind)
    found = []
    for key in sorted({key for items in exact for key in items}):
        votes = [1.0]
        for items, others in zip(exact, near, strict=True):
            item = items.get(key)
            kinds = others.get(key, set()) if item is None else set()
            votes += [float(item is not None), _sure(item), float("border" in kinds), float("type" in kinds)]
        found.append(Candidate(*key, tuple(votes), tuple(items.get(key) for items in exact)))
    return found


def chosen(found: Sequence[Candidate], fitted: SectionEnsemble) -> list[tuple[Candidate, float]]:
    """The candidates that the ensemble predicts, each with its probability, by place.

    Of two that exclude each other (the same span, or overlapping spans of one label) the more probable is predicted,
    unless a member predicts both.
    """
    rated = sorted(
        ((fitted.probability(one.label, one.votes), one) for one in found), key=lambda pair: (-pair[0], pair[1][:3])
    )
    kept: list[tuple[Candidate, float]] = []
    for probability, one in rated:
        if probability < fitted.threshold:
            break
        if not any(_exclude(one, other) for other, _ in kept):
            kept.append((one, probability))
    return sorted(kept, key=lambda pair: pair[0][:3])


def _exclude(one: Candidate, other: Candidate) -> bool:
    same = (one.start, one.end) == (other.start, other.end)
    overlap = one.start < other.end and other.start < one.end
    if not same and not (overlap and one.label == other.label):
        return False
    return not any(mine is not None and theirs is not None for mine, theirs in zip(one.items, other.items, strict=True))


def candidate_links(
    predictions: Sequence[Annotation], entities: Sequence[Entity], events: Sequence[Event]
) -> list[CandidateLink]:
    """Every argument that a member predicts between predicted items, with the votes of the members.

    A member's event corresponds to the predicted one at the same or an overlapping trigger of its type; a filler to the
    predicted item of the same span, else to one of its type that overlaps it.
    """
    links: list[dict[tuple[int, str, str], Argument]] = []
    has: list[tuple[set[int], set[str]]] = []  # events and fillers that the member has
    for annotation in predictions:
        ids: dict[str, str] = {}
        for ours, theirs in ((entities, annotation.entities), (events, annotation.events)):
            ids |= _theirs_to_ours(ours, theirs)
        places = {event.id: place for place, event in enumerate(events)}
        mine: dict[tuple[int, str, str], Argument] = {}
        for event in annotation.events:
            place = places.get(ids.get(event.id, ""))
            for argument in event.arguments if place is not None else ():
                filler = ids.get(argument.filler)
                if place is not None and filler is not None and filler != events[place].id:
                    before = mine.get((place, argument.role, filler))
                    if before is None or (argument.score or 0) > (before.score or 0):
                        mine[place, argument.role, filler] = argument
        links.append(mine)
        has.append(({places[one] for one in ids.values() if one in places}, set(ids.values())))
    found = []
    for key in sorted({key for mine in links for key in mine}):
        votes = [1.0]
        for mine, (events_of, fillers_of) in zip(links, has, strict=True):
            argument_of = mine.get(key)
            against = argument_of is None and key[0] in events_of and key[2] in fillers_of
            votes += [float(argument_of is not None), _sure(argument_of), float(against)]
        found.append(CandidateLink(*key, tuple(votes)))
    return found


def _theirs_to_ours(ours: Iterable[Entity] | Iterable[Event], theirs: Sequence[Entity | Event]) -> dict[str, str]:
    """Ids of a member's items → ids of the corresponding predicted items, one each."""
    known: list[Entity | Event] = list(ours)
    found: dict[str, str] = {}
    left = list(theirs)
    for _ in range(2):  # the second time for those whose counterpart was another's first choice
        pairs = match(known, left)
        for pair in pairs:
            if pair.kind in ("same", "border", "type") and pair.reference is not None and pair.other is not None:
                found.setdefault(pair.other.id, pair.reference.id)
        left = [item for item in left if item.id not in found]
    return found


def combine(
    ensemble: Ensemble,
    predictions: Sequence[Annotation],
    fillers: Mapping[tuple[str, str], frozenset[str]],
    origin: str,
) -> tuple[list[Entity], list[Event]]:
    """Combine the members' predictions of one article; scores are probabilities.

    Args:
        ensemble: the weights.
        predictions: the members' predictions, in their order.
        fillers: (event type, role) → the types that may fill it.
        origin: the key of the annotator that this is.
    """
    predicted_entities = candidates([annotation.entities for annotation in predictions])
    entities = [
        Entity(**_item(candidate, probability, f"e{number}", ensemble.sections["entities"], origin))
        for number, (candidate, probability) in enumerate(
            chosen(predicted_entities, ensemble.sections["entities"]), start=1
        )
    ]
    predicted_events = candidates([annotation.events for annotation in predictions])
    events = [
        Event(**_item(candidate, probability, f"v{number}", ensemble.sections["events"], origin))
        for number, (candidate, probability) in enumerate(
            chosen(predicted_events, ensemble.sections["events"]), start=1
        )
    ]
    types = {item.id: item.type for item in (*entities, *events)}
    fitted = ensemble.sections["arguments"]
    arguments: dict[int, list[Argument]] = {}
    for link in candidate_links(predictions, entities, events):
        probability = fitted.probability(link.role, link.votes)
        may = fillers.get((events[link.event].type, link.role), frozenset())
        if probability >= fitted.threshold and types[link.filler] in may:
            made = Argument(role=link.role, filler=link.filler, score=round(probability, 4), origin=origin)
            arguments.setdefault(link.event, []).append(made)
    return entities, [
        event.model_copy(update={"arguments": tuple(arguments.get(place, ()))}) for place, event in enumerate(events)
    ]


def _item(one: Candidate, probability: float, name: str, fitted: SectionEnsemble, origin: str) -> dict[str, Any]:
    """The fields of an item; its attributes are those of the member with the largest weight."""
    weights = fitted.weights.get(one.label) or fitted.weights[ANY]
    ranked = sorted(
        ((-weights[1 + EACH * place], place, item) for place, item in enumerate(one.items) if item is not None),
        key=lambda entry: entry[:2],
    )
    return {
        "id": name,
        "type": one.label,
        "start": one.start,
        "end": one.end,
        "score": round(probability, 4),
        "attributes": ranked[0][2].attributes,
        "origin": origin,
    }


def _sure(item: Entity | Event | Argument | None) -> float:
    if item is None or item.score is None:
        return 0.0
    score = min(max(item.score, 1e-6), 1 - 1e-6)
    return max(-SURE, min(SURE, math.log(score / (1 - score))))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
