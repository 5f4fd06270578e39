"""Queries for the tasks of a project, in the few ways that are fast and complete."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import httpx

from curation.errors import NotLabelStudio
from curation.labelstudio import answers
from curation.labelstudio.client import Client
from curation.labelstudio.constants import PURPOSE

PAGE = 1000
"""Tasks per page of a listing."""
FEW = 250
"""Tasks of a single query that expects few."""
CHUNK = 200
"""Tasks per export request: half as many take longer, and more need memory."""
STUCK = 100
"""Pages of a listing that may leave as many tasks to be listed as before, since others import tasks meanwhile."""
ADDRESS = 3900
"""Most bytes of its address: gunicorn accepts 4,094, path prefix included."""


def condition(column: str, operator: str, value: Any, kind: str = "String") -> dict[str, Any]:
    """A condition for `listed`, in the words of Label Studio's Data Manager."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def listed(
    client: Client, project: int, *conditions: dict[str, Any], include: str | None = "id", page: int = PAGE
) -> Iterator[dict[str, Any]]:
    """Tasks that meet all conditions, by rising id, with the fields named in `include` (None: all of them).

    Each page asks for ids above the last one seen, so tasks that come or go meanwhile shift nothing.
    """
    last, least, stuck = 0, None, 0
    while True:
        items = [*conditions, condition("id", "greater", last, "Number")]
        total, tasks = _page(client, project, _query("and", items), include, page)
        for task in tasks:
            if task["id"] <= last:
                raise _strange(client, project, "the same tasks come again")
            last = task["id"]
            yield task
        if not tasks or len(tasks) >= total:
            return
        stuck += (least is not None and total >= least) or len(tasks) < page
        if stuck > STUCK:
            raise _strange(client, project, "the list has no end")
        least = total


def few(client: Client, project: int, *conditions: dict[str, Any], include: str = "id") -> list[dict[str, Any]] | None:
    """Tasks that meet any of the conditions, by rising id; None where there are more than `FEW`."""
    total, tasks = _page(client, project, _query("or", conditions), include, FEW)
    return tasks if len(tasks) >= total else None


def newest(client: Client, project: int, by: str = "id", include: str = "id,data") -> tuple[int, dict[str, Any] | None]:
    """The number of tasks, and the fields in `include` of the last one by id or by another column."""
    total, tasks = _page(client, project, {"ordering": [f"-tasks:{by}"]}, include, 1)
    return total, tasks[0] if tasks else None


def _query(conjunction: str, conditions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"filters": {"conjunction": conjunction, "items": list(conditions)}, "ordering": ["tasks:id"]}


def _page(
    client: Client, project: int, query: dict[str, Any], include: str | None, size: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many tasks a query finds, and the first of them."""
    asked = {"project": project, "query": json.dumps(query), "page_size": size, "resolve_uri": "false"}
    asked |= {"fields": "all"} if include is None else {"include": include}
    found = client.get("/api/tasks", asked, form=answers.FULL_PAGE if include is None else answers.PAGE)
    if len(found["tasks"]) > size:
        raise _strange(client, project, f"a page of {size} tasks has {len(found['tasks'])}")
    return found["total"], found["tasks"]


def exported(client: Client, project: int, ids: Iterable[int]) -> Iterator[list[dict[str, Any]]]:
    """The tasks with those ids as Label Studio exports them, a chunk at a time; ids that are gone are left out."""
    for chunk, address in addresses(project, ids):
        tasks = client.json(client.fetch(address), answers.WORK)
        found = {task["id"] for task in tasks}
        if len(found) < len(tasks) or not found <= set(chunk):
            raise _strange(client, project, "an export has tasks twice, or tasks that were not asked for")
        yield tasks


def addresses(project: int, ids: Iterable[int]) -> Iterator[tuple[list[int], str]]:
    """Chunks of the ids, each with the address that exports those tasks."""
    address = f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true"
    chunk: list[int] = []
    room = ADDRESS - len(address)
    for task in ids:
        length = len(_name(task))
        if len(chunk) == CHUNK or length > room:
            yield chunk, address + "".join(map(_name, chunk))
            chunk, room = [], ADDRESS - len(address)
        chunk.append(task)
        room -= length
    if chunk:
        yield chunk, address + "".join(map(_name, chunk))


def _name(task: int) -> str:
    return f"&ids[]={task}"


def read_export(client: Client, answer: httpx.Response) -> list[dict[str, Any]]:
    """The tasks in an answer from one of the `addresses`. Of their fields only the id is validated."""
    found: list[dict[str, Any]] = client.json(answer, answers.EXPORT)
    return found


def _strange(client: Client, project: int, what: str) -> NotLabelStudio:
    return NotLabelStudio(
        f"{client.url} answers with something other than tasks of project {project} ({what}); a proxy may answer "
        "instead, or it is a Label Studio that we do not know"
    )


def touched(task: dict[str, Any]) -> bool:
    """Whether anyone has worked on this exported task: submitted, skipped or begun."""
    return bool(task.get("annotations") or task.get("drafts"))


def moment(stamp: Any) -> datetime | None:
    """The time in a task's stamp; None if it is not a time."""
    try:
        when = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return None
    return when if when.tzinfo else None


def link(client: Client, project: int, task: int | None = None) -> str:
    """The address of the project, or of one of its tasks, for a browser."""
    page = f"{client.url}/projects/{project}"
    return f"{page}/data?task={task}" if task is not None else page


def tab(client: Client, project: int, title: str, purpose: str) -> str:
    """The address of the project's tab with that title, which shows the tasks of one purpose; created if missing.

    Label Studio gives a project the tab of all tasks when somebody opens its list first, and only where it has no tab
    yet: so that one is made, too, where ours would keep it from coming.
    """
    views = client.get("/api/dm/views", {"project": project}, form=answers.TABS)
    for view in views:
        if view["data"].get("title") == title:
            return f"{link(client, project)}/data?tab={view['id']}"
    if not views:
        _make_tab(client, project, "Default")
    only = {"conjunction": "and", "items": [condition(f"data.{PURPOSE}", "contains", purpose)]}
    made = _make_tab(client, project, title, filters=only, ordering=["tasks:id"])
    return f"{link(client, project)}/data?tab={made['id']}"


def _make_tab(client: Client, project: int, title: str, **shown: Any) -> dict[str, Any]:
    data = {"title": title, "type": "list", "target": "tasks", **shown}
    made: dict[str, Any] = client.post("/api/dm/views", {"project": project, "data": data}, form=answers.NUMBERED)
    return made
