"""A hidden folder to build a release in, which gets its name only when all of it is on disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.errors import ReleaseError
from curation.locks import exclusive

_PART, _LOCK = ".building.part", ".building.lock"


@contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """An empty hidden folder in `out`, gone afterwards; what a killed build left of it is swept away first."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        part = out / _PART
        with exclusive(out / _LOCK, "build", hint="pick another place"):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            try:
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        if isinstance(error.filename, str) and not Path(error.filename).is_relative_to(out):
            raise  # what a release is made of
        raise ReleaseError(
            f"{error.filename or out}: cannot be written: {error.strerror or error}; free space or pick another place "
            "and run again, no release was left half-written"
        ) from error


def settle(part: Path, target: Path) -> None:
    """Wait until everything is on disk, then give the folder its name."""
    for path in (*part.rglob("*"), part):
        _sync(path)
    part.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
