"""Push and pull against a real Label Studio: nothing lost, nothing twice."""

from __future__ import annotations

import http.server
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import annotator_api
import httpx
import psutil
import pytest

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import BadInput, LabelStudioError, ProjectDiffers, Unauthorized, Unreachable
from curation.labelstudio import latest_snapshot, pull, push, read_snapshot, task_status, to_labelstudio
from curation.labelstudio.client import Client
from curation.labelstudio.constants import ANNOTATE
from curation.labelstudio.export_api import fetch
from curation.labelstudio.ledger import Ledger
from curation.labelstudio.local_server import Studio
from curation.labelstudio.queries import exported, listed, touched
from curation.metrics.matching import compare
from curation.schema import LabelSchema

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "labelstudio")]

import random_work as made  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402

pytestmark = pytest.mark.live
FULL = bool(os.environ.get("CURATION_TEST_FULL"))

T = TypeVar("T")
Pairs = list[tuple[Article, Annotation | None]]
BETTER = Annotator(kind="engine", name="dice", version="2.0.0")


@pytest.fixture
def title() -> str:
    return f"Round trip {uuid.uuid4().hex[:12]}"


def pairs(schema: LabelSchema, count: int, first: int = 0, by: Annotator = made.ENGINE) -> Pairs:
    """Articles with an annotation each; every seventh has none."""
    articles = [made.article(seed) for seed in range(first, first + count)]
    return [(one, made.annotation(one, schema, n, by=by) if n % 7 else None) for n, one in enumerate(articles, start=1)]


def on_server(client: Client, project: int) -> list[dict[str, Any]]:
    """Every task, as an export gives it."""
    ids = [task["id"] for task in listed(client, project)]
    return [task for chunk in exported(client, project, ids) for task in chunk]


def once_each(client: Client, project: int, sent: Pairs) -> list[dict[str, Any]]:
    """One task for each article, and one prediction for each annotation. Returns the tasks."""
    tasks = on_server(client, project)
    there = Counter((task["data"]["article_id"], task["data"]["text_sha256"]) for task in tasks)
    assert there == Counter((article.id, article.text_sha256) for article, _ in sent)
    predicted = {article.id: annotation is not None for article, annotation in sent}
    for task in tasks:
        assert len(task["predictions"]) == predicted[task["data"]["article_id"]]
    return tasks


def ledger_is_the_server(client: Client, project: int, work: Path, tasks: list[dict[str, Any]] | None = None) -> None:
    with Ledger(work) as ledger:
        (known,) = [one for one in ledger.all_projects() if one.id == project]
        here = {(task.task_id, task.article_id, task.text_sha256) for task in ledger.tasks(known) if not task.deleted}
        assert ledger.unfinished_requests(known) == []
    tasks = on_server(client, project) if tasks is None else tasks
    assert here == {(task["id"], task["data"]["article_id"], task["data"]["text_sha256"]) for task in tasks}


def test_pushing_twice_changes_nothing(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    work = pairs(schema, 40)
    first = push(client, schema, work, work=tmp_path, title=title, batch_size=15)
    assert (first.articles, first.sent, first.already_there, first.refused) == (40, 40, 0, 0)
    before = on_server(client, first.project_id)
    again = push(client, schema, iter(work), work=tmp_path, title=title, batch_size=15)
    assert (again.sent, again.already_there, again.refreshed, again.touched) == (0, 40, 0, 0)
    assert again.project_id == first.project_id
    assert on_server(client, first.project_id) == before
    once_each(client, first.project_id, work)
    ledger_is_the_server(client, first.project_id, tmp_path)
    sent = {json.loads(line)["id"] for line in (tmp_path / "labelstudio" / "sent.jsonl").open()}
    assert sent == {annotation.id for _, annotation in work if annotation}


def test_the_official_sdk_sees_what_was_pushed(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    article = made.article(1)
    annotation = made.annotation(article, schema, 1)
    report = push(client, schema, [(article, annotation)], work=tmp_path, title=title)
    (task,) = client.sdk().tasks.list(project=report.project_id, fields="all")
    assert task.data["text"] == article.text
    assert task.predictions[0].result == to_labelstudio.prediction(annotation, article, schema)["result"]


def test_what_comes_back_is_what_was_submitted(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    count = 2000 if FULL else 60
    work = pairs(schema, count)
    report = push(client, schema, work, work=tmp_path, title=title)
    tasks = {task.article_id: task for task in annotator_api.tasks(client, report.project_id)}
    submitted = {}
    for n, (article, _) in enumerate(work):
        task = tasks[article.id]
        answer = made.annotation(article, schema, 1000 + n)
        if n % 5 == 1:
            annotator_api.skip(client, task.id)
        elif n % 5 == 2:
            annotator_api.draft(client, task.id, answer, article, schema)
            submitted[article.id] = answer
        elif n % 5 != 3:
            annotator_api.submit(
                client, task.id, answer, article, schema, prediction_id=task.prediction_id, lead_time=2.5
            )
            submitted[article.id] = answer
    back = pull(client, schema, work=tmp_path)
    states = Counter(["submitted", "skipped", "draft", "untouched", "submitted"][n % 5] for n in range(count))
    assert (back.tasks, back.submitted, back.skipped) == (count, states["submitted"], states["skipped"])
    assert (back.drafts, back.untouched, back.issues) == (states["draft"], states["untouched"], 0)
    snapshot = read_snapshot(Path(back.snapshot))
    texts = {article.id: article for article, _ in work}
    assert {article.id: article for article in snapshot.articles()} == texts
    parents = {article.id: annotation.id for article, annotation in work if annotation}
    seen = Counter[str]()
    for annotation in snapshot.annotations():
        seen[annotation.state] += 1
        assert annotation.annotator.key == f"person:ls-{client.user()}"
        if annotation.state == "skipped":
            continue
        assert compare(submitted[annotation.article_id], annotation).equal
        if annotation.state == "submitted":
            assert annotation.lead_time == 2.5
            assert annotation.parent == parents.get(annotation.article_id)
    assert seen == Counter({"submitted": states["submitted"], "skipped": states["skipped"], "draft": states["draft"]})
    stages = Counter(one.stage for one in task_status(tmp_path).tasks)
    assert stages == Counter({"open" if name == "untouched" else name: n for name, n in states.items()})


def test_only_what_changed_is_pulled_and_it_equals_a_full_pull(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    chance = random.Random(3)
    work = pairs(schema, 50)
    report = push(client, schema, work, work=tmp_path, title=title)
    texts = {article.id: article for article, _ in work}
    tasks = list(annotator_api.tasks(client, report.project_id))
    assert pull(client, schema, work=tmp_path).fetched == 50

    def answer(task: annotator_api.TaskToAnswer) -> int:
        article = texts[task.article_id]
        wanted = made.annotation(article, schema, chance.randrange(99), entities=3, events=1)
        return annotator_api.submit(client, task.id, wanted, article, schema, prediction_id=task.prediction_id)

    def same_as_full() -> None:
        part = pull(client, schema, work=tmp_path)
        whole = pull(client, schema, work=tmp_path, full=True)
        assert whole.unchanged, "a full pull found something that an incremental one had missed"
        assert part.fetched < whole.fetched

    one, two, three, four, five, six = chance.sample(tasks, 6)
    first = answer(one)
    second = answer(two)
    annotator_api.skip(client, three.id)
    same_as_full()
    client.patch(f"/api/annotations/{first}/", {"result": [], "ground_truth": True})
    client.delete(f"/api/annotations/{second}/")
    draft = annotator_api.draft(
        client, four.id, made.annotation(texts[four.article_id], schema, 5), texts[four.article_id], schema
    )
    answer(one)
    same_as_full()
    client.delete(f"/api/drafts/{draft}/")
    client.post(f"/api/tasks/{one.id}/annotations/{first}/drafts", {"result": []})
    client.delete(f"/api/tasks/{five.id}/")
    push(client, schema, pairs(schema, 3, first=900), work=tmp_path, title=title)
    same_as_full()
    client.delete(f"/api/predictions/{six.prediction_id}/")
    push(client, schema, pairs(schema, 50, by=BETTER), work=tmp_path, title=title)
    same_as_full()
    assert pull(client, schema, work=tmp_path).unchanged


def test_what_people_do_while_a_long_pull_runs_is_in_the_next_one(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the pull of ten thousand tasks, to which thirty seconds of overlap are little."""
    monkeypatch.setattr("curation.labelstudio.export_api.WINDOW", 4)
    monkeypatch.setattr(sys.modules["curation.labelstudio.pull"], "OVERLAP", timedelta(0))
    work = pairs(schema, 24)
    report = push(client, schema, work, work=tmp_path, title=title)
    first, *_, last = annotator_api.tasks(client, report.project_id)
    texts = {article.id: article for article, _ in work}

    def someone_works(fetched: int) -> None:
        for task in (first, last) if fetched == 1 else ():
            article = texts[task.article_id]
            annotator_api.submit(client, task.id, made.annotation(article, schema, task.id), article, schema)

    during = pull(client, schema, work=tmp_path, on_progress=someone_works)
    (seen,) = read_snapshot(Path(during.snapshot)).annotations()
    assert seen.article_id == last.article_id, "the first task was fetched before anyone worked on it"
    after = pull(client, schema, work=tmp_path)
    assert (after.fetched, after.submitted) == (1, 2)
    assert pull(client, schema, work=tmp_path, full=True).unchanged


def test_many_changes_and_drafts_are_found_page_by_page(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curation.labelstudio.queries.FEW", 3)
    work = pairs(schema, 8)
    report = push(client, schema, work, work=tmp_path, title=title)
    texts = {article.id: article for article, _ in work}
    pull(client, schema, work=tmp_path)
    tasks = list(annotator_api.tasks(client, report.project_id))
    for number, task in enumerate(tasks[:6]):
        article = texts[task.article_id]
        did = annotator_api.draft if number % 2 else annotator_api.submit
        did(client, task.id, made.annotation(article, schema, number), article, schema)
    part = pull(client, schema, work=tmp_path)
    assert (part.submitted, part.drafts, part.full) == (3, 3, False)
    assert pull(client, schema, work=tmp_path, full=True).unchanged


def test_what_people_do_between_two_pages_of_what_changed_is_in_the_next_pull(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["curation.labelstudio.pull"]
    work = pairs(schema, 5)
    report = push(client, schema, work, work=tmp_path, title=title)
    first, *others = annotator_api.tasks(client, report.project_id)
    texts = {article.id: article for article, _ in work}

    def works_on(*tasks: annotator_api.TaskToAnswer) -> None:
        for task in tasks:
            article = texts[task.article_id]
            annotator_api.submit(client, task.id, made.annotation(article, schema, task.id), article, schema)

    pull(client, schema, work=tmp_path)
    works_on(*others)
    monkeypatch.setattr(module, "OVERLAP", timedelta(0))
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr("curation.labelstudio.queries.FEW", 2)
    monkeypatch.setitem(listed.__kwdefaults__, "page", 2)
    get, pages = client.get, 0

    def someone_works(path: str, params: dict[str, Any] | None = None, **form: Any) -> Any:
        nonlocal pages
        answer = get(path, params, **form)
        query = params.get("query", "") if params else ""
        if "tasks:updated_at" in query and '"and"' in query:
            pages += 1
            if pages == 1:
                works_on(first, others[-1])  # the first stands before this page, the last on the next one
        return answer

    monkeypatch.setattr(client, "get", someone_works)
    assert pull(client, schema, work=tmp_path).submitted == 4
    assert pages > 1
    assert pull(client, schema, work=tmp_path).submitted == 5


def test_tasks_that_no_one_touched_are_kept_the_same_however_they_came(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curation.labelstudio.export_api.WINDOW", 7)
    work = pairs(schema, 20)
    report = push(client, schema, work, work=tmp_path, title=title)
    tasks = list(annotator_api.tasks(client, report.project_id))
    texts = {article.id: article for article, _ in work}
    for n, task in enumerate(tasks):
        article = texts[task.article_id]
        if n % 4 == 0:
            annotator_api.submit(client, task.id, made.annotation(article, schema, n), article, schema)
        elif n % 4 == 1:
            annotator_api.draft(client, task.id, made.annotation(article, schema, n), article, schema)
        elif n % 4 == 2 and n < 10:
            annotator_api.skip(client, task.id)
    ids = [task.id for task in tasks]
    listed_too = list(fetch(client, report.project_id, ids, until=datetime.now(UTC) + timedelta(days=1)))
    assert [task["id"] for task in listed_too] == ids
    assert listed_too == list(fetch(client, report.project_id, ids))
    worked_on = [task["id"] for task in listed_too if touched(task)]
    assert worked_on == [task.id for n, task in enumerate(tasks) if n % 4 < 2 or (n % 4 == 2 and n < 10)]


def test_a_better_engine_refreshes_only_what_no_one_touched(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    work, better = pairs(schema, 12), pairs(schema, 12, by=BETTER)
    bare = work[6][0]
    better[6] = (bare, made.annotation(bare, schema, 7, by=BETTER))
    report = push(client, schema, work, work=tmp_path, title=title)
    tasks = {task.article_id: task for task in annotator_api.tasks(client, report.project_id)}
    article, prediction = work[0]
    assert prediction is not None
    annotator_api.submit(client, tasks[article.id].id, prediction, article, schema)
    annotator_api.draft(client, tasks[work[1][0].id].id, prediction, article, schema)
    annotator_api.skip(client, tasks[work[2][0].id].id)
    second = push(client, schema, better, work=tmp_path, title=title)
    assert (second.refreshed, second.touched, second.sent) == (9, 3, 0)
    engines = {}
    for task in listed(client, report.project_id, include=None):
        (one,) = task["predictions"]
        engines[task["data"]["article_id"]] = one["result"][0]["meta"]["engine"]
        assert one["id"] == tasks[task["data"]["article_id"]].prediction_id or task["data"]["article_id"] == bare.id
    assert Counter(engines.values()) == Counter({"dice@1.0.0": 3, "dice@2.0.0": 9})
    third = push(client, schema, better, work=tmp_path, title=title)
    assert (third.refreshed, third.touched) == (0, 3)
    assert client.get(f"/api/projects/{report.project_id}/next")["predictions"], "the label stream shows none"


def test_a_revised_article_is_a_new_task_and_the_old_one_is_superseded(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    (article, annotation), *rest = pairs(schema, 3)
    report = push(client, schema, [(article, annotation), *rest], work=tmp_path, title=title)
    (old,) = [task for task in annotator_api.tasks(client, report.project_id) if task.article_id == article.id]
    assert annotation is not None
    annotator_api.submit(client, old.id, annotation, article, schema)
    revised = Article(id=article.id, text=article.text + " It is over.")
    second = push(client, schema, [(revised, None), *rest], work=tmp_path, title=title)
    assert (second.sent, second.superseded, second.already_there) == (1, 1, 2)
    assert push(client, schema, [(revised, None), *rest], work=tmp_path, title=title).superseded == 0
    back = pull(client, schema, work=tmp_path)
    (kept,) = read_snapshot(Path(back.snapshot)).annotations()
    assert kept.text_sha256 == article.text_sha256
    stages = {
        (one.text_sha256, one.stage, one.superseded)
        for one in task_status(tmp_path).tasks
        if one.article_id == article.id
    }
    assert stages == {(article.text_sha256, "submitted", True), (revised.text_sha256, "open", False)}


def test_of_two_texts_in_one_push_the_last_one_counts(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    old = made.article(1)
    new = Article(id=old.id, text=old.text + " It is over.")
    both: Pairs = [(old, None), (new, None)]
    first = push(client, schema, both, work=tmp_path, title=title)
    assert (first.sent, first.superseded) == (2, 1)
    for order, current, changed in ((both, new, 0), (both, new, 0), (both[::-1], old, 1), (both[::-1], old, 0)):
        report = push(client, schema, order, work=tmp_path, title=title)
        assert (report.sent, report.already_there, report.superseded) == (0, 2, changed)
        assert [one.text_sha256 for one in task_status(tmp_path).tasks if not one.superseded] == [current.text_sha256]


def test_an_annotation_that_does_not_fit_is_refused_and_its_article_sent_bare(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    (article, annotation), (other, fine), *_ = pairs(schema, 3)
    assert annotation is not None
    wrong = annotation.model_copy(
        update={"entities": (annotation.entities[0].model_copy(update={"end": 99_999}),), "events": ()}
    )
    report = push(client, schema, [(article, wrong), (other, fine)], work=tmp_path, title=title)
    assert (report.articles, report.sent, report.refused) == (2, 2, 1)
    (problem,) = report.problems
    assert problem.startswith(f"{article.id}: e0: ends at 99999")
    once_each(client, report.project_id, [(article, None), (other, fine)])


def test_a_lost_ledger_is_rebuilt(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    work = pairs(schema, 30)
    report = push(client, schema, work[:20], work=tmp_path / "one", title=title)
    again = push(client, schema, work, work=tmp_path / "two", title=title)
    assert again.project_id == report.project_id
    assert (again.sent, again.already_there, again.refreshed) == (10, 20, 0)
    once_each(client, report.project_id, work)
    ledger_is_the_server(client, report.project_id, tmp_path / "two")
    third = push(client, schema, work, work=tmp_path / "one", title=title)
    assert (third.sent, third.already_there) == (0, 30), "what another work folder sent is not sent again"
    rebuilt = push(client, schema, work, work=tmp_path / "one", title=title, rebuild_ledger=True)
    assert (rebuilt.sent, rebuilt.already_there, rebuilt.refreshed) == (0, 30, 0)
    ledger_is_the_server(client, report.project_id, tmp_path / "one")


def test_pull_needs_no_ledger(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    article = made.article(5)
    annotation = made.annotation(article, schema, 5)
    report = push(client, schema, [(article, annotation)], work=tmp_path / "one", title=title)
    (task,) = annotator_api.tasks(client, report.project_id)
    annotator_api.submit(client, task.id, annotation, article, schema, prediction_id=task.prediction_id)
    back = pull(client, schema, work=tmp_path / "elsewhere", title=title)
    (one,) = read_snapshot(Path(back.snapshot)).annotations()
    assert one.parent == annotation.id
    assert {item.origin for item in one.items()} == {"engine:dice@1.0.0"}


@pytest.mark.parametrize("name", ["annotations.jsonl", "raw.jsonl.gz", "snapshot.json"])
def test_a_damaged_snapshot_is_noticed_by_pull_and_replaced(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str, name: str
) -> None:
    work = pairs(schema, 8)
    report = push(client, schema, work, work=tmp_path, title=title)
    texts = {article.id: (article, annotation) for article, annotation in work}
    for task in annotator_api.tasks(client, report.project_id):
        article, annotation = texts[task.article_id]
        if annotation is not None:
            annotator_api.submit(client, task.id, annotation, article, schema, prediction_id=task.prediction_id)
    good = read_snapshot(Path(pull(client, schema, work=tmp_path, title=title).snapshot))
    whole = {file.name: file.read_bytes() for file in good.path.glob("*.*") if file.name != ".checked.json"}
    assert pull(client, schema, work=tmp_path, title=title).damaged is None
    (good.path / name).write_bytes(whole[name][:-200])
    back = pull(client, schema, work=tmp_path, title=title)
    assert not back.unchanged and back.fetched == 8
    assert back.damaged is not None and back.damaged.startswith(str(good.path / name))
    new = read_snapshot(Path(back.snapshot))
    assert latest_snapshot(tmp_path) == new.path != good.path
    for file in good.manifest.files:
        assert (new.path / file).read_bytes() == whole[file]
    after = pull(client, schema, work=tmp_path, title=title)
    assert after.unchanged and after.damaged is None and after.fetched == 0


def test_a_damaged_record_of_what_was_sent_stops_push_and_pull(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    work = pairs(schema, 6)
    push(client, schema, work, work=tmp_path, title=title)
    sent = tmp_path / "labelstudio" / "sent.jsonl"
    lines = sent.read_bytes().splitlines(keepends=True)
    sent.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(BadInput, match=r"sent\.jsonl: is cut short.*push --rebuild-ledger"):
        push(client, schema, work, work=tmp_path, title=title)
    with pytest.raises(BadInput, match=r"sent\.jsonl: is cut short"):
        pull(client, schema, work=tmp_path, title=title)
    again = push(client, schema, work, work=tmp_path, title=title, rebuild_ledger=True)
    assert (again.sent, again.already_there) == (0, 6)
    assert sorted(sent.read_bytes().splitlines(keepends=True)) == sorted(lines), (
        "what is still at hand is written again"
    )
    assert pull(client, schema, work=tmp_path, title=title).tasks == 6


def test_a_deleted_task_is_reported_and_sent_again_only_when_asked(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    work = pairs(schema, 6)
    report = push(client, schema, work, work=tmp_path, title=title)
    gone = next(iter(annotator_api.tasks(client, report.project_id)))
    client.delete(f"/api/tasks/{gone.id}/")
    again = push(client, schema, work, work=tmp_path, title=title)
    assert (again.sent, again.already_there, again.deleted) == (0, 5, 1)
    assert "was deleted in Label Studio" in again.problems[0]
    assert {one.stage for one in task_status(tmp_path).tasks if one.article_id == gone.article_id} == {"deleted"}
    back = pull(client, schema, work=tmp_path)
    assert back.tasks == 5
    asked = push(client, schema, work, work=tmp_path, title=title, resend_deleted=True)
    assert (asked.sent, asked.deleted) == (1, 0)
    once_each(client, report.project_id, work)


def test_an_id_used_again_is_not_taken_for_the_task_that_had_it(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    work, other = pairs(schema, 5), pairs(schema, 1, first=700)
    report = push(client, schema, work, work=tmp_path / "one", title=title)
    pull(client, schema, work=tmp_path / "one")
    newest = max(task.id for task in annotator_api.tasks(client, report.project_id))
    client.delete(f"/api/tasks/{newest}/")
    push(client, schema, other, work=tmp_path / "two", title=title)
    again = push(client, schema, work + other, work=tmp_path / "one", title=title)
    assert (again.sent, again.already_there, again.deleted) == (0, 5, 1)
    ledger_is_the_server(client, report.project_id, tmp_path / "one")
    assert pull(client, schema, work=tmp_path / "one").tasks == 5
    assert pull(client, schema, work=tmp_path / "one", full=True).unchanged


def test_a_deleted_project_is_noticed(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    work = pairs(schema, 4)
    report = push(client, schema, work, work=tmp_path, title=title)
    pull(client, schema, work=tmp_path)
    client.delete(f"/api/projects/{report.project_id}/")
    for call in (
        lambda: push(client, schema, work, work=tmp_path, title=title),
        lambda: pull(client, schema, work=tmp_path, title=title),
    ):
        with pytest.raises(LabelStudioError, match=f"project {report.project_id} .* is gone"):
            call()
    assert latest_snapshot(tmp_path) is not None
    anew = push(client, schema, work, work=tmp_path, title=title, new_project=True)
    assert anew.sent == 4
    assert anew.project_id != report.project_id


def test_a_project_someone_else_edited(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    work = pairs(schema, 2)
    report = push(client, schema, work, work=tmp_path, title=title)
    path = f"/api/projects/{report.project_id}/"
    config = client.get(path)["label_config"]
    client.patch(path, {"label_config": config.replace('value="Weapon"', 'value="Gun"')})
    with pytest.raises(ProjectDiffers, match=r"added: label Weapon .*removed: label Gun"):
        push(client, schema, work, work=tmp_path, title=title)
    restyled = config.replace("max-width: 62em", "max-width: 70em")
    assert restyled != config
    client.patch(path, {"label_config": restyled})
    push(client, schema, work, work=tmp_path, title=title)
    assert client.get(path)["label_config"] == restyled, "looks are theirs to change"


def test_a_schema_that_only_adds_goes_through(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    fewer = schema.model_copy(
        update={"version": "0.9.0", "event_types": tuple(one for one in schema.event_types if one.name != "Sanction")}
    )
    work = pairs(fewer, 3)
    report = push(client, fewer, work, work=tmp_path, title=title)
    assert "Sanction" not in client.get(f"/api/projects/{report.project_id}/")["label_config"]
    again = push(client, schema, work, work=tmp_path, title=title)
    assert (again.project_id, again.already_there) == (report.project_id, 3)
    there = client.get(f"/api/projects/{report.project_id}/")
    assert 'value="Sanction"' in there["label_config"]
    assert schema.ref in there["description"]
    with pytest.raises(ProjectDiffers, match="removed: label Sanction"):
        push(client, fewer, work, work=tmp_path, title=title)


def test_a_second_schema_in_another_domain(client: Client, recalls: LabelSchema, tmp_path: Path, title: str) -> None:
    work = pairs(recalls, 10)
    report = push(client, recalls, work, work=tmp_path, title=title)
    texts = {article.id: article for article, _ in work}
    submitted = {}
    for n, task in enumerate(annotator_api.tasks(client, report.project_id)):
        article = texts[task.article_id]
        submitted[article.id] = made.annotation(article, recalls, 50 + n)
        annotator_api.submit(client, task.id, submitted[article.id], article, recalls, prediction_id=task.prediction_id)
    back = pull(client, recalls, work=tmp_path)
    assert (back.submitted, back.issues) == (10, 0)
    for annotation in read_snapshot(Path(back.snapshot)).annotations():
        assert compare(submitted[annotation.article_id], annotation).equal


PUSH = """
import sys
sys.path[:0] = [sys.argv[1]]
from pathlib import Path
import random_work as made
from curation.labelstudio import Client, push
from curation.schema import load_schema
_, _, url, key, schema, work, title, count = sys.argv
schema = load_schema(Path(schema))
articles = [made.article(seed) for seed in range(int(count))]
pairs = [(one, made.annotation(one, schema, n) if n % 7 else None) for n, one in enumerate(articles, start=1)]
print("ready", flush=True)
push(Client(url, key), schema, pairs, work=Path(work), title=title, batch_size=10, patience=10)
"""


@pytest.mark.parametrize("seed", range(10 if FULL else 1))
def test_killed_at_any_moment_and_run_again(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str, seed: int
) -> None:
    root = Path(__file__).parent.parent
    work, chance = pairs(schema, 300), random.Random(seed)
    command = [
        *(sys.executable, "-c", PUSH, str(root / "labelstudio"), studio.url, studio.api_key),
        *(str(root.parent / "schemas" / "conflict-news.yaml"), str(tmp_path), title),
    ]
    killed = 0
    for round_ in range(1, 7):  # each has fifty articles more to send
        process = subprocess.Popen([*command, str(50 * round_)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.02, 0.6))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert killed >= 3, "most runs ended before they could be killed"
    last = push(client, schema, work, work=tmp_path, title=title, batch_size=40)
    assert last.sent + last.already_there == 300
    push(client, schema, work, work=tmp_path, title=title)
    once_each(client, last.project_id, work)
    ledger_is_the_server(client, last.project_id, tmp_path)


@pytest.mark.parametrize("seed", range(200 if FULL else 20))
def test_faults_on_the_way_lose_nothing_and_double_nothing(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str, seed: int
) -> None:
    # Few articles in small batches: as many requests to go wrong, and the server is busy with little else.
    work, better = pairs(schema, 18), pairs(schema, 18, by=BETTER)
    with FaultProxy(studio.url, seed, rate=0.3) as proxy:
        faulty = Client(proxy.url, studio.api_key, timeout=60, pause=0.02)
        send: dict[str, Any] = {"work": tmp_path, "title": title, "batch_size": 3, "patience": 0.8}
        project = until_it_works(lambda: push(faulty, schema, work[:12], **send)).project_id
        tasks = {task.article_id: task for task in annotator_api.tasks(client, project)}
        answered = dict[str, Annotation]()
        for n, (article, _) in enumerate(work[:3]):
            answered[article.id] = made.annotation(article, schema, 1000 + n)
            prediction = tasks[article.id].prediction_id
            annotator_api.submit(
                client, tasks[article.id].id, answered[article.id], article, schema, prediction_id=prediction
            )
        until_it_works(lambda: push(faulty, schema, better, **send))
        until_it_works(lambda: pull(faulty, schema, work=tmp_path, title=title))
    assert sum(count for name, count in proxy.faults.items() if not name.endswith("none"))
    # Whatever was late has arrived by now: the proxy waits for it.
    last = push(client, schema, better, work=tmp_path, title=title)
    assert (last.sent, last.doubles_kept) == (0, 0)
    ledger_is_the_server(client, last.project_id, tmp_path, once_each(client, last.project_id, better))
    now = [work[n] if article.id in answered else (article, one) for n, (article, one) in enumerate(better)]
    says = {
        article.id: to_labelstudio.digest(to_labelstudio.prediction(one, article, schema)["result"])
        for article, one in now
        if one
    }
    for task in listed(client, last.project_id, include=None):
        name = task["data"]["article_id"]
        assert [to_labelstudio.digest(one["result"]) for one in task["predictions"]] == (
            [says[name]] if name in says else []
        )
    back = pull(client, schema, work=tmp_path)
    assert (back.tasks, back.submitted) == (len(better), len(answered))
    for annotation in read_snapshot(Path(back.snapshot)).annotations():
        assert compare(answered.pop(annotation.article_id), annotation).equal
    assert not answered
    assert pull(client, schema, work=tmp_path, full=True).unchanged


def until_it_works(job: Callable[[], T]) -> T:
    """Run a job again until it ends well, as a person or cron would."""
    for _ in range(40):
        with suppress(LabelStudioError):
            return job()
    pytest.fail("40 runs, and none ended well")


def test_predictions_that_a_busy_database_cost_are_given_again(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    """On SQLite, an import that met a lock is tried again by the server itself, and then without its predictions."""
    work = pairs(schema, 8)
    project = push(client, schema, [], work=tmp_path, title=title).project_id
    base = psutil.Process(studio.pid).environ()["LABEL_STUDIO_BASE_DATA_DIR"]
    with closing(sqlite3.connect(Path(base) / "label_studio.sqlite3")) as busy, ThreadPoolExecutor(1) as beside:
        busy.execute("BEGIN IMMEDIATE")
        sending = beside.submit(push, client, schema, work, work=tmp_path, title=title)
        time.sleep(6.5)  # the server waits 5 s for the lock, and 3 s more before it tries again
        busy.rollback()
        assert sending.result().sent == 8
    once_each(client, project, work)
    last = push(client, schema, work, work=tmp_path, title=title)
    assert (last.sent, last.refreshed, last.already_there) == (0, 0, 8)


def test_an_import_that_arrives_late_leaves_no_double(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    work = pairs(schema, 8)
    project = push(client, schema, [], work=tmp_path, title=title).project_id
    with Ledger(tmp_path) as ledger:
        (known,) = ledger.all_projects()
        ledger.begin_import(known, "slow", [])
        ledger.abandon_request("slow")
    assert push(client, schema, work, work=tmp_path, title=title).sent == 8
    late = [to_labelstudio.task(article, annotation, schema, batch="slow") for article, annotation in work[:3]]
    client.post(f"/api/projects/{project}/import", late)
    tasks = sorted(annotator_api.tasks(client, project), key=lambda task: task.id)
    first, second = tasks[0], tasks[-2]
    assert first.article_id != second.article_id == work[1][0].id
    annotator_api.skip(client, second.id)  # someone was quick: the late one stays, the untouched first one goes
    report = push(client, schema, work, work=tmp_path, title=title)
    assert (report.sent, report.doubles_removed, report.doubles_kept) == (0, 3, 0)
    once_each(client, project, work)
    ledger_is_the_server(client, project, tmp_path)
    assert second.id in {task["id"] for task in on_server(client, project)}


def test_doubles_that_someone_worked_on_are_left_and_named(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    work = pairs(schema, 2)
    project = push(client, schema, work, work=tmp_path, title=title).project_id
    client.post(f"/api/projects/{project}/import", [to_labelstudio.task(*work[0], schema, batch="by hand")])
    both = [task.id for task in annotator_api.tasks(client, project) if task.article_id == work[0][0].id]
    for task in both:
        annotator_api.skip(client, task)
    report = push(client, schema, work, work=tmp_path, title=title)
    assert (report.doubles_removed, report.doubles_kept) == (0, 2)
    assert f"{both[0]}, {both[1]}" in report.problems[0]
    assert len(on_server(client, project)) == 3


def test_two_pushes_at_once_are_refused(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    def slow() -> Iterator[tuple[Article, Annotation | None]]:
        with pytest.raises(Exception, match="another push is running"):
            push(client, schema, [], work=tmp_path, title=title)
        yield from pairs(schema, 1)

    assert push(client, schema, slow(), work=tmp_path, title=title).sent == 1


@pytest.mark.parametrize("bad", ["no", "x" * 51])
def test_a_title_label_studio_does_not_take(client: Client, schema: LabelSchema, tmp_path: Path, bad: str) -> None:
    with pytest.raises(LabelStudioError, match="3 to 50 characters"):
        push(client, schema, [], work=tmp_path, title=bad)


def test_a_wrong_token(studio: Studio, schema: LabelSchema, tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="refuses the API key"):
        push(Client(studio.url, "f" * 40), schema, [], work=tmp_path, title="Never made")
    with pytest.raises(Unauthorized, match="refuses the API key"):
        pull(Client(studio.url, "f" * 40), schema, work=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_personal_access_token(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    token = client.post("/api/token/", {})["token"]
    work = pairs(schema, 3)
    try:
        with Client(studio.url, token) as personal:
            assert personal.version() == client.version()
            assert push(personal, schema, work, work=tmp_path, title=title).sent == 3
            assert pull(personal, schema, work=tmp_path).tasks == 3
    finally:
        httpx.post(f"{studio.url}/api/token/blacklist/", json={"refresh": token}).raise_for_status()


def test_a_server_that_is_not_label_studio(schema: LabelSchema, tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(Unreachable, match="not Label Studio"):
            push(Client(f"http://127.0.0.1:{server.server_port}", "k" * 40), schema, [], work=tmp_path, title="Nowhere")
        server.shutdown()


def test_nothing_to_pull(client: Client, schema: LabelSchema, tmp_path: Path, title: str) -> None:
    with pytest.raises(LabelStudioError, match="run push first"):
        pull(client, schema, work=tmp_path, title=title)


def test_one_task_and_purpose_for_each_revision_even_within_one_push(
    client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    article = made.article(1)
    report = push(client, schema, [(article, None)] * 5, work=tmp_path, title=title, batch_size=2)
    assert (report.articles, report.sent, report.already_there) == (5, 1, 4)
    (task,) = on_server(client, report.project_id)
    assert task["data"]["purpose"] == ANNOTATE
