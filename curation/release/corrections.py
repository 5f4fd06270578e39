"""The `corrections` config: what an engine had said, against what a person made of it, span by span.

Only articles whose annotation started from a pre-annotation that is known have rows. One row is one entity, one event
(by its trigger) or one argument, paired as `curation.compare` pairs them: an argument only with one of the same
trigger, so where a trigger changed, its arguments were removed and added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets import Features, List, Value

from curation.annotation import Annotation
from curation.compare import Pair, match, match_links
from curation.release.documents import Row
from curation.schema import LabelSchema

CONFIG = "corrections"
CHANGES = {
    "same": "kept",
    "type": "type",
    "border": "border",
    "both": "type and border",
    "missed": "removed",
    "spurious": "added",
}
"""What a pair is called, the engine's side taken as the reference. Where only attributes differ it is `attributes`."""


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
    pairs: tuple[tuple[str, list[Any], Mapping[str, str]], ...] = (
        ("entity", match(prediction.entities, annotation.entities), defaults["entities"]),
        ("event", match(prediction.events, annotation.events), defaults["events"]),
        ("argument", match_links(prediction, annotation), {}),
    )
    return [{**about, "item": item, **_row(pair, text, standard)} for item, found, standard in pairs for pair in found]


def _row(pair: Pair[Any], text: str, defaults: Mapping[str, str]) -> Row:
    said, made = pair.reference, pair.other
    trigger = getattr(said or made, "trigger", (None, None, None))
    differ = _attributes(said.attributes, made.attributes, defaults) if said and made else []
    return {
        "change": "attributes" if pair.kind == "same" and differ else CHANGES[pair.kind],
        **_side("predicted_", said, text),
        "predicted_score": said.score if said else None,
        **_side("", made, text),
        "trigger_start": trigger[0],
        "trigger_end": trigger[1],
        "trigger_type": trigger[2],
        "attributes": differ,
    }


def _side(prefix: str, item: Any, text: str) -> Row:
    held = (item.start, item.end, item.type, text[item.start : item.end]) if item else (None,) * 4
    return {f"{prefix}{name}": value for name, value in zip(("start", "end", "type", "text"), held, strict=True)}


def _attributes(said: Mapping[str, str], made: Mapping[str, str], defaults: Mapping[str, str]) -> list[Row]:
    before, now = {**defaults, **said}, {**defaults, **made}
    return [
        {"name": name, "predicted": before.get(name), "value": now.get(name)}
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
