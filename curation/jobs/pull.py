"""Pull: the annotations of people come back as an immutable snapshot, once or repeatedly while they work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from curation.errors import Busy, Unreachable
from curation.jobs.options import Counts, OnProgress, Option, silent
from curation.jobs.studio import connect
from curation.labelstudio import PullReport, read_snapshot
from curation.labelstudio import pull as fetch
from curation.result import Result
from curation.settings import Settings

Full = Annotated[bool, Option("Fetch every task, not only what changed.")]


class PullResult(PullReport, Result):
    """What a pull brought back."""

    @property
    def exit_code(self) -> int:
        """3 where something does not fit the schema or could not be read."""
        return 3 if self.issues else 0

    def show(self) -> Iterator[str]:
        """The counts of tasks, those made by a review apart, and the snapshot."""
        yield (
            f"{self.tasks} tasks: {self.submitted} submitted, {self.skipped} skipped, {self.drafts} with a draft, "
            f"{self.untouched} untouched" + (f", {self.deleted} deleted in Label Studio" if self.deleted else "")
        )
        if self.review_tasks:
            yield f"{self.review_tasks} tasks to decide or to look at again: {self.review_answered} answered"
        yield ("nothing new since " if self.unchanged else "snapshot in ") + self.snapshot

    def messages(self) -> Iterator[str]:
        """A damaged snapshot, a server that was restored, and things that do not fit."""
        if self.damaged:
            yield (
                f"the latest snapshot is damaged ({self.damaged}): nothing of it was used, every task was fetched anew"
            )
        if self.went_back:
            yield "Label Studio was restored from a backup: run push --rebuild-ledger; earlier snapshots hold the rest"
        if self.issues:
            yield (f"{self.issues} things do not fit the schema or could not be read: see {self.snapshot}/issues.jsonl")
            for kind in self.issue_kinds:
                yield f"  {kind.count} {kind.code}, such as: {kind.message} ({kind.url})"


def pull(
    project: Settings,
    *,
    full: Full = False,
    on_progress: Annotated[OnProgress, Counts("tasks pulled")] = silent,
) -> PullResult:
    """Bring back what changed since the last pull (or everything, with `full`) as a new snapshot.

    Findings that people were asked to look at again and left unchanged are dismissed: checks do not list them again.

    Raises:
        LabelStudioError: see `curation.labelstudio.pull`.
    """
    with connect(project) as client:
        report = fetch(
            client,
            project.load_schema(),
            work=project.work,
            title=project.title,
            full=full,
            on_progress=on_progress,
        )
    _settle(project, report)
    return PullResult(**dict(report))


def watch(
    project: Settings,
    *,
    every: float = 60.0,
    full: bool = False,
    on_progress: OnProgress = silent,
) -> Iterator[PullResult | Unreachable]:
    """Pull, wait `every` seconds, pull again, without end. Yields the first result and each that brings something new.

    While the server is unreachable it is waited for: the error is yielded once, then the first result after it is
    back. Only the first pull is `full`.

    Raises:
        LabelStudioError: as `pull`; `Unreachable` only from the first pull.
    """
    client, schema, title = connect(project), project.load_schema(), project.title
    with client:
        report = fetch(client, schema, work=project.work, title=title, full=full, on_progress=on_progress)
        away = False
        _settle(project, report)
        yield PullResult(**dict(report))
        while True:
            time.sleep(every)
            try:
                report = fetch(client, schema, work=project.work, title=title, on_progress=on_progress)
            except Unreachable as error:
                if not away:
                    yield error
                away = True
            except Busy:
                continue  # another pull works here: what it brings is not new any more
            else:
                if not report.unchanged:
                    _settle(project, report)
                if away or not report.unchanged:
                    yield PullResult(**dict(report))
                away = False


_watch = watch


def pull_command(
    project: Settings,
    *,
    full: Full = False,
    watch: Annotated[
        bool, Option("Pull again and again while people work, until ctrl-C; --json: an object for each pull.")
    ] = False,
    every: Annotated[float, Option("Seconds between two pulls of --watch.", min=1)] = 60,
    on_progress: Annotated[OnProgress, Counts("tasks pulled")] = silent,
) -> PullResult | Iterator[PullResult | Unreachable]:
    """`curation pull`: one pull, or with `watch` one after the other."""
    if watch:
        return _watch(project, every=every, full=full)
    return pull(project, full=full, on_progress=on_progress)


def _settle(project: Settings, report: PullReport) -> None:
    from curation.jobs.send_findings import settle  # the checks take a while to import

    settle(project, read_snapshot(Path(report.snapshot)))
