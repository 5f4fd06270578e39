"""`curation push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, progress, project_from, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("push")(push)


def push(
    articles: Annotated[
        list[str] | None, typer.Option("--articles", help="File, folder or glob; default: the project's articles.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", help="What `preannotate` wrote; default: the project's.")
    ] = None,
    resend_deleted: Annotated[
        bool, typer.Option("--resend-deleted", help="Send articles again whose tasks were deleted in Label Studio.")
    ] = False,
    rebuild_ledger: Annotated[
        bool, typer.Option("--rebuild-ledger", help="Forget the ledger and read it anew from Label Studio.")
    ] = False,
    new_project: Annotated[
        bool, typer.Option("--new-project", help="Begin a new project where ours was deleted in Label Studio.")
    ] = False,
    overlap: Annotated[
        str | None, typer.Option("--overlap", help="Share of articles that two people annotate, such as 10%.")
    ] = None,
    blind: Annotated[
        str | None, typer.Option("--blind", help="Share of new articles sent without their pre-annotation, such as 5%.")
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send the articles and their pre-annotations to Label Studio. Run again, it sends only what is missing."""
    from curation.jobs.push import push as job

    with progress("articles pushed") as tick:
        report = job(
            project_from(project),
            articles=articles,
            annotations=annotations,
            resend_deleted=resend_deleted,
            rebuild_ledger=rebuild_ledger,
            new_project=new_project,
            overlap=overlap,
            blind=blind,
            on_progress=tick,
        )
    for problem in report.problems:
        say(problem)
    say(
        f"{report.articles} articles: {report.sent} sent, {report.already_there} already there"
        + (f", {report.refreshed} given a newer pre-annotation" if report.refreshed else "")
        + (f", {report.touched} begun and left as they are" if report.touched else "")
        + (f", {report.deleted} deleted in Label Studio" if report.deleted else "")
        + (f", {report.superseded} superseded by a new text" if report.superseded else "")
        + (f", {report.blind} blind" if report.blind else "")
        + (f", {report.arranged} now for several people" if report.arranged else "")
        + (f", {report.refused} pre-annotations refused" if report.refused else "")
    )
    say(f"annotate at {report.project_url}")
    done(report.model_dump(mode="json"), as_json)
    if report.refused:
        raise typer.Exit(1)
