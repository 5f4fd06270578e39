"""One annotator's annotation of one article revision: entities, and events with their arguments.

A constructed annotation is consistent: `start < end`, ids are unique across entities and events, every filler exists.
Spans may nest and overlap. Whether an annotation fits its article and its label schema is checked by
`curation.validation.validate`. Spans are contiguous; discontinuous mentions are not
supported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from curation.article import Identifier, Moment, Sha256, Value, build
from curation.files import read_jsonl


def _offset(value: Any) -> Any:
    if isinstance(value, bool | float | str):
        raise ValueError("is not an integer")
    return value


Offset = Annotated[int, BeforeValidator(_offset)]
"""A position in a text. True, 5.0 and "5" are refused; pydantic alone would accept them."""


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("is not a number")
    return value


Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(_number)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
State = Literal["predicted", "draft", "submitted", "skipped", "reviewed"]


class Span(Value):
    """`[start, end)` in Unicode code points of the article's text."""

    start: Annotated[int, Field(ge=0), BeforeValidator(_offset)]
    end: Offset

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} is not below end {self.end}")
        return self


class Item(Span):
    """Common fields of entities and events. `origin` is the key of the annotator that last changed the item."""

    id: Identifier
    type: Label
    score: Score | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    origin: str | None = None


class Entity(Item):
    """A typed span that mentions a thing."""


class Argument(Value):
    """A role of an event, and the id of the entity or event that fills it."""

    role: Label
    filler: Identifier
    score: Score | None = None
    origin: str | None = None


class Event(Item):
    """A typed trigger span with its arguments. The same filler cannot fill a role twice."""

    arguments: tuple[Argument, ...] = ()

    @model_validator(mode="after")
    def _arguments_once(self) -> Event:
        seen = set()
        for argument in self.arguments:
            if argument.filler == self.id:
                raise ValueError(f"event {self.id} fills its own role {argument.role}")
            if (argument.role, argument.filler) in seen:
                raise ValueError(f"event {self.id} has {argument.role} {argument.filler} twice")
            seen.add((argument.role, argument.filler))
        return self


class Annotator(Value):
    """An engine (name and version) or a person (a pseudonym or an id, never an e-mail address)."""

    kind: Literal["engine", "person"]
    name: Label
    version: str | None = None

    @property
    def key(self) -> str:
        """`engine:spacy@1.0.0` or `person:3`, as in the `origin` of an item."""
        return f"{self.kind}:{self.name}" + (f"@{self.version}" if self.version else "")


class Annotation(Value):
    """One annotator's entities and events for one article revision.

    parent      id of the annotation that this one started from, such as a prediction
    between     in adjudication: ids of the annotations that the reviewer decided between
    time        when a person last changed it, UTC; None for an engine, so that the same input gives the same bytes
    lead_time   seconds that a person spent, as counted by Label Studio
    """

    model_config = ConfigDict(populate_by_name=True)

    id: Identifier
    article_id: Identifier
    text_sha256: Sha256
    schema_ref: str = Field(alias="schema", pattern=r"^[a-z0-9][a-z0-9-]*@\d+\.\d+\.\d+$")
    annotator: Annotator
    parent: Identifier | None = None
    between: tuple[Identifier, ...] | None = None
    time: Moment | None = None
    state: State = "predicted"
    lead_time: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    entities: tuple[Entity, ...] = ()
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _ids_resolve(self) -> Annotation:
        ids: set[str] = set()
        for item in self.items():
            if item.id in ids:
                raise ValueError(f"id {item.id} is used twice")
            ids.add(item.id)
        for event in self.events:
            for argument in event.arguments:
                if argument.filler not in ids:
                    raise ValueError(f"event {event.id}: {argument.role} names {argument.filler}, which is not here")
        return self

    def items(self) -> tuple[Item, ...]:
        """The entities, then the events."""
        return (*self.entities, *self.events)

    def item(self, item_id: str) -> Item:
        """The entity or event with this id. Raises KeyError if there is none."""
        for item in self.items():
            if item.id == item_id:
                return item
        raise KeyError(item_id)

    def to_json(self) -> str:
        """One line of JSON, without the fields that are not set."""
        return self.model_dump_json(by_alias=True, exclude_none=True)

    @classmethod
    def from_record(cls, record: dict[str, Any], *, path: Path, line: int | None = None) -> Annotation:
        """An annotation from one line of JSON. Raises BadInput naming `path`, `line` and the field."""
        return build(cls, record, path=path, line=line)


def read_annotations(path: Path) -> Iterator[Annotation]:
    """Annotations from a JSON-lines file, one at a time. Raises BadInput naming file, line and field."""
    for number, record in read_jsonl(path):
        yield Annotation.from_record(record, path=path, line=number)


def annotation_id(*parts: str) -> str:
    """A stable id from the parts that make an annotation unique: 24 hex digits, the same on every machine."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]
