"""`curation export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, project_from, say


class OnLossChoice(StrEnum):
    """What to do with what the format cannot hold."""

    FAIL = "fail"
    DROP = "drop"
    SNAP = "snap"


FormatOption = Annotated[
    str,
    typer.Option("--format", help="spacy, spancat, gliner, gliner2, hf-ner, conll, brat, oneie, wikievents or jsonl."),
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("export")(export)


def export(
    source: Annotated[
        Path, typer.Argument(help="A release folder, a .jsonl of annotations, or a folder of inline files.")
    ],
    format: FormatOption,
    out: Annotated[
        Path,
        typer.Option("--out", help="The file to write; a folder for brat, and for a release without --split."),
    ],
    split: Annotated[str | None, typer.Option("--split", help="Only this split of a release.")] = None,
    on_loss: Annotated[
        OnLossChoice,
        typer.Option(
            "--on-loss", help="What the format cannot hold: fail, drop it, or snap spans to its tokens first."
        ),
    ] = OnLossChoice.DROP,
    triggers: Annotated[
        bool, typer.Option("--triggers", help="Formats without events: write triggers as spans of their event type.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only so many articles, the first.")] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Annotated articles in the format of a trainer or tool. Says what that format could not hold."""
    from curation.jobs.export import export as job
    from curation.jobs.export import is_release

    report = job(
        source,
        format=format,
        out=out,
        project=None if is_release(source) else project_from(project),
        split=split,
        on_loss=on_loss.value,
        triggers=triggers,
        limit=limit,
    )
    for problem in report.problems:
        say(problem)
    say(
        f"{report.articles} articles: {report.entities} entities, {report.events} events, "
        f"{report.arguments} arguments, in {', '.join(report.files)}"
    )
    lost = ", ".join(f"{count} {kind}" for kind, count in report.lost.items())
    say(f"{report.format} could not hold: {lost}" if lost else f"{report.format} holds all of it")
    done(report.model_dump(mode="json"), as_json)
