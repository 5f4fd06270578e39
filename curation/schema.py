"""The label schema: entity types, event types, their roles and attributes, read from one YAML file.

Everything else is derived from it: the Label Studio config and instructions, engine mappings, validation, dataset
features, the card, the docs. No label is repeated in code.

The dump of a schema is hashed into every release, so a new optional field must be declared with `added_field`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from curation.article import Value
from curation.errors import SchemaError
from curation.yaml_file import Misplaced, Where, read_yaml

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
Text = Annotated[str, Field(min_length=1, max_length=5000)]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
Hotkey = Annotated[str, Field(pattern=r"^((shift|alt)\+)?[a-z0-9]$")]
_PART = r"^([A-Za-z][A-Za-z0-9_-]{{0,63}}\.){}[A-Za-z][A-Za-z0-9_-]{{0,63}}$"
Elsewhere = dict[str, tuple[str, ...]]
"""Names in other ontologies: ontology → its names for the same label, the most frequent first."""

EVENT: Literal["Event"] = "Event"
"""The filler name that means every event type."""


class Examples(Value):
    """Sentences with the span in [brackets]. Negative examples show a span that must not be marked, and why."""

    positive: tuple[Text, ...] = ()
    negative: tuple[Text, ...] = ()


class Choice(Value):
    """One value of an attribute."""

    name: Name
    definition: Text


class Attribute(Value):
    """A property of every entity or of every event, with one value from a list.

    An item without the attribute has the `default`, so annotators set only other values.
    """

    name: Name
    of: Literal["entities", "events"]
    definition: Text
    values: tuple[Choice, ...] = Field(min_length=2)
    default: Name

    @model_validator(mode="after")
    def _default_is_a_value(self) -> Attribute:
        _once(
            ((value.name, ("values", i, "name")) for i, value in enumerate(self.values)),
            f"attribute {self.name}: value",
        )
        if self.default not in self.names:
            raise Misplaced(f"attribute {self.name}: default {self.default} is not among its values", "default")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the values, in the order of the file."""
        return tuple(value.name for value in self.values)


class LabelType(Value):
    """Common fields of entity types and event types."""

    name: Name
    definition: Text
    examples: Examples = Examples()
    hotkey: Hotkey | None = None
    colour: Colour
    elsewhere: Elsewhere = Field(default_factory=dict)


class EntityType(LabelType):
    """A type of entity."""


class Role(Value):
    """A role in an event. `fillers` lists entity types, event types, groups or `Event`."""

    name: Name
    definition: Text
    fillers: tuple[Name, ...] = Field(min_length=1)
    required: bool = False
    elsewhere: Elsewhere = Field(default_factory=dict)


class EventType(LabelType):
    """A type of event, with the roles of its arguments."""

    roles: tuple[Role, ...] = ()

    @model_validator(mode="after")
    def _roles_once(self) -> EventType:
        _once(((role.name, ("roles", i, "name")) for i, role in enumerate(self.roles)), f"event type {self.name}: role")
        return self


class Case(Value):
    """One case of a split: `to` applies if every attribute has its value in `when` and every role in `roles` is filled.

    Attributes and roles are those from before the change. An attribute that an item does not have has its default.
    """

    to: Name
    when: dict[Name, Name] = Field(default_factory=dict)
    roles: tuple[Name, ...] = ()


Becomes = Name | None | Annotated[tuple[Case, ...], Field(min_length=1)]
"""The new name of a type, None if it is removed, or the cases of a split, of which the first that applies is used."""


class Migration(Value):
    """The changes of labels in `version`: old name → new name, or null if it was removed.

    Several old names with one new name are merged. A role is written alone (`agent`) or after its event type
    (`Arrest.agent`), a value after its attribute (`modality.planned`). If a value is removed, the attribute gets its
    default.
    """

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    entity_types: dict[Name, Becomes] = Field(default_factory=dict)
    event_types: dict[Name, Becomes] = Field(default_factory=dict)
    roles: dict[Annotated[str, Field(pattern=_PART.format("?"))], Name | None] = Field(default_factory=dict)
    attributes: dict[Name, Name | None] = Field(default_factory=dict)
    values: dict[Annotated[str, Field(pattern=_PART.format(""))], Name | None] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _entities_fill_no_roles(self) -> Migration:
        for old, new in self.entity_types.items():
            for i, case in enumerate(new if isinstance(new, tuple) else ()):
                if case.roles:
                    raise Misplaced(f"{old} is an entity type: only events have roles", "entity_types", old, i, "roles")
        return self


class LabelSchema(Value):
    """The whole ontology. Annotations, snapshots and releases refer to it by `ref` (`name@version`).

    groups       name → types that fill the same roles
    lexicon      file beside the schema with the words that rule engines need
    migrations   changes of labels, by rising version
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Text
    language: str = "en"
    description: Text
    guidelines: tuple[Text, ...] = ()
    lexicon: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]+$")
    groups: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()
    entity_types: tuple[EntityType, ...] = Field(min_length=1)
    event_types: tuple[EventType, ...] = ()
    migrations: tuple[Migration, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> LabelSchema:
        types: list[tuple[LabelType, Where]] = [
            *((label, ("entity_types", i)) for i, label in enumerate(self.entity_types)),
            *((label, ("event_types", i)) for i, label in enumerate(self.event_types)),
        ]
        _once(((label.name, (*where, "name")) for label, where in types), "type")
        _once(((label.hotkey, (*where, "hotkey")) for label, where in types if label.hotkey), "hotkey")
        _once(((attribute.name, ("attributes", i, "name")) for i, attribute in enumerate(self.attributes)), "attribute")
        known = {label.name for label, _ in types} | {EVENT}
        for group, members in self.groups.items():
            if group in known:
                raise Misplaced(f"{group} is also a type", "groups", group)
            for i, name in enumerate(members):
                if name not in known:
                    raise Misplaced(f"group {group} names {name}, which is no type", "groups", group, i)
        for i, event_type in enumerate(self.event_types):
            for j, role in enumerate(event_type.roles):
                for k, name in enumerate(role.fillers):
                    if name not in known and name not in self.groups:
                        raise Misplaced(
                            f"event type {event_type.name}: role {role.name}: "
                            f"filler {name} is neither a type nor a group",
                            *("event_types", i, "roles", j, "fillers", k),
                        )
        return self

    @model_validator(mode="after")
    def _migrations_lead_here(self) -> LabelSchema:
        """Check that every new name in a migration is a label of this version, or is changed by a later migration."""
        here: dict[str, set[str]] = {
            "entity_types": {label.name for label in self.entity_types},
            "event_types": {label.name for label in self.event_types},
            "roles": {role.name for label in self.event_types for role in label.roles},
            "attributes": {attribute.name for attribute in self.attributes},
            "values": {f"{one.name}.{value.name}" for one in self.attributes for value in one.values},
        }
        later = parse_version(self.version)
        for i, migration in reversed(list(enumerate(self.migrations))):
            version = parse_version(migration.version)
            if version > later or (version == later and i + 1 < len(self.migrations)):
                raise Misplaced(
                    f"{migration.version} is out of order: versions must rise, to {self.version} at most",
                    *("migrations", i, "version"),
                )
            later = version
            for part, known in here.items():
                changes: dict[str, Becomes] = getattr(migration, part)
                for old, becomes in changes.items():
                    for new in _names(becomes):
                        if part == "values":
                            attribute = old.partition(".")[0]
                            new = f"{migration.attributes.get(attribute, attribute)}.{new}"
                        if new not in known:
                            raise Misplaced(
                                f"{old} becomes {new}, which is not in {self.ref}", *("migrations", i, part, old)
                            )
                known.update(old.rpartition(".")[2] if part == "roles" else old for old in changes)
        return self

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @cached_property
    def entity_names(self) -> tuple[str, ...]:
        """Names of the entity types, in the order of the file."""
        return tuple(label.name for label in self.entity_types)

    @cached_property
    def event_names(self) -> tuple[str, ...]:
        """Names of the event types, in the order of the file."""
        return tuple(label.name for label in self.event_types)

    @cached_property
    def role_names(self) -> tuple[str, ...]:
        """Names of all roles, each once, in the order of their first use."""
        return tuple(dict.fromkeys(role.name for label in self.event_types for role in label.roles))

    @cached_property
    def fillers(self) -> dict[tuple[str, str], frozenset[str]]:
        """(event type, role) → all entity and event types that may fill it, with groups and `Event` resolved."""
        return {
            (label.name, role.name): frozenset(self._resolve(role.fillers))
            for label in self.event_types
            for role in label.roles
        }

    def _resolve(self, names: tuple[str, ...]) -> Iterator[str]:
        for name in names:
            if name == EVENT:
                yield from self.event_names
            elif name in self.groups:
                yield from self._resolve(self.groups[name])
            else:
                yield name

    def entity_type(self, name: str) -> EntityType | None:
        """The entity type of that name, or None."""
        return self._entity_types.get(name)

    def event_type(self, name: str) -> EventType | None:
        """The event type of that name, or None."""
        return self._event_types.get(name)

    def attributes_of(self, kind: Literal["entities", "events"]) -> tuple[Attribute, ...]:
        """The attributes declared for entities or for events."""
        return tuple(attribute for attribute in self.attributes if attribute.of == kind)

    @cached_property
    def _entity_types(self) -> dict[str, EntityType]:
        return {label.name: label for label in self.entity_types}

    @cached_property
    def _event_types(self) -> dict[str, EventType]:
        return {label.name: label for label in self.event_types}


def load_schema(path: Path) -> LabelSchema:
    """The label schema in a YAML file.

    Raises:
        SchemaError: naming the file, the line and the field of the first thing that is wrong.
    """
    return read_yaml(LabelSchema, path, error=SchemaError, what="label schema", example="schemas/conflict-news.yaml")


def _names(becomes: Becomes) -> tuple[str, ...]:
    """The new names that a label may get."""
    if isinstance(becomes, tuple):
        return tuple(case.to for case in becomes)
    return () if becomes is None else (becomes,)


def _once(named: Iterable[tuple[str, Where]], what: str) -> None:
    seen = set()
    for name, where in named:
        if name in seen:
            raise Misplaced(f"{what} {name} is duplicated", *where)
        seen.add(name)


def parse_version(version: str) -> tuple[int, int, int]:
    """`"1.2.3"` → `(1, 2, 3)`. Raises ValueError if it is not a semantic version."""
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)", version)
    if not match:
        raise ValueError(f"{version!r} is not a version such as 1.2.3")
    major, minor, patch = match.groups()
    return int(major), int(minor), int(patch)
