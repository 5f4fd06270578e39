"""From our labels to those of another ontology: the `elsewhere` lists of the label schema are the mapping.

A type of ours with several names there is correct under any of them: if the gold has one of them on the same span (else
on one that overlaps), that one is taken, else the most common, which is listed first. Predictions of types without a
name there are left out. How the annotation conventions of the corpus differ from ours is in a file of its own
(curation/metrics/conventions.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.errors import BadInput
from curation.metrics.conventions import NONE, Conventions, apply_conventions, load_conventions
from curation.metrics.matching import FILLER, Link, links, overlap_finder
from curation.schema import LabelSchema

Names = tuple[str, ...]
Label = TypeVar("Label", str, tuple[str, str])


@dataclass(frozen=True)
class Mapping:
    """Our types, and our roles by event type, with their names in the ontology `name`, the most common first.

    `habit` are the annotation conventions of the corpus; `defaults` the attributes' defaults, which they need.
    """

    name: str
    entities: dict[str, Names]
    events: dict[str, Names]
    roles: dict[tuple[str, str], Names]
    habit: Conventions = NONE
    defaults: dict[str, str] = field(default_factory=dict)


def mapping_to(name: str, schema: LabelSchema, folder: Path | None = None) -> Mapping:
    """The mapping from `schema` to the ontology `name`, as the schema's `elsewhere` lists have it.

    Args:
        name: the ontology.
        schema: ours.
        folder: the folder of `NAME.mapping.yaml`, if the corpus has conventions of its own; None: none.

    Raises:
        BadInput: no type of the schema has a name there, or the file cannot be used.
    """
    habit = load_conventions(folder / f"{name}.mapping.yaml", schema) if folder else NONE
    entities = {label.name: label.elsewhere[name] for label in schema.entity_types if name in label.elsewhere}
    events = {label.name: label.elsewhere[name] for label in schema.event_types if name in label.elsewhere}
    roles = {
        (label.name, role.name): role.elsewhere[name]
        for label in schema.event_types
        for role in label.roles
        if name in role.elsewhere
    }
    if not entities and not events:
        raise no_names_in(name, schema)
    own = {(event, role): names for event, roles_there in habit.roles.items() for role, names in roles_there.items()}
    return Mapping(
        name,
        _named(entities | habit.entities),
        _named(events | habit.events),
        _named(roles | own),
        habit,
        {attribute.name: attribute.default for attribute in schema.attributes},
    )


def no_names_in(ontology: str, schema: LabelSchema) -> BadInput:
    """The error of an ontology in which no type of the schema has a name; it lists those in which some have."""
    labels = (*schema.entity_types, *schema.event_types)
    known = sorted({name for label in labels for name in label.elsewhere})
    way_out = f"choose one of {', '.join(known) or 'none'}, or give its types `elsewhere: {{{ontology}: […]}}`"
    return BadInput(f"{schema.ref} names nothing in {ontology!r}", field="mapping", way_out=way_out)


def _named(names: dict[Label, Names]) -> dict[Label, Names]:
    return {ours: theirs for ours, theirs in names.items() if theirs}


def own_names(schema: LabelSchema) -> Mapping:
    """The mapping of `schema` to itself, for gold that uses its labels but is no annotation of ours."""
    return Mapping(
        schema.name,
        {name: (name,) for name in schema.entity_names},
        {name: (name,) for name in schema.event_names},
        {pair: (pair[1],) for pair in schema.fillers},
    )


def with_conventions(predicted: Annotation, text: str, mapping: Mapping) -> Annotation:
    """`predicted` in our labels, changed to the conventions of the corpus."""
    return apply_conventions(predicted, text, mapping.habit, mapping.defaults)


def translate(predicted: Annotation, gold: Annotation, mapping: Mapping) -> Annotation:
    """`predicted` in the labels of the ontology that `gold` uses, without attributes.

    An entity or event without a name there stays as a filler without a type (FILLER) if a role needs it.
    """
    entity_names = _chosen(predicted.entities, gold.entities, mapping.entities)
    event_names = _chosen(predicted.events, gold.events, mapping.events)
    roles = _Roles(gold)
    items = {item.id: item for item in predicted.items()}
    events = []
    for event in predicted.events:
        if event.id not in event_names:
            continue
        trigger = (event.start, event.end, event_names[event.id])
        arguments: dict[tuple[str, str], Argument] = {}
        for argument in event.arguments:
            if names := mapping.roles.get((event.type, argument.role)):
                role = roles.choose(trigger, items[argument.filler], names)
                renamed = argument.model_copy(update={"role": role})
                arguments.setdefault((role, argument.filler), renamed)
        update = {"type": trigger[2], "attributes": {}, "arguments": tuple(arguments.values())}
        events.append(event.model_copy(update=update))
    return _with_fillers(predicted, {**entity_names, **event_names}, events)


def mapped_only(gold: Annotation, mapping: Mapping) -> Annotation:
    """The part of `gold` in types and roles that something of ours maps to."""
    entities = {name for names in mapping.entities.values() for name in names}
    types = {name for names in mapping.events.values() for name in names}
    roles = {
        (there, role)
        for (ours, _), names in mapping.roles.items()
        for there in mapping.events.get(ours, ())
        for role in names
    }
    events = []
    for event in gold.events:
        if event.type in types:
            arguments = tuple(argument for argument in event.arguments if (event.type, argument.role) in roles)
            events.append(event.model_copy(update={"arguments": arguments}))
    kept = {item.id: item.type for item in gold.entities if item.type in entities}
    return _with_fillers(gold, {**kept, **{event.id: event.type for event in events}}, events)


def _with_fillers(annotation: Annotation, names: dict[str, str], events: Sequence[Event]) -> Annotation:
    """`annotation` with the entities that have a name in `names`, `events`, and a FILLER for each other filler."""
    needed = {argument.filler for event in events for argument in event.arguments}
    entities = [
        Entity(
            id=item.id,
            start=item.start,
            end=item.end,
            type=names.get(item.id, FILLER),
            score=item.score,
            origin=item.origin,
        )
        for item in annotation.items()
        if (item.id in names and isinstance(item, Entity)) or (item.id in needed and item.id not in names)
    ]
    return annotation.model_copy(update={"entities": tuple(entities), "events": tuple(events)})


def _chosen(predicted: Sequence[Item], gold: Sequence[Item], names: dict[str, Names]) -> dict[str, str]:
    """Id of each predicted item that has names → the name that the gold has there, else the most common."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    find = overlap_finder(gold)
    # those with the least choice go first, and a span that is the same before one that overlaps
    waiting = sorted((item for item in predicted if names.get(item.type)), key=lambda item: len(names[item.type]))
    for same_span in (True, False):
        for item in waiting:
            if item.id in chosen:
                continue
            fitting = [
                (min(item.end, other.end) - max(item.start, other.start), -other.start, other.id, other.type)
                for other in map(gold.__getitem__, find(item.start, item.end))
                if other.type in names[item.type]
                and other.id not in taken
                and (not same_span or (other.start, other.end) == (item.start, item.end))
            ]
            if fitting:
                _, _, other_id, chosen[item.id] = max(fitting)
                taken.add(other_id)
    return {item.id: chosen.get(item.id, names[item.type][0]) for item in waiting}


class _Roles:
    """The gold's arguments, which decide between several names of a role, each once."""

    def __init__(self, gold: Annotation) -> None:
        self.links = list(links(gold))
        self.taken: set[int] = set()
        self.find = overlap_finder(self.links)

    def choose(self, trigger: tuple[int, int, str], filler: Item, names: Names) -> str:
        if len(names) == 1:
            return names[0]
        best: tuple[bool, bool, int, int] | None = None
        for place in self.find(filler.start, filler.end):
            link = self.links[place]
            if link.type not in names or link.trigger[2] != trigger[2] or place in self.taken:
                continue
            same_filler = (link.start, link.end) == (filler.start, filler.end)
            same_trigger = link.trigger == trigger
            if same_filler or same_trigger:
                rank = (same_trigger, same_filler, self._shared(link, filler), -place)
                best = rank if best is None else max(best, rank)
        if best is None:
            return names[0]
        self.taken.add(-best[3])
        return self.links[-best[3]].type

    @staticmethod
    def _shared(link: Link, filler: Item) -> int:
        return min(link.end, filler.end) - max(link.start, filler.start)
