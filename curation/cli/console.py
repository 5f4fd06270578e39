"""What a terminal sees: human words and progress on stderr, one JSON object on stdout, one plain line on failure."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from curation.settings import Settings

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="The curation.toml to use; default: the nearest from here upwards.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object on stdout.")]


def console() -> Console:
    """The console for human words: stderr, so that stdout stays clean for `--json`."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One human line on stderr, printed as it is, indented or not: nothing in it is read as markup."""
    from curation.errors import one_line

    indent = " " * (len(text) - len(text.lstrip(" ")))
    print(indent + one_line(text, 2000), file=sys.stderr)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", left: Collection[str] = ()
) -> Table:
    """A table of words as they are: nothing in them is read as markup.

    The first column and those named in `left` begin at the left; the others are figures.
    """
    from rich.table import Table
    from rich.text import Text

    from curation.errors import one_line

    made = Table(box=None, pad_edge=False, title=Text(one_line(title)) if title else None, title_justify="left")
    for place, column in enumerate(columns):
        made.add_column(Text(one_line(column)), justify="left" if place == 0 or column in left else "right")
    for row in rows:
        made.add_row(*(Text(one_line(cell)) for cell in row))
    return made


def done(report: dict[str, Any], as_json: bool) -> None:
    """The machine's line: with `--json` the counts as one object on stdout."""
    if as_json:
        print(json.dumps(report, ensure_ascii=False, default=str), flush=True)


def project_from(file: Path | None) -> Settings:
    """The project a command works on."""
    from curation.settings import load_settings

    return load_settings(file)


class Tick(Protocol):
    """Shows how much is done, of how much, and for how many seconds it will go on, as far as these are known."""

    def __call__(self, count: int, total: int | None = None, seconds_left: float | None = None) -> None:
        """So much is done."""


@contextmanager
def progress(what: str) -> Iterator[Tick]:
    """A counter on stderr while a job runs; on a terminal it moves, elsewhere it stays silent."""
    if not sys.stderr.isatty():
        yield lambda count, total=None, seconds_left=None: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[done]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task(what, total=None, done="")

        def tick(count: int, total: int | None = None, seconds_left: float | None = None) -> None:
            of = "" if total is None else f" of {total:,}"
            left = "" if seconds_left is None else f", about {_duration(seconds_left)} left"
            bar.update(task, done=f"{count:,}{of}{left}")

        yield tick


def _duration(seconds: float) -> str:
    """Rounded to what an estimate can know."""
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
