"""`curation ensemble`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, progress, project_from, say
from curation.cli.engine_options import engine_options


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("ensemble")(ensemble)


def ensemble(
    member: Annotated[
        list[str],
        typer.Option("--member", metavar="ENGINE[=MODEL]", help="An engine that votes; stands twice or more."),
    ],
    gold: Annotated[
        Path | None,
        typer.Option(
            "--gold",
            metavar="FILE|FOLDER",
            help="Corrected articles: a folder of inline files, or a .jsonl of annotations; default: the project's.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="ENGINE.NAME=VALUE", help="What else a member is told; may stand several times."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file; default: ensemble.json in work.")] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit on corrected articles how several engines vote. `preannotate --engine ensemble` reads the file."""
    from curation.jobs.ensemble import ensemble as job

    options: dict[str, dict[str, Any]] = {}
    for name, value in engine_options(option).items():
        engine, dot, which = name.partition(".")
        if not dot:
            raise typer.BadParameter(f"{name!r} is not ENGINE.NAME", param_hint="--option")
        options.setdefault(engine, {})[which] = value
    members = [(name, model or None) for name, _, model in (one.partition("=") for one in member)]
    with progress("articles read") as tick:
        report = job(project_from(project), members, gold=gold, options=options, out=out, on_progress=tick)
    for problem in report.problems:
        say(f"left out: {problem}")
    say(f"{report.articles} articles of {report.gold}, in {report.folds} parts; figures are of articles not fitted on")
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(("F1", *report.members, "ensemble", "ECE", "AUROC")):
        table.add_column(column, justify="right" if place else "left")
    for section, figures in report.figures.items():
        row = [f"{one.f1:.3f}" for one in (*figures.members, figures.ensemble)]
        table.add_row(section, *row, *("–" if one is None else f"{one:.3f}" for one in (figures.ece, figures.auroc)))
    screen = console()
    screen.width = max(screen.width, 110)
    screen.print(table)
    say(f"written to {report.out}; use it with curation preannotate --engine ensemble --model {report.out}")
    done(report.model_dump(mode="json"), as_json)
    if report.failed:
        raise typer.Exit(1)
