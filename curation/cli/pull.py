"""`curation pull`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, progress, project_from, say

if TYPE_CHECKING:
    from curation.labelstudio import PullReport


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("pull")(pull)


def pull(
    full: Annotated[bool, typer.Option("--full", help="Fetch every task, not only what changed.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on pulling while people work, until ctrl-C; --json: an object a pull.")
    ] = False,
    every: Annotated[float, typer.Option("--every", min=1, help="Seconds between two pulls of --watch.")] = 60,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring back what people corrected, as an immutable snapshot."""
    from curation.jobs import pull as job

    settings = project_from(project)
    if not watch:
        with progress("tasks pulled") as tick:
            report = job.pull(settings, full=full, on_progress=tick)
        _tell(report, as_json)
        return
    for found in job.watch(settings, every=every, full=full):
        if isinstance(found, Exception):
            say(f"waiting: {found}")
        else:
            _tell(found, as_json)


def _tell(report: PullReport, as_json: bool) -> None:
    if report.damaged:
        say(f"the latest snapshot is damaged ({report.damaged}): nothing of it was used, every task was fetched anew")
    say(
        f"{report.tasks} tasks: {report.submitted} submitted, {report.skipped} skipped, {report.drafts} with a draft, "
        f"{report.untouched} untouched" + (f", {report.deleted} deleted in Label Studio" if report.deleted else "")
    )
    if report.issues:
        say(f"{report.issues} things do not fit the schema or could not be read: see {report.snapshot}/issues.jsonl")
    say(("nothing new since " if report.unchanged else "snapshot in ") + report.snapshot)
    done(report.model_dump(mode="json"), as_json)
