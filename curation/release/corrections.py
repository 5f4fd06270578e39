"""The `corrections` config: what an engine had said, against what a person made of it, span by span.

Only articles whose annotation started from a pre-annotation that is known have rows. One row is one entity, one event
(by its trigger) or one argument, paired as `curation.metrics.corrections` pairs them: an argument only with one of the
same trigger, so where a trigger changed, its arguments were removed and added.
"""

from __future__ import annotations

from typing import Any

from datasets import Features, List, Value

from curation.annotation import Annotation
from curation.metrics.corrections import FATES, Change, changes
from curation.release.documents import Row
from curation.schema import LabelSchema

CONFIG = "corrections"
CHANGES = FATES
"""What a pair is called. Where only attributes differ it is `attributes`."""


def features() -> Features:
    """The columns. Labels are strings: an engine may have said some that the schema no longer has."""

    def side(prefix: str) -> dict[str, Value]:
        places = {f"{prefix}{name}": Value("int64") for name in ("start", "end")}
        return places | {f"{prefix}{name}": Value("string") for name in ("type", "text")}

    return Features(
        {
            **{name: Value("string") for name in ("id", "annotation_id", "prediction_id", "annotator", "engine")},
            **{name: Value("string") for name in ("item", "change")},
            **side("predicted_"),
            "predicted_score": Value("float64"),
            **side(""),
            **{name: Value("int64") for name in ("trigger_start", "trigger_end")},
            "trigger_type": Value("string"),
            "attributes": List({name: Value("string") for name in ("name", "predicted", "value")}),
        }
    )


def correction_rows(text: str, annotation: Annotation, prediction: Annotation, schema: LabelSchema) -> list[Row]:
    """The rows of one article, by kind of item and then in the order of the text."""
    about = {
        "id": annotation.article_id,
        "annotation_id": annotation.id,
        "prediction_id": prediction.id,
        "annotator": annotation.annotator.key,
        "engine": prediction.annotator.key,
    }
    defaults = {of: {one.name: one.default for one in schema.attributes_of(of)} for of in ("entities", "events")}
    return [{**about, **_row(change, text)} for change in changes(prediction, annotation, defaults)]


def _row(change: Change, text: str) -> Row:
    said, made = change.predicted, change.corrected
    trigger = getattr(said or made, "trigger", (None, None, None))
    return {
        "item": change.what,
        "change": change.fate,
        **_side("predicted_", said, text),
        "predicted_score": said.score if said else None,
        **_side("", made, text),
        "trigger_start": trigger[0],
        "trigger_end": trigger[1],
        "trigger_type": trigger[2],
        "attributes": [
            {"name": one.name, "predicted": one.predicted, "value": one.corrected} for one in change.attributes
        ],
    }


def _side(prefix: str, item: Any, text: str) -> Row:
    held = (item.start, item.end, item.type, text[item.start : item.end]) if item else (None,) * 4
    return {f"{prefix}{name}": value for name, value in zip(("start", "end", "type", "text"), held, strict=True)}
