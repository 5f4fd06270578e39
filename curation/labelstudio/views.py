"""Tabs of the Data Manager that hold the tasks of one purpose, so that they can be opened one by one."""

from __future__ import annotations

from typing import Any

from curation.labelstudio.client import Client
from curation.labelstudio.names import PURPOSE
from curation.labelstudio.tasks import condition, link


def tab(client: Client, project: int, title: str, purpose: str) -> str:
    """The address of the project's tab with that title, which shows the tasks of one purpose; made where it is not.

    Label Studio gives a project the tab of all tasks when somebody opens its list first, and only where it has no tab
    yet: so that one is made, too, where ours would keep it from coming.
    """
    views = client.get("/api/dm/views", {"project": project})
    for view in views:
        if view["data"].get("title") == title:
            return f"{link(client, project)}/data?tab={view['id']}"
    if not views:
        _make(client, project, "Default")
    only = {"conjunction": "and", "items": [condition(f"data.{PURPOSE}", "contains", purpose)]}
    made = _make(client, project, title, filters=only, ordering=["tasks:id"])
    return f"{link(client, project)}/data?tab={made['id']}"


def _make(client: Client, project: int, title: str, **shown: Any) -> dict[str, Any]:
    data = {"title": title, "type": "list", "target": "tasks", **shown}
    made: dict[str, Any] = client.post("/api/dm/views", {"project": project, "data": data})
    return made
