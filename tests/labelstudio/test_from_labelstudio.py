from __future__ import annotations

import json
import os
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
import random_work as made
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation, Argument, Event
from curation.article import Article
from curation.labelstudio.from_labelstudio import Decoded, decode
from curation.metrics.matching import compare
from curation.schema import LabelSchema
from curation.validation import validate

ROUNDS = 100_000 if os.environ.get("CURATION_TEST_FULL") else 300
TEXT = "Kelmar troops shelled Ostvia; Ostvia warned of a raid."
MENTIONS: tuple[dict[str, str], ...] = ({}, {"mention": "nominal"}, {"mention": "pronoun"})
KELMAR, TROOPS, SHELLED, OSTVIA, WARNED, RAID = (0, 6), (0, 13), (14, 21), (22, 28), (37, 43), (49, 53)


def task(*result: Any, text: str = TEXT, **more: Any) -> dict[str, Any]:
    """A task with one submitted annotation of that result."""
    article = Article(id="kel-9", text=text)
    data = {"text": text, "article_id": "kel-9", "text_sha256": article.text_sha256, "batch": "b"}
    raw = {"id": 5, "unique_id": "u-5", "completed_by": 3, "result": list(result), "was_cancelled": False, **more}
    return {"id": 12, "project": 1, "data": data, "annotations": [raw], "drafts": [], "predictions": []}


def codes(decoded: Decoded) -> list[str]:
    return [issue.code for issue in decoded.issues]


def arguments(annotation: Annotation) -> set[tuple[str, str, str]]:
    return {(event.id, one.role, one.filler) for event in annotation.events for one in event.arguments}


@pytest.mark.parametrize("name", ["schema", "recalls"])
def test_what_was_submitted_comes_back_exactly(name: str, request: pytest.FixtureRequest) -> None:
    schema: LabelSchema = request.getfixturevalue(name)
    for seed in range(ROUNDS):
        article = made.article(seed, words=seed % 80)
        sent = made.annotation(article, schema, seed)
        back = decode(made.exported(seed, article, sent if seed % 8 else None, sent, schema), schema)
        assert back.issues == ()
        assert back.article == article
        (annotation,) = back.annotations
        assert compare(sent, annotation).equal
        assert [item.id for item in annotation.items()] == [item.id for item in sent.items()]
        assert arguments(annotation) == arguments(sent)


def test_the_dice_throw_all_that_trips_up_offsets(schema: LabelSchema) -> None:
    of_kinds = Counter(one for words in made.WORDS.values() for one in set("".join(words)))
    marks = {
        kind: {one for one in "".join(words) if of_kinds[one] == 1 and not (one.isascii() and one.isalnum())}
        for kind, words in made.WORDS.items()
        if kind != "plain"
    }
    thrown = Counter[str]()
    for seed in range(300):
        article = made.article(seed, words=seed % 80)
        annotation = made.annotation(article, schema, seed)
        assert validate(annotation, article, schema) == []
        thrown["line end of Windows"] += "\r\n" in made.raw_text(seed, words=seed % 80)
        places = [(item.start, item.end) for item in annotation.items()]
        for start, end in places:
            for kind, characters in marks.items():
                thrown[f"{kind} before a span"] += not characters.isdisjoint(article.text[:start])
                thrown[f"{kind} in a span"] += not characters.isdisjoint(article.text[start:end])
        for (a, b), (c, d) in combinations(sorted(places), 2):
            thrown["on another"] += (a, b) == (c, d)
            thrown["in another"] += (a, b) != (c, d) and (d <= b or a == c)
            thrown["across another"] += a < c < b < d
        for event in annotation.events:
            fillers = Counter(one.filler for one in event.arguments)
            thrown["two roles for one"] += max(fillers.values(), default=0) > 1
            thrown["an event in a role"] += any(isinstance(annotation.item(name), Event) for name in fillers)
            thrown["attributes of events"] += bool(event.attributes)
        thrown["attributes of entities"] += any(one.attributes for one in annotation.entities)
    assert len(thrown) == 2 * len(marks) + 8
    assert [what for what, times in thrown.items() if times < 30] == []


def test_an_answer_says_who_when_and_from_what(schema: LabelSchema) -> None:
    article = made.article(1)
    prediction = made.annotation(article, schema, 1)
    (annotation,) = decode(made.exported(1, article, prediction, prediction, schema), schema).annotations
    assert annotation.id == "ls-00000000-0000-4000-8000-000000000001"
    assert annotation.annotator.key == "person:ls-3"
    assert annotation.parent == prediction.id
    assert annotation.state == "submitted"
    assert annotation.time is not None and annotation.time.isoformat() == "2026-11-22T15:24:18+00:00"
    assert annotation.lead_time == 3.5


@pytest.mark.parametrize("known", [True, False])
def test_what_was_left_as_it_was_keeps_its_origin_and_score(schema: LabelSchema, known: bool) -> None:
    article = made.article(2)
    prediction = made.annotation(article, schema, 2)
    first, second, *rest = prediction.entities
    longer = second.model_copy(update={"end": second.end + 1, "id": "e1"})
    submitted = prediction.model_copy(update={"entities": (first, longer, *rest)})
    (annotation,) = decode(
        made.exported(1, article, prediction, submitted, schema),
        schema,
        sent={prediction.id: prediction}.get if known else lambda name: None,
    ).annotations
    origins = {item.id: item.origin for item in annotation.items()}
    assert origins.pop("e1") == "person:ls-3"
    assert set(origins.values()) == {"engine:dice@1.0.0"}
    assert annotation.item("e0").score == first.score
    assert annotation.item("e1").score is None


def test_of_two_alike_but_for_their_attributes_each_keeps_its_origin(schema: LabelSchema) -> None:
    article = made.article(2)
    prediction = made.annotation(article, schema, 2, entities=1, events=0)
    (one,) = prediction.entities
    both = tuple(one.model_copy(update={"id": f"e{n}", "attributes": said}) for n, said in enumerate(MENTIONS))
    prediction = prediction.model_copy(update={"entities": both})
    drawn = tuple(item.model_copy(update={"id": f"x{item.id}"}) for item in both[::-1])
    submitted = prediction.model_copy(update={"entities": drawn})
    (annotation,) = decode(made.exported(1, article, prediction, submitted, schema), schema).annotations
    assert {item.origin for item in annotation.items()} == {"engine:dice@1.0.0"}


def test_a_changed_attribute_makes_an_item_the_persons(schema: LabelSchema) -> None:
    article = made.article(2)
    prediction = made.annotation(article, schema, 2)
    first, *rest = prediction.entities
    other = next(one for one in ("nominal", "pronoun") if first.attributes.get("mention") != one)
    submitted = prediction.model_copy(
        update={"entities": (first.model_copy(update={"attributes": {"mention": other}}), *rest)}
    )
    (annotation,) = decode(made.exported(1, article, prediction, submitted, schema), schema).annotations
    assert annotation.item("e0").origin == "person:ls-3"
    assert annotation.item("e0").attributes == {"mention": other}


def test_arguments_have_origins_of_their_own(article: Article, annotation: Annotation, schema: LabelSchema) -> None:
    engine = annotation.model_copy(update={"annotator": made.ENGINE})
    first, second = engine.events
    kept, _, moved = first.arguments
    changed = first.model_copy(update={"arguments": (kept, Argument(role="target", filler="e1"))})
    assert moved.filler == "e3"
    submitted = engine.model_copy(update={"events": (changed, second)})
    (back,) = decode(made.exported(1, article, engine, submitted, schema), schema).annotations
    assert {(one.role, one.filler): one.origin for one in back.events[0].arguments} == {
        ("attacker", "e1"): "engine:dice@1.0.0",
        ("target", "e1"): "person:ls-3",
    }
    assert back.events[0].origin == "engine:dice@1.0.0"


ARROW = made.relation("b", "a", "attacker")
FIRST = (made.region("a", *KELMAR, "GPE"), made.trigger("b", *SHELLED, "Attack"), ARROW)
"""The submission of user 3 that others edit."""


def origins(annotation: Annotation) -> dict[str, str | None]:
    of_arguments = {f"{event.id} {one.role}": one.origin for event in annotation.events for one in event.arguments}
    return {item.id: item.origin for item in annotation.items()} | of_arguments


def edited(schema: LabelSchema, earlier: Annotation | None, *result: Any, **more: Any) -> Annotation:
    found = {earlier.id: earlier} if earlier else {}
    (annotation,) = decode(task(*result, **more), schema, earlier=found.get).annotations
    return annotation


@pytest.mark.parametrize("editor", [7, {"id": 7, "email": "anna@kelmar.example"}])
def test_what_somebody_else_edited_is_the_editors_and_the_rest_stays(schema: LabelSchema, editor: Any) -> None:
    first = edited(schema, None, *FIRST, updated_by=3)
    assert set(origins(first).values()) == {"person:ls-3"}
    result = (*FIRST, made.region("c", *OSTVIA, "GPE"), made.relation("b", "c", "target"))
    second = edited(schema, first, *result, updated_by=editor)
    assert second.annotator.key == "person:ls-3"
    assert origins(second) == {
        "a": "person:ls-3",
        "b": "person:ls-3",
        "c": "person:ls-7",
        "b attacker": "person:ls-3",
        "b target": "person:ls-7",
    }
    again = edited(schema, second, *result, updated_by=editor)
    assert again == second
    third = edited(schema, second, *result, made.region("d", *RAID, "ORG"), updated_by=3)
    assert origins(third) == origins(second) | {"d": "person:ls-3"}


def test_a_type_or_attribute_that_somebody_else_changed_is_the_editors(schema: LabelSchema) -> None:
    first = edited(schema, None, *FIRST, updated_by=3)
    retyped = (made.region("a", *KELMAR, "ORG"), *FIRST[1:])
    assert edited(schema, first, *retyped, updated_by=7).item("a").origin == "person:ls-7"
    choice = {"id": "a", "type": "choices", "from_name": "attribute-mention", "value": {"choices": ["nominal"]}}
    changed = edited(schema, first, *FIRST, choice, updated_by=7)
    assert changed.item("a").attributes == {"mention": "nominal"}
    assert changed.item("a").origin == "person:ls-7"
    assert changed.item("b").origin == "person:ls-3"


def test_without_an_earlier_snapshot_the_editor_has_what_differs_from_the_prediction(schema: LabelSchema) -> None:
    article = made.article(2)
    prediction = made.annotation(article, schema, 2)
    first, second, *rest = prediction.entities
    longer = second.model_copy(update={"end": second.end + 1, "id": "e1"})
    submitted = prediction.model_copy(update={"entities": (first, longer, *rest)})
    raw = made.exported(1, article, prediction, submitted, schema)
    raw["annotations"][0]["updated_by"] = 7
    (annotation,) = decode(raw, schema).annotations
    assert annotation.annotator.key == "person:ls-3"
    found = {item.id: item.origin for item in annotation.items()}
    assert found.pop("e1") == "person:ls-7"
    assert set(found.values()) == {"engine:dice@1.0.0"}


def test_an_earlier_annotation_of_another_text_attributes_nothing(schema: LabelSchema) -> None:
    first = edited(schema, None, *FIRST, updated_by=3)
    moved = first.model_copy(update={"text_sha256": "0" * 64})
    assert set(origins(edited(schema, moved, *FIRST, updated_by=7)).values()) == {"person:ls-7"}


def test_from_scratch_everything_is_the_persons(schema: LabelSchema) -> None:
    (annotation,) = decode(task(made.region("a", *KELMAR, "GPE")), schema).annotations
    assert annotation.parent is None
    assert annotation.entities[0].origin == "person:ls-3"


def test_without_a_frozen_copy_the_prediction_we_sent_last_counts(schema: LabelSchema) -> None:
    article = made.article(2)
    prediction = made.annotation(article, schema, 2)
    raw = made.exported(1, article, prediction, prediction, schema)
    raw["annotations"][0]["prediction"] = {}
    sent = {prediction.id: prediction}.get
    (with_it,) = decode(raw, schema, sent=sent, current=prediction.id).annotations
    (without,) = decode(raw, schema).annotations
    assert with_it.parent == prediction.id
    assert {item.origin for item in with_it.items()} == {"engine:dice@1.0.0"}
    assert without.parent is None


def test_a_frozen_copy_that_is_not_what_was_sent_is_reported(schema: LabelSchema) -> None:
    article = made.article(2)
    prediction = made.annotation(article, schema, 2)
    raw = made.exported(1, article, prediction, prediction, schema)
    sent = {prediction.id: prediction}.get
    assert decode(raw, schema, sent=sent, current=prediction.id).issues == ()
    regions = raw["annotations"][0]["prediction"]["result"]
    regions.remove(next(one for one in reversed(regions) if one["type"] == "labels" and "meta" not in one))
    decoded = decode(raw, schema, sent=sent, current=prediction.id)
    assert [issue.code for issue in decoded.issues] == ["copy-differs"]
    assert {item.origin for item in decoded.annotations[0].items()} == {"engine:dice@1.0.0"}


def test_skipped_tasks_and_drafts_come_through(schema: LabelSchema) -> None:
    raw = task(was_cancelled=True)
    skipped = decode(raw, schema)
    assert skipped.state == "skipped"
    assert skipped.annotations[0].state == "skipped"
    raw["drafts"] = [
        {
            "id": 8,
            "user": 4,
            "annotation": 5,
            "result": [made.region("a", *KELMAR, "GPE")],
            "updated_at": "2026-01-02T03:04:05Z",
        }
    ]
    begun = decode(raw, schema)
    assert begun.state == "draft"
    _, draft = begun.annotations
    assert (draft.id, draft.state, draft.annotator.name) == ("ls-1-draft-12-8", "draft", "ls-4")
    assert draft.parent == "ls-u-5"
    assert [entity.type for entity in draft.entities] == ["GPE"]


def test_nobodys_address_comes_through(schema: LabelSchema) -> None:
    raw = task(made.region("a", *KELMAR, "GPE"), completed_by={"id": 3, "email": "anna@kelmar.example"})
    raw["drafts"] = [
        {"id": 8, "user": "anna@kelmar.example", "created_username": "Anna A anna@kelmar.example, 3", "result": []}
    ]
    decoded = decode(raw, schema)
    assert [one.annotator.name for one in decoded.annotations] == ["ls-3", "ls-3"]
    assert "anna" not in "".join(one.to_json() for one in decoded.annotations).lower()


def test_several_people_on_one_task(schema: LabelSchema) -> None:
    raw = task(made.region("a", *KELMAR, "GPE"))
    raw["annotations"].append({**raw["annotations"][0], "id": 6, "unique_id": "u-6", "completed_by": 4})
    first, second = decode(raw, schema).annotations
    assert (first.annotator.name, second.annotator.name) == ("ls-3", "ls-4")
    assert first.id != second.id


def test_labels_the_schema_does_not_know_are_kept_and_reported(schema: LabelSchema) -> None:
    decoded = decode(task(made.region("a", *KELMAR, "Kingdom"), made.trigger("b", *SHELLED, "Shelling")), schema)
    (annotation,) = decoded.annotations
    assert [item.type for item in annotation.items()] == ["Kingdom", "Shelling"]
    assert [(issue.region, issue.code) for issue in decoded.issues] == [("a", "unknown-type"), ("b", "unknown-type")]
    assert decoded.issues[0].annotation == annotation.id
    assert decoded.issues[0].task == 12


def test_an_illegal_role_is_kept_and_reported(schema: LabelSchema) -> None:
    decoded = decode(
        task(
            made.region("a", *KELMAR, "GPE"), made.trigger("b", *SHELLED, "Attack"), made.relation("b", "a", "mediator")
        ),
        schema,
    )
    assert arguments(decoded.annotations[0]) == {("b", "mediator", "a")}
    assert codes(decoded) == ["unknown-role"]


@pytest.mark.parametrize(
    ("source", "target", "direction"), [("b", "a", "right"), ("a", "b", "right"), ("a", "b", "left")]
)
def test_an_arrow_drawn_the_wrong_way_is_turned_round(
    schema: LabelSchema, source: str, target: str, direction: str
) -> None:
    arrow = made.relation(source, target, "attacker", direction=direction)
    decoded = decode(task(made.region("a", *KELMAR, "GPE"), made.trigger("b", *SHELLED, "Attack"), arrow), schema)
    assert arguments(decoded.annotations[0]) == {("b", "attacker", "a")}
    assert decoded.issues == ()


@pytest.mark.parametrize(("direction", "event", "filler"), [("right", "w", "r"), ("left", "r", "w")])
def test_between_two_events_the_arrow_counts(schema: LabelSchema, direction: str, event: str, filler: str) -> None:
    decoded = decode(
        task(
            made.trigger("w", *WARNED, "Warning"),
            made.trigger("r", *RAID, "Attack"),
            made.relation("w", "r", "topic", direction=direction),
        ),
        schema,
    )
    assert arguments(decoded.annotations[0]) == {(event, "topic", filler)}


@pytest.mark.parametrize(("source", "target"), [("b", "a"), ("a", "b")])
def test_an_arrow_both_ways_with_an_entity_fills_the_event_and_is_reported(
    schema: LabelSchema, source: str, target: str
) -> None:
    arrow = made.relation(source, target, "attacker", direction="bi")
    decoded = decode(task(made.region("a", *KELMAR, "GPE"), made.trigger("b", *SHELLED, "Attack"), arrow), schema)
    assert arguments(decoded.annotations[0]) == {("b", "attacker", "a")}
    assert codes(decoded) == ["two-way-relation"]


@pytest.mark.parametrize(
    ("left", "right", "role", "expected", "reported"),
    [
        ("Warning", "Warning", "topic", {("w", "topic", "r"), ("r", "topic", "w")}, []),
        ("Warning", "Attack", "topic", {("w", "topic", "r")}, ["two-way-relation"]),
        ("Attack", "Warning", "topic", {("r", "topic", "w")}, ["two-way-relation"]),
        ("Attack", "Attack", "topic", {("w", "topic", "r")}, ["two-way-relation", "unknown-role"]),
    ],
)
def test_an_arrow_both_ways_between_two_events_is_each_way_that_the_schema_allows(
    schema: LabelSchema, left: str, right: str, role: str, expected: set[tuple[str, str, str]], reported: list[str]
) -> None:
    decoded = decode(
        task(
            made.trigger("w", *WARNED, left),
            made.trigger("r", *RAID, right),
            made.relation("w", "r", role, direction="bi"),
        ),
        schema,
    )
    assert arguments(decoded.annotations[0]) == expected
    assert codes(decoded) == reported


@pytest.mark.parametrize(
    ("arrow", "code"),
    [
        (made.relation("b", "gone", "attacker"), "dangling-relation"),
        (made.relation("b", "a"), "unlabelled-relation"),
        (made.relation("a", "c", "attacker"), "no-trigger"),
        (made.relation("b", "b", "attacker"), "own-filler"),
        ({"type": "relation"}, "dangling-relation"),
        ({"type": "relation", "from_id": ["b"], "to_id": {}, "labels": "x"}, "dangling-relation"),
    ],
)
def test_relations_that_say_nothing_are_reported_and_the_rest_is_kept(
    schema: LabelSchema, arrow: dict[str, Any], code: str
) -> None:
    decoded = decode(
        task(
            made.region("a", *KELMAR, "GPE"),
            made.trigger("b", *SHELLED, "Attack"),
            made.region("c", *OSTVIA, "GPE"),
            arrow,
            made.relation("b", "c", "target"),
        ),
        schema,
    )
    assert codes(decoded) == [code]
    assert arguments(decoded.annotations[0]) == {("b", "target", "c")}


def test_the_same_relation_twice_counts_once(schema: LabelSchema) -> None:
    arrow = made.relation("b", "a", "attacker")
    decoded = decode(
        task(made.region("a", *KELMAR, "GPE"), made.trigger("b", *SHELLED, "Attack"), arrow, arrow), schema
    )
    assert arguments(decoded.annotations[0]) == {("b", "attacker", "a")}
    assert codes(decoded) == ["repeated-relation"]


def test_a_relation_with_two_roles_is_two_arguments(schema: LabelSchema) -> None:
    arrow = made.relation("b", "a", "attacker", "target")
    decoded = decode(task(made.region("a", *KELMAR, "GPE"), made.trigger("b", *SHELLED, "Attack"), arrow), schema)
    assert arguments(decoded.annotations[0]) == {("b", "attacker", "a"), ("b", "target", "a")}


@pytest.mark.parametrize(
    "span", [(0, 99), (-1, 5), (5, 5), (8, 3), (54, 55), (0, True), ("0", "6"), (None, 4), (0.5, 6)]
)
def test_spans_outside_the_text_are_reported(schema: LabelSchema, span: tuple[Any, Any]) -> None:
    decoded = decode(task(made.region("a", *span, "GPE"), made.region("b", *OSTVIA, "GPE")), schema)
    assert codes(decoded) == ["outside-text"]
    assert [entity.id for entity in decoded.annotations[0].entities] == ["b"]


def test_offsets_count_and_the_text_in_a_region_does_not(schema: LabelSchema) -> None:
    text = "\U0001f680\u00e9e\u0301\n\tKelmar"
    start = text.index("Kelmar")
    decoded = decode(task(made.region("a", start, start + 6, "GPE"), text=text), schema)
    entity = decoded.annotations[0].entities[0]
    assert decoded.article is not None
    assert decoded.article.text[entity.start : entity.end] == "Kelmar"


def test_several_labels_on_one_region_are_several_items(schema: LabelSchema) -> None:
    region = made.region("a", *KELMAR, "GPE")
    region["value"]["labels"] = ["GPE", "Organization"]
    decoded = decode(task(region), schema)
    assert [(one.id, one.type) for one in decoded.annotations[0].entities] == [("a", "GPE"), ("a~2", "Organization")]
    assert decoded.issues == ()


def test_a_region_that_is_entity_and_trigger_fills_and_is_filled(schema: LabelSchema) -> None:
    decoded = decode(
        task(
            made.region("a", *RAID, "Object"),
            made.trigger("a", *RAID, "Attack"),
            made.trigger("w", *WARNED, "Warning"),
            made.region("c", *OSTVIA, "GPE"),
            made.relation("a", "c", "target"),
            made.relation("w", "a", "topic"),
        ),
        schema,
    )
    (annotation,) = decoded.annotations
    assert arguments(annotation) == {("a~2", "target", "c"), ("w", "topic", "a")}


def test_two_regions_with_one_id_are_both_kept(schema: LabelSchema) -> None:
    decoded = decode(task(made.region("a", *KELMAR, "GPE"), made.region("a", *OSTVIA, "GPE")), schema)
    assert [(one.id, one.start) for one in decoded.annotations[0].entities] == [("a", 0), ("a~2", 22)]
    assert codes(decoded) == ["repeated-id"]


def choice(name: str, control: str, *values: str) -> dict[str, Any]:
    return {"id": name, "from_name": control, "to_name": "text", "type": "choices", "value": {"choices": list(values)}}


def test_choices_of_a_region_are_its_attributes(schema: LabelSchema) -> None:
    decoded = decode(
        task(
            made.region("a", *KELMAR, "GPE"),
            choice("a", "attribute-mention", "nominal"),
            made.trigger("b", *SHELLED, "Attack"),
            choice("b", "attribute-modality", "asserted"),
        ),
        schema,
    )
    (annotation,) = decoded.annotations
    assert annotation.item("a").attributes == {"mention": "nominal"}
    assert annotation.item("b").attributes == {}, "what the schema takes for granted is not written down"
    assert decoded.issues == ()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (choice("gone", "attribute-mention", "nominal"), "loose-choice"),
        (choice("a", "mood", "grim"), "unknown-control"),
        (choice("a", "attribute-mention"), "no-choice"),
        (choice("a", "attribute-mention", "nominal", "pronoun"), "several-choices"),
        (choice("a", "attribute-mention", "royal"), "unknown-value"),
        (choice("a", "attribute-size", "large"), "unknown-attribute"),
        ({"id": "a", "type": "textarea", "value": {"text": ["well"]}}, "unknown-result"),
        (made.region("z", *OSTVIA, "GPE", from_name="places"), "unknown-control"),
        ("nonsense", "not-a-region"),
    ],
)
def test_what_our_config_does_not_have_is_reported(schema: LabelSchema, raw: Any, code: str) -> None:
    decoded = decode(task(made.region("a", *KELMAR, "GPE"), raw), schema)
    assert codes(decoded) == [code]
    assert decoded.annotations[0].entities[0].type == "GPE"


def test_a_text_that_was_changed_in_label_studio_is_reported(schema: LabelSchema) -> None:
    raw = task(made.region("a", *KELMAR, "GPE"))
    raw["data"]["text"] = "Kelmar " + TEXT
    decoded = decode(raw, schema)
    assert codes(decoded) == ["text-changed"]
    assert decoded.article is not None and decoded.article.text == "Kelmar " + TEXT


def test_a_task_that_is_not_ours_keeps_its_annotations(schema: LabelSchema) -> None:
    raw = task(made.region("a", *KELMAR, "GPE"))
    raw["data"] = {"text": TEXT}
    decoded = decode(raw, schema)
    assert decoded.article is not None and decoded.article.id == "task-12"
    assert len(decoded.annotations) == 1
    assert codes(decoded) == ["not-ours"]


@pytest.mark.parametrize(
    ("data", "code"), [(None, "no-text"), ({"text": 3}, "no-text"), ({"text": " ", "article_id": "a"}, "bad-text")]
)
def test_without_a_text_there_is_only_a_report(schema: LabelSchema, data: Any, code: str) -> None:
    decoded = decode({**task(), "data": data}, schema)
    assert decoded.article is None
    assert decoded.annotations == ()
    assert code in codes(decoded)


texts = st.text(st.characters(exclude_categories=()), max_size=12)  # half surrogate pairs among them
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def harmless(decoded: Decoded) -> None:
    """Whatever came in: what goes out can be written down, and every issue is one bounded line."""
    for annotation in decoded.annotations:
        assert Annotation.model_validate_json(annotation.to_json()) == annotation
    for issue in decoded.issues:
        assert issue.message == issue.message.strip() and "\n" not in issue.message and len(issue.message) <= 300
        json.dumps(issue).encode()


@given(json_values)
def test_any_json_is_decoded_or_reported(schema: LabelSchema, raw: Any) -> None:
    decoded = decode(raw, schema)
    harmless(decoded)
    assert decoded.article is not None or decoded.issues


@given(st.data())
def test_broken_exports_are_decoded_or_reported(schema: LabelSchema, data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 50))
    article = made.article(seed, words=20)
    prediction = made.annotation(article, schema, seed, entities=4, events=3)
    raw = made.exported(seed, article, prediction, prediction, schema)
    raw["drafts"] = [
        {"id": 1, "user": 2, "result": raw["annotations"][0]["result"], "updated_at": "2026-01-01T00:00:00Z"}
    ]
    for _ in range(data.draw(st.integers(1, 6))):
        _break(raw, data)
    harmless(decode(raw, schema, sent={prediction.id: prediction}.get, current=prediction.id))


def _break(raw: Any, data: st.DataObject) -> None:
    """Replace, remove or double one thing, somewhere."""
    here = raw
    for _ in range(data.draw(st.integers(0, 6))):
        inner = [
            one for one in (here.values() if isinstance(here, dict) else here) if isinstance(one, dict | list) and one
        ]
        if not inner:
            break
        here = data.draw(st.sampled_from(inner))
    key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
    what = data.draw(st.sampled_from(["replace", "remove", "double"]))
    if what == "replace":
        here[key] = data.draw(json_values)
    elif what == "remove":
        del here[key]
    elif isinstance(here, list):
        here.append(here[key])
    if not raw:
        raw["id"] = 1
