"""`curation agreement`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, progress, project_from, say, table

if TYPE_CHECKING:
    from curation.jobs.agreement import AgreementReport
    from curation.review.agreement import Agreement, Figures, SectionFigures
    from curation.review.alpha import Alpha
    from curation.review.gamma import Gamma
    from curation.review.matrices import Matrix

SHOWN = 8
"""How many differences of a matrix are told; `--json` has them all."""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("agreement")(agreement)


def agreement(
    sets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SET SET …]",
            help="Sets to compare, not the people of a snapshot: .jsonl of annotations or folders of inline files.",
        ),
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", help="Folder of a snapshot; default: the latest.")
    ] = None,
    gamma: Annotated[bool, typer.Option("--gamma", help="Measure gamma as well, on a sample (extra `gamma`).")] = False,
    gamma_seconds: Annotated[float, typer.Option("--gamma-seconds", min=1, help="Most seconds for gamma.")] = 60.0,
    everything: Annotated[
        bool, typer.Option("--all", help="Also by type and role, and who differs from whom on what.")
    ] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """How far annotators agree on entities, triggers and arguments. F1, alpha, and who differs from whom on what."""
    if sets and snapshot:
        raise typer.BadParameter("give sets or --snapshot, not both")
    if sets and len(sets) == 1:
        raise typer.BadParameter("give two sets or more; none: the people of the latest snapshot")
    from curation.jobs.agreement import agreement as job

    with progress("articles compared") as tick:
        report = job(
            project_from(project),
            *(sets or ()),
            snapshot=snapshot,
            gamma_seconds=gamma_seconds if gamma else 0.0,
            on_progress=tick,
        )
    for note in report.notes:
        say(note)
    if report.agreement is not None:
        _print(report, report.agreement, everything)
    done(report.model_dump(mode="json"), as_json)
    if report.agreement is None:
        raise typer.Exit(1)


def _print(report: AgreementReport, found: Agreement, everything: bool) -> None:
    screen = console()
    screen.width = max(screen.width, 110)  # the tables need that much, also where stderr is no terminal
    two = len(found.pairs) == 1
    shown = "both" if two else "all pairs"
    sides = (f"only {found.pairs[0].first}", f"only {found.pairs[0].second}") if two else ("only first", "only second")
    screen.print(
        table(
            ("", "F1", "95 %", f"in {shown}", *sides),
            ([name, *_figures(figures)] for name, figures in _rows(found)),
            title=f"{found.articles} articles by two or more of {', '.join(found.annotators)}",
        )
    )
    if not two:
        pairs = [
            [
                f"{pair.first} – {pair.second}",
                str(pair.articles),
                *map(_exact, (pair.entities, pair.triggers, pair.arguments)),
            ]
            for pair in found.pairs
        ]
        means = [_f1(one.mean_of_pairs.f1 if one.mean_of_pairs else None) for one in _sections(found).values()]
        titles = ("pair by pair, exact F1", "articles", *_sections(found))
        screen.print(table(titles, [*pairs, ["mean of the pairs", "", *means]]))
    chance = ("beyond chance", "", "95 %", "measured on")
    screen.print(table(chance, _chance(report, found), left=("measured on",)))
    differ = {one.article_id: one.entities + one.triggers + one.arguments for one in found.disagreements}
    worst = sorted((name for name in differ if differ[name]), key=lambda name: -differ[name])[:SHOWN]
    if worst:
        say(f"most differences: {', '.join(f'{name} {differ[name]}' for name in worst)}")
    if not everything:
        say("by type and role, and who differs from whom on what: --all")
        return
    for name, section in _sections(found).items():
        by = "role" if name == "arguments" else "type"
        rows = ([label, *_figures(figures)] for label, figures in section.by_type.items())
        screen.print(table((f"{name} by {by}, exact", "F1", "95 %", f"in {shown}", *sides), rows))
        told = getattr(found.pairs[0], name) if two else section
        who = " / ".join(found.annotators) if two else "one / the other"
        if cells := _cells(told.matrix, two):
            say(f"{name}, what {who} say: {cells}")
        for label, values in told.attributes.items():
            cells = _cells(values.matrix, two)
            say(f"{label} of {name} in {shown}: the same in {values.same} of {values.items}{cells and f'; {cells}'}")


def _cells(matrix: Matrix, two: bool) -> str:
    cells = [cell for cell in matrix.cells() if two or cell[1] <= cell[2]][:SHOWN]
    return ", ".join(f"{one} / {other} {count}" for count, one, other in cells)


def _sections(found: Agreement) -> dict[str, SectionFigures]:
    return {"entities": found.entities, "triggers": found.triggers, "arguments": found.arguments}


def _rows(found: Agreement) -> Iterator[tuple[str, Figures]]:
    for name, section in _sections(found).items():
        given = " of events in both" if name == "arguments" else ""
        if section.end_to_end is not None:
            yield name, section.end_to_end
        yield f"{name}{given}", section.exact
        yield f"{name}{given}, any {'role' if given else 'type'}", section.span
        yield f"{name}{given}, any overlap", section.overlap
        yield f"{name}{given}, partial", section.partial


def _chance(report: AgreementReport, found: Agreement) -> Iterator[list[str]]:
    for name in ("entities", "triggers"):
        alpha: Alpha | None = _sections(found)[name].alpha
        if alpha is not None and alpha.characters:
            on = f"{alpha.characters:,} characters of {alpha.articles} articles"
            yield [f"{name}, Krippendorff's alpha", _f1(alpha.alpha), _interval(alpha.interval), on]
    for name, gamma in (report.gamma or {}).items():
        figure: Gamma = gamma
        left = f", {figure.not_reached} more had no turn" if figure.not_reached else ""
        yield [f"{name}, gamma", _f1(figure.gamma), _interval(figure.interval), f"{figure.articles} articles{left}"]


def _figures(figures: Figures) -> list[str]:
    counts = (figures.both, figures.only_first, figures.only_second)
    return [_f1(figures.f1), _interval(figures.interval), *(f"{count:g}" for count in counts)]


def _exact(section: SectionFigures) -> str:
    return _f1(section.exact.f1)


def _f1(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.3f}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else "{:.3f}–{:.3f}".format(*interval)
