"""JSON lines that hold everything: one article a line with its entities and events, as `datasets` reads them too.

    {"id", "text", "text_sha256", "title", "source", "published", "language", "licence", "metadata",
     "annotation": {"id", "schema", "annotator", "parent", "between", "time", "state", "lead_time"},
     "entities": [{"id", "start", "end", "type", "text", "score", "origin", "attributes"}],
     "events":   [{…, "arguments": [{"role", "filler", "score", "origin"}]}]}

Spans are of Unicode code points, the end exclusive. Every field stands in every line, null where there is nothing to
say; an attribute that an item does not carry is null, and means the schema's default.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from curation.annotation import Item
from curation.article import Article, build
from curation.errors import BadInput
from curation.files import read_jsonl, write_jsonl
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.tokens import Tokens
from curation.schema import LabelSchema

SUFFIX = ".jsonl"
HOLDS = Holds(
    events=True,
    arguments=True,
    event_fillers=True,
    distant_fillers=True,
    attributes=None,
    scores=True,
    unit="characters",
)
_ARTICLE = ("id", "text", "text_sha256", "title", "source", "published", "language", "licence", "metadata")
_ANNOTATION = ("id", "schema", "annotator", "parent", "between", "time", "state", "lead_time")


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """None: spans are of characters."""
    return Tokens(())


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One file of all documents."""
    write_jsonl(target, (json.dumps(_record(one, schema), ensure_ascii=False) for one in documents))


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """Each line with its own article; where `annotation` is missing the annotation is made like any other."""
    for line, raw in read_jsonl(source):
        record = build(_Line, {key: value for key, value in raw.items() if value is not None}, path=source, line=line)
        fields = {name: raw[name] for name in _ARTICLE if raw.get(name) is not None}
        fields["metadata"] = _said(fields.get("metadata"))
        known = intake.known.find(record.text, record.id, source, line)
        article = known if known and known.text == record.text else Article.from_record(fields, path=source, line=line)
        if known is not None and article is not known:
            way_out = "import into a project with that text, or rename the document"
            raise BadInput(f"differs in white space from {record.id}", path=source, line=line, way_out=way_out)
        given = {name: value for name, value in record.annotation.items() if name in _ANNOTATION and value is not None}
        if isinstance(given.get("annotator"), dict):
            given["annotator"] = _said(given["annotator"])
        entities = [_item(one) for one in record.entities]
        events = [{**_item(one), "arguments": [_said(argument) for argument in one.arguments]} for one in record.events]
        yield article, intake.annotation(article, entities, events, source, line, **given)


class _Entity(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    start: int
    end: int
    type: str
    score: float | None = None
    origin: str | None = None
    attributes: dict[str, str | None] | None = None


class _Event(_Entity):
    arguments: list[dict[Literal["role", "filler", "score", "origin"], Any]] = []


class _Line(BaseModel):
    id: str
    text: str
    annotation: dict[str, Any] = {}
    entities: list[_Entity] = []
    events: list[_Event] = []


def _record(document: Document, schema: LabelSchema) -> dict[str, Any]:
    article, annotation, _ = document
    known = {of: [one.name for one in schema.attributes if one.of == of] for of in ("entities", "events")}

    def item(one: Item, of: str) -> dict[str, Any]:
        return {
            "id": one.id,
            "start": one.start,
            "end": one.end,
            "type": one.type,
            "text": article.text[one.start : one.end],
            "score": one.score,
            "origin": one.origin,
            "attributes": dict.fromkeys(known[of]) | one.attributes,
        }

    told = article.model_dump(mode="json") | {"text_sha256": article.text_sha256}
    said = annotation.model_dump(mode="json", by_alias=True)
    arguments = {event["id"]: event["arguments"] for event in said["events"]}
    return {
        **{name: told[name] for name in _ARTICLE},
        "annotation": {name: said[name] for name in _ANNOTATION},
        "entities": [item(entity, "entities") for entity in annotation.entities],
        "events": [{**item(event, "events"), "arguments": arguments[event.id]} for event in annotation.events],
    }


def _item(one: _Entity) -> dict[str, Any]:
    record = one.model_dump(exclude={"attributes", "arguments"}, exclude_none=True)
    return record | {"attributes": _said(one.attributes)}


def _said(values: dict[Any, Any] | None) -> dict[Any, Any]:
    return {name: value for name, value in (values or {}).items() if value is not None}
