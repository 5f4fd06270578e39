"""The record of our tasks in Label Studio: one SQLite file, and beside it every annotation that was sent.

Label Studio is the source of truth. The ledger holds what each run intended, so that a killed run can be finished: an
intention is written before its request is sent. A task row without `task_id` is one whose import has begun.
It can be thrown away: `push` and `pull` rebuild it from the server. `sent.jsonl` cannot, and only ever grows.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from curation.annotation import Annotation
from curation.errors import BadInput, CurationError, LabelStudioError, one_line
from curation.files import append_jsonl, read_lines
from curation.labelstudio.constants import (
    ANNOTATE,
    ANNOTATION,
    ARTICLE_ID,
    BATCH,
    ENGINE,
    PREDICTION,
    PURPOSE,
    TEXT_SHA256,
    WITHHELD,
)
from curation.labelstudio.to_labelstudio import digest

VERSION = 4
"""Version of the tables. `_STEPS` migrate an older ledger; one of an unknown version is refused with a hint."""
REMEMBERED = 7 * 24 * 3600.0
"""Seconds for which requests that were given up are checked: a slow server may carry one out late."""

_TABLES = """
CREATE TABLE projects (
    project INTEGER PRIMARY KEY, url TEXT NOT NULL, id INTEGER NOT NULL, title TEXT NOT NULL,
    schema TEXT NOT NULL, created_at TEXT NOT NULL, config TEXT NOT NULL, UNIQUE (id, created_at)
);
CREATE TABLE batches (
    batch TEXT PRIMARY KEY, project INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, time REAL NOT NULL
);
CREATE INDEX batches_open ON batches (project, state);
CREATE TABLE tasks (
    row INTEGER PRIMARY KEY, project INTEGER NOT NULL, task_id INTEGER,
    article_id TEXT, text_sha256 TEXT, purpose TEXT, batch TEXT,
    superseded INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
    prediction_id INTEGER, annotation_id TEXT, engine TEXT, digest TEXT, refreshed REAL,
    people INTEGER, arranged INTEGER, withheld TEXT,
    UNIQUE (project, task_id)
);
CREATE INDEX tasks_article ON tasks (project, article_id, text_sha256, purpose);
CREATE INDEX tasks_batch ON tasks (batch);
CREATE TABLE sent (annotation_id TEXT PRIMARY KEY, start INTEGER NOT NULL, length INTEGER NOT NULL);
CREATE TABLE sent_read (position INTEGER NOT NULL);
INSERT INTO sent_read VALUES (0);
"""
_SINCE_1 = """
ALTER TABLE tasks ADD COLUMN people INTEGER;
ALTER TABLE tasks ADD COLUMN arranged INTEGER;
ALTER TABLE tasks ADD COLUMN withheld TEXT;
"""
_SINCE_2 = """
CREATE TABLE makings (
    making TEXT PRIMARY KEY, url TEXT NOT NULL, schema TEXT NOT NULL, title TEXT NOT NULL, time REAL NOT NULL
);
"""
_SINCE_3 = """
DROP TABLE sent;
CREATE TABLE sent (
    annotation_id TEXT PRIMARY KEY, start INTEGER NOT NULL, length INTEGER NOT NULL, sha256 BLOB NOT NULL
);
ALTER TABLE sent_read ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN pulled TEXT;
ALTER TABLE projects ADD COLUMN went_back INTEGER NOT NULL DEFAULT 0;
"""
_STEPS = {
    0: _TABLES + _SINCE_2 + _SINCE_3,
    1: _SINCE_1 + _SINCE_2 + _SINCE_3,
    2: _SINCE_2 + _SINCE_3,
    3: _SINCE_3,
}
"""Version → the statements that migrate it to this one; 0 is a new file."""


class Task(NamedTuple):
    """A task as the ledger knows it; `task_id` is None while its import is under way.

    `people`: for how many it is to be, 0 for one that is opened by its link alone; None: as the project has it.
    `arranged`: for how many we made it. `withheld`: of a blind task, the pre-annotation it was sent without.
    """

    row: int
    task_id: int | None
    article_id: str | None
    text_sha256: str | None
    purpose: str | None
    superseded: bool
    deleted: bool
    annotation_id: str | None
    digest: str | None
    people: int | None
    arranged: int | None
    withheld: str | None


class Planned(NamedTuple):
    """A task about to be imported, and the prediction it carries, if any."""

    article_id: str
    text_sha256: str
    purpose: str
    annotation_id: str | None
    engine: str | None
    digest: str | None
    people: int | None = None
    withheld: str | None = None


@dataclass(frozen=True)
class KnownProject:
    """A project in the ledger. `key` is its row here, `id` its number in Label Studio, `config` what we set there."""

    key: int
    url: str
    id: int
    title: str
    schema: str
    created_at: str
    config: str


class Ledger:
    """The ledger of one work folder: `labelstudio/ledger.sqlite` and `labelstudio/sent.jsonl`.

    Raises:
        CurationError: the file cannot be opened, read or written; the message names it.
    """

    def __init__(self, work: Path) -> None:
        self.path = work / "labelstudio" / "ledger.sqlite"
        self.sent_path = work / "labelstudio" / "sent.jsonl"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CurationError(f"{self.path.parent}: cannot be made: {error.strerror}; pick another place") from error
        with self._named():
            self._db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if self._db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return
        with self.change():
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found not in (*_STEPS, VERSION):
                raise LabelStudioError(
                    f"{self.path}: made by another version of this program; move it away and run again, "
                    "it is rebuilt from Label Studio"
                )
            if found != VERSION:
                for statement in _STEPS[found].split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            way_out = "free space and run again"
            if not isinstance(error, sqlite3.OperationalError):
                way_out = "move it away and run again, it is rebuilt from Label Studio"
            raise CurationError(f"{self.path}: {one_line(str(error), 200)}; {way_out}") from error

    @contextmanager
    def change(self) -> Iterator[None]:
        """A transaction: all changes inside are committed together, or none."""
        with self._named():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        with self._named():
            return self._db.execute(statement, values).fetchall()

    # Projects

    def projects(self, url: str, schema: str, title: str | None = None) -> list[KnownProject]:
        """Projects on that server for the schema of that name, with that title if one is given; the newest first."""
        rows = self._ask(
            "SELECT project, url, id, title, schema, created_at, config FROM projects "
            "WHERE url = ? AND schema = ? AND (?3 IS NULL OR title = ?3) ORDER BY project DESC",
            url,
            schema,
            title,
        )
        return [KnownProject(*row) for row in rows]

    def all_projects(self) -> list[KnownProject]:
        """Every project in the ledger, the oldest first."""
        rows = self._ask("SELECT project, url, id, title, schema, created_at, config FROM projects ORDER BY project")
        return [KnownProject(*row) for row in rows]

    def remember_project(
        self, url: str, number: int, title: str, schema: str, created_at: str, config: str
    ) -> KnownProject:
        """Remember a project and the config we set there.

        It is identified by its number and creation time: a server may move to another address, and another
        project may get the number of one that was deleted.
        """
        with self.change():
            known = False
            for key, there, made in self._ask("SELECT project, url, created_at FROM projects WHERE id = ?", number):
                if made == created_at:
                    known = True
                    self._db.execute(
                        "UPDATE projects SET url = ?, title = ?, config = ? WHERE project = ?",
                        (url, title, config, key),
                    )
                elif there == url:
                    self._forget(key)
            if not known:
                self._db.execute(
                    "INSERT INTO projects (url, id, title, schema, created_at, config) VALUES (?, ?, ?, ?, ?, ?)",
                    (url, number, title, schema, created_at, config),
                )
        return next(one for one in self.projects(url, schema) if one.id == number)

    def set_pulled(self, project: KnownProject, time: datetime, *, went_back: bool) -> None:
        """Record the time of the latest snapshot, and whether the server went back to an earlier state before it."""
        with self.change():
            self._db.execute(
                "UPDATE projects SET pulled = ?, went_back = max(went_back, ?) WHERE project = ?",
                (time.isoformat(), went_back, project.key),
            )

    def last_pull(self, project: KnownProject) -> datetime | None:
        """The time of the latest snapshot made with this ledger; None if unknown."""
        ((time,),) = self._ask("SELECT pulled FROM projects WHERE project = ?", project.key)
        return datetime.fromisoformat(time) if time else None

    def went_back(self, project: KnownProject) -> bool:
        """Whether the server went back to an earlier state since the ledger was made."""
        return bool(self._ask("SELECT went_back FROM projects WHERE project = ?", project.key)[0][0])

    def begin_creation(self, mark: str, url: str, schema: str, title: str) -> None:
        """Write down that a project is about to be created, with that mark of its own."""
        with self.change():
            self._db.execute("INSERT INTO makings VALUES (?, ?, ?, ?, ?)", (mark, url, schema, title, time.time()))

    def creations(self, url: str, schema: str, title: str) -> dict[str, float]:
        """Mark → start time of each creation of the last days whose outcome is unknown."""
        rows = self._ask(
            "SELECT making, time FROM makings WHERE url = ? AND schema = ? AND title = ? AND time > ? ORDER BY time",
            url,
            schema,
            title,
            time.time() - REMEMBERED,
        )
        return dict(rows)

    def end_creation(self, mark: str) -> None:
        """The outcome of that creation is known."""
        with self.change():
            self._db.execute("DELETE FROM makings WHERE making = ?", (mark,))

    def forget(self, project: KnownProject) -> None:
        """Drop a project and its tasks from the ledger; `sent.jsonl` keeps what was sent."""
        with self.change():
            self._forget(project.key)

    def _forget(self, key: int) -> None:
        for table in ("tasks", "batches", "projects"):
            self._db.execute(f"DELETE FROM {table} WHERE project = ?", (key,))  # noqa: S608  names of our own

    # Import requests

    def begin_import(self, project: KnownProject, batch: str, planned: Iterable[Planned]) -> None:
        """Write down that these tasks are about to be imported under that batch id."""
        with self.change():
            self._db.execute(
                "INSERT INTO batches VALUES (?, ?, 'tasks', 'sending', ?)", (batch, project.key, time.time())
            )
            self._db.executemany(
                "INSERT INTO tasks (project, batch, article_id, text_sha256, purpose, annotation_id, engine, digest, "
                "people, withheld) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(project.key, batch, *one) for one in planned],
            )

    def confirm_import(self, project: KnownProject, batch: str, task_ids: Iterable[int], *, bare: bool = False) -> int:
        """The import was carried out and gave these ids, in the order of the plan. Returns tasks now superseded.

        `bare`: its predictions did not arrive with it.
        """
        with self.change():
            rows = self._ask("SELECT row FROM tasks WHERE batch = ? ORDER BY row", batch)
            for task, (row,) in zip(task_ids, rows, strict=True):
                self._name(project, row, task)
            if bare:
                self._db.execute("UPDATE tasks SET digest = NULL WHERE batch = ?", (batch,))
            return self._arrived(project, batch)

    def recover_import(self, project: KnownProject, batch: str, tasks: Iterable[dict[str, Any]]) -> int:
        """Tasks of that batch were found on the server. Returns tasks now superseded.

        Of each its `id`, `data` and `total_predictions`: some arrive without theirs.
        """
        with self.change():
            for task in tasks:
                self._adopt(project, task)
            self._db.execute("DELETE FROM tasks WHERE batch = ? AND task_id IS NULL", (batch,))
            return self._arrived(project, batch)

    def _arrived(self, project: KnownProject, batch: str) -> int:
        self._db.execute("UPDATE batches SET state = 'done' WHERE batch = ?", (batch,))
        return self._db.execute(
            "UPDATE tasks SET superseded = 1 WHERE row IN (SELECT old.row FROM tasks AS new CROSS JOIN tasks AS old "
            "ON old.project = new.project AND old.article_id = new.article_id AND old.purpose = new.purpose "
            "WHERE new.batch = ? AND new.project = ? AND old.text_sha256 != new.text_sha256 "
            "AND old.row < new.row AND old.superseded = 0)",
            (batch, project.key),
        ).rowcount

    def abandon_request(self, batch: str) -> None:
        """The server has no task of that batch: its tasks may be sent again, under another batch id."""
        with self.change():
            self._db.execute("UPDATE batches SET state = 'lost' WHERE batch = ?", (batch,))
            self._db.execute("DELETE FROM tasks WHERE batch = ? AND task_id IS NULL", (batch,))

    def unfinished_requests(self, project: KnownProject) -> list[tuple[str, str, float]]:
        """(batch, kind, time) of the requests whose outcome is not known."""
        return self._ask(
            "SELECT batch, kind, time FROM batches WHERE project = ? AND state = 'sending' ORDER BY time", project.key
        )

    def abandoned_requests(self, project: KnownProject, kind: str) -> list[tuple[str, float]]:
        """(batch, time) of requests of the last days that were given up; the server may still carry them out."""
        return self._ask(
            "SELECT batch, time FROM batches WHERE project = ? AND kind = ? AND state = 'lost' AND time > ?",
            project.key,
            kind,
            time.time() - REMEMBERED,
        )

    # Tasks

    def tasks_of(self, project: KnownProject, article_id: str, text_sha256: str, purpose: str) -> list[Task]:
        """Tasks made for that revision of an article: the live ones first, then by id."""
        rows = self._ask(
            _TASKS + "project = ? AND article_id = ? AND text_sha256 = ? AND purpose = ? ORDER BY deleted, task_id",
            project.key,
            article_id,
            text_sha256,
            purpose,
        )
        return [_task(row) for row in rows]

    def tasks(self, project: KnownProject) -> Iterator[Task]:
        """All tasks with an id, by id, the deleted ones among them."""
        last = -(1 << 62)  # a deleted task whose id another one has now has a negative one
        while rows := self._ask(_TASKS + "project = ? AND task_id > ? ORDER BY task_id LIMIT 1000", project.key, last):
            yield from map(_task, rows)
            last = rows[-1][1]

    def task_ids(self, project: KnownProject) -> list[int]:
        """The ids of the tasks on the server, in rising order."""
        rows = self._ask(
            "SELECT task_id FROM tasks WHERE project = ? AND task_id IS NOT NULL AND deleted = 0 ORDER BY task_id",
            project.key,
        )
        return [row[0] for row in rows]

    def newest_task(self, project: KnownProject) -> tuple[int, tuple[str | None, ...]]:
        """The highest task id on the server as far as we know, and the identity of that task; 0 if there is none."""
        rows = self._ask(
            "SELECT task_id, article_id, text_sha256, purpose, batch FROM tasks WHERE project = ? "
            "AND task_id IS NOT NULL AND deleted = 0 ORDER BY task_id DESC LIMIT 1",
            project.key,
        )
        return (rows[0][0], rows[0][1:]) if rows else (0, ())

    def count_tasks(self, project: KnownProject) -> int:
        """The number of tasks on the server, as far as we know."""
        rows = self._ask(
            "SELECT count(*) FROM tasks WHERE project = ? AND task_id IS NOT NULL AND deleted = 0", project.key
        )
        return int(rows[0][0])

    def is_new(self, project: KnownProject) -> bool:
        """Whether the ledger has no task of the project yet."""
        return not self._ask("SELECT 1 FROM tasks WHERE project = ? LIMIT 1", project.key)

    def identities(self, project: KnownProject) -> Iterator[tuple[int, tuple[str | None, ...]]]:
        """(id, identity) of all tasks on the server as far as we know, by id."""
        last = 0
        while rows := self._ask(
            "SELECT task_id, article_id, text_sha256, purpose, batch FROM tasks WHERE project = ? AND task_id > ? "
            "AND deleted = 0 ORDER BY task_id LIMIT 1000",
            project.key,
            last,
        ):
            yield from ((row[0], row[1:]) for row in rows)
            last = rows[-1][0]

    def add_from_server(self, project: KnownProject, tasks: Iterable[dict[str, Any]]) -> int:
        """Add tasks from the server (as listed with all fields or with `id` and `data`). Returns their number."""
        count = 0
        with self.change():
            for task in tasks:
                self._adopt(project, task)
                count += 1
        return count

    def _adopt(self, project: KnownProject, task: dict[str, Any]) -> None:
        number, (article, text, purpose, batch) = task["id"], identity(task)
        known = self._ask(
            "SELECT row, article_id, text_sha256, purpose, batch FROM tasks WHERE project = ? AND task_id = ?",
            project.key,
            number,
        )
        if known and known[0][1:] == (article, text, purpose, batch):
            self._db.execute("UPDATE tasks SET deleted = 0 WHERE row = ?", (known[0][0],))
        else:
            # A row that an import left open becomes this task.
            waiting = self._ask(
                "SELECT row FROM tasks WHERE project = ? AND batch = ? AND article_id = ? AND text_sha256 = ? "
                "AND purpose = ? AND task_id IS NULL LIMIT 1",
                project.key,
                batch,
                article,
                text,
                purpose,
            )
            if waiting:
                self._name(project, waiting[0][0], number)
            else:
                row = self._db.execute(
                    "INSERT INTO tasks (project, article_id, text_sha256, purpose, batch) VALUES (?, ?, ?, ?, ?)",
                    (project.key, article, text, purpose, batch),
                ).lastrowid
                self._name(project, row, number)
        data = task.get("data")
        withheld = _string(data.get(WITHHELD)) if isinstance(data, dict) else None
        if withheld is not None:
            self._db.execute(
                "UPDATE tasks SET withheld = ? WHERE project = ? AND task_id = ?", (withheld, project.key, number)
            )
        if task.get("total_predictions") == 0:
            self._db.execute(
                "UPDATE tasks SET digest = NULL WHERE project = ? AND task_id = ? AND annotation_id IS NOT NULL",
                (project.key, number),
            )
        if task.get("predictions"):
            one = task["predictions"][0]
            regions = one.get("result")
            meta = _meta(regions)
            self._db.execute(
                "UPDATE tasks SET prediction_id = ?, annotation_id = ?, engine = ?, digest = ? "
                "WHERE project = ? AND task_id = ?",
                (
                    one.get("id"),
                    _string(meta.get(ANNOTATION)),
                    _string(meta.get(ENGINE, one.get("model_version"))),
                    digest(regions) if one.get("model_version") == PREDICTION else None,
                    project.key,
                    task["id"],
                ),
            )

    def _name(self, project: KnownProject, row: int | None, task_id: int) -> None:
        """Set the task id of a row. A task that had that id is deleted: on SQLite, Label Studio reuses ids."""
        self._db.execute(
            "UPDATE tasks SET deleted = 1, task_id = -row WHERE project = ? AND task_id = ? AND row != ?",
            (project.key, task_id, row),
        )
        self._db.execute("UPDATE tasks SET task_id = ? WHERE row = ?", (task_id, row))

    def mark_deleted(self, project: KnownProject, task_ids: Iterable[int]) -> None:
        """Mark these tasks as deleted on the server."""
        with self.change():
            self._db.executemany(
                "UPDATE tasks SET deleted = 1 WHERE project = ? AND task_id = ?",
                [(project.key, task) for task in task_ids],
            )

    def forget_tasks(self, project: KnownProject, task_ids: Iterable[int]) -> None:
        """Forget tasks that we removed ourselves."""
        with self.change():
            self._db.executemany(
                "DELETE FROM tasks WHERE project = ? AND task_id = ?", [(project.key, task) for task in task_ids]
            )

    def duplicate_tasks(self, project: KnownProject) -> list[list[int]]:
        """Ids of live tasks for the same revision and purpose, wherever there are several."""
        rows = self._ask(
            "SELECT group_concat(task_id) FROM tasks WHERE project = ? AND task_id IS NOT NULL AND deleted = 0 "
            "AND article_id IS NOT NULL GROUP BY article_id, text_sha256, purpose HAVING count(*) > 1",
            project.key,
        )
        return [sorted(int(number) for number in row[0].split(",")) for row in rows]

    def settle_revisions(self, project: KnownProject) -> None:
        """After a rebuild: of several revisions of an article, the task made last is the current one."""
        with self.change():
            self._db.execute(
                "UPDATE tasks SET superseded = EXISTS (SELECT 1 FROM tasks AS new WHERE new.project = tasks.project "
                "AND new.article_id = tasks.article_id AND new.purpose = tasks.purpose "
                "AND new.text_sha256 != tasks.text_sha256 AND new.task_id > tasks.task_id) "
                "WHERE project = ? AND task_id IS NOT NULL",
                (project.key,),
            )

    def make_current(self, project: KnownProject, task: Task) -> int:
        """A revision that was superseded is pushed again and is the current one now. Returns tasks superseded."""
        with self.change():
            self._db.execute("UPDATE tasks SET superseded = 0 WHERE row = ?", (task.row,))
            return self._db.execute(
                "UPDATE tasks SET superseded = 1 WHERE project = ? AND article_id = ? AND purpose = ? "
                "AND text_sha256 != ? AND superseded = 0 AND task_id IS NOT NULL",
                (project.key, task.article_id, task.purpose, task.text_sha256),
            ).rowcount

    # Number of annotators per task

    def set_people(self, task: Task, people: int) -> None:
        """Record the number of people that should annotate the task."""
        with self.change():
            self._db.execute("UPDATE tasks SET people = ? WHERE row = ?", (people, task.row))

    def tasks_without_people(self, project: KnownProject) -> list[Task]:
        """Tasks on the server whose number of annotators still has to be set there, by id."""
        rows = self._ask(
            _TASKS + "project = ? AND task_id IS NOT NULL AND deleted = 0 AND people IS NOT NULL "
            "AND people IS NOT arranged ORDER BY task_id",
            project.key,
        )
        return [_task(row) for row in rows]

    def confirm_people(self, task: Task) -> None:
        """The server has the number of annotators of the task."""
        with self.change():
            self._db.execute("UPDATE tasks SET arranged = ? WHERE row = ?", (task.people, task.row))

    def any_blind(self, project: KnownProject) -> bool:
        """Whether the project has a blind task."""
        return bool(self._ask("SELECT 1 FROM tasks WHERE project = ? AND withheld IS NOT NULL LIMIT 1", project.key))

    # Predictions

    def begin_predictions(self, project: KnownProject, batch: str, tasks: Iterable[Task]) -> None:
        """Record that these tasks are about to get predictions; until then their predictions count as unknown."""
        with self.change():
            self._db.execute(
                "INSERT INTO batches VALUES (?, ?, 'predictions', 'sending', ?)", (batch, project.key, time.time())
            )
            self._db.executemany("UPDATE tasks SET digest = NULL WHERE row = ?", [(task.row,) for task in tasks])

    def set_prediction(
        self, task: Task, prediction_id: int, annotation_id: str | None, engine: str | None, what: str | None
    ) -> None:
        """Record the current prediction of the task; `what` is the digest of its regions."""
        with self.change():
            self._db.execute(
                "UPDATE tasks SET prediction_id = ?, annotation_id = ?, engine = ?, digest = ?, refreshed = ? "
                "WHERE row = ?",
                (prediction_id, annotation_id, engine, what, time.time(), task.row),
            )

    def end_predictions(self, batch: str, *, sure: bool) -> None:
        """All predictions of the batch are on the server; `sure` if none of them can arrive a second time."""
        with self.change():
            state = "done" if sure else "lost"
            self._db.execute("UPDATE batches SET state = ? WHERE batch = ?", (state, batch))

    def compare_predictions(self, project: KnownProject, tasks: Iterable[dict[str, Any]]) -> None:
        """Forget a known prediction where the server (tasks as listed with all fields) has another one."""
        with self.change():
            self._db.executemany(
                "UPDATE tasks SET digest = NULL WHERE project = ? AND task_id = ? AND digest != ?",
                [
                    (project.key, task["id"], digest(made[0].get("result")) if made else "")
                    for task in tasks
                    for made in (task["predictions"],)
                ],
            )

    def refreshed_since(self, project: KnownProject, moment: float) -> set[int]:
        """Ids of tasks whose prediction we changed after that time; the server does not show every change."""
        rows = self._ask("SELECT task_id FROM tasks WHERE project = ? AND refreshed >= ?", project.key, moment)
        return {row[0] for row in rows}

    def current_prediction(self, project: KnownProject, task_id: int) -> str | None:
        """The id of the annotation that is the task's prediction."""
        rows = self._ask("SELECT annotation_id FROM tasks WHERE project = ? AND task_id = ?", project.key, task_id)
        return rows[0][0] if rows else None

    # What was sent

    def record_sent(self, annotations: Iterable[str]) -> None:
        """Append annotations (each as JSON) to `sent.jsonl` and wait until they are on disk. Done before sending.

        Raises:
            BadInput: the file is damaged.
        """
        self.check_sent()
        start = self._ask("SELECT position FROM sent_read")[0][0]
        if self.sent_path.exists() and self.sent_path.stat().st_size > start:
            os.truncate(self.sent_path, start)  # a line that a kill cut short: it was never sent
        lines = list(annotations)
        append_jsonl(self.sent_path, lines)
        with self.change():
            for line in lines:
                raw = line.encode() + b"\n"
                self._index(json.loads(line)["id"], start, raw)
                start += len(raw)
            self._db.execute("UPDATE sent_read SET position = ?, state = ?", (start, _state(self.sent_path)))

    def sent(self, annotation_id: str) -> Annotation | None:
        """The annotation with that id as it was sent last, or None if it never was.

        Raises:
            BadInput: `sent.jsonl` is damaged.
        """
        self.check_sent()
        rows = self._ask("SELECT start, length, sha256 FROM sent WHERE annotation_id = ?", annotation_id)
        if not rows:
            return None
        start, length, digest = rows[0]
        with self.sent_path.open("rb") as file:
            file.seek(start)
            line = file.read(length)
        if hashlib.sha256(line).digest() != digest:
            raise self._damaged("is not what was written", line=self._number(start))
        try:
            return Annotation.model_validate_json(line)
        except ValueError as error:
            raise self._damaged("is not an annotation", line=self._number(start)) from error

    def was_recorded(self, annotation_id: str) -> bool:
        """Whether the annotation with that id is in `sent.jsonl`."""
        self.check_sent()
        return bool(self._ask("SELECT 1 FROM sent WHERE annotation_id = ?", annotation_id))

    def check_sent(self) -> None:
        """Check that `sent.jsonl` holds everything that was written there. If it did not change, it is not read.

        Raises:
            BadInput: it is shorter than it was, or a line cannot be read or is not what was written.
        """
        if self._ask("SELECT state FROM sent_read")[0][0] == _state(self.sent_path):
            return
        with self.change():
            state = _state(self.sent_path)
            held = self._ask("SELECT position FROM sent_read")[0][0]
            size = self.sent_path.stat().st_size if state else 0
            if size < held:
                what = f"is cut short: {size} bytes, and there were {held}" if state else "is missing"
                raise self._damaged(what)
            known = dict(self._ask("SELECT start, sha256 FROM sent"))
            self._db.execute("DELETE FROM sent")
            start = 0
            for number, raw in read_lines(self.sent_path) if state else ():
                if not raw.endswith(b"\n"):
                    break  # is being written, or a kill cut it short
                if (name := self._sent_id(raw, number)) is not None:
                    self._index(name, start, raw)
                if start in known and known.pop(start) != hashlib.sha256(raw).digest():
                    raise self._damaged("is not what was written", line=number)
                start += len(raw)
            if known:
                raise self._damaged(f"lacks {len(known)} of the predictions that were sent")
            self._db.execute("UPDATE sent_read SET position = ?, state = ?", (start, state))

    def forget_sent(self) -> None:
        """Accept `sent.jsonl` as it is now, whatever it held before."""
        with self.change():
            self._db.execute("DELETE FROM sent")
            self._db.execute("UPDATE sent_read SET position = 0, state = ''")

    def _index(self, annotation_id: str, start: int, raw: bytes) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)",
            (annotation_id, start, len(raw), hashlib.sha256(raw).digest()),
        )

    def _sent_id(self, raw: bytes, number: int) -> str | None:
        """The id of the annotation in a line; None for one that a kill cut short before it was sent."""
        try:
            name = json.loads(raw)["id"]
        except (ValueError, KeyError, TypeError, RecursionError):
            name = None
        if isinstance(name, str):
            return name
        # Earlier versions ended a line that a kill had cut short, and appended after it.
        head = _HEAD.match(raw)
        if head is None or raw.rstrip().endswith(b"}") or self._was_sent(head[1].decode(errors="replace")):
            raise self._damaged("is not an annotation", line=number)
        return None

    def _was_sent(self, annotation_id: str) -> bool:
        return bool(self._ask("SELECT 1 FROM tasks WHERE annotation_id = ?1 OR withheld = ?1 LIMIT 1", annotation_id))

    def _number(self, start: int) -> int:
        """The number of the line in `sent.jsonl` that starts there."""
        with self.sent_path.open("rb") as file:
            return file.read(start).count(b"\n") + 1

    def _damaged(self, what: str, *, line: int | None = None) -> BadInput:
        way_out = "restore it from a backup, or go on without what is lost: run `curation push --rebuild-ledger`"
        if line is not None:
            way_out = "restore it from a backup, or remove that line and run `curation push --rebuild-ledger`"
        return BadInput(what, path=self.sent_path, line=line, way_out=way_out)


_TASKS = (
    "SELECT row, task_id, article_id, text_sha256, purpose, superseded, deleted, annotation_id, digest, people, "
    "arranged, withheld "
    "FROM tasks WHERE "
)


def _task(row: tuple[Any, ...]) -> Task:
    task = Task._make(row)
    return task._replace(superseded=bool(task.superseded), deleted=bool(task.deleted))


def identity(task: dict[str, Any]) -> tuple[str | None, ...]:
    """The identity of a task on the server, independent of its id: article, text hash, purpose, import."""
    data = task.get("data")
    data = data if isinstance(data, dict) else {}
    names = (ARTICLE_ID, TEXT_SHA256, PURPOSE, BATCH)
    article, text, purpose, batch = (_string(data.get(name)) for name in names)
    if article is None or text is None:
        article = text = None  # not made by a push: counted, never touched
    return article, text, purpose or ANNOTATE, batch


def _string(value: Any) -> str | None:
    """`value` if it is a string that can be stored. Half a surrogate pair cannot."""
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _meta(regions: Any) -> dict[str, Any]:
    """The `meta` of a prediction's first region: its engine and annotation."""
    for region in regions if isinstance(regions, list) else ():
        if isinstance(region, dict) and isinstance(region.get("meta"), dict):
            return dict(region["meta"])
    return {}


_HEAD = re.compile(rb'\{"id":"([^"\\]+)"')


def _state(path: Path) -> str:
    """Inode, size and time of a file, which change when it is written or replaced; empty if it is missing."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return ""
    return f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns}"
