from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
import random_work as made
from label_studio_sdk.label_interface import LabelInterface
from renamed import later

from curation.annotation import Annotation
from curation.labelstudio.config import config_differences, labelling_config, retired
from curation.labelstudio.from_labelstudio import decode
from curation.labelstudio.project import Mark, read_mark
from curation.metrics.matching import compare
from curation.schema import LabelSchema
from curation.schema_migration import migrate

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_mark_tells_which_version_was_in_force() -> None:
    mark = Mark("gardens", "1.0.0").followed_by("1.1.0", NOON).followed_by("2.0.0", NOON + timedelta(hours=1))
    assert str(mark) == ("[curation:gardens@2.0.0; 1.0.0 until 2026-11-22T12:00:00Z; 1.1.0 until 2026-11-22T13:00:00Z]")
    assert read_mark({"description": f"Gardens. Keep this mark: {mark} and more"}) == mark
    minutes = (-1, 0, 59, 60)
    assert [mark.in_force(NOON + timedelta(minutes=one)) for one in minutes] == ["1.0.0", "1.1.0", "1.1.0", "2.0.0"]
    assert mark.in_force(None) == "2.0.0"
    assert read_mark({"description": "[curation:gardens@1.0.0]"}) == Mark("gardens", "1.0.0")


@pytest.mark.parametrize(
    "description", [None, "", "Gardens", "[curation:gardens]", "[curation:gardens@1.0.0; 0.9.0 until noon]"]
)
def test_no_mark(description: str | None) -> None:
    assert read_mark({"description": description}) is None


def test_a_moment_that_is_none_is_left_out() -> None:
    mark = read_mark({"description": "[curation:gardens@1.0.0; 0.9.0 until 2026-99-22T12:00:00Z]"})
    assert mark == Mark("gardens", "1.0.0")


def test_the_page_keeps_old_names_out_of_sight(schema: LabelSchema) -> None:
    new = later(schema)
    assert retired(new).entity_types == ("Facility", "Object", "Quantity", "Weapon")
    config = labelling_config(new)
    LabelInterface(config).validate()
    page = ET.fromstring(config)
    hidden = {
        one.get("value") for view in page.iter("View") if view.get("style") == "display: none" for one in view.iter()
    }
    assert {"Weapon", "Object", "Facility", "Quantity", "Arrest", "planned"} <= hidden
    assert not {"Gear", "Site", "GPE", "Detention", "future"} & hidden
    assert {one.get("value") for one in page.iter("Relation")} >= {"attacker", "aggressor"}
    assert '[data-testid="select-option-attacker"] { display: none; }' in config
    kinds = {one.kind for one in config_differences(labelling_config(schema), config)}
    assert kinds == {"added", "removed", "changed"}
    away = [one for one in config_differences(labelling_config(schema), config) if one.kind != "added"]
    assert {one.name[1] for one in away} == {"attribute-mention"}, "all but the attribute's own control stands"


def as_exported(seed: int, schema: LabelSchema, moment: str) -> tuple[dict[str, object], Annotation, Annotation]:
    article = made.article(seed)
    prediction = made.annotation(article, schema, seed)
    answer = made.annotation(article, schema, seed + 500)
    both = answer.model_copy(update={"entities": (*answer.entities, *_other_ids(prediction, len(article.text)))})
    task = made.exported(seed, article, prediction, both, schema)
    task["annotations"][0].update(updated_at=moment, created_at=moment)
    return task, prediction, both


def _other_ids(prediction: Annotation, length: int) -> list[object]:
    return [one.model_copy(update={"id": f"x{one.id}"}) for one in prediction.entities if one.end <= length]


@pytest.mark.parametrize("known", [True, False])
def test_what_was_made_under_an_older_version_comes_out_in_this_one(schema: LabelSchema, known: bool) -> None:
    new = later(schema)
    mark = Mark("conflict-news", "1.0.0").followed_by("2.0.0", NOON)
    seen = 0
    for seed in range(60):
        task, prediction, answer = as_exported(seed, schema, "2026-11-22T11:00:00Z")
        then = decode(task, schema)
        sent = {prediction.id: prediction}.get if known else lambda name: None
        now = decode(task, new, made_with=mark.in_force, sent=sent)
        assert now.issues == ()
        (annotation,) = now.annotations
        wanted, undecided = migrate(answer, new)
        assert undecided == ()
        assert compare(wanted, annotation).equal
        assert annotation.schema_ref == "conflict-news@2.0.0"
        origins = {item.id: (item.origin, item.score) for item in then.annotations[0].items()}
        for item in annotation.items():
            assert (item.origin, item.score) == origins[item.id]
            seen += item.origin == "engine:dice@1.0.0"
    assert seen > 100


def test_a_label_saved_after_the_change_by_a_page_opened_before_it(schema: LabelSchema) -> None:
    new = later(schema)
    mark = Mark("conflict-news", "1.0.0").followed_by("2.0.0", NOON)
    for seed in range(20):
        task, _, answer = as_exported(seed, schema, "2026-11-22T13:00:00Z")
        (annotation,) = decode(task, new, made_with=mark.in_force).annotations
        # Only the type that was split and kept its name cannot be told from a new one.
        types = {item.type for item in annotation.items()}
        assert not types & {"Weapon", "Object", "Facility", "Quantity", "Arrest"}
        assert annotation.model_copy(update={"state": "submitted"}).schema_ref == new.ref
        roles = {one.role for event in annotation.events for one in event.arguments}
        assert "attacker" not in roles
        assert len(annotation.items()) <= len(answer.items())


def test_what_a_split_cannot_decide_is_reported(schema: LabelSchema) -> None:
    record = later(schema).model_dump(mode="json")
    record["migrations"][0]["entity_types"]["GPE"] = [{"to": "Place", "when": {"mention": "pronoun"}}]
    new = LabelSchema.model_validate(record)
    mark = Mark("conflict-news", "1.0.0").followed_by("2.0.0", NOON)
    told = set()
    for seed in range(20):
        task, _, _ = as_exported(seed, schema, "2026-11-22T11:00:00Z")
        told |= {one.code for one in decode(task, new, made_with=mark.in_force).issues}
    assert told == {"undecided-split", "unknown-attribute"}
