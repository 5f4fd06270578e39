"""Diff: what changed from one release to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curation.article import Value
from curation.errors import ReleaseError
from curation.release.diff import ArticleDiff, Diff, DiffSummary
from curation.release.manifest import MANIFEST
from curation.release.versions import published
from curation.report.diff_page import write_diff_page
from curation.schema import parse_version
from curation.settings import load_settings


class DiffReport(Value):
    """The counts, and the articles that differ where they were asked for."""

    summary: DiffSummary
    articles: tuple[dict[str, Any], ...] = ()
    page: str | None = None


def diff(
    before: str, now: str, *, project: Path | None = None, page: Path | None = None, articles: bool = False
) -> DiffReport:
    """Compare two releases, each a folder or a version of the project's own.

    Args:
        project: the curation.toml whose releases the versions are; default: the nearest. Not read for two folders.
        page: where to write an HTML page with the text around each change.
        articles: keep every article that differs for the report; without it memory does not grow with them.

    Raises:
        ReleaseError: there is no such release, or it cannot be read.
    """
    folders = _folder(before, project), _folder(now, project)
    found = Diff(*folders)
    if page is not None:
        write_diff_page(found, page)
        told = tuple(map(_record, Diff(*folders))) if articles else ()
    elif articles:
        told = tuple(map(_record, found))
    else:
        told = ()
        for _ in found:
            pass
    return DiffReport(summary=found.summary, articles=told, page=str(page) if page else None)


def _record(article: ArticleDiff) -> dict[str, Any]:
    held = article._asdict()
    del held["text"]
    return held | {"items": [_item(one._asdict()) for one in article.items]}


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value._asdict() if hasattr(value, "_asdict") else value for name, value in item.items()}


def _folder(named: str, project: Path | None) -> Path:
    if (Path(named) / MANIFEST).is_file():
        return Path(named)
    try:
        version = parse_version(named)
    except ValueError as error:
        raise ReleaseError(f"{named}: neither a release folder nor a version such as 1.2.3") from error
    releases = load_settings(project).releases
    there = published(releases)
    if version not in there:
        listed = ", ".join(".".join(map(str, one)) for one in sorted(there)) or "none"
        raise ReleaseError(f"{releases}: no version {named} here; there are {listed}")
    return there[version]
