"""Pull: the annotations of people come back as an immutable snapshot.

Only what changed is fetched: Label Studio stamps a task when its annotations change, but not when a draft does, so
tasks with drafts are fetched every time. A pull with `full` fetches everything; do that now and then, for a bulk
action inside Label Studio may change annotations without a stamp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from curation.article import Value
from curation.errors import BadInput, LabelStudioError
from curation.labelstudio.client import Client
from curation.labelstudio.export_api import fetch
from curation.labelstudio.from_labelstudio import Decoded, decode
from curation.labelstudio.ledger import KnownProject, Ledger
from curation.labelstudio.project import find_project
from curation.labelstudio.queries import PAGE, condition, few, link, listed, moment, newest, touched
from curation.labelstudio.reconcile import follow
from curation.labelstudio.snapshot import Snapshot, TaskLine, latest_of_project, latest_snapshot, read_snapshot
from curation.labelstudio.snapshot_writer import Source, build_snapshot
from curation.locks import exclusive
from curation.schema import LabelSchema

OVERLAP = timedelta(seconds=30)
"""Time before the latest known change that is asked for again: a change is stamped before it is visible."""


class IssueKind(Value):
    """How many issues have a code; the message of the first one and the address of its task."""

    code: str
    count: int
    message: str
    url: str


class PullReport(Value):
    """Result of a pull.

    tasks          to annotate, in the project; each is one of submitted, skipped, draft (`drafts`) or untouched
    review_tasks   to decide or to look at again; `review_answered` of them are submitted or skipped
    annotations    in the snapshot: several people may have worked on one task
    issues         what could not be read, or does not fit the schema; `issue_kinds` counts these by code
    fetched        tasks that were fetched, since they may have changed
    deleted        tasks of the snapshot before that are gone from Label Studio
    damaged        what is wrong with the latest snapshot, if anything: nothing of it was used, all tasks were fetched
    went_back      the server went back to an earlier state since the snapshot before: it was restored from a backup
    snapshot       the folder; the one before where nothing is new (`unchanged`)
    """

    tasks: int
    submitted: int
    skipped: int
    drafts: int
    untouched: int
    review_tasks: int = 0
    review_answered: int = 0
    annotations: int
    issues: int
    issue_kinds: tuple[IssueKind, ...] = ()
    fetched: int
    deleted: int
    full: bool
    unchanged: bool
    damaged: str | None = None
    went_back: bool = False
    snapshot: str
    project_id: int
    project_url: str


def pull(
    client: Client,
    schema: LabelSchema,
    *,
    work: Path,
    title: str | None = None,
    full: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> PullReport:
    """Write a snapshot of our project into `work/snapshots/`. A pull that brings nothing new makes no new one.

    Args:
        title: which project, where there are several for this schema.
        full: fetch every task, not only what changed since the last snapshot.
        on_progress: called with the number of tasks fetched so far.

    Raises:
        LabelStudioError: the server cannot be reached or refuses, or the project is not there.
    """
    client.version()
    if latest_snapshot(work) is None:
        client.user()  # a key that is refused leaves nothing behind
    begun = datetime.now(UTC)
    with Ledger(work) as ledger, exclusive(work / "snapshots" / "pull.lock", "pull"):
        ours = find_project(client, ledger, schema, title)
        if ours is None:
            named = f" titled {title}" if title else ""
            raise LabelStudioError(f"{client.url} has no project for {schema.name}{named}; run push first")
        project, mark = ours
        ledger.check_sent()
        previous, damaged = _previous(work, project)
        partly = previous is not None and not full and _alike(previous, client, schema)
        with ThreadPoolExecutor(1) as beside:
            asked = beside.submit(_ask, client, project, previous.manifest.stamp if previous and partly else None)
            follow(client, ledger, project)
            live = ledger.task_ids(project)
            before = {task.task: task for task in previous.tasks()} if previous else {}
            news = asked.result()
        changed = _changed(news, before, live) if partly else set(live)
        every = len(changed) == len(live)
        coming = fetch(client, project.id, sorted(changed), until=moment(news.stamp) if every else None)

        earlier = previous.by_id() if previous else _not_there

        def read(task: dict[str, Any]) -> Decoded:
            current = ledger.current_prediction(project, task["id"]) if touched(task) else None
            made_with = mark.in_force if mark else None
            return decode(task, schema, sent=ledger.sent, earlier=earlier, current=current, made_with=made_with)

        source = Source(client.url, project.id, project.title, project.created_at, schema.ref)
        fetched = _Count(on_progress)
        if previous is not None and not changed and before.keys() == set(live):
            path, new = previous.path, False
        else:
            path, new = build_snapshot(
                work / "snapshots",
                source,
                live,
                fetched.over(coming),
                changed,
                read,
                lambda task: link(client, project.id, task),
                time=begun,
                stamp=news.stamp,
                previous=previous,
                before=before,
            )
        made = read_snapshot(path)
        back = news.went_back and _went_back(before, made)
        ledger.set_pulled(project, made.manifest.time, went_back=back)
        counts, states = made.manifest.counts, made.task_states()
        return PullReport(
            tasks=sum(states["annotate"].values()),
            submitted=states["annotate"]["submitted"],
            skipped=states["annotate"]["skipped"],
            drafts=states["annotate"]["draft"],
            untouched=states["annotate"]["untouched"],
            review_tasks=sum(states["review"].values()),
            review_answered=states["review"]["submitted"] + states["review"]["skipped"],
            annotations=counts["annotations"],
            issues=counts["issues"],
            issue_kinds=_issue_kinds(made) if counts["issues"] else (),
            fetched=fetched.count,
            deleted=len(before.keys() - set(live)),
            full=full,
            unchanged=not new,
            damaged=damaged,
            went_back=back,
            snapshot=str(path),
            project_id=project.id,
            project_url=link(client, project.id),
        )


def _issue_kinds(snapshot: Snapshot) -> tuple[IssueKind, ...]:
    """The issues of a snapshot by code, in the order of the codes."""
    first: dict[str, IssueKind] = {}
    for issue in snapshot.issues():
        code, count = issue["code"], snapshot.manifest.findings[issue["code"]]
        first.setdefault(code, IssueKind(code=code, count=count, message=issue["message"], url=issue["url"]))
    return tuple(first[code] for code in sorted(first))


def _not_there(annotation_id: str) -> None:
    """Finds no annotation: there is no earlier snapshot."""


def _previous(work: Path, project: KnownProject) -> tuple[Snapshot | None, str | None]:
    """The latest snapshot of the project, or None and the damage."""
    try:
        return latest_of_project(work, project.id, project.created_at), None
    except BadInput as error:
        return None, ": ".join(part for part in (str(error.path or ""), error.what) if part)


def _alike(previous: Snapshot, client: Client, schema: LabelSchema) -> bool:
    """Whether lines of the previous snapshot can be copied."""
    return previous.manifest.schema_ref == schema.ref and previous.manifest.url == client.url


class _News(NamedTuple):
    """The changes in the project, asked for before any task is fetched.

    stamp     all changes up to this time, by the server's clock, are covered
    since     the moment after which changes were asked for; None: they were not
    changed   the stamp of every task that changed after it, by id; there may be others
    drafts    ids of the tasks in which someone has begun
    went_back the task that changed last before is gone, or is as it was earlier: all tasks are to be fetched
    """

    stamp: str | None
    since: datetime | None
    changed: dict[int, str | None]
    drafts: set[int]
    went_back: bool = False


def _ask(client: Client, project: KnownProject, stamp: str | None) -> _News:
    """The changes since `stamp`: the latest change when the previous snapshot was begun, not the latest one in it.

    A task that was fetched early may have changed while others were fetched.
    """
    last = moment(stamp)
    if last is None:
        return _News(_latest_change(client, project), None, {}, set())
    since = last - OVERLAP
    after = condition("updated_at", "greater_or_equal", since.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "Datetime")
    begun = condition("draft_exists", "equal", True, "Boolean")
    found = few(client, project.id, after, begun, include="id,updated_at,draft_exists")
    if found is not None:
        drafts = {task["id"] for task in found if task.get("draft_exists")}
    else:
        found = list(listed(client, project.id, after, include="id,updated_at"))
        drafts = {task["id"] for task in listed(client, project.id, begun)}
    if not any(when >= last for task in found if (when := moment(task.get("updated_at")))):
        return _News(_latest_change(client, project), None, {}, set(), went_back=True)
    # What changed after the first page was asked for may be missing there, and has a later stamp than all that is.
    stamps = (stamp, *(task.get("updated_at") for task in found[:PAGE]))
    latest = max((when, one) for one in stamps if (when := moment(one)))[1]
    return _News(latest, since, {task["id"]: task.get("updated_at") for task in found}, drafts)


def _latest_change(client: Client, project: KnownProject) -> str | None:
    _, task = newest(client, project.id, "updated_at", "id,updated_at")
    return task.get("updated_at") if task else None


def _went_back(before: dict[int, TaskLine], made: Snapshot) -> bool:
    """Whether a task has an earlier time than in the previous snapshot: only a restored server has that."""
    for line in made.tasks():
        old = before.get(line.task)
        if old is None or (old.article_id, old.text_sha256) != (line.article_id, line.text_sha256):
            continue
        then, now = moment(old.updated_at), moment(line.updated_at)
        if then and now and now < then:
            return True
    return False


def _changed(news: _News, before: dict[int, TaskLine], live: list[int]) -> set[int]:
    """Ids of the tasks that may differ from `before`; all of them if that is unknown."""
    alive = set(live)
    if news.since is None:
        return alive
    seen = {number: when for number in alive & before.keys() if (when := moment(before[number].updated_at))}
    if any(when >= news.since and number not in news.changed for number, when in seen.items()):
        return alive  # the server reads our times in another zone: no relying on them
    changed = {n for n, stamp in news.changed.items() if n not in before or before[n].updated_at != stamp}
    drafts = news.drafts | {number for number, task in before.items() if task.drafts}
    return alive & (changed | drafts | (alive - before.keys()))


class _Count:
    """Counts the tasks that pass, and reports progress."""

    def __init__(self, on_progress: Callable[[int], None] | None) -> None:
        self.count, self.on_progress = 0, on_progress

    def over(self, tasks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for task in tasks:
            self.count += 1
            if self.on_progress:
                self.on_progress(self.count)
            yield task
