"""After a backup was restored: status, push and pull agree on the same articles, and say what helps."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections import Counter
from pathlib import Path

import annotator_api
import pytest

from curation.labelstudio import Client, PullReport, PushReport, pull, push, task_status
from curation.labelstudio.local_server import start, stop
from curation.schema import LabelSchema

sys.path[:0] = [str(Path(__file__).parent.parent / "labelstudio")]

import random_work as made  # noqa: E402

pytestmark = pytest.mark.live


class Desk:
    """A work folder, and the articles in it."""

    def __init__(self, schema: LabelSchema, work: Path, title: str) -> None:
        self.schema, self.work, self.title = schema, work, title

    def push(self, client: Client, first: int, last: int, **options: bool) -> PushReport:
        """Push articles by number."""
        articles = [made.article(number) for number in range(first, last + 1)]
        pairs = [(one, made.annotation(one, self.schema, 1)) for one in articles]
        return push(client, self.schema, pairs, work=self.work, title=self.title, **options)

    def submit(self, client: Client, project: int, *numbers: int) -> None:
        """Submit the pre-annotations of these articles as they are."""
        articles = {(article := made.article(number)).id: article for number in numbers}
        for task in annotator_api.tasks(client, project):
            if (article := articles.get(task.article_id)) is not None:
                annotator_api.submit(client, task.id, made.annotation(article, self.schema, 1), article, self.schema)

    def pull(self, client: Client) -> PullReport:
        return pull(client, self.schema, work=self.work, title=self.title)

    def stages(self) -> dict[str, str]:
        return {one.article_id: one.stage for one in task_status(self.work).tasks}

    def restored(self) -> str:
        return "; ".join(task_status(self.work).restored)


def names(first: int, last: int) -> set[str]:
    return {made.article(number).id for number in range(first, last + 1)}


@pytest.fixture
def desk(schema: LabelSchema, tmp_path: Path) -> Desk:
    return Desk(schema, tmp_path / "work", f"Restored {uuid.uuid4().hex[:12]}")


def test_an_older_ledger(client: Client, desk: Desk, tmp_path: Path) -> None:
    project = desk.push(client, 1, 3).project_id
    desk.pull(client)
    shutil.copytree(desk.work / "labelstudio", tmp_path / "backup")
    desk.push(client, 4, 6)
    desk.submit(client, project, 1, 4)
    desk.pull(client)
    before = desk.stages()
    assert Counter(before.values()) == {"submitted": 2, "open": 4} and desk.restored() == ""
    shutil.rmtree(desk.work / "labelstudio")
    shutil.copytree(tmp_path / "backup", desk.work / "labelstudio")
    assert desk.stages() == before, "push says of none of them that it is new"
    assert "restored: run push --rebuild-ledger" in desk.restored()
    again = desk.push(client, 1, 6, rebuild_ledger=True)
    assert (again.sent, again.already_there) == (0, 6)
    assert desk.stages() == before and desk.restored() == ""


def test_a_ledger_that_is_gone(client: Client, desk: Desk) -> None:
    project = desk.push(client, 1, 3).project_id
    desk.submit(client, project, 2)
    desk.pull(client)
    before = desk.stages()
    (desk.work / "labelstudio" / "ledger.sqlite").unlink()
    assert desk.stages() == before
    assert "restored: run push --rebuild-ledger" in desk.restored()
    assert desk.push(client, 1, 3).already_there == 3
    assert desk.stages() == before and desk.restored() == ""


def test_older_snapshots(client: Client, desk: Desk) -> None:
    project = desk.push(client, 1, 3).project_id
    desk.pull(client)
    desk.submit(client, project, 2)
    shutil.rmtree(desk.pull(client).snapshot)
    assert "restored: run pull" in desk.restored()
    assert desk.pull(client).submitted == 1
    assert desk.restored() == ""


def test_an_older_database(desk: Desk, schema: LabelSchema, tmp_path: Path, free_port: int) -> None:
    data = tmp_path / "studio"
    try:
        studio = start(data)
        with Client(studio.url, studio.api_key) as client:
            project = desk.push(client, 1, 4).project_id
            desk.submit(client, project, 1)
            desk.pull(client)
        stop(data)
        shutil.copytree(data, tmp_path / "backup")
        studio = start(data, port=studio.port)
        with Client(studio.url, studio.api_key) as client:
            desk.push(client, 5, 8)
            desk.submit(client, project, 2, 5)
            desk.pull(client)
        assert Counter(desk.stages().values()) == {"submitted": 3, "open": 5}
        stop(data)
        shutil.rmtree(data)
        shutil.copytree(tmp_path / "backup", data)
        studio = start(data, port=studio.port)
        with Client(studio.url, studio.api_key) as client:
            back = desk.pull(client)
            assert back.went_back and (back.tasks, back.submitted) == (4, 1)
            assert "restored: run push --rebuild-ledger" in desk.restored()
            # Others get the numbers of the tasks that are gone.
            other = desk.push(client, 9, 10)
            assert other.sent == 2
            desk.pull(client)
            stages = desk.stages()
            told = desk.push(client, 1, 10)
            assert (told.deleted, told.already_there) == (4, 6)
            assert {name for name, stage in stages.items() if stage == "deleted"} == names(5, 8)
            assert all("--rebuild-ledger sends it again" in problem for problem in told.problems)
            rebuilt = desk.push(client, 1, 10, rebuild_ledger=True)
            assert (rebuilt.sent, rebuilt.already_there, rebuilt.problems) == (4, 6, ())
            desk.pull(client)
            assert desk.restored() == ""
            assert Counter(desk.stages().values()) == {"submitted": 1, "open": 9}
    finally:
        stop(data)
