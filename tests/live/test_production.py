"""The loop as in production: Label Studio on PostgreSQL, behind TLS with a private authority, under a path prefix."""

from __future__ import annotations

import inspect
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import annotator_api
import httpx
import pytest
from front import Front, private_authority
from postgres import postgres

from curation.annotation import Annotation
from curation.errors import Unauthorized, Unreachable
from curation.labelstudio import local_server as local
from curation.labelstudio import pull, push, read_snapshot
from curation.labelstudio.client import Client
from curation.labelstudio.local_server import Studio
from curation.metrics.matching import compare
from curation.schema import LabelSchema

sys.path[:0] = [str(Path(__file__).parent.parent / "labelstudio")]

import random_work as made  # noqa: E402
import test_roundtrip  # noqa: E402

pytestmark = pytest.mark.live
FULL = bool(os.environ.get("CURATION_TEST_FULL"))


@dataclass(frozen=True)
class Production:
    """Where it is for the world (`url`, trusted by `authority`), and the bare server behind."""

    url: str
    authority: Path
    front: Front
    behind: Studio

    def client(self, key: str | None = None) -> Client:
        return Client(self.url, key or self.behind.api_key, verify=self.authority)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    folder = tmp_path_factory.mktemp("production")
    authority, certificate = private_authority(folder / "tls")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        postgres() as database,
        Front(f"http://127.0.0.1:{port}", prefix="/label-studio", certificate=certificate) as front,
    ):
        env, data = local._environment(print), folder / "data"
        data.mkdir()
        login = local._login(data)
        settings = local._settings(data, login) | database | {"LABEL_STUDIO_HOST": front.url}
        command = [str(env / "bin" / "label-studio"), "start", "--no-browser"]
        command += ["--internal-host", "127.0.0.1", "--port", str(port)]
        with (data / "log").open("wb") as log:
            server_process = subprocess.Popen(command, env=settings, cwd=data, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 240
            behind = Studio(f"http://127.0.0.1:{port}", **login, pid=server_process.pid, port=port, version="")
            while not local._ours(behind):
                assert server_process.poll() is None, (data / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, (data / "log").read_text()[-2000:]
                time.sleep(0.2)
            yield Production(front.url, authority, front, behind)
        finally:
            server_process.terminate()
            server_process.wait()


@pytest.fixture(params=["legacy token", "personal access token"])
def key(production: Production, request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "legacy token":
        yield production.behind.api_key
        return
    with production.client() as client:
        token = client.post("/api/token/", {})["token"]
    yield token
    httpx.post(f"{production.behind.url}/api/token/blacklist/", json={"refresh": token}).raise_for_status()
    with production.client(token) as client, pytest.raises(Unauthorized):
        client.user()


def test_the_loop(production: Production, key: str, schema: LabelSchema, tmp_path: Path) -> None:
    title = f"Production {uuid.uuid4().hex[:8]}"
    texts = [made.article(seed) for seed in range(30)]
    work = [(one, made.annotation(one, schema, n) if n % 7 else None) for n, one in enumerate(texts)]
    with production.client(key) as client:
        first = push(client, schema, work[:20], work=tmp_path, title=title, batch_size=8)
        assert (first.sent, first.project_url) == (20, f"{production.url}/projects/{first.project_id}")
        second = push(client, schema, work, work=tmp_path, title=title, batch_size=8)
        assert (second.sent, second.already_there) == (10, 20)
        said: dict[str, Annotation] = {}
        tasks = list(annotator_api.tasks(client, first.project_id))
        for n, task in enumerate(tasks):
            article = texts[n]
            assert task.article_id == article.id
            said[article.id] = made.annotation(article, schema, 500 + n)
            if n < 10:
                annotator_api.submit(
                    client, task.id, said[article.id], article, schema, prediction_id=task.prediction_id
                )
            elif n < 13:
                annotator_api.draft(client, task.id, said[article.id], article, schema)
            elif n < 15:
                annotator_api.skip(client, task.id)
        better = [(one, made.annotation(one, schema, n, by=test_roundtrip.BETTER)) for n, one in enumerate(texts)]
        third = push(client, schema, better, work=tmp_path, title=title)
        assert (third.refreshed, third.touched) == (15, 15)
        back = pull(client, schema, work=tmp_path, title=title)
        counts = back.tasks, back.submitted, back.drafts, back.skipped, back.untouched, back.issues
        assert counts == (30, 10, 3, 2, 15, 0)
        for one in read_snapshot(Path(back.snapshot)).annotations():
            if one.state != "skipped":
                assert compare(said[one.article_id], one).equal
        annotator_api.skip(client, tasks[20].id)
        client.delete(f"/api/tasks/{tasks[21].id}/")
        part = pull(client, schema, work=tmp_path, title=title)
        assert (part.tasks, part.skipped, part.deleted) == (29, 3, 1)
        assert part.fetched < back.fetched
        assert pull(client, schema, work=tmp_path, title=title, full=True).unchanged
        rebuilt = push(client, schema, better, work=tmp_path / "other", title=title)
        assert (rebuilt.sent, rebuilt.already_there, rebuilt.refreshed) == (1, 29, 0)


def test_the_command_line(production: Production, key: str, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "behind"\narticles = ["*.txt"]\nschema = "{root / "schemas" / "product-recalls.yaml"}"\n'
        f'[labelstudio]\nurl = "{production.url}"\nca = "{production.authority}"\ntitle = "{uuid.uuid4().hex[:9]}"\n'
    )
    (tmp_path / "one.txt").write_text("Norrel Foods recalled its oat bars on Monday.\n")
    (tmp_path / "none.jsonl").touch()
    for words, name, count in ((["push", "--annotations", "none.jsonl"], "sent", 1), (["pull"], "tasks", 1)):
        shown = subprocess.run(
            [sys.executable, "-m", "curation", *words, "--json"],
            cwd=tmp_path, env=os.environ | {"LABEL_STUDIO_API_KEY": key}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout)[name] == count
        assert key not in shown.stdout + shown.stderr


def test_what_is_wrong_with_the_address_is_said(production: Production) -> None:
    key = production.behind.api_key
    with Client(production.url, key) as stranger, pytest.raises(Unreachable, match="LABEL_STUDIO_CA"):
        stranger.version()
    without_prefix = production.url.removesuffix("/label-studio")
    with (
        Client(without_prefix, key, verify=production.authority) as lost,
        pytest.raises(Unreachable, match="with its path prefix if it has one"),
    ):
        lost.version()
    plain = production.url.replace("https:", "http:")
    with Client(plain, key) as insecure, pytest.raises(Unreachable, match="does not answer"):
        insecure.version()


ROUND_TRIP = [
    getattr(test_roundtrip, name)
    for name in (
        *("test_pushing_twice_changes_nothing", "test_only_what_changed_is_pulled_and_it_equals_a_full_pull"),
        *("test_a_better_engine_refreshes_only_what_no_one_touched", "test_a_lost_ledger_is_rebuilt"),
        *("test_a_deleted_task_is_reported_and_sent_again_only_when_asked", "test_a_deleted_project_is_noticed"),
        *("test_an_import_that_arrives_late_leaves_no_double", "test_a_project_someone_else_edited"),
        *(
            "test_what_comes_back_is_what_was_submitted",
            "test_what_people_do_while_a_long_pull_runs_is_in_the_next_one",
        ),
        "test_tasks_that_no_one_touched_are_kept_the_same_however_they_came",
    )
]


@pytest.mark.full
@pytest.mark.skipif(not FULL, reason="only in `make test-full`")
@pytest.mark.parametrize("test", ROUND_TRIP, ids=lambda one: one.__name__)
def test_the_round_trip_on_postgresql(
    production: Production,
    schema: LabelSchema,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[..., None],
) -> None:
    title = f"Round trip {uuid.uuid4().hex[:12]}"
    with production.client() as client:
        given = {"client": client, "schema": schema, "tmp_path": tmp_path, "title": title, "monkeypatch": monkeypatch}
        test(**{name: given[name] for name in inspect.signature(test).parameters})


@pytest.mark.full
@pytest.mark.skipif(not FULL, reason="only in `make test-full`")
@pytest.mark.parametrize("seed", range(1000, 1010))
def test_faults_on_postgresql(production: Production, schema: LabelSchema, tmp_path: Path, seed: int) -> None:
    test = inspect.unwrap(test_roundtrip.test_faults_on_the_way_lose_nothing_and_double_nothing)
    with Client(production.behind.url, production.behind.api_key) as client:
        test(production.behind, client, schema, tmp_path, f"Faults {uuid.uuid4().hex[:12]}", seed)
