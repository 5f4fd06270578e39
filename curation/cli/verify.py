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
    release: Annotated[Path, typer.Argument(help="A release folder, such as work/releases/v0.1.0.")],
    as_json: JsonOption = False,
) -> None:
    """Hash a release again and compare it with its manifest."""
    from curation.release.integrity import verify as job

    problems = job(release)
    for problem in problems:
        say(f"differs: {problem}")
    say(f"{release}: " + (f"{len(problems)} problems" if problems else "is what its manifest says"))
    done({"release": str(release), "problems": problems}, as_json)
    if problems:
        raise typer.Exit(1)
