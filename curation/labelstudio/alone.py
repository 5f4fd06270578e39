"""One at a time: a lock file that a killed process cannot leave locked."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.errors import Busy, CurationError


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Hold `lock` while the block runs.

    Raises:
        Busy: another process holds it; `what` says what that one does.
        CurationError: it cannot be written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise CurationError(f"{lock}: cannot be written: {error.strerror}; pick another work folder") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(f"{lock}: another {what} is running in this work folder; wait until it ends") from error
        yield
