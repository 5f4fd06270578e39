"""`curation diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import ProjectOption, console, done, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("diff")(diff)


def diff(
    before: Annotated[str, typer.Argument(help="A release: its folder, or a version of this project.")],
    now: Annotated[str, typer.Argument(help="The one to compare it with.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the text around each change.")
    ] = None,
    project: ProjectOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print counts and articles as one JSON object on stdout.")
    ] = False,
) -> None:
    """What changed from one release to another. By type, role, article and annotator."""
    from rich.table import Table
    from rich.text import Text

    from curation.errors import one_line
    from curation.jobs.diff import diff as job
    from curation.release.diff import changed

    report = job(before, now, project=project, page=html, articles=as_json)
    summary, changes = report.summary, report.summary.changes
    say(
        f"{summary.before} → {summary.now}: {changes.added} articles added, {changes.left_out} left out, "
        f"{changes.revised} with a new text, {changes.corrected} corrected, {summary.metadata} with other metadata"
    )
    for line in summary.schema_changes:
        say(f"label schema: {line}")
    table = Table(box=None, pad_edge=False)
    for column in ("", "added", "removed", "changed"):
        table.add_column(column, justify="right" if column else "left")
    for title, held in (("entities", changes.entities), ("events", changes.events), ("arguments", changes.arguments)):
        for name, *counts in changed(held):
            table.add_row(Text(f"{title}: {name}"), *map(str, counts))
    for name, one in summary.annotators.items():
        shown = Text(one_line(f"{name}, {one.articles} articles"))
        table.add_row(shown, str(one.added), str(one.removed), str(one.changed))
    if table.row_count:
        console().print(table)
    if report.page:
        say(f"page in {report.page}")
    done(report.model_dump(mode="json"), as_json)
