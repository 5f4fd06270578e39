"""Tabs of the Data Manager that hold the tasks of one purpose, so that they can be opened one by one."""

from __future__ import annotations

from curation.labelstudio.client import Client
from curation.labelstudio.names import PURPOSE
from curation.labelstudio.tasks import condition, link


def tab(client: Client, project: int, title: str, purpose: str) -> str:
    """The address of the project's tab with that title, which shows the tasks of one purpose; made where it is not."""
    for view in client.get("/api/dm/views", {"project": project}):
        if view["data"].get("title") == title:
            return f"{link(client, project)}/data?tab={view['id']}"
    data = {
        "title": title,
        "type": "list",
        "target": "tasks",
        "filters": {"conjunction": "and", "items": [condition(f"data.{PURPOSE}", "contains", purpose)]},
        "ordering": ["tasks:id"],
    }
    made = client.post("/api/dm/views", {"project": project, "data": data})
    return f"{link(client, project)}/data?tab={made['id']}"
