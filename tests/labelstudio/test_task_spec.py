"""Tasks that are sent: blind ones, and those with several variants."""

from __future__ import annotations

import json

import pytest
import random_work as made

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.labelstudio import to_labelstudio
from curation.labelstudio.constants import ADJUDICATE, BETWEEN, CHECK, NOTE
from curation.labelstudio.from_labelstudio import decode
from curation.labelstudio.task_spec import TaskSpec
from curation.schema import LabelSchema


@pytest.fixture
def article() -> Article:
    return made.article(3)


def by(person: str, article: Article, schema: LabelSchema, seed: int) -> Annotation:
    annotator = Annotator(kind="person", name=person)
    return made.annotation(article, schema, seed).model_copy(update={"id": f"said-{seed}", "annotator": annotator})


def test_a_blind_task_holds_the_name_of_its_prediction_and_nothing_of_it(article: Article, schema: LabelSchema) -> None:
    annotation = made.annotation(article, schema, 3)
    sent = TaskSpec(article, annotation, blind=True)
    task = sent.task(schema, "b")
    assert "predictions" not in task
    assert task["data"]["withheld"] == annotation.id
    assert sent.digest(schema) is None
    assert [Annotation.model_validate_json(one) for one in sent.kept()] == [annotation]
    assert TaskSpec(article, None, blind=True).task(schema, "b")["data"]["withheld"] == ""
    assert "withheld" not in TaskSpec(article, annotation).task(schema, "b")["data"]


def test_a_plain_task_is_what_encode_makes(article: Article, schema: LabelSchema) -> None:
    annotation = made.annotation(article, schema, 3)
    sent = TaskSpec(article, annotation)
    assert sent.task(schema, "b") == to_labelstudio.task(article, annotation, schema, batch="b")
    body, digest = sent.packed(schema, "b")
    assert json.loads(body) == sent.task(schema, "b")
    assert digest == sent.digest(schema) == to_labelstudio.digest(sent.task(schema, "b")["predictions"][0]["result"])
    assert TaskSpec(article).packed(schema, "b")[1] is None


def test_variants_stand_under_their_names_and_nobody_is_told(article: Article, schema: LabelSchema) -> None:
    variants = (("by 3f9a", by("ls-7", article, schema, 4)), ("by b771", by("ls-8", article, schema, 5)))
    first = made.annotation(article, schema, 3)
    sent = TaskSpec(article, first, ADJUDICATE, variants, {NOTE: "To decide.", BETWEEN: ["said-4", "said-5"]}, people=0)
    task = sent.task(schema, "b")
    assert [one["model_version"] for one in task["predictions"]] == ["pre-annotation", "by 3f9a", "by b771"]
    assert [one["score"] for one in task["predictions"][1:]] == [None, None]
    assert (task["data"][NOTE], task["data"]["purpose"]) == ("To decide.", ADJUDICATE)
    body, digest = sent.packed(schema, "b")
    assert json.loads(body) == task
    assert b"ls-7" not in body
    assert digest == sent.digest(schema)
    assert digest != sent._replace(variants=variants[:1]).digest(schema)
    assert digest != sent._replace(data={NOTE: "Else."}).digest(schema)


@pytest.mark.parametrize(
    ("purpose", "state"),
    [("annotate", "submitted"), (ADJUDICATE, "reviewed"), (CHECK, "reviewed"), (f"{CHECK}-2", "reviewed")],
)
def test_what_is_submitted_in_review_is_reviewed(
    article: Article, schema: LabelSchema, purpose: str, state: str
) -> None:
    annotation = by("ls-7", article, schema, 4)
    task = TaskSpec(article, None, purpose, data={BETWEEN: ["said-4", 7, "b a d", "said-5"]}).task(schema, "b")
    regions = to_labelstudio.result(annotation, article, schema)
    task |= {"id": 5, "drafts": [{"id": 2, "result": regions, "user": 1}]}
    task["annotations"] = [
        {"id": 1, "result": regions, "completed_by": 7},
        {"id": 3, "result": [], "was_cancelled": True},
    ]
    decoded = decode(task, schema)
    assert [one.state for one in decoded.annotations] == [state, "skipped", "draft"]
    assert decoded.annotations[0].between == (None if purpose == "annotate" else ("said-4", "said-5"))
