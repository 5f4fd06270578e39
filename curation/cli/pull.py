"""`curation pull`."""

from __future__ import annotations

from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, progress, project_from, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("pull")(pull)


def pull(
    full: Annotated[bool, typer.Option("--full", help="Fetch every task, not only what changed.")] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring back what people corrected, as an immutable snapshot."""
    from curation.jobs.pull import pull as job

    with progress("tasks pulled") as tick:
        report = job(project_from(project), full=full, on_progress=tick)
    say(
        f"{report.tasks} tasks: {report.submitted} submitted, {report.skipped} skipped, {report.drafts} with a draft, "
        f"{report.untouched} untouched"
    )
    if report.issues:
        say(f"{report.issues} things do not fit the schema or could not be read: see {report.snapshot}/issues.jsonl")
    say(("nothing new since " if report.unchanged else "snapshot in ") + report.snapshot)
    done(report.model_dump(mode="json"), as_json)
