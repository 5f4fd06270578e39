"""`curation review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, progress, project_from, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("review")(review)


def review(
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", help="Folder of a snapshot; default: the latest one.")
    ] = None,
    from_checks: Annotated[
        bool, typer.Option("--from-checks", help="Send back what `curation check` doubts, for someone to look again.")
    ] = False,
    top: Annotated[
        int | None, typer.Option("--top", min=1, max=10_000, help="With --from-checks: so many findings, default 100.")
    ] = None,
    resend_deleted: Annotated[
        bool, typer.Option("--resend-deleted", help="Send tasks again that were deleted in Label Studio.")
    ] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send back what people differ on. It becomes tasks in Label Studio, for someone to decide."""
    from curation.jobs.review import review as job

    if from_checks:
        if snapshot is not None:
            raise typer.BadParameter("--from-checks takes the latest snapshot; leave --snapshot out")
        _from_checks(top, resend_deleted, project, as_json)
        return
    if top is not None:
        raise typer.BadParameter("--top goes with --from-checks")
    with progress("tasks") as tick:
        report = job(project_from(project), snapshot=snapshot, resend_deleted=resend_deleted, on_progress=tick)
    for problem in report.problems:
        say(problem)
    for reason, count in report.left_out.items():
        say(f"left out: {count} {reason}")
    say(
        f"{report.agreed} articles agreed, {report.differ} to decide ({report.sent} sent, {report.already_there} there"
        + (f", {report.refreshed} renewed" if report.refreshed else "")
        + (f", {report.touched} begun and left as they are" if report.touched else "")
        + f"), {report.decided + report.newer} decided"
        + (f", {report.newer} of them annotated again since" if report.newer else "")
        + (f", {report.waiting} waiting for more people" if report.waiting else "")
    )
    if report.url:
        say(f"open the tasks one by one at {report.url}")
    done(report.model_dump(mode="json"), as_json)


def _from_checks(top: int | None, resend_deleted: bool, project: Path | None, as_json: bool) -> None:
    from curation.jobs.recheck import TOP, recheck

    with progress("tasks") as tick:
        report = recheck(project_from(project), top=top or TOP, resend_deleted=resend_deleted, on_progress=tick)
    for problem in report.problems:
        say(problem)
    say(
        f"{report.findings} of {report.found} findings, in {report.articles} articles: {report.sent} sent, "
        f"{report.already_there} already there"
        + (f", {report.refreshed} renewed" if report.refreshed else "")
        + (f", {report.touched} begun or answered and left as they are" if report.touched else "")
        + (f"; {report.left_out} articles taken down and left out" if report.left_out else "")
    )
    if report.url:
        say(f"open them at {report.url}")
    done(report.model_dump(mode="json"), as_json)
