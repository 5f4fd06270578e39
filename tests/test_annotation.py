"""Annotations hold together by construction, survive JSON, and are read with errors that name the place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, Span, annotation_id, read_annotations
from curation.article import sha256
from curation.errors import BadInput

ENGINE = {"kind": "engine", "name": "rules", "version": "2.0.0"}
RECORD: dict[str, Any] = {
    "id": "p1",
    "article_id": "a1",
    "text_sha256": sha256("Jets bombed Belmora."),
    "schema": "conflict-news@1.0.0",
    "annotator": ENGINE,
    "entities": [
        {"id": "e1", "start": 0, "end": 4, "type": "Vehicle", "score": 0.5},
        {"id": "e2", "start": 12, "end": 19, "type": "GPE"},
    ],
    "events": [
        {
            "id": "v1",
            "start": 5,
            "end": 11,
            "type": "Attack",
            "attributes": {"modality": "denied"},
            "arguments": [{"role": "instrument", "filler": "e1"}, {"role": "target", "filler": "e2"}],
        }
    ],
}


def record(**changes: Any) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(RECORD)) | changes
    return changed


labels = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
scores = st.none() | st.floats(0, 1)


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    """Any annotation at all: nested, overlapping and equal spans, events that fill events, in circles too."""
    spans = st.tuples(st.integers(0, 50), st.integers(1, 20))
    entities = draw(st.lists(spans, max_size=5))
    events = draw(st.lists(spans, max_size=4))
    ids = [*(f"e{i}" for i in range(len(entities))), *(f"v{i}" for i in range(len(events)))]

    def item(identifier: str, span: tuple[int, int]) -> dict[str, Any]:
        return {
            "id": identifier,
            "start": span[0],
            "end": span[0] + span[1],
            "type": draw(labels),
            "score": draw(scores),
            "attributes": draw(st.dictionaries(labels, labels, max_size=2)),
            "origin": draw(st.none() | labels),
        }

    def event(number: int, span: tuple[int, int]) -> Event:
        others = [identifier for identifier in ids if identifier != f"v{number}"]
        pairs = st.lists(st.tuples(labels, st.sampled_from(others)), max_size=3, unique=True)
        arguments = draw(pairs if others else st.just([]))
        return Event(
            **item(f"v{number}", span),
            arguments=tuple(Argument(role=role, filler=filler, score=draw(scores)) for role, filler in arguments),
        )

    return Annotation(
        id="p1",
        article_id="a1",
        text_sha256=sha256("x"),
        schema_ref="gardens@1.0.0",
        annotator=Annotator(kind="person", name="3"),
        parent=draw(st.none() | st.just("p0")),
        time=draw(st.none() | st.datetimes(timezones=st.just(UTC))),
        state=draw(st.sampled_from(["predicted", "draft", "submitted", "skipped", "reviewed"])),
        lead_time=draw(st.none() | st.floats(0, 1e6)),
        entities=tuple(Entity(**item(f"e{i}", span)) for i, span in enumerate(entities)),
        events=tuple(event(i, span) for i, span in enumerate(events)),
    )


@settings(deadline=None)
@given(annotations())
def test_an_annotation_survives_json(annotation: Annotation) -> None:
    line = annotation.to_json()
    assert "\n" not in line
    assert Annotation.from_record(json.loads(line), path=Path("x")) == annotation


@settings(deadline=None)
@given(annotations())
def test_every_filler_is_an_item(annotation: Annotation) -> None:
    assert len({item.id for item in annotation.items()}) == len(annotation.items())
    for event in annotation.events:
        for argument in event.arguments:
            assert annotation.item(argument.filler).id == argument.filler


def test_json_says_schema_and_leaves_out_what_is_not_set() -> None:
    annotation = Annotation.from_record(record(), path=Path("x"))
    assert annotation.schema_ref == "conflict-news@1.0.0"
    said = json.loads(annotation.to_json())
    assert said["schema"] == "conflict-news@1.0.0"
    assert not {"schema_ref", "parent", "time", "lead_time"} & set(said)
    assert said["entities"][1] == {"id": "e2", "start": 12, "end": 19, "type": "GPE", "attributes": {}}


def test_an_event_may_fill_a_role_of_another() -> None:
    warning = {"id": "v2", "start": 0, "end": 4, "type": "Warning", "arguments": [{"role": "topic", "filler": "v1"}]}
    annotation = Annotation.from_record(record(events=[*RECORD["events"], warning]), path=Path("x"))
    assert annotation.item("v2").type == "Warning"
    assert [item.id for item in annotation.items()] == ["e1", "e2", "v1", "v2"]
    with pytest.raises(KeyError, match="v3"):
        annotation.item("v3")


def entity(**changes: Any) -> dict[str, Any]:
    return {"id": "e1", "start": 0, "end": 4, "type": "GPE"} | changes


def event(*arguments: tuple[str, str], identifier: str = "v1") -> dict[str, Any]:
    said = [{"role": role, "filler": filler} for role, filler in arguments]
    return {"id": identifier, "start": 5, "end": 6, "type": "Attack", "arguments": said}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"entities": [entity(start=4)], "events": []}, "entities.0: start 4 is not below end 4"),
        ({"entities": [entity(start=5)], "events": []}, "entities.0: start 5 is not below end 4"),
        ({"entities": [entity(start=-1)], "events": []}, "entities.0.start: "),
        ({"entities": [entity(start=0.5)], "events": []}, "entities.0.start: "),
        ({"entities": [entity(score=1.01)], "events": []}, "entities.0.score: "),
        ({"entities": [entity(score=float("nan"))], "events": []}, "entities.0.score: "),
        ({"entities": [entity(type="")], "events": []}, "entities.0.type: "),
        ({"entities": [entity(id="a b")], "events": []}, "entities.0.id: "),
        ({"entities": [entity(text="Jets")], "events": []}, "entities.0.text: "),
        ({"entities": [entity(), entity(start=1)], "events": []}, "id e1 is used twice"),
        ({"entities": [entity()], "events": [event(identifier="e1")]}, "id e1 is used twice"),
        ({"events": [event(("target", "e9"))]}, "event v1: target names e9, which is not here"),
        ({"events": [event(("target", "v1"))]}, "events.0: event v1 fills its own role target"),
        ({"events": [event(("target", "e1"), ("target", "e1"))]}, "events.0: event v1 has target e1 twice"),
        ({"schema": "conflict-news"}, "schema: "),
        ({"schema": "conflict-news@1"}, "schema: "),
        ({"text_sha256": "abc"}, "text_sha256: "),
        ({"annotator": {"kind": "robot", "name": "x"}}, "annotator.kind: "),
        ({"state": "done"}, "state: "),
        ({"lead_time": -1}, "lead_time: "),
        ({"lead_time": float("inf")}, "lead_time: "),
    ],
)
def test_what_does_not_hold_together_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Annotation.from_record(record(**changes), path=Path("p.jsonl"), line=2)
    assert str(caught.value).startswith(f"p.jsonl:2: {says}")


def test_one_filler_may_have_two_roles_and_one_role_two_fillers() -> None:
    said = event(("attacker", "e1"), ("instrument", "e1"), ("attacker", "e2"))
    annotation = Annotation.from_record(record(events=[said]), path=Path("x"))
    assert len(annotation.events[0].arguments) == 3


@pytest.mark.parametrize(
    ("annotator", "key"),
    [
        (Annotator(kind="engine", name="spacy", version="1.0.0"), "engine:spacy@1.0.0"),
        (Annotator(kind="person", name="3"), "person:3"),
    ],
)
def test_an_annotator_has_a_key(annotator: Annotator, key: str) -> None:
    assert annotator.key == key


def test_annotations_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    lines = [json.dumps(record(id=f"p{i}")) for i in range(3)]
    path.write_text(f"{lines[0]}\n\n{lines[1]}\n{{broken\n{lines[2]}\n", encoding="utf-8")
    reader = read_annotations(path)
    assert [next(reader).id, next(reader).id] == ["p0", "p1"]
    with pytest.raises(BadInput, match=r"predictions\.jsonl:4: not JSON"):
        next(reader)


def test_a_wrong_field_in_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    wrong = record()
    wrong["events"][0]["arguments"][1]["filler"] = "e7"
    path.write_text(f"{json.dumps(record())}\n{json.dumps(wrong)}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"predictions\.jsonl:2: event v1: target names e7, which is not here"):
        list(read_annotations(path))


def test_ids_are_stable_and_tell_their_parts_apart() -> None:
    assert annotation_id("a1", "engine:spacy@1") == annotation_id("a1", "engine:spacy@1")
    assert annotation_id("ab", "c") != annotation_id("a", "bc")
    assert annotation_id("a", "b") != annotation_id("b", "a")
    assert annotation_id("a1", "spacy") == "28507bc35df46cef435b2b07"


def test_an_annotation_is_frozen() -> None:
    annotation = Annotation.from_record(record(time=datetime(2031, 3, 5, tzinfo=UTC)), path=Path("x"))
    with pytest.raises(ValidationError, match="frozen"):
        annotation.state = "reviewed"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        annotation.entities[0].start = 1  # type: ignore[misc]


@pytest.mark.parametrize("offset", [True, 1.0, "1"])
def test_an_offset_is_never_guessed(offset: object) -> None:
    with pytest.raises(ValidationError, match="is not an integer"):
        Span.model_validate({"start": offset, "end": 5})


@pytest.mark.parametrize("score", [True, "1", "0.5"])
def test_a_score_is_never_guessed(score: object) -> None:
    with pytest.raises(ValidationError, match="is not a number"):
        Argument.model_validate({"role": "r", "filler": "e1", "score": score})
