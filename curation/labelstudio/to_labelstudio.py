"""Articles and annotations as Label Studio's JSON: task data, regions, relations.

Spans need no conversion: Label Studio counts code points, as we do.
"""

from __future__ import annotations

import hashlib
import re
from statistics import fmean
from typing import Any

from pydantic_core import to_json

from curation.annotation import Annotation, Item
from curation.article import Article
from curation.labelstudio.constants import (
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


def prediction(
    annotation: Annotation, article: Article, schema: LabelSchema, *, under: str | None = None
) -> dict[str, Any]:
    """`annotation` as a prediction. The first region's `meta` names the annotation and its engine.

    `under`: the name to show it by, in place of who made it. Only one without such a name is seen in the label stream.
    """
    regions = result(annotation, article, schema)
    if regions:
        meta = {ANNOTATION: annotation.id, ENGINE: under or engine(annotation)}
        regions[0] = _ordered({**regions[0], "meta": meta})
    scores = [item.score for item in annotation.items() if item.score is not None]
    return {
        "model_version": under or PREDICTION,
        "result": regions,
        "score": round(fmean(scores), 4) if scores else None,
    }


def engine(annotation: Annotation) -> str:
    """`name@version` of the engine; `person` for a person."""
    if annotation.annotator.kind == "person":
        return "person"
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
        # The editor keeps one arrow between two spans and drops a second one: what fills two roles has both on one.
        roles: dict[str, list[str]] = {}
        for argument in event.arguments:
            roles.setdefault(argument.filler, []).append(argument.role)
        for filler, labels in roles.items():
            regions.append(
                {
                    "direction": "right",
                    "from_id": region_id(event.id),
                    "labels": labels,
                    "to_id": region_id(filler),
                    "type": "relation",
                }
            )
    return regions


def undrawable(annotation: Annotation, article: Article) -> Item | None:
    """The first item that the editor cannot draw, and with it the arrows of all others: it begins at a line break."""
    return next((item for item in annotation.items() if article.text[item.start] == "\n"), None)


def region_id(item_id: str) -> str:
    """The region's id: the item's own where the editor keeps it, else a stable substitute."""
    if PLAIN_ID.fullmatch(item_id):
        return item_id
    return "id-" + hashlib.sha256(item_id.encode()).hexdigest()[:16]


def digest(regions: Any) -> str:
    """A hash of a prediction's regions, the same for what we send and for what the server gives back."""
    try:
        return hashlib.sha256(to_json(_ordered(regions))).hexdigest()[:32]
    except ValueError:  # half a surrogate pair: nothing that we sent
        return ""


def _ordered(value: Any) -> Any:
    """The same JSON with the keys of every object in order: databases do not keep them as they were."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(one) for one in value] if isinstance(value, list) else value


def _regions(item: Item, control: str, article: Article, attributes: tuple[Attribute, ...]) -> list[dict[str, Any]]:
    name, text = region_id(item.id), article.text[item.start : item.end]
    labels: dict[str, Any] = {"from_name": control, "id": name}
    if item.score is not None:
        labels["score"] = item.score
    value: dict[str, Any] = {"end": item.end, "labels": [item.type], "start": item.start, "text": text}
    labels |= {"to_name": TEXT, "type": "labels", "value": value}
    regions = [labels]
    for attribute in attributes:
        chosen = item.attributes.get(attribute.name, attribute.default)
        if chosen != attribute.default:
            value = {"choices": [chosen], "end": item.end, "start": item.start, "text": text}
            regions.append(
                {
                    "from_name": ATTRIBUTE + attribute.name,
                    "id": name,
                    "to_name": TEXT,
                    "type": "choices",
                    "value": value,
                }
            )
    return regions
