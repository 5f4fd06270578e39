"""Fetching whole tasks. The server is a double: no real one can be held at the moment that this is about."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from curation.labelstudio.export_api import fetch

BEFORE, LATER = "2031-03-01T00:00:00.500000Z", "2031-03-01T00:00:01Z"


class Server:
    """Task 2 was annotated while its row was read: the listing has its new stamp, and no count yet."""

    def get(self, path: str, params: dict[str, Any], form: Any) -> Any:
        shown = {"data": {}, "total_annotations": 0, "cancelled_annotations": 0, "comment_count": 0}
        return {"total": 2, "tasks": [{"id": n, "updated_at": BEFORE if n == 1 else LATER, **shown} for n in (1, 2)]}

    def fetch(self, path: str) -> Any:
        assert path.endswith("&ids[]=2"), "the other is taken from the listing"
        return SimpleNamespace(content=json.dumps([{"id": 2, "updated_at": LATER, "annotations": [{"id": 7}]}]))

    def json(self, answer: Any, form: Any) -> Any:
        return json.loads(answer.content)


def test_what_changed_since_the_pull_began_is_exported() -> None:
    client: Any = Server()
    found = list(fetch(client, 1, [1, 2], until=datetime.fromisoformat(BEFORE)))
    assert [(task["id"], len(task["annotations"])) for task in found] == [(1, 0), (2, 1)]
