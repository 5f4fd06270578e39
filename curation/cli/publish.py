"""`curation publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, ProjectOption, done, project_from, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("publish")(publish)


def publish(
    version: Annotated[
        str | None, typer.Option("--version", help="X.Y.Z; default: what the changes since the last release call for.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Allow a version lower than the changes call for.")] = False,
    hub: Annotated[str | None, typer.Option("--hub", metavar="ORG/NAME", help="Publish to the Hub as well.")] = None,
    snapshot: Annotated[Path | None, typer.Option("--snapshot", help="Default: the latest.")] = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a release folder of what was reviewed: Parquet, a card, splits, a manifest."""
    from curation.jobs.publish import publish as job

    report = job(project_from(project), version=version, force=force, hub=hub, snapshot=snapshot)
    release = report.release
    splits = ", ".join(f"{count} {name}" for name, count in release.splits.items())
    say(f"v{release.version}: {release.articles} articles ({splits})" + (", unchanged" if release.unchanged else ""))
    say(f"release in {release.folder}")
    if report.hub:
        say(f"published at {report.hub}")
    done(report.model_dump(mode="json"), as_json)
