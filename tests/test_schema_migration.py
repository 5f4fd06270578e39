"""Annotations of earlier schema versions in the labels of a later one: what each kind of change does to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.errors import SchemaError
from curation.schema import LabelSchema, load_schema
from curation.schema_migration import Undecided, migrate, migrate_items

LATER = """\
name: gardens
version: 3.0.0
title: Gardens
description: Who plants what.
attributes:
  - name: certainty
    of: events
    definition: Whether it is so.
    default: real
    values:
      - {name: real, definition: It is.}
      - {name: planned, definition: It is meant to be.}
  - name: mention
    of: entities
    definition: How it is said.
    default: name
    values:
      - {name: name, definition: By its name.}
      - {name: pronoun, definition: By a pronoun.}
entity_types:
  - {name: Person, definition: A human., colour: "#112233"}
  - {name: Pronoun, definition: A word for one., colour: "#112234"}
  - {name: Group, definition: Several., colour: "#445566"}
event_types:
  - name: Planting
    definition: A plant is put into the ground.
    colour: "#778899"
    roles:
      - {name: agent, definition: Who plants., fillers: [Person, Pronoun, Group]}
      - {name: reason, definition: Why., fillers: [Event]}
  - name: Sale
    definition: Plants are sold for money.
    colour: "#778890"
    roles:
      - {name: agent, definition: Who sells., fillers: [Person, Pronoun, Group]}
      - {name: price, definition: For how much., fillers: [Group]}
  - name: Gift
    definition: Plants are given away.
    colour: "#778891"
    roles:
      - {name: agent, definition: Who gives., fillers: [Person, Pronoun, Group]}
migrations:
  - version: 2.0.0
    entity_types: {Gardener: Human, Club: Group, Firm: Group, Tool: null}
    roles: {planter: agent, Deal.seller: agent, occasion: reason, weather: null}
    attributes: {mood: certainty, colour: null}
    values: {mood.wished: planned, mood.rumoured: null}
  - version: 3.0.0
    entity_types:
      Human:
        - {to: Pronoun, when: {mention: pronoun}}
        - {to: Person, when: {mention: name}}
    event_types:
      Sowing: Planting
      Deal:
        - {to: Sale, roles: [price]}
        - {to: Gift, when: {certainty: real}}
"""


def read(tmp_path: Path, text: str) -> LabelSchema:
    path = tmp_path / "gardens.yaml"
    path.write_text(text)
    return load_schema(path)


@pytest.fixture
def later(tmp_path: Path) -> LabelSchema:
    return read(tmp_path, LATER)


def entity(name: str, type_name: str, start: int = 0, **attributes: str) -> Entity:
    return Entity(id=name, type=type_name, start=start, end=start + 3, attributes=attributes, score=0.5, origin="o")


def event(name: str, type_name: str, *arguments: tuple[str, str], start: int = 50, **attributes: str) -> Event:
    filled = tuple(Argument(role=role, filler=filler, score=0.25, origin="p") for role, filler in arguments)
    return Event(id=name, type=type_name, start=start, end=start + 3, attributes=attributes, arguments=filled)


def made(*items: Entity | Event, version: str = "1.0.0", **more: Any) -> Annotation:
    return Annotation(
        id="p1",
        article_id="a1",
        text_sha256="0" * 64,
        schema=f"gardens@{version}",
        annotator=Annotator(kind="person", name="ls-3"),
        entities=tuple(one for one in items if isinstance(one, Entity)),
        events=tuple(one for one in items if isinstance(one, Event)),
        **more,
    )


def types(annotation: Annotation) -> dict[str, str]:
    return {item.id: item.type for item in annotation.items()}


def said(annotation: Annotation, name: str) -> list[tuple[str, str]]:
    (one,) = [event for event in annotation.events if event.id == name]
    return [(argument.role, argument.filler) for argument in one.arguments]


def test_types_are_renamed_through_all_versions_and_origins_stay(later: LabelSchema) -> None:
    old = made(
        entity("e1", "Gardener", mention="name"), event("v1", "Sowing", ("planter", "e1")), parent="q", lead_time=2.0
    )
    new, undecided = migrate(old, later)
    assert undecided == ()
    assert types(new) == {"e1": "Person", "v1": "Planting"}
    assert said(new, "v1") == [("agent", "e1")]
    assert (new.schema_ref, new.id, new.parent, new.lead_time) == ("gardens@3.0.0", "p1", "q", 2.0)
    assert (new.entities[0].score, new.entities[0].origin) == (0.5, "o")
    assert (new.events[0].arguments[0].score, new.events[0].arguments[0].origin) == (0.25, "p")
    assert Annotation.model_validate_json(new.to_json()) == new


def test_only_what_came_after_its_version_is_applied(later: LabelSchema) -> None:
    second = made(entity("e1", "Human"), event("v1", "Sowing", ("agent", "e1")), version="2.4.1")
    assert types(migrate(second, later)[0]) == {"e1": "Person", "v1": "Planting"}
    for version in ("3.0.0", "3.1.0"):
        same = made(entity("e1", "Gardener"), version=version)
        assert migrate(same, later) == (same, ())
    other = made(entity("e1", "Gardener")).model_copy(update={"schema_ref": "orchards@1.0.0"})
    assert migrate(other, later) == (other, ())


def test_a_label_that_only_older_versions_had_is_taken_for_old(later: LabelSchema) -> None:
    entities, events, undecided = migrate_items(
        [entity("e1", "Gardener"), entity("e2", "Person", 9)],
        [event("v1", "Planting", ("planter", "e1"))],
        "3.0.0",
        later,
    )
    assert [one.type for one in entities] == ["Person", "Person"]
    assert [(one.role, one.filler) for one in events[0].arguments] == [("agent", "e1")]
    assert undecided == ()
    nowhere = migrate_items([entity("e1", "Robot")], [], "3.0.0", later)
    assert [one.type for one in nowhere.entities] == ["Robot"]


def test_types_that_become_one_are_merged_where_they_stand_on_the_same_span(later: LabelSchema) -> None:
    old = made(
        entity("e1", "Club"),
        entity("e2", "Firm"),
        entity("e3", "Firm", 9),
        event("v1", "Sowing", ("planter", "e1"), ("planter", "e2"), ("occasion", "v2"), ("occasion", "v3")),
        event("v2", "Planting", ("planter", "e2")),
        event("v3", "Sowing", ("planter", "e3"), ("occasion", "v2")),
    )
    new, _ = migrate(old, later)
    assert types(new) == {"e1": "Group", "e3": "Group", "v1": "Planting", "v3": "Planting"}
    # v2 was merged into v1, so what it was the occasion of is v1 itself: an event cannot fill its own role.
    assert said(new, "v1") == [("agent", "e1"), ("reason", "v3")]
    assert said(new, "v3") == [("agent", "e3"), ("reason", "v1")]
    twice = made(entity("e1", "Group"), entity("e2", "Group"), version="2.0.0")
    assert types(migrate(twice, later)[0]) == {"e1": "Group", "e2": "Group"}, "it was double before, and stays so"


def test_what_is_removed_goes_with_the_arguments_it_filled(later: LabelSchema) -> None:
    old = made(
        entity("e1", "Tool"),
        entity("e2", "Club", 9),
        event("v1", "Planting", ("planter", "e1"), ("planter", "e2"), ("weather", "e2")),
    )
    new, undecided = migrate(old, later)
    assert types(new) == {"e2": "Group", "v1": "Planting"}
    assert said(new, "v1") == [("agent", "e2")]
    assert undecided == ()


def test_attributes_and_values(later: LabelSchema) -> None:
    old = made(
        event("v1", "Planting", mood="wished", colour="red"),
        event("v2", "Planting", start=60, mood="rumoured"),
        event("v3", "Planting", start=70, mood="real"),
        event("v4", "Planting", start=80, mood="odd"),
    )
    new, _ = migrate(old, later)
    assert [one.attributes for one in new.events] == [{"certainty": "planned"}, {}, {}, {"certainty": "odd"}]


def test_a_split_goes_by_attributes_and_roles_and_tells_what_it_cannot_decide(later: LabelSchema) -> None:
    old = made(
        entity("e1", "Human"),
        entity("e2", "Human", 5, mention="pronoun"),
        entity("e3", "Human", 10, mention="nominal"),
        entity("e4", "Group", 15),
        event("v1", "Deal", ("agent", "e1"), ("price", "e4"), certainty="planned"),
        event("v2", "Deal", ("agent", "e3"), start=60),
        event("v3", "Deal", start=70, certainty="planned"),
        version="2.0.0",
    )
    new, undecided = migrate(old, later)
    assert types(new) == {
        "e1": "Person",
        "e2": "Pronoun",
        "e3": "Human",
        "e4": "Group",
        "v1": "Sale",
        "v2": "Gift",
        "v3": "Deal",
    }
    assert undecided == (
        Undecided("e3", "Human was split in 3.0.0, and no case applies"),
        Undecided("v3", "Deal was split in 3.0.0, and no case applies"),
    )
    assert said(new, "v2") == [("agent", "e3")]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "Sowing: Planting",
            "Sowing: Digging",
            "migrations.1.event_types.Sowing: Sowing becomes Digging, which is not",
        ),
        ("Sowing: Planting", "Sowing: Person", "Sowing becomes Person, which is not in gardens@3.0.0"),
        ("Gardener: Human", "Gardener: Plant", "migrations.0.entity_types.Gardener: Gardener becomes Plant"),
        ("planter: agent", "planter: doer", "planter becomes doer"),
        ("mood: certainty", "mood: temper", "mood becomes temper"),
        ("mood.wished: planned", "mood.wished: hoped", "becomes certainty.hoped"),
        ("mood.wished: planned", "mood: planned", "migrations.0.values.mood"),
        ("- version: 2.0.0", "- version: 3.0.0", "migrations.0.version: 3.0.0 is out of order"),
        ("- version: 3.0.0", "- version: 3.0.1", "migrations.1.version: 3.0.1 is out of order"),
        ("to: Pronoun, when: {mention: pronoun}", "to: Pronoun, roles: [agent]", "Human is an entity type"),
        ("Sowing: Planting", "Sowing: []", "event_types.Sowing"),
    ],
)
def test_a_migration_that_leads_nowhere_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in LATER
    with pytest.raises(SchemaError) as error:
        read(tmp_path, LATER.replace(old, new))
    assert says in str(error.value)
