"""Random work in the browser on texts that trip up offsets: what comes back is what was done, exactly."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import annotator_api
import pytest
from playwright.sync_api import Browser

from curation.article import Article
from curation.labelstudio.client import Client
from curation.labelstudio.local_server import Studio
from curation.labelstudio.pull import pull
from curation.labelstudio.push import push
from curation.labelstudio.snapshot import read_snapshot
from curation.schema import LabelSchema

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "labelstudio")]

import random_work as made  # noqa: E402
import trips  # noqa: E402
from editor import Editor  # noqa: E402

pytestmark = [pytest.mark.live, pytest.mark.browser]

SEEDS = range(40 if os.environ.get("CURATION_TEST_FULL") else 4)
ACTIONS = 9


class Bench(NamedTuple):
    """A project with a pre-annotated article for each seed, and a person's page."""

    editor: Editor
    work: Path
    project: int
    tasks: dict[str, int]
    trips: dict[int, trips.Trip]


@pytest.fixture(scope="module")
def bench(
    browser: Browser, studio: Studio, schema: LabelSchema, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    work = tmp_path_factory.mktemp("trips")
    all_trips = {}
    for seed in SEEDS:
        article, words = trips.article(seed)
        annotation = made.annotation(article, schema, seed, entities=4, events=2)
        all_trips[seed] = trips.Trip(seed, article, words, annotation, schema)
    with Client(studio.url, studio.api_key) as client:
        pairs = [(one.article, one.annotation) for one in all_trips.values()]
        pushed = push(client, schema, pairs, work=work, title=f"Trips {uuid.uuid4().hex[:12]}")
        assert (pushed.sent, pushed.refused) == (len(SEEDS), 0)
        tasks = {task.article_id: task.id for task in annotator_api.tasks(client, pushed.project_id)}
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(20_000)
    editor = Editor(context.new_page(), studio.url)
    editor.sign_in(studio.username, studio.password)
    yield Bench(editor, work, pushed.project_id, tasks, all_trips)
    context.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_work_comes_back_exactly(client: Client, schema: LabelSchema, bench: Bench, seed: int) -> None:
    trip = bench.trips[seed]
    bench.editor.open(bench.project, bench.tasks[trip.article.id])
    trip.work(bench.editor, ACTIONS)
    bench.editor.submit()
    snapshot = read_snapshot(Path(pull(client, schema, work=bench.work).snapshot))
    assert [issue for issue in snapshot.issues() if issue["task"] == bench.tasks[trip.article.id]] == []
    (back,) = [one for one in snapshot.annotations() if one.article_id == trip.article.id]
    assert trips.state(back).said() == trip.state.said(), "; ".join(trip.done)


def test_offsets_are_counted_in_code_points(client: Client, schema: LabelSchema, bench: Bench) -> None:
    """A later Label Studio that counts otherwise is noticed here, with what it seems to count."""
    before = "\U0001f469\u200d\U0001f680 \U0001f1e6\U0001f1f6 e\u0301\u200b\ufeff\t\u00a0"
    before += "\u05e9\u05dc\u05d5\u05dd\n \n\U0001d5aa "
    text = before + "Kelmar fell."
    (task,) = client.post(f"/api/projects/{bench.project}/import?return_task_ids=true", [{"data": {"text": text}}])[
        "task_ids"
    ]
    bench.editor.open(bench.project, task)
    (person,) = [one for one in schema.entity_types if one.name == "Person"]
    assert person.hotkey is not None
    bench.editor.mark(person.hotkey, len(before), len(before) + 6)
    bench.editor.submit()
    (annotation,) = client.get(f"/api/tasks/{task}/annotations/")
    (region,) = annotation["result"]
    start, end = region["value"]["start"], region["value"]["end"]
    units = {
        "code points": len(before),
        "UTF-16 units": len(before.encode("utf-16-le")) // 2,
        "bytes": len(before.encode()),
        "code points without line breaks": len(before.replace("\n", "")),
        "code points, white space run together": len(" ".join(before.split())) + 1,
    }
    assert len(set(units.values())) == len(units)
    counted = [name for name, number in units.items() if number == start]
    assert counted == ["code points"], f"offset {start}: {counted or 'something else'}"
    assert end - start == len("Kelmar")
    assert Article(id="x", text=text).text[start:end] == "Kelmar"
