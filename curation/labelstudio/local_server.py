"""A Label Studio on this machine: installed into an environment of its own, started, found again and stopped.

`data` belongs to one server and holds all that is its own: `login.json`, the database, what it was started with
and its log. The environment holds nothing of that and is shared by all projects of one user.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import httpx

from curation.errors import StudioError, one_line
from curation.files import whole_file
from curation.labelstudio.database_template import new_database
from curation.locks import exclusive, is_held

LOCK = files("curation.labelstudio") / "studio.lock.txt"
"""Label Studio and all it needs, each with its hash."""

ENV = "CURATION_STUDIO_ENV"
"""Environment variable with the path of an environment that has Label Studio, used instead of our own."""

USERNAME = "admin@localhost"
DEFAULT_PORT = 8080
START_SECONDS = 300
"""Most seconds of a start: the first database needs half a minute on an idle machine."""
STOP_SECONDS = 20

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Studio:
    """A running local Label Studio: its address and login."""

    url: str
    username: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)
    pid: int
    port: int
    version: str


def start(data: Path, *, port: int | None = None, plain: bool = False, on_progress: Progress | None = None) -> Studio:
    """The Label Studio of `data`, installed and started if needed, once it answers.

    Takes some seconds; half a minute the first time, and as long again where it has to be installed first. The
    server outlives the caller and listens on 127.0.0.1 alone. A killed start is taken up by the next one.

    Args:
        data: folder of this server; created if missing.
        port: where to listen. None: where it listened last time, else 8080, else any that is free.
        plain: run it as it comes, for comparison: without what `server_entry.py` does.
        on_progress: called with a few words on each step.

    Raises:
        StudioError: it does not install or start; `data` is not a folder of ours; the port is taken.
    """
    report = on_progress or (lambda _: None)
    data = data.absolute()
    _make_private(data)
    with exclusive(data / "start.lock", "studio start", wait=True):
        studio = status(data)
        if studio is None:
            env = _environment(report)
            chosen = _port(data, port)
            report(f"starting Label Studio on port {chosen}")
            _launch(data, env, chosen, plain=plain)
        elif port not in (None, studio.port):
            raise StudioError(f"Label Studio already runs on port {studio.port}; stop it first to change the port")
        return _wait(data)


def _make_private(data: Path) -> None:
    """Keep other users of the machine out of the folder: it holds keys, password hashes and exports."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        data.chmod(0o700)
    except OSError as error:
        raise StudioError(f"{data}: cannot be made private: {error.strerror}; pick another folder") from error


def status(data: Path) -> Studio | None:
    """The Label Studio of `data` if it runs, else None.

    Raises:
        StudioError: it runs, but what it was started with cannot be read.
    """
    if not _alive(data):
        return None
    pid_file = data / "alive.lock"
    _until(lambda: pid_file.stat().st_size > 0, 5)
    try:
        pid = int(pid_file.read_text("ascii"))
        running = json.loads((data / "running.json").read_text("utf-8"))
        login = json.loads((data / "login.json").read_text("utf-8"))
        return Studio(url=f"http://127.0.0.1:{running['port']}", pid=pid, **running, **login)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StudioError(
            f"{data}: a server runs, but login.json, running.json or alive.lock is not as we wrote it; "
            "put it back, or end the server by hand"
        ) from error


def stop(data: Path) -> bool:
    """Stop the Label Studio of `data`; False if none runs. The folder keeps its data and login.

    Raises:
        StudioError: it does not stop.
    """
    studio = status(data)
    if studio is None:
        return False
    # The lock shows that our server runs, so the process id in it is not of another process.
    for stopping in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(os.getpgid(studio.pid), stopping)
        except ProcessLookupError:
            pass
        except PermissionError as error:
            raise StudioError(f"process {studio.pid} belongs to another user; stop it as that user") from error
        if _until(lambda: not _alive(data), STOP_SECONDS):
            return True
    raise StudioError(f"Label Studio (process {studio.pid}) does not stop; end it by hand")


def _environment(report: Progress) -> Path:
    """The folder of an environment with Label Studio, installed if missing or incomplete."""
    if given := os.environ.get(ENV):
        env = Path(given).absolute()
        if not (env / "bin" / "label-studio").exists():
            raise StudioError(f"{ENV}: {given} has no bin/label-studio; correct or unset it")
        return env
    lock = LOCK.read_bytes()
    digest = hashlib.sha256(lock).hexdigest()
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    env = cache / "curation" / f"studio-{digest[:12]}-{python}"
    stamp = env / "installed"
    with exclusive(env.with_suffix(".lock"), "installation", wait=True):
        if not _reads(stamp, digest):
            report("installing Label Studio (once, about 800 MB)")
            _install(env)
            with whole_file(stamp) as file:
                file.write(digest)
    return env


def _install(env: Path) -> None:
    """Create `env` from scratch: an incomplete one is never repaired in place."""
    shutil.rmtree(env, ignore_errors=True)
    beside = Path(sys.prefix) / "bin" / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    python = str(env / "bin" / "python")
    if uv:
        environment, installer = ["--without-pip"], [uv, "pip", "install", "--python", python]
    else:
        environment, installer = [], [python, "-m", "pip", "install", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "venv", *environment, str(env)], "no environment can be made")
    with whole_file(env / "studio.lock.txt", "wb") as file:
        file.write(LOCK.read_bytes())
    _run([*installer, "--quiet", "--require-hashes", "-r", str(env / "studio.lock.txt")], "it does not install")


def _run(command: list[str], failure: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  our own command
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError as error:
        raise StudioError(f"Label Studio: {failure}: {command[0]}: {error.strerror}") from error
    if done.returncode:
        reason = _last_line(done.stderr) or _last_line(done.stdout) or f"exit {done.returncode}"
        raise StudioError(f"Label Studio: {failure}: {reason}; correct that and run again")


def _login(data: Path) -> dict[str, str]:
    """Name, password and token, created once for `data` and readable only by its owner."""
    path = data / "login.json"
    try:
        if not path.exists():
            with whole_file(path, private=True) as file:
                login = {"password": secrets.token_urlsafe(18), "api_key": secrets.token_hex(20)}
                json.dump({"username": USERNAME} | login, file, indent=1)
        login = json.loads(path.read_text("utf-8"))
        return {key: str(login[key]) for key in ("username", "password", "api_key")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(f"{path}: cannot be used: {error}; put it back: it is the only login to {data}") from error


def _port(data: Path, wanted: int | None) -> int:
    if wanted is not None:
        if not 0 < wanted < 65536:
            raise StudioError(f"{wanted} is not a port; name one from 1 to 65535, or none to have one chosen")
        if not _free(wanted):
            raise StudioError(f"port {wanted} is taken; name another with --port, or none to have one chosen")
        return wanted
    try:
        last = int(json.loads((data / "running.json").read_text("utf-8"))["port"])
    except (OSError, ValueError, KeyError, TypeError):
        last = DEFAULT_PORT
    if _free(last):
        return last
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _launch(data: Path, env: Path, port: int, *, plain: bool = False) -> None:
    """Start the server. It holds the lock on `alive.lock` as long as it runs. The lock file holds its process id."""
    login, version = _login(data), _version(env)
    settings = _settings(data, login)
    base = Path(settings["LABEL_STUDIO_BASE_DATA_DIR"])
    new_database(env, version, settings, base)
    for copy in base.glob("export/project-*-at-*.json"):
        copy.unlink(missing_ok=True)  # it keeps a copy of every export, and a pull asks for some
    with whole_file(data / "running.json", private=True) as file:
        json.dump({"port": port, "version": version}, file)
    # The shell writes the process id and ends: we have no child to wait for, and nothing is lost if we are killed.
    command = ["/bin/sh", "-c", '"$@" & echo $! >"$0"', str(data / "alive.lock")]
    if plain:
        command += [str(env / "bin" / "label-studio")]
    else:
        command += [str(env / "bin" / "python"), "-I", str(Path(__file__).with_name("server_entry.py"))]
    command += ["start", "--no-browser"]
    command += ["--internal-host", "127.0.0.1", "--port", str(port)]
    with exclusive(data / "alive.lock", "Label Studio", wait=True) as held, (data / "server.log").open("wb") as log:
        held.truncate(0)
        subprocess.run(  # noqa: S603  our own command
            command,
            env=settings,
            cwd=data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(held.fileno(),),
            start_new_session=True,
            umask=0o077,
            check=True,
        )


def _settings(data: Path, login: dict[str, str]) -> dict[str, str]:
    """The server's whole environment. It reads even plain HOST, PORT and DEBUG, so ours is not passed on."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
    settings = {
        "BASE_DATA_DIR": str(data / "label-studio"),
        "USERNAME": USERNAME,
        "PASSWORD": login["password"],
        "USER_TOKEN": login["api_key"],
        "ENABLE_LEGACY_API_TOKEN": "true",
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        # Requests for other names are refused: a web page elsewhere could let its own name point to this machine.
        "ALLOWED_HOSTS": "localhost,.localhost,127.0.0.1,[::1]",
        # Nothing is reported to anyone.
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LATEST_VERSION_CHECK": "false",
    }
    return {key: os.environ[key] for key in kept if key in os.environ} | {
        f"LABEL_STUDIO_{key}": value for key, value in settings.items()
    }


def _version(env: Path) -> str:
    found = sorted(env.glob("lib/python*/site-packages/label_studio-*.dist-info"))
    if not found:
        raise StudioError(f"{env}: has no Label Studio; correct or unset {ENV}")
    return found[0].name.removeprefix("label_studio-").removesuffix(".dist-info")


def _wait(data: Path) -> Studio:
    """The server of `data` once it is healthy and lets us in."""
    studio = status(data)
    answered = _until(lambda: studio is None or not _alive(data) or _healthy(studio), START_SECONDS)
    studio = status(data)
    if studio is None:
        raise StudioError(f"Label Studio ended at start: {_last_words(data)}; {data / 'server.log'} has the rest")
    if not answered:
        raise StudioError(
            f"Label Studio does not answer after {START_SECONDS} s; see {data / 'server.log'}, then run again"
        )
    if not _ours(studio):
        stop(data)
        raise StudioError(
            f"what answers on port {studio.port} does not know the login of {data}: another server took the port "
            "(run again), or login.json is not the one that the database was made with (put it back)"
        )
    return studio


def _healthy(studio: Studio) -> bool:
    return _get(studio, "/health") == 200


def _ours(studio: Studio) -> bool:
    return _get(studio, "/api/current-user/whoami", Authorization=f"Token {studio.api_key}") == 200


def _get(studio: Studio, path: str, **headers: str) -> int | None:
    try:
        with httpx.Client(base_url=studio.url, trust_env=False, timeout=30) as client:
            return client.get(path, headers=headers).status_code
    except httpx.HTTPError:
        return None


def _until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _alive(data: Path) -> bool:
    """Whether the server of `data` runs. Its lock decides: process ids are reused."""
    return is_held(data / "alive.lock")


def _reads(path: Path, text: str) -> bool:
    try:
        return path.read_text("utf-8") == text
    except OSError:
        return False


def _last_words(data: Path) -> str:
    try:
        with (data / "server.log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 10_000))
            return _last_line(log.read().decode("utf-8", "replace")) or "it printed nothing"
    except OSError:
        return "it printed nothing"


def _last_line(text: str) -> str:
    return next((one_line(line, 300) for line in reversed(text.splitlines()) if line.strip()), "")
