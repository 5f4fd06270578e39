"""Migrate annotations from an earlier version of a label schema, by its `migrations`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.schema import Becomes, LabelSchema, Migration, parse_version

ItemT = TypeVar("ItemT", bound=Item)


class Undecided(NamedTuple):
    """An item whose type was split, while no case of the split applies: it keeps its old type."""

    item: str
    message: str


class Migrated(NamedTuple):
    """Entities and events with the labels of a later version. Ids, scores and origins do not change."""

    entities: tuple[Entity, ...]
    events: tuple[Event, ...]
    undecided: tuple[Undecided, ...] = ()


def migrate(annotation: Annotation, schema: LabelSchema) -> tuple[Annotation, tuple[Undecided, ...]]:
    """`annotation` with the labels of `schema`, and the items that could not be decided.

    An annotation of another schema, of the same version or of a later one is returned unchanged.
    """
    name, _, version = annotation.schema_ref.partition("@")
    if name != schema.name or parse_version(version) >= parse_version(schema.version):
        return annotation, ()
    entities, events, undecided = migrate_items(annotation.entities, annotation.events, version, schema)
    update = {"schema_ref": schema.ref, "entities": entities, "events": events}
    return annotation.model_copy(update=update), undecided


def migrate_items(entities: Iterable[Entity], events: Iterable[Event], version: str, schema: LabelSchema) -> Migrated:
    """Items of schema version `version`, with the labels of `schema`.

    The migrations after `version` are applied. If an item then still has a label that `schema` does not have, it is
    older than `version` (someone had the page open while the schema changed), and all migrations are applied to it.
    Items that become equal (kind, span, type, attributes) are merged.
    """
    entities, events = tuple(entities), tuple(events)
    if not schema.migrations:
        return Migrated(entities, events)
    steps = [one for one in schema.migrations if parse_version(one.version) > parse_version(version)]
    undecided: list[Undecided] = []
    before = {item.id: item.type for item in (*entities, *events)}
    kept_entities, merged_entities = _merged(_all(entities, steps, schema, undecided), before)
    kept_events, merged_events = _merged(_all(events, steps, schema, undecided), before)
    merged_into = merged_entities | merged_events
    with_fillers = tuple(_with_fillers(event, merged_into) for event in kept_events)
    return Migrated(tuple(kept_entities), with_fillers, tuple(undecided))


def _all(
    items: Iterable[ItemT], steps: Sequence[Migration], schema: LabelSchema, undecided: list[Undecided]
) -> list[ItemT]:
    kept = []
    for item in items:
        new, open_ends = _through(item, steps, schema)
        if new is not None and len(steps) < len(schema.migrations) and not _known(new, schema):
            new, open_ends = _through(item, schema.migrations, schema)
        undecided += open_ends
        if new is not None:
            kept.append(new)
    return kept


def _through(item: ItemT, steps: Sequence[Migration], schema: LabelSchema) -> tuple[ItemT | None, list[Undecided]]:
    """The item after these steps, or None if it was removed; and whether it could not be decided."""
    for step in steps:
        types: dict[str, Becomes] = step.event_types if isinstance(item, Event) else step.entity_types
        becomes: Becomes = types.get(item.type, item.type)
        if isinstance(becomes, tuple):
            becomes = _decided(item, step, schema)
            if becomes is None:
                return item, [Undecided(item.id, f"{item.type} was split in {step.version}, and no case applies")]
        if becomes is None:
            return None, []
        update: dict[str, object] = {"type": becomes}
        if item.attributes and (step.attributes or step.values):
            update["attributes"] = _attributes(item.attributes, step, schema)
        if isinstance(item, Event) and step.roles:
            update["arguments"] = _roles(item, str(becomes), step)
        item = item.model_copy(update=update)
    return item, []


def _decided(item: Item, step: Migration, schema: LabelSchema) -> str | None:
    """The new type of an item whose type is split, or None if no case applies."""
    cases = (step.event_types if isinstance(item, Event) else step.entity_types)[item.type]
    filled = {one.role for one in item.arguments} if isinstance(item, Event) else set()
    defaults = {attribute.name: attribute.default for attribute in schema.attributes}
    for case in cases if isinstance(cases, tuple) else ():
        fits = all(item.attributes.get(name, defaults.get(name)) == value for name, value in case.when.items())
        if fits and filled.issuperset(case.roles):
            return case.to
    return None


def _attributes(attributes: dict[str, str], step: Migration, schema: LabelSchema) -> dict[str, str]:
    defaults = {attribute.name: attribute.default for attribute in schema.attributes}
    new = {}
    for name, value in attributes.items():
        new_name, new_value = step.attributes.get(name, name), step.values.get(f"{name}.{value}", value)
        if new_name is None or new_value is None:
            continue
        if new_value != defaults.get(new_name) or (new_name, new_value) == (name, value):
            new[new_name] = new_value
    return new


def _roles(event: Event, new_type: str, step: Migration) -> tuple[Argument, ...]:
    arguments = []
    for argument in event.arguments:
        role: str | None = argument.role
        for key in (f"{event.type}.{role}", f"{new_type}.{role}", argument.role):
            if key in step.roles:
                role = step.roles[key]
                break
        if role is not None:
            arguments.append(argument.model_copy(update={"role": role}))
    return tuple(arguments)


def _known(item: Item, schema: LabelSchema) -> bool:
    """Whether `schema` has every label of the item."""
    is_event = isinstance(item, Event)
    values = {one.name: one.names for one in schema.attributes_of("events" if is_event else "entities")}
    if any(value not in values.get(name, ()) for name, value in item.attributes.items()):
        return False
    if isinstance(item, Event):
        return all((item.type, one.role) in schema.fillers for one in item.arguments) and bool(
            schema.event_type(item.type)
        )
    return schema.entity_type(item.type) is not None


def _merged(items: Iterable[ItemT], before: dict[str, str]) -> tuple[list[ItemT], dict[str, str]]:
    """Merge items that a merge of types made equal; an event gets the arguments of all.

    Returns the remaining items, and a map from every item's id to the id of the item it was merged into.
    """
    kept: dict[str, ItemT] = {}
    merged_into: dict[str, str] = {}
    places: dict[tuple[object, ...], str] = {}
    for item in items:
        place = (item.start, item.end, item.type, tuple(sorted(item.attributes.items())))
        first = places.setdefault(place, item.id)
        if before[first] == before[item.id]:  # itself, or a duplicate from before the migration
            kept[item.id], merged_into[item.id] = item, item.id
            continue
        merged_into[item.id] = first
        if isinstance(item, Event):
            arguments = (*getattr(kept[first], "arguments", ()), *item.arguments)
            kept[first] = kept[first].model_copy(update={"arguments": arguments})
    return list(kept.values()), merged_into


def _with_fillers(event: Event, merged_into: dict[str, str]) -> Event:
    """The event without arguments whose filler was removed, is duplicated, or is the event itself."""
    arguments: dict[tuple[str, str], Argument] = {}
    for argument in event.arguments:
        filler = merged_into.get(argument.filler)
        if filler is not None and filler != event.id:
            arguments.setdefault((argument.role, filler), argument.model_copy(update={"filler": filler}))
    return event.model_copy(update={"arguments": tuple(arguments.values())})
