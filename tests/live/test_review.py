"""Two people annotate, differ, and someone decides: overlap and blind pushes, review, the decision in a release."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import annotator_api
import httpx
import pyarrow.parquet as pq
import pytest
from editor import Editor

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.files import write_jsonl
from curation.formats.articles import good_articles
from curation.jobs.check import find
from curation.jobs.publish import publish
from curation.jobs.pull import pull
from curation.jobs.push import push
from curation.jobs.review import review
from curation.jobs.send_findings import send_findings
from curation.labelstudio import read_snapshot
from curation.labelstudio.client import Client
from curation.labelstudio.constants import ADJUDICATE, CHECK
from curation.labelstudio.local_server import Studio
from curation.labelstudio.queries import listed
from curation.metrics.matching import compare
from curation.project import Project
from curation.review.pseudonyms import Pseudonyms

pytestmark = pytest.mark.live

SENTENCE = "Torvan troops captured the town of Orrin on Friday, hour {}.\n"


@pytest.fixture
def second(studio: Studio, client: Client) -> Iterator[Client]:
    """Another person, who came by the invitation link."""
    invitation = client.get("/api/invite")["invite_url"]
    path = invitation[invitation.index("/user/") :]
    with httpx.Client(base_url=studio.url, follow_redirects=True) as web:
        form = web.get(path).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token is not None
        login = {"email": f"{uuid.uuid4().hex[:8]}@example.org", "password": uuid.uuid4().hex}
        referer = {"Referer": studio.url + path}
        web.post(path, data=login | {"csrfmiddlewaretoken": token[1], "allow_newsletters": "false"}, headers=referer)
        key = web.get("/api/current-user/token").json()["token"]
    with Client(studio.url, key) as person:
        yield person


@pytest.fixture
def project(tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with six articles, pre-annotated."""
    root = Path(__file__).resolve().parents[2]
    folder = tmp_path / "mine"
    (folder / "articles").mkdir(parents=True)
    for number in range(6):
        (folder / "articles" / f"a{number}.txt").write_text(SENTENCE.format(number), encoding="utf-8")
    (folder / "curation.toml").write_text(
        f'[project]\nname = "torvan"\narticles = ["articles"]\nschema = "{root}/schemas/conflict-news.yaml"\n'
        f'[labelstudio]\ntitle = "Review {uuid.uuid4().hex[:8]}"\n',
        encoding="utf-8",
    )
    for name in list(os.environ):
        if name.startswith(("LABEL_STUDIO", "CURATION_W", "HF_T")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LABEL_STUDIO_URL", studio.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", studio.api_key)
    project = Project.open(folder / "curation.toml")
    preannotate(project, "1")
    return project


def preannotate(project: Project, version: str) -> None:
    schema = project.load_schema()
    annotator = Annotator(kind="engine", name="made", version=version)
    made = [
        Annotation(
            id=f"made-{version}-{article.id}",
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema=schema.ref,
            annotator=annotator,
            entities=(entity(article, "Torvan troops", "ArmedGroup"), entity(article, "Orrin", "GPE")),
            events=(Event(id="captured", type="Capture", **at(article, "captured")),),
        )
        for article in good_articles(project.articles)
    ]
    write_jsonl(project.preannotations, (one.to_json() for one in made))


def at(article: Article, words: str) -> dict[str, int]:
    return {"start": article.text.index(words), "end": article.text.index(words) + len(words)}


def entity(article: Article, words: str, kind: str) -> Entity:
    return Entity(id=re.sub(r"\W", "-", words), type=kind, **at(article, words))


def answer(client: Client, task: annotator_api.TaskToAnswer, said: Annotation, project: Project) -> int:
    """Submit `said`; returns the annotation's number."""
    article = next(one for one in good_articles(project.articles) if one.id == said.article_id)
    schema = project.load_schema()
    return annotator_api.submit(client, task.id, said, article, schema, prediction_id=task.prediction_id, lead_time=9)


def tasks(client: Client, project: int, purpose: str) -> dict[str, dict[str, Any]]:
    """Article id → the project's task of that purpose, with all its fields."""
    found = [one for one in listed(client, project, include=None) if one["data"]["purpose"] == purpose]
    assert len({one["data"]["article_id"] for one in found}) == len(found)
    return {one["data"]["article_id"]: one for one in found}


def test_two_people_differ_and_one_decides(
    project: Project, studio: Studio, client: Client, second: Client, editor: Editor
) -> None:
    articles = {one.id: one for one in good_articles(project.articles)}
    said = {one.article_id: one for one in map(Annotation.model_validate_json, project.preannotations.open())}

    # Some are blind, all are for two people; a later push without the options changes neither.
    pushed = push(project, overlap="100%", blind="40%")
    blind = {name for name, task in tasks(client, pushed.project_id, "annotate").items() if not task["predictions"]}
    assert (pushed.sent, pushed.arranged, pushed.blind) == (6, 6, len(blind))
    assert 0 < len(blind) < 6
    preannotate(project, "2")
    preannotations = project.preannotations.read_text(encoding="utf-8")
    project.preannotations.write_text(preannotations.replace('"GPE"', '"Location"'), encoding="utf-8")
    again = push(project)
    assert (again.sent, again.refreshed, again.arranged) == (0, 6 - len(blind), 0)
    there = tasks(client, pushed.project_id, "annotate")
    assert {name for name, task in there.items() if not task["predictions"]} == blind
    assert {task["overlap"] for task in there.values()} == {2}

    # Each person is given each task once; nobody is given what two have done.
    to_do = {task.article_id: task for task in annotator_api.tasks(client, pushed.project_id)}
    numbers = {}
    for name, task in to_do.items():
        answer(client, task, said[name], project)
        if name == "a0":
            assert second.get(f"/api/projects/{pushed.project_id}/next")["data"]["article_id"] == "a0"
        other = said[name]
        if name in ("a1", "a2", "a3"):
            other = other.model_copy(update={"entities": other.entities[:1]})
        numbers[name] = answer(second, task, other, project)
    assert second.find(f"/api/projects/{pushed.project_id}/next") is None

    # Killed on the way and run again, there is one task for each article on which they differ.
    pull(project)
    job = subprocess.Popen([sys.executable, "-m", "curation", "review"], cwd=project.root)
    limit = time.monotonic() + 120
    while job.poll() is None and not tasks(client, pushed.project_id, ADJUDICATE):
        assert time.monotonic() < limit
        time.sleep(0.02)
    job.send_signal(signal.SIGKILL)
    job.wait(30)
    found = review(project)
    assert (found.agreed, found.differ, found.sent + found.already_there) == (3, 3, 3)
    assert review(project).already_there == 3
    # Nobody has opened the list yet: all tasks have a tab there, too.
    views = client.get("/api/dm/views", {"project": pushed.project_id})
    assert [view["data"]["title"] for view in views] == ["Default", "Adjudicate"]
    decide = tasks(client, pushed.project_id, ADJUDICATE)
    assert set(decide) == {"a1", "a2", "a3"}
    names = {f"by {Pseudonyms.of(project.work).key(f'person:ls-{one.user()}')[7:]}" for one in (client, second)}
    for task in decide.values():
        assert {one["model_version"] for one in task["predictions"]} == {"pre-annotation", *names}
        assert re.search(r"“Orrin”: .*GPE \(", task["data"]["note"])
        assert task["is_labeled"]  # so that the label stream gives it to nobody
    assert second.find(f"/api/projects/{pushed.project_id}/next") is None

    # What someone says anew is in the open task; the predictions are the same ones.
    worded = said["a3"].model_copy(update={"entities": (entity(articles["a3"], "troops", "ArmedGroup"),)})
    result = annotator_api.to_labelstudio.result(worded, articles["a3"], project.load_schema())
    second.patch(f"/api/annotations/{numbers['a3']}/", {"result": result})
    pull(project)
    renewed = review(project)
    assert (renewed.refreshed, renewed.already_there) == (1, 3)
    now = tasks(client, pushed.project_id, ADJUDICATE)
    assert "“troops”" in now["a3"]["data"]["note"]
    assert {one["id"] for one in now["a3"]["predictions"]} == {one["id"] for one in decide["a3"]["predictions"]}

    # One is decided in the page: the tabs show what each said, and one of them is taken.
    page = editor.page
    editor.open(pushed.project_id, decide["a1"]["id"])
    assert page.locator(".curation-note").inner_text().startswith("To decide: 1 difference between ")
    tabs = page.locator(".lsf-annotation-button__name")
    assert {*names, "pre-annotation"} < set(tabs.all_text_contents())
    assert [one.text for one in editor.wait_for_regions(2)] == ["Torvan troops", "captured"]  # where they agree
    mine = f"by {Pseudonyms.of(project.work).key(f'person:ls-{client.user()}')[7:]}"
    tabs.filter(has_text=mine).click()
    assert [one.text for one in editor.wait_for_regions(3)] == ["Torvan troops", "captured", "Orrin"]
    page.locator(".lsf-annotation-button_selected .lsf-annotation-button__trigger").click()
    page.get_by_text("Duplicate Annotation").click()
    editor.submit()
    # The other one through the API, from what both say.
    task = next(one for one in annotator_api.tasks(client, pushed.project_id) if one.id == decide["a2"]["id"])
    answer(client, task, said["a2"].model_copy(update={"events": ()}), project)

    back = pull(project)
    snapshot = read_snapshot(Path(back.snapshot))
    of_article = {one.article_id: one for one in snapshot.annotations() if one.state == "reviewed"}
    assert set(of_article) == {"a1", "a2"}
    assert compare(of_article["a1"], said["a1"]).equal
    assert set(of_article["a1"].between or ()) == {
        one.id for one in snapshot.annotations() if one.article_id == "a1" and one.state == "submitted"
    }
    assert of_article["a1"].parent in (of_article["a1"].between or ())
    assert (review(project).decided, review(project).already_there) == (2, 1)

    assert [(one.article_id, one.submitted, one.kept) for one in publish(project).undecided] == [("a3", 2, False)]
    rows = [row for path in project.releases.glob("*/documents/*.parquet") for row in pq.read_table(path).to_pylist()]
    chosen = {row["id"]: row["chosen"] for row in rows}
    assert chosen == {
        "a0": "agreed",
        "a1": "adjudicated",
        "a2": "adjudicated",
        "a4": "agreed",
        "a5": "agreed",
    }

    (card,) = project.releases.glob("*/README.md")
    assert f"| articles | {len(blind)} | {6 - len(blind)} |" in card.read_text(encoding="utf-8")

    # Whoever annotates after the decision is told of.
    second.patch(f"/api/annotations/{numbers['a1']}/", {"result": result})
    pull(project)
    later = review(project)
    assert (later.newer, later.sent) == (1, 0)
    assert any(one.startswith("a1: ") for one in later.problems)


SCHEMA_SAYS = ("filler-type",)
"""A kind of finding that depends on the schema alone, not on what is usual in six short articles."""


def test_what_checks_doubt_is_looked_at_again(project: Project, client: Client, editor: Editor) -> None:
    assert push(project).problems == ()
    first = project.root / "first.jsonl"
    first.write_text("".join(project.preannotations.read_text(encoding="utf-8").splitlines(True)[:4]), encoding="utf-8")
    pushed = push(project, annotations=first)  # some predictions are there already, and stay
    assert pushed.problems == (f"{first}: holds no pre-annotation of 2 articles as they are now: a4, a5",)
    texts = {one.id: one for one in good_articles(project.articles)}
    said = {one.article_id: one for one in map(Annotation.model_validate_json, project.preannotations.open())}
    tasks_of = {task.article_id: task for task in annotator_api.tasks(client, pushed.project_id)}

    def captured(name: str, **roles: str) -> Annotation:
        words = {"day": "Friday", "hour": f"hour {name[1]}"}
        times = [Entity(id=one, type="Time", **at(texts[name], words[one])) for one in words]
        event = said[name].events[0]
        arguments = tuple(Argument(role=role, filler=filler) for role, filler in roles.items())
        event = event.model_copy(update={"arguments": arguments})
        return said[name].model_copy(update={"entities": (*said[name].entities, *times), "events": (event,)})

    def doubted() -> Counter[str]:
        return Counter(one.article_id for one in find(project, kinds=SCHEMA_SAYS).findings)

    for name in ("a1", "a2", "a3"):  # a day captures something from an hour
        answer(client, tasks_of[name], captured(name, captor="day", loser="hour"), project)
    answer(client, tasks_of["a4"], captured("a4", captor="Torvan-troops", territory="Orrin"), project)
    pull(project)
    assert doubted() == {"a1": 2, "a2": 2, "a3": 2}

    sent = send_findings(project)
    assert sent.sent == sent.articles >= 3
    assert send_findings(project).already_there == sent.articles
    again = tasks(client, pushed.project_id, CHECK)
    assert "“hour 1” is Time, which cannot be the loser" in again["a1"]["data"]["note"]
    assert "ls-" not in again["a1"]["data"]["note"]

    # One is submitted as it stands, in the page; in another one the captor is put right and the rest left.
    editor.open(pushed.project_id, again["a1"]["id"])
    note = editor.page.locator(".curation-note").inner_text()
    assert note.startswith("Perhaps a mistake? ")
    assert "“Friday” is Time, which cannot be the captor" in note
    editor.wait_for_regions(5)
    editor.wait_for_arrows(2)
    editor.submit()
    task = next(one for one in annotator_api.tasks(client, pushed.project_id) if one.id == again["a2"]["id"])
    answer(client, task, captured("a2", captor="Torvan-troops", loser="hour"), project)

    back = pull(project)
    made = [one for one in read_snapshot(Path(back.snapshot)).annotations() if one.state == "reviewed"]
    assert [(one.article_id, len(one.between or ())) for one in made] == [("a1", 1), ("a2", 1)]
    # What was left alone is dismissed at once; what was left beside something that was put right, at the next look.
    assert doubted() == {"a2": 1, "a3": 2}
    send_findings(project)
    assert doubted() == {"a3": 2}
    now = tasks(client, pushed.project_id, CHECK)
    assert {now[name]["id"] for name in ("a1", "a2", "a3")} == {again[name]["id"] for name in ("a1", "a2", "a3")}
