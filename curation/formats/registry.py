"""Exchange formats: the base class, and how they are found by name, written and read.

`Format` is public. A package of your own registers a subclass under the entry point group `curation.formats`; see
docs/formats.md. A writer gets what `fit` kept and writes all of it. A reader gives back what a file holds, in the
labels of the file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from pydantic import BaseModel

from curation.annotation import Annotation, Annotator, annotation_id
from curation.article import Article, build
from curation.errors import BadInput
from curation.files import json_object, lines_or_faults, whole_path
from curation.formats.article_lookup import ArticleLookup
from curation.formats.format_loss import Capabilities, Loss, OnLoss, reduce_to, without_defaults
from curation.formats.tokens import Tokens
from curation.schema import LabelSchema

GROUP = "curation.formats"
"""The entry point group under which formats are registered, those of the toolkit too."""

Pair = tuple[Article, Annotation]
R = TypeVar("R")
M = TypeVar("M", bound=BaseModel)


class Document(NamedTuple):
    """What a writer gets: all of `annotation` is to be written, in `tokens` where the format has tokens."""

    article: Article
    annotation: Annotation
    tokens: Tokens


@dataclass(frozen=True)
class ExportContext:
    """What writers need beside the documents.

    `types` are the names of all entity and event types in an order in which a new type comes last, for formats that
    number their labels.
    """

    schema: LabelSchema
    types: tuple[str, ...]


@dataclass
class ImportContext:
    """What readers need, and how they make annotations. `lost` counts what a file holds that we cannot.

    Args:
        format: the name of the format.
        schema: the project's label schema.
        articles: the project's articles, to find those that the documents of the file are.
        annotator: who annotated.
    """

    format: str
    schema: LabelSchema
    articles: ArticleLookup
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
        """The annotation of `article` with these records of items; `given` are fields that the file itself has.

        An entity is `{"id", "start", "end", "type"}`, an event also has `"arguments"`, a list of
        `{"role", "filler"}`. The annotation carries the project's schema if that has all its types, else one named
        after the format. Arguments that are duplicated or name no item are counted in `lost`.

        Raises:
            BadInput: the records are inconsistent, or a span is outside the text.
        """
        ids = {item["id"] for item in (*entities, *events)}
        for event in events:
            unique = {(argument["role"], argument["filler"]): argument for argument in reversed(event["arguments"])}
            fillers = ids - {event["id"]}
            arguments = [argument for (_, filler), argument in reversed(unique.items()) if filler in fillers]
            self.lost.add("arguments", len(event["arguments"]) - len(arguments))
            event["arguments"] = arguments
        for item in (*entities, *events):
            if not item["end"] <= len(article.text):
                what = f"[{item['start']}, {item['end']}) is no span of a text of {len(article.text)} characters"
                raise BadInput(what, path=path, line=line, field=item["id"], way_out="correct or remove it")
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
        return without_defaults(build(Annotation, record, path=path, line=line), self.schema)

    def spans(
        self, article: Article, spans: Iterable[tuple[int, int, str]], path: Path, line: int | None = None
    ) -> Annotation:
        """An annotation from spans alone, each (start, end, type): event types make triggers, all others entities."""
        items: tuple[list[dict[str, Any]], list[dict[str, Any]]] = [], []
        for start, end, label in spans:
            event = self.schema.event_type(label) is not None
            name = f"{'v' if event else 'e'}{len(items[event]) + 1}"
            item: dict[str, Any] = {"id": name, "start": start, "end": end, "type": label}
            items[event].append({**item, "arguments": []} if event else item)
        return self.annotation(article, *items, path, line)

    def each(self, records: Iterable[R], make: Callable[[R], Pair]) -> Iterator[Pair | BadInput]:
        """`make(record)` for each record, or the BadInput that it raises: one bad document does not stop the others."""
        for record in records:
            counts = self.lost.counts.copy()
            try:
                pair = make(record)
            except BadInput as error:
                self.lost.counts = counts
                yield error
            else:
                yield pair

    def json_lines(self, source: Path, model: type[M], make: Callable[[M, int], Pair]) -> Iterator[Pair | BadInput]:
        """The same for a file of JSON lines, each a document; `make` gets the record as `model` and its line number."""
        return self.each(json_records(source, model), lambda numbered: make(good(numbered[1]), numbered[0]))


def json_records(source: Path, model: type[M]) -> Iterator[tuple[int, M | BadInput]]:
    """`(line number, record)` for each line of JSON that is not blank; a line that cannot be used is a BadInput.

    Raises:
        BadInput: the file cannot be read.
    """
    for line, raw in lines_or_faults(source):
        if isinstance(raw, BadInput):
            yield line, raw
        elif raw.strip():
            try:
                yield line, build(model, json_object(raw, path=source, line=line), path=source, line=line)
            except BadInput as error:
                yield line, error


def good(record: R | BadInput) -> R:
    """`record`, unless it is a BadInput, which is raised."""
    if isinstance(record, BadInput):
        raise record
    return record


class Format(ABC):
    """Base class of exchange formats.

    `suffix` ends the name of the format's files; if it is empty an export is a folder. `capabilities` states what
    the format can hold: everything else is left out before `write` is called, and counted. A format that can only be
    exported does not define `read`.
    """

    suffix: ClassVar[str] = ""
    capabilities: ClassVar[Capabilities] = Capabilities()

    def tokenise(self, article: Article, schema: LabelSchema) -> Tokens:
        """The format's own tokens of an article; by default none, as spans are of characters."""
        return Tokens(())

    @abstractmethod
    def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
        """Write all documents to `target`, a new file or an empty folder.

        The toolkit moves it to its place afterwards, so an export is whole or absent. Errors that `documents` raises
        must pass through.
        """

    @property
    def imports(self) -> bool:
        """Whether files of the format can be imported, not only exported."""
        return type(self).read is not Format.read

    def read(self, source: Path, context: ImportContext) -> Iterator[Pair | BadInput]:
        """Each document as an article and its annotation, or the BadInput that says why it cannot be used.

        Raises:
            BadInput: the file as a whole cannot be used, or the format can only be exported.
        """
        raise BadInput(f"{context.format} can only be exported", path=source, way_out="choose another --format")

    def is_export(self, folder: Path) -> bool:
        """Whether `folder` is an earlier export in this format, which a new one may replace."""
        return False


@dataclass
class Written:
    """What was written, and in `lost` what the format could not hold."""

    articles: int = 0
    entities: int = 0
    events: int = 0
    arguments: int = 0
    lost: Loss = field(default_factory=Loss)


def format_names() -> list[str]:
    """The names of all formats that are installed."""
    return list(_entry_points())


def format_named(name: str) -> Format:
    """The format registered as `name`.

    Raises:
        BadInput: there is none, what it needs is not installed, or what is registered is no `Format`.
    """
    known = _entry_points()
    if name not in known:
        raise BadInput(f"there is no format {name}", field="format", way_out=f"choose one of {', '.join(known)}")
    try:
        loaded = known[name].load()
    except (ImportError, AttributeError) as error:
        way_out = "install what its package asks for"
        raise BadInput(f"{name} cannot be loaded: {error}", field="format", way_out=way_out) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Format)):
        way_out = f"correct the entry point {known[name].value}"
        raise BadInput(f"{name} is no subclass of curation.Format", field="format", way_out=way_out)
    return loaded()


def _entry_points() -> dict[str, EntryPoint]:
    """Name → entry point, the toolkit's own first: no other package can replace those."""
    points = sorted(entry_points(group=GROUP), key=lambda point: not point.value.startswith(f"{GROUP}."))
    found: dict[str, EntryPoint] = {}
    for point in points:
        found.setdefault(point.name, point)
    return found


def write_as(
    name: str,
    documents: Iterable[Pair],
    target: Path,
    schema: LabelSchema,
    *,
    on_loss: OnLoss = "drop",
    triggers: bool = False,
    types: Sequence[str] = (),
) -> Written:
    """Write `documents` to `target`, a file or a folder, and count what the format could not hold.

    Args:
        triggers: formats without events take triggers as spans of their event type.
        types: types that keep their place in the order of labels; those of the schema that are missing come last.

    Raises:
        BadInput: something would be lost although `on_loss` is "fail", a label cannot be written, or something else
            than an earlier export is at `target`. Then, and where `documents` raises, nothing is written.
    """
    format = format_named(name)
    capabilities = replace(format.capabilities, events=format.capabilities.events or triggers)
    order = tuple(dict.fromkeys((*types, *schema.entity_names, *schema.event_names)))
    written = Written()

    def fitted() -> Iterator[Document]:
        for article, annotation in documents:
            tokens = format.tokenise(article, schema)
            within = None if capabilities.unit == "characters" else tokens
            annotation = without_defaults(annotation, schema)
            annotation = reduce_to(article, annotation, capabilities, within, on_loss, written.lost)
            written.articles += 1
            written.entities += len(annotation.entities)
            written.events += len(annotation.events)
            written.arguments += sum(len(event.arguments) for event in annotation.events)
            yield Document(article, annotation, tokens)
        if on_loss == "fail" and written.lost:
            way_out = "choose --on-loss drop or snap, or another format"
            raise BadInput(f"{name} cannot hold {written.lost}", path=target, way_out=way_out)

    with whole_path(target, folder=not format.suffix, replaces=format.is_export) as part:
        format.write(fitted(), part, ExportContext(schema, order))
    return written


def read_as(source: Path, context: ImportContext, on_bad: Callable[[BadInput], None] | None = None) -> Iterator[Pair]:
    """The documents of a file or folder, in the labels they have there.

    Args:
        on_bad: called with each document that cannot be used; without it the first one is raised.

    Raises:
        BadInput: the source cannot be read.
    """
    if "\x00" in str(source):
        raise BadInput("has a NUL character", path=source, way_out="correct the path")
    if source.exists() and not source.is_file() and not source.is_dir():
        raise BadInput("is no regular file", path=source, way_out="name a file or a folder")
    seen = set()
    for found in format_named(context.format).read(source, context):
        if not isinstance(found, BadInput) and found[0].id in seen:
            found = BadInput(
                f"article {found[0].id} is duplicated", path=source, way_out="give each document its own id"
            )
        if not isinstance(found, BadInput):
            seen.add(found[0].id)
            yield found
        elif on_bad is None:
            raise found
        else:
            on_bad(found)
