"""One row looked at closely: may it go into a release, and if not, why not."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NoReturn, get_args

from curation.annotation import Annotation, Annotator
from curation.article import Article, build
from curation.errors import BadInput, ReleaseError
from curation.release.documents import Chosen, ReviewedArticle, Row, row
from curation.schema import LabelSchema
from curation.validation import validate

ADDRESS = re.compile(r"^person:.*[^@\s]@[^@\s]+\.[^@\s]")
_ARTICLE = ("id", "text", "text_sha256", "title", "source", "published", "language", "licence")
_BESIDE = {
    "schema",
    "annotator",
    "state",
    "chosen",
    "annotation_id",
    "parent",
    "annotated_types",
    "zones",
    "sentences",
    "entities",
    "events",
}


def exact(
    line: bytes | memoryview, schema: LabelSchema, in_force: Mapping[str, Collection[str]], *, engine_only: bool
) -> Row:
    """The row (with names) that a line of JSON holds, as a release writes it.

    Raises:
        ReleaseError: naming the article and the first thing that does not fit.
    """
    reviewed = _reviewed(line)
    if found := problem(reviewed, schema, engine_only=engine_only):
        refuse(reviewed.article.id, found)
    return row(reviewed, schema, in_force)


def refuse(article_id: object, found: str) -> NoReturn:
    """Say that an article has no place in a release as it is."""
    raise ReleaseError(f"article {article_id}: {found}; mend the annotation, nothing was built")


def states(kind: Literal["engine", "person"], *, engine_only: bool) -> tuple[str, ...]:
    """The states in which an annotation counts; with `engine_only` an engine's prediction will do."""
    if kind == "person":
        return "submitted", "reviewed"
    return ("predicted",) if engine_only else ()


def problem(reviewed: ReviewedArticle, schema: LabelSchema, *, engine_only: bool = False) -> str | None:
    """Why this article cannot go into a release: the first finding as one line, or None.

    With `engine_only` an engine's prediction will do where there is nothing else.
    """
    article, annotation = reviewed.article, reviewed.annotation
    for finding in validate(annotation, article, schema):
        place = f"{finding.item}: " if finding.item else ""
        return f"{place}{finding.message} ({finding.code})"
    unknown = [
        name
        for name in reviewed.annotated_types or ()
        if schema.entity_type(name) is None and schema.event_type(name) is None
    ]
    if unknown:
        return f"annotated types: {unknown[0]} is not in {schema.ref}"
    if reviewed.chosen not in (None, *get_args(Chosen)):
        return f"chosen cannot be {reviewed.chosen}"
    for what, start, end in _borders(reviewed):
        if not 0 <= start <= end <= len(article.text):
            return f"{what} [{start}, {end}) is not in the text"
    kind = annotation.annotator.kind
    if annotation.state not in states(kind, engine_only=engine_only):
        return f"annotation {annotation.id} by {kind} is {annotation.state}, not reviewed"
    keys = [annotation.annotator.key, *(origin for origin in _origins(annotation) if origin)]
    if any(ADDRESS.match(key) for key in keys):
        return f"annotation {annotation.id} names a person by an e-mail address; use a pseudonym or an id"
    return None


def _reviewed(line: bytes | memoryview) -> ReviewedArticle:
    record: Any = None
    try:
        record = json.loads(bytes(line))
        return _of(record)
    except BadInput as error:
        refuse(record.get("id"), str(error).partition("; ")[0])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        name = record.get("id") if isinstance(record, dict) else None
        found = f"{type(error).__name__} {error}" if isinstance(error, KeyError) else str(error)
        if name is None:
            raise ReleaseError(f"a line is no row of `documents`: {found}; mend it, nothing was built") from error
        refuse(name, found)


def _of(record: dict[str, Any]) -> ReviewedArticle:
    if unknown := record.keys() - _BESIDE - set(_ARTICLE):
        raise ValueError(f"{min(unknown)} is no column of `documents`")
    article = build(Article, {name: record[name] for name in _ARTICLE if name != "text_sha256" and name in record})
    kind, _, name = record["annotator"].partition(":")
    name, _, version = name.partition("@")
    kinds = {one["id"]: of for of in ("entity", "event") for one in record["entities" if of == "entity" else "events"]}
    annotation = build(
        Annotation,
        {
            "id": record["annotation_id"],
            "article_id": article.id,
            "text_sha256": record.get("text_sha256", article.text_sha256),
            "schema": record["schema"],
            "annotator": build(Annotator, {"kind": kind, "name": name, "version": version or None}),
            "parent": record.get("parent"),
            "state": record["state"],
            "entities": [_item(one) for one in record["entities"]],
            "events": [
                _item(one) | {"arguments": [_argument(each, kinds) for each in one.get("arguments") or ()]}
                for one in record["events"]
            ],
        },
    )
    for item, one in zip(annotation.items(), [*record["entities"], *record["events"]], strict=True):
        if one.get("text") not in (None, article.text[item.start : item.end]):
            raise ValueError(f"{item.id}: the text of [{item.start}, {item.end}) is another")
    return ReviewedArticle(
        article,
        annotation,
        annotated_types=record.get("annotated_types"),
        chosen=record.get("chosen"),
        sentences=[(one["start"], one["end"], ()) for one in record.get("sentences") or ()],
        zones=[(one["kind"], one["start"], one["end"]) for one in record.get("zones") or ()],
    )


def _item(record: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in ("text", "arguments")}
    kept["attributes"] = {name: value for name, value in (kept.get("attributes") or {}).items() if value is not None}
    return kept


def _argument(record: dict[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name != "filler_kind"}
    given = record.get("filler_kind")
    if given is not None and given != kinds.get(record["filler"]):
        raise ValueError(f"{record['filler']} fills {record['role']}, and is no {given}")
    return kept


def _borders(reviewed: ReviewedArticle) -> Iterator[tuple[str, int, int]]:
    layouts: tuple[tuple[str, Iterable[Sequence[Any]]], ...] = (
        ("sentence", reviewed.sentences),
        ("zone", [zone[1:] for zone in reviewed.zones]),
    )
    for what, layout in layouts:
        for start, end, *_ in layout:
            yield what, start, end


def _origins(annotation: Annotation) -> Iterator[str | None]:
    for item in annotation.items():
        yield item.origin
    for event in annotation.events:
        for argument in event.arguments:
            yield argument.origin
