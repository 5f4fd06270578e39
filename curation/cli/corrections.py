"""`curation corrections`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, progress, project_from, say, table

if TYPE_CHECKING:
    from curation.review.corrections import Became, Corrections, Fates, Group

SHOWN = 8
"""How many changes of labels are told; `--json` has them all."""
_FATES = ("kept", "attributes", "type", "border", "both", "removed", "added")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("corrections")(corrections)


def corrections(
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", help="Folder of a snapshot; default: the latest.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also by type and role, what became of labels, attributes and borders.")
    ] = False,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """What people made of the pre-annotations. Kept, changed, removed, added; and what it cost them."""
    from curation.jobs.corrections import corrections as job

    with progress("annotations looked at") as tick:
        report = job(project_from(project), snapshot=snapshot, on_progress=tick)
    for note in report.notes:
        say(note)
    if report.corrections is not None:
        _print(report.corrections, everything)
    done(report.model_dump(mode="json"), as_json)
    if report.corrections is None:
        raise typer.Exit(1)


def _print(found: Corrections, everything: bool) -> None:
    screen = console()
    screen.width = max(screen.width, 110)  # the tables need that much, also where stderr is no terminal
    say(f"{found.all.annotations} annotations that started from a prediction")
    parts = {"entities": found.all.entities, "triggers": found.all.triggers, "arguments": found.all.arguments}
    columns = ("predicted", "accepted", *_FATES)
    screen.print(table(("", *columns), ([name, *_row(fates)] for name, fates in parts.items())))
    by = {"engine": found.by_engine, "annotator": found.by_annotator, "week": found.by_week}
    titles = ("annotations", "entities", "triggers", "arguments", "median s", "effort")
    for name, groups in by.items():
        rows = ([key, *_group(group)] for key, group in groups.items())
        screen.print(table((f"accepted, by {name}", *titles), rows))
    times, effort = found.all.times, found.all.effort
    if times.seconds:
        low, middle, high = times.seconds
        say(f"seconds an annotation: median {middle:.0f}, middle half {low:.0f} to {high:.0f}, of {times.timed}")
    if effort.ratio is not None:
        say(f"correction effort {effort.ratio:.2f}: {effort.cost} clicks and keys instead of {effort.blank_cost}")
    if not everything:
        say("by type and role, what became of labels, attributes and borders: --all")
        return
    for section, labels in found.by_label.items():
        label = "role" if section == "arguments" else "type"
        rows = ([key, *_row(fates)] for key, fates in labels.items())
        screen.print(table((f"{section} by {label}", *columns), rows))
        if changes := found.became[section][:SHOWN]:
            say(f"{section}, what became of labels: {_told(changes)}")
    for one in found.attributes:
        became = f": {_told(one.became[:SHOWN])}" if one.became else ""
        say(f"{one.name} of {one.of}: {one.kept} kept, {one.changed} changed{became}")
    for section, borders in found.borders.items():
        moved = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in borders.model_dump().items() if count)
        say(f"{section}, borders: {moved or 'none moved'}")


def _row(fates: Fates) -> list[str]:
    counts = (fates.kept, fates.attributes, fates.type, fates.border, fates.type_and_border, fates.removed, fates.added)
    return [str(fates.predicted), _share(fates.acceptance), *map(str, counts)]


def _group(group: Group) -> list[str]:
    accepted = [_share(part.acceptance) for part in (group.entities, group.triggers, group.arguments)]
    seconds = f"{group.times.seconds[1]:.0f}" if group.times.seconds else "–"
    effort = "–" if group.effort.ratio is None else f"{group.effort.ratio:.2f}"
    return [str(group.annotations), *accepted, seconds, effort]


def _told(became: Iterable[Became]) -> str:
    return ", ".join(f"{one.said or '(nothing)'} → {one.made or '(nothing)'} {one.count}" for one in became)


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.3f}"
