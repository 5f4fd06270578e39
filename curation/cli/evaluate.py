"""`curation evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, progress, project_from, say
from curation.cli.engine_options import EngineOption, EngineOptions, ModelOption, engine_options

if TYPE_CHECKING:
    from rich.table import Table

    from curation.jobs.evaluate import EvaluateReport
    from curation.review.evaluate import Figures
    from curation.review.mistakes import Example, Side


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("evaluate")(evaluate)


def evaluate(
    gold: Annotated[
        Path | None,
        typer.Option(
            "--gold",
            metavar="FILE|FOLDER",
            help="Folder of inline files, or .jsonl of annotations or of the neutral form; default: the project's.",
        ),
    ] = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    option: EngineOptions = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", help="Measure the annotations in this .jsonl instead of an engine.")
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", help="The gold is in the labels of this ontology, one of the schema's `elsewhere`."),
    ] = None,
    conventions: Annotated[
        bool,
        typer.Option(help="Mark what was said as the gold's corpus marks, by MAPPING.mapping.yaml beside the schema."),
    ] = True,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only so many articles, the first.")] = None,
    examples: Annotated[int, typer.Option("--examples", min=0, help="Examples of each kind of mistake.")] = 3,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with figures and texts there.")] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure an engine, or a file of annotations, against gold. How much is right, and what correcting it costs."""
    if annotations is not None and (engine is not None or model is not None or option):
        raise typer.BadParameter("give --engine or --annotations, not both")
    from curation.jobs.evaluate import evaluate as job

    with progress("articles measured") as tick:
        report = job(
            project_from(project),
            gold=gold,
            engine=engine,
            model=model,
            options=engine_options(option),
            annotations=annotations,
            mapping=mapping,
            conventions=conventions,
            limit=limit,
            examples=examples,
            html=html,
            on_progress=tick,
        )
    _print(report)
    done(report.model_dump(mode="json"), as_json)
    if report.failed:
        raise typer.Exit(1)


def _print(report: EvaluateReport) -> None:
    screen = console()
    screen.width = max(screen.width, 110)  # the tables need that much, also where stderr is no terminal
    for problem in report.problems:
        say(problem)
    more = report.failed + report.findings + report.unused - len(report.problems)
    if more > 0:
        say(f"… and {more} more like these")
    mapped = f", in the labels of {report.mapping}" if report.mapping else ""
    say(f"{report.measured} against {report.gold}{mapped}: {report.articles} articles")
    if report.conventions:
        say(f"marked as that corpus marks: {report.conventions}")
    sections = list(_sections(report))
    table = _table("", "", "precision", "recall", "F1", "95 %", "right", "too many", "missed")
    for name, section in sections:
        for place, (called, figures) in enumerate(section.rows()):
            first = (f"{name}, {section.counted}", "bold") if place == 0 else ("", None)
            table.add_row(first[0], called, *_figures(figures), style=first[1])
    screen.print(table)
    for name, section in sections:
        say("")
        by = "role" if name == "arguments" else "type"
        table = _table(f"{name} by {by}, exact", "precision", "recall", "F1", "", "right", "too many", "missed")
        for type_, figures in section.by_type.items():
            table.add_row(_plain(type_), *_figures(figures))
        screen.print(table)
        say(f"{name}, errors: " + ", ".join(f"{count} {kind}" for kind, count in section.errors.items()))
        if section.confusions:
            say("  confused: " + ", ".join(f"{one.gold} as {one.said} {one.items}" for one in section.confusions))
        for example in section.examples:
            say(f"  {_told(example)}")
        if scores := section.calibration:
            auroc = "–" if scores.auroc is None else f"{scores.auroc:.3f}"
            say(f"{name}, scores: ECE {scores.ece:.3f}, Brier {scores.brier:.3f}, AUROC {auroc} over {scores.items}")
    say("")
    if effort := report.effort:
        interval = "" if effort.ratio_interval is None else " ({:.2f}–{:.2f})".format(*effort.ratio_interval)
        parts = ", ".join(f"{name} {part:.2f}" for name, part in effort.sections.items() if part is not None)
        say(
            f"correction effort {effort.ratio:.2f}{interval} of starting blank: {effort.cost} clicks and keys "
            f"instead of {effort.blank_cost}, {effort.counted}; {parts}"
        )
    if speed := report.throughput:
        say(f"{speed.documents_per_second:.1f} articles a second ({speed.seconds:.1f} s, one process)")
    if report.html:
        say(f"page: {report.html}")


def _sections(report: EvaluateReport) -> Iterator[tuple[str, Any]]:
    for name in ("entities", "triggers", "arguments"):
        section = getattr(report, name)
        if section is None:
            say(f"{name}: not scored, the gold has none")
        else:
            yield name, section


def _figures(figures: Figures) -> list[str]:
    interval = "" if figures.f1_interval is None else "{:.3f}–{:.3f}".format(*figures.f1_interval)
    shares = (f"{share:.3f}" for share in (figures.precision, figures.recall, figures.f1))
    return [*shares, interval, *(f"{count:g}" for count in (figures.tp, figures.fp, figures.fn))]


def _told(example: Example) -> str:
    def side(name: str, what: Side | None) -> list[str]:
        return [] if what is None else [f"{name} “{what.text}” {what.type}"]

    sides = ", ".join(side("gold", example.gold) + side("said", example.said))
    of = f" of {example.trigger}" if example.trigger else ""
    return f"{example.kind}: {sides}{of}: …{example.before}[{example.text}]{example.after}… {example.article}"


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 or not column else "right")
    return table


def _plain(text: str) -> Any:
    """A label from a file, as it is: rich reads no markup in it."""
    from rich.text import Text

    from curation.errors import one_line

    return Text(one_line(text))
