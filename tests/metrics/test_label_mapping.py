"""Our labels told in another ontology's: the gold decides among several names, what has no name is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import sha256
from curation.errors import BadInput
from curation.metrics.label_mapping import Mapping, mapped_only, mapping_to, own_names, translate
from curation.metrics.matching import FILLER, compare, links
from curation.schema import LabelSchema

MAPPING = Mapping(
    "there",
    {"Crew": ("ORG", "PER"), "Town": ("GPE",), "Captain": ("PER",)},
    {"Raid": ("Attack.Fire", "Attack.Other"), "Talk": ("Meet",)},
    {
        ("Raid", "raider"): ("Attacker",),
        ("Raid", "place"): ("Place",),
        ("Talk", "party"): ("Host", "Guest"),
        ("Talk", "topic"): ("Topic",),
    },
)


def annotation(entities: list[Entity], events: list[Event] | None = None) -> Annotation:
    record = {
        "id": "x",
        "article_id": "a1",
        "text_sha256": sha256("some text"),
        "schema": "gardens@1.0.0",
        "annotator": {"kind": "person", "name": "3"},
        "entities": entities,
        "events": events or [],
    }
    return Annotation.from_record(record, path=Path("x"))


def entity(name: str, start: int, end: int, type_: str, score: float | None = None) -> Entity:
    return Entity(id=name, start=start, end=end, type=type_, score=score, attributes={})


def event(name: str, start: int, end: int, type_: str, *pairs: tuple[str, str]) -> Event:
    said = tuple(Argument(role=role, filler=filler) for role, filler in pairs)
    return Event(id=name, start=start, end=end, type=type_, arguments=said)


def types(one: Annotation) -> list[tuple[str, str]]:
    return [(item.id, item.type) for item in one.items()]


def test_the_most_usual_name_unless_the_gold_has_another() -> None:
    gold = annotation([entity("g1", 0, 4, "PER"), entity("g2", 10, 16, "PER"), entity("g3", 20, 24, "GPE")])
    said = annotation(
        [
            entity("p1", 0, 4, "Crew"),  # the gold has PER on this span
            entity("p2", 12, 16, "Crew"),  # and PER on one that overlaps
            entity("p3", 20, 24, "Crew"),  # GPE is none of its names
            entity("p4", 30, 34, "Crew"),
        ]
    )
    assert types(translate(said, gold, MAPPING)) == [("p1", "PER"), ("p2", "PER"), ("p3", "ORG"), ("p4", "ORG")]


def test_each_gold_item_serves_once_and_the_least_choice_goes_first() -> None:
    gold = annotation([entity("g1", 0, 4, "PER"), entity("g2", 0, 4, "ORG")])
    said = annotation([entity("p1", 0, 4, "Crew"), entity("p2", 0, 4, "Captain")])
    assert types(translate(said, gold, MAPPING)) == [("p1", "ORG"), ("p2", "PER")]


def test_scores_stay_and_attributes_go() -> None:
    one = Entity(id="p1", start=0, end=4, type="Town", score=0.7, attributes={"mention": "name"})
    (found,) = translate(annotation([one]), annotation([]), MAPPING).entities
    assert (found.type, found.score, found.attributes) == ("GPE", 0.7, {})


def test_what_has_no_name_is_left_out_but_for_fillers() -> None:
    said = annotation(
        [
            entity("p1", 0, 4, "Crew"),
            entity("p2", 5, 8, "Day"),
            entity("p3", 10, 14, "Boat"),
            entity("p4", 15, 18, "Boat"),
        ],
        [
            event("v1", 20, 24, "Raid", ("raider", "p3"), ("day", "p2")),
            event("v2", 30, 34, "Rest", ("place", "p4")),
            event("v3", 40, 44, "Talk", ("topic", "v2")),
        ],
    )
    found = translate(said, annotation([]), MAPPING)
    # the day has no role there; the boat raids; nobody rests there, but rest is what they talk of
    assert types(found) == [
        ("p1", "ORG"),
        ("p3", FILLER),
        ("v2", FILLER),
        ("v1", "Attack.Fire"),
        ("v3", "Meet"),
    ]
    assert [(link.type, link.start) for link in links(found)] == [("Attacker", 10), ("Topic", 30)]


def test_roles_with_several_names_follow_the_gold() -> None:
    people = [entity("g1", 0, 4, "PER"), entity("g2", 10, 16, "PER"), entity("g3", 50, 54, "PER")]
    gold = annotation(people, [event("w1", 20, 24, "Meet", ("Host", "g1"), ("Guest", "g2"), ("Guest", "g3"))])
    said = annotation(
        [entity("p1", 0, 4, "Captain"), entity("p2", 12, 16, "Captain"), entity("p3", 50, 54, "Captain")],
        [
            event("v1", 20, 24, "Talk", ("party", "p1"), ("party", "p2")),
            event("v2", 30, 34, "Talk", ("party", "p3")),  # another trigger, the same filler
            event("v3", 40, 44, "Talk", ("party", "p2")),  # another trigger, and only an overlap
        ],
    )
    found = translate(said, gold, MAPPING)
    assert [(link.trigger[0], link.type) for link in links(found)] == [
        (20, "Host"),
        (20, "Guest"),
        (30, "Guest"),
        (40, "Host"),
    ]


def test_two_roles_of_one_name_at_one_filler_are_one() -> None:
    mapping = Mapping(
        "there", {"Town": ("GPE",)}, {"Call": ("Phone",)}, {("Call", "by"): ("Entity",), ("Call", "to"): ("Entity",)}
    )
    said = annotation([entity("p1", 0, 4, "Town")], [event("v1", 5, 8, "Call", ("by", "p1"), ("to", "p1"))])
    assert [link.type for link in links(translate(said, annotation([]), mapping))] == ["Entity"]


def test_gold_that_maps() -> None:
    gold = annotation(
        [entity("g1", 0, 4, "PER"), entity("g2", 5, 8, "TITLE"), entity("g3", 10, 14, "TITLE")],
        [
            event("w1", 20, 24, "Attack.Other", ("Attacker", "g2"), ("Host", "g1")),
            event("w2", 30, 34, "Trial", ("Host", "g3")),
            event("w3", 40, 44, "Meet", ("Topic", "w2")),
        ],
    )
    found = mapped_only(gold, MAPPING)
    assert types(found) == [("g1", "PER"), ("g2", FILLER), ("w2", FILLER), ("w1", "Attack.Other"), ("w3", "Meet")]
    # Host is a role of Meet, not of an attack
    assert [(link.trigger[2], link.type) for link in links(found)] == [("Attack.Other", "Attacker"), ("Meet", "Topic")]


def test_from_the_schema(schema: LabelSchema) -> None:
    mapping = mapping_to("m2e2", schema)
    assert mapping.entities["Person"] == ("PER",)
    assert "Time" not in mapping.entities
    assert mapping.events["Offensive"] == ("Conflict:Attack",)
    assert mapping.roles["Clash", "participant"] == ("Attacker", "Target")
    assert ("Clash", "time") not in mapping.roles


def test_an_ontology_nobody_names(schema: LabelSchema) -> None:
    with pytest.raises(BadInput, match=r"conflict-news@.* names nothing in 'gardens'; choose one of ace2005, acled"):
        mapping_to("gardens", schema)


def test_own_names_change_nothing(schema: LabelSchema, annotation: Annotation) -> None:
    found = translate(annotation, annotation, own_names(schema))
    bare = found.model_copy(update={"entities": annotation.entities})
    assert types(found) == types(annotation)
    assert [event.arguments for event in bare.events] == [event.arguments for event in annotation.events]
    assert types(mapped_only(annotation, own_names(schema))) == types(annotation)


spans = st.tuples(st.integers(0, 12), st.integers(1, 6))


@st.composite
def annotations(draw: st.DrawFn, kinds: str, triggers: str, roles: str) -> Annotation:
    entities = [
        entity(f"e{i}", start, start + length, draw(st.sampled_from(kinds)))
        for i, (start, length) in enumerate(draw(st.lists(spans, max_size=6)))
    ]
    events: list[Event] = []
    for i, (start, length) in enumerate(draw(st.lists(spans, max_size=4))):
        ids = [item.id for item in (*entities, *events)]
        pairs = st.lists(st.tuples(st.sampled_from(roles), st.sampled_from(ids)), max_size=3, unique=True)
        kind = draw(st.sampled_from(triggers))
        events.append(event(f"v{i}", start, start + length, kind, *(draw(pairs) if ids else [])))
    return annotation(entities, events)


ANY = Mapping(
    "there",
    {"A": ("x", "y"), "B": ("y",)},
    {"V": ("p", "q"), "W": ("q",)},
    {("V", "r"): ("s", "t"), ("V", "k"): ("t",), ("W", "r"): ("t",)},
)
RIGHT = {"x": {"A"}, "y": {"A", "B"}, "p": {"V"}, "q": {"V", "W"}}


@given(annotations("ABC", "VWX", "rk"), annotations("xyz", "pqo", "stu"))
def test_translation_holds_together(said: Annotation, gold: Annotation) -> None:
    found = translate(said, gold, ANY)
    Annotation.model_validate(found.model_dump(by_alias=True))
    before = {item.id: item for item in said.items()}
    for item in found.items():
        assert (item.start, item.end) == (before[item.id].start, before[item.id].end)
        assert item.type == FILLER or before[item.id].type in RIGHT[item.type]
    for event_ in found.events:
        ours = before[event_.id]
        assert isinstance(ours, Event)
        assert {argument.filler for argument in event_.arguments} <= {argument.filler for argument in ours.arguments}
    # as many right as a span-by-span count allows: no gold item of a fitting type is passed over on its span
    same = [pair for pair in compare(gold, found).entities if pair.kind == "same" and pair.reference]
    for one in gold.entities:
        fitting = [item for item in said.entities if (item.start, item.end) == (one.start, one.end)]
        alone = sum((other.start, other.end) == (one.start, one.end) for other in gold.entities) == 1
        if alone and any(item.type in RIGHT.get(one.type, set()) for item in fitting):
            assert any(pair.reference and pair.reference.id == one.id for pair in same)


@given(annotations("xyz", "pqo", "stu"))
def test_gold_that_maps_holds_together(gold: Annotation) -> None:
    found = mapped_only(gold, ANY)
    Annotation.model_validate(found.model_dump(by_alias=True))
    assert {item.type for item in found.items()} <= {"x", "y", "p", "q", FILLER}
    assert {link.type for link in links(found)} <= {"s", "t"}
