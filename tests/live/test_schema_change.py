"""A project whose label schema changes while people work: renamed, merged, split and removed labels."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import annotator_api
import pytest
from editor import Editor
from playwright.sync_api import expect

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.errors import ProjectDiffers
from curation.labelstudio import pull, push, read_snapshot
from curation.labelstudio.client import Client
from curation.labelstudio.project import uses
from curation.metrics.matching import compare
from curation.schema import LabelSchema
from curation.schema_migration import migrate

sys.path[:0] = [str(Path(__file__).parent.parent / "labelstudio")]

import random_work as made  # noqa: E402
from renamed import later  # noqa: E402

pytestmark = pytest.mark.live

Pairs = list[tuple[Article, Annotation | None]]


@pytest.fixture
def title() -> str:
    return f"Schema change {uuid.uuid4().hex[:12]}"


def test_labels_that_changed_come_back_under_their_new_names(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    texts = [made.article(seed) for seed in range(24)]
    work: Pairs = [(one, made.annotation(one, schema, n)) for n, one in enumerate(texts)]
    project = push(client, schema, work, work=tmp_path, title=title).project_id
    tasks = {task.article_id: task for task in annotator_api.tasks(client, project)}
    submitted: dict[str, Annotation] = {}
    for n, (article, prediction) in enumerate(work[:16]):
        assert prediction is not None
        said = made.annotation(article, schema, 500 + n) if n % 2 else prediction
        submitted[article.id] = said
        send = annotator_api.draft if n % 5 == 4 else annotator_api.submit
        send(client, tasks[article.id].id, said, article, schema)
    then = pull(client, schema, work=tmp_path)
    origins = {
        (one.id, item.id): item.origin
        for one in read_snapshot(Path(then.snapshot)).annotations()
        for item in one.items()
    }

    # Without word of what became of them, nothing is done, and what uses the labels is counted.
    path = f"/api/projects/{project}/"
    config = client.get(path)["label_config"]
    silent = later(schema, migrations=False)
    with pytest.raises(ProjectDiffers, match=r"still uses what conflict-news@2\.0\.0 does not have") as refused:
        push(client, silent, [], work=tmp_path, title=title)
    results = [one for _, one in work if one] + list(submitted.values())
    items = [item for said in results for item in said.items()]
    roles = [one.role for said in results for event in said.events for one in event.arguments]
    asked = ("label", "trigger", "Arrest"), ("relation", "attacker"), ("choice", "attribute-modality", "planned")
    used = uses(client, project, {*asked, ("label", "entity", "Nowhere")})
    assert [used[name].times for name in asked] == [
        [item.type for item in items].count("Arrest"),
        roles.count("attacker"),
        [item.attributes.get("modality") for item in items].count("planned"),
    ]
    assert set(used) == set(asked)
    weapons = [item.type for item in items].count("Weapon")
    assert f"label Weapon of entity {weapons} times in" in str(refused.value)
    assert client.get(path)["label_config"] == config

    new = later(schema)
    report = push(client, new, work, work=tmp_path, title=title)
    assert (report.sent, report.already_there, report.refused) == (0, 24, 0)
    assert report.refreshed, "predictions no one has touched now use the new labels"
    assert "1.0.0 until" in client.get(path)["description"]
    again = push(client, new, work, work=tmp_path, title=title)
    assert (again.refreshed, again.already_there) == (0, 24)

    fresh, _ = work[20]
    answer = made.annotation(fresh, new, 900)
    annotator_api.submit(client, tasks[fresh.id].id, answer, fresh, new)
    back = pull(client, new, work=tmp_path)
    assert (back.issues, back.submitted, back.drafts) == (0, then.submitted + 1, then.drafts)
    seen = 0
    for one in read_snapshot(Path(back.snapshot)).annotations():
        assert one.schema_ref == "conflict-news@2.0.0"
        wanted = answer if one.article_id == fresh.id else migrate(submitted[one.article_id], new)[0]
        assert compare(wanted, one).equal
        for item in one.items():
            if one.article_id != fresh.id:
                assert item.origin == origins[one.id, item.id]
                seen += 1
    assert seen > 100
    assert pull(client, new, work=tmp_path, full=True).unchanged
    with pytest.raises(ProjectDiffers, match=r"was made with conflict-news@2\.0\.0, which is newer"):
        push(client, schema, work, work=tmp_path, title=title)


def test_what_nothing_uses_can_go(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    article = made.article(3)
    only = Annotation(
        id="only",
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=made.ENGINE,
        entities=(Entity(id="e1", type="Time", start=0, end=6),),
    )
    project = push(client, schema, [(article, only)], work=tmp_path, title=title).project_id
    push(client, later(schema, migrations=False), [(article, only)], work=tmp_path, title=title)
    config = client.get(f"/api/projects/{project}/")["label_config"]
    assert 'value="Gear"' in config
    assert 'value="Weapon"' not in config


@pytest.mark.browser
def test_someone_goes_on_with_an_annotation_of_before(
    client: Client, schema: LabelSchema, editor: Editor, tmp_path: Path, title: str
) -> None:
    """The editor forgets the roles of arrows that the config does not declare: it must go on declaring them."""
    text = "Kelmar fired rockets at Torvan rebels on Friday."

    def at(words: str) -> dict[str, int]:
        return {"start": text.index(words), "end": text.index(words) + len(words)}

    article = Article(id="kel-7", text=text)
    said = Annotation(
        id="d" * 24,
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=Annotator(kind="engine", name="dice", version="1.0.0"),
        entities=(
            Entity(id="e1", type="GPE", **at("Kelmar")),
            Entity(id="e2", type="Weapon", attributes={"mention": "nominal"}, **at("rockets")),
        ),
        events=(
            Event(
                id="v1",
                type="Attack",
                attributes={"modality": "planned"},
                arguments=(Argument(role="attacker", filler="e1"), Argument(role="instrument", filler="e2")),
                **at("fired"),
            ),
        ),
    )
    project = push(client, schema, [(article, said)], work=tmp_path, title=title).project_id
    (task,) = annotator_api.tasks(client, project)
    annotator_api.submit(client, task.id, said, article, schema, prediction_id=task.prediction_id)
    new = later(schema)
    push(client, new, [(article, said)], work=tmp_path, title=title)

    page = editor.page
    page.goto(f"{editor.url}/projects/{project}/data?task={task.id}")
    editor.wait_for_regions(3)
    expect(page.locator(".relations-overlay text")).to_have_count(2)
    assert sorted(editor.arrows()) == ["attacker", "instrument"]
    key = next(one.hotkey for one in new.entity_types if one.name == "Time")
    assert key is not None
    editor.mark(key, *at("Friday").values())
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and "/annotations" in answer.url):
        page.get_by_test_id("bottombar-update-button").click()

    back = pull(client, new, work=tmp_path)
    assert back.issues == 0
    (one,) = read_snapshot(Path(back.snapshot)).annotations()
    (event,) = one.events
    assert (event.type, event.attributes) == ("Attack", {"modality": "future"})
    assert {(argument.role, argument.filler) for argument in event.arguments} == {
        ("aggressor", "e1"),
        ("instrument", "e2"),
    }
    types = {(item.type, text[item.start : item.end]): item.attributes for item in one.entities}
    assert types == {("GPE", "Kelmar"): {}, ("Gear", "rockets"): {"form": "nominal"}, ("Time", "Friday"): {}}
