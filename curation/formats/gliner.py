"""GLiNER: a JSON list with one record a sentence; spans of word numbers, the end inclusive.

    {"tokenized_text": ["Karsk", "fires", "rockets"], "ner": [[0, 0, "GPE"], [2, 2, "Weapon"]], "id": "kar-1"}

The words are those that GLiNER itself makes of a text, so that training and use meet the same ones: "pro-government"
is one. GLiNER knows one label a span. `id` is ours; GLiNER leaves it unread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from curation.annotation import Label
from curation.article import Article
from curation.errors import BadInput
from curation.files import read_text, whole_file
from curation.formats.exchange import Document, Intake, Pair
from curation.formats.loss import Holds
from curation.formats.tokens import Sentence, Tokens, sentences
from curation.schema import LabelSchema

SUFFIX = ".json"
HOLDS = Holds(unit="sentences", overlap="one label")
WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")
"""A word as GLiNER's `WhitespaceTokenSplitter` has it."""

_LARGEST = 2**30
"""Largest file we read, in bytes: a list of JSON is read whole."""


def tokenise(article: Article, schema: LabelSchema) -> Tokens:
    """GLiNER's words, in our sentences."""
    return Tokens(
        [
            Sentence(start, end, tuple(match.span() for match in WORD.finditer(article.text, start, end)))
            for start, end in sentences(article.text)
        ]
    )


def write(documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
    """One file of all documents, sentences without entities too."""
    with whole_file(target) as file:
        mark = "[\n"
        for article, annotation, tokens in documents:
            spans: list[list[tuple[int, int, str]]] = [[] for _ in tokens.sentences]
            for item in annotation.items():
                place = tokens.exactly(item.start, item.end)
                if place is not None:
                    number = tokens.sentence_of[place[0]]
                    first = tokens.first_of[number]
                    spans[number].append((place[0] - first, place[1] - 1 - first, item.type))
            for sentence, ner in zip(tokens.sentences, spans, strict=True):
                words = [article.text[start:end] for start, end in sentence.tokens]
                record = {"tokenized_text": words, "ner": sorted(ner), "id": article.id}
                file.write(mark + json.dumps(record, ensure_ascii=False))
                mark = ",\n"
        file.write("[]\n" if mark == "[\n" else "\n]\n")


def read(source: Path, intake: Intake) -> Iterator[Pair]:
    """Records that follow each other with the same `id` are sentences of one document; those without are one each."""
    numbered = enumerate(_records(source), start=1)
    for name, group in groupby(numbered, key=lambda one: one[1].id or f"{source.stem}-{one[0]}"):
        records = [record for _, record in group]
        own_id = records[0].id
        article, tokens = intake.known.tokens([one.tokenized_text for one in records], own_id, name, source)
        spans, first = [], 0
        for record in records:
            for begin, end, label in record.ner:
                if not begin <= end < len(record.tokenized_text):
                    what = f"[{begin}, {end}] is no span of {len(record.tokenized_text)} words"
                    raise BadInput(what, path=source, field=f"{name}.ner", way_out="count from 0, the end inclusive")
                spans.append((*tokens.span(first + begin, first + end + 1), label))
            first += len(record.tokenized_text)
            intake.lost.add("relations", len(record.relations))
        yield article, intake.spans(article, spans, source)


class _Record(BaseModel):
    tokenized_text: list[str]
    ner: list[tuple[Annotated[int, Field(ge=0)], int, Label]] = []
    relations: list[Any] = []
    id: str | None = None


def _records(source: Path) -> list[_Record]:
    """A JSON list, or JSON lines."""
    raw = read_text(source, limit=_LARGEST)
    try:
        if raw.lstrip()[:1] != "[":
            raw = f"[{','.join(line for line in raw.split(chr(10)) if line.strip())}]"
        return TypeAdapter(list[_Record]).validate_python(json.loads(raw))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False)[0]
            field, what = ".".join(str(part) for part in first["loc"]), first["msg"]
            raise BadInput(what, path=source, field=field, way_out="correct that field") from error
        way_out = 'give a list of {"tokenized_text", "ner"}'
        raise BadInput(f"not JSON we can read ({error})", path=source, way_out=way_out) from error
