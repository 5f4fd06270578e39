"""`curation check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, console, done, progress, project_from, say

if TYPE_CHECKING:
    from curation.jobs.check import CheckReport


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("check")(check)


def check(
    place: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|FOLDER]",
            help="A .jsonl of annotations or of the neutral form, or a folder of inline files; "
            "default: what counts in the latest snapshot.",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only findings of this kind; may be repeated.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=10_000, help="How many to show, the likeliest first.")] = 50,
    preannotations: Annotated[
        Path | None,
        typer.Option("--preannotations", help="A .jsonl of an engine as second opinion; default: what was sent."),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", help="The neutral file is in the labels of this ontology, one of `elsewhere`."),
    ] = None,
    dismiss: Annotated[
        list[str] | None, typer.Option("--dismiss", metavar="ID", help="This finding is no mistake; may be repeated.")
    ] = None,
    why: Annotated[str, typer.Option("--why", help="Why what is dismissed is right.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who dismisses it.")] = "",
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find likely mistakes in annotations, the likeliest first. What was dismissed is not shown again."""
    from curation.jobs.check import MOST
    from curation.jobs.check import dismiss as record
    from curation.jobs.check import find as job

    if (why or by) and not dismiss:
        raise typer.BadParameter("--why and --by go with --dismiss")
    here = project_from(project)
    with progress("articles read") as tick:
        report = job(
            here,
            place,
            kinds=kind or (),
            preannotations=preannotations,
            mapping=mapping,
            limit=MOST if dismiss else top,
            on_progress=tick,
        )
    if dismiss:
        _dismiss(report, dismiss, lambda ids: record(here, ids, why, by), as_json)
        return
    _print(report)
    done(report.model_dump(mode="json"), as_json)


def _dismiss(report: CheckReport, wanted: list[str], record: Callable[[list[str]], int], as_json: bool) -> None:
    """Record each finding that was named, with all that is said of the same span."""
    from curation.errors import BadInput

    by_id = {name: finding for finding in report.findings for name in finding.ids}
    for name in wanted:
        if name not in by_id:
            way_out = "take an id that `curation check` prints for the same file or folder"
            raise BadInput(f"{name} is no finding here, or was dismissed before", field="dismiss", way_out=way_out)
    new = record([name for one in wanted for name in by_id[one].ids])
    say(f"dismissed: {len(set(wanted))} findings")
    done({"dismissed": len(set(wanted)), "recorded": new}, as_json)


def _print(report: CheckReport) -> None:
    from rich.text import Text

    from curation.errors import one_line
    from curation.jobs.check import WORTH

    screen = console()
    for problem in report.problems:
        say(problem)
    if report.unused > len(report.problems):
        say(f"… and {report.unused - len(report.problems)} more like these")
    beside = f", beside {report.second_opinion}" if report.second_opinion else ", without a second opinion"
    say(f"{report.checked}: {report.articles} articles checked{beside}")
    for finding, context in zip(report.findings, report.contexts, strict=True):
        place = f"{finding.article_id} {finding.spans[0].start}–{finding.spans[0].end} {finding.annotator}"
        say("")
        screen.print(
            Text.assemble(
                (f"{finding.score:.2f} ", "bold"), (finding.kind, "cyan"), f"  {finding.id}  {one_line(place)}"
            )
        )
        before, text, after = (_flat(part) for part in (context.before, context.text, context.after))
        screen.print(Text.assemble("  …", before, ("[" + text + "]", "bold reverse"), after, "…"))
        screen.print(Text("  " + one_line(finding.message)))
        for other in finding.also:
            screen.print(Text("  " + one_line(other.message), style="dim"))
    say("")
    counts = ", ".join(f"{kind} {count}" for kind, count in report.kinds.items())
    say(
        f"{report.found} findings, {report.worth} of them worth a look (a score of {WORTH} or more), "
        f"{len(report.findings)} shown; {report.dismissed} dismissed"
    )
    say(f"found: {counts or 'nothing'}")


def _flat(text: str) -> str:
    """On one line, with nothing that a terminal would obey."""
    from curation.errors import visible

    return "".join(" " if char.isspace() else char for char in visible(text))
