"""Our project on the server: found, and kept in step with the label schema.

A project is ours if the ledger knows its number and the moment it was made, or, where the ledger is new, if it has
our title and our mark in its description (`[curation:conflict-news@1.0.0]`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from curation.errors import LabelStudioError, ProjectDiffers, one_line
from curation.labelstudio.client import Client
from curation.labelstudio.config import (
    Difference,
    called,
    config_differences,
    instructions,
    labelling_config,
    retired,
)
from curation.labelstudio.ledger import KnownProject, Ledger
from curation.labelstudio.names import ATTRIBUTE, PREDICTION
from curation.labelstudio.tasks import newest
from curation.labelstudio.uses import uses
from curation.labelstudio.versions import Mark, read_mark
from curation.schema import LabelSchema, parse_version

FIELDS = {"include": "id,title,description,created_at,label_config,model_version"}
"""What we ask of a project: asked for everything, Label Studio counts all its tasks and annotations."""


class Ours(NamedTuple):
    """A project of ours that is there. `mark`: which versions of the schema its annotations were made with.

    None where someone removed the mark.
    """

    project: KnownProject
    mark: Mark | None


def find_project(client: Client, ledger: Ledger, schema: LabelSchema, title: str | None = None) -> Ours | None:
    """Our project for the schema of that name (with that title, if one is given), or None where there is none.

    Raises:
        LabelStudioError: it was deleted, or there are several and it is not clear which one is meant.
    """
    known = ledger.projects(client.url, schema.name, title)
    if not known:
        return _search(client, ledger, schema, title)
    if len(known) > 1:
        raise _several(client, schema, {one.id: one.title for one in known})
    there = client.find(f"/api/projects/{known[0].id}", FIELDS)
    if there is None or there["created_at"] != known[0].created_at:
        raise LabelStudioError(
            f"project {known[0].id} ({known[0].title}) is gone from {client.url}: someone deleted it, or it is another "
            "Label Studio; what was pulled is kept; push with --new-project to begin again, or give another title"
        )
    return Ours(known[0], read_mark(there))


def keep_in_step(client: Client, ledger: Ledger, schema: LabelSchema, project: KnownProject) -> KnownProject:
    """See that the project's config is the one `schema` makes. New labels are added; looks follow if they are ours.

    What a newer version of the schema took away goes too where a migration says what became of it, or nothing uses it.

    Raises:
        ProjectDiffers: the project has something that the schema does not have, or has it with another meaning; where
            it is still in use, the message counts.
    """
    there, wanted = client.get(f"/api/projects/{project.id}", FIELDS), labelling_config(schema)
    if there["model_version"] != PREDICTION:
        client.patch(f"/api/projects/{project.id}/", {"model_version": PREDICTION})
    mark = read_mark(there)
    other_version = mark is not None and mark.ref != schema.ref
    if there["label_config"] == wanted and not other_version:
        return project
    differences = config_differences(there["label_config"], wanted)
    if lost := [one for one in differences if one.kind != "added" and not _migrated(one, schema)]:
        _refuse_if_used(client, schema, project, mark, differences, lost)
    if differences or there["label_config"] == project.config or mark is None or other_version:
        there = client.patch(f"/api/projects/{project.id}/", contents(schema, mark))
        return ledger.know(
            client.url, project.id, project.title, schema.name, project.created_at, there["label_config"]
        )
    return project  # someone gave the page other looks: theirs to keep


def _migrated(difference: Difference, schema: LabelSchema) -> bool:
    """Is it about the control of an attribute of which a migration says what became of it?"""
    return difference.name[1] in {ATTRIBUTE + name for name in retired(schema).attributes}


def _refuse_if_used(
    client: Client,
    schema: LabelSchema,
    project: KnownProject,
    mark: Mark | None,
    differences: list[Difference],
    lost: list[Difference],
) -> None:
    """A newer version of the schema may take away what nothing uses; all else is refused."""
    place = f"project {project.id} ({project.title}) at {client.url}"
    if mark is None or parse_version(mark.version) >= parse_version(schema.version):
        older = f"; it was made with {mark.ref}, which is newer" if mark and mark.version != schema.version else ""
        raise ProjectDiffers(
            f"{place} has another config than {schema.ref} makes ({_told(map(str, differences))}{older}); change it "
            "back in the project's settings, take the change over into the schema, or give another title to begin a "
            "new project"
        )
    if changed := [str(one) for one in lost if one.kind == "changed"]:
        raise ProjectDiffers(
            f"{place} cannot become what {schema.ref} makes ({_told(changed)}); give another title to begin a new "
            "project"
        )
    used = uses(client, project.id, {one.name for one in lost})
    if used:
        most = sorted(used.items(), key=lambda one: (-one[1].tasks, one[0]))
        counts = [f"{called(name)} {use.times} times in {use.tasks} tasks" for name, use in most]
        raise ProjectDiffers(
            f"{place} still uses what {schema.ref} does not have ({_told(counts, 7)}); say under `migrations` in the "
            "schema file what becomes of it, or take it back into the schema"
        )


def _told(what: Iterable[str], most: int = 5) -> str:
    """The first few, and how many more."""
    told = [one_line(one, 80) for one in what]
    return "; ".join(told[:most]) + (f"; and {len(told) - most} more" if len(told) > most else "")


def contents(schema: LabelSchema, mark: Mark | None = None) -> dict[str, str]:
    """What of a project is made from the schema: description with our mark, config and instructions."""
    new = Mark(schema.name, schema.version)
    if mark is not None:
        new = mark if mark.version == schema.version else mark.followed_by(schema.version, datetime.now(UTC))
    return {
        "description": f"{schema.title}: pre-annotated articles to correct. Keep this mark: {new}",
        "label_config": labelling_config(schema),
        "expert_instruction": instructions(schema),
    }


def _search(client: Client, ledger: Ledger, schema: LabelSchema, title: str | None) -> Ours | None:
    """Our project on the server, where the ledger does not know it."""
    found = {
        there["id"]: there
        for there in all_projects(client, title)
        if (mark := read_mark(there)) and mark.schema == schema.name and title in (None, there["title"])
    }
    if len(found) > 1:
        # A project whose making was cut off, and made again, stands there twice; the empty one is of no use.
        found = {number: there for number, there in found.items() if newest(client, number)[0]} or {
            min(found): found[min(found)]
        }
    if len(found) > 1:
        raise _several(client, schema, {number: there["title"] for number, there in found.items()})
    for number, there in found.items():
        known = ledger.know(client.url, number, there["title"], schema.name, there["created_at"], "")
        return Ours(known, read_mark(there))
    return None


def all_projects(client: Client, title: str | None) -> Iterator[dict[str, Any]]:
    """Every project there, or those whose title has that in it: `id`, `title`, `description`, `created_at`."""
    params: dict[str, Any] = {"page_size": 100, "include": "id,title,description,created_at"}
    if title is not None:
        params["title"] = title
    page: int | None = 1
    while page is not None:
        found = client.get("/api/projects", {**params, "page": page})
        yield from found["results"]
        page = page + 1 if found["next"] else None


def _several(client: Client, schema: LabelSchema, titles: dict[int, str]) -> LabelStudioError:
    named = ", ".join(f"{number} ({one_line(title, 50)})" for number, title in sorted(titles.items())[:5])
    return LabelStudioError(
        f"{client.url} has several projects for {schema.name}: {named}; give the title of the one you mean"
    )
