"""Synchronise the ledger with the server: requests cut off or late, tasks that others added or deleted."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from curation.labelstudio.client import Client
from curation.labelstudio.constants import BATCH
from curation.labelstudio.ledger import KnownProject, Ledger, identity
from curation.labelstudio.queries import condition, exported, listed, newest, touched

FULL_PAGE = 100
"""Tasks per page of a listing with all fields: some megabytes."""


class Doubles(NamedTuple):
    """Duplicate tasks: how many untouched ones were removed, and the ids of those someone worked on."""

    removed: int
    kept: tuple[int, ...]


def follow(client: Client, ledger: Ledger, project: KnownProject) -> None:
    """Bring all tasks of the project into the ledger, and mark those that are gone.

    Two figures show whether the ledger is up to date: the number of tasks, and whether the newest task we know is
    unchanged. On SQLite, Label Studio gives the ids of deleted tasks to new ones, but only from the top.
    """
    fresh = ledger.is_new(project)
    count, top = newest(client, project.id)
    known, what = ledger.newest_task(project)
    there = top if top is None or top["id"] == known else None
    if there is None and known:
        there = next(listed(client, project.id, condition("id", "equal", known, "Number"), include="id,data"), None)
    if known and (there is None or identity(there) != what):
        _compare(client, ledger, project)
    elif top is not None and top["id"] > known:
        _adopt(client, ledger, project, condition("id", "greater", known, "Number"))
        count = newest(client, project.id)[0]
    if ledger.count_tasks(project) != count:
        _compare(client, ledger, project)
    if fresh:
        ledger.settle_revisions(project)


def _compare(client: Client, ledger: Ledger, project: KnownProject) -> None:
    """Compare every task on the server with the ledger."""
    here = dict(ledger.identities(project))
    other = []
    for task in listed(client, project.id, include="id,data"):
        if here.pop(task["id"], None) != identity(task):
            other.append(task["id"])
    ledger.mark_deleted(project, here)
    for begin in range(0, len(other), FULL_PAGE):
        _adopt(client, ledger, project, condition("id", "in_list", other[begin : begin + FULL_PAGE], "List"))


def _adopt(client: Client, ledger: Ledger, project: KnownProject, which: dict[str, Any]) -> None:
    tasks: list[dict[str, Any]] = []
    for task in listed(client, project.id, which, include=None, page=FULL_PAGE):
        tasks.append(task)
        if len(tasks) == FULL_PAGE:
            ledger.add_from_server(project, tasks)
            tasks = []
    ledger.add_from_server(project, tasks)


def arrived(client: Client, project: KnownProject, batches: Iterable[str]) -> list[dict[str, Any]]:
    """The tasks that the server has of those import requests, with `id`, `data` and `total_predictions`."""
    names = list(batches)
    if not names:
        return []
    which = condition(f"data.{BATCH}", "equal", names[0])
    if len(names) > 1:
        which = condition(f"data.{BATCH}", "in_list", names, "List")
    return list(listed(client, project.id, which, include="id,data,total_predictions"))


def wait_for(client: Client, project: KnownProject, batch: str, until: float) -> list[dict[str, Any]]:
    """The tasks of an import request whose outcome is unknown, asked for until `until` (as time.time() counts).

    An empty list if the server has none of them by then: a request is carried out whole or not at all.
    """
    pause = 0.1
    while not (tasks := arrived(client, project, [batch])):
        left = until - time.time()
        if left <= 0:
            return []
        time.sleep(min(pause, left))
        pause = min(2 * pause, 5.0)
    return tasks


def finish(client: Client, ledger: Ledger, project: KnownProject, *, patience: float) -> int:
    """Find the outcome of the import requests of a run that was cut off. Returns tasks now superseded."""
    superseded = 0
    for batch, kind, begun in ledger.unfinished_requests(project):
        if kind == "predictions":
            ledger.end_predictions(batch, sure=False)
        elif tasks := wait_for(client, project, batch, min(begun, time.time()) + patience):
            superseded += ledger.recover_import(project, batch, tasks)
        else:
            ledger.abandon_request(batch)
    return superseded


def late(client: Client, ledger: Ledger, project: KnownProject) -> None:
    """Add tasks of requests that were given up but carried out."""
    batches = [batch for batch, _ in ledger.abandoned_requests(project, "tasks")]
    known = set(ledger.task_ids(project)) if batches else set()
    for begin in range(0, len(batches), 50):
        tasks = arrived(client, project, batches[begin : begin + 50])
        ledger.add_from_server(project, [task for task in tasks if task["id"] not in known])


def remove_doubles(client: Client, ledger: Ledger, project: KnownProject) -> Doubles:
    """One task for each article revision and purpose: untouched duplicates are deleted, others stay."""
    groups = ledger.duplicate_tasks(project)
    tasks = {
        task["id"]: task
        for chunk in exported(client, project.id, (number for group in groups for number in group))
        for task in chunk
    }
    removed, kept = 0, []
    for group in groups:
        alive = [number for number in group if number in tasks]
        worked_on = [number for number in alive if touched(tasks[number])]
        spare = [number for number in alive if number not in worked_on]
        if not worked_on:
            spare = spare[1:]
        batches = [str(tasks[number]["data"].get(BATCH)) for number in spare]
        _delete_untouched(client, project, spare, batches)
        left = {task["id"] for chunk in exported(client, project.id, spare) for task in chunk}
        removed += len(spare) - len(left)
        ledger.forget_tasks(project, [number for number in group if number not in alive or number in set(spare) - left])
        if len(worked_on) + len(left) > 1:
            kept += sorted({*worked_on, *left})
    return Doubles(removed, tuple(kept))


def _delete_untouched(client: Client, project: KnownProject, ids: list[int], batches: list[str]) -> None:
    """Delete these tasks, unless someone has just begun to work on them: the server checks again.

    Their batches are named too: should the request be carried out late, their ids may be those of other tasks.
    """
    if not ids:
        return  # an empty selection would mean every task
    untouched = [
        condition("total_annotations", "equal", 0, "Number"),
        condition("cancelled_annotations", "equal", 0, "Number"),
        condition("draft_exists", "equal", False, "Boolean"),
        condition(f"data.{BATCH}", "in_list", batches, "List"),
    ]
    body = {
        "filters": {"conjunction": "and", "items": untouched},
        "selectedItems": {"all": False, "included": ids},
    }
    client.post("/api/dm/actions", body, params={"id": "delete_tasks", "project": project.id})
