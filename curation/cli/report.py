"""`curation report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, progress, project_from, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("report")(report)


def report(
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the page there; default: report.html in the work folder."),
    ] = None,
    articles: Annotated[
        int, typer.Option("--articles", min=0, max=5000, help="Articles in the reader, the most doubtful.")
    ] = 300,
    checks: Annotated[
        bool, typer.Option("--checks/--no-checks", help="Look for likely mistakes, which takes most of the time.")
    ] = True,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """One HTML page on how the annotation stands. Progress, people, agreement, corrections, checks, and the texts."""
    from curation.jobs.report import report as job

    with progress("articles counted") as tick:
        made = job(project_from(project), output=output, articles=articles, checks=checks, on_progress=tick)
    for note in made.notes:
        say(note)
    say(f"{made.done} of {made.done + made.left} articles answered. {made.forecast.words}")
    say(f"page: {made.output} ({made.bytes / 1e6:.1f} MB, {made.reader.articles} articles in its reader)")
    done(made.model_dump(mode="json"), as_json)
