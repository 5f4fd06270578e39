"""Fetch whole tasks, as a snapshot keeps them.

What someone has worked on is exported, since nothing else brings all of it. An export makes Label Studio read every
prediction, though only their numbers come of it; so where every task is wanted, those that no one has touched are
taken from listings, which cost the server less than half the time. Of such a task the same is kept either way.

A listing chooses tasks first and reads their rows later: a task that someone turned to in between would come as
untouched, with the stamp of that very change, and the next pull would take it for known. So what changed since the
pull began is exported, which reads a task's stamp before its annotations.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple

import httpx

from curation.labelstudio.client import Client
from curation.labelstudio.queries import CHUNK, addresses, condition, listed, moment, read_export

WINDOW = 3 * CHUNK
"""Tasks per query for untouched tasks."""
AHEAD = 2
"""Answers requested ahead: with two, the server does not wait for us."""
UNTOUCHED = ("data", "meta", "created_at", "updated_at", "inner_id", "project")
"""Fields kept of an untouched task, beside its id."""
COUNTERS = ("total_annotations", "cancelled_annotations", "comment_count")
"""Fields that are 0 in an untouched task."""


def fetch(client: Client, project: int, ids: list[int], *, until: datetime | None = None) -> Iterator[dict[str, Any]]:
    """The tasks with those rising ids, as snapshots keep them; missing ids are left out.

    The first are asked for from now on, and the next while these are worked on. It is one request at a time, for
    Label Studio does not serve two any faster.

    Args:
        until: the ids are those of all tasks, or nearly, and this is no later than the latest change before the pull
            began; None: they are few.
    """
    answers = _every(client, project, ids, until) if until else _exports(client, project, ids)
    coming = _ahead(answers)
    return (task for answer in coming for task in _read(client, answer))


class _Answer(NamedTuple):
    """Untouched tasks and an export that is not read yet. All ids are above those of the answer before."""

    untouched: list[dict[str, Any]]
    export: httpx.Response | None


def _exports(client: Client, project: int, ids: Iterable[int]) -> Iterator[_Answer]:
    for _, address in addresses(project, ids):
        yield _Answer([], client.fetch(address))


def _every(client: Client, project: int, ids: list[int], until: datetime) -> Iterator[_Answer]:
    for begin in range(0, len(ids), WINDOW):
        window = ids[begin : begin + WINDOW]
        untouched = _untouched(client, project, window, until)
        waiting = sorted(untouched.values(), key=_number)
        for chunk, address in addresses(project, (task for task in window if task not in untouched)):
            below = bisect(waiting, chunk[-1], key=_number)
            yield _Answer(waiting[:below], client.fetch(address))
            waiting = waiting[below:]
        if waiting:
            yield _Answer(waiting, None)


def _untouched(client: Client, project: int, window: list[int], until: datetime) -> dict[int, dict[str, Any]]:
    """The untouched tasks of the window, by id, as far as the server is sure."""
    found = listed(
        client,
        project,
        condition("id", "in", {"min": window[0], "max": window[-1]}, "Number"),
        condition("annotations_ids", "empty", True),
        condition("draft_exists", "equal", False, "Boolean"),
        include=",".join(("id", *UNTOUCHED, *COUNTERS)),
        page=WINDOW,
    )
    wanted = set(window)
    return {
        task["id"]: {**task, "annotations": [], "drafts": []}
        for task in found
        if task["id"] in wanted and all(task.get(counter) == 0 for counter in COUNTERS) and _stood(task, until)
    }


def _stood(task: dict[str, Any], until: datetime) -> bool:
    """Whether the task did not change after that time."""
    when = moment(task.get("updated_at"))
    return when is not None and when <= until


def _ahead(answers: Iterator[_Answer]) -> Iterator[_Answer]:
    """The same answers, some of them requested ahead in a thread."""
    worker = ThreadPoolExecutor(1)
    coming: deque[Future[_Answer | None]] = deque(worker.submit(next, answers, None) for _ in range(AHEAD))

    def arriving() -> Iterator[_Answer]:
        try:
            while (answer := coming.popleft().result()) is not None:
                coming.append(worker.submit(next, answers, None))
                yield answer
        finally:  # who stops early does not wait for requests that were not begun
            worker.shutdown(cancel_futures=True)

    return arriving()


def _read(client: Client, answer: _Answer) -> list[dict[str, Any]]:
    tasks = read_export(client, answer.export) if answer.export is not None else []
    return [_kept(task) for task in sorted((*answer.untouched, *tasks), key=_number)]


def _kept(task: dict[str, Any]) -> dict[str, Any]:
    """The task as it is kept: lists sorted by id, and only the id of a draft's author.

    The drafts in an export change by the minute (`created_ago`) and hold e-mail addresses.
    """
    if task.get("annotations") == [] and task.get("drafts") == [] and not task.get("comment_count"):
        bare = {name: task[name] for name in UNTOUCHED if name in task}
        return {"id": task["id"], "annotations": [], "drafts": [], **bare}
    kept = {"id": task["id"], **task}
    for name in ("annotations", "drafts"):
        if name in kept and isinstance(found := kept[name] or [], list):
            kept[name] = sorted(found, key=_number)
    if isinstance(found := kept.get("predictions") or [], list):
        kept["predictions"] = sorted(found, key=_number)
    if isinstance(kept.get("drafts"), list):
        kept["drafts"] = [_anonymous(draft) for draft in kept["drafts"]]
    return kept


def _number(record: Any) -> int:
    """The id to sort by; 0 for a record without a usable id, which decoding reports."""
    number = record.get("id") if isinstance(record, dict) else record
    return number if isinstance(number, int) else 0


def _anonymous(draft: Any) -> Any:
    if not isinstance(draft, dict):
        return draft
    number = re.search(r", (\d{1,18})$", str(draft.get("created_username", "")))
    kept = {name: value for name, value in draft.items() if name not in ("created_ago", "created_username")}
    return {**kept, "user": int(number.group(1)) if number else None}
