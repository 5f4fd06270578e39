"""A project is made once, whatever happens to the request that makes it.

Label Studio has no key that would refuse a second one. Every project is made under a mark of its own (`[made:…]` in its
description), which stands in the ledger first; while that mark is open there, the server is asked for it.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Collection
from typing import Any

from curation.errors import Ambiguous, LabelStudioError
from curation.labelstudio.client import Client
from curation.labelstudio.ledger import KnownProject, Ledger
from curation.labelstudio.names import PREDICTION
from curation.labelstudio.projects import FIELDS, all_projects, contents
from curation.labelstudio.tasks import newest
from curation.labelstudio.versions import read_mark
from curation.schema import LabelSchema

TITLE = range(3, 51)
"""Lengths that Label Studio allows for a project's title."""

_MADE = re.compile(r"\[made:([0-9a-f]{16})\]")
"""In a description: which of our makings the project comes from."""


def make_project(client: Client, ledger: Ledger, schema: LabelSchema, title: str, *, patience: float) -> KnownProject:
    """A new project for `schema`, with its config and instructions.

    It is made with a mark of its own that stands in the ledger first. Where an earlier making was cut off, the server
    is asked for its mark for `patience` seconds before a second project is begun.
    """
    if len(title) not in TITLE:
        raise LabelStudioError(
            f"title {title!r}: Label Studio takes titles of {TITLE[0]} to {TITLE[-1]} characters; give another one"
        )
    if (begun := ledger.makings(client.url, schema.name, title)) and (
        there := _made(client, title, begun, min(max(begun.values()), time.time()) + patience)
    ):
        return _taken_over(client, ledger, schema, there)
    making = uuid.uuid4().hex[:16]
    made_from = contents(schema)
    body = {
        "title": title,
        **made_from,
        "description": f"{made_from['description']} [made:{making}]",
        "show_instruction": True,
        "show_collab_predictions": True,
        "model_version": PREDICTION,
    }
    ledger.begin_making(making, client.url, schema.name, title)
    try:
        there = client.post("/api/projects", body)
    except Ambiguous:
        found = _made(client, title, [making], time.time() + patience)
        if found is None:
            raise
        return _taken_over(client, ledger, schema, found)
    except LabelStudioError:
        ledger.end_making(making)  # it was refused, or never reached the server
        raise
    first = _first_of_all(client, schema, there)
    if first["id"] != there["id"]:
        # Another machine made one since we looked. Both keep the one with the lower number.
        client.delete(f"/api/projects/{there['id']}/")
        there = client.get(f"/api/projects/{first['id']}", FIELDS)
    project = ledger.know(client.url, there["id"], title, schema.name, there["created_at"], there["label_config"])
    ledger.end_making(making)
    return project


def _first_of_all(client: Client, schema: LabelSchema, there: dict[str, Any]) -> dict[str, Any]:
    """The project with the lowest number among those for `schema` with the title of the one that we just made."""
    others = _same_title(client, schema, there["title"])
    return min((there, *others), key=lambda one: int(one["id"]))


def _same_title(client: Client, schema: LabelSchema, title: str) -> list[dict[str, Any]]:
    return [
        there
        for there in all_projects(client, title)
        if there["title"] == title and (mark := read_mark(there)) and mark.schema == schema.name
    ]


def same_title(client: Client, ledger: Ledger, schema: LabelSchema, project: KnownProject) -> tuple[str, ...]:
    """A remark on each other project for this schema with our project's title: two machines made one at once."""
    makings = ledger.makings(client.url, project.schema, project.title)
    return tuple(
        f"project {there['id']} has the title and schema of project {project.id} ({project.title}) as well; two first "
        "pushes at once may have made both: see that no work in it is missed, and delete it or give it another title"
        for there in _same_title(client, schema, project.title)
        if there["id"] != project.id and _making(there) not in makings
    )


def _made(client: Client, title: str, makings: Collection[str], until: float) -> dict[str, Any] | None:
    """The first project with one of those marks, asked for until `until` (as time.time() counts)."""
    pause = 0.1
    while not (found := [there for there in all_projects(client, title) if _making(there) in makings]):
        left = until - time.time()
        if left <= 0:
            return None
        time.sleep(min(pause, left))
        pause = min(2 * pause, 5.0)
    return min(found, key=lambda there: int(there["id"]))


def _taken_over(client: Client, ledger: Ledger, schema: LabelSchema, there: dict[str, Any]) -> KnownProject:
    config = client.get(f"/api/projects/{there['id']}", FIELDS)["label_config"]
    return ledger.know(client.url, there["id"], there["title"], schema.name, there["created_at"], config)


def _making(project: dict[str, Any]) -> str | None:
    found = _MADE.search(project.get("description") or "")
    return found[1] if found else None


def remove_spares(client: Client, ledger: Ledger, project: KnownProject) -> tuple[str, ...]:
    """Projects that were made beside ours after all go where they are empty. Returns what was done, in words."""
    makings = ledger.makings(client.url, project.schema, project.title)
    told = []
    for there in all_projects(client, project.title) if makings else ():
        making = _making(there)
        if making not in makings:
            continue
        if there["id"] != project.id:
            named = f"project {there['id']} ({project.title}), made a second time after a push was interrupted,"
            if newest(client, there["id"])[0]:
                told.append(f"{named} has tasks that someone put there; see that they are not missed, and delete it")
                continue
            client.delete(f"/api/projects/{there['id']}/")
            told.append(f"{named} was empty and is removed")
        ledger.end_making(str(making))
    return tuple(told)
