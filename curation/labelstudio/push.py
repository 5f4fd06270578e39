"""Push: one task for each article revision, exactly once, whatever fails on the way.

An import is one request under a batch id that every task of it carries. What is about to be sent is written down
first, here and in the ledger; where the outcome of a request is unknown, the server is asked which batches it has
before anything is sent again. A request that is carried out later than we waited leaves duplicates: this run or the
next removes them.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from curation.annotation import Annotation
from curation.article import Article, Value
from curation.errors import LabelStudioError, OutcomeUnknown
from curation.labelstudio import answers, to_labelstudio
from curation.labelstudio.client import Client
from curation.labelstudio.constants import ANNOTATE, BATCH, PURPOSE
from curation.labelstudio.ledger import KnownProject, Ledger, Planned, Task
from curation.labelstudio.project import (
    FIELDS,
    create_project,
    find_project,
    keep_in_step,
    remove_duplicates,
    same_title,
)
from curation.labelstudio.queries import CHUNK, condition, exported, link, listed, touched
from curation.labelstudio.reconcile import FULL_PAGE, finish, follow, late, remove_doubles, wait_for
from curation.labelstudio.task_spec import TaskSpec
from curation.locks import exclusive
from curation.schema import LabelSchema
from curation.schema_migration import migrate
from curation.validation import Violation, validate

PATIENCE = 20.0
"""Seconds for which the server is asked about a request with an unknown outcome before it is sent again."""
ATTEMPTS = 3
"""Most attempts to send the same tasks in one run."""
IMPORT_TIMEOUT = 600.0
"""Seconds to wait for the answer to an import."""
LATEST = 3600.0
"""Seconds after which a request that was given up is no longer carried out."""
WORKERS = 4
"""Predictions changed at a time."""
MAX_BODY = 24_000_000
"""Bytes of one import request; the server needs about 16 times as much memory."""
MAX_PROBLEMS = 20
"""Most problems that a report names."""


class PushReport(Value):
    """Result of a push. All counts are of articles, each with one task.

    articles       read from the input
    sent           sent now
    already_there  on the server before
    refused        whose pre-annotation does not fit and was left out; the article was sent without it
    refreshed      already there and untouched, given a newer pre-annotation
    touched        already there, with a newer pre-annotation that was not sent, since someone has begun to work
    superseded     whose older text has a task: that task no longer counts
    blind          sent now without the pre-annotation, which is held back
    arranged       now for as many people as was asked
    deleted        whose task someone deleted in Label Studio; sent again only with `resend_deleted`
    doubles_removed, doubles_kept   second tasks of the same text: removed where untouched, else left and named
    problems       the first few things refused or left, in words
    """

    articles: int = 0
    sent: int = 0
    already_there: int = 0
    refused: int = 0
    refreshed: int = 0
    touched: int = 0
    superseded: int = 0
    blind: int = 0
    arranged: int = 0
    deleted: int = 0
    doubles_removed: int = 0
    doubles_kept: int = 0
    problems: tuple[str, ...] = ()
    project_id: int
    project_url: str


def push(
    client: Client,
    schema: LabelSchema,
    tasks: Iterable[TaskSpec | tuple[Article, Annotation | None]],
    *,
    work: Path,
    title: str,
    batch_size: int = 500,
    refresh: bool = True,
    resend_deleted: bool = False,
    new_project: bool = False,
    rebuild_ledger: bool = False,
    patience: float = PATIENCE,
    on_progress: Callable[[int], None] | None = None,
) -> PushReport:
    """Bring every one of `tasks` into the project of that title, exactly once.

    The project is the one the ledger in `work` knows for this server, schema name and title; else one on the server
    with that title and our mark in its description, whose tasks the ledger then takes over; else a new one. Run
    again, it sends what is missing and nothing else. It reads `tasks` once, and memory does not grow with them; an
    article with its annotation, or None, is a task to annotate it in.

    Args:
        refresh: give tasks that no one has touched the newer annotation, where it differs.
        resend_deleted: send articles again whose tasks were deleted in Label Studio.
        new_project: begin a new project where the one we knew is gone.
        rebuild_ledger: drop the project from the ledger and read it again from the server.
        patience: seconds to wait for a request whose outcome is unknown.
        on_progress: called with the number of articles dealt with so far.

    Raises:
        BadInput: the record of what was sent is damaged.
        ProjectDiffers: the project's config has something that the schema does not have.
        LabelStudioError: the server cannot be reached or refuses; what was sent stays, the next run goes on.
    """
    client.version()
    client.user()  # a key that is refused leaves nothing behind
    with Ledger(work) as ledger, exclusive(ledger.path.with_name("push.lock"), "push"):
        if rebuild_ledger:
            ledger.forget_sent()
        ledger.check_sent()
        project, remarks = _project(client, ledger, schema, title, new_project=new_project, patience=patience)
        if rebuild_ledger:
            config = project.config
            ledger.forget(project)
            project = ledger.remember_project(client.url, project.id, title, schema.name, project.created_at, config)
        run = _Run(client, ledger, schema, project, batch_size, refresh, resend_deleted, patience, on_progress)
        run.restored = ledger.went_back(project)
        for remark in remarks:
            run.problem(remark)
        run.settle()
        run.send(TaskSpec(*task) for task in tasks)
        run.set_people()
        run.clean_up()
        return run.report()


def _project(
    client: Client, ledger: Ledger, schema: LabelSchema, title: str, *, new_project: bool, patience: float
) -> tuple[KnownProject, tuple[str, ...]]:
    """The project, and remarks on others that were created by mistake."""
    if new_project:
        for known in ledger.projects(client.url, schema.name, title):
            there = client.find(f"/api/projects/{known.id}", FIELDS, form=answers.PROJECT)
            if there is None or there["created_at"] != known.created_at:
                ledger.forget(known)
    found = find_project(client, ledger, schema, title)
    project = found.project if found else create_project(client, ledger, schema, title, patience=patience)
    remarks = (*remove_duplicates(client, ledger, project), *same_title(client, ledger, schema, project))
    return keep_in_step(client, ledger, schema, project), remarks


@dataclass
class _Batch:
    """Tasks of one import request, as JSON: a thousand annotations as objects would need much memory."""

    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    planned: list[Planned] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    size: int = 0
    predictions: int = 0

    def add(self, task: TaskSpec, schema: LabelSchema) -> None:
        body, digest = task.packed(schema, self.name)
        prediction: tuple[str | None, str | None, str | None] = (None, None, digest)
        if task.shown is not None:
            prediction = (task.shown.id, to_labelstudio.engine(task.shown), digest)
        self.annotations += task.kept()
        article = task.article
        self.planned.append(
            Planned(
                article.id, article.text_sha256, task.purpose, *prediction, people=task.people, withheld=task.withheld
            )
        )
        self.bodies.append(body)
        self.size += len(body) + 1
        self.predictions += (task.shown is not None) + len(task.variants)

    def renamed(self) -> _Batch:
        """The same tasks under a new batch id."""
        again = _Batch(planned=self.planned, size=self.size, predictions=self.predictions)
        for body in self.bodies:
            task = json.loads(body)
            task["data"][BATCH] = again.name
            again.bodies.append(to_json(task))
        return again


@dataclass
class _Run:
    """The state of one push."""

    client: Client
    ledger: Ledger
    schema: LabelSchema
    project: KnownProject
    batch_size: int
    refresh: bool
    resend_deleted: bool
    patience: float
    on_progress: Callable[[int], None] | None
    restored: bool = False
    """The server went back to an earlier state: missing tasks were not deleted by a person."""
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    older: dict[tuple[str, str], Task] = field(default_factory=dict)
    """(article, purpose) → superseded task whose text came last in this push: it becomes the current one again."""
    lost: list[str] = field(default_factory=list)
    """Annotations (JSON) that `sent.jsonl` lost and that are to be written there again."""
    unsure: bool = False
    """A request of this run was given up and sent again: it may still be carried out late."""

    def settle(self) -> None:
        """Bring the ledger up to date: what was cut off, what came late, what others did."""
        if self.ledger.is_new(self.project):
            follow(self.client, self.ledger, self.project)  # a new ledger learns of everything first
        self.count("superseded", finish(self.client, self.ledger, self.project, patience=self.patience))
        late(self.client, self.ledger, self.project)
        follow(self.client, self.ledger, self.project)
        self.remove_duplicate_tasks()
        self.late_predictions()

    def send(self, tasks: Iterable[TaskSpec]) -> None:
        """Import missing tasks in batches; the next batch is prepared while the server works."""
        batch, stale = _Batch(), list[tuple[Task, TaskSpec]]()
        gathered: set[tuple[str, str, str]] = set()
        under_way: tuple[_Batch, Future[Any]] | None = None
        done = 0
        with ThreadPoolExecutor(1) as worker:
            try:
                for wanted in tasks:
                    self.count("articles")
                    article = wanted.article
                    wanted = self.validated(wanted)
                    task = self.existing_task(wanted)
                    key = (article.id, article.text_sha256, wanted.purpose)
                    if task is None and key not in gathered:
                        gathered.add(key)
                        batch.add(wanted, self.schema)
                        self.count("blind", int(wanted.blind))
                    elif task is None:
                        self.count("already_there")
                    elif self.needs_refresh(task, wanted):
                        stale.append((task, wanted))
                    else:
                        self.record_again(task, wanted)
                    if len(stale) >= CHUNK:
                        self.confirm(under_way)
                        self.refresh_all(stale)
                        under_way, stale = None, []
                    if len(batch.planned) >= self.batch_size or batch.size >= MAX_BODY:
                        under_way = self.start_import(worker, under_way, batch)
                        gathered = {(task.article_id, task.text_sha256, task.purpose) for task in batch.planned}
                        batch = _Batch()
                    done += 1
                    if self.on_progress:
                        self.on_progress(done)
                if batch.planned:
                    under_way = self.start_import(worker, under_way, batch)
                self.confirm(under_way)
                self.refresh_all(stale)
                self.record_lost()
                for task in self.older.values():
                    self.count("superseded", self.ledger.make_current(self.project, task))
            except BaseException:
                if under_way is not None:
                    under_way[1].cancel()
                raise

    def validated(self, task: TaskSpec) -> TaskSpec:
        """The task with its annotation if that is valid; an invalid one is refused, and the article is sent without it.

        Annotations of people go back to people as they are.
        """
        article, annotation = task.article, task.annotation
        if annotation is None:
            return task
        annotation, _ = migrate(annotation, self.schema)  # what it cannot decide is an unknown type to `check`
        task = task._replace(annotation=annotation)
        if task.purpose != ANNOTATE:
            variants = tuple((name, migrate(one, self.schema)[0]) for name, one in task.variants)
            return task._replace(variants=variants)
        findings = validate(annotation, article, self.schema)
        if not findings and (item := to_labelstudio.undrawable(annotation, article)):
            findings = [Violation("blank-span", "begins at a line break, and the editor cannot draw it", item.id)]
        if not findings:
            return task
        self.count("refused")
        first, more = findings[0], f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        place = f" {first.item}:" if first.item else ""
        self.problem(f"{article.id}:{place} {first.message}{more}; sent without its pre-annotation")
        return task._replace(annotation=None)

    def existing_task(self, wanted: TaskSpec) -> Task | None:
        """The task of this revision, or None if it has to be sent."""
        article = wanted.article
        self.older.pop((article.id, wanted.purpose), None)
        tasks = self.ledger.tasks_of(self.project, article.id, article.text_sha256, wanted.purpose)
        if not tasks or tasks[0].task_id is None:
            return None
        if tasks[0].deleted:
            if self.resend_deleted:
                return None
            self.count("deleted")
            how = "--rebuild-ledger" if self.restored else "--resend-deleted"
            self.problem(f"{article.id}: its task was deleted in Label Studio; {how} sends it again")
            return tasks[0]
        self.count("already_there")
        if tasks[0].superseded:
            self.older[article.id, wanted.purpose] = tasks[0]
        if wanted.people is not None and wanted.people != tasks[0].people:
            self.ledger.set_people(tasks[0], wanted.people)
        return tasks[0]

    def needs_refresh(self, task: Task, wanted: TaskSpec) -> bool:
        """Whether the task has another prediction than this annotation makes. A blind task stays blind."""
        if wanted.shown is None or task.deleted or task.withheld is not None or not self.refresh:
            return False
        return task.digest != wanted.digest(self.schema)

    def record_again(self, task: Task, wanted: TaskSpec) -> None:
        """Gather the annotation if it was sent and `sent.jsonl` does not have it any more."""
        one = wanted.annotation
        if one is not None and one.id in (task.annotation_id, task.withheld) and not self.ledger.was_recorded(one.id):
            self.lost.append(one.to_json())
        if len(self.lost) >= CHUNK:
            self.record_lost()

    def record_lost(self) -> None:
        """Write the gathered annotations to `sent.jsonl`."""
        if self.lost:
            self.ledger.record_sent(self.lost)
        self.lost = []

    def start_import(
        self, worker: ThreadPoolExecutor, under_way: tuple[_Batch, Future[Any]] | None, batch: _Batch
    ) -> tuple[_Batch, Future[Any]]:
        """Send `batch` once the previous one has arrived."""
        self.ledger.record_sent(batch.annotations)
        batch.annotations = []
        self.confirm(under_way)
        self.ledger.begin_import(self.project, batch.name, batch.planned)
        return batch, worker.submit(self.request, batch)

    def request(self, batch: _Batch) -> Any:
        """The import itself; the only thing done outside the main thread."""
        return self.client.post(
            f"/api/projects/{self.project.id}/import",
            content=b"[" + b",".join(batch.bodies) + b"]",
            params={"return_task_ids": "true"},
            timeout=IMPORT_TIMEOUT,
            form=answers.IMPORTED,
        )

    def confirm(self, under_way: tuple[_Batch, Future[Any]] | None) -> None:
        """Wait for the running import and record its outcome."""
        if under_way is None:
            return
        batch, answer = under_way
        if not self.arrived(batch, answer.result):
            self.recover_or_repeat(batch)
        self.count("sent", len(batch.planned))

    def arrived(self, batch: _Batch, answer: Callable[[], Any]) -> bool:
        """Record the ids that the import returned. False if its outcome is unknown."""
        try:
            body = answer()
        except OutcomeUnknown:
            return False
        except LabelStudioError:
            self.ledger.abandon_request(batch.name)  # refused: nothing was made
            raise
        task_ids = body.get("task_ids") or ()
        if len(set(task_ids)) != len(batch.planned) or len(task_ids) != len(batch.planned):
            return False  # an edition that imports in the background
        counted = body.get("prediction_count")
        bare = counted is not None and counted < batch.predictions
        self.count("superseded", self.ledger.confirm_import(self.project, batch.name, task_ids, bare=bare))
        if bare:
            self.send_missing_predictions(batch)
        return True

    def recover_or_repeat(self, batch: _Batch) -> None:
        """Ask for the unknown outcome of an import; if it was not carried out, send the batch under another name."""
        for attempt in range(1, ATTEMPTS + 1):
            tasks = wait_for(self.client, self.project, batch.name, time.time() + self.patience)
            if tasks:
                self.count("superseded", self.ledger.recover_import(self.project, batch.name, tasks))
                self.send_missing_predictions(batch)
                return
            self.ledger.abandon_request(batch.name)
            self.unsure = True
            if attempt == ATTEMPTS:
                break
            batch = batch.renamed()
            self.ledger.begin_import(self.project, batch.name, batch.planned)
            if self.arrived(batch, partial(self.request, batch)):
                return
        raise OutcomeUnknown(
            f"{self.client.url}: an import of {len(batch.planned)} articles got no answer {ATTEMPTS} times; see that "
            "Label Studio is well and run again with a smaller batch size, nothing is sent twice"
        )

    def send_missing_predictions(self, batch: _Batch) -> None:
        """Send the predictions that did not arrive with the tasks of an import.

        On SQLite, Label Studio drops all predictions of an import that it had to try again, its database being locked.
        """
        bare: dict[int, tuple[Task, Planned, list[dict[str, Any]]]] = {}
        for planned, body in zip(batch.planned, batch.bodies, strict=True):
            task, *_ = self.ledger.tasks_of(self.project, planned.article_id, planned.text_sha256, planned.purpose)
            if task.digest is None and task.task_id and planned.annotation_id is not None:
                bare[task.task_id] = task, planned, json.loads(body)["predictions"]
        if not bare:
            return
        name = uuid.uuid4().hex
        self.ledger.begin_predictions(self.project, name, (task for task, _, _ in bare.values()))
        sure, given = self.first_predictions({number: made for number, (_, _, made) in bare.items()})
        for number, (task, planned, _) in bare.items():
            self.ledger.set_prediction(task, given[number], planned.annotation_id, planned.engine, planned.digest)
        self.ledger.end_predictions(name, sure=sure)
        self.unsure = self.unsure or not sure

    def refresh_all(self, stale: list[tuple[Task, TaskSpec]]) -> None:
        """Give untouched tasks the newer prediction.

        A prediction that is there is changed in place: deleting one would make the submission of anyone who has the
        page open fail. Tasks without one get theirs in one request.
        """
        there = {
            task["id"]: task
            for chunk in exported(self.client, self.project.id, (task.task_id for task, _ in stale if task.task_id))
            for task in chunk
        }
        open_still = []
        for task, wanted in stale:
            now = there.get(task.task_id or 0)
            if now is None or touched(now):
                self.count("touched")
            else:
                open_still.append((task, wanted))
        if not open_still:
            return
        batch = uuid.uuid4().hex
        self.ledger.record_sent(line for _, wanted in open_still for line in wanted.kept())
        self.ledger.begin_predictions(self.project, batch, (task for task, _ in open_still))
        untouched = []
        for task, wanted in open_still:
            if wanted.data or wanted.variants:
                self.renew(task, wanted, there[task.task_id or 0])
            elif wanted.shown is not None:
                untouched.append((task, wanted.article, wanted.shown))
        bare = [one for one in untouched if not there[one[0].task_id or 0]["predictions"]]
        sure = self.add_predictions(bare)
        known = [one for one in untouched if there[one[0].task_id or 0]["predictions"]]
        ids = [min(there[task.task_id or 0]["predictions"]) for task, _, _ in known]
        made = [to_labelstudio.prediction(annotation, article, self.schema) for _, article, annotation in known]
        with ThreadPoolExecutor(WORKERS) as workers:
            for (task, _, annotation), number, one, at_once in zip(
                known, ids, made, workers.map(self.change_prediction, ids, made), strict=True
            ):
                digest = to_labelstudio.digest(one["result"])
                self.ledger.set_prediction(task, number, annotation.id, to_labelstudio.engine(annotation), digest)
                sure = sure and at_once
        self.ledger.end_predictions(batch, sure=sure)
        self.unsure = self.unsure or not sure
        self.count("refreshed", len(open_still))

    def renew(self, task: Task, wanted: TaskSpec, there: dict[str, Any]) -> None:
        """Replace all data and predictions of a task in place. Repeating it changes nothing."""
        self.client.patch(f"/api/tasks/{task.task_id}/", {"data": {**there["data"], **wanted.data}})
        waiting: dict[str, list[int]] = {}
        for one in self.client.get("/api/predictions/", {"task": task.task_id}, form=answers.PREDICTIONS):
            waiting.setdefault(one["model_version"], []).append(one["id"])
        first = None
        for made in wanted.predictions(self.schema):
            if numbers := sorted(waiting.get(made["model_version"], ())):
                waiting[made["model_version"]].remove(numbers[0])
                self.client.patch(f"/api/predictions/{numbers[0]}/", made)
            else:
                sent = {"task": task.task_id, **made}
                numbers = [self.client.post("/api/predictions/", sent, form=answers.NUMBERED)["id"]]
            first = first or numbers[0]
        for number in (number for left in waiting.values() for number in left):
            self.client.delete(f"/api/predictions/{number}/")
        digest = wanted.digest(self.schema)
        if first is not None and wanted.shown is not None and digest is not None:
            self.ledger.set_prediction(task, first, wanted.shown.id, to_labelstudio.engine(wanted.shown), digest)

    def set_people(self) -> None:
        """Set the number of annotators of tasks on the server.

        The label stream gives nobody a task twice, and no task that is counted as labelled.
        """
        waiting = self.ledger.tasks_without_people(self.project)
        for begin in range(0, len(waiting), CHUNK):
            some = {task.task_id or 0: task for task in waiting[begin : begin + CHUNK]}
            for chunk in exported(self.client, self.project.id, some):
                with ThreadPoolExecutor(WORKERS) as workers:
                    list(workers.map(self.set_people_of_task, [some[one["id"]] for one in chunk], chunk))
                for one in chunk:
                    self.ledger.confirm_people(some[one["id"]])
                    self.count("arranged")

    def set_people_of_task(self, task: Task, there: dict[str, Any]) -> None:
        people = task.people or 0
        done = {one["completed_by"] for one in there["annotations"] if not one["was_cancelled"]}
        body: dict[str, Any] = {"is_labeled": len(done) >= people}
        self.client.patch(f"/api/tasks/{task.task_id}/", body | ({"overlap": people} if people else {}))

    def change_prediction(self, number: int, made: dict[str, Any]) -> bool:
        """Replace a prediction. False if an earlier attempt may still be carried out."""
        try:
            self.client.patch(f"/api/predictions/{number}/", made, once=True)
        except OutcomeUnknown:
            self.client.patch(f"/api/predictions/{number}/", made)
            return False
        return True

    def add_predictions(self, bare: list[tuple[Task, Article, Annotation]]) -> bool:
        """Send first predictions to tasks that have none. Returns whether none of them can arrive a second time."""
        made = {
            task.task_id or 0: to_labelstudio.prediction(annotation, article, self.schema)
            for task, article, annotation in bare
        }
        sure, given = self.first_predictions({number: [one] for number, one in made.items()})
        for task, _, annotation in bare:
            number = task.task_id or 0
            digest = to_labelstudio.digest(made[number]["result"])
            self.ledger.set_prediction(task, given[number], annotation.id, to_labelstudio.engine(annotation), digest)
        return sure

    def first_predictions(self, made: dict[int, list[dict[str, Any]]]) -> tuple[bool, dict[int, int]]:
        """Send predictions, by task id, to tasks that have none.

        Returns whether none of them can arrive a second time, and by task the id of its first prediction.
        """
        sure, given, missing = True, dict[int, int](), made
        for _ in range(ATTEMPTS):
            if not missing:
                return sure, given
            body = [{"task": number, **one} for number, some in missing.items() for one in some]
            try:
                self.client.post(f"/api/projects/{self.project.id}/import/predictions", body, timeout=IMPORT_TIMEOUT)
            except OutcomeUnknown:
                sure = False
                time.sleep(min(2.0, self.patience))
            for chunk in exported(self.client, self.project.id, missing):
                given |= {task["id"]: min(task["predictions"]) for task in chunk if task["predictions"]}
            missing = {number: some for number, some in made.items() if number not in given}
        if missing:
            raise OutcomeUnknown(
                f"{self.client.url}: predictions of {len(missing)} tasks did not arrive; see that Label Studio is well "
                "and run again"
            )
        return sure, given

    def late_predictions(self) -> None:
        """Handle predictions that arrived late: beside those sent again, or in place of newer ones."""
        given_up = self.ledger.abandoned_requests(self.project, "predictions")
        if not given_up:
            return
        several = condition("total_predictions", "greater", 1, "Number")
        ids = [task["id"] for task in listed(self.client, self.project.id, several)]
        for chunk in exported(self.client, self.project.id, ids):
            for task in chunk:
                if task["data"].get(PURPOSE, ANNOTATE) != ANNOTATE:
                    continue  # has several, and `renew` sees to them
                if touched(task):
                    self.problem(f"task {task['id']} has several predictions and was begun; left as it is")
                    continue
                for prediction in sorted(task["predictions"])[1:]:
                    self.client.delete(f"/api/predictions/{prediction}/")
        changed = sorted(self.ledger.refreshed_since(self.project, min(moment for _, moment in given_up)))
        for begin in range(0, len(changed), FULL_PAGE):
            chosen = condition("id", "in_list", changed[begin : begin + FULL_PAGE], "List")
            tasks = listed(self.client, self.project.id, chosen, include=None, page=FULL_PAGE)
            self.ledger.compare_predictions(self.project, list(tasks))
        for batch, moment in given_up:
            if time.time() - moment > LATEST:
                self.ledger.end_predictions(batch, sure=True)

    def remove_duplicate_tasks(self) -> None:
        """Remove duplicate tasks of a text, or name them."""
        removed, kept = remove_doubles(self.client, self.ledger, self.project)
        self.count("doubles_removed", removed)
        self.counts["doubles_kept"] = len(kept)
        if kept:
            named = ", ".join(map(str, kept[:10]))
            self.problem(f"tasks {named} are duplicates of tasks of the same text, and someone worked on them")

    def clean_up(self) -> None:
        """After requests were sent again: check whether the first ones were carried out meanwhile."""
        if self.unsure:
            late(self.client, self.ledger, self.project)
            self.remove_duplicate_tasks()
            self.late_predictions()

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def problem(self, what: str) -> None:
        if len(self.problems) < MAX_PROBLEMS and what not in self.problems:
            self.problems.append(what)

    def report(self) -> PushReport:
        return PushReport(
            **self.counts,
            problems=tuple(self.problems),
            project_id=self.project.id,
            project_url=link(self.client, self.project.id),
        )
