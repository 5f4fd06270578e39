"""Options of commands, declared once: in the signature of the job, as `Annotated[type, Option("help", …)]`.

The terminal builds its commands from these signatures (`curation/cli/command.py`); Python callers see plain functions.
Options that several commands share are aliases below.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

from curation.errors import WrongUsage


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Args:
        help: one sentence for `--help`.
        name: its name on the command line; default: that of the parameter, with hyphens. `--yes/--no` for a switch
            that is on by default.
        metavar: the placeholder of the value in `--help`.
        min: smallest number that is allowed.
        max: largest number that is allowed.
        old: earlier names, still read but not shown.
        parse: makes the value from the words of an option that may be repeated; raises WrongUsage.
        complete: the words that shells offer.
    """

    help: str
    name: str | None = None
    metavar: str | None = None
    min: float | None = None
    max: float | None = None
    old: tuple[str, ...] = ()
    parse: Callable[[list[str]], Any] | None = None
    complete: Callable[[], Iterable[str]] | None = None


@dataclass(frozen=True)
class Argument:
    """A positional argument of a command: one sentence of help, and its placeholder."""

    help: str
    metavar: str | None = None


@dataclass(frozen=True)
class Counts:
    """Marks the progress callback of a job, and names the counted things on the terminal."""

    what: str


@dataclass(frozen=True)
class WithJson:
    """Marks a switch of a job that is on with `--json`: more than the terminal shows."""


@dataclass(frozen=True)
class Messages:
    """Marks the parameter of a job that takes a function for its messages, one line each."""


class OnProgress(Protocol):
    """A progress callback: `count` done of `total`, about `seconds_left` to go; None where a job does not know it."""

    def __call__(self, count: int, total: int | None = None, seconds_left: float | None = None) -> None:
        """Called after each step."""


def silent(count: int, total: int | None = None, seconds_left: float | None = None) -> None:
    """The default progress callback: shows nothing."""


def named_values(words: Sequence[str], form: str = "NAME=VALUE") -> dict[str, Any]:
    """`NAME=VALUE` words by name. A value is read as TOML (`0.4`, `true`, `["en", "ar"]`), else as plain text.

    Raises:
        WrongUsage: a word has another form.
    """
    options: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not name or not sign:
            raise WrongUsage(f"{word!r} is not {form}", field="--option")
        try:
            options[name] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            options[name] = value
    return options


def _registered(group: str) -> list[str]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=group).names)


def _engines() -> list[str]:
    return _registered("curation.engines")


def _formats() -> list[str]:
    return _registered("curation.formats")


EngineName = Annotated[str | None, Option("Name of the engine; default: the project's.", complete=_engines)]
EngineModel = Annotated[str | None, Option("Model of the engine: a name or a folder.")]
EngineOptions = Annotated[
    Mapping[str, Any] | None,
    Option(
        "An option of the engine (docs/engines.md), such as threshold=0.4; may be repeated.",
        name="--option",
        metavar="NAME=VALUE",
        parse=named_values,
    ),
]
FormatName = Annotated[
    str,
    Option(
        "spacy, spancat, gliner, gliner2, hf-ner, conll, brat, oneie, wikievents, jsonl, or another one installed.",
        complete=_formats,
    ),
]
GoldFile = Annotated[
    Path | None,
    Option(
        "Reviewed annotations: a folder of inline files, or a .jsonl of annotations; default: the project's.",
        metavar="FILE|FOLDER",
    ),
]
SnapshotFolder = Annotated[Path | None, Option("Folder of a snapshot; default: the latest.")]
ArticleSources = Annotated[
    Sequence[str] | None,
    Option("File, folder or glob of .txt, .jsonl, .csv, .parquet; default: the project's; may be repeated."),
]
ResendDeleted = Annotated[bool, Option("Send tasks again that were deleted in Label Studio.")]
