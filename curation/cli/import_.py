"""`curation import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, project_from, say
from curation.cli.export import FormatOption


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("import")(import_)


def import_(
    source: Annotated[Path, typer.Argument(help="The file to read; a folder for brat.")],
    format: FormatOption,
    out: Annotated[Path, typer.Option("--out", help="Write the annotations there, as JSON lines.")],
    articles_out: Annotated[
        Path | None,
        typer.Option("--articles-out", help="Articles the project does not have; default: beside --out."),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", help="The labels are those of this ontology, one of the schema's `elsewhere`."),
    ] = None,
    annotator: Annotated[str, typer.Option("--annotator", help="Who annotated: a pseudonym.")] = "import",
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Annotations from the files of a trainer or tool. With --mapping in the project's labels."""
    from curation.jobs.import_ import import_ as job

    report = job(
        project_from(project),
        source,
        format=format,
        out=out,
        articles_out=articles_out,
        mapping=mapping,
        annotator=annotator,
    )
    for problem in report.problems:
        say(problem)
    if report.findings > len(report.problems):
        say(f"… and {report.findings - len(report.problems)} more like these")
    say(
        f"{report.annotations} annotations: {report.entities} entities, {report.events} events, "
        f"{report.arguments} arguments, in {report.out}"
    )
    if report.new_articles:
        say(f"{report.new_articles} articles that the project does not have, in {report.articles_out}")
    if report.lost:
        say("left out: " + ", ".join(f"{count} {kind}" for kind, count in report.lost.items()))
    done(report.model_dump(mode="json"), as_json)
