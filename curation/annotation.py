"""What one annotator says of one article revision: entities, and events with their arguments.

Structure holds by construction: `start < end`, ids unique across entities and events, every filler resolves.
Nested and overlapping spans are fine. Whether an annotation fits its article and its label schema is checked by
`curation.validation.validate`. Spans are contiguous; discontinuous mentions are out of scope.
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

Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _offset(value: Any) -> Any:
    if isinstance(value, bool | float | str):
        raise ValueError("is no whole number")
    return value


Offset = Annotated[int, BeforeValidator(_offset)]
"""A place in a text. True, 5.0 and "5" are none, though pydantic would read them as one."""

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
    """What entities and events share. `origin` is the key of the annotator that made it as it stands."""

    id: Identifier
    type: Label
    score: Score | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    origin: str | None = None


class Entity(Item):
    """A typed span that is a mention of a thing."""


class Argument(Value):
    """A role of an event and the id of the entity or event that fills it."""

    role: Label
    filler: Identifier
    score: Score | None = None
    origin: str | None = None


class Event(Item):
    """A typed trigger span with its arguments; no role is filled twice by the same filler."""

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
    """Who annotates: an engine (name and version) or a person (a pseudonym or an id, never an address)."""

    kind: Literal["engine", "person"]
    name: Label
    version: str | None = None

    @property
    def key(self) -> str:
        """`engine:spacy@1.0.0` or `person:3`: what `origin` of an item holds."""
        return f"{self.kind}:{self.name}" + (f"@{self.version}" if self.version else "")


class Annotation(Value):
    """One annotator's entities and events on one article revision.

    `parent` is the id of the annotation this one started from (a person's starts from a prediction). `time` is
    when a person last changed it, in UTC; an engine leaves it out, so that the same input gives the same bytes.
    `between` is, for one that was made in review, the ids of the annotations it was decided between.
    `lead_time` is the seconds a person spent, as Label Studio counts them.
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
        """The entity or event with that id. Raises KeyError where there is none."""
        for item in self.items():
            if item.id == item_id:
                return item
        raise KeyError(item_id)

    def to_json(self) -> str:
        """One line of JSON; fields that are not set are left out."""
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
    """A stable id from what makes an annotation one of a kind: 24 hex digits, the same on every machine."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]
