"""`curation verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, done, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("verify")(verify)


def verify(
    release: Annotated[
        str, typer.Argument(help="A release: its folder, such as work/releases/v0.1.0, or s3://BUCKET/FOLDER/v0.1.0.")
    ],
    content: Annotated[
        bool, typer.Option("--content", help="Read every row too: recompute counts and the hash of the content.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare a release with its manifest: the hash of every file, row counts, and the manifest's own hash."""
    from curation.release.integrity import verify as job
    from curation.release.targets import fetched, is_address

    if is_address(release):
        with fetched(release) as folder:
            problems = job(folder, content=content)
    else:
        problems = job(Path(release), content=content)
    for problem in problems:
        say(f"differs: {problem}")
    say(f"{release}: " + (f"{len(problems)} problems" if problems else "is what its manifest says"))
    done({"release": release, "problems": problems}, as_json)
    if problems:
        raise typer.Exit(1)
