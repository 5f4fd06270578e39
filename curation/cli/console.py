"""Output of commands. Results go to stdout; progress, remarks and warnings to stderr; `--json` prints one object.

This is the only module that prints, so that text from outside is escaped and secrets are struck out in one place.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from curation.errors import escaped, redact
from curation.jobs.options import OnProgress, silent

if TYPE_CHECKING:
    from rich.console import Console

    from curation.result import Block, Result

WIDEST = 1000
"""Columns where the output is not a terminal: no table is wrapped in a file or a pipe."""
NARROWEST = 110
"""Columns that tables get on a terminal, which wraps them where it is narrower."""


def say(text: str) -> None:
    """A remark: one line on stderr."""
    print(escaped(text), file=sys.stderr, flush=True)


class _Remarks(logging.Handler):
    """Shows what the toolkit logs, each message once."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """One line on stderr."""
        message = record.getMessage()
        if message not in self.shown:
            self.shown.add(message)
            say(message)


def show_log() -> None:
    """Show on stderr what jobs log to `curation`, from now on."""
    log = logging.getLogger("curation")
    for handler in [handler for handler in log.handlers if isinstance(handler, _Remarks)]:
        log.removeHandler(handler)
    log.addHandler(_Remarks())


def plain(text: str) -> None:
    """A line on stdout, from us alone: it may hold a secret that the user asked for."""
    print(text, flush=True)


def show(blocks: Iterable[Block], *, as_json: bool = False) -> None:
    """Lines and tables on stdout; with `--json`, whose object has stdout for itself, on stderr."""
    from curation.result import renderable

    stream, console = (sys.stderr if as_json else sys.stdout), None
    for block in blocks:
        if isinstance(block, str):
            print(escaped(block), file=stream, flush=True)
        else:
            console = console or _console(stderr=as_json)
            console.print(renderable(block), soft_wrap=True)


def show_result(result: Result, as_json: bool, **display: Any) -> None:
    """All of a result: its remarks, its lines and tables, and with `--json` the object."""
    for remark in result.messages():
        say(remark)
    show(result.show(**display), as_json=as_json)
    if as_json:
        text = json.dumps(result.model_dump(mode="json"), ensure_ascii=False)
        print(text if result.holds_secrets else redact(text), flush=True)


def fail(text: str) -> None:
    """Why the command failed: one line on stderr."""
    say(f"error: {text}")


def traceback(error: BaseException) -> None:
    """The traceback on stderr, for `--debug`."""
    from traceback import format_exception

    print(redact("".join(format_exception(error))), file=sys.stderr, end="")


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """A counter on stderr while a job runs: `what` was counted. Silent where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[done]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, done="")

        def tick(count: int, total: int | None = None, seconds_left: float | None = None) -> None:
            of = "" if total is None else f" of {total:,}"
            left = "" if seconds_left is None else f", about {_duration(seconds_left)} left"
            bar.update(task, done=f"{count:,}{of}{left}")

        yield tick


def _console(*, stderr: bool) -> Console:
    """A console that colours on a terminal only, and not where NO_COLOR is set."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    console.width = max(console.width, NARROWEST) if console.is_terminal else WIDEST
    return console


def _duration(seconds: float) -> str:
    """Rounded to the precision of an estimate."""
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
