"""The lists behind every ClassLabel of a release. From one release to the next they only grow at their ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from curation.article import Value
from curation.schema import LabelSchema


class Labels(Value):
    """Names in the order of their integers: the n-th name of a list is what the integer n stands for."""

    entity_types: tuple[str, ...]
    event_types: tuple[str, ...]
    roles: tuple[str, ...]
    entity_attributes: dict[str, tuple[str, ...]]
    event_attributes: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, schema: LabelSchema, previous: Labels | None = None) -> Labels:
        """The labels of `schema`: what `previous` has keeps its place, what is new comes after.

        A name that the schema no longer has is dropped, which moves those behind it: see `moved`.
        """
        then = previous or cls(entity_types=(), event_types=(), roles=(), entity_attributes={}, event_attributes={})
        return cls(
            entity_types=_grown(then.entity_types, schema.entity_names),
            event_types=_grown(then.event_types, schema.event_names),
            roles=_grown(then.roles, schema.role_names),
            entity_attributes={
                one.name: _grown(then.entity_attributes.get(one.name, ()), one.names)
                for one in schema.attributes_of("entities")
            },
            event_attributes={
                one.name: _grown(then.event_attributes.get(one.name, ()), one.names)
                for one in schema.attributes_of("events")
            },
        )

    def lists(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each list with the name of the column it is for."""
        yield "entities.type", self.entity_types
        yield "events.type", self.event_types
        yield "events.arguments.role", self.roles
        for name, values in self.entity_attributes.items():
            yield f"entities.attributes.{name}", values
        for name, values in self.event_attributes.items():
            yield f"events.attributes.{name}", values

    def moved(self, previous: Labels) -> list[str]:
        """The columns whose list changed other than by growing at its end, or that are gone."""
        now = dict(self.lists())
        return [name for name, names in previous.lists() if now.get(name, ())[: len(names)] != names]

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Column → names in the order of their integers."""
        return dict(self.lists())


def _grown(previous: Iterable[str], wanted: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(name for name in previous if name in wanted)
    return kept + tuple(name for name in wanted if name not in kept)
