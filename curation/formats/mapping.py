"""From the labels of another ontology to ours: the `elsewhere` lists of the label schema, read backwards.

A name there that several types of ours have goes to the one that the schema has first. What no type of ours has a name
for is left out and counted.
"""

from __future__ import annotations

from curation.annotation import Annotation
from curation.errors import BadInput
from curation.formats.loss import Loss
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
            known = sorted({one for label in (*schema.entity_types, *schema.event_types) for one in label.elsewhere})
            way_out = f"choose one of {', '.join(known) or 'none'}, or give its types `elsewhere: {{{name}: […]}}`"
            raise BadInput(f"{schema.ref} names nothing in {name!r}", field="mapping", way_out=way_out)

    def __call__(self, annotation: Annotation, lost: Loss) -> Annotation:
        """`annotation` in our labels; what has none is left out and counted in `lost`."""
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
                one.model_copy(update={"role": self.roles[ours][one.role]})
                for one in event.arguments
                if one.filler in ids and one.role in self.roles[ours]
            ]
            once = {(one.role, one.filler): one for one in arguments}
            events.append(event.model_copy(update={"type": ours, "arguments": tuple(once.values())}))
        said = sum(len(event.arguments) for event in annotation.events)
        lost.add("entities without a name of ours", len(annotation.entities) - len(entities))
        lost.add("events without a name of ours", len(annotation.events) - len(events))
        lost.add("arguments without a name of ours", said - sum(len(event.arguments) for event in events))
        update = {"schema_ref": self.schema.ref, "entities": tuple(entities), "events": tuple(events)}
        return annotation.model_copy(update=update)


def _backwards(name: str, labels: tuple[LabelType, ...] | tuple[Role, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in labels:
        for there in label.elsewhere.get(name, ()):
            found.setdefault(there, label.name)
    return found
