"""Label Studio: the local one of a project or data folder, and the client that jobs use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from curation.errors import ProjectError, Unauthorized, keep_secret
from curation.jobs.options import Messages, Option
from curation.labelstudio import Client
from curation.labelstudio import local_server as local
from curation.result import Result
from curation.settings import FILE, Settings

DataFolder = Annotated[Path | None, Option("Its data folder; default: studio in the work folder.", name="--data")]


class StudioResult(Result):
    """A running Label Studio: its address, version and login, which `login_file` holds as well."""

    holds_secrets: ClassVar[bool] = True

    url: str
    username: str
    password: str
    api_key: str
    port: int
    version: str
    login_file: str

    def show(
        self,
        *,
        secrets: Annotated[
            bool, Option("Print the password also where the output is not a terminal.", name="--show-secrets")
        ] = False,
    ) -> Iterator[str]:
        """Its address and login. The password is printed only on a terminal, or with `secrets`."""
        yield f"Label Studio {self.version} at {self.url}"
        if secrets or os.isatty(1):
            yield f"log in as {self.username} with the password {self.password}"
        else:
            yield f"log in as {self.username}; the password is in {self.login_file}"


class StudioStatus(Result):
    """Is it running, and if so, where."""

    holds_secrets: ClassVar[bool] = True

    running: bool
    url: str | None = None
    username: str | None = None
    password: str | None = None
    api_key: str | None = None
    port: int | None = None
    version: str | None = None
    login_file: str | None = None

    def show(self) -> Iterator[str]:
        """Where it runs."""
        yield f"running at {self.url}" if self.running else "not running; start it with `curation studio start`"


class StudioStopped(Result):
    """Whether one was stopped."""

    stopped: bool

    def show(self) -> Iterator[str]:
        """Stopped, or not running before."""
        yield "stopped" if self.stopped else "was not running"


def start(
    project: Settings | None,
    *,
    port: Annotated[int | None, Option("Default: the last port, or 8080 upwards.", min=1, max=65535)] = None,
    data: DataFolder = None,
    on_message: Annotated[Callable[[str], None] | None, Messages()] = None,
) -> StudioResult:
    """Start it, wait until it is healthy. The first time it is installed, which takes about a minute.

    Raises:
        StudioError: it does not install or start, or the port is taken.
        ProjectError: there is neither a project nor a data folder.
    """
    folder = _data(project, data)
    return StudioResult(**_fields(local.start(folder, port=port, on_progress=on_message), folder))


def status(project: Settings | None, *, data: DataFolder = None) -> StudioStatus:
    """Is it running, and where.

    Raises:
        StudioError: it runs, but the files about it cannot be read.
    """
    folder = _data(project, data)
    running = local.status(folder)
    return StudioStatus(running=running is not None, **(_fields(running, folder) if running else {}))


def stop(project: Settings | None, *, data: DataFolder = None) -> StudioStopped:
    """Stop it. Its data stays.

    Raises:
        StudioError: it does not stop.
    """
    return StudioStopped(stopped=bool(local.stop(_data(project, data))))


def _data(project: Settings | None, data: Path | None) -> Path:
    if data is not None:
        return data
    if project is None:
        raise ProjectError(f"no {FILE} here or above", path=Path.cwd(), way_out="make a project, or name --data")
    return project.studio


def _fields(running: local.Studio, folder: Path) -> dict[str, Any]:
    names = ("url", "username", "password", "api_key", "port", "version")
    return {**{name: getattr(running, name) for name in names}, "login_file": str(folder.absolute() / "login.json")}


def connect(project: Settings) -> Client:
    """A client for the project's Label Studio: `LABEL_STUDIO_URL` or the project's url, else the running local one.

    Raises:
        ProjectError: no address is set and no local Label Studio runs.
        Unauthorized: an address is set, but no API key.
    """
    running = local.status(project.studio)
    if running is not None:
        keep_secret(running.api_key)
    if project.url is None:
        if running is None:
            way_out = "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY, or run `curation studio start`"
            raise ProjectError("no Label Studio is named and no local one runs", way_out=way_out)
        return Client(running.url, project.api_key.get_secret_value() if project.api_key else running.api_key)
    if project.api_key is not None:
        return Client(project.url, project.api_key.get_secret_value(), verify=str(project.ca) if project.ca else True)
    if running is not None and running.url == project.url:
        return Client(running.url, running.api_key)
    raise Unauthorized(f"{project.url}: no API key; set LABEL_STUDIO_API_KEY (Account & Settings in Label Studio)")
