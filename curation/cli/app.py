"""The `curation` command: its options that stand before every command, and how failures leave it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import curation
from curation.cli import (
    agreement,
    calibrate,
    check,
    compile,
    corrections,
    diff,
    doctor,
    ensemble,
    evaluate,
    export,
    import_,
    init,
    preannotate,
    publish,
    pull,
    push,
    report,
    review,
    status,
    studio,
    verify,
)
from curation.errors import CurationError, one_line

app = typer.Typer(
    name="curation",
    help="News articles in, reviewed event datasets out: preannotate, push, pull, publish.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


INTERRUPTED = 130
"""Exit code after ctrl-C, as shells have it."""


def _version(wanted: bool) -> None:
    if wanted:
        print(curation.__version__)
        raise typer.Exit


@app.callback()
def _before(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """News articles in, reviewed event datasets out: preannotate, push, pull, publish."""


for module in (
    init,
    preannotate,
    push,
    pull,
    publish,
    status,
    report,
    review,
    studio,
    compile,
    agreement,
    corrections,
    evaluate,
    calibrate,
    ensemble,
    check,
    export,
    import_,
    diff,
    verify,
    doctor,
):
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    # --debug is allowed anywhere, since people add it at the end of the line that failed.
    arguments = ["--debug"] * debug + [word for word in arguments if word != "--debug"]
    try:
        app(arguments, prog_name="curation")
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            print("interrupted; run the same command again, it goes on from there", file=sys.stderr)
        raise
    except Exception as error:
        if debug:
            raise
        print(f"error: {_explain(error)}", file=sys.stderr)
        sys.exit(1)


def _explain(error: Exception) -> str:
    if isinstance(error, CurationError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return one_line(f"{place}{error.strerror}; mend that and run the same command again")
    return one_line(f"{type(error).__name__}: {error}; this is a bug of ours, run again with --debug and report it")
