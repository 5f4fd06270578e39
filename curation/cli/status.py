"""`curation status`."""

from __future__ import annotations

from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, project_from, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("status")(status)


def status(
    all_articles: Annotated[bool, typer.Option("--all", help="A line for every article, not only the counts.")] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where every article stands, as of the last push and pull."""
    from rich.table import Table

    from curation.jobs.status import STAGES
    from curation.jobs.status import status as job

    report = job(project_from(project))
    for problem in report.problems:
        say(f"unusable: {problem}")
    table = Table(box=None, pad_edge=False)
    if all_articles:
        for column in ("article", "stands at"):
            table.add_column(column)
        for article_id, stage in report.articles.items():
            table.add_row(article_id, stage)
    else:
        table.add_column("stands at")
        table.add_column("articles", justify="right")
        for stage in STAGES:
            if report.counts[stage]:
                table.add_row(stage, str(report.counts[stage]))
        table.add_row("all", str(len(report.articles)))
    console().print(table)
    done(report.model_dump(mode="json"), as_json)
