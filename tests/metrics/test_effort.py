"""Correction effort: actions and their cost, counted by hand, and what must hold for any two annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import sha256
from curation.metrics.effort import ACTIONS, actions, cost
from curation.metrics.matching import Part

ALL: tuple[Part, ...] = ("entities", "events", "arguments")
DEFAULTS = {"entities": {"mention": "name"}, "events": {"modality": "asserted"}}


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


def entity(name: str, start: int, end: int, type_: str = "A", **attributes: str) -> Entity:
    return Entity(id=name, start=start, end=end, type=type_, attributes=attributes)


def event(name: str, start: int, end: int, *pairs: tuple[str, str], **attributes: str) -> Event:
    said = tuple(Argument(role=role, filler=filler) for role, filler in pairs)
    return Event(id=name, start=start, end=end, type="V", arguments=said, attributes=attributes)


def told(gold: Annotation, said: Annotation | None) -> dict[tuple[str, str], int]:
    return {key: count for key, count in actions(gold, said, DEFAULTS).items() if count}


BLANK = annotation([])


def test_from_blank_by_hand() -> None:
    gold = annotation(
        [entity("e1", 0, 4), entity("e2", 9, 12, mention="nominal")],
        [event("v1", 5, 8, ("who", "e1"), ("whom", "e2"), modality="denied"), event("v2", 20, 25)],
    )
    assert told(gold, None) == {
        ("entities", "add span"): 2,
        ("entities", "choose span"): 1,
        ("entities", "set attribute"): 1,
        ("events", "add span"): 2,
        ("events", "choose span"): 1,
        ("events", "set attribute"): 1,
        ("arguments", "add argument"): 2,
    }
    # four spans of 3, two attributes of 1 + 1, two arguments of 6
    assert cost(actions(gold, None, DEFAULTS), ALL) == 12 + 4 + 12
    assert cost(actions(gold, None, DEFAULTS), ["arguments"]) == 12
    assert told(gold, BLANK) == told(gold, None)


def test_each_mending_by_hand() -> None:
    gold = annotation(
        [entity("e1", 0, 4), entity("e2", 10, 14), entity("e3", 20, 24), entity("e4", 30, 40), entity("e5", 50, 52)]
    )
    said = annotation(
        [
            entity("p1", 0, 4, mention="nominal"),  # choose, set the attribute back
            entity("p2", 10, 14, "B"),  # choose, relabel
            entity("p3", 20, 25),  # choose, delete, add
            entity("p4", 31, 39, "B"),  # choose, delete, add
            entity("p6", 60, 61),  # choose, delete
        ]
    )
    assert told(gold, said) == {
        ("entities", "choose span"): 5,
        ("entities", "set attribute"): 1,
        ("entities", "relabel"): 1,
        ("entities", "delete span"): 3,
        ("entities", "add span"): 3,
    }
    assert cost(actions(gold, said, DEFAULTS), ALL) == 5 + 1 + 1 + 3 + 9


def test_a_default_that_is_written_out_costs_nothing() -> None:
    assert told(annotation([entity("e1", 0, 4)]), annotation([entity("p1", 0, 4, mention="name")])) == {}
    # without defaults the same difference counts
    found = actions(annotation([entity("e1", 0, 4)]), annotation([entity("p1", 0, 4, mention="name")]), {})
    assert found["entities", "set attribute"] == 1


def test_arguments_by_hand() -> None:
    entities = [entity("e1", 0, 4), entity("e2", 9, 12), entity("e3", 20, 24)]
    gold = annotation(entities, [event("v1", 5, 8, ("who", "e1"), ("whom", "e2"), ("where", "e3"))])
    said = annotation(
        [entity("p1", 0, 4), entity("p2", 9, 12), entity("p3", 20, 26), entity("p4", 40, 44)],
        # right; the wrong role; right at a filler whose border is wrong; at a span that is deleted; too many
        [
            event("q1", 5, 8, ("who", "p1"), ("how", "p2"), ("where", "p3"), ("why", "p4")),
            event("q2", 30, 33, ("who", "p1")),
        ],
    )
    found = told(gold, said)
    assert {name: count for (section, name), count in found.items() if section == "arguments"} == {
        "change role": 1,
        "add argument": 1,
    }
    said = annotation(said.entities[:3], [event("q1", 5, 8, ("who", "p1"), ("how", "p1"))])  # type: ignore[arg-type]
    found = told(gold, said)
    assert {name: count for (section, name), count in found.items() if section == "arguments"} == {
        "remove argument": 1,
        "add argument": 2,
    }


def test_weights_are_whole_and_reasoned() -> None:
    assert all(action.cost >= 1 and action.why for action in ACTIONS.values())


spans = st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("AB"))


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    attributes: Any = st.sampled_from([{}, {"mention": "nominal"}])
    entities = [
        Entity(id=f"e{i}", start=start, end=start + length, type=kind, attributes=draw(attributes))
        for i, (start, length, kind) in enumerate(draw(st.lists(spans, max_size=6)))
    ]
    events = []
    for i, (start, length, _) in enumerate(draw(st.lists(spans, max_size=3))):
        ids = [item.id for item in (*entities, *events)]
        pairs = st.lists(st.tuples(st.sampled_from("rs"), st.sampled_from(ids)), max_size=3, unique=True)
        events.append(event(f"v{i}", start, start + length, *(draw(pairs) if ids else [])))
    return annotation(entities, events)


@given(annotations())
def test_gold_against_itself_costs_nothing(gold: Annotation) -> None:
    assert told(gold, gold) == {}


@given(annotations())
def test_blank_costs_what_nothing_does(gold: Annotation) -> None:
    assert actions(gold, BLANK, DEFAULTS) == actions(gold, None, DEFAULTS)
    only = {name for _, name in told(gold, None)}
    assert only <= {"add span", "choose span", "set attribute", "add argument"}


@given(annotations(), annotations())
def test_the_gold_comes_out(gold: Annotation, said: Annotation) -> None:
    """Spans added and deleted, arguments added and removed, make up the difference in number."""
    found = actions(gold, said, DEFAULTS)
    for section, one, two in (("entities", gold.entities, said.entities), ("events", gold.events, said.events)):
        assert len(two) + found[section, "add span"] - found[section, "delete span"] == len(one)  # type: ignore[index]
    if found["entities", "delete span"] == found["events", "delete span"] == 0:
        there, wanted = (sum(len(event.arguments) for event in one.events) for one in (said, gold))
        assert there + found["arguments", "add argument"] - found["arguments", "remove argument"] == wanted


def test_the_docs_give_the_same_costs() -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in docs.splitlines() if line.startswith("| ")]
    told = {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdigit()}
    assert told == {name: action.cost for name, action in ACTIONS.items()}
