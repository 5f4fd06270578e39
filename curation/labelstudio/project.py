"""Our project on the server: found, created once, and kept in step with the label schema.

A project is ours if the ledger knows its number and creation time, or, where the ledger is new, if it has our title and
our mark in its description: the version of the schema that its config is made from, and the versions before it.

    [curation:conflict-news@2.0.0; 1.0.0 until 2026-11-22T16:40:05Z]

Label Studio does not record the config under which an annotation was made: the time of its last change tells.

Nor does it have a key that refuses a second project. Each project is created with a mark of its own (`[made:…]` in its
description) that the ledger holds first; while such a mark is open there, the server is asked for it.
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from curation.errors import LabelStudioError, NotLabelStudio, OutcomeUnknown, ProjectDiffers, one_line
from curation.labelstudio import answers
from curation.labelstudio.client import Client
from curation.labelstudio.config import Difference, called, config_differences, instructions, labelling_config, retired
from curation.labelstudio.constants import ATTRIBUTE, PREDICTION
from curation.labelstudio.ledger import KnownProject, Ledger
from curation.labelstudio.queries import listed, newest
from curation.schema import LabelSchema, parse_version

_MARK = re.compile(r"\[curation:([a-z0-9-]+)@(\d+\.\d+\.\d+)((?:; \d+\.\d+\.\d+ until [0-9TZ:-]+)*)\]")
_FORM = "%Y-%m-%dT%H:%M:%SZ"


class Mark(NamedTuple):
    """The schema's name and version, and the versions before, the oldest first, each with the time it ended."""

    schema: str
    version: str
    before: tuple[tuple[str, datetime], ...] = ()

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.schema}@{self.version}"

    def __str__(self) -> str:
        before = "".join(f"; {version} until {end.astimezone(UTC):{_FORM}}" for version, end in self.before)
        return f"[curation:{self.ref}{before}]"

    def followed_by(self, version: str, moment: datetime) -> Mark:
        """The mark once `version` is in force from `moment` on."""
        return Mark(self.schema, version, (*self.before, (self.version, moment)))

    def in_force(self, moment: datetime | None) -> str:
        """The version under which something that was last changed at `moment` was made."""
        for version, end in self.before if moment else ():
            if moment is not None and moment < end:
                return version
        return self.version


def read_mark(project: dict[str, Any]) -> Mark | None:
    """The mark in a project's description, or None."""
    found = _MARK.search(project.get("description") or "")
    if found is None:
        return None
    before = []
    for part in found[3].split("; ")[1:]:
        version, _, end = part.partition(" until ")
        try:
            before.append((version, datetime.strptime(end, _FORM).replace(tzinfo=UTC)))
        except ValueError:
            continue  # edited by hand: the labels themselves have to do
    return Mark(found[1], found[2], tuple(before))


FULL_PAGE = 100
"""Tasks per page: with all their fields they are some megabytes."""


class Use(NamedTuple):
    """How often a label is used in annotations, drafts and predictions, and in how many tasks."""

    times: int
    tasks: int


def uses(client: Client, project: int, names: set[tuple[str, ...]]) -> dict[tuple[str, ...], Use]:
    """The use of each of these names of a config (as `config_differences` has them); unused ones are left out.

    Every task is read with all it holds: ten thousand take a minute.
    """
    times, tasks = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for task in listed(client, project, include=None, page=FULL_PAGE):
        found = Counter(name for one in _results(task) for name in _named(one) if name in names)
        times.update(found)
        tasks.update(found.keys())
    return {name: Use(times[name], tasks[name]) for name in times}


def _results(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("annotations", "drafts", "predictions"):
        for one in task.get(kind) or ():
            for region in _list(one.get("result")):
                if isinstance(region, dict):
                    yield region


def _named(region: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    if region.get("type") == "relation":
        for role in _list(region.get("labels")):
            yield ("relation", str(role))
        return
    control = str(region.get("from_name"))
    yield ("control", control)
    value = region.get("value")
    value = value if isinstance(value, dict) else {}
    for kind, key in (("label", "labels"), ("choice", "choices")):
        for one in _list(value.get(key)):
            yield (kind, control, str(one))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


FIELDS = {"include": "id,title,description,created_at,label_config,model_version"}
"""Fields asked of a project: for all fields, Label Studio counts all tasks and annotations."""


class Ours(NamedTuple):
    """A project of ours that exists. `mark`: the versions of the schema its annotations were made with.

    None where someone removed the mark.
    """

    project: KnownProject
    mark: Mark | None


def find_project(client: Client, ledger: Ledger, schema: LabelSchema, title: str | None = None) -> Ours | None:
    """Our project for the schema of that name (with that title, if given), or None.

    Raises:
        LabelStudioError: it was deleted, or there are several and it is not clear which one is meant.
    """
    known = ledger.projects(client.url, schema.name, title)
    if not known:
        return _search(client, ledger, schema, title)
    if len(known) > 1:
        raise _several(client, schema, {one.id: one.title for one in known})
    there = client.find(f"/api/projects/{known[0].id}", FIELDS, form=answers.PROJECT)
    if there is None or there["created_at"] != known[0].created_at:
        raise LabelStudioError(
            f"project {known[0].id} ({known[0].title}) is gone from {client.url}: someone deleted it, or it is another "
            "Label Studio; what was pulled is kept; push with --new-project to begin again, or give another title"
        )
    return Ours(known[0], read_mark(there))


def keep_in_step(client: Client, ledger: Ledger, schema: LabelSchema, project: KnownProject) -> KnownProject:
    """Update the project's config to that of `schema`. New labels are added; styles follow if they are ours.

    Labels that a newer version of the schema removed are removed if a migration covers them or nothing uses them.

    Raises:
        ProjectDiffers: the project has something that the schema does not have, or has it with another meaning; where
            it is still in use, the message counts.
    """
    there, wanted = client.get(f"/api/projects/{project.id}", FIELDS, form=answers.PROJECT), labelling_config(schema)
    if there.get("model_version") != PREDICTION:
        client.patch(f"/api/projects/{project.id}/", {"model_version": PREDICTION})
    mark = read_mark(there)
    other_version = mark is not None and mark.ref != schema.ref
    if there["label_config"] == wanted and not other_version:
        return project
    differences = config_differences(there["label_config"], wanted)
    if lost := [one for one in differences if one.kind != "added" and not _migrated(one, schema)]:
        _refuse_if_used(client, schema, project, mark, differences, lost)
    if differences or there["label_config"] == project.config or mark is None or other_version:
        there = client.patch(f"/api/projects/{project.id}/", contents(schema, mark), form=answers.PROJECT)
        return ledger.remember_project(
            client.url, project.id, project.title, schema.name, project.created_at, there["label_config"]
        )
    return project  # someone gave the page other looks: theirs to keep


def _migrated(difference: Difference, schema: LabelSchema) -> bool:
    """Whether it is about the control of an attribute that a migration covers."""
    return difference.name[1] in {ATTRIBUTE + name for name in retired(schema).attributes}


def _refuse_if_used(
    client: Client,
    schema: LabelSchema,
    project: KnownProject,
    mark: Mark | None,
    differences: list[Difference],
    lost: list[Difference],
) -> None:
    """A newer version of the schema may remove labels that nothing uses; other removals are refused."""
    place = f"project {project.id} ({project.title}) at {client.url}"
    if mark is None or parse_version(mark.version) >= parse_version(schema.version):
        older = f"; it was made with {mark.ref}, which is newer" if mark and mark.version != schema.version else ""
        raise ProjectDiffers(
            f"{place} has another config than {schema.ref} makes ({_listed(map(str, differences))}{older}); change it "
            "back in the project's settings, take the change over into the schema, or give another title to begin a "
            "new project"
        )
    if changed := [str(one) for one in lost if one.kind == "changed"]:
        raise ProjectDiffers(
            f"{place} cannot become what {schema.ref} makes ({_listed(changed)}); give another title to begin a new "
            "project"
        )
    used = uses(client, project.id, {one.name for one in lost})
    if used:
        most = sorted(used.items(), key=lambda one: (-one[1].tasks, one[0]))
        counts = [f"{called(name)} {use.times} times in {use.tasks} tasks" for name, use in most]
        raise ProjectDiffers(
            f"{place} still uses what {schema.ref} does not have ({_listed(counts, 7)}); declare under `migrations` in "
            "the schema file what becomes of it, or put it back into the schema"
        )


def _listed(what: Iterable[str], most: int = 5) -> str:
    """The first few, and the number of the others."""
    lines = [one_line(text, 80) for text in what]
    return "; ".join(lines[:most]) + (f"; and {len(lines) - most} more" if len(lines) > most else "")


def contents(schema: LabelSchema, mark: Mark | None = None) -> dict[str, str]:
    """The fields of a project made from the schema: description with our mark, config and instructions."""
    new = Mark(schema.name, schema.version)
    if mark is not None:
        new = mark if mark.version == schema.version else mark.followed_by(schema.version, datetime.now(UTC))
    return {
        "description": f"{schema.title}: pre-annotated articles to correct. Keep this mark: {new}",
        "label_config": _checked(labelling_config(schema), schema),
        "expert_instruction": instructions(schema),
    }


def _checked(config: str, schema: LabelSchema) -> str:
    """`config`, once the parser of Label Studio's SDK has read it: the server accepts configs that no page can show."""
    from label_studio_sdk.label_interface import LabelInterface  # takes a second to import

    try:
        LabelInterface(config).validate()
    except Exception as error:  # the SDK documents none
        raise LabelStudioError(
            f"{schema.ref}: makes a labelling config that Label Studio cannot read ({one_line(str(error), 200)}); "
            "rename the label that it names in the schema"
        ) from error
    return config


def _search(client: Client, ledger: Ledger, schema: LabelSchema, title: str | None) -> Ours | None:
    """Our project on the server, if the ledger does not know it."""
    found = {
        there["id"]: there
        for there in all_projects(client, title)
        if (mark := read_mark(there)) and mark.schema == schema.name and title in (None, there["title"])
    }
    if len(found) > 1:
        # A project whose creation was cut off and repeated is duplicated; the empty one is of no use.
        found = {number: there for number, there in found.items() if newest(client, number)[0]} or {
            min(found): found[min(found)]
        }
    if len(found) > 1:
        raise _several(client, schema, {number: there["title"] for number, there in found.items()})
    for number, there in found.items():
        known = ledger.remember_project(client.url, number, there["title"], schema.name, there["created_at"], "")
        return Ours(known, read_mark(there))
    return None


MAX_PAGES = 500
"""Pages of a list of projects, of 100 each; an endless list ends here."""


def all_projects(client: Client, title: str | None) -> Iterator[dict[str, Any]]:
    """All projects, or those whose title contains `title`: `id`, `title`, `description`, `created_at`."""
    params: dict[str, Any] = {"page_size": 100, "include": "id,title,description,created_at"}
    if title is not None:
        params["title"] = title
    for page in range(1, MAX_PAGES + 1):
        found = client.get("/api/projects", {**params, "page": page}, form=answers.PROJECTS)
        yield from found["results"]
        if not found.get("next") or not found["results"]:
            return
    raise NotLabelStudio(f"{client.url} lists projects without end; see that the address is that of Label Studio")


def _several(client: Client, schema: LabelSchema, titles: dict[int, str]) -> LabelStudioError:
    named = ", ".join(f"{number} ({one_line(title, 50)})" for number, title in sorted(titles.items())[:5])
    return LabelStudioError(
        f"{client.url} has several projects for {schema.name}: {named}; give the title of the one you mean"
    )


TITLE = range(3, 51)
"""Lengths that Label Studio allows for a project's title."""

_MADE = re.compile(r"\[made:([0-9a-f]{16})\]")
"""In a description: the mark with which the project was created."""


def create_project(client: Client, ledger: Ledger, schema: LabelSchema, title: str, *, patience: float) -> KnownProject:
    """A new project for `schema`, with its config and instructions.

    It is created with a mark of its own, which is written to the ledger first. If an earlier creation was cut off, the
    server is asked for its mark for `patience` seconds before a second project is created.
    """
    if len(title) not in TITLE:
        raise LabelStudioError(
            f"title {title!r}: Label Studio takes titles of {TITLE[0]} to {TITLE[-1]} characters; give another one"
        )
    if (begun := ledger.creations(client.url, schema.name, title)) and (
        there := _made(client, title, begun, min(max(begun.values()), time.time()) + patience)
    ):
        return _taken_over(client, ledger, schema, there)
    mark = uuid.uuid4().hex[:16]
    made_from = contents(schema)
    body = {
        "title": title,
        **made_from,
        "description": f"{made_from['description']} [made:{mark}]",
        "show_instruction": True,
        "show_collab_predictions": True,
        "model_version": PREDICTION,
    }
    ledger.begin_creation(mark, client.url, schema.name, title)
    try:
        there = client.post("/api/projects", body, form=answers.PROJECT)
    except OutcomeUnknown:
        found = _made(client, title, [mark], time.time() + patience)
        if found is None:
            raise
        return _taken_over(client, ledger, schema, found)
    except LabelStudioError:
        ledger.end_creation(mark)  # it was refused, or never reached the server
        raise
    first = _first_of_all(client, schema, there)
    if first["id"] != there["id"]:
        # Another machine created one since we looked. Both keep the one with the lower id.
        client.delete(f"/api/projects/{there['id']}/")
        there = client.get(f"/api/projects/{first['id']}", FIELDS, form=answers.PROJECT)
    project = ledger.remember_project(
        client.url, there["id"], title, schema.name, there["created_at"], there["label_config"]
    )
    ledger.end_creation(mark)
    return project


def _first_of_all(client: Client, schema: LabelSchema, there: dict[str, Any]) -> dict[str, Any]:
    """The project with the lowest id among those for `schema` with the title of `there`."""
    others = _same_title(client, schema, there["title"])
    return min((there, *others), key=lambda one: int(one["id"]))


def _same_title(client: Client, schema: LabelSchema, title: str) -> list[dict[str, Any]]:
    return [
        there
        for there in all_projects(client, title)
        if there["title"] == title and (mark := read_mark(there)) and mark.schema == schema.name
    ]


def same_title(client: Client, ledger: Ledger, schema: LabelSchema, project: KnownProject) -> tuple[str, ...]:
    """A remark on each other project for this schema with our project's title."""
    creations = ledger.creations(client.url, project.schema, project.title)
    return tuple(
        f"project {there['id']} has the title and schema of project {project.id} ({project.title}) as well; two first "
        "pushes at once may have made both: see that no work in it is missed, and delete it or give it another title"
        for there in _same_title(client, schema, project.title)
        if there["id"] != project.id and _creation_mark(there) not in creations
    )


def _made(client: Client, title: str, creations: Collection[str], until: float) -> dict[str, Any] | None:
    """The first project with one of those marks, asked for until `until` (as time.time() counts)."""
    pause = 0.1
    while not (found := [there for there in all_projects(client, title) if _creation_mark(there) in creations]):
        left = until - time.time()
        if left <= 0:
            return None
        time.sleep(min(pause, left))
        pause = min(2 * pause, 5.0)
    return min(found, key=lambda there: int(there["id"]))


def _taken_over(client: Client, ledger: Ledger, schema: LabelSchema, there: dict[str, Any]) -> KnownProject:
    config = client.get(f"/api/projects/{there['id']}", FIELDS, form=answers.PROJECT)["label_config"]
    return ledger.remember_project(client.url, there["id"], there["title"], schema.name, there["created_at"], config)


def _creation_mark(project: dict[str, Any]) -> str | None:
    found = _MADE.search(project.get("description") or "")
    return found[1] if found else None


def remove_duplicates(client: Client, ledger: Ledger, project: KnownProject) -> tuple[str, ...]:
    """Remove empty projects that a repeated creation left beside ours. Returns remarks on what was done."""
    creations = ledger.creations(client.url, project.schema, project.title)
    remarks = []
    for there in all_projects(client, project.title) if creations else ():
        mark = _creation_mark(there)
        if mark not in creations:
            continue
        if there["id"] != project.id:
            named = f"project {there['id']} ({project.title}), made a second time after a push was interrupted,"
            if newest(client, there["id"])[0]:
                remarks.append(f"{named} has tasks that someone put there; see that they are not missed, and delete it")
                continue
            client.delete(f"/api/projects/{there['id']}/")
            remarks.append(f"{named} was empty and is removed")
        ledger.end_creation(str(mark))
    return tuple(remarks)
