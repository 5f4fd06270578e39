"""Where every article we pushed stands, from the ledger and the latest snapshot: nothing is asked of the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from curation.labelstudio.ledger import Ledger
from curation.labelstudio.names import ANNOTATE
from curation.labelstudio.snapshot import latest_of_project

Stage = Literal["open", "draft", "submitted", "skipped", "deleted"]


class Standing(NamedTuple):
    """One article revision that has a task to annotate it in. `stage` is as of the last pull.

    `superseded`: by a later text.
    """

    article_id: str
    text_sha256: str
    task: int
    stage: Stage
    superseded: bool


def standing(work: Path) -> Iterator[Standing]:
    """Every article revision with a task in any of our projects, by project and task id."""
    if not (work / "labelstudio" / "ledger.sqlite").exists():
        return
    with Ledger(work) as ledger:
        for project in ledger.all_projects():
            snapshot = latest_of_project(work, project.id, project.created_at)
            stages: dict[int, Stage] = {}
            for line in snapshot.tasks() if snapshot else ():
                stages[line.task] = "open" if line.state == "untouched" else line.state
            for task in ledger.tasks(project):
                if task.purpose != ANNOTATE or task.task_id is None:
                    continue
                if task.article_id is None or task.text_sha256 is None:
                    continue
                stage: Stage = "deleted" if task.deleted else stages.get(task.task_id, "open")
                yield Standing(task.article_id, task.text_sha256, task.task_id, stage, task.superseded)
