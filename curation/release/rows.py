"""The rows of a release: made from a reviewed article, validated, and turned back into annotations.

A row has two forms. With label names it is hashed and compared; with the integers of the ClassLabel lists in place of
the names it is stored in Parquet (`encoder`, `decoder`). This module makes the rows of `documents`, one an article, and
of `corrections`, one an item that an engine predicted or a person added; `sentences` makes those of the third config.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.annotation import Annotation, Argument, Item
from curation.article import Article, Value
from curation.errors import ReleaseError, one_line
from curation.metrics.corrections import Change, changes
from curation.release.hashing import Row, utc
from curation.schema import LabelSchema
from curation.validation import validate

DOCUMENTS, SENTENCES, CORRECTIONS = "documents", "sentences", "corrections"
CONFIGS = (DOCUMENTS, SENTENCES, CORRECTIONS)
"""The first is the default. Each is a folder with one Parquet file a split."""

Chosen = Literal["adjudicated", "agreed", "majority", "latest", "kept", "engine"]
KEPT: Chosen = "kept"
"""People differ on the article, or its annotation is not valid: this is the annotation that the release before has."""
_ADDRESS = re.compile(r"^person:.*[^@\s]@[^@\s]+\.[^@\s]")


class Labels(Value):
    """The lists behind every ClassLabel: the n-th name is what the integer n stands for.

    From one release to the next a list only grows at its end.
    """

    entity_types: tuple[str, ...]
    event_types: tuple[str, ...]
    roles: tuple[str, ...]
    entity_attributes: dict[str, tuple[str, ...]]
    event_attributes: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, schema: LabelSchema, previous: Labels | None = None) -> Labels:
        """The labels of `schema`: those in `previous` keep their integers, new ones come after.

        A name that the schema no longer has is dropped, which moves those behind it: see `moved`.
        """
        before = previous or cls(entity_types=(), event_types=(), roles=(), entity_attributes={}, event_attributes={})
        return cls(
            entity_types=_grown(before.entity_types, schema.entity_names),
            event_types=_grown(before.event_types, schema.event_names),
            roles=_grown(before.roles, schema.role_names),
            entity_attributes={
                attribute.name: _grown(before.entity_attributes.get(attribute.name, ()), attribute.names)
                for attribute in schema.attributes_of("entities")
            },
            event_attributes={
                attribute.name: _grown(before.event_attributes.get(attribute.name, ()), attribute.names)
                for attribute in schema.attributes_of("events")
            },
        )

    def moved(self, previous: Labels) -> list[str]:
        """The columns whose list changed other than by growing at its end, or that are gone."""
        return [column for column, names in previous.names.items() if self.names.get(column, ())[: len(names)] != names]

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Column of `documents` → names in the order of their integers."""
        return {
            "entities.type": self.entity_types,
            "events.type": self.event_types,
            "events.arguments.role": self.roles,
            **{f"entities.attributes.{name}": values for name, values in self.entity_attributes.items()},
            **{f"events.attributes.{name}": values for name, values in self.event_attributes.items()},
        }

    def of_config(self, config: str) -> dict[str, tuple[str, ...]]:
        """Column → names, of one config."""
        if config == DOCUMENTS:
            return self.names
        if config == SENTENCES:
            tags = {"tags": bio_tags(self.entity_types), "trigger_tags": bio_tags(self.event_types)}
            return tags | {column: self.names[column] for column in ("events.type", "events.arguments.role")}
        return {}


def bio_tags(types: Iterable[str]) -> tuple[str, ...]:
    """`O`, then `B-` and `I-` of each type; it grows at its end as the types do."""
    return ("O", *(f"{prefix}-{name}" for name in types for prefix in "BI"))


class ReviewedArticle(NamedTuple):
    """An article and the one annotation of it that is released.

    article          the article
    annotation       the annotation, its annotator under a pseudonym
    annotated_types  entity and event types that were in force when it was annotated: a type added later must not be
                     read as absent. None: those of the schema version that the annotation names, as far as this or an
                     earlier release knows it
    snapshot         name of the pull it came from
    chosen           why this annotation was chosen
    prediction       the pre-annotation that the annotation started from
    others           annotations of the same text by other people
    sentences        `(start, end, tokens)` each, a token `(start, end)`, in code points of the text
    zones            `(kind, start, end)` each
    fallback         gives what the release before has of the article, for the case that this cannot be released
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
    fallback: Callable[[], ReviewedArticle | None] | None = None


class UnreadableArticle(NamedTuple):
    """An article whose records cannot be read: why, and `fallback` as for `ReviewedArticle`."""

    article_id: str
    problem: str
    fallback: Callable[[], ReviewedArticle | None] | None = None


class InvalidArticle(Value):
    """An article that was set aside because it cannot be released as it is.

    problems  every reason, one line each
    kept      whether the release has what the release before had of it
    url       address of the task to correct it in, where the caller knows it
    """

    article_id: str
    problems: tuple[str, ...]
    kept: bool = False
    url: str | None = None

    def __str__(self) -> str:
        return f"{self.article_id}: {'; '.join(self.problems)}" + (f" {self.url}" if self.url else "")


def problems(reviewed: ReviewedArticle, schema: LabelSchema, *, engine_only: bool = False) -> list[str]:
    """Why this article cannot be released: every finding as one line; an empty list if it can.

    With `engine_only` an engine's prediction is accepted where nobody annotated the article.
    """
    article, annotation = reviewed.article, reviewed.annotation
    items = {item.id: item for item in annotation.items()}
    found = []
    for violation in validate(annotation, article, schema):
        place = f"{violation.item}: " if violation.item else ""
        where = _shown(items.get(violation.item or ""), article)
        found.append(f"{place}{violation.message} ({violation.code}){where}")
    for name in reviewed.annotated_types or ():
        if schema.entity_type(name) is None and schema.event_type(name) is None:
            found.append(f"annotated types: {name} is not in {schema.ref}")
    if reviewed.chosen not in (None, *get_args(Chosen)):
        found.append(f"chosen cannot be {reviewed.chosen}")
    borders = [("sentence", start, end) for start, end, _ in reviewed.sentences]
    borders += [("zone", start, end) for _, start, end in reviewed.zones]
    for what, start, end in borders:
        if not 0 <= start <= end <= len(article.text):
            found.append(f"{what} [{start}, {end}) is not in the text")
    kind = annotation.annotator.kind
    accepted = ("submitted", "reviewed") if kind == "person" else ("predicted",) if engine_only else ()
    if annotation.state not in accepted:
        found.append(f"annotation {annotation.id} by {kind} is {annotation.state}, not reviewed")
    if any(_ADDRESS.match(key) for key in (annotation.annotator.key, *_origins(annotation))):
        found.append(f"annotation {annotation.id} names a person by an e-mail address; use a pseudonym or an id")
    return found


def _shown(item: Item | None, article: Article) -> str:
    """The place of an item, and the text that it marks."""
    if item is None or item.end > len(article.text):
        return ""
    return f" at [{item.start}, {item.end}) {one_line(article.text[item.start : item.end], 40)!r}"


def document_row(reviewed: ReviewedArticle, schema: LabelSchema, types_in_force: Mapping[str, Collection[str]]) -> Row:
    """The row of one article in `documents`, with label names. Items are in the order of the text.

    An attribute that an item does not carry has the schema's default, which is what its absence means.

    Args:
        reviewed: the article; `problem` has accepted it.
        schema: the label schema of the release.
        types_in_force: schema version (`name@version`) → its types; `annotated_types` is null for an unknown version.
    """
    article, annotation = reviewed.article, reviewed.annotation
    text = article.text
    kinds = dict.fromkeys((entity.id for entity in annotation.entities), "entity")
    kinds |= dict.fromkeys((event.id for event in annotation.events), "event")
    starts = {item.id: item.start for item in annotation.items()}
    defaults = _defaults(schema)

    def item_row(of: str, item: Item) -> Row:
        made: Row = {
            "id": item.id,
            "start": item.start,
            "end": item.end,
            "type": item.type,
            "text": text[item.start : item.end],
            "score": item.score,
            "origin": item.origin,
        }
        if defaults[of]:
            made["attributes"] = defaults[of] | item.attributes
        return made

    def argument_row(argument: Argument) -> Row:
        return {
            "role": argument.role,
            "filler": argument.filler,
            "filler_kind": kinds[argument.filler],
            "score": argument.score,
            "origin": argument.origin,
        }

    def argument_order(argument: Argument) -> tuple[str, int, str]:
        return argument.role, starts[argument.filler], argument.filler

    types = reviewed.annotated_types
    if types is None:
        types = types_in_force.get(annotation.schema_ref)
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
        "entities": [item_row("entities", entity) for entity in sorted(annotation.entities, key=_item_order)],
        "events": [
            item_row("events", event)
            | {"arguments": [argument_row(argument) for argument in sorted(event.arguments, key=argument_order)]}
            for event in sorted(annotation.events, key=_item_order)
        ],
    }


def correction_rows(reviewed: ReviewedArticle, schema: LabelSchema) -> list[Row]:
    """The rows of one article in `corrections`, by kind of item and then in the order of the text.

    Each sets an entity, an event (by its trigger) or an argument of the pre-annotation against what the annotation has
    in its place, paired as `curation.metrics.corrections` pairs them. There are none if an engine annotated, or if the
    pre-annotation is not known or of another text.
    """
    article, annotation, prediction = reviewed.article, reviewed.annotation, reviewed.prediction
    if prediction is None or annotation.annotator.kind == "engine" or prediction.text_sha256 != article.text_sha256:
        return []
    about = {
        "id": annotation.article_id,
        "annotation_id": annotation.id,
        "prediction_id": prediction.id,
        "annotator": annotation.annotator.key,
        "engine": prediction.annotator.key,
    }
    return [
        {**about, **_correction(change, article.text)} for change in changes(prediction, annotation, _defaults(schema))
    ]


def annotation_of(row: Row) -> Annotation:
    """The annotation that a row of `documents` (with label names) holds; every attribute is written out."""
    kind, _, name = row["annotator"].partition(":")
    name, _, version = name.partition("@")

    # Validated as a whole, which is faster than item by item.
    def item(held: Row) -> Row:
        taken = {name: held[name] for name in ("id", "start", "end", "type", "score", "origin")}
        return taken | {"attributes": held.get("attributes", {})}

    def argument(held: Row) -> Row:
        return {name: held[name] for name in ("role", "filler", "score", "origin")}

    return Annotation.model_validate(
        {
            "id": row["annotation_id"],
            "article_id": row["id"],
            "text_sha256": row["text_sha256"],
            "schema": row["schema"],
            "annotator": {"kind": kind, "name": name, "version": version or None},
            "parent": row["parent"],
            "state": row["state"],
            "entities": list(map(item, row["entities"])),
            "events": [item(event) | {"arguments": list(map(argument, event["arguments"]))} for event in row["events"]],
        }
    )


def encoder(labels: Mapping[str, Sequence[str]]) -> Callable[[Row], Row]:
    """A function that puts integers in place of label names; `labels` is what `Labels.of_config` gives."""
    tree = _tree(labels, lambda column, names: {name: code for code, name in enumerate(names)}.__getitem__)
    return (lambda row: _translated(row, tree)) if tree else lambda row: row


def decoder(labels: Mapping[str, Sequence[str]]) -> Callable[[Row], Row]:
    """A function that puts label names in place of integers; it raises ValueError where one stands for no label."""
    tree = _tree(labels, _name_of)
    return lambda row: _translated(row, tree)


def read_rows(
    path: Path, labels: Mapping[str, Sequence[str]], wanted: Callable[[str], bool] | None = None
) -> Iterator[Row]:
    """Read the rows of one Parquet file in their order, a few at a time.

    Args:
        path: a file of one config.
        labels: of that config, as `Labels.of_config` gives them.
        wanted: whether the rows of the article with that id are read; None: all are.

    Yields:
        Rows with label names.

    Raises:
        ReleaseError: the file cannot be read, or an integer stands for no label.
    """
    decode = decoder(labels)
    try:
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=256):
                if wanted is not None:
                    batch = batch.filter(
                        pa.array([wanted(article_id) for article_id in batch["id"].to_pylist()], pa.bool_())
                    )
                for row in batch.to_pylist():
                    yield decode(row)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(
            f"{path}: cannot be read: {one_line(str(error), 300)}; take the release again from where it was published"
        ) from error


def row_groups(path: Path, labels: Mapping[str, Sequence[str]]) -> Callable[[str], Row | None]:
    """Look up rows of `documents` in one Parquet file by article id.

    The file is sorted by id: only the row group that may have the id is read, and the last one is held.

    Raises:
        ReleaseError: the file cannot be read; the function, too, raises it.
    """
    decode = decoder(labels)
    held: dict[int, tuple[dict[str, int], pa.Table]] = {}
    try:
        metadata = pq.read_metadata(path)
        column = metadata.schema.names.index("id")
        groups = [metadata.row_group(number).column(column).statistics for number in range(metadata.num_row_groups)]
    except (OSError, pa.ArrowException, ValueError) as error:
        raise _unreadable(path, error) from error

    def lookup(article_id: str) -> Row | None:
        for number, group in enumerate(groups):
            if group is not None and group.has_min_max and not group.min <= article_id <= group.max:
                continue
            if number not in held:
                held.clear()
                held[number] = read_group(number)
            places, table = held[number]
            if article_id in places:
                return decode(table.slice(places[article_id], 1).to_pylist()[0])
        return None

    def read_group(number: int) -> tuple[dict[str, int], pa.Table]:
        try:
            with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
                table = file.read_row_group(number)
                return {article_id: place for place, article_id in enumerate(table["id"].to_pylist())}, table
        except (OSError, pa.ArrowException, ValueError) as error:
            raise _unreadable(path, error) from error

    return lookup


def _unreadable(path: Path, error: Exception) -> ReleaseError:
    return ReleaseError(f"{path}: cannot be read: {one_line(str(error), 300)}; take the release again")


def kept_articles(path: Path) -> list[str]:
    """Ids of the undecided articles in one Parquet file of `documents`, kept as they were in the release before.

    Raises:
        ReleaseError: the file cannot be read.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            if "chosen" not in file.schema_arrow.names:
                return []
            table = file.read(["id", "chosen"])
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    kept: list[str] = table.filter(pc.equal(table["chosen"], KEPT))["id"].to_pylist()
    return kept


def _tree(labels: Mapping[str, Sequence[str]], leaf: Callable[[str, Sequence[str]], Any]) -> dict[str, Any]:
    """Dotted columns as nested objects, with what `leaf` makes of their names at the end."""
    tree: dict[str, Any] = {}
    for column, names in labels.items():
        *path, last = column.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
        place[last] = leaf(column, names)
    return tree


def _name_of(column: str, names: Sequence[str]) -> Callable[[int | None], str]:
    def name(code: int | None) -> str:
        if code is None or not 0 <= code < len(names):
            raise ValueError(f"{column} holds {code}, which stands for no label")
        return names[code]

    return name


def _translated(value: Any, tree: Any) -> Any:
    """A row, or a part of one, with every label in it translated by the function that `tree` has at its place."""
    if isinstance(value, list):
        return [_translated(held, tree) for held in value]
    if isinstance(tree, dict):
        return value | {name: _translated(value[name], inner) for name, inner in tree.items() if name in value}
    return tree(value)


def _grown(previous: Iterable[str], wanted: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(name for name in previous if name in wanted)
    return kept + tuple(name for name in wanted if name not in kept)


def _defaults(schema: LabelSchema) -> dict[str, dict[str, str]]:
    return {
        of: {attribute.name: attribute.default for attribute in schema.attributes_of(of)}
        for of in ("entities", "events")
    }


def _item_order(item: Item) -> tuple[int, int, str, str]:
    return item.start, item.end, item.type, item.id


def _origins(annotation: Annotation) -> Iterator[str]:
    for item in annotation.items():
        if item.origin:
            yield item.origin
    for event in annotation.events:
        for argument in event.arguments:
            if argument.origin:
                yield argument.origin


def _correction(change: Change, text: str) -> Row:
    predicted, corrected = change.predicted, change.corrected
    trigger = getattr(predicted or corrected, "trigger", (None, None, None))
    return {
        "item": change.what,
        "change": change.fate,
        "predicted_start": predicted.start if predicted else None,
        "predicted_end": predicted.end if predicted else None,
        "predicted_type": predicted.type if predicted else None,
        "predicted_text": text[predicted.start : predicted.end] if predicted else None,
        "predicted_score": predicted.score if predicted else None,
        "start": corrected.start if corrected else None,
        "end": corrected.end if corrected else None,
        "type": corrected.type if corrected else None,
        "text": text[corrected.start : corrected.end] if corrected else None,
        "trigger_start": trigger[0],
        "trigger_end": trigger[1],
        "trigger_type": trigger[2],
        "attributes": [
            {"name": attribute.name, "predicted": attribute.predicted, "value": attribute.corrected}
            for attribute in change.attributes
        ],
    }
