"""Push and pull beside the barest ways to do the same, in one run on one Label Studio.

    python scripts/bench/labelstudio.py [--tasks 400] [--rounds 2] [--url URL --key KEY] [--full] [--json]

Tasks have 4,000 characters, 40 spans and 20 arrows: 13 kB of JSON. The figures of the documentation are those of
`--full`, half an hour. Without `--url` a Label Studio of its own is started, and removed afterwards.
Ours runs in a fresh process that reads articles and annotations from files, as the jobs do; the others get requests
that are ready to be sent. All take turns, and what is compared is the shortest time of each.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic_core import to_json

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, read_annotations
from curation.article import Article
from curation.files import read_jsonl
from curation.labelstudio import Client, pull, push, to_labelstudio
from curation.labelstudio.ledger import Ledger
from curation.labelstudio.local_server import start, stop
from curation.labelstudio.pull import OVERLAP
from curation.labelstudio.queries import listed
from curation.schema import LabelSchema, load_schema

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import annotator_api

ROOT = Path(__file__).resolve().parents[2]
BATCH = 500
TURNS = 3
"""Turns of the pull after few changes: too short to be measured once."""
WORDS = ("Kelmar", "rebels", "shelled", "the", "harbour", "of", "Ostvia", "on", "Friday", "before", "talks", "began")


def main() -> None:
    """Measure, and print one line a comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=400, help="tasks in a project")
    parser.add_argument("--rounds", type=int, default=2, help="turns of what is quick enough to be repeated")
    parser.add_argument("--single", type=int, default=40, help="predictions to create one by one")
    parser.add_argument("--url", help="a Label Studio that is there already, with --key")
    parser.add_argument("--key")
    parser.add_argument("--plain", action="store_true", help="on Label Studio as it comes")
    parser.add_argument("--full", action="store_true", help="10,000 tasks, one round; the table and then the JSON")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if options.full:
        options.tasks, options.rounds = 10_000, 1
    folder = Path(tempfile.mkdtemp(prefix="curation-bench-"))
    try:
        if options.url:
            found = Bench(folder, options.url, options.key, options).run()
        else:
            studio = start(
                folder / "studio", plain=options.plain, on_progress=lambda text: print(text, file=sys.stderr)
            )
            try:
                found = Bench(folder, studio.url, studio.api_key, options).run()
            finally:
                stop(folder / "studio")
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(found))
        return
    for line in found["lines"]:
        met = "" if line["goal"] is None else "  met" if line["met"] else "  NOT MET"
        goal = "" if line["goal"] is None else f"goal {line['goal']}"
        print(f"{line['what']:<58} {line['figure']:>22}  {goal}{met}")
    if options.full:
        print(json.dumps(found))


class Bench:
    """One server, its projects, and what was measured."""

    def __init__(self, folder: Path, url: str, key: str, options: argparse.Namespace) -> None:
        self.folder, self.url, self.key = folder, url, key
        self.count, self.rounds, self.single = options.tasks, options.rounds, options.single
        self.client = Client(url, key, timeout=1200)
        self.http = httpx.Client(headers={"Authorization": f"Token {key}"}, timeout=1200)
        self.schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
        self.lines: list[dict[str, Any]] = []
        self.projects: list[int] = []
        self.small = 0

    def run(self) -> dict[str, Any]:
        """Everything, in order."""
        self.write_input()
        sizes = [len(body) for body in self.bodies()]
        self.say(f"{self.count} tasks of {sum(sizes) / self.count / 1000:.1f} kB, batches of {BATCH}", "")
        work, number = self.push()
        self.pull(work, number)
        for project in self.projects:
            self.client.delete(f"/api/projects/{project}/")
        return {"tasks": self.count, "lines": self.lines}

    def say(self, what: str, figure: str, goal: str | None = None, met: bool = False) -> None:
        """Keep a figure for the table, and show it at once."""
        print(f"… {what} {figure}", file=sys.stderr)
        self.lines.append({"what": what, "figure": figure, "goal": goal, "met": met})

    def ratio(self, what: str, ours: float, theirs: float, goal: float, unit: str = "s") -> None:
        """How much longer theirs took than ours."""
        value = theirs / ours
        self.say(what, f"{value:.2f} ({ours:.2f} {unit}, {theirs:.2f} {unit})", f">= {goal:g}", value >= goal)

    def write_input(self) -> None:
        """Articles and annotations as files, as the jobs read them."""
        with (self.folder / "articles.jsonl").open("w") as texts, (self.folder / "annotations.jsonl").open("w") as said:
            for number in range(self.count):
                article = make_article(number)
                texts.write(article.to_json() + "\n")
                said.write(make_annotation(article, self.schema).to_json() + "\n")

    def bodies(self) -> Iterator[bytes]:
        """The import requests, ready to be sent."""
        tasks = []
        for article, annotation in read_pairs(self.folder, self.count):
            tasks.append(to_json(to_labelstudio.task(article, annotation, self.schema, batch="b" * 32)))
            if len(tasks) == BATCH:
                yield b"[" + b",".join(tasks) + b"]"
                tasks = []
        if tasks:
            yield b"[" + b",".join(tasks) + b"]"

    def new_project(self, work: Path | None = None) -> int:
        """An empty project for the schema, known in that work folder."""
        work = work or self.folder / uuid.uuid4().hex
        number = push(self.client, self.schema, [], work=work, title=f"Bench {uuid.uuid4().hex[:8]}").project_id
        self.projects.append(number)
        return number

    def push(self) -> tuple[Path, int]:
        """Ours, the bare loop, the SDK, one by one. Returns the work folder and the project of our last push."""
        ready, ours, bare, sdk = list(self.bodies()), [], [], []
        for turn in range(self.rounds):
            work = self.folder / f"work-{turn}"
            ours_there = self.new_project(work)
            seconds, peak, _ = apart(push_all, self.folder, work, self.url, self.key, self.count)
            ours.append(seconds)
            project = self.new_project()
            with timed(bare):
                for body in ready:
                    self.post(f"/api/projects/{project}/import?return_task_ids=true", body)
        project, studio = self.new_project(), self.client.sdk()
        parsed = [json.loads(body) for body in ready]
        with timed(sdk):
            for tasks in parsed:
                studio.projects.import_tasks(project, request=tasks, return_task_ids=True)
        project = self.new_project()
        some = parsed[0][: self.single]
        self.client.post(f"/api/projects/{project}/import", [{"data": one["data"]} for one in some])
        ids = [task["id"] for task in listed(self.client, project)]
        single: list[float] = []
        with timed(single):
            for task, one in zip(ids, some, strict=True):
                prediction = one["predictions"][0]
                studio.predictions.create(
                    task=task, result=prediction["result"], model_version=prediction["model_version"]
                )
        self.ratio("push, beside a bare loop of the same requests", min(ours), min(bare), 0.95)
        self.ratio("push, beside the SDK's import_tasks", min(ours), sdk[0], 1.8)
        self.say("the bare loop, beside the SDK's import_tasks", f"{sdk[0] / min(bare):.2f}")
        each, one_each = min(ours) / self.count, single[0] / len(some)
        self.ratio("push of a task, beside predictions.create", each * 1e3, one_each * 1e3, 50, "ms")
        self.say("a task of the bare loop, beside it", f"{one_each / (min(bare) / self.count):.2f}")
        small = max(1, self.count // 4)
        self.small = self.new_project(self.folder / "small")
        _, before, _ = apart(push_all, self.folder, self.folder / "small", self.url, self.key, small)
        self.memory("push", peak, before, small)
        return work, ours_there

    def pull(self, work: Path, number: int) -> None:
        """Half of the tasks answered; full pulls beside the bare export and the SDK, then a pull after 1 % changed."""
        tasks = list(annotator_api.tasks(self.client, number))
        half, changed = self.count // 2, max(1, self.count // 100)
        self.answer(tasks[: half - 1])
        # A pull looks again at the half minute before the last change it saw; people do not submit thirty a second.
        pause = OVERLAP.total_seconds() + 1
        time.sleep(pause)
        self.answer(tasks[half - 1 : half])
        ours, bare, sdk, peak = [], [], [], 0.0
        for _ in range(self.rounds):
            seconds, peak, _ = apart(pull_all, work, self.url, self.key, True)
            ours.append(seconds)
            with timed(bare):
                self.get(f"/api/projects/{number}/export?exportType=JSON&download_all_tasks=true")
        with timed(sdk):
            for _ in self.client.sdk().tasks.list(project=number, fields="all", page_size=1000):
                pass
        self.ratio("full pull, beside the bare export of all tasks", min(ours), min(bare), 0.95)
        self.ratio("full pull, beside the SDK's list of all tasks", min(ours), sdk[0], 3)
        self.answer(list(annotator_api.tasks(self.client, self.small))[: self.count // 8])
        _, before, _ = apart(pull_all, self.folder / "small", self.url, self.key, True)
        self.memory("full pull", peak, before, max(1, self.count // 4))
        after: list[float] = []
        for turn in range(TURNS):
            time.sleep(pause if turn else 0)
            self.answer(tasks[half + turn * changed : half + (turn + 1) * changed])
            time.sleep(1)
            seconds, _, fetched = apart(pull_all, work, self.url, self.key, False)
            after.append(seconds)
        part = min(after) / min(ours)
        what = f"pull after {changed} of {self.count} tasks changed ({fetched} fetched)"
        shown = ", ".join(f"{seconds:.2f}" for seconds in after)
        self.say(what, f"{part:.1%} ({shown} s)", "<= 4%", part <= 0.04)

    def memory(self, what: str, peak: float, before: float, small: int) -> None:
        """The largest resident size of our process, and at a quarter of the tasks."""
        self.say(f"memory of a {what}", f"{peak:.0f} MB ({before:.0f} MB at {small})", "<= 250 MB", peak <= 250)

    def answer(self, tasks: list[annotator_api.TaskToAnswer]) -> None:
        """Submit each task's prediction as it is."""
        said = {one.article_id: (article, one) for article, one in read_pairs(self.folder, self.count)}

        def one(task: annotator_api.TaskToAnswer) -> None:
            article, annotation = said[task.article_id]
            result = to_labelstudio.result(annotation, article, self.schema)
            body = {"result": result, "lead_time": 9.0, "parent_prediction": task.prediction_id}
            self.post(f"/api/tasks/{task.id}/annotations/", json.dumps(body).encode())

        with ThreadPoolExecutor(2) as workers:
            list(workers.map(one, tasks))

    def post(self, path: str, body: bytes) -> None:
        """One bare request."""
        headers = {"Content-Type": "application/json"}
        self.http.post(self.url + path, content=body, headers=headers).raise_for_status()

    def get(self, path: str) -> None:
        """One bare request, its answer read whole."""
        self.http.get(self.url + path).raise_for_status().read()


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    """Append the seconds that the block takes."""
    begin = time.perf_counter()
    yield
    into.append(time.perf_counter() - begin)


def apart(job: Callable[..., tuple[float, int]], *arguments: Any) -> tuple[float, float, int]:
    """Seconds, the largest resident size in MB, and the answer of a job in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measured, job, *arguments).result()


def measured(job: Callable[..., tuple[float, int]], *arguments: Any) -> tuple[float, float, int]:
    """What `apart` does, in that process."""
    seconds, answer = job(*arguments)
    return seconds, peak("self"), answer


def peak(process: int | str) -> float:
    """The largest resident size that a process had, in MB."""
    # ru_maxrss would be no less than what the process that started this one had.
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def push_all(folder: Path, work: Path, url: str, key: str, count: int) -> tuple[float, int]:
    """Push the first articles of the folder to the project of that work folder. Returns seconds and its number."""
    with Ledger(work) as ledger:
        (project,) = ledger.all_projects()
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    seconds: list[float] = []
    with Client(url, key) as client, timed(seconds):
        report = push(client, schema, read_pairs(folder, count), work=work, title=project.title, batch_size=BATCH)
    if report.sent != count:
        raise SystemExit(f"{report.sent} of {count} tasks sent")
    return seconds[0], report.project_id


def pull_all(work: Path, url: str, key: str, full: bool) -> tuple[float, int]:
    """Pull. Returns seconds and how many tasks were fetched."""
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    seconds: list[float] = []
    with Client(url, key) as client, timed(seconds):
        fetched = pull(client, schema, work=work, full=full).fetched
    return seconds[0], fetched


def read_pairs(folder: Path, count: int) -> Iterator[tuple[Article, Annotation]]:
    """The first articles with their annotations, from the files."""
    path = folder / "articles.jsonl"
    for (number, record), annotation in zip(
        read_jsonl(path), read_annotations(folder / "annotations.jsonl"), strict=True
    ):
        if number > count:
            return
        yield Article.from_record(record, path=path, line=number), annotation


def make_article(number: int) -> Article:
    """4,000 characters of words, the same for the same number."""
    chance = random.Random(number)  # noqa: S311  made texts
    text = ""
    while len(text) < 4000:
        text += chance.choice(WORDS) + " "
    return Article(id=f"bench-{number:06}", text=text[:4000].rstrip(), title=f"No. {number}")


def make_annotation(article: Article, schema: LabelSchema) -> Annotation:
    """28 entities and 12 events with 20 arguments."""
    chance = random.Random(article.id)  # noqa: S311  made annotations
    starts = [at for at in range(len(article.text) - 20) if article.text[at - 1 : at] == " "]
    places = chance.sample(starts, 40)

    def span(at: int) -> dict[str, int]:
        return {"start": at, "end": article.text.index(" ", at)}

    entities = tuple(
        Entity(id=f"e{n}", type=chance.choice(schema.entity_names), score=0.9, **span(at))
        for n, at in enumerate(places[:28])
    )
    events = []
    for n, at in enumerate(places[28:]):
        kind = schema.event_types[0]
        role = kind.roles[0]
        fits = [one.id for one in entities if one.type in schema.fillers[kind.name, role.name]]
        fillers = chance.sample(fits, min(len(fits), 1 + (n < 8)))
        arguments = tuple(Argument(role=role.name, filler=filler) for filler in fillers)
        events.append(Event(id=f"v{n}", type=kind.name, score=0.8, arguments=arguments, **span(at)))
    return Annotation(
        id=f"{int(article.id[6:]):024x}",
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=Annotator(kind="engine", name="bench", version="1.0.0"),
        entities=entities,
        events=tuple(events),
    )


if __name__ == "__main__":
    main()
