"""`curation studio start | status | stop`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.cli.console import JsonOption, ProjectOption, done, project_from, say

if TYPE_CHECKING:
    from curation.labelstudio.studio import Studio

DataOption = Annotated[Path | None, typer.Option("--data", help="Its data folder; default: studio in the work folder.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    studio = typer.Typer(help="A local Label Studio: start, status, stop.", no_args_is_help=True)
    studio.command("start")(start)
    studio.command("status")(status)
    studio.command("stop")(stop)
    app.add_typer(studio, name="studio")


def start(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Default: the last one, or 8080 on.")
    ] = None,
    data: DataOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start it (the first time: install it, about a minute), wait until it is healthy, print address and login."""
    from curation.labelstudio import studio as local

    running = local.start(_data(data, project), port=port, on_progress=say)
    say(f"Label Studio {running.version} at {running.url}")
    say(f"log in as {running.username} with the password {running.password}")
    done(_told(running), as_json)


def status(data: DataOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Is it running, and where."""
    from curation.labelstudio import studio as local

    running = local.status(_data(data, project))
    say(f"running at {running.url}" if running else "not running; start it with `curation studio start`")
    done({"running": running is not None, **(_told(running) if running else {})}, as_json)


def stop(data: DataOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Stop it. Its data stays."""
    from curation.labelstudio import studio as local

    stopped = local.stop(_data(data, project))
    say("stopped" if stopped else "was not running")
    done({"stopped": bool(stopped)}, as_json)


def _data(data: Path | None, project: Path | None) -> Path:
    return data if data is not None else project_from(project).studio


def _told(running: Studio) -> dict[str, Any]:
    return {
        "url": running.url,
        "username": running.username,
        "password": running.password,
        "api_key": running.api_key,
        "port": running.port,
        "version": running.version,
    }
