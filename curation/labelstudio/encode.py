"""Articles and annotations as Label Studio's JSON: task data, regions, relations.

Spans need no conversion: Label Studio counts code points, as we do.
"""

from __future__ import annotations

import hashlib
import json
import re
from statistics import fmean
from typing import Any

from curation.annotation import Annotation, Item
from curation.article import Article
from curation.labelstudio.names import (
    ANNOTATE,
    ANNOTATION,
    ARTICLE_ID,
    ATTRIBUTE,
    BATCH,
    ENGINE,
    ENTITY,
    PREDICTION,
    PURPOSE,
    TEXT,
    TEXT_SHA256,
    TRIGGER,
)
from curation.schema import Attribute, LabelSchema

PLAIN_ID = re.compile(r"[A-Za-z0-9_.:~-]{1,200}")
"""Ids that the editor keeps as they are; it cuts an id at `#`."""


def task(
    article: Article,
    annotation: Annotation | None,
    schema: LabelSchema,
    *,
    batch: str,
    purpose: str = ANNOTATE,
) -> dict[str, Any]:
    """The task in which `article` is annotated, with `annotation` as its prediction.

    `batch` names the import request: what the server is asked for when it is unknown whether one arrived.
    """
    data = {
        TEXT: article.text,
        ARTICLE_ID: article.id,
        TEXT_SHA256: article.text_sha256,
        BATCH: batch,
        PURPOSE: purpose,
        **article.model_dump(mode="json", exclude={"id", "text"}, exclude_none=True),
    }
    made: dict[str, Any] = {"data": data}
    if annotation is not None:
        made["predictions"] = [prediction(annotation, article, schema)]
    return made


def prediction(annotation: Annotation, article: Article, schema: LabelSchema) -> dict[str, Any]:
    """`annotation` as a prediction. The first region's `meta` says which annotation and whose it is."""
    regions = result(annotation, article, schema)
    if regions:
        regions[0]["meta"] = {ANNOTATION: annotation.id, ENGINE: engine(annotation)}
    scores = [item.score for item in annotation.items() if item.score is not None]
    return {
        "model_version": PREDICTION,
        "result": regions,
        "score": round(fmean(scores), 4) if scores else None,
    }


def engine(annotation: Annotation) -> str:
    """`name@version` of who made it."""
    return annotation.annotator.key.partition(":")[2]


def result(annotation: Annotation, article: Article, schema: LabelSchema) -> list[dict[str, Any]]:
    """The regions and relations of `annotation`: for each item its labels and choices, then the relations.

    An attribute is written only where it differs from what the schema takes for granted.
    """
    regions = []
    for entity in annotation.entities:
        regions += _regions(entity, ENTITY, article, schema.attributes_of("entities"))
    for event in annotation.events:
        regions += _regions(event, TRIGGER, article, schema.attributes_of("events"))
    for event in annotation.events:
        for argument in event.arguments:
            regions.append(
                {
                    "type": "relation",
                    "from_id": region_id(event.id),
                    "to_id": region_id(argument.filler),
                    "direction": "right",
                    "labels": [argument.role],
                }
            )
    return regions


def region_id(item_id: str) -> str:
    """The region's id: the item's own where the editor keeps it, else a stable stand-in."""
    if PLAIN_ID.fullmatch(item_id):
        return item_id
    return "id-" + hashlib.sha256(item_id.encode()).hexdigest()[:16]


def digest(regions: Any) -> str:
    """A hash of what a prediction says, the same for what we send and for what the server gives back."""
    return _hash(_sorted(regions))


def packed(task: dict[str, Any]) -> tuple[bytes, str | None]:
    """A task as JSON, and the digest of its prediction: the regions, most of the work, are written out once."""
    if "predictions" not in task:
        return _json(task).encode(), None
    (one,) = task["predictions"]
    regions = _sorted(one["result"])
    rest = _json({name: value for name, value in one.items() if name != "result"})
    body = f'{{"data":{_json(task["data"])},"predictions":[{rest[:-1]},"result":{regions}}}]}}'
    return body.encode(), _hash(regions)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sorted(regions: Any) -> str:
    return json.dumps(regions, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _hash(regions: str) -> str:
    return hashlib.sha256(regions.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _regions(item: Item, control: str, article: Article, attributes: tuple[Attribute, ...]) -> list[dict[str, Any]]:
    place = {"start": item.start, "end": item.end, "text": article.text[item.start : item.end]}
    common = {"id": region_id(item.id), "to_name": TEXT}
    labels: dict[str, Any] = {
        **common,
        "from_name": control,
        "type": "labels",
        "value": {**place, "labels": [item.type]},
    }
    if item.score is not None:
        labels["score"] = item.score
    regions = [labels]
    for attribute in attributes:
        value = item.attributes.get(attribute.name, attribute.default)
        if value != attribute.default:
            choice = {"from_name": ATTRIBUTE + attribute.name, "type": "choices"}
            regions.append({**common, **choice, "value": {**place, "choices": [value]}})
    return regions
