"""`curation publish`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import SET_ASIDE, JsonOption, ProjectOption, done, project_from, say

BARRED = {"licence": "under another licence", "withdrawn": "on the takedown list"}


class SplitBy(StrEnum):
    """What decides on the splits."""

    hash = "hash"
    time = "time"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("publish")(publish)


def publish(
    version: Annotated[
        str | None, typer.Option("--version", help="X.Y.Z; default: what the changes since the last release call for.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Allow a version lower than the changes call for.")] = False,
    hub: Annotated[str | None, typer.Option("--hub", metavar="ORG/NAME", help="Publish to the Hub as well.")] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="Publish to other storage as well, such as s3://BUCKET/FOLDER."),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", help="Leave out articles under any other licence; give it once for each."),
    ] = None,
    engine_only: Annotated[
        bool, typer.Option("--engine-only", help="Take in, marked, what an engine alone annotated.")
    ] = False,
    split: Annotated[
        SplitBy | None, typer.Option("--split", help="What decides on the splits of a first release; default: hash.")
    ] = None,
    allow_shrink: Annotated[
        bool,
        typer.Option("--allow-shrink", help="Leave out more than 5 % of the last release's articles or corrections."),
    ] = False,
    snapshot: Annotated[Path | None, typer.Option("--snapshot", help="Default: the latest.")] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a release of what was reviewed. A folder with Parquet, a card, splits and a manifest.

    Exit code 3: the release is made, and articles on which people differ were set aside.
    """
    from curation.jobs.publish import publish as job
    from curation.jobs.undecided import DECIDE, LISTED

    report = job(
        project_from(project),
        version=version,
        force=force,
        hub=hub,
        to=to,
        snapshot=snapshot,
        licences=tuple(licence or ()),
        engine_only=engine_only,
        split=split.value if split else None,
        allow_shrink=allow_shrink,
    )
    release = report.release
    splits = ", ".join(f"{count} {name}" for name, count in release.splits.items())
    say(f"v{release.version}: {release.articles} articles ({splits})" + (", unchanged" if release.unchanged else ""))
    for why, count in release.barred.items():
        say(f"left out: {count} articles, {BARRED[why]}")
    if release.left_out:
        say(f"in the release before, not in this one: {_named(release.left_out)}")
    if release.without_corrections:
        say(f"had corrections in the release before, have none in this one: {_named(release.without_corrections)}")
    if report.undecided:
        say(
            f"undecided: people differ on {_articles(len(report.undecided))}, of which {report.kept} kept as in the "
            f"release before, {report.waiting} not in the release; {DECIDE}"
        )
        for one in report.undecided[:LISTED]:
            say(f"  {'kept' if one.kept else 'waits'}: {one}")
        if len(report.undecided) > LISTED:
            say(f"  … and {len(report.undecided) - LISTED} more, all of them with --json")
    say(f"release in {release.folder}")
    if report.hub:
        say(f"published at {report.hub}")
    if report.target:
        say(f"published at {report.target}")
    done(report.model_dump(mode="json"), as_json)
    if report.undecided:
        raise typer.Exit(SET_ASIDE)


def _articles(count: int) -> str:
    return "1 article" if count == 1 else f"{count:,} articles"


def _named(ids: tuple[str, ...]) -> str:
    named = ", ".join(ids[:20]) + (", …" if len(ids) > 20 else "")
    return f"{_articles(len(ids))} ({named})"
