"""`curation init`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from curation.cli.console import JsonOption, done, say


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    sample: Annotated[bool, typer.Option("--sample", help="Take the sample articles along.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a new project. In it: curation.toml, a label schema to start from, a folder for articles."""
    from curation.jobs.init import init as job

    made = job(folder, sample=sample)
    if sample:
        say(f"project made in {folder}, with the sample articles")
    else:
        say(f"project made in {folder}; put articles into {folder / 'corpus' / 'articles'}")
        say(f"before you publish, state the licence of your annotations in {folder / 'curation.toml'}")
    there = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))}, "
    say(f"next: {there}curation preannotate, curation studio start, curation push")
    done({"folder": str(folder.resolve()), "files": [str(path) for path in made]}, as_json)
