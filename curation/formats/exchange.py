"""The front door to every exchange format: `write_as` and `read_as`, and what a format is.

A format is a module with the names of `Format`. A writer gets what `fit` left and writes all of it; a reader gives back
what stands in a file, in the labels of the file.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from curation.annotation import Annotation, Annotator, annotation_id
from curation.article import Article, build
from curation.errors import BadInput
from curation.formats.known import Known
from curation.formats.loss import Holds, Loss, OnLoss, bare, fit
from curation.formats.tokens import Tokens
from curation.schema import LabelSchema

FORMATS = {
    "spacy": "spacy_ner",
    "spancat": "spacy_spancat",
    "gliner": "gliner",
    "gliner2": "gliner2",
    "hf-ner": "hf_ner",
    "conll": "conll",
    "brat": "brat",
    "oneie": "oneie",
    "wikievents": "wikievents",
    "jsonl": "jsonl",
}
"""Format → the module here that writes and reads it."""

Pair = tuple[Article, Annotation]


class Document(NamedTuple):
    """What a writer gets: all of `annotation` is to be written, in these tokens where the format has tokens."""

    article: Article
    annotation: Annotation
    tokens: Tokens


@dataclass
class Intake:
    """What readers need, and how they make annotations. `lost` counts what a file says that we cannot hold."""

    format: str
    schema: LabelSchema
    known: Known
    annotator: Annotator
    lost: Loss = field(default_factory=Loss)

    def annotation(
        self,
        article: Article,
        entities: list[dict[str, Any]],
        events: list[dict[str, Any]],
        path: Path,
        line: int | None = None,
        **given: Any,
    ) -> Annotation:
        """The annotation of `article` with these records of items; `given` are fields that the file has of its own.

        It carries the project's schema where that has all its types, else one named after the format. Arguments that
        stand twice or name nothing are lost.

        Raises:
            BadInput: the records do not hold together, or a span is outside the text.
        """
        ids = {item["id"] for item in (*entities, *events)}
        for event in events:
            said = {(one["role"], one["filler"]): one for one in reversed(event["arguments"])}
            arguments = [one for key, one in reversed(said.items()) if key[1] in ids and key[1] != event["id"]]
            self.lost.add("arguments", len(event["arguments"]) - len(arguments))
            event["arguments"] = arguments
        for item in (*entities, *events):
            if not item["end"] <= len(article.text):
                what = f"[{item['start']}, {item['end']}) is no span of a text of {len(article.text)} characters"
                raise BadInput(what, path=path, line=line, field=item["id"], way_out="mend or remove it")
        own = all(self.schema.entity_type(item["type"]) for item in entities)
        own = own and all(self.schema.event_type(item["type"]) for item in events)
        record = {
            "id": annotation_id(self.format, article.id, article.text_sha256, self.annotator.key),
            "article_id": article.id,
            "text_sha256": article.text_sha256,
            "schema": self.schema.ref if own else f"{self.format}@1.0.0",
            "annotator": self.annotator,
            "state": "reviewed",
            **given,
            "entities": entities,
            "events": events,
        }
        return bare(build(Annotation, record, path=path, line=line), self.schema)

    def spans(
        self, article: Article, spans: Iterable[tuple[int, int, str]], path: Path, line: int | None = None
    ) -> Annotation:
        """An annotation of spans alone: those of an event type are triggers, all others entities."""
        items: tuple[list[dict[str, Any]], list[dict[str, Any]]] = [], []
        for start, end, label in spans:
            event = self.schema.event_type(label) is not None
            name = f"{'v' if event else 'e'}{len(items[event]) + 1}"
            item: dict[str, Any] = {"id": name, "start": start, "end": end, "type": label}
            items[event].append({**item, "arguments": []} if event else item)
        return self.annotation(article, *items, path, line)


class Format(Protocol):
    """The names of a format's module. `SUFFIX` ends its file's name; where it is empty the target is a folder."""

    SUFFIX: str
    HOLDS: Holds

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """The format's tokens of an article; none where its spans are of characters."""

    def write(self, documents: Iterable[Document], target: Path, schema: LabelSchema) -> None:
        """Write `target`, whole or not at all. An error from `documents` passes through and leaves nothing behind."""

    def read(self, source: Path, intake: Intake) -> Iterator[Pair]:
        """Each document as an article and its annotation. Raises BadInput naming file and line."""


@dataclass
class Written:
    """What was written, and what was not."""

    articles: int = 0
    entities: int = 0
    events: int = 0
    arguments: int = 0
    lost: Loss = field(default_factory=Loss)


def format_named(name: str) -> Format:
    """The format of that name; what it needs is imported when it works. Raises BadInput."""
    if name not in FORMATS:
        raise BadInput(f"there is no format {name}", field="format", way_out=f"choose one of {', '.join(FORMATS)}")
    return cast(Format, importlib.import_module(f"curation.formats.{FORMATS[name]}"))


def write_as(
    name: str,
    documents: Iterable[Pair],
    target: Path,
    schema: LabelSchema,
    *,
    on_loss: OnLoss = "drop",
    triggers: bool = False,
) -> Written:
    """Write `documents` to `target`, a file or (brat) a folder, and say what the format could not hold.

    Args:
        triggers: formats without events take triggers as spans of their event type.

    Raises:
        BadInput: with `on_loss="fail"` something would be lost; a label cannot be written; no documents. Then, and
            where `documents` raises, nothing is written.
    """
    format = format_named(name)
    holds = replace(format.HOLDS, events=format.HOLDS.events or triggers)
    written = Written()

    def fitted() -> Iterator[Document]:
        for article, annotation in documents:
            tokens = format.tokenise(article, schema)
            within = None if holds.unit == "characters" else tokens
            annotation = fit(article, bare(annotation, schema), holds, within, on_loss, written.lost)
            written.articles += 1
            written.entities += len(annotation.entities)
            written.events += len(annotation.events)
            written.arguments += sum(len(event.arguments) for event in annotation.events)
            yield Document(article, annotation, tokens)
        if on_loss == "fail" and written.lost:
            way_out = "choose --on-loss drop or snap, or another format"
            raise BadInput(f"{name} cannot hold {written.lost}", path=target, way_out=way_out)

    format.write(fitted(), target, schema)
    return written


def read_as(source: Path, intake: Intake) -> Iterator[Pair]:
    """The documents of a file or folder, in the labels they have there.

    Raises:
        BadInput: it cannot be read, or two documents are of one article.
    """
    seen = set()
    for article, annotation in format_named(intake.format).read(source, intake):
        if article.id in seen:
            raise BadInput(f"article {article.id} stands twice", path=source, way_out="give each document its own id")
        seen.add(article.id)
        yield article, annotation
