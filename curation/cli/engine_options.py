"""The options that name an engine, its model, and what it can be told beside it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

EngineOption = Annotated[str | None, typer.Option("--engine", help="Name of the engine; default: the project's.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Model of the engine: a name or a folder.")]
EngineOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="What else the engine is told (docs/engines.md), such as threshold=0.4; may stand several times.",
    ),
]


def engine_options(given: list[str] | None) -> dict[str, Any]:
    """The options by name. A value is read as TOML has it (`0.4`, `true`, `["en", "ar"]`), else as plain text."""
    import tomllib

    options: dict[str, Any] = {}
    for one in given or ():
        name, sign, value = one.partition("=")
        if not name or not sign:
            raise typer.BadParameter(f"{one!r} is not NAME=VALUE", param_hint="--option")
        try:
            options[name] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            options[name] = value
    return options
