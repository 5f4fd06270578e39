"""Pull: what it prints. What it fetches is tested in tests/live."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import random_work as made

from curation.jobs.pull import PullResult
from curation.labelstudio.from_labelstudio import decode
from curation.labelstudio.pull import _issue_kinds
from curation.labelstudio.snapshot import Snapshot, read_snapshot
from curation.labelstudio.snapshot_writer import Source, build_snapshot
from curation.schema import LabelSchema

URL = "http://host/projects/1/data?task={}"


def snapshot_of(tasks: list[dict[str, Any]], folder: Path, schema: LabelSchema) -> Snapshot:
    ids = [task["id"] for task in tasks]
    source = Source("http://host", 1, "News", "2026-01-01T00:00:00Z", schema.ref)
    time = datetime.now(UTC)
    path, _ = build_snapshot(
        folder, source, ids, tasks, set(ids), lambda raw: decode(raw, schema), URL.format, time=time, previous=None
    )
    return read_snapshot(path)


def result_of(snapshot: Snapshot, **more: Any) -> PullResult:
    counts = {"tasks": 2, "submitted": 1, "skipped": 0, "drafts": 1, "untouched": 0, "annotations": 2, "fetched": 2}
    about = {"deleted": 0, "full": False, "unchanged": False, "project_id": 1, "project_url": "http://host/projects/1"}
    issues = snapshot.manifest.counts["issues"]
    return PullResult(
        **(counts | about | more), snapshot=str(snapshot.path), issues=issues, issue_kinds=_issue_kinds(snapshot)
    )


def test_an_arrow_without_a_role_is_named_with_its_task(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = []
    for number in (3, 8):
        article = made.article(number)
        annotation = made.annotation(article, schema, number, entities=2, events=1)
        raw = made.exported(number, article, None, annotation, schema)
        raw["annotations"][0]["result"].append(made.relation(annotation.events[0].id, annotation.entities[0].id))
        tasks.append(raw)
    pulled = result_of(snapshot_of(tasks, tmp_path, schema))
    count, arrow = pulled.messages()
    assert count.startswith("2 things do not fit the schema or could not be read")
    assert arrow.startswith("  2 unlabelled-relation, such as: the relation from ")
    assert arrow.endswith(
        "has no role and is left out: give it a role, or delete it (http://host/projects/1/data?task=3)"
    )
    assert pulled.exit_code == 3


def test_review_tasks_are_not_counted_as_articles(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = []
    for number, purpose in enumerate(("annotate", "annotate", "adjudicate", "check-2", "check"), start=1):
        article = made.article(number)
        answer = made.annotation(article, schema, number) if number % 2 else None
        raw = json.loads(json.dumps(made.exported(number, article, None, answer, schema)))
        raw["data"]["purpose"] = purpose
        tasks.append(raw)
    snapshot = snapshot_of(tasks, tmp_path, schema)
    assert snapshot.task_states() == {
        "annotate": Counter(submitted=1, untouched=1),
        "review": Counter(submitted=2, untouched=1),
    }
    shown = list(result_of(snapshot, review_tasks=3, review_answered=2).show())
    assert shown[0] == "2 tasks: 1 submitted, 0 skipped, 1 with a draft, 0 untouched"
    assert shown[1] == "3 tasks to decide or to look at again: 2 answered"
    assert not any("look at again" in line for line in result_of(snapshot).show())
