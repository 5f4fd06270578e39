"""`curation calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, progress, project_from, say
from curation.cli.engine_options import EngineOption, EngineOptions, ModelOption, engine_options

if TYPE_CHECKING:
    from curation.jobs.calibrate import CalibrateReport


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("calibrate")(calibrate)


def calibrate(
    gold: Annotated[
        Path | None,
        typer.Option(
            "--gold",
            metavar="FILE|FOLDER",
            help="Corrected articles: a folder of inline files, or a .jsonl of annotations; default: the project's.",
        ),
    ] = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    option: EngineOptions = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", help="What the engine said earlier (.jsonl), instead of running it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; default: calibration/ENGINE.json in work.")
    ] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit an engine's scores on corrected articles. And the scores below which it says nothing."""
    if annotations is not None and (engine is not None or model is not None or option):
        raise typer.BadParameter("give --engine or --annotations, not both")
    from curation.jobs.calibrate import calibrate as job

    with progress("articles read") as tick:
        report = job(
            project_from(project),
            gold=gold,
            engine=engine,
            model=model,
            options=engine_options(option),
            annotations=annotations,
            out=out,
            on_progress=tick,
        )
    _print(report)
    done(report.model_dump(mode="json"), as_json)
    if report.failed:
        raise typer.Exit(1)


def _print(report: CalibrateReport) -> None:
    from rich.table import Table

    for problem in report.problems:
        say(f"left out: {problem}")
    say(f"{report.engine} on {report.articles} articles of {report.gold}; each figure is of articles not fitted on,")
    say(f"in {report.folds} parts: before → after")
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(("", "items", "right", "ECE", "Brier", "AUROC")):
        table.add_column(column, justify="right" if place else "left")
    for section, figures in report.figures.items():
        shown = (
            "–" if change.before is None or change.after is None else f"{change.before:.3f} → {change.after:.3f}"
            for change in (figures.ece, figures.brier, figures.auroc)
        )
        table.add_row(section, str(figures.items), str(figures.right), *shown)
    console().print(table)
    effort = report.effort
    say(f"correction effort: {effort.before} clicks and keys → {effort.after}; from blank {effort.blank}")
    for section, limits in report.limits.items():
        told = ", ".join(f"{label} below {limit:g}" if limit <= 1 else label for label, limit in limits.items())
        say(f"{section} that will be left out: {told or 'none'}")
    say(f"written to {report.out}; apply it with curation preannotate --calibration")
