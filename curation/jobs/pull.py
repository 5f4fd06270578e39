"""Pull: what people corrected comes back as an immutable snapshot, once or again and again while they work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from curation.errors import Busy, Unreachable
from curation.jobs.connect import connect
from curation.labelstudio import PullReport, read_snapshot
from curation.labelstudio import pull as fetch
from curation.settings import Settings


def pull(
    project: Settings, *, full: bool = False, on_progress: Callable[[int], None] = lambda count: None
) -> PullReport:
    """Bring back what changed since the last pull (or everything, with `full`) as a new snapshot.

    What people were asked to look at again and left as it was is dismissed, so that no check doubts it any more.

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
    return report


def watch(
    project: Settings,
    *,
    every: float = 60.0,
    full: bool = False,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Iterator[PullReport | Unreachable]:
    """Pull, wait `every` seconds, pull again, without end. Yields the first report and each that brings something new.

    A server that went away is waited for: the error is yielded once, then the first report after it is back. Only the
    first pull is `full`.

    Raises:
        LabelStudioError: as `pull`; `Unreachable` only from the first pull.
    """
    client, schema, title = connect(project), project.load_schema(), project.title
    with client:
        report = fetch(client, schema, work=project.work, title=title, full=full, on_progress=on_progress)
        away = False
        _settle(project, report)
        yield report
        while True:
            time.sleep(every)
            try:
                report = fetch(client, schema, work=project.work, title=title, on_progress=on_progress)
            except Unreachable as error:
                if not away:
                    yield error
                away = True
            except Busy:
                continue  # someone pulls by hand: what that brings is not new any more
            else:
                if not report.unchanged:
                    _settle(project, report)
                if away or not report.unchanged:
                    yield report
                away = False


def _settle(project: Settings, report: PullReport) -> None:
    from curation.jobs.recheck import settle  # the checks take a while to import

    settle(project, read_snapshot(Path(report.snapshot)))
