"""OneIE (and ACE as it reads it): JSON lines, one sentence each; spans of token numbers, the end exclusive.

    {"doc_id", "sent_id", "tokens", "sentence",
     "entity_mentions": [{"id", "text", "entity_type", "mention_type", "start", "end"}], "relation_mentions": [],
     "event_mentions": [{"id", "event_type", "trigger": {"text", "start", "end"},
                         "arguments": [{"entity_id", "text", "role"}]}]}

The schema's attribute `mention`, where it has one, is `mention_type`: name NAM, nominal NOM, pronoun PRO. OneIE's own
`pieces` and `token_lens` depend on the encoder: its preprocessing adds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curation.annotation import Item, Label
from curation.article import Article, build
from curation.errors import BadInput
from curation.files import read_jsonl, write_jsonl
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.tokens import Tokens, align
from curation.formats.tokens import tokenise as own_tokens
from curation.schema import LabelSchema

SUFFIX = ".jsonl"
MENTION = "mention"
"""The attribute that `mention_type` stands for."""

MENTION_TYPES = {"name": "NAM", "nominal": "NOM", "pronoun": "PRO"}
HOLDS = Holds(
    events=True,
    arguments=True,
    attributes=frozenset(("entities", MENTION, value) for value in MENTION_TYPES),
    unit="sentences",
)


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """Our own tokens, or those the article came with."""
    return own_tokens(article)


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One file of all documents, sentences without entities too."""
    defaults = {one.name: one.default for one in schema.attributes_of("entities")}
    usual = MENTION_TYPES.get(defaults.get(MENTION, ""), "UNK")
    write_jsonl(
        target,
        (json.dumps(row, ensure_ascii=False) for document in documents for row in _rows(document, usual)),
    )


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """Lines that follow each other with the same `doc_id` are sentences of one document."""
    lines = ((line, build(_Sentence, raw, path=source, line=line)) for line, raw in read_jsonl(source))
    for name, group in groupby(lines, key=lambda one: one[1].doc_id):
        yield _document(name, list(group), source, intake)


class _Span(BaseModel):
    start: int
    end: int


class _EntityMention(_Span):
    id: str
    entity_type: Label
    mention_type: str | None = None


class _Argument(BaseModel):
    entity_id: str
    role: Label


class _EventMention(BaseModel):
    id: str
    event_type: Label
    trigger: _Span
    arguments: list[_Argument] = []


class _Sentence(BaseModel):
    doc_id: str
    tokens: list[str]
    sentence: str | None = None
    entity_mentions: list[_EntityMention] = []
    event_mentions: list[_EventMention] = []
    relation_mentions: list[Any] = []


def _rows(document: Document, usual: str) -> Iterator[dict[str, Any]]:
    article, annotation, tokens = document
    rows: list[dict[str, Any]] = []
    for number, (start, end, own) in enumerate(tokens.sentences):
        rows.append(
            {
                "doc_id": article.id,
                "sent_id": f"{article.id}-{number}",
                "tokens": [article.text[one:two] for one, two in own],
                "sentence": article.text[start:end],
                "entity_mentions": [],
                "relation_mentions": [],
                "event_mentions": [],
            }
        )

    def text(item: Item) -> str:
        return article.text[item.start : item.end]

    def place(item: Item) -> tuple[int, dict[str, Any]]:
        first, behind = tokens.exactly(item.start, item.end) or (0, 0)
        number = tokens.sentence_of[first]
        before = tokens.first_of[number]
        return number, {"text": text(item), "start": first - before, "end": behind - before}

    items = {item.id: item for item in annotation.items()}
    for entity in annotation.entities:
        number, span = place(entity)
        mention = MENTION_TYPES.get(entity.attributes.get(MENTION, ""), usual)
        record = {"id": entity.id, "entity_type": entity.type, "mention_type": mention, **span}
        rows[number]["entity_mentions"].append(record)
    for event in annotation.events:
        number, span = place(event)
        arguments = [
            {"entity_id": one.filler, "text": text(items[one.filler]), "role": one.role} for one in event.arguments
        ]
        record = {"id": event.id, "event_type": event.type, "trigger": span, "arguments": arguments}
        rows[number]["event_mentions"].append(record)
    yield from rows


def _document(name: str, numbered: list[tuple[int, _Sentence]], source: Path, intake: Intake) -> Pair:
    line = numbered[0][0]
    rows = [row for _, row in numbered]
    # the sentences' own texts are the better text where the tokens stand in them
    texts = [row.sentence for row in rows if row.sentence and align(row.tokens, row.sentence)]
    text = "\n".join(texts) if len(texts) == len(rows) else None
    article, tokens = intake.known.tokens([row.tokens for row in rows], name, name, source, line, text)
    values = {type_: value for value, type_ in MENTION_TYPES.items()}
    entities: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    first = 0
    for number, row in numbered:

        def at(span: _Span, number: int = number, row: _Sentence = row, first: int = first) -> dict[str, int]:
            if not 0 <= span.start < span.end <= len(row.tokens):
                what = f"[{span.start}, {span.end}) is no span of {len(row.tokens)} tokens"
                raise BadInput(what, path=source, line=number, way_out="count from 0, the end exclusive")
            start, end = tokens.span(first + span.start, first + span.end)
            return {"start": start, "end": end}

        for one in row.entity_mentions:
            value = values.get(one.mention_type or "")
            attributes = {"attributes": {MENTION: value}} if value else {}
            entities.append({"id": one.id, "type": one.entity_type, **at(one), **attributes})
        for event in row.event_mentions:
            arguments = [{"role": one.role, "filler": one.entity_id} for one in event.arguments]
            events.append({"id": event.id, "type": event.event_type, **at(event.trigger), "arguments": arguments})
        intake.lost.add("relations", len(row.relation_mentions))
        first += len(row.tokens)
    return article, intake.annotation(article, entities, events, source, line)
