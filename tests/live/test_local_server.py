"""The local Label Studio: started, found again, stopped, started again with all it held."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from curation.errors import StudioError
from curation.labelstudio import local_server as module
from curation.labelstudio.client import Client
from curation.labelstudio.local_server import Studio, start, status, stop

pytestmark = pytest.mark.live
TABLES = ("htx_user", "organization", "authtoken_token", "project", "task")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    data = tmp_path / "studio"
    yield data
    if data.exists():
        stop(data)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def fake(env: Path, script: str) -> Path:
    """An environment whose label-studio is `script`, for what the real one does only on a bad day."""
    (env / "bin").mkdir(parents=True)
    for name in ("label-studio", "python"):
        program = env / "bin" / name
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
    (env / "lib" / "python3" / "site-packages" / "label_studio-0.0.0.dist-info").mkdir(parents=True)
    return env


def test_it_starts_is_found_stops_and_starts_again(data: Path, studio: Studio) -> None:
    assert status(data) is None
    assert stop(data) is False
    told: list[str] = []
    env = module._environment(print)
    kept = env / f"new-{studio.version}.sqlite3"
    made = kept.stat().st_mtime_ns
    first = start(data, port=free_port(), on_progress=told.append)
    assert kept.stat().st_mtime_ns == made, "the tables were made anew"
    assert told[-1] == f"starting Label Studio on port {first.port}"
    assert status(data) == first
    assert start(data) == first
    assert first.url == f"http://127.0.0.1:{first.port}"
    with pytest.raises(StudioError, match=f"already runs on port {first.port}"):
        start(data, port=free_port())

    # Nobody but this user gets in: not by another address, not by reading the login, not from a repr.
    listening = {one.laddr.ip for one in psutil.net_connections("tcp") if one.laddr and one.laddr.port == first.port}
    assert listening == {"127.0.0.1"}
    assert data.stat().st_mode & 0o777 == 0o700
    secret = [data / "login.json", data / "running.json", *(data / "label-studio").rglob("*")]
    assert any(path.suffix == ".sqlite3" for path in secret)
    assert [path for path in secret if path.stat().st_mode & 0o077] == []
    assert first.password not in repr(first)
    assert first.api_key not in repr(first)
    assert first.api_key not in " ".join(psutil.Process(first.pid).cmdline())
    assert "/user/login" in httpx.get(f"{first.url}/projects/").headers["location"]
    assert httpx.get(f"{first.url}/api/projects").status_code == 401

    with Client(first.url, first.api_key) as client:
        assert client.version() == first.version
        project = client.post("/api/projects/", {"title": "kept"})
        client.post(f"/api/projects/{project['id']}/import", [{"data": {"text": "One."}}])
        client.get(f"/api/projects/{project['id']}/export?exportType=JSON&download_all_tasks=true")
    copies = data / "label-studio" / "export"
    assert list(copies.iterdir()), "Label Studio keeps no copies of its exports any more"
    assert stop(data) is True
    assert status(data) is None
    assert not any(one.laddr and one.laddr.port == first.port for one in psutil.net_connections("tcp"))

    data.chmod(0o755)  # as earlier versions made it
    again = start(data)
    assert data.stat().st_mode & 0o777 == 0o700
    assert (again.port, again.password, again.api_key) == (first.port, first.password, first.api_key)
    with Client(again.url, again.api_key) as client:
        assert client.get(f"/api/projects/{project['id']}/")["title"] == "kept"
    assert not list(copies.iterdir())


def test_garbage_is_collected_less_often_and_the_program_is_left_alone(studio: Studio) -> None:
    serve = Path(module.__file__).with_name("server_entry.py")
    assert str(serve) in psutil.Process(studio.pid).cmdline()
    code = f"""
import gc, runpy
from django.core.signals import request_finished
def run(name, run_name):
    assert (name, run_name) == ("label_studio.server", "__main__")
    print(*gc.get_threshold(), gc.get_freeze_count() > 0)
    for _ in range(2):
        request_finished.send(None)
        print(gc.get_freeze_count() > 1000, bool(request_finished.receivers))
path, runpy.run_module = runpy.run_path, run
path({str(serve)!r}, run_name="__main__")
"""
    python = module._environment(print) / "bin" / "python"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["5000 5 5 False", "True False", "True False"]


def test_the_database_that_new_servers_copy_holds_nobody(studio: Studio) -> None:
    kept = module._environment(print) / f"new-{studio.version}.sqlite3"
    with closing(sqlite3.connect(kept)) as database:
        counts = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    assert counts == dict.fromkeys(TABLES, 0)


def test_it_reports_to_nobody(data: Path, studio: Studio) -> None:
    page = httpx.get(f"{studio.url}/user/login/").text
    settings = psutil.Process(studio.pid).environ()
    assert "sentry.io" not in page
    assert settings["LABEL_STUDIO_COLLECT_ANALYTICS"] == "false"
    assert settings["LABEL_STUDIO_SENTRY_DSN"] == settings["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""
    assert settings["LABEL_STUDIO_LATEST_VERSION_CHECK"] == "false"


def test_it_outlives_who_started_it_and_a_killed_start_is_taken_up(data: Path) -> None:
    code = f"from curation.labelstudio.local_server import start; from pathlib import Path; start(Path({str(data)!r}))"
    starter = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    deadline = time.monotonic() + 120
    while not (running := status(data)) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    assert running is not None
    assert start(data) == running
    assert psutil.Process(running.pid).ppid() != os.getpid()


def test_a_process_id_used_again_is_left_alone(data: Path) -> None:
    data.mkdir()
    (data / "running.json").write_text(json.dumps({"port": 1, "version": "0"}))
    (data / "login.json").write_text(json.dumps({"username": "a", "password": "b", "api_key": "c"}))
    with subprocess.Popen(["sleep", "60"]) as other:
        (data / "alive.lock").write_text(f"{other.pid}\n")
        assert status(data) is None
        assert stop(data) is False
        assert other.poll() is None
        other.kill()


def test_a_taken_port_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATION_STUDIO_ENV", str(fake(tmp_path / "env", "exit 1")))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StudioError, match=f"port {port} is taken"):
            start(data, port=port)
    for port in (0, -1, 65536):
        with pytest.raises(StudioError, match="is not a port"):
            start(data, port=port)


def test_a_port_taken_meanwhile_is_noticed(data: Path, studio: Studio, tmp_path: Path) -> None:
    """Label Studio moves on to the next port by itself; what then answers on the first is not ours."""
    other = fake(tmp_path / "env", "exec sleep 60\n")
    data.mkdir()
    module._launch(data, other, studio.port)
    with pytest.raises(StudioError, match=f"port {studio.port} does not know the login"):
        start(data)
    assert status(data) is None
    assert httpx.get(f"{studio.url}/health").status_code == 200


def test_a_server_that_dies_says_why(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = fake(tmp_path / "env", "echo starting; echo 'no such table: \x1b[31mtasks' >&2; echo; exit 3\n")
    monkeypatch.setenv("CURATION_STUDIO_ENV", str(env))
    with pytest.raises(StudioError, match="ended at start: no such table") as error:
        start(data)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert status(data) is None


def test_a_server_that_ignores_terminate_is_killed(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 1)
    data.mkdir()
    module._launch(data, fake(tmp_path / "env", "trap '' TERM; while true; do sleep 1; done\n"), free_port())
    running = status(data)
    assert running is not None
    assert stop(data) is True
    assert status(data) is None


def test_a_wrong_environment_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATION_STUDIO_ENV", str(tmp_path / "nowhere"))
    with pytest.raises(StudioError, match="has no bin/label-studio"):
        start(data)


def test_a_spoilt_login_is_not_replaced(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATION_STUDIO_ENV", str(fake(tmp_path / "env", "exit 1")))
    data.mkdir()
    (data / "login.json").write_text('{"username": "a", "pass')
    with pytest.raises(StudioError, match=r"login\.json: cannot be used"):
        start(data)
    assert (data / "login.json").read_text() == '{"username": "a", "pass'


class TestInstall:
    """A lock of one small package, installed as Label Studio is."""

    @pytest.fixture(autouse=True)
    def small_lock(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CURATION_STUDIO_ENV", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        whole = module.LOCK.read_text("utf-8")
        at = whole.index("\nidna==") + 1
        lines = whole[at:].splitlines(keepends=True)
        entry = [lines[0], *(line for line in lines[1:4] if "--hash" in line)]
        self.lock = tmp_path / "studio.lock.txt"
        self.lock.write_text("".join(entry).rstrip().rstrip("\\") + "\n")
        monkeypatch.setattr(module, "LOCK", self.lock)

    def install(self, told: list[str] | None = None) -> Path:
        return module._environment((told if told is not None else []).append)

    def test_once_for_all_projects(self) -> None:
        told: list[str] = []
        env = self.install(told)
        assert list(env.glob("lib/python*/site-packages/idna"))
        assert self.install(told) == env
        assert len(told) == 1

    def test_a_half_made_one_is_made_again(self) -> None:
        env = self.install()
        for stamp in ("", "0" * 64):
            (env / "installed").write_text(stamp)
            (env / "half").touch()
            assert self.install() == env
            assert not (env / "half").exists()
            assert list(env.glob("lib/python*/site-packages/idna"))

    def test_another_lock_is_another_environment(self) -> None:
        env = self.install()
        self.lock.write_text(self.lock.read_text() + "# later\n")
        assert self.install() != env

    def test_a_wrong_hash_is_refused(self) -> None:
        requirement = self.lock.read_text().partition("--hash")[0]
        self.lock.write_text(f"{requirement}--hash=sha256:{'0' * 64}\n")
        with pytest.raises(StudioError, match="does not install") as error:
            self.install()
        assert "\n" not in str(error.value)
