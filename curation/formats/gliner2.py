"""GLiNER2: JSON lines, one article each; entities by type, and each event a `json_structures` record of its type.

    {"input": "Karsk fires rockets", "output": {
        "entities": {"GPE": [{"text": "Karsk", "start": 0, "end": 5, "id": "e1"}], "Weapon": [], …},
        "json_structures": [{"Attack": {"trigger": {…, "id": "v1"}, "attacker": [{…, "id": "e1"}], "target": [], …}}],
        "record_metadata": {"Attack": {"mode": "natural", "anchor": "trigger"}}}, "id": "kar-1"}

Spans are of characters, the end exclusive, and of whole words as GLiNER2 makes them. A type of the schema that an
article has none of, and a role that is not filled, stand with an empty list, which GLiNER2 learns from. `id` is ours;
GLiNER2 leaves it unread.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curation.annotation import Annotation, Item, Label
from curation.article import Article, build
from curation.errors import BadInput
from curation.files import read_jsonl, write_jsonl
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.tokens import Tokens, words
from curation.schema import LabelSchema

SUFFIX = ".jsonl"
HOLDS = Holds(events=True, arguments=True, event_fillers=True)
TRIGGER = "trigger"
"""The field of an event's record that holds its trigger."""


@lru_cache(maxsize=1)
def word() -> re.Pattern[str]:
    """A word as GLiNER2's `WhitespaceTokenSplitter` has it: addresses whole, combining marks with their letters."""
    marks = "".join(chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M")
    letter = rf"[\w{marks}\u200c\u200d]"
    address = r"(?:https?://\S+|www\.\S+)|[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}|@[a-z0-9_]+"
    return re.compile(rf"{address}|{letter}+(?:[-_]{letter}+)*|\S", re.IGNORECASE)


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """GLiNER2's words."""
    return words(article.text, word())


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One file of all documents."""
    write_jsonl(target, (json.dumps(_record(document, schema), ensure_ascii=False) for document in documents))


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """A mention that gives no place counts where its words stand once in the text, else it is lost as `unplaced`."""
    for line, raw in read_jsonl(source):
        record = build(_Record, raw, path=source, line=line)
        article = intake.known.text(record.input, record.id, f"{source.stem}-{line}", source, line)
        yield article, _Reading(article, intake, source, line).annotation(record.output)


class _Span(BaseModel):
    text: str
    start: int
    end: int
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
        # GLiNER2 looks in the text for the word "none" where a record lacks a field that another one has.
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


class _Reading:
    """One record on its way to an annotation."""

    def __init__(self, article: Article, intake: Intake, path: Path, line: int) -> None:
        self.article, self.intake, self.path, self.line = article, intake, path, line
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
                    self.intake.lost.add("structures without a trigger")
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
        self.intake.lost.add("relations", len(output.relations))
        self.intake.lost.add("classifications", len(output.classifications))
        return self.intake.annotation(self.article, entities, [item for item, _ in events], self.path, self.line)

    def item(self, mention: _Mention, name: str, label: str) -> dict[str, Any] | None:
        """The record of an item, or None where its place is not known."""
        span = self.place(mention)
        if span is None:
            return None
        given = mention.id if isinstance(mention, _Span) else None
        self.by_id.setdefault(given or name, name)
        self.by_span.setdefault(span, name)
        return {"id": name, "start": span[0], "end": span[1], "type": label}

    def filler(self, mention: _Mention) -> str | None:
        """The id of the item that a mention in a role is: the one it names, else the first of its span."""
        if isinstance(mention, _Span) and mention.id in self.by_id:
            return self.by_id[mention.id]
        span = self.place(mention)
        found = self.by_span.get(span) if span else None
        self.intake.lost.add("arguments", span is not None and found is None)
        return found

    def place(self, mention: _Mention) -> tuple[int, int] | None:
        text = self.article.text
        if isinstance(mention, _Span):
            if text[mention.start : mention.end] != mention.text or not 0 <= mention.start < mention.end:
                what = f"{mention.text!r} does not stand at [{mention.start}, {mention.end})"
                way_out = "count Unicode code points from 0, the end exclusive"
                raise BadInput(what, path=self.path, line=self.line, way_out=way_out)
            return mention.start, mention.end
        start = text.find(mention) if mention else -1
        if start < 0 or text.find(mention, start + 1) >= 0:
            self.intake.lost.add("unplaced")
            return None
        return start, start + len(mention)

    def mentions(self, value: object) -> list[_Mention]:
        """What a field holds, one or many; a choice between values is no mention."""
        if isinstance(value, dict) and "choices" in value:
            self.intake.lost.add("choices")
            return []
        values = value if isinstance(value, list) else [value]
        held = build(_Field, {"values": values}, path=self.path, line=self.line).values
        return [one for one in held if one]
