"""A command of the terminal, built from the signature of its job: each option is declared there and nowhere else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from curation.cli.console import progress, say, show_result
from curation.jobs.options import Argument, Counts, Messages, Option, WithJson

_PLAIN = (bool, int, float, str, Path)


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


class _Call:
    """Calls a job with what the terminal gave, and shows what it returns."""

    def __init__(self, job: Callable[..., Any]) -> None:
        self.job = job
        self.parameters: list[inspect.Parameter] = []
        self.project: str | None = None  # the parameter that takes the settings, and whether there must be a project
        self.must_have_project = True
        self.counted: tuple[str, str] | None = None  # the parameter that takes the callback, and the counted things
        self.messages: str | None = None  # the parameter that takes a function for messages
        self.with_json: str | None = None  # the switch that is on with --json
        self.several: str | None = None  # the name of *arguments
        self.display: list[str] = []  # parameters of the result's `show`
        self.parsers: dict[str, Callable[[list[str]], Any]] = {}
        self.renamed: dict[str, str] = {}  # hidden parameter of an old name → the parameter
        hints = get_type_hints(job, include_extras=True)
        for parameter in inspect.signature(job).parameters.values():
            self._add(parameter, hints[parameter.name])
        for result in _results(hints["return"]):
            shown = get_type_hints(result.show, include_extras=True)
            for parameter in list(inspect.signature(result.show).parameters.values())[1:]:
                if parameter.name not in self.display:
                    self.display.append(parameter.name)
                    self._add(parameter, shown[parameter.name])
        if self.project is not None:
            default = "the nearest from here upwards"
            self._option(
                "project_file", Path | None, None, "--project", f"The curation.toml to use; default: {default}."
            )
        self._option("as_json", bool, False, "--json", "Print the counts as one JSON object on stdout.")
        self.parameters.sort(key=lambda one: one.default is not inspect.Parameter.empty)

    def __call__(self, given: dict[str, Any]) -> None:
        from curation.errors import WrongUsage

        as_json = given.pop("as_json")
        if self.with_json is not None:
            given[self.with_json] = as_json
        display = {name: given.pop(name) for name in self.display}
        try:
            result = self._run(given)
            if isinstance(result, Iterator):
                for one in result:
                    if isinstance(one, Exception):
                        say(f"waiting: {one}")
                    else:
                        show_result(one, as_json)
                return
        except WrongUsage as error:
            raise typer.BadParameter(str(error)) from error
        show_result(result, as_json, **display)
        if result.exit_code:
            raise typer.Exit(result.exit_code)

    def _run(self, given: dict[str, Any]) -> Any:
        for old, name in self.renamed.items():
            value = given.pop(old)
            if value is not None:
                given[name] = value
        for name, parse in self.parsers.items():
            given[name] = parse(list(given[name])) if given[name] else None
        first = []
        if self.project is not None:
            first = [self._settings(given.pop("project_file"))]
        positional = given.pop(self.several) or () if self.several else ()
        named = {name: _value(value) for name, value in given.items() if value is not None}  # else the job's default
        call = partial(self.job, *first, *positional, **named)
        if self.messages is not None:
            call = partial(call, **{self.messages: say})
        if self.counted is None or inspect.isgeneratorfunction(self.job):
            return call()
        name, what = self.counted
        with progress(what) as tick:
            return call(**{name: tick})

    def _settings(self, file: Path | None) -> Any:
        from curation.settings import find_settings, load_settings

        return load_settings(file) if file is not None or self.must_have_project else find_settings()

    def _add(self, parameter: inspect.Parameter, hint: Any) -> None:
        """The parameter as an option or argument of the terminal, if it is marked as one."""
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        type_ = get_args(hint)[0] if marks else hint
        if parameter.name == "project":
            self.project, self.must_have_project = parameter.name, NoneType not in get_args(type_)
            return
        for mark in marks:
            if isinstance(mark, Counts):
                self.counted = parameter.name, mark.what
            elif isinstance(mark, Messages):
                self.messages = parameter.name
            elif isinstance(mark, WithJson):
                self.with_json = parameter.name
            elif isinstance(mark, Argument):
                several = parameter.kind is parameter.VAR_POSITIONAL
                if several:
                    self.several = parameter.name
                shown = _terminal_type(Sequence[type_] if several else type_)  # type: ignore[valid-type]
                self._parameter(
                    parameter.name,
                    shown,
                    None if several else parameter.default,
                    typer.Argument(help=mark.help, metavar=mark.metavar, show_default=False),
                )
            elif isinstance(mark, Option):
                self._mark(parameter, type_, mark)

    def _mark(self, parameter: inspect.Parameter, type_: Any, mark: Option) -> None:
        if mark.parse is not None:
            type_ = list[str] if parameter.default is parameter.empty else list[str] | None
            self.parsers[parameter.name] = mark.parse
        shown, default = _terminal_type(type_), parameter.default
        if default in ((), None):
            default = None
        hyphens = parameter.name.strip("_").replace("_", "-")
        name = mark.name or (f"--{hyphens}/--no-{hyphens}" if default is True else f"--{hyphens}")
        extra: dict[str, Any] = {"metavar": mark.metavar, "min": mark.min, "max": mark.max}
        if mark.complete is not None:
            extra["autocompletion"] = _completion(mark.complete)
        self._option(parameter.name, shown, default, name, mark.help, **extra)
        for place, old in enumerate(mark.old):
            hidden = f"{parameter.name}_old_{place}"
            self.renamed[hidden] = parameter.name
            self._option(hidden, _optional(shown), None, old, mark.help, hidden=True)

    def _option(self, name: str, type_: Any, default: Any, flag: str, help: str, **extra: Any) -> None:
        self._parameter(name, type_, default, typer.Option(flag, help=help, **extra))

    def _parameter(self, name: str, type_: Any, default: Any, info: Any) -> None:
        kind = inspect.Parameter.KEYWORD_ONLY
        self.parameters.append(inspect.Parameter(name, kind, default=default, annotation=Annotated[type_, info]))


def _terminal_type(type_: Any) -> Any:
    """The type as typer knows it: sequences are lists, `| None` stays."""
    parts = [one for one in (get_args(type_) if _is_union(type_) else (type_,)) if one is not NoneType]
    optional = NoneType in get_args(type_)
    (part,) = parts if set(parts) != {str, Path} else (str,)
    origin = get_origin(part)
    if origin is Literal or part in _PLAIN:
        made: Any = part
    elif (
        (origin is not None and issubclass(origin, tuple | list))
        or "Sequence" in str(origin)
        or "Iterable" in str(origin)
    ):
        made, optional = list[get_args(part)[0]], True  # type: ignore[misc]
    else:
        raise TypeError(f"{type_} cannot be given on a command line")
    return made | None if optional else made


def _is_union(type_: Any) -> bool:
    return get_origin(type_) in (Union, UnionType)


def _optional(type_: Any) -> Any:
    return type_ if NoneType in get_args(type_) else type_ | None


def _value(value: Any) -> Any:
    """Lists of the terminal as tuples of the job."""
    return tuple(value) if isinstance(value, list) else value


def _results(type_: Any) -> list[Any]:
    """The result classes in the return type of a job, also within an iterator."""
    from curation.result import Result

    if isinstance(type_, type) and issubclass(type_, Result):
        return [type_]
    return [found for part in get_args(type_) for found in _results(part)]


def _completion(words: Callable[[], Any]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in words() if word.startswith(incomplete)]

    return complete
