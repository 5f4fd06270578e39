"""A project with three weeks of work by simulated annotators, made without a server: for pictures and tests.

Articles and gold are those of the sample. The first manual pass over them is used as the prediction of an engine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from curation.annotation import Annotation, Annotator, annotation_id
from curation.article import Article
from curation.formats.articles import good_articles
from curation.formats.inline_markup import read_folder
from curation.labelstudio import to_labelstudio
from curation.labelstudio.from_labelstudio import decode
from curation.labelstudio.ledger import Ledger
from curation.labelstudio.snapshot_writer import Source, build_snapshot
from curation.project import Project
from curation.schema import LabelSchema

sys.path.insert(0, str(Path(__file__).parent))
from simulated import ANNOTATORS, LEFT_OPEN, SKIPPED, SimulatedAnnotator, annotators_of, outcome_of

ROOT = Path(__file__).resolve().parent.parent
ENGINE = Annotator(kind="engine", name="first-pass", version="1.0.0")
BEGAN = datetime(2031, 3, 3, 9, tzinfo=UTC)
"""Start of the work, a Monday."""
SOURCE = Source("http://localhost:8080", 1, "Conflict news", "2031-03-01T00:00:00Z", "")


def make_project(
    folder: Path, *, change: Callable[[list[dict[str, Any]]], None] | None = None, pulled: bool = True, **settings: str
) -> Project:
    """Make the project, with a snapshot from two and a half weeks after the start of the work.

    Args:
        folder: an empty folder.
        change: changes the tasks, in Label Studio's export format, before they are pulled.
        pulled: False for a project before its first pull.
        settings: lines of `[project]` that replace those of the sample, as TOML.
    """
    lines = {
        "name": '"conflict-news"',
        "articles": json.dumps([str(ROOT / "corpus" / "articles")]),
        "schema": json.dumps(str(ROOT / "schemas" / "conflict-news.yaml")),
        "gold": json.dumps(str(ROOT / "corpus" / "gold")),
    }
    text = "[project]\n" + "".join(f"{name} = {value}\n" for name, value in (lines | settings).items())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "curation.toml").write_text(text, encoding="utf-8")
    project = Project.open(folder / "curation.toml")
    schema = project.load_schema()
    articles = list(good_articles(project.articles))
    predictions = {
        one.article_id: one
        for one in read_folder(ROOT / "corpus" / "passes" / "a", articles, schema, ENGINE, state="predicted")
    }
    gold = {
        one.article_id: one
        for one in read_folder(ROOT / "corpus" / "gold", articles, schema, Annotator(kind="person", name="gold"))
    }
    tasks = []
    for number, article in enumerate(articles):
        if article.id not in predictions or article.id not in gold:
            continue
        prediction = predictions[article.id].model_copy(update={"id": annotation_id(article.id, ENGINE.key)})
        answers: list[tuple[int, SimulatedAnnotator, Annotation | None]] = []
        for annotator in annotators_of(number) if outcome_of(number) != LEFT_OPEN else ():
            answer = None if outcome_of(number) == SKIPPED else annotator.answer(prediction, gold[article.id])
            answers.append((ANNOTATORS.index(annotator) + 2, annotator, answer))
        tasks.append(exported_task(number + 1, article, prediction, answers, schema))
    if change is not None:
        change(tasks)
    if not pulled:
        return project
    write_snapshot(project, tasks, (predictions[name] for name in sorted(predictions)))
    return project


def write_snapshot(
    project: Project, tasks: list[dict[str, Any]], sent: Iterable[Annotation], *, at: datetime | None = None
) -> Path:
    """Write a snapshot of `tasks`, and the ledger that belongs to it. Returns the folder of the snapshot."""
    schema = project.load_schema()
    predictions = {
        one.article_id: one.model_copy(update={"id": annotation_id(one.article_id, ENGINE.key)}) for one in sent
    }
    with Ledger(project.work) as ledger:
        source = SOURCE._replace(schema_ref=schema.ref)
        known = ledger.remember_project(source.url, 1, source.project_title, schema.name, source.project_created_at, "")
        ledger.record_sent(one.to_json() for one in predictions.values())
        ledger.add_from_server(known, [task | {"predictions": []} for task in tasks])
        for task in ledger.tasks(known):
            if (one := predictions.get(task.article_id or "")) is not None and task.withheld is None:
                ledger.set_prediction(task, task.task_id or 0, one.id, ENGINE.key, "")
        path, _ = build_snapshot(
            project.work / "snapshots",
            source,
            [task["id"] for task in tasks],
            tasks,
            {task["id"] for task in tasks},
            lambda raw: decode(raw, schema, sent=ledger.sent, current=ledger.current_prediction(known, raw["id"])),
            lambda number: f"{source.url}/projects/1/data?task={number}",
            time=at or BEGAN + timedelta(days=18),
            previous=None,
        )
    return path


def exported_task(
    number: int,
    article: Article,
    prediction: Annotation | None,
    answers: Iterable[tuple[int, SimulatedAnnotator, Annotation | None]],
    schema: LabelSchema,
) -> dict[str, Any]:
    """A task as Label Studio exports it. `answers` are (user id, annotator, annotation); None is a skipped task."""
    sent = to_labelstudio.task(article, prediction, schema, batch="practice")
    annotations = []
    for turn, (user, annotator, answer) in enumerate(answers):
        time = submitted_at(number - 1, turn).isoformat()
        annotations.append(
            {
                "id": number * 10 + turn,
                "completed_by": user,
                "result": to_labelstudio.result(answer, article, schema) if answer else [],
                "was_cancelled": answer is None,
                "created_at": time,
                "updated_at": time,
                "lead_time": annotator.lead_time(answer) if answer else 12.0,
                "unique_id": f"00000000-0000-4000-8000-{number * 10 + turn:012}",
                "parent_prediction": 700 + number if prediction else None,
            }
        )
    stamp = annotations[-1]["updated_at"] if annotations else BEGAN.isoformat()
    task = {"id": number, "annotations": annotations, "drafts": [], "predictions": [700 + number], "project": 1}
    return json.loads(json.dumps({**task, "data": sent["data"], "updated_at": stamp}))


def submitted_at(number: int, turn: int) -> datetime:
    """Time of an answer: two articles per working day, the second annotator a day after the first."""
    day = number // 2 + turn
    return BEGAN + timedelta(days=day // 5 * 7 + day % 5, hours=number % 2 * 3, minutes=17 * number % 60)
