"""Our project on the server: found, made, and kept in step with the label schema.

A project is ours if the ledger knows its number and the moment it was made, or, where the ledger is new, if it has
our title and our mark in its description (`[curation:conflict-news@1.0.0]`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from curation.errors import Ambiguous, LabelStudioError, ProjectDiffers, one_line
from curation.labelstudio.client import Client
from curation.labelstudio.config import config_differences, instructions, labelling_config
from curation.labelstudio.ledger import KnownProject, Ledger
from curation.labelstudio.names import PREDICTION
from curation.labelstudio.tasks import extent
from curation.schema import LabelSchema

TITLE = range(3, 51)
"""Lengths that Label Studio allows for a project's title."""


def find_project(client: Client, ledger: Ledger, schema: LabelSchema, title: str | None = None) -> KnownProject | None:
    """Our project for the schema of that name (with that title, if one is given), or None where there is none.

    Raises:
        LabelStudioError: it was deleted, or there are several and it is not clear which one is meant.
    """
    known = ledger.projects(client.url, schema.name, title)
    if not known:
        return _search(client, ledger, schema, title)
    if len(known) > 1:
        raise _several(client, schema, {one.id: one.title for one in known})
    there = client.find(f"/api/projects/{known[0].id}")
    if there is None or there["created_at"] != known[0].created_at:
        raise LabelStudioError(
            f"project {known[0].id} ({known[0].title}) is gone from {client.url}: someone deleted it, or it is another "
            "Label Studio; what was pulled is kept; give a new title, or push with new_project to begin again"
        )
    return known[0]


def make_project(client: Client, ledger: Ledger, schema: LabelSchema, title: str, *, patience: float) -> KnownProject:
    """A new project for `schema`, with its config and instructions."""
    if len(title) not in TITLE:
        raise LabelStudioError(
            f"title {title!r}: Label Studio takes titles of {TITLE[0]} to {TITLE[-1]} characters; give another one"
        )
    body = {
        "title": title,
        **_contents(schema),
        "show_instruction": True,
        "show_collab_predictions": True,
        "model_version": PREDICTION,
    }
    try:
        there = client.post("/api/projects", body)
    except Ambiguous:
        deadline = time.monotonic() + patience
        while (found := _search(client, ledger, schema, title)) is None:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        return found
    return ledger.know(client.url, there["id"], title, schema.name, there["created_at"], there["label_config"])


def keep_in_step(client: Client, ledger: Ledger, schema: LabelSchema, project: KnownProject) -> KnownProject:
    """See that the project's config is the one `schema` makes. New labels are added; looks follow if they are ours.

    Raises:
        ProjectDiffers: the project has something that the schema does not have, or has it with another meaning.
    """
    there, wanted = client.get(f"/api/projects/{project.id}"), labelling_config(schema)
    if there["model_version"] != PREDICTION:
        client.patch(f"/api/projects/{project.id}/", {"model_version": PREDICTION})
    if there["label_config"] == wanted:
        return project
    differences = config_differences(there["label_config"], wanted)
    if any(one.kind != "added" for one in differences):
        told = "; ".join(one_line(str(one), 80) for one in differences[:5])
        more = f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
        raise ProjectDiffers(
            f"project {project.id} ({project.title}) at {client.url} has another config than {schema.ref} makes "
            f"({told}{more}); change it back in the project's settings, take the change over into the schema, "
            "or give another title to begin a new project"
        )
    if differences or there["label_config"] == project.config or _mark(there) != schema.ref:
        there = client.patch(f"/api/projects/{project.id}/", _contents(schema))
        return ledger.know(
            client.url, project.id, project.title, schema.name, project.created_at, there["label_config"]
        )
    return project  # someone gave the page other looks: theirs to keep


def _contents(schema: LabelSchema) -> dict[str, str]:
    about = f"{schema.title}: pre-annotated articles to correct. Keep this mark: [curation:{schema.ref}]"
    return {
        "description": about,
        "label_config": labelling_config(schema),
        "expert_instruction": instructions(schema),
    }


def _search(client: Client, ledger: Ledger, schema: LabelSchema, title: str | None) -> KnownProject | None:
    """Our project on the server, where the ledger does not know it."""
    found = {
        there["id"]: there
        for there in _all(client, title)
        if (_mark(there) or "").partition("@")[0] == schema.name and title in (None, there["title"])
    }
    if len(found) > 1:
        # A project whose making was cut off, and made again, stands there twice; the empty one is of no use.
        found = {number: there for number, there in found.items() if extent(client, number)[0]} or {
            min(found): found[min(found)]
        }
    if len(found) > 1:
        raise _several(client, schema, {number: there["title"] for number, there in found.items()})
    for number, there in found.items():
        return ledger.know(client.url, number, there["title"], schema.name, there["created_at"], "")
    return None


def _all(client: Client, title: str | None) -> Iterator[dict[str, Any]]:
    params: dict[str, Any] = {"page_size": 100, "include": "id,title,description,created_at"}
    if title is not None:
        params["title"] = title
    page: int | None = 1
    while page is not None:
        found = client.get("/api/projects", {**params, "page": page})
        yield from found["results"]
        page = page + 1 if found["next"] else None


def _mark(there: dict[str, Any]) -> str | None:
    """The schema a project was made for, `name@version`."""
    mark = re.search(r"\[curation:([a-z0-9-]+@[0-9.]+)\]", there.get("description") or "")
    return mark.group(1) if mark else None


def _several(client: Client, schema: LabelSchema, titles: dict[int, str]) -> LabelStudioError:
    named = ", ".join(f"{number} ({one_line(title, 50)})" for number, title in sorted(titles.items())[:5])
    return LabelStudioError(
        f"{client.url} has several projects for {schema.name}: {named}; give the title of the one you mean"
    )
