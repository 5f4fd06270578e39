"""Carry annotations made with an earlier version of a label schema to this one, as its `migrations` say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.schema import Becomes, LabelSchema, Migration, parse_version

ItemT = TypeVar("ItemT", bound=Item)


class Undecided(NamedTuple):
    """An item whose type was split, and no case of the split fits it: it keeps its old type."""

    item: str
    message: str


class Carried(NamedTuple):
    """Entities and events in the labels of a later version; ids, scores and origins are as they were."""

    entities: tuple[Entity, ...]
    events: tuple[Event, ...]
    undecided: tuple[Undecided, ...] = ()


def migrate(annotation: Annotation, schema: LabelSchema) -> tuple[Annotation, tuple[Undecided, ...]]:
    """`annotation` in the labels of `schema`, and what could not be decided.

    One of another schema, of this very version or of a later one comes back as it is.
    """
    name, _, version = annotation.schema_ref.partition("@")
    if name != schema.name or parse_version(version) >= parse_version(schema.version):
        return annotation, ()
    entities, events, undecided = carry(annotation.entities, annotation.events, version, schema)
    update = {"schema_ref": schema.ref, "entities": entities, "events": events}
    return annotation.model_copy(update=update), undecided


def carry(entities: Iterable[Entity], events: Iterable[Event], version: str, schema: LabelSchema) -> Carried:
    """Items made with `version` in the labels of `schema`.

    What becomes of an item is decided by the migrations after `version`. An item whose labels `schema` still does not
    know after that is older than `version` says (someone had the page open while the schema changed): all of the
    migrations are tried on it. Items that merge into the same one (kind, span, type, attributes) become one.
    """
    entities, events = tuple(entities), tuple(events)
    if not schema.migrations:
        return Carried(entities, events)
    steps = [one for one in schema.migrations if parse_version(one.version) > parse_version(version)]
    undecided: list[Undecided] = []
    before = {item.id: item.type for item in (*entities, *events)}
    kept_entities, stand_for_entities = _merged(_all(entities, steps, schema, undecided), before)
    kept_events, stand_for_events = _merged(_all(events, steps, schema, undecided), before)
    stands_for = stand_for_entities | stand_for_events
    told = tuple(_with_fillers(event, stands_for) for event in kept_events)
    return Carried(tuple(kept_entities), told, tuple(undecided))


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
    """The item after all of these steps; None where it was removed."""
    for step in steps:
        types: dict[str, Becomes] = step.event_types if isinstance(item, Event) else step.entity_types
        becomes: Becomes = types.get(item.type, item.type)
        if isinstance(becomes, tuple):
            becomes = _decided(item, step, schema)
            if becomes is None:
                return item, [Undecided(item.id, f"{item.type} was split in {step.version}, and no case fits")]
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
    """The type that a split gives the item."""
    cases = (step.event_types if isinstance(item, Event) else step.entity_types)[item.type]
    filled = {one.role for one in item.arguments} if isinstance(item, Event) else set()
    usual = {one.name: one.default for one in schema.attributes}
    for case in cases if isinstance(cases, tuple) else ():
        fits = all(item.attributes.get(name, usual.get(name)) == value for name, value in case.when.items())
        if fits and filled.issuperset(case.roles):
            return case.to
    return None


def _attributes(attributes: dict[str, str], step: Migration, schema: LabelSchema) -> dict[str, str]:
    usual = {one.name: one.default for one in schema.attributes}
    new = {}
    for name, value in attributes.items():
        to, says = step.attributes.get(name, name), step.values.get(f"{name}.{value}", value)
        if to is not None and says is not None and (usual.get(to) != says or (to, says) == (name, value)):
            new[to] = says
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
    """Has `schema` every label of the item?"""
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
    """Items that a merge of types made the same become one, with the arguments of all.

    Returns what is left, and for every item's id the id of the one that stands for it.
    """
    kept: dict[str, ItemT] = {}
    stands_for: dict[str, str] = {}
    places: dict[tuple[object, ...], str] = {}
    for item in items:
        place = (item.start, item.end, item.type, tuple(sorted(item.attributes.items())))
        first = places.setdefault(place, item.id)
        if before[first] == before[item.id]:  # itself, or as double as it was
            kept[item.id], stands_for[item.id] = item, item.id
            continue
        stands_for[item.id] = first
        if isinstance(item, Event):
            arguments = (*getattr(kept[first], "arguments", ()), *item.arguments)
            kept[first] = kept[first].model_copy(update={"arguments": arguments})
    return list(kept.values()), stands_for


def _with_fillers(event: Event, stands_for: dict[str, str]) -> Event:
    """The event without arguments whose filler is gone, said twice, or the event itself."""
    arguments: dict[tuple[str, str], Argument] = {}
    for argument in event.arguments:
        filler = stands_for.get(argument.filler)
        if filler is not None and filler != event.id:
            arguments.setdefault((argument.role, filler), argument.model_copy(update={"filler": filler}))
    return event.model_copy(update={"arguments": tuple(arguments.values())})
