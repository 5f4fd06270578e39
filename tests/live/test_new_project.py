"""The project is made once, whatever happens to the request that makes it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from curation.errors import OutcomeUnknown
from curation.labelstudio import PushReport, push
from curation.labelstudio.client import Client
from curation.labelstudio.ledger import Ledger
from curation.labelstudio.local_server import Studio
from curation.schema import LabelSchema

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "labelstudio")]

import random_work as made  # noqa: E402
from fault_proxy import FAULTS, Fault, FaultProxy  # noqa: E402

pytestmark = pytest.mark.live
MAKING = "POST /api/projects"


@pytest.fixture
def title() -> str:
    return f"Making {uuid.uuid4().hex[:12]}"


def titled(client: Client, title: str) -> list[dict[str, Any]]:
    """The projects of that title, by number."""
    found = client.get("/api/projects", {"title": title, "page_size": 100, "include": "id,title,task_number"})[
        "results"
    ]
    return sorted((one for one in found if one["title"] == title), key=lambda one: int(one["id"]))


def wait_for_projects(client: Client, title: str, number: int) -> list[dict[str, Any]]:
    end = time.monotonic() + 60
    while len(found := titled(client, title)) < number:
        assert time.monotonic() < end, f"{len(found)} projects, and {number} were expected"
        time.sleep(0.1)
    return found


def nothing_is_being_made(client: Client, schema: LabelSchema, work: Path, title: str) -> None:
    with Ledger(work) as ledger:
        assert ledger.creations(client.url, schema.name, title) == {}


def told(client: Client, schema: LabelSchema, work: Path, title: str) -> tuple[str, ...]:
    """What a push does about second projects, and says."""
    return push(client, schema, [], work=work, title=title).problems


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_while_the_project_is_made(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str, fault: Fault
) -> None:
    article = made.article(1)
    with FaultProxy(studio.url, meets={MAKING: fault}, late=(0.3, 0.5)) as proxy:
        faulty = Client(proxy.url, studio.api_key, pause=0.02)
        for _ in range(3):
            with suppress(OutcomeUnknown):
                push(faulty, schema, [(article, None)], work=tmp_path, title=title, patience=3)
                break
        assert proxy.faults[f"POST {fault}"] == 1
        if not fault.endswith("before"):  # of what never arrived nobody can know that it will not
            nothing_is_being_made(faulty, schema, tmp_path, title)
    assert [one["task_number"] for one in titled(client, title)] == [1]


def test_a_project_that_was_made_late_is_removed_while_it_is_empty(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    article = made.article(1)
    with FaultProxy(studio.url, meets={MAKING: "504 and late"}, late=(4, 4)) as proxy:
        faulty = Client(proxy.url, studio.api_key, pause=0.02)
        with pytest.raises(OutcomeUnknown, match="may have been carried out"):
            push(faulty, schema, [(article, None)], work=tmp_path, title=title, patience=0)
        assert titled(client, title) == []
        first = push(faulty, schema, [(article, None)], work=tmp_path, title=title, patience=0)
        assert first.sent == 1
        one, late = wait_for_projects(client, title, 2)
        assert one["id"] == first.project_id
        named = f"project {late['id']} ({title}), made a second time after a push was interrupted,"
        assert told(faulty, schema, tmp_path, title) == (f"{named} was empty and is removed",)
        assert [there["id"] for there in titled(client, title)] == [one["id"]]
        again = push(faulty, schema, [(article, None)], work=tmp_path, title=title)
        assert (again.project_id, again.sent, again.already_there) == (first.project_id, 0, 1)
        nothing_is_being_made(faulty, schema, tmp_path, title)
        assert told(faulty, schema, tmp_path, title) == ()


def test_a_project_that_was_made_late_and_used_is_named(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    article = made.article(1)
    with FaultProxy(studio.url, meets={MAKING: "504 and late"}, late=(2, 2)) as proxy:
        faulty = Client(proxy.url, studio.api_key, pause=0.02)
        for _ in range(2):
            with suppress(OutcomeUnknown):
                push(faulty, schema, [(article, None)], work=tmp_path, title=title, patience=0)
        _, late = wait_for_projects(client, title, 2)
        client.post(f"/api/projects/{late['id']}/import", [{"data": {"text": "By hand."}}])
        for _ in range(2):
            push(faulty, schema, [(article, None)], work=tmp_path, title=title)
            (said,) = told(faulty, schema, tmp_path, title)
            assert said.startswith(f"project {late['id']} ({title}), made a second time")
            assert "has tasks that someone put there" in said
    assert [there["task_number"] for there in titled(client, title)] == [1, 1]


@pytest.mark.parametrize("turn", range(3))
def test_two_first_pushes_at_once_make_one_project(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str, turn: int
) -> None:
    together = threading.Barrier(2, timeout=60)

    def first_push(number: int) -> PushReport:
        with Client(studio.url, studio.api_key) as own:
            own.version()
            together.wait()
            return push(own, schema, [(made.article(number), None)], work=tmp_path / str(number), title=title)

    with ThreadPoolExecutor(2) as machines:
        left, right = machines.map(first_push, (1, 2))
    (there,) = titled(client, title)
    assert left.project_id == right.project_id == there["id"] and there["task_number"] == 2
    for number in (1, 2):
        nothing_is_being_made(client, schema, tmp_path / str(number), title)
        again = push(client, schema, [(made.article(number), None)], work=tmp_path / str(number), title=title)
        assert (again.sent, again.already_there, again.problems) == (0, 1, ())


def test_of_two_projects_made_at_once_the_lower_number_stays(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    """The second machine looked before the first one had made its project."""
    with FaultProxy(studio.url, meets={MAKING: "slow"}, late=(3, 3)) as proxy, ThreadPoolExecutor(1) as other:
        slow = Client(proxy.url, studio.api_key, timeout=60)
        second = other.submit(push, slow, schema, [(made.article(2), None)], work=tmp_path / "two", title=title)
        while not proxy.faults["POST slow"]:
            time.sleep(0.05)
        first = push(client, schema, [(made.article(1), None)], work=tmp_path / "one", title=title)
        assert second.result().project_id == first.project_id
    assert [one["task_number"] for one in titled(client, title)] == [2]


PUSH = """
import sys
from pathlib import Path
from curation.article import Article
from curation.labelstudio import Client, push
from curation.schema import load_schema
_, url, key, schema, work, title = sys.argv
pairs = [(Article(id="a", text="Kelmar"), None)]
push(Client(url, key), load_schema(Path(schema)), pairs, work=Path(work), title=title)
"""


def test_killed_between_the_making_and_the_ledger(
    studio: Studio, client: Client, schema: LabelSchema, tmp_path: Path, title: str
) -> None:
    root = Path(__file__).parent.parent.parent
    with FaultProxy(studio.url, meets={MAKING: "silence after"}) as proxy:
        arguments = [proxy.url, studio.api_key, str(root / "schemas" / "conflict-news.yaml"), str(tmp_path), title]
        process = subprocess.Popen([sys.executable, "-c", PUSH, *arguments])
        (there,) = wait_for_projects(client, title, 1)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        again = Client(proxy.url, studio.api_key)
        report = push(again, schema, [(made.article(1), None)], work=tmp_path, title=title)
        assert (report.project_id, report.sent, report.problems) == (there["id"], 1, ())
        nothing_is_being_made(again, schema, tmp_path, title)
    assert [one["task_number"] for one in titled(client, title)] == [1]
