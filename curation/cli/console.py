"""What a terminal sees: human words and progress on stderr, one JSON object on stdout, one plain line on failure."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from curation.project import Project

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="The curation.toml to use; default: the nearest from here upwards.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object on stdout.")]


def console() -> Console:
    """The console for human words: stderr, so that stdout stays clean for `--json`."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One human line on stderr, printed as it is: nothing in it is read as markup."""
    from curation.errors import one_line

    print(one_line(text, 2000), file=sys.stderr)


def done(report: dict[str, Any], as_json: bool) -> None:
    """The machine's line: with `--json` the counts as one object on stdout."""
    if as_json:
        print(json.dumps(report, ensure_ascii=False, default=str), flush=True)


def project_from(file: Path | None) -> Project:
    """The project a command works on."""
    from curation.project import load_project

    return load_project(file)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None]]:
    """A counter on stderr while a job runs; on a terminal it moves, elsewhere it stays silent. Call it with a total."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.update(task, completed=count)
