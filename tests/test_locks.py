"""Lock files: one holder at a time; a killed holder's lock goes, and a child keeps the lock it inherits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from curation.errors import Busy, CurationError
from curation.locks import exclusive, is_held

HOLD = """
import sys, time
from pathlib import Path
from curation.locks import exclusive
with exclusive(Path(sys.argv[1]), "test"):
    print("held", flush=True)
    time.sleep(600)
"""

NOBODY = 65534


def test_a_lock_is_held_once_and_is_free_again_after_the_block(tmp_path: Path) -> None:
    lock = tmp_path / "folder" / "job.lock"
    assert not is_held(lock)
    with exclusive(lock, "push"):
        assert is_held(lock)
        with pytest.raises(Busy, match=r"job\.lock: another push is running in this folder; wait until it ends"):
            exclusive(lock, "push").__enter__()
    assert not is_held(lock)
    with pytest.raises(KeyError), exclusive(lock, "push"):
        raise KeyError
    with exclusive(lock, "push"):
        pass


def test_the_content_of_a_lock_file_is_kept(tmp_path: Path) -> None:
    lock = tmp_path / "job.lock"
    lock.write_text("41\n")
    with exclusive(lock, "push"):
        assert lock.read_text() == "41\n"


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "job.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_held(lock)
        holder.send_signal(signal.SIGKILL)
        with exclusive(lock, "push", wait=True):
            pass
    assert not is_held(lock)


def test_a_child_that_inherits_the_file_keeps_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "job.lock"
    with exclusive(lock, "server") as file:
        child = subprocess.Popen(["/bin/sleep", "600"], pass_fds=(file.fileno(),))
    assert is_held(lock)
    child.kill()
    child.wait()
    assert not is_held(lock)


def test_waiting_ends_when_the_holder_ends(tmp_path: Path) -> None:
    lock = tmp_path / "job.lock"
    with exclusive(lock, "server") as file:
        child = subprocess.Popen(["/bin/sleep", "0.5"], pass_fds=(file.fileno(),))
    begin = time.monotonic()
    with exclusive(lock, "server", wait=True):
        assert time.monotonic() - begin > 0.2
    child.wait()


def test_a_folder_without_permission() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = os.geteuid() == 0
        if root:  # who may write everywhere: the test acts as another user
            os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o500)
        try:
            if root:
                os.seteuid(NOBODY)
            with pytest.raises(CurationError, match=r"cannot be written: Permission denied; pick another work folder"):
                exclusive(folder / "job.lock", "push").__enter__()
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


def test_a_place_that_holds_no_file(tmp_path: Path) -> None:
    (tmp_path / "job.lock").mkdir()
    with pytest.raises(CurationError, match=r"job\.lock: cannot be written: Is a directory; name another"):
        exclusive(tmp_path / "job.lock", "push", hint="name another").__enter__()
