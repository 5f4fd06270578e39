"""What an engine's scores are worth: a file that `curation calibrate` writes and `curation preannotate` applies.

For every label it holds how often the engine was right at which score, and the score below which an item costs an
annotator more to mend than to add; beside them stand the figures that justify both.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from curation.annotation import Annotation, Argument, Entity, Event, Label, Score, annotation_id
from curation.article import Value, build
from curation.errors import BadInput
from curation.files import json_object

Section = Literal["entities", "events", "arguments"]
SECTIONS: tuple[Section, ...] = ("entities", "events", "arguments")
ANY = "*"
"""The entry for labels that have none of their own."""

Points = tuple[tuple[Score, Score], ...]
Limits = Mapping[Section, Mapping[str, float]]
"""Section → label → the score of the engine below which an item is left out."""


class LabelConfidence(Value):
    """How to read an engine's scores of one label.

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
    """Do scores mean what they say; see `curation.review.calibration`. All items count, also those left out."""

    items: int
    right: int
    ece: Change
    brier: Change
    auroc: Change


class EffortChange(Value):
    """Clicks and keys to the gold: from nothing, from what the engine says, and from that after this file."""

    blank: int
    before: int
    after: int


class Confidence(Value):
    """The file. Fitted on all `articles`; `figures` and `effort` are of each fold by what was fitted on the others."""

    model_config = ConfigDict(populate_by_name=True)

    engine: Label
    schema_ref: str = Field(alias="schema")
    gold: str
    articles: int = Field(ge=2)
    folds: int = Field(ge=2)
    entities: dict[Label, LabelConfidence]
    events: dict[Label, LabelConfidence]
    arguments: dict[Label, LabelConfidence]
    figures: dict[Section, SectionFigures]
    effort: EffortChange

    def of(self, section: Section, label: str) -> LabelConfidence | None:
        """The entry for a label (a type, of arguments a role), else the one for any label, else None."""
        entries: dict[str, LabelConfidence] = getattr(self, section)
        return entries.get(label) or entries.get(ANY)

    @cached_property
    def limits(self) -> dict[Section, dict[str, float]]:
        """Section → label → the score below which its items are left out, where any are."""
        return {
            section: {label: one.drop_below for label, one in getattr(self, section).items() if one.drop_below}
            for section in SECTIONS
        }

    @cached_property
    def digest(self) -> str:
        """Eight hex digits of a hash of all this."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def load_confidence(path: Path) -> Confidence:
    """The file at `path`. Raises BadInput naming the field that cannot be used."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        way_out = "check the path, or make one with `curation calibrate`"
        raise BadInput(f"cannot be read: {error.strerror or error}", path=path, way_out=way_out) from error
    return build(Confidence, json_object(raw, path=path), path=path)


def apply(confidence: Confidence, annotation: Annotation) -> Annotation:
    """`annotation` with scores that mean something and without what is not worth mending.

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

    def told(section: Section, item: Entity | Event | Argument) -> dict[str, Any]:
        label = item.role if isinstance(item, Argument) else item.type
        entry = confidence.of(section, label)
        score = item.score if item.score is None or entry is None else round(entry(item.score), 4)
        origin = annotator.key if item.origin == annotation.annotator.key else item.origin
        return {"score": score, "origin": origin}

    return kept.model_copy(
        update={
            "id": annotation_id(annotation.id, annotator.key),
            "annotator": annotator,
            "entities": tuple(entity.model_copy(update=told("entities", entity)) for entity in kept.entities),
            "events": tuple(
                event.model_copy(
                    update=told("events", event)
                    | {
                        "arguments": tuple(
                            argument.model_copy(update=told("arguments", argument)) for argument in event.arguments
                        )
                    }
                )
                for event in kept.events
            ),
        }
    )


def without(annotation: Annotation, limits: Limits) -> Annotation:
    """`annotation` without the items that score below the limit of their label, and without arguments they fill."""

    def stays(section: Section, label: str, score: float | None) -> bool:
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
