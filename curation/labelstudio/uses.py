"""Which labels are still in use on the server: asked before a label is taken away for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from curation.labelstudio.client import Client
from curation.labelstudio.tasks import listed

PAGE = 100
"""Tasks a page: with all their fields they are some megabytes."""


class Use(NamedTuple):
    """How often a label stands in annotations, drafts and predictions, and in how many tasks."""

    times: int
    tasks: int


def uses(client: Client, project: int, names: set[tuple[str, ...]]) -> dict[tuple[str, ...], Use]:
    """The use of each of these names of a config (as `config_differences` has them); unused ones are left out.

    Every task is read with all it holds: ten thousand take a minute.
    """
    times, tasks = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for task in listed(client, project, include=None, page=PAGE):
        found = Counter(name for one in _results(task) for name in _named(one) if name in names)
        times.update(found)
        tasks.update(found.keys())
    return {name: Use(times[name], tasks[name]) for name in times}


def _results(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("annotations", "drafts", "predictions"):
        for one in task.get(kind) or ():
            for region in one.get("result") or ():
                if isinstance(region, dict):
                    yield region


def _named(region: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    if region.get("type") == "relation":
        for role in region.get("labels") or ():
            yield ("relation", role)
        return
    control = str(region.get("from_name"))
    yield ("control", control)
    value = region.get("value") or {}
    for kind, key in (("label", "labels"), ("choice", "choices")):
        for one in value.get(key) or ():
            yield (kind, control, one)
