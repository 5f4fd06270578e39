"""WikiEvents: JSON lines, one document each; spans of token numbers in the whole document, the end exclusive.

    {"doc_id", "tokens", "text", "sentences": [[[[token, start, end], …], sentence], …],
     "entity_mentions": [{"id", "sent_idx", "start", "end", "entity_type", "mention_type", "text"}],
     "relation_mentions": [], "event_mentions": [{"id", "event_type", "trigger": {"start", "end", "text", "sent_idx"},
                                                  "arguments": [{"entity_id", "role", "text"}]}]}

`text` is the sentences without what stands between them, while the offsets of `sentences` count that in; of what stands
between only the length is known, so an article gets a space there, or line breaks where it is longer. `mention_type` is
`UNK`, as in WikiEvents' own files, which come in and go out unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curation.annotation import Item, Label
from curation.article import MAX_CHARACTERS, Article, build
from curation.errors import BadInput
from curation.files import read_jsonl, write_jsonl
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.tokens import OFFSETS, Tokens, dump, placed
from curation.formats.tokens import tokenise as own_tokens
from curation.schema import LabelSchema

SUFFIX = ".jsonl"
UNKNOWN = "UNK"
HOLDS = Holds(events=True, arguments=True, unit="sentences", distant_fillers=True)


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """Our own tokens, or those the article came with."""
    return own_tokens(article)


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One file of all documents."""
    write_jsonl(target, (json.dumps(_record(document)) for document in documents))


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """One document a line."""
    for line, raw in read_jsonl(source):
        yield _document(build(_Document, raw, path=source, line=line), source, line, intake)


class _Span(BaseModel):
    start: int
    end: int


class _EntityMention(_Span):
    id: str
    entity_type: Label
    mention_type: str = UNKNOWN


class _Argument(BaseModel):
    entity_id: str
    role: Label


class _EventMention(BaseModel):
    id: str
    event_type: Label
    trigger: _Span
    arguments: list[_Argument] = []


class _Document(BaseModel):
    doc_id: str
    tokens: list[str]
    sentences: list[tuple[list[tuple[str, int, int]], str]]
    entity_mentions: list[_EntityMention] = []
    event_mentions: list[_EventMention] = []
    relation_mentions: list[Any] = []


def _record(document: Document) -> dict[str, Any]:
    article, annotation, tokens = document
    text = article.text

    def place(item: Item) -> dict[str, Any]:
        first, behind = tokens.exactly(item.start, item.end) or (0, 0)
        return {"sent_idx": tokens.sentence_of[first], "start": first, "end": behind}

    def words(item: Item) -> str:
        return text[item.start : item.end]

    def trigger(item: Item) -> dict[str, Any]:
        span = place(item)
        return {"start": span["start"], "end": span["end"], "text": words(item), "sent_idx": span["sent_idx"]}

    items = {item.id: item for item in annotation.items()}
    sentences = [text[start:end] for start, end, _ in tokens.sentences]
    return {
        "doc_id": article.id,
        "tokens": [text[start:end] for start, end in tokens.all],
        "text": "".join(sentences),
        "sentences": [
            [[[text[start:end], start, end] for start, end in sentence.tokens], words]
            for sentence, words in zip(tokens.sentences, sentences, strict=True)
        ],
        "entity_mentions": [
            {"id": one.id, **place(one), "entity_type": one.type, "mention_type": UNKNOWN, "text": words(one)}
            for one in annotation.entities
        ],
        "relation_mentions": [],
        "event_mentions": [
            {
                "id": event.id,
                "event_type": event.type,
                "trigger": trigger(event),
                "arguments": [
                    {"entity_id": one.filler, "role": one.role, "text": words(items[one.filler])}
                    for one in event.arguments
                ],
            }
            for event in annotation.events
        ],
    }


def _document(record: _Document, source: Path, line: int, intake: Intake) -> Pair:
    flat = [token for words, _ in record.sentences for token, _, _ in words]
    if flat != record.tokens:
        way_out = "give each sentence its tokens, in order"
        raise BadInput("are not the tokens of the sentences", path=source, line=line, field="tokens", way_out=way_out)
    article, tokens = _article(record, source, line, intake)

    def at(span: _Span) -> dict[str, int]:
        if not 0 <= span.start < span.end <= len(flat):
            what = f"[{span.start}, {span.end}) is no span of {len(flat)} tokens"
            raise BadInput(what, path=source, line=line, way_out="count from 0, the end exclusive")
        start, end = tokens.span(span.start, span.end)
        return {"start": start, "end": end}

    entities = [{"id": one.id, "type": one.entity_type, **at(one)} for one in record.entity_mentions]
    events = [
        {
            "id": one.id,
            "type": one.event_type,
            **at(one.trigger),
            "arguments": [{"role": argument.role, "filler": argument.entity_id} for argument in one.arguments],
        }
        for one in record.event_mentions
    ]
    intake.lost.add("mention types", sum(one.mention_type != UNKNOWN for one in record.entity_mentions))
    intake.lost.add("relations", len(record.relation_mentions))
    return article, intake.annotation(article, entities, events, source, line)


def _article(record: _Document, source: Path, line: int, intake: Intake) -> tuple[Article, Tokens]:
    """The article, and the tokens at the offsets that the file gives them, where it is not known already."""
    if intake.known.find("".join(record.tokens), record.doc_id, source, line):
        sentences = [[token for token, _, _ in words] for words, _ in record.sentences]
        return intake.known.tokens(sentences, record.doc_id, record.doc_id, source, line)
    parts: list[str] = []
    rows: list[list[int]] = []
    length = 0
    for words, sentence in record.sentences:
        begin = words[0][1] if words else length
        if not 0 <= begin - length <= MAX_CHARACTERS:
            raise _misplaced(rows, source, line)
        parts += [" " if begin - length == 1 else "\n" * (begin - length), sentence]
        length = begin + len(sentence)
        if words:
            rows.append([begin, length, *(border for _, *token in words for border in token)])
    text = "".join(parts)
    try:
        tokens = Tokens(placed(rows, text))
    except ValueError as error:
        raise _misplaced(rows, source, line) from error
    if [text[start:end] for start, end in tokens.all] != record.tokens:
        raise _misplaced(rows, source, line)
    fields = {"id": "-".join(record.doc_id.split()), "text": text, "metadata": {OFFSETS: dump(tokens)}}
    return build(Article, fields, path=source, line=line), tokens


def _misplaced(rows: list[list[int]], source: Path, line: int) -> BadInput:
    way_out = "count Unicode code points from the start of the document, the end exclusive"
    what = f"the words do not stand at their offsets (in or before sentence {len(rows)})"
    return BadInput(what, path=source, line=line, field="sentences", way_out=way_out)
