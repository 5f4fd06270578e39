"""`curation preannotate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, progress, project_from, say
from curation.cli.engine_options import EngineOption, EngineOptions, ModelOption, engine_options


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("preannotate")(preannotate)


def preannotate(
    articles: Annotated[
        list[str] | None,
        typer.Option(
            "--articles", help="File, folder or glob of .txt, .jsonl, .csv, .parquet; may stand several times."
        ),
    ] = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    option: EngineOptions = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="PATH", help="JSON-lines file; default: preannotations/ENGINE.jsonl in work."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration", help="What `curation calibrate` wrote: scores that mean something, less that is wrong."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, max=4096, help="Processes to work in, default 1, of a cluster its CPUs; same result."
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="Work on this Ray cluster (auto, HOST:PORT, or local to start one); --articles and --out may be "
            "addresses, such as s3://bucket/articles.",
        ),
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an engine annotate the articles. Entities, events with triggers and arguments, one annotation a line."""
    from curation.jobs.preannotate import preannotate as job

    with progress("articles annotated") as tick:
        report = job(
            project_from(project),
            articles=articles,
            engine=engine,
            model=model,
            options=engine_options(option),
            out=out,
            calibration=calibration,
            workers=workers,
            ray=ray,
            on_progress=tick,
        )
    for problem in report.problems:
        say(f"refused: {problem}")
    if report.refused > len(report.problems):
        say(f"refused: {report.refused - len(report.problems)} more; all by reason:")
        for reason, count in report.reasons.items():
            say(f"  {count} {reason}")
    for remark in report.remarks:
        say(f"left out of {remark}")
    if report.left_out:
        say("left out in all: " + ", ".join(f"{count} {reason}" for reason, count in report.left_out.items()))
    if report.kept:
        say(f"{report.kept} articles were done already when an earlier run was interrupted")
    if report.dropped:
        say(f"{report.dropped} items left out, whose score is below the limit of their label")
    say(
        f"{report.annotated} articles annotated by {report.engine}: {report.entities} entities, "
        f"{report.events} events, {report.arguments} arguments, in {report.out}"
    )
    done(report.model_dump(mode="json"), as_json)
    if report.refused:
        raise typer.Exit(1)
