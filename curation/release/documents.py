"""The `documents` config: one row an article, its entities and events nested in it.

A row exists in two forms: with names, as `row` makes it and as hashes and comparisons see it, and with the
integers of the ClassLabel lists in place of the names, as Parquet holds it (`coding.coded` and `decode`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datasets import ClassLabel, Features, List, Value

from curation.annotation import Annotation, Argument, Item
from curation.article import Article
from curation.errors import ReleaseError
from curation.release.canonical import canonical, utc
from curation.release.labels import Labels
from curation.schema import LabelSchema

CONFIG = "documents"

ANNOTATION = ("id", "annotation_id", "text_sha256", "schema", "annotator", "parent", "state", "entities", "events")
"""The columns that `annotation_of` needs."""

Row = dict[str, Any]
Chosen = Literal["adjudicated", "agreed", "majority", "latest", "kept", "engine"]
KEPT: Chosen = "kept"
"""Why an annotation counts: people differ on the article by now, and the release before had this one."""


class ReviewedArticle(NamedTuple):
    """An article and the one annotation that counts.

    `annotated_types` are the entity and event types that were in force when it was annotated: a type added later
    must not be read as absent. None: those of the schema version that the annotation names, as far as this release
    or an earlier one knows it. `snapshot` names the pull it came from, `chosen` why this annotation counts.
    `prediction` is the pre-annotation that the annotation started from, `others` what other people said of the same
    text. `sentences` are `(start, end, tokens)`, a token `(start, end)`; `zones` are `(kind, start, end)`.
    """

    article: Article
    annotation: Annotation
    annotated_types: Collection[str] | None = None
    snapshot: str | None = None
    chosen: Chosen | None = None
    prediction: Annotation | None = None
    others: tuple[Annotation, ...] = ()
    sentences: Sequence[tuple[int, int, Sequence[tuple[int, int]]]] = ()
    zones: Sequence[tuple[str, int, int]] = ()


class Unread(NamedTuple):
    """An article that is read only if it must be: where its `key` was the same in the release before, it is not.

    `key` is the hash of all that its row is made from. `read` gives the article, or None where nothing of it counts.
    `snapshot` names the pull it comes from now.
    """

    key: bytes
    read: Callable[[], ReviewedArticle | None]
    snapshot: str | None = None


def features(labels: Labels) -> Features:
    """The columns as `datasets` knows them; every label a ClassLabel."""

    def label(column: str) -> ClassLabel:
        return ClassLabel(names=list(labels.names[column]))

    def attributes(of: str, lists: Mapping[str, object]) -> dict[str, Any]:
        # A struct without fields cannot be written to Parquet.
        return {"attributes": {name: label(f"{of}.attributes.{name}") for name in lists}} if lists else {}

    def item(of: str) -> dict[str, Any]:
        place = {"start": Value("int64"), "end": Value("int64"), "type": label(f"{of}.type"), "text": Value("string")}
        return {"id": Value("string"), **place, "score": Value("float64"), "origin": Value("string")}

    argument = {
        "role": label("events.arguments.role"),
        "filler": Value("string"),
        "filler_kind": Value("string"),
        "score": Value("float64"),
        "origin": Value("string"),
    }
    texts = ("id", "text", "text_sha256", "title", "source")
    return Features(
        {
            **{name: Value("string") for name in texts},
            "published": Value("timestamp[us, tz=UTC]"),
            **{name: Value("string") for name in ("language", "licence", "schema", "annotator", "state", "chosen")},
            **{name: Value("string") for name in ("annotation_id", "parent")},
            "annotated_types": List(Value("string")),
            "zones": List({"kind": Value("string"), "start": Value("int64"), "end": Value("int64")}),
            "sentences": List({"start": Value("int64"), "end": Value("int64")}),
            "entities": List({**item("entities"), **attributes("entities", labels.entity_attributes)}),
            "events": List(
                {
                    **item("events"),
                    **attributes("events", labels.event_attributes),
                    "arguments": List(argument),
                }
            ),
        }
    )


def columns(of: Features) -> dict[str, str]:
    """Every column and nested field by its dotted path → its kind; what makes two releases readable alike."""

    def kind(feature: Any) -> str:
        return "class label" if isinstance(feature, ClassLabel) else str(feature.dtype)

    def walk(path: str, feature: Any) -> Iterator[tuple[str, str]]:
        if isinstance(feature, List):
            inner = feature.feature
            yield path, "list" if isinstance(inner, dict) else f"list of {kind(inner)}"
            yield from walk(path, inner) if isinstance(inner, dict) else ()
        elif isinstance(feature, dict):
            for name, field in feature.items():
                yield from walk(f"{path}.{name}" if path else name, field)
        else:
            yield path, kind(feature)

    return dict(walk("", dict(of)))


def row(reviewed: ReviewedArticle, schema: LabelSchema, in_force: Mapping[str, Collection[str]]) -> Row:
    """The row of one article, with names. Items stand in the order of the text.

    An attribute that an item does not carry is the schema's default, which is what its absence means. `in_force`
    tells which types each version of the schema (`name@version`) had; `annotated_types` is null where that is unknown.
    """
    article, annotation = reviewed.article, reviewed.annotation
    text = article.text
    kinds = dict.fromkeys((one.id for one in annotation.entities), "entity")
    kinds |= dict.fromkeys((one.id for one in annotation.events), "event")
    starts = {item.id: item.start for item in annotation.items()}
    defaults = {of: {one.name: one.default for one in schema.attributes_of(of)} for of in ("entities", "events")}

    def item(of: str, one: Item) -> Row:
        made: Row = {
            "id": one.id,
            "start": one.start,
            "end": one.end,
            "type": one.type,
            "text": text[one.start : one.end],
            "score": one.score,
            "origin": one.origin,
        }
        if defaults[of]:
            made["attributes"] = defaults[of] | one.attributes
        return made

    def argument(one: Argument) -> Row:
        return {
            "role": one.role,
            "filler": one.filler,
            "filler_kind": kinds[one.filler],
            "score": one.score,
            "origin": one.origin,
        }

    order = sorted(annotation.entities, key=_place), sorted(annotation.events, key=_place)
    types = reviewed.annotated_types
    if types is None:
        types = in_force.get(annotation.schema_ref)
    every = (*schema.entity_names, *schema.event_names)
    return {
        "id": article.id,
        "text": text,
        "text_sha256": article.text_sha256,
        "title": article.title,
        "source": article.source,
        "published": utc(article.published),
        "language": article.language,
        "licence": article.licence,
        "schema": annotation.schema_ref,
        "annotator": annotation.annotator.key,
        "state": annotation.state,
        "chosen": reviewed.chosen,
        "annotation_id": annotation.id,
        "parent": annotation.parent,
        "annotated_types": None if types is None else [name for name in every if name in types],
        "zones": [{"kind": kind, "start": start, "end": end} for kind, start, end in reviewed.zones],
        "sentences": [{"start": start, "end": end} for start, end, _ in reviewed.sentences],
        "entities": [item("entities", one) for one in order[0]],
        "events": [
            item("events", one)
            | {
                "arguments": [
                    argument(each)
                    for each in sorted(one.arguments, key=lambda each: (each.role, starts[each.filler], each.filler))
                ]
            }
            for one in order[1]
        ],
    }


def annotation_of(named: Row) -> Annotation:
    """The annotation that a row (with names) holds; attributes come with their defaults filled in."""
    kind, _, name = named["annotator"].partition(":")
    name, _, version = name.partition("@")

    # Validated in one go, which is quicker than item by item.
    def argument(one: Row) -> Row:
        return {"role": one["role"], "filler": one["filler"], "score": one["score"], "origin": one["origin"]}

    def item(one: Row) -> Row:
        return {
            "id": one["id"],
            "start": one["start"],
            "end": one["end"],
            "type": one["type"],
            "score": one["score"],
            "origin": one["origin"],
            "attributes": one.get("attributes", {}),
        }

    return Annotation.model_validate(
        {
            "id": named["annotation_id"],
            "article_id": named["id"],
            "text_sha256": named["text_sha256"],
            "schema": named["schema"],
            "annotator": {"kind": kind, "name": name, "version": version or None},
            "parent": named["parent"],
            "state": named["state"],
            "entities": list(map(item, named["entities"])),
            "events": [item(one) | {"arguments": list(map(argument, one["arguments"]))} for one in named["events"]],
        }
    )


def decode(coded: Row, labels: Labels) -> Row:
    """Put the names in place of the ClassLabel integers, in `coded` itself.

    Raises:
        ValueError: an integer stands for no name.
    """
    names = labels.names
    for column, held in _labelled(coded):
        key = column.rpartition(".")[2]
        code = held[key]
        if code is None or not 0 <= code < len(names.get(column, ())):
            raise ValueError(f"{coded['id']}: {column} holds {code}, which stands for no label")
        held[key] = names[column][code]
    return coded


def read_rows(path: Path, labels: Labels, wanted: Callable[[str], bool] | None = None) -> Iterator[Row]:
    """The rows (with names) of one Parquet file in its order, a few at a time; all, or those whose id is `wanted`.

    Raises:
        ReleaseError: the file cannot be read, or an integer stands for no label.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=256):
                if wanted is not None:
                    batch = batch.filter(pa.array([wanted(one) for one in batch["id"].to_pylist()], pa.bool_()))
                for coded in batch.to_pylist():
                    yield decode(coded, labels)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; take the release again") from error


def kept_articles(path: Path) -> list[str]:
    """Ids of the undecided articles in one Parquet file, those of which the release has what the one before had.

    Raises:
        ReleaseError: the file cannot be read.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            if "chosen" not in file.schema_arrow.names:
                return []
            table = file.read(["id", "chosen"])
    except (OSError, pa.ArrowException) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; take the release again") from error
    kept: list[str] = table.filter(pc.equal(table["chosen"], KEPT))["id"].to_pylist()
    return kept


def row_sha256(named: Row) -> str:
    """Hex SHA-256 of a row's canonical JSON, names in it."""
    return hashlib.sha256(canonical(named)).hexdigest()


def _labelled(of: Row) -> Iterator[tuple[str, Row]]:
    """Every place in a row that holds a label: its column, and the dict it stands in."""
    for kind in ("entities", "events"):
        for item in of[kind]:
            yield f"{kind}.type", item
            for name in item.get("attributes", ()):
                yield f"{kind}.attributes.{name}", item["attributes"]
            for argument in item.get("arguments", ()):
                yield "events.arguments.role", argument


def _place(item: Item) -> tuple[int, int, str, str]:
    return item.start, item.end, item.type, item.id
