"""Gold of any corpus in its own labels, one JSON document a line, to measure engines (the "neutral form").

    {"id", "corpus", "text",
     "entities": [{"start", "end", "type"}],
     "events":   [{"start", "end", "type", "arguments": [{"start", "end", "role"}]}]}

Offsets are Unicode code points into `text`, the end exclusive. An argument gives the span of its filler: an entity,
else the trigger of an event, else a filler without type is made. Other fields are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, Label, Offset, Span, annotation_id
from curation.article import Article, build, normalise
from curation.errors import BadInput
from curation.files import read_jsonl
from curation.metrics.matching import FILLER

SCHEMA = "neutral@1.0.0"
"""The schema of annotations from this form: the labels are the corpus's own."""


class _Typed(BaseModel):
    start: Offset
    end: Offset
    type: Label


class _Argument(BaseModel):
    start: Offset
    end: Offset
    role: Label


class _Event(_Typed):
    arguments: list[_Argument] = []


class _Document(BaseModel):
    id: str
    corpus: Label = "gold"
    text: str
    entities: list[_Typed] = []
    events: list[_Event] = []


def is_neutral(record: dict[str, Any]) -> bool:
    """Is this line of JSON a document of the neutral form (and not an annotation)?"""
    return "text" in record and "article_id" not in record


def read_neutral(path: Path) -> Iterator[tuple[Article, Annotation]]:
    """The documents of a file, one at a time, each as an article and its annotation.

    White space in an id becomes `-`. Duplicated arguments count once; entities and events are kept as they are.

    Raises:
        BadInput: with file, line and field: not this form, a span that is empty or outside the text, a duplicated id.
    """
    seen: set[str] = set()
    for line, record in read_jsonl(path):
        document = build(_Document, record, path=path, line=line)
        name = "-".join(document.id.split())
        if name in seen:
            way_out = "give each document its own id"
            raise BadInput(f"id {name} is duplicated", path=path, line=line, field="id", way_out=way_out)
        seen.add(name)
        yield _read(document, name, path, line)


def _read(document: _Document, name: str, path: Path, line: int) -> tuple[Article, Annotation]:
    fields = {"id": name, "text": normalise(document.text), "source": document.corpus}
    article = build(Article, fields, path=path, line=line)

    def span(item: _Typed | _Argument, field: str) -> Span:
        if not 0 <= item.start < item.end <= len(document.text):
            what = f"[{item.start}, {item.end}) is no span of a text of {len(document.text)} characters"
            way_out = "count Unicode code points from 0, the end exclusive"
            raise BadInput(what, path=path, line=line, field=field, way_out=way_out)
        if "\r" not in document.text:
            return Span(start=item.start, end=item.end)
        start, end = (len(normalise(document.text[:offset])) for offset in (item.start, item.end))
        return build(Span, {"start": start, "end": end}, path=path, line=line)

    entities: list[Entity] = []
    filler: dict[tuple[int, int], str] = {}
    triggers = [span(event, f"events.{i}") for i, event in enumerate(document.events)]
    for i, item in enumerate(document.entities):
        at = span(item, f"entities.{i}")
        entities.append(Entity(id=f"e{i}", start=at.start, end=at.end, type=item.type))
        filler.setdefault((at.start, at.end), f"e{i}")
    for i, at in enumerate(triggers):
        filler.setdefault((at.start, at.end), f"v{i}")
    events: list[Event] = []
    for i, (event, trigger) in enumerate(zip(document.events, triggers, strict=True)):
        arguments: dict[tuple[str, str], Argument] = {}
        for j, argument in enumerate(event.arguments):
            at = span(argument, f"events.{i}.arguments.{j}")
            found = filler.get((at.start, at.end))
            if found is None or found == f"v{i}":
                found = f"f{len(entities)}"
                entities.append(Entity(id=found, start=at.start, end=at.end, type=FILLER))
                filler[at.start, at.end] = found
            arguments.setdefault((argument.role, found), Argument(role=argument.role, filler=found))
        events.append(
            Event(
                id=f"v{i}", start=trigger.start, end=trigger.end, type=event.type, arguments=tuple(arguments.values())
            )
        )
    return article, Annotation(
        id=annotation_id(SCHEMA, article.id, article.text_sha256),
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema_ref=SCHEMA,
        annotator=Annotator(kind="person", name=document.corpus),
        state="reviewed",
        entities=tuple(entities),
        events=tuple(events),
    )
