"""From the labels of another ontology to ours, by the `elsewhere` lists of the label schema.

A label that several types of ours list becomes the first of them. Labels that no type lists are left out and counted.
`curation.metrics.label_mapping` goes the other way, from our labels to those of gold.
"""

from __future__ import annotations

from curation.annotation import Annotation
from curation.formats.format_loss import Loss
from curation.metrics.label_mapping import no_names_in
from curation.schema import LabelSchema, LabelType, Role


class Translation:
    """Names of the ontology `name` → ours: entity types, event types, and roles by our event type."""

    def __init__(self, name: str, schema: LabelSchema) -> None:
        """Raises BadInput where no type of the schema has a name there."""
        self.entities = _backwards(name, schema.entity_types)
        self.events = _backwards(name, schema.event_types)
        self.roles = {label.name: _backwards(name, label.roles) for label in schema.event_types}
        self.schema = schema
        if not self.entities and not self.events:
            raise no_names_in(name, schema)

    def __call__(self, annotation: Annotation, lost: Loss) -> Annotation:
        """`annotation` in our labels; items without one are left out and counted in `lost`."""
        entities = [
            entity.model_copy(update={"type": self.entities[entity.type]})
            for entity in annotation.entities
            if entity.type in self.entities
        ]
        kept = [event for event in annotation.events if event.type in self.events]
        ids = {item.id for item in (*entities, *kept)}
        events = []
        for event in kept:
            ours = self.events[event.type]
            arguments = [
                argument.model_copy(update={"role": self.roles[ours][argument.role]})
                for argument in event.arguments
                if argument.filler in ids and argument.role in self.roles[ours]
            ]
            unique = {(argument.role, argument.filler): argument for argument in arguments}
            events.append(event.model_copy(update={"type": ours, "arguments": tuple(unique.values())}))
        total = sum(len(event.arguments) for event in annotation.events)
        lost.add("entities without a name of ours", len(annotation.entities) - len(entities))
        lost.add("events without a name of ours", len(annotation.events) - len(events))
        lost.add("arguments without a name of ours", total - sum(len(event.arguments) for event in events))
        update = {"schema_ref": self.schema.ref, "entities": tuple(entities), "events": tuple(events)}
        return annotation.model_copy(update=update)


def _backwards(name: str, labels: tuple[LabelType, ...] | tuple[Role, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in labels:
        for there in label.elsewhere.get(name, ()):
            found.setdefault(there, label.name)
    return found
