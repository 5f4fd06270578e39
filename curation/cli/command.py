"""A command of the terminal, built from the signature of its job: each option is declared there and nowhere else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from curation.cli.console import progress, say, show_result
from curation.jobs.options import Argument, Counts, Messages, Option, WithJson

_PLACEHOLDERS: dict[Any, str] = {int: "N", float: "N", str: "TEXT", Path: "PATH"}
"""Placeholders of values in `--help`, where a job names none."""


class Command(NamedTuple):
    """A command: its name, MODULE:FUNCTION below `curation.jobs`, and its help, the first sentence for the overview."""

    name: str
    where: str
    help: str

    def function(self) -> Callable[..., Any]:
        """The job, imported now."""
        module, _, name = self.where.partition(":")
        found: Callable[..., Any] = getattr(import_module(f"curation.jobs.{module}"), name)
        return found


class LazyCommand(TyperCommand):
    """Stands for a command in the overview. The job is imported, and the options are built, when it is called."""

    def __init__(self, command: Command) -> None:
        super().__init__(command.name, help=command.help)
        self._command = command

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """The context of the built command."""
        return build(self._command).make_context(*arguments, **options)


def build(command: Command) -> Any:
    """The command with all options of its job."""
    terminal = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    call = _Call(command.function())

    def run(**given: Any) -> None:
        call(given)

    run.__signature__ = inspect.Signature(call.parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in call.parameters}
    terminal.command(command.name, help=command.help)(run)
    return typer.main.get_command(terminal)


class _Type(NamedTuple):
    """The type of a parameter as typer knows it: sequences of the job are lists of the terminal."""

    base: Any  # bool, int, float, str, Path or a Literal
    several: bool
    optional: bool

    @classmethod
    def of(cls, hint: Any) -> _Type:
        """The type of a hint, without its marks.

        Raises:
            TypeError: a value of this type cannot be given on a command line.
        """
        parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        optional = NoneType in parts
        bases = {part for part in parts if part is not NoneType}
        base = str if bases == {str, Path} else bases.pop()
        origin = get_origin(base)
        if base in _PLACEHOLDERS or base is bool or origin is Literal:
            return cls(base, False, optional)
        if origin is not None and issubclass(origin, Iterable):
            return cls(get_args(base)[0], True, True)
        raise TypeError(f"{hint} cannot be given on a command line")

    @property
    def hint(self) -> Any:
        """The hint for typer."""
        hint = list[self.base] if self.several else self.base  # type: ignore[name-defined]
        return hint | None if self.optional else hint


class _Call:
    """The parameters that the terminal shows for a job, and the call with what it gave for them."""

    def __init__(self, job: Callable[..., Any]) -> None:
        self.job = job
        self.parameters: list[inspect.Parameter] = []
        self._project: Literal["none", "optional", "required"] = "none"
        self._count: tuple[str, str] | None = None  # the parameter of the progress callback, and the counted things
        self._messages: str | None = None  # the parameter of a function for messages
        self._with_json: str | None = None  # the switch that is on with --json
        self._several: str | None = None  # the name of *arguments
        self._display: list[str] = []  # parameters of the result's `show`
        self._parsers: dict[str, Callable[[list[str]], Any]] = {}
        self._old_names: dict[str, str] = {}  # hidden parameter of an old name → the parameter
        hints = get_type_hints(job, include_extras=True)
        self._add_all(job, hints)
        for result in _results(hints["return"]):
            before = len(self.parameters)
            self._add_all(result.show, get_type_hints(result.show, include_extras=True))
            self._display += [parameter.name for parameter in self.parameters[before:]]
        if self._project != "none":
            help = "The curation.toml to use; default: the nearest from here upwards."
            self._option("project_file", Path | None, None, "--project", help, metavar="FILE")
        self._option("as_json", bool, False, "--json", "Print the counts as one JSON object on stdout.")
        self.parameters.sort(key=lambda parameter: parameter.default is not parameter.empty)

    def __call__(self, given: dict[str, Any]) -> None:
        """Run the job and show its result.

        Raises:
            typer.BadParameter: the job found wrong usage.
            typer.Exit: with the exit code of the result, where it is not 0.
        """
        from curation.errors import WrongUsage

        as_json = given.pop("as_json")
        if self._with_json is not None:
            given[self._with_json] = as_json
        display = {name: given.pop(name) for name in self._display}
        try:
            result = self._run(given)
            if isinstance(result, Iterator):
                for found in result:
                    if isinstance(found, Exception):
                        say(f"waiting: {found}")
                    else:
                        show_result(found, as_json)
                return
        except WrongUsage as error:
            raise typer.BadParameter(str(error)) from error
        show_result(result, as_json, **display)
        if result.exit_code:
            raise typer.Exit(result.exit_code)

    def _run(self, given: dict[str, Any]) -> Any:
        for old, name in self._old_names.items():
            value = given.pop(old)
            if value is not None:
                given[name] = value
        for name, parse in self._parsers.items():
            given[name] = parse(list(given[name])) if given[name] else None
        first = [] if self._project == "none" else [self._settings(given.pop("project_file"))]
        several = given.pop(self._several) or () if self._several else ()
        # an option that was not given is left to the default of the job
        named = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        named = {name: value for name, value in named.items() if value is not None}
        if self._messages is not None:
            named[self._messages] = say
        if self._count is None:
            return self.job(*first, *several, **named)
        name, what = self._count
        with progress(what) as tick:
            return self.job(*first, *several, **named, **{name: tick})

    def _settings(self, file: Path | None) -> Any:
        from curation.settings import find_settings, load_settings

        return load_settings(file) if file is not None or self._project == "required" else find_settings()

    def _add_all(self, function: Callable[..., Any], hints: dict[str, Any]) -> None:
        for parameter in inspect.signature(function).parameters.values():
            hint = hints.get(parameter.name)
            if parameter.name == "project":
                self._project = "optional" if NoneType in get_args(hint) else "required"
            elif get_origin(hint) is Annotated:
                type_, *marks = get_args(hint)
                for mark in marks:
                    self._add(parameter, type_, mark)

    def _add(self, parameter: inspect.Parameter, type_: Any, mark: Any) -> None:
        """The parameter for the terminal, as its mark says."""
        match mark:
            case Counts():
                self._count = parameter.name, mark.what
            case Messages():
                self._messages = parameter.name
            case WithJson():
                self._with_json = parameter.name
            case Argument():
                several = parameter.kind is parameter.VAR_POSITIONAL
                if several:
                    self._several = parameter.name
                hint = list[type_] | None if several else _Type.of(type_).hint
                metavar = mark.metavar or parameter.name.upper()
                info = typer.Argument(help=mark.help, metavar=metavar, show_default=False)
                self._parameter(parameter.name, hint, None if several else parameter.default, info)
            case Option():
                self._add_option(parameter, type_, mark)

    def _add_option(self, parameter: inspect.Parameter, type_: Any, mark: Option) -> None:
        required = parameter.default is parameter.empty
        if mark.parse is not None:
            self._parsers[parameter.name] = mark.parse
        known = _Type.of(type_) if mark.parse is None else _Type(str, several=True, optional=not required)
        hyphens = parameter.name.strip("_").replace("_", "-")
        flag = mark.name or (f"--{hyphens}/--no-{hyphens}" if parameter.default is True else f"--{hyphens}")
        extra: dict[str, Any] = {
            "metavar": mark.metavar or _PLACEHOLDERS.get(known.base),
            "min": mark.min,
            "max": mark.max,
        }
        if complete := mark.complete:
            extra["autocompletion"] = lambda incomplete: [word for word in complete() if word.startswith(incomplete)]
        default = None if parameter.default == () else parameter.default
        self._option(parameter.name, known.hint, default, flag, mark.help, **extra)
        for place, old in enumerate(mark.old):
            hidden = f"{parameter.name}_old_{place}"
            self._old_names[hidden] = parameter.name
            self._option(hidden, known._replace(optional=True).hint, None, old, mark.help, hidden=True)

    def _option(self, name: str, hint: Any, default: Any, flag: str, help: str, **extra: Any) -> None:
        self._parameter(name, hint, default, typer.Option(flag, help=help, **extra))

    def _parameter(self, name: str, hint: Any, default: Any, info: Any) -> None:
        kind = inspect.Parameter.KEYWORD_ONLY
        self.parameters.append(inspect.Parameter(name, kind, default=default, annotation=Annotated[hint, info]))


def _results(hint: Any) -> list[Any]:
    """The result classes in the return type of a job, also those in an iterator."""
    from curation.result import Result

    if isinstance(hint, type) and issubclass(hint, Result):
        return [hint]
    return [found for part in get_args(hint) for found in _results(part)]
