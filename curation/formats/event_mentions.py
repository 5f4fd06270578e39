"""Event extraction corpora as JSON lines with `entity_mentions` and `event_mentions`: OneIE and WikiEvents.

Both have, in each line, `doc_id`, `tokens` and

    "entity_mentions": [{"id", "text", "entity_type", "mention_type", "start", "end"}], "relation_mentions": [],
    "event_mentions": [{"id", "event_type", "trigger": {"text", "start", "end"},
                        "arguments": [{"entity_id", "text", "role"}]}]

with spans of token numbers, the end exclusive.

OneIE (and ACE as OneIE reads it) has one sentence a line, with `sent_id` and its text in `sentence`. The attribute
`mention` of the schema, if it has one, is `mention_type`: name NAM, nominal NOM, pronoun PRO. OneIE's own `pieces` and
`token_lens` depend on the encoder: its preprocessing adds them.

WikiEvents has one document a line, with `sentences`: [[[[token, start, end], …], sentence], …] and `text`, which is
the sentences without the white space between them, while the offsets of `sentences` count it. Only its length is
known, so an article gets a space there, or line breaks if it is longer. `mention_type` is `UNK`, as in WikiEvents' own
files, which come in and go out unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curation.annotation import Item, Label, Offset
from curation.article import MAX_CHARACTERS, Article, build
from curation.errors import BadInput
from curation.formats.format_loss import Capabilities
from curation.formats.registry import Document, ExportContext, Format, ImportContext, Pair, json_records
from curation.formats.tokens import OFFSETS, Tokens, align, dump, placed, tokenise
from curation.schema import LabelSchema

MENTION = "mention"
"""The attribute that `mention_type` of OneIE is."""

MENTION_TYPES = {"name": "NAM", "nominal": "NOM", "pronoun": "PRO"}
UNKNOWN = "UNK"


class _EventMentions(Format):
    """JSON lines with our own tokens, or those the article was imported with."""

    suffix = ".jsonl"

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """Our own tokens, or those the article was imported with."""
        return tokenise(article)


class OneIE(_EventMentions):
    """OneIE: one sentence a line."""

    capabilities = Capabilities(
        events=True,
        arguments=True,
        attributes=frozenset(("entities", MENTION, value) for value in MENTION_TYPES),
        unit="sentences",
    )

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One file of all documents, including sentences without entities."""
        defaults = {attribute.name: attribute.default for attribute in context.schema.attributes_of("entities")}
        default = MENTION_TYPES.get(defaults.get(MENTION, ""), UNKNOWN)
        with target.open("w", encoding="utf-8", newline="\n") as file:
            for document in documents:
                for row in _sentences(document, default):
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """Consecutive lines with the same `doc_id` are sentences of one document.

        A line that cannot be used makes its document bad. As such a line may not say which document it belongs to,
        that is the one before it, and also the one after it if that begins in the next line.
        """

        def document(group: list[tuple[int, _Sentence | BadInput]]) -> Pair:
            for _, row in group:
                if isinstance(row, BadInput):
                    raise row
            return _from_sentences([(line, row) for line, row in group if isinstance(row, _Sentence)], source, context)

        return context.each(_grouped(json_records(source, _Sentence)), document)


class WikiEvents(_EventMentions):
    """WikiEvents: one document a line."""

    capabilities = Capabilities(events=True, arguments=True, unit="sentences", distant_fillers=True)

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One file of all documents."""
        with target.open("w", encoding="utf-8", newline="\n") as file:
            for document in documents:
                file.write(json.dumps(_wikievents_record(document)) + "\n")

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """One document a line."""
        return context.json_lines(source, _Document, lambda record, line: _from_document(record, source, line, context))


class _Span(BaseModel):
    start: Offset
    end: Offset


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


class _Mentions(BaseModel):
    doc_id: str
    tokens: list[str]
    entity_mentions: list[_EntityMention] = []
    event_mentions: list[_EventMention] = []
    relation_mentions: list[Any] = []


class _Sentence(_Mentions):
    sentence: str | None = None


class _Document(_Mentions):
    sentences: list[tuple[list[tuple[str, int, int]], str]]


def _grouped(lines: Iterable[tuple[int, _Sentence | BadInput]]) -> Iterator[list[tuple[int, _Sentence | BadInput]]]:
    """Lines grouped by document."""
    group: list[tuple[int, _Sentence | BadInput]] = []
    name = None
    for line, row in lines:
        if isinstance(row, _Sentence) and row.doc_id != name:
            broken = group[-1:] if group and isinstance(group[-1][1], BadInput) else []
            if name is not None:
                yield group
            group, name = broken, row.doc_id
        group.append((line, row))
    if group:
        yield group


def _items(record: _Mentions, first: int, tokens: Tokens, path: Path, line: int) -> tuple[list[Any], list[Any]]:
    """The records of entities and events; `first` is the number of the record's first token in `tokens`."""

    def place(span: _Span) -> dict[str, int]:
        if not 0 <= span.start < span.end <= len(record.tokens):
            what = f"[{span.start}, {span.end}) is no span of {len(record.tokens)} tokens"
            raise BadInput(what, path=path, line=line, way_out="count from 0, the end exclusive")
        start, end = tokens.span(first + span.start, first + span.end)
        return {"start": start, "end": end}

    entities = [{"id": mention.id, "type": mention.entity_type, **place(mention)} for mention in record.entity_mentions]
    events = [
        {
            "id": event.id,
            "type": event.event_type,
            **place(event.trigger),
            "arguments": [{"role": argument.role, "filler": argument.entity_id} for argument in event.arguments],
        }
        for event in record.event_mentions
    ]
    return entities, events


def _arguments(document: Document) -> dict[str, list[dict[str, Any]]]:
    """The arguments of each event, by its id."""
    article, annotation, _ = document
    words = {item.id: article.text[item.start : item.end] for item in annotation.items()}
    return {
        event.id: [
            {"entity_id": argument.filler, "text": words[argument.filler], "role": argument.role}
            for argument in event.arguments
        ]
        for event in annotation.events
    }


def _sentences(document: Document, default: str) -> Iterator[dict[str, Any]]:
    """OneIE's records of one document; `default` is the mention type of entities without the attribute."""
    article, annotation, tokens = document
    rows: list[dict[str, Any]] = []
    for number, (start, end, own) in enumerate(tokens.sentences):
        rows.append(
            {
                "doc_id": article.id,
                "sent_id": f"{article.id}-{number}",
                "tokens": [article.text[first:behind] for first, behind in own],
                "sentence": article.text[start:end],
                "entity_mentions": [],
                "relation_mentions": [],
                "event_mentions": [],
            }
        )

    def place(item: Item) -> tuple[int, dict[str, Any]]:
        first, behind = tokens.exactly(item.start, item.end) or (0, 0)
        number = tokens.sentence_of[first]
        before = tokens.first_of[number]
        text = article.text[item.start : item.end]
        return number, {"text": text, "start": first - before, "end": behind - before}

    for entity in annotation.entities:
        number, span = place(entity)
        mention = MENTION_TYPES.get(entity.attributes.get(MENTION, ""), default)
        record = {"id": entity.id, "entity_type": entity.type, "mention_type": mention, **span}
        rows[number]["entity_mentions"].append(record)
    arguments = _arguments(document)
    for event in annotation.events:
        number, span = place(event)
        record = {"id": event.id, "event_type": event.type, "trigger": span, "arguments": arguments[event.id]}
        rows[number]["event_mentions"].append(record)
    yield from rows


def _from_sentences(numbered: list[tuple[int, _Sentence]], source: Path, context: ImportContext) -> Pair:
    line, name = numbered[0][0], numbered[0][1].doc_id
    rows = [row for _, row in numbered]
    # The sentences' own texts are the better text if they have the tokens.
    texts = [row.sentence for row in rows if row.sentence and align(row.tokens, row.sentence)]
    text = "\n".join(texts) if len(texts) == len(rows) else None
    article, tokens = context.articles.by_tokens([row.tokens for row in rows], name, name, source, line, text)
    values = {type_: value for value, type_ in MENTION_TYPES.items()}
    entities: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    first = 0
    for number, row in numbered:
        own_entities, own_events = _items(row, first, tokens, source, number)
        for record, mention in zip(own_entities, row.entity_mentions, strict=True):
            if value := values.get(mention.mention_type or ""):
                record["attributes"] = {MENTION: value}
        entities += own_entities
        events += own_events
        context.lost.add("relations", len(row.relation_mentions))
        first += len(row.tokens)
    return article, context.annotation(article, entities, events, source, line)


def _wikievents_record(document: Document) -> dict[str, Any]:
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

    arguments = {
        event: [{name: argument[name] for name in ("entity_id", "role", "text")} for argument in own]
        for event, own in _arguments(document).items()
    }
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
            {
                "id": entity.id,
                **place(entity),
                "entity_type": entity.type,
                "mention_type": UNKNOWN,
                "text": words(entity),
            }
            for entity in annotation.entities
        ],
        "relation_mentions": [],
        "event_mentions": [
            {"id": event.id, "event_type": event.type, "trigger": trigger(event), "arguments": arguments[event.id]}
            for event in annotation.events
        ],
    }


def _from_document(record: _Document, source: Path, line: int, context: ImportContext) -> Pair:
    if [token for words, _ in record.sentences for token, _, _ in words] != record.tokens:
        way_out = "give each sentence its tokens, in order"
        raise BadInput("are not the tokens of the sentences", path=source, line=line, field="tokens", way_out=way_out)
    article, tokens = _wikievents_article(record, source, line, context)
    entities, events = _items(record, 0, tokens, source, line)
    unknown = (None, UNKNOWN)
    context.lost.add("mention types", sum(mention.mention_type not in unknown for mention in record.entity_mentions))
    context.lost.add("relations", len(record.relation_mentions))
    return article, context.annotation(article, entities, events, source, line)


def _wikievents_article(record: _Document, source: Path, line: int, context: ImportContext) -> tuple[Article, Tokens]:
    """The known article, or a new one with the tokens at the offsets that the file gives."""
    if context.articles.find("".join(record.tokens), record.doc_id, source, line):
        sentences = [[token for token, _, _ in words] for words, _ in record.sentences]
        return context.articles.by_tokens(sentences, record.doc_id, record.doc_id, source, line)
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
    what = f"the words are not at their offsets (in or before sentence {len(rows)})"
    return BadInput(what, path=source, line=line, field="sentences", way_out=way_out)
