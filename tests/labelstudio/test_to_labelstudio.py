from __future__ import annotations

import json
import random

import pytest
import random_work as made
from label_studio_sdk.label_interface import LabelInterface

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import Article
from curation.labelstudio import to_labelstudio
from curation.labelstudio.config import labelling_config
from curation.schema import LabelSchema


def test_task_data_holds_the_article_and_what_finds_it_again(article: Article, schema: LabelSchema) -> None:
    full = article.model_copy(update={"title": "Raid", "licence": "CC0-1.0", "metadata": {"desk": "East"}})
    data = to_labelstudio.task(full, None, schema, batch="b7")["data"]
    assert data == {
        "text": article.text,
        "article_id": "kel-1",
        "text_sha256": article.text_sha256,
        "batch": "b7",
        "purpose": "annotate",
        "title": "Raid",
        "licence": "CC0-1.0",
        "metadata": {"desk": "East"},
    }


def test_a_task_without_annotation_has_no_prediction(article: Article, schema: LabelSchema) -> None:
    assert set(to_labelstudio.task(article, None, schema, batch="b")) == {"data"}


def test_regions_choices_and_relations(article: Article, annotation: Annotation, schema: LabelSchema) -> None:
    regions = to_labelstudio.result(annotation, article, schema)
    kinds = [(one["type"], one.get("id"), one.get("from_name")) for one in regions]
    assert kinds == [
        ("labels", "e1", "entity"),
        ("labels", "e2", "entity"),
        ("choices", "e2", "attribute-mention"),
        ("labels", "e3", "entity"),
        ("choices", "e3", "attribute-mention"),
        ("labels", "e4", "entity"),
        ("labels", "v1", "trigger"),
        ("labels", "v2", "trigger"),
        ("choices", "v2", "attribute-modality"),
        ("relation", None, None),
        ("relation", None, None),
        ("relation", None, None),
    ]
    assert regions[0]["value"] == {"start": 2, "end": 8, "text": "Kelmar", "labels": ["GPE"]}
    assert regions[-1] == {
        "type": "relation",
        "from_id": "v1",
        "to_id": "e3",
        "direction": "right",
        "labels": ["target"],
    }


def test_what_the_schema_takes_for_granted_is_not_written(article: Article, schema: LabelSchema) -> None:
    entity = Entity(id="e1", start=2, end=8, type="GPE", attributes={"mention": "name"})
    annotation = made.annotation(article, schema, 1).model_copy(update={"entities": (entity,), "events": ()})
    assert [one["type"] for one in to_labelstudio.result(annotation, article, schema)] == ["labels"]


def test_the_first_region_says_what_the_prediction_is(
    article: Article, annotation: Annotation, schema: LabelSchema
) -> None:
    prediction = to_labelstudio.prediction(annotation, article, schema)
    assert prediction["result"][0]["meta"] == {"annotation": annotation.id, "engine": "person"}  # nobody is named
    assert not any("meta" in one for one in prediction["result"][1:])
    assert prediction["model_version"] == "pre-annotation"


def test_ids_the_editor_would_cut_are_replaced_in_relations_too(article: Article, schema: LabelSchema) -> None:
    annotation = made.annotation(article, schema, 1).model_copy(
        update={
            "entities": (Entity(id="e#1", start=2, end=8, type="GPE"),),
            "events": (
                Event(id="v/1", start=9, end=14, type="Attack", arguments=(Argument(role="attacker", filler="e#1"),)),
            ),
        }
    )
    entity, event, arrow = to_labelstudio.result(annotation, article, schema)
    assert "#" not in entity["id"]
    assert (arrow["from_id"], arrow["to_id"]) == (event["id"], entity["id"])


@pytest.mark.parametrize("name", ["schema", "recalls"])
def test_label_studio_itself_finds_no_fault_with_predictions(name: str, request: pytest.FixtureRequest) -> None:
    schema: LabelSchema = request.getfixturevalue(name)
    interface = LabelInterface(labelling_config(schema))
    for seed in range(20):
        article = made.article(seed)
        prediction = to_labelstudio.prediction(made.annotation(article, schema, seed), article, schema)
        assert interface.validate_prediction(prediction, return_errors=True) == []


def test_the_digest_survives_a_database_that_sorts_keys_otherwise(schema: LabelSchema) -> None:
    article = made.article(4)
    regions = to_labelstudio.result(made.annotation(article, schema, 4), article, schema)
    shuffled = []
    for one in json.loads(json.dumps(regions)):
        names = list(one)
        random.Random(1).shuffle(names)
        shuffled.append({name: one[name] for name in names})
    assert json.dumps(shuffled) != json.dumps(regions)
    assert to_labelstudio.digest(shuffled) == to_labelstudio.digest(regions)
    assert to_labelstudio.digest(regions[1:]) != to_labelstudio.digest(regions)


def test_what_fills_two_roles_has_one_arrow(article: Article, schema: LabelSchema) -> None:
    roles = ("target", "attacker")
    annotation = made.annotation(article, schema, 1).model_copy(
        update={
            "entities": (Entity(id="e", start=2, end=8, type="GPE"),),
            "events": (
                Event(
                    id="v",
                    start=9,
                    end=14,
                    type="Attack",
                    arguments=tuple(Argument(role=role, filler="e") for role in roles),
                ),
            ),
        }
    )
    (arrow,) = [one for one in to_labelstudio.result(annotation, article, schema) if one["type"] == "relation"]
    assert arrow["labels"] == list(roles)
