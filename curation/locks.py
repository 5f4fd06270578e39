"""Lock files: one process at a time works in a folder.

A lock is flock(2) on an open file: the kernel releases it when its holder ends, killed or not. The library filelock
cannot be used here: the lock of the local Label Studio passes to a child process and is tested without being taken,
and where flock is missing, filelock falls back to a marker file that a killed process leaves locked.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from curation.errors import Busy, CurationError


@contextmanager
def exclusive(path: Path, job: str, *, wait: bool = False, hint: str = "pick another work folder") -> Iterator[IO[str]]:
    """Hold the lock file at `path` while the block runs; the file is created if missing, and stays.

    Yields the open file. A child process that inherits its descriptor holds the lock too, until it ends.

    Args:
        path: the lock file.
        job: name of what holds it, for the error message: "push".
        wait: wait for the lock instead of raising Busy.
        hint: what to do if the lock file cannot be written.

    Raises:
        Busy: another process holds the lock.
        CurationError: the lock file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise CurationError(f"{path}: cannot be written: {error.strerror or error}; {hint}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"{path}: another {job} is running in this folder; wait until it ends") from error
        except OSError as error:
            what = f"{path}: cannot be locked: {error.strerror or error}"
            raise CurationError(f"{what}; use a folder on a file system that has locks") from error
        yield file


def is_held(path: Path) -> bool:
    """Whether any process holds the lock file at `path`. Raises CurationError if it cannot be read."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise CurationError(f"{path}: cannot be read: {error.strerror or error}; check its permissions") from error
    return False
