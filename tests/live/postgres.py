"""A PostgreSQL of the test's own, from Debian's package: a private cluster in /tmp, gone when the tests end."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from front import missing

USER = "labels"


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """The settings with which Label Studio uses it. Where PostgreSQL is not installed the test is skipped."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("no PostgreSQL: install the package postgresql")
    bin = found[-1].parent
    # It refuses to run as root, and pytest's own folders are closed to others.
    name = None if os.geteuid() else next(user for user in ("postgres", "nobody") if _exists(user))
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    data, password = folder / "data", secrets.token_hex(12)
    (folder / "password").write_text(password)
    if name:
        for path in (folder, folder / "password"):
            shutil.chown(path, name)

    def run(*words: str | Path, **env: str) -> None:
        done = subprocess.run(
            [*map(str, words)], user=name, cwd=folder, env=os.environ | env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    run(
        *(bin / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", folder / "password"),
        *("-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
    )
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(bin / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    try:
        run(bin / "createdb", "-h", "127.0.0.1", "-p", port, "-U", USER, "labels", PGPASSWORD=password)
        yield {
            "DJANGO_DB": "default",
            "POSTGRE_HOST": "127.0.0.1",
            "POSTGRE_PORT": port,
            "POSTGRE_NAME": "labels",
            "POSTGRE_USER": USER,
            "POSTGRE_PASSWORD": password,
        }
    finally:
        run(bin / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
