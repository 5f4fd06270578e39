"""Finished releases: compared (`diff`) and checked (`verify`). A release is a folder, or a version of the project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

from curation.errors import ReleaseError
from curation.jobs.options import Argument, Option, WithJson
from curation.release.diff import ArticleDiff, Diff, DiffSummary, changed
from curation.release.load import verify as problems_of
from curation.release.manifest import MANIFEST
from curation.release.targets import fetched, is_address
from curation.release.versions import published
from curation.report.diff_page import write_diff_page
from curation.result import Block, Result, Table, TableResult
from curation.schema import parse_version
from curation.settings import Settings


class DiffResult(TableResult):
    """The counts, and the articles that differ where they were asked for."""

    summary: DiffSummary
    articles: tuple[dict[str, Any], ...] = ()
    page: str | None = None

    def records(self) -> list[dict[str, Any]]:
        """A row for each type, role and annotator: items added, removed and changed."""
        changes = self.summary.changes
        sections = {"entities": changes.entities, "events": changes.events, "arguments": changes.arguments}
        columns = ("label", "added", "removed", "changed")
        rows = [
            {"section": section, **dict(zip(columns, row, strict=True))}
            for section, counts in sections.items()
            for row in changed(counts)
        ]
        people = self.summary.annotators.items()
        return [*rows, *({"section": "annotators", "label": name, **counts.model_dump()} for name, counts in people)]

    def show(self) -> Iterator[Block]:
        """Articles that differ, changes of the schema, and items by type, role and annotator."""
        summary, changes = self.summary, self.summary.changes
        yield (
            f"{summary.before} → {summary.now}: {changes.added} articles added, {changes.left_out} left out, "
            f"{changes.revised} with a new text, {changes.corrected} corrected, {summary.metadata} with other metadata"
        )
        yield from (f"label schema: {line}" for line in summary.schema_changes)
        rows: list[tuple[str, int, int, int]] = []
        for row in self.records():
            articles = f", {row['articles']} articles" if "articles" in row else ""
            name = f"{row['label']}{articles}" if articles else f"{row['section']}: {row['label']}"
            rows.append((name, row["added"], row["removed"], row["changed"]))
        if rows:
            yield Table(("", "added", "removed", "changed"), rows)
        if self.page:
            yield f"page in {self.page}"


def diff(
    project: Settings | None,
    before: Annotated[str, Argument("A release: its folder, or a version of this project.")],
    now: Annotated[str, Argument("The release to compare it with.")],
    *,
    html: Annotated[Path | None, Option("Write a page with the text around each change.", metavar="FILE")] = None,
    articles: Annotated[bool, WithJson()] = False,
) -> DiffResult:
    """Compare two releases, each a folder or a version of the project.

    Args:
        project: the project whose releases the versions are; not needed for two folders.
        html: where to write an HTML page with the text around each change.
        articles: return every article that differs; without it memory does not grow with them.

    Raises:
        ReleaseError: there is no such release, or it cannot be read.
    """
    folders = _folder(before, project), _folder(now, project)
    found = Diff(*folders)
    records: tuple[dict[str, Any], ...] = ()
    if html is not None:
        write_diff_page(found, html)
        records = tuple(map(_record, Diff(*folders))) if articles else ()
    elif articles:
        records = tuple(map(_record, found))
    else:
        for _ in found:
            pass
    return DiffResult(summary=found.summary, articles=records, page=str(html) if html else None)


class VerifyResult(Result):
    """The release, and everything in it that differs from its manifest, one line each."""

    release: str
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where something differs."""
        return 1 if self.problems else 0

    def show(self) -> Iterator[str]:
        """The problems."""
        yield from (f"differs: {problem}" for problem in self.problems)
        yield f"{self.release}: " + (f"{len(self.problems)} problems" if self.problems else "is what its manifest says")


def verify(
    project: Settings | None,
    release: Annotated[
        str,
        Argument("A release: its folder, a version of this project, or an address such as s3://BUCKET/FOLDER/v0.1.0."),
    ],
    *,
    content: Annotated[bool, Option("Read every row too: recompute counts and the hash of the content.")] = False,
) -> VerifyResult:
    """Compare a release with its manifest: the hash of every file, row counts, and the manifest's own hash.

    Args:
        project: the project whose release a version is; not needed for a folder or an address.
        content: read every row too, and recompute counts and the hash of the content.

    Raises:
        ReleaseError: there is no release, or no manifest that can be read.
    """
    with fetched(release) if is_address(release) else nullcontext(_checked_folder(release, project)) as folder:
        return VerifyResult(release=release, problems=tuple(problems_of(folder, content=content)))


def _record(article: ArticleDiff) -> dict[str, Any]:
    record = article._asdict()
    del record["text"]
    return record | {"items": [_item(item._asdict()) for item in article.items]}


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value._asdict() if hasattr(value, "_asdict") else value for name, value in item.items()}


def _checked_folder(name: str, project: Settings | None) -> Path:
    """As `_folder`, but a folder without a manifest is the verifier's to report."""
    return Path(name) if Path(name).exists() else _folder(name, project)


def _folder(name: str, project: Settings | None) -> Path:
    if (Path(name) / MANIFEST).is_file():
        return Path(name)
    try:
        version = parse_version(name)
    except ValueError as error:
        raise ReleaseError(f"{name}: neither a release folder nor a version such as 1.2.3") from error
    if project is None:
        raise ReleaseError(f"{name}: a version needs a project; run this in one, or name the folder of the release")
    there = published(project.releases)
    if version not in there:
        listed = ", ".join(".".join(map(str, number)) for number in sorted(there)) or "none"
        raise ReleaseError(f"{project.releases}: no version {name} here; there are {listed}")
    return there[version]
