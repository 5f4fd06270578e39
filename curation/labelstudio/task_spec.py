"""Specification of a task to push: one for each article revision and purpose."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic_core import to_json

from curation.annotation import Annotation
from curation.article import Article
from curation.labelstudio import to_labelstudio
from curation.labelstudio.constants import ANNOTATE, WITHHELD
from curation.schema import LabelSchema


class TaskSpec(NamedTuple):
    """A task: its article, its purpose, and its predictions.

    purpose     there is one task for each article revision and purpose
    annotation  the prediction that one starts from
    variants    further predictions, each under the name its tab has; seen where a task is opened from the list
    data        further task data, such as the `note` that the page shows
    people      how many are to annotate it; 0: it is opened by its link alone; None: as the project has it
    blind       it is sent without its prediction, which is only kept
    """

    article: Article
    annotation: Annotation | None = None
    purpose: str = ANNOTATE
    variants: tuple[tuple[str, Annotation], ...] = ()
    data: Mapping[str, Any] = MappingProxyType({})
    people: int | None = None
    blind: bool = False

    @property
    def withheld(self) -> str | None:
        """Of a blind task the id of its annotation, empty where it has none; else None."""
        if not self.blind:
            return None
        return self.annotation.id if self.annotation is not None else ""

    @property
    def shown(self) -> Annotation | None:
        """The annotation that is its first prediction."""
        return None if self.blind else self.annotation

    def task(self, schema: LabelSchema, batch: str) -> dict[str, Any]:
        """The task as JSON; `batch` names the import request."""
        made = to_labelstudio.task(self.article, self.shown, schema, batch=batch, purpose=self.purpose)
        made["data"].update(self.data)
        if self.withheld is not None:
            made["data"][WITHHELD] = self.withheld
        if self.variants:
            made["predictions"] = self.predictions(schema)
        return made

    def kept(self) -> list[str]:
        """The annotations to record before the task is sent, as JSON."""
        return [one.to_json() for one in (self.annotation, *(one for _, one in self.variants)) if one is not None]

    def predictions(self, schema: LabelSchema) -> list[dict[str, Any]]:
        """Its predictions, the first one first. A variant shows its name, not who made it, and no scores."""
        made = [] if self.shown is None else [to_labelstudio.prediction(self.shown, self.article, schema)]
        return made + [
            to_labelstudio.prediction(_unscored(annotation), self.article, schema, under=name)
            for name, annotation in self.variants
        ]

    def packed(self, schema: LabelSchema, batch: str) -> tuple[bytes, str | None]:
        """The task as the bytes of its JSON, and its `digest`."""
        task = self.task(schema, batch)
        return to_json(task), self._digest(task.get("predictions", []))

    def digest(self, schema: LabelSchema) -> str | None:
        """A hash of the task's content beside its article; None if it has none."""
        return self._digest(self.predictions(schema))

    def _digest(self, predictions: list[dict[str, Any]]) -> str | None:
        if self.data or self.variants:
            return to_labelstudio.digest([dict(self.data), *predictions])
        return to_labelstudio.digest(predictions[0]["result"]) if predictions else None


def _unscored(annotation: Annotation) -> Annotation:
    """`annotation` without the scores of an engine."""
    none = {"score": None}
    return annotation.model_copy(
        update={
            "entities": tuple(one.model_copy(update=none) for one in annotation.entities),
            "events": tuple(one.model_copy(update=none) for one in annotation.events),
        }
    )
