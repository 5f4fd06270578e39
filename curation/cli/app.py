"""The `curation` command: its commands in groups, the options before every command, and how failures end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import curation
from curation.cli.command import Command, LazyCommand
from curation.cli.console import fail, plain, say, show_log, traceback
from curation.errors import CurationError, one_line

HELP = "News articles in, reviewed event datasets out: preannotate, push, pull, publish."
INTERRUPTED = 130
"""Exit code after ctrl-C, as shells have it."""

GROUPS = {
    "Work": (
        Command(
            "preannotate",
            "preannotate:preannotate",
            "Let an engine annotate the articles. Entities, events with triggers and arguments, one annotation a line.",
        ),
        Command(
            "push",
            "push:push",
            "Send articles and pre-annotations to Label Studio. Run again, it sends only what is missing.",
        ),
        Command("pull", "pull:pull_command", "Bring back what people corrected, as an immutable snapshot."),
        Command(
            "publish",
            "publish:publish",
            "Make a release of what was reviewed. A folder with Parquet, a card, splits and a manifest.",
        ),
        Command("status", "status:status", "The stage of every article, as of the last push and pull."),
    ),
    "Quality": (
        Command(
            "review",
            "review:review_command",
            "Send back what people differ on. It becomes tasks in Label Studio, for someone to decide.",
        ),
        Command(
            "check",
            "check:check_command",
            "Find likely mistakes in annotations, the likeliest first. Dismissed findings are not shown again.",
        ),
        Command(
            "agreement",
            "agreement:agreement",
            "How far annotators agree on entities, triggers and arguments. F1, alpha, and who differs on what.",
        ),
        Command(
            "corrections",
            "corrections:corrections",
            "What people made of the pre-annotations. Kept, changed, removed, added; and what it cost them.",
        ),
        Command(
            "report",
            "report:report",
            "One HTML page on the state of the annotation. Progress, people, agreement, corrections, checks, texts.",
        ),
        Command(
            "evaluate",
            "evaluate:evaluate",
            "Measure an engine, or a file of annotations, against gold. How much is right, what correcting costs.",
        ),
        Command(
            "calibrate",
            "calibrate:calibrate",
            "Fit an engine's scores on corrected articles. And the scores below which its items are left out.",
        ),
        Command(
            "ensemble",
            "ensemble:ensemble",
            "Fit on corrected articles how several engines vote. `preannotate --engine ensemble` reads the file.",
        ),
    ),
    "Data": (
        Command(
            "export",
            "export:export",
            "Annotated articles in the format of a trainer or tool. Counts what that format cannot hold.",
        ),
        Command(
            "import",
            "import_:import_",
            "Annotations from the files of a trainer or tool. With --mapping in the project's labels.",
        ),
        Command(
            "compile",
            "compile:compile_inline",
            "Check inline annotations. Against their articles and the schema; with --out write them with offsets.",
        ),
        Command("diff", "releases:diff", "What changed between two releases. By type, role, article and annotator."),
        Command("verify", "releases:verify", "Compare a release with its manifest: hashes and row counts."),
    ),
    "Upkeep": (
        Command(
            "init",
            "init:init",
            "Make a new project. In it: curation.toml, a label schema to start from, a folder for articles.",
        ),
        Command("doctor", "doctor:doctor", "What is missing or misconfigured, and how to fix it."),
        Command("studio", "", "A local Label Studio: start, status, stop."),
    ),
}
STUDIO = (
    Command(
        "start",
        "studio:start",
        "Start it and print its address. The first time it is installed, which takes about a minute.",
    ),
    Command("status", "studio:status", "Is it running, and where."),
    Command("stop", "studio:stop", "Stop it. Its data stays."),
)


class Commands(TyperGroup):
    """The commands, listed in groups. Each is built when it is called, so that `--help` imports no job."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for commands in GROUPS.values():
            for command in commands:
                self.add_command(LazyCommand(command) if command.where else _studio(command))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One list for each group; the names of all of them are aligned."""
        width = max(map(len, self.commands))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                room = formatter.width - width - 6
                formatter.write_dl(
                    [(one.name.ljust(width), self.commands[one.name].get_short_help_str(room)) for one in commands]
                )


def _studio(command: Command) -> TyperGroup:
    return TyperGroup(
        name=command.name,
        help=command.help,
        commands=[LazyCommand(one) for one in STUDIO],
        no_args_is_help=True,
        rich_markup_mode=None,
    )


app = typer.Typer(
    name="curation",
    cls=Commands,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        plain(curation.__version__)
        raise typer.Exit


@app.callback(help=HELP)
def _before(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    show_log()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Exit codes: 0 done; 3 done, but something was set aside and named; 1 refused or failed; 2 wrong usage; 130
    interrupted.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    # --debug is allowed anywhere, since people add it at the end of the line that failed.
    arguments = ["--debug"] * debug + [word for word in arguments if word != "--debug"]
    try:
        app(arguments, prog_name="curation")
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            say("interrupted; run the same command again, it goes on from there")
        raise
    except Exception as error:
        if debug:
            traceback(error)
        else:
            fail(_explain(error))
            for line in getattr(error, "details", ()):
                say(f"  {line}")
        sys.exit(1)


def _explain(error: Exception) -> str:
    if isinstance(error, CurationError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return one_line(f"{place}{error.strerror}; correct that and run the same command again")
    return one_line(f"{type(error).__name__}: {error}; this is a bug of ours, run again with --debug and report it")
