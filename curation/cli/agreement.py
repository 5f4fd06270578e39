"""`curation agreement`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, project_from


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("agreement")(agreement)


def agreement(
    first: Annotated[Path, typer.Argument(help="A .jsonl of annotations, or a folder of inline files.")],
    second: Annotated[Path, typer.Argument(help="The other one.")],
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """How far two sets of annotations of the same articles agree: F1 between them, exact span and type."""
    from rich.table import Table

    from curation.jobs.agreement import agreement as job

    report = job(project_from(project), first, second)
    table = Table(box=None, pad_edge=False, title=f"{report.articles} articles in both", title_justify="left")
    for column in ("", "F1", "in both", "only first", "only second"):
        table.add_column(column, justify="left" if not column else "right")
    for name, counts in report.scores.items():
        table.add_row(name, f"{counts['f1']:.3f}", *(str(counts[key]) for key in ("tp", "fn", "fp")))
    console().print(table)
    done(report.model_dump(mode="json"), as_json)
