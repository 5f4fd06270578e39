"""The status of every article revision we pushed, from the ledger and the snapshots. The server is not asked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from curation.labelstudio.constants import ANNOTATE
from curation.labelstudio.ledger import KnownProject, Ledger
from curation.labelstudio.snapshot import Snapshot, TaskLine, latest_of_project, latest_snapshot, read_snapshot

Stage = Literal["open", "draft", "submitted", "skipped", "deleted"]
_RANK: tuple[Stage, ...] = ("deleted", "open", "draft", "skipped", "submitted")
"""Of several tasks for one revision, the one whose stage comes last counts."""

REBUILD = "run push --rebuild-ledger"


class TaskStatus(NamedTuple):
    """The task in which an article revision is annotated. `stage` is as of the last pull.

    `superseded`: by a later text.
    """

    article_id: str
    text_sha256: str
    task: int
    stage: Stage
    superseded: bool


class Statuses(NamedTuple):
    """`tasks`: one for each article revision that has a task in any of our projects.

    `restored`: what does not fit together since something was restored from a backup, with the command that helps.
    """

    tasks: tuple[TaskStatus, ...]
    restored: tuple[str, ...]


def task_status(work: Path) -> Statuses:
    """The status of every article revision with a task, by project and task id.

    Raises:
        BadInput: a snapshot is damaged.
    """
    tasks: dict[tuple[str, str], TaskStatus] = {}
    restored: list[str] = []
    known: set[tuple[int, str]] = set()
    if (work / "labelstudio" / "ledger.sqlite").exists():
        with Ledger(work) as ledger:
            for project in ledger.all_projects():
                known.add((project.id, project.created_at))
                snapshot = latest_of_project(work, project.id, project.created_at)
                complaint = _restored(ledger, project, snapshot)
                if complaint:
                    restored.append(complaint)
                tasks |= _of_project(ledger, project, snapshot, older=bool(complaint))
    if path := latest_snapshot(work):
        snapshot = read_snapshot(path)
        if (snapshot.manifest.project_id, snapshot.manifest.project_created_at) not in known:
            restored.append(f"restored: {REBUILD}: the ledger does not know the project of the last snapshot")
            tasks |= _best(_of_line(line) for line in snapshot.tasks())
    return Statuses(tuple(tasks.values()), tuple(restored))


def _restored(ledger: Ledger, project: KnownProject, snapshot: Snapshot | None) -> str | None:
    """Whether server, ledger and snapshots are of different times."""
    if ledger.went_back(project):
        return f"restored: {REBUILD}: Label Studio went back to an earlier state of project {project.id}"
    pulled = ledger.last_pull(project)
    if pulled is None:
        return None
    if snapshot is None or snapshot.manifest.time < pulled:
        return (
            f"restored: run pull: a later snapshot of project {project.id} was there, from {pulled:%Y-%m-%d %H:%M:%S}"
        )
    if snapshot.manifest.time > pulled:
        return f"restored: {REBUILD}: the ledger is older than the last snapshot of project {project.id}"
    return None


def _of_project(
    ledger: Ledger, project: KnownProject, snapshot: Snapshot | None, *, older: bool
) -> dict[tuple[str, str], TaskStatus]:
    """`older`: the ledger may not know all tasks that the snapshot has."""
    lines = {line.task: line for line in snapshot.tasks()} if snapshot else {}
    found: list[TaskStatus | None] = []
    for task in ledger.tasks(project):
        if task.purpose != ANNOTATE or task.task_id is None or task.article_id is None or task.text_sha256 is None:
            continue
        stage: Stage = "open"
        line = lines.get(task.task_id)
        if task.deleted:
            stage = "deleted"
        elif line is not None and line.article_id == task.article_id:
            stage = _stage(line)
            del lines[task.task_id]
        found.append(TaskStatus(task.article_id, task.text_sha256, task.task_id, stage, task.superseded))
    best = _best(found)
    if older:
        for revision, one in _best(_of_line(line) for line in lines.values()).items():
            best.setdefault(revision, one)
    return best


def _best(tasks: Iterable[TaskStatus | None]) -> dict[tuple[str, str], TaskStatus]:
    """One task for each revision."""
    best: dict[tuple[str, str], TaskStatus] = {}
    for one in tasks:
        if one is None:
            continue
        held = best.get((one.article_id, one.text_sha256))
        if held is None or _RANK.index(one.stage) > _RANK.index(held.stage):
            best[one.article_id, one.text_sha256] = one
    return best


def _of_line(line: TaskLine) -> TaskStatus | None:
    if line.purpose != ANNOTATE or line.article_id is None or line.text_sha256 is None:
        return None
    return TaskStatus(line.article_id, line.text_sha256, line.task, _stage(line), superseded=False)


def _stage(line: TaskLine) -> Stage:
    return "open" if line.state == "untouched" else line.state
