"""What became of predictions: every kind of change counted by hand, by engine, label, annotator and week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import sha256
from curation.metrics.corrections import Became, Corrections, Corrector, Group, changes
from curation.metrics.effort import LONGEST

DEFAULTS = {"entities": {"mention": "name"}, "events": {"modality": "asserted"}}
RULES = Annotator(kind="engine", name="rules", version="1.0.0")
OTHER = Annotator(kind="engine", name="other", version="2.0.0")
DAYS = datetime(2031, 3, 3, 12, tzinfo=UTC)


def said(by: Annotator, entities: list[Entity], events: list[Event], **fields: Any) -> Annotation:
    given: dict[str, Any] = {
        "id": f"a-{by.name}",
        "article_id": "a1",
        "text_sha256": sha256("some text"),
        "schema": "gardens@1.0.0",
        "annotator": by,
        "state": "predicted" if by.kind == "engine" else "submitted",
        "time": None if by.kind == "engine" else DAYS,
        "entities": tuple(entities),
        "events": tuple(events),
    }
    return Annotation(**given | fields)


def person(name: str) -> Annotator:
    return Annotator(kind="person", name=name)


def entity(name: str, start: int, end: int, type_: str = "Plant", **attributes: str) -> Entity:
    return Entity(id=name, start=start, end=end, type=type_, attributes=attributes)


def event(name: str, start: int, end: int, *pairs: tuple[str, str], type_: str = "Sow", **attributes: str) -> Event:
    said = tuple(Argument(role=role, filler=filler) for role, filler in pairs)
    return Event(id=name, start=start, end=end, type=type_, arguments=said, attributes=attributes)


PREDICTED = (
    [
        entity("e1", 0, 5),  # kept
        entity("e2", 10, 15),  # its mention is changed
        entity("e3", 20, 25),  # becomes a Tool
        entity("e4", 30, 35),  # begins later
        entity("e5", 40, 45),  # becomes a Tool that ends later
        entity("e6", 50, 55),  # removed
    ],
    [
        event("v1", 60, 65, ("sower", "e1"), ("seed", "e3"), ("place", "e6"), ("tool", "e2")),
        event("v2", 70, 75, ("sower", "e1")),  # becomes pruning: its argument goes, another comes
    ],
)
MADE = (
    [
        entity("e1", 0, 5, mention="name"),
        entity("e2", 10, 15, mention="nominal"),
        entity("e3", 20, 25, "Tool"),
        entity("e4", 32, 35),
        entity("e5", 40, 47, "Tool"),
        entity("new", 90, 95, "Tool"),
    ],
    [
        # sower kept, the tool e2 is a helper, seed and tool are others, and there is no place
        event("v1", 60, 65, ("sower", "e1"), ("seed", "e4"), ("helper", "e2"), ("tool", "new"), modality="denied"),
        event("v2", 70, 75, ("sower", "e1"), type_="Prune"),
    ],
)


def corrected(*pairs: tuple[Annotation, Annotation]) -> Corrections:
    corrector = Corrector(DEFAULTS)
    for prediction, annotation in pairs:
        corrector.add(prediction, annotation)
    found = corrector.result()
    assert found is not None
    return found


@pytest.fixture
def one() -> Corrections:
    return corrected((said(RULES, *PREDICTED), said(person("3"), *MADE, lead_time=100.0)))


def test_every_item_has_its_fate() -> None:
    told = changes(said(RULES, *PREDICTED), said(person("3"), *MADE), DEFAULTS)
    found = [(one.what, one.fate, (one.predicted or one.corrected).start) for one in told]
    assert found == [
        ("entity", "kept", 0),
        ("entity", "attributes", 10),
        ("entity", "type", 20),
        ("entity", "border", 30),
        ("entity", "type and border", 40),
        ("entity", "removed", 50),
        ("entity", "added", 90),
        ("event", "attributes", 60),
        ("event", "type", 70),
        ("argument", "kept", 0),
        ("argument", "type", 10),
        ("argument", "removed", 20),
        ("argument", "added", 32),
        ("argument", "removed", 50),
        ("argument", "added", 90),
        ("argument", "added", 0),
        ("argument", "removed", 0),
    ]


def test_fates_by_hand(one: Corrections) -> None:
    entities, triggers, arguments = one.all.entities, one.all.triggers, one.all.arguments
    assert (entities.predicted, entities.kept, entities.acceptance) == (6, 1, 0.1667)
    assert (entities.attributes, entities.type, entities.border) == (1, 1, 1)
    assert (entities.type_and_border, entities.removed, entities.added) == (1, 1, 1)
    assert (triggers.predicted, triggers.kept, triggers.attributes, triggers.type) == (2, 0, 1, 1)
    assert (triggers.removed, triggers.added, triggers.acceptance) == (0, 0, 0.0)
    assert (arguments.predicted, arguments.kept, arguments.type) == (5, 1, 1)
    assert (arguments.removed, arguments.added, arguments.acceptance) == (3, 3, 0.2)


def test_what_labels_become(one: Corrections) -> None:
    assert one.became["entities"] == (
        Became(said="Plant", made="Tool", count=2),
        Became(said=None, made="Tool", count=1),
        Became(said="Plant", made=None, count=1),
    )
    assert one.became["triggers"] == (Became(said="Sow", made="Prune", count=1),)
    assert Became(said="tool", made="helper", count=1) in one.became["arguments"]
    assert one.by_label["entities"]["Plant"] == one.all.entities.model_copy(update={"added": 0})
    added = one.by_label["entities"]["Tool"]
    assert (added.predicted, added.added, added.acceptance) == (0, 1, None)
    assert set(one.by_label["arguments"]) == {"sower", "seed", "place", "tool"}


def test_attributes_and_borders(one: Corrections) -> None:
    mention, modality = one.attributes
    assert (mention.name, mention.of, mention.kept, mention.changed) == ("mention", "entities", 4, 1)
    assert mention.became == (Became(said="name", made="nominal", count=1),)
    assert (modality.name, modality.of, modality.kept, modality.changed) == ("modality", "triggers", 1, 1)
    assert modality.became == (Became(said="asserted", made="denied", count=1),)
    assert one.borders["entities"].model_dump() == {
        "start_earlier": 0,
        "start_later": 1,
        "end_earlier": 0,
        "end_later": 1,
    }
    assert not any(one.borders["triggers"].model_dump().values())


def test_groups() -> None:
    """Two engines, two people, two weeks: the first day of 2030 is in week one, 2029's last Sunday in its last."""
    spans = [entity("e1", 0, 5), entity("e2", 10, 15)]
    west = timezone(timedelta(hours=-5))
    found = corrected(
        (said(RULES, spans, []), said(person("3"), spans, [], time=datetime(2029, 12, 30, 23, tzinfo=UTC))),
        (said(RULES, spans, []), said(person("4"), spans[:1], [], time=datetime(2029, 12, 30, 20, tzinfo=west))),
        (said(OTHER, spans, []), said(person("4"), [], [], time=None)),
    )

    def told(groups: dict[str, Group]) -> dict[str, tuple[int, float | None]]:
        return {name: (group.annotations, group.entities.acceptance) for name, group in groups.items()}

    assert told(found.by_engine) == {"engine:other@2.0.0": (1, 0.0), "engine:rules@1.0.0": (2, 0.75)}
    assert told(found.by_annotator) == {"person:3": (1, 1.0), "person:4": (2, 0.25)}
    assert told(found.by_week) == {"2029-W52": (1, 1.0), "2030-W01": (1, 0.5), "no date": (1, 0.0)}
    assert found.all.annotations == 3


def test_times_that_cannot_be_believed_are_told_and_left_out() -> None:
    blank = said(RULES, [], [])
    times = [10.0, 20.0, 60.0, 0.0, 0.4, None, 3 * 86400.0, LONGEST]
    found = corrected(*((blank, said(person("3"), [], [], lead_time=time)) for time in times)).all.times
    assert (found.timed, found.zero_times, found.long_times, found.no_time) == (4, 2, 1, 1)
    assert found.seconds == (17.5, 40.0, 3645.0)


def test_effort_is_that_of_the_editor(one: Corrections) -> None:
    """A kept item costs nothing; a removed one two clicks; from nothing a span costs three."""
    spans = [entity("e1", 0, 5), entity("e2", 10, 15)]
    found = corrected((said(RULES, spans, []), said(person("3"), spans[:1], []))).all.effort
    assert (found.cost, found.blank_cost, found.ratio) == (2, 3, 0.6667)
    assert one.all.effort.ratio is not None
    assert 0 < one.all.effort.ratio < 1
    nothing = corrected((said(RULES, [], []), said(person("3"), [], []))).all
    assert (nothing.effort.ratio, nothing.entities.acceptance) == (None, None)


def test_an_attribute_left_out_is_its_default() -> None:
    before = [entity("e1", 0, 5, mention="name")]
    assert corrected((said(RULES, before, []), said(person("3"), [entity("e1", 0, 5)], []))).all.entities.kept == 1


def test_other_texts_and_nothing() -> None:
    assert Corrector(DEFAULTS).result() is None
    with pytest.raises(ValueError, match="different texts"):
        Corrector(DEFAULTS).add(said(RULES, [], []), said(person("3"), [], [], text_sha256=sha256("another")))


def test_everything_can_be_dumped_and_read_again(one: Corrections) -> None:
    assert Corrections.model_validate_json(one.model_dump_json()) == one
