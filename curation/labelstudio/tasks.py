"""What we ask Label Studio about a project's tasks, in the few ways that are fast and complete."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import httpx

from curation.errors import Unreachable
from curation.labelstudio.client import Client

PAGE = 1000
"""Tasks a page of a listing."""
CHUNK = 200
"""Tasks an export request: half as many take longer, and more take memory."""
ADDRESS = 3900
"""Bytes of its address: gunicorn takes 4,094, the path prefix among them."""


def condition(column: str, operator: str, value: Any, kind: str = "String") -> dict[str, Any]:
    """A condition for `listed`, in the words of Label Studio's Data Manager."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def listed(
    client: Client, project: int, *conditions: dict[str, Any], include: str | None = "id", page: int = PAGE
) -> Iterator[dict[str, Any]]:
    """Tasks that meet all conditions, by rising id, with the fields named in `include` (None: all of them).

    Each page asks for ids above the last one seen, so tasks that come or go meanwhile shift nothing.
    """
    fields = {"fields": "all"} if include is None else {"include": include}
    last = 0
    while True:
        items = [*conditions, condition("id", "greater", last, "Number")]
        query = {"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]}
        found = client.get(
            "/api/tasks",
            {"project": project, "query": json.dumps(query), "page_size": page, "resolve_uri": "false", **fields},
        )
        if not isinstance(found, dict) or not isinstance(found.get("total"), int) or not _tasks(found.get("tasks")):
            raise _strange(client, project)
        yield from found["tasks"]
        if not found["tasks"] or len(found["tasks"]) >= found["total"]:
            return
        last = found["tasks"][-1]["id"]


def newest(client: Client, project: int) -> tuple[int, dict[str, Any] | None]:
    """How many tasks the project has, and the `id` and `data` of the one with the highest id."""
    query = json.dumps({"ordering": ["-tasks:id"]})
    found = client.get("/api/tasks", {"project": project, "query": query, "include": "id,data", "page_size": 1})
    if not isinstance(found, dict) or not isinstance(found.get("total"), int) or not _tasks(found.get("tasks")):
        raise _strange(client, project)
    return int(found["total"]), found["tasks"][0] if found["tasks"] else None


def exported(client: Client, project: int, ids: Iterable[int], *, ahead: int = 0) -> Iterator[list[dict[str, Any]]]:
    """The tasks with those ids as Label Studio exports them, a chunk at a time; ids that are gone are left out.

    `ahead` chunks are asked for from now on, and while one is worked on: with two, the server need not wait for us. It
    is asked for one at a time, for it does not serve two any faster.
    """
    chunks = _chunks(f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true", ids)
    if not ahead:
        return (_exported(client, project, client.fetch(chunk)) for chunk in chunks)
    workers = ThreadPoolExecutor(1)
    coming = deque(workers.submit(client.fetch, chunk) for chunk in islice(chunks, ahead))

    def arriving() -> Iterator[list[dict[str, Any]]]:
        with workers:
            while coming:
                answer = coming.popleft().result()
                coming.extend(workers.submit(client.fetch, chunk) for chunk in islice(chunks, 1))
                yield _exported(client, project, answer)

    return arriving()


def _chunks(address: str, ids: Iterable[int]) -> Iterator[str]:
    """The addresses at which those tasks are exported."""
    names: list[str] = []
    room = ADDRESS - len(address)
    for task in ids:
        name = f"&ids[]={task}"
        if len(names) == CHUNK or len(name) > room:
            yield address + "".join(names)
            names, room = [], ADDRESS - len(address)
        names.append(name)
        room -= len(name)
    if names:
        yield address + "".join(names)


def _exported(client: Client, project: int, answer: httpx.Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.json(answer)
    if not _tasks(found):
        raise _strange(client, project)
    return found


def _tasks(found: Any) -> bool:
    """Is it a list of tasks, each with its number?"""
    return isinstance(found, list) and all(isinstance(one, dict) and type(one.get("id")) is int for one in found)


def _strange(client: Client, project: int) -> Unreachable:
    return Unreachable(
        f"{client.url} answers with something other than tasks of project {project}; a proxy may stand in between, "
        "or it is a Label Studio that we do not know"
    )


def touched(task: dict[str, Any]) -> bool:
    """Has anyone worked on this exported task: submitted, skipped or begun?"""
    return bool(task.get("annotations") or task.get("drafts"))


def link(client: Client, project: int, task: int | None = None) -> str:
    """The address of the project, or of one of its tasks, for a browser."""
    page = f"{client.url}/projects/{project}"
    return f"{page}/data?task={task}" if task is not None else page
