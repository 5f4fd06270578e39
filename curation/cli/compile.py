"""`curation compile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, project_from, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("compile")(compile_)


def compile_(
    folder: Annotated[Path, typer.Argument(help="A folder of inline files, <article id>.ann.txt.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the annotations there, as JSON lines.")] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check inline annotations. Against their articles and the schema; with --out write them with offsets."""
    from curation.jobs.compile import compile_inline

    report = compile_inline(project_from(project), folder, out=out)
    for problem in report.problems:
        say(problem)
    say(
        f"{report.annotations} annotations: {report.entities} entities, {report.events} events, "
        f"{report.arguments} arguments" + (f", in {report.out}" if report.out else "")
    )
    done(report.model_dump(mode="json"), as_json)
    if report.problems:
        raise typer.Exit(1)
