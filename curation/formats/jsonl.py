"""JSON lines that lose nothing: one article a line with its entities and events, readable by `datasets`.

    {"id", "text", "text_sha256", "title", "source", "published", "language", "licence", "metadata",
     "annotation": {"id", "schema", "annotator", "parent", "between", "time", "state", "lead_time"},
     "entities": [{"id", "start", "end", "type", "text", "score", "origin", "attributes"}],
     "events":   [{…, "arguments": [{"role", "filler", "score", "origin"}]}]}

Spans are of Unicode code points, the end exclusive. Every line has every field, null if it has no value; an attribute
that is null has the schema's default value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curation.annotation import Item, Offset
from curation.article import Article
from curation.errors import BadInput
from curation.formats.format_loss import Capabilities
from curation.formats.registry import Document, ExportContext, Format, ImportContext, Pair

_ARTICLE = ("id", "text", "text_sha256", "title", "source", "published", "language", "licence", "metadata")
_ANNOTATION = ("id", "schema", "annotator", "parent", "between", "time", "state", "lead_time")


class JsonLines(Format):
    """Everything: one article a line."""

    suffix = ".jsonl"
    capabilities = Capabilities(
        events=True, arguments=True, event_fillers=True, distant_fillers=True, attributes=None, scores=True
    )

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One file of all documents."""
        with target.open("w", encoding="utf-8", newline="\n") as file:
            for document in documents:
                file.write(json.dumps(_record(document, context), ensure_ascii=False) + "\n")

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """Each line with its own article. Without `annotation` the annotation is made as for any other format."""

        def document(record: _Line, line: int) -> Pair:
            fields = {name: value for name in _ARTICLE if (value := getattr(record, name)) is not None}
            fields["metadata"] = _present(record.metadata)
            known = context.articles.find_exact(record.text, record.id, source, line)
            article = known or Article.from_record(fields, path=source, line=line)
            given = {
                name: value
                for name, value in (record.annotation or {}).items()
                if name in _ANNOTATION and value is not None
            }
            if isinstance(given.get("annotator"), dict):
                given["annotator"] = _present(given["annotator"])
            entities = [_item(entity) for entity in record.entities or ()]
            events = [
                {
                    **_item(event),
                    "arguments": [argument.model_dump(exclude_none=True) for argument in event.arguments or ()],
                }
                for event in record.events or ()
            ]
            return article, context.annotation(article, entities, events, source, line, **given)

        return context.json_lines(source, _Line, document)


class _Entity(BaseModel):
    id: str
    start: Offset
    end: Offset
    type: str
    score: float | None = None
    origin: str | None = None
    attributes: dict[str, str | None] | None = None


class _Argument(BaseModel):
    role: str
    filler: str
    score: float | None = None
    origin: str | None = None


class _Event(_Entity):
    arguments: list[_Argument] | None = None


class _Line(BaseModel):
    """Fields of the article are checked by `Article`, those of the annotation by `Annotation`."""

    id: str
    text: str
    text_sha256: Any = None
    title: Any = None
    source: Any = None
    published: Any = None
    language: Any = None
    licence: Any = None
    metadata: dict[str, Any] | None = None
    annotation: dict[str, Any] | None = None
    entities: list[_Entity] | None = None
    events: list[_Event] | None = None


def _record(document: Document, context: ExportContext) -> dict[str, Any]:
    article, annotation, _ = document
    attributes = {of: [one.name for one in context.schema.attributes_of(of)] for of in ("entities", "events")}

    def item(item: Item, of: str) -> dict[str, Any]:
        return {
            "id": item.id,
            "start": item.start,
            "end": item.end,
            "type": item.type,
            "text": article.text[item.start : item.end],
            "score": item.score,
            "origin": item.origin,
            "attributes": dict.fromkeys(attributes[of]) | item.attributes,
        }

    dumped_article = article.model_dump(mode="json") | {"text_sha256": article.text_sha256}
    dumped = annotation.model_dump(mode="json", by_alias=True)
    arguments = {event["id"]: event["arguments"] for event in dumped["events"]}
    return {
        **{name: dumped_article[name] for name in _ARTICLE},
        "annotation": {name: dumped[name] for name in _ANNOTATION},
        "entities": [item(entity, "entities") for entity in annotation.entities],
        "events": [{**item(event, "events"), "arguments": arguments[event.id]} for event in annotation.events],
    }


def _item(entity: _Entity) -> dict[str, Any]:
    record = entity.model_dump(exclude={"attributes", "arguments"}, exclude_none=True)
    return record | {"attributes": _present(entity.attributes)}


def _present(values: dict[Any, Any] | None) -> dict[Any, Any]:
    """`values` without those that are None."""
    return {name: value for name, value in (values or {}).items() if value is not None}
