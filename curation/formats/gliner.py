"""GLiNER and GLiNER2: training files as JSON, in the words that these models make of a text.

GLiNER is a JSON list with one record a sentence; spans are of word numbers, the end inclusive.

    {"tokenized_text": ["Karsk", "fires", "rockets"], "ner": [[0, 0, "GPE"], [2, 2, "Weapon"]], "id": "kar-1"}

GLiNER2 is JSON lines, one article each; entities by type, and each event a `json_structures` record of its type. Spans
are of characters, the end exclusive, and of whole words.

    {"input": "Karsk fires rockets", "output": {
        "entities": {"GPE": [{"text": "Karsk", "start": 0, "end": 5, "id": "e1"}], "Weapon": [], …},
        "json_structures": [{"Attack": {"trigger": {…, "id": "v1"}, "attacker": [{…, "id": "e1"}], "target": [], …}}],
        "record_metadata": {"Attack": {"mode": "natural", "anchor": "trigger"}}}, "id": "kar-1"}

A type that an article has none of and a role that is not filled are empty lists, which GLiNER2 learns from. `id` is
ours; both models ignore it.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from curation.annotation import Annotation, Item, Label, Offset
from curation.article import Article, build
from curation.errors import BadInput, one_line
from curation.files import read_text, unique_keys
from curation.formats.format_loss import Capabilities
from curation.formats.registry import Document, ExportContext, Format, ImportContext, Pair
from curation.formats.tokens import Sentence, Tokens, sentences, words
from curation.schema import LabelSchema

WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")
"""A word as GLiNER's `WhitespaceTokenSplitter` has it: "pro-government" is one."""

TRIGGER = "trigger"
"""The field of an event's record in GLiNER2 that holds its trigger."""

_LARGEST = 2**30
"""Largest JSON list we read, in bytes: it is read whole."""


class Gliner(Format):
    """GLiNER: sentences, one label a span."""

    suffix = ".json"
    capabilities = Capabilities(unit="sentences", overlap="one label")

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """GLiNER's words, in our sentences."""
        return Tokens(
            [
                Sentence(start, end, tuple(match.span() for match in WORD.finditer(article.text, start, end)))
                for start, end in sentences(article.text)
            ]
        )

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One file of all documents, including sentences without entities."""
        with target.open("w", encoding="utf-8", newline="\n") as file:
            separator = "[\n"
            for article, annotation, tokens in documents:
                spans: list[list[tuple[int, int, str]]] = [[] for _ in tokens.sentences]
                for item in annotation.items():
                    place = tokens.exactly(item.start, item.end)
                    if place is not None:
                        number = tokens.sentence_of[place[0]]
                        first = tokens.first_of[number]
                        spans[number].append((place[0] - first, place[1] - 1 - first, item.type))
                for sentence, ner in zip(tokens.sentences, spans, strict=True):
                    text = [article.text[start:end] for start, end in sentence.tokens]
                    record = {"tokenized_text": text, "ner": sorted(ner), "id": article.id}
                    file.write(separator + json.dumps(record, ensure_ascii=False))
                    separator = ",\n"
            file.write("[]\n" if separator == "[\n" else "\n]\n")

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """A JSON list or JSON lines. Consecutive records with the same `id` are sentences of one document."""

        def key(numbered: tuple[int, dict[str, Any]]) -> str:
            number, record = numbered
            return str(record.get("id") or f"{source.stem}-{number}")

        def document(group: tuple[str, list[tuple[int, dict[str, Any]]]]) -> Pair:
            name, numbered = group
            records = [build(_Sentence, record, path=f"{source}: record {number}") for number, record in numbered]
            texts = [record.tokenized_text for record in records]
            article, tokens = context.articles.by_tokens(texts, records[0].id, name, source)
            spans, first = [], 0
            for record in records:
                for begin, end, label in record.ner:
                    if not begin <= end < len(record.tokenized_text):
                        what = f"[{begin}, {end}] is no span of {len(record.tokenized_text)} words"
                        way_out = "count from 0, the end inclusive"
                        raise BadInput(what, path=source, field=f"{name}.ner", way_out=way_out)
                    spans.append((*tokens.span(first + begin, first + end + 1), label))
                first += len(record.tokenized_text)
                context.lost.add("relations", len(record.relations))
            return article, context.spans(article, spans, source)

        groups = groupby(enumerate(_records(source), start=1), key=key)
        return context.each(((name, list(group)) for name, group in groups), document)


class _Sentence(BaseModel):
    tokenized_text: list[str]
    ner: list[tuple[Annotated[int, Field(strict=True, ge=0)], Offset, Label]] = []
    relations: list[Any] = []
    id: str | None = None


def _records(source: Path) -> list[dict[str, Any]]:
    raw = read_text(source, limit=_LARGEST).removeprefix("\ufeff")
    try:
        if raw.lstrip()[:1] != "[":
            raw = f"[{','.join(line for line in raw.split(chr(10)) if line.strip())}]"
        records = json.loads(raw, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        way_out = 'give a list of {"tokenized_text", "ner"}'
        reason = one_line(str(getattr(error, "msg", error)), 100)
        raise BadInput(f"not JSON we can read ({reason})", path=source, way_out=way_out) from error
    if not all(isinstance(record, dict) for record in records):
        raise BadInput("a record is no object", path=source, way_out='give a list of {"tokenized_text", "ner"}')
    return list(records)


@lru_cache(maxsize=1)
def gliner2_word() -> re.Pattern[str]:
    """A word as GLiNER2's `WhitespaceTokenSplitter` has it: addresses whole, combining marks with their letters."""
    marks = "".join(chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M")
    letter = rf"[\w{marks}\u200c\u200d]"
    address = r"(?:https?://\S+|www\.\S+)|[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}|@[a-z0-9_]+"
    return re.compile(rf"{address}|{letter}+(?:[-_]{letter}+)*|\S", re.IGNORECASE)


class Gliner2(Format):
    """GLiNER2: articles, with events and event fillers."""

    suffix = ".jsonl"
    capabilities = Capabilities(events=True, arguments=True, event_fillers=True, unit="tokens")

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """GLiNER2's words."""
        return words(article.text, gliner2_word())

    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """One file of all documents."""
        with target.open("w", encoding="utf-8", newline="\n") as file:
            for document in documents:
                file.write(json.dumps(_record(document, context.schema), ensure_ascii=False) + "\n")

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """A mention without offsets is used if its words occur once in the text, else lost as `unplaced`."""

        def document(record: _Record, line: int) -> Pair:
            article = context.articles.by_text(record.input, record.id, f"{source.stem}-{line}", source, line)
            return article, _GlinerRecord(article, context, source, line).annotation(record.output)

        return context.json_lines(source, _Record, document)


class _Span(BaseModel):
    text: str
    start: Offset
    end: Offset
    id: str | None = None


_Mention = _Span | str


class _Output(BaseModel):
    entities: dict[Label, list[_Mention]] = {}
    json_structures: list[dict[Label, dict[str, Any]]] = []
    relations: list[Any] = []
    classifications: list[Any] = []


class _Record(BaseModel):
    input: str
    output: _Output
    id: str | None = None


class _Field(BaseModel):
    values: list[_Mention | None]


def _record(document: Document, schema: LabelSchema) -> dict[str, Any]:
    article, annotation, _ = document
    items = {item.id: item for item in annotation.items()}

    def span(item: Item) -> dict[str, Any]:
        return {"text": article.text[item.start : item.end], "start": item.start, "end": item.end, "id": item.id}

    entities: dict[str, list[dict[str, Any]]] = {name: [] for name in schema.entity_names}
    for entity in annotation.entities:
        entities.setdefault(entity.type, []).append(span(entity))
    structures = []
    for event in annotation.events:
        # GLiNER2 searches the text for the word "none" if a record lacks a field that another record has.
        label = schema.event_type(event.type)
        filled: dict[str, list[dict[str, Any]]] = {role.name: [] for role in (label.roles if label else ())}
        for argument in event.arguments:
            filled.setdefault(argument.role, []).append(span(items[argument.filler]))
        if TRIGGER in filled:
            what = f"a role called {TRIGGER} cannot be written"
            raise BadInput(what, path=article.id, way_out="rename it, or choose another format")
        fields: dict[str, Any] = {TRIGGER: span(event), **filled}
        structures.append({event.type: fields})
    output: dict[str, Any] = {"entities": entities}
    if structures:
        anchored = sorted({event.type for event in annotation.events})
        output["json_structures"] = structures
        output["record_metadata"] = {name: {"mode": "natural", "anchor": TRIGGER} for name in anchored}
    return {"input": article.text, "output": output, "id": article.id}


class _GlinerRecord:
    """One record on its way to an annotation."""

    def __init__(self, article: Article, context: ImportContext, path: Path, line: int) -> None:
        self.article, self.context, self.path, self.line = article, context, path, line
        self.by_id: dict[str, str] = {}
        self.by_span: dict[tuple[int, int], str] = {}

    def annotation(self, output: _Output) -> Annotation:
        """Entities and triggers first, so that every filler can be found."""
        entities: list[dict[str, Any]] = []
        for label, mentions in output.entities.items():
            for mention in mentions:
                if item := self.item(mention, f"e{len(entities) + 1}", label):
                    entities.append(item)
        events: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for structure in output.json_structures:
            for label, fields in structure.items():
                trigger = self.mentions(fields.get(TRIGGER))
                item = self.item(trigger[0], f"v{len(events) + 1}", label) if len(trigger) == 1 else None
                if item is None:
                    self.context.lost.add("structures without a trigger")
                else:
                    events.append((item, fields))
        for item, fields in events:
            item["arguments"] = [
                {"role": role, "filler": filler}
                for role, value in fields.items()
                if role != TRIGGER
                for mention in self.mentions(value)
                if (filler := self.filler(mention))
            ]
        self.context.lost.add("relations", len(output.relations))
        self.context.lost.add("classifications", len(output.classifications))
        return self.context.annotation(self.article, entities, [item for item, _ in events], self.path, self.line)

    def item(self, mention: _Mention, name: str, label: str) -> dict[str, Any] | None:
        """The record of an item, or None if its place is not known."""
        span = self.place(mention)
        if span is None:
            return None
        given = mention.id if isinstance(mention, _Span) else None
        self.by_id.setdefault(given or name, name)
        self.by_span.setdefault(span, name)
        return {"id": name, "start": span[0], "end": span[1], "type": label}

    def filler(self, mention: _Mention) -> str | None:
        """The id of the item that a mention in a role refers to: the id it gives, else the first item with its span."""
        if isinstance(mention, _Span) and mention.id in self.by_id:
            return self.by_id[mention.id]
        span = self.place(mention)
        found = self.by_span.get(span) if span else None
        self.context.lost.add("arguments", span is not None and found is None)
        return found

    def place(self, mention: _Mention) -> tuple[int, int] | None:
        text = self.article.text
        if isinstance(mention, _Span):
            if text[mention.start : mention.end] != mention.text or not 0 <= mention.start < mention.end:
                what = f"{mention.text!r} is not the text at [{mention.start}, {mention.end})"
                way_out = "count Unicode code points from 0, the end exclusive"
                raise BadInput(what, path=self.path, line=self.line, way_out=way_out)
            return mention.start, mention.end
        start = text.find(mention) if mention else -1
        if start < 0 or text.find(mention, start + 1) >= 0:
            self.context.lost.add("unplaced")
            return None
        return start, start + len(mention)

    def mentions(self, value: object) -> list[_Mention]:
        """The mentions in a field, which holds one or a list; a choice between values is no mention."""
        if isinstance(value, dict) and "choices" in value:
            self.context.lost.add("choices")
            return []
        values = value if isinstance(value, list) else [value]
        held = build(_Field, {"values": values}, path=self.path, line=self.line).values
        return [mention for mention in held if mention]
