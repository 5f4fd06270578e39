"""`curation status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, project_from, say

if TYPE_CHECKING:
    from curation.jobs.status import Brief

NEXT = {
    "new": "curation preannotate",
    "pre-annotated": "curation push",
    "open": "people annotate, then curation pull",
    "submitted": "curation publish",
}
"""Stage → what takes an article from there to the next one, in the order of the work."""


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
    for source in report.empty:
        say(source)
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
    if report.submitted:
        told = ", ".join(
            f"{name.removeprefix('person:')} ({report.people[name]}) {count}"
            for name, count in list(report.submitted.items())[:20]
        )
        say(f"submitted: {told}" + (", …" if len(report.submitted) > 20 else ""))
        say(_brief(report.brief))
    if report.to_decide:
        say(f"tasks to decide or to look at again: {report.to_decide} open in Label Studio, then curation pull")
    steps = [f"{step} ({report.counts[stage]} {stage})" for stage, step in NEXT.items() if report.counts[stage]]
    if steps:
        say(f"next: {'; '.join(steps)}")
    done(report.model_dump(mode="json"), as_json)


def _brief(brief: Brief | None) -> str:
    """The last report in one line."""
    if brief is None:
        return "how far people agree, what they kept and what is doubtful: `curation report`"
    parts = []
    if brief.agreement is not None:
        parts.append(f"agreement F1 {brief.agreement:.2f} on the entities of {brief.twice} articles")
    if brief.kept is not None:
        parts.append(f"{brief.kept:.0%} of what was predicted was kept")
    if brief.findings is not None:
        parts.append(f"{brief.findings:,} findings worth a look")
    return ", ".join(parts) or "the last report had nothing to say of agreement, corrections or checks"
