"""Folders that appear whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.errors import BadInput
from curation.files import cannot_be_written


@contextmanager
def whole_folder(folder: Path, ours: Callable[[Path], bool]) -> Iterator[Path]:
    """An empty folder to write into, that becomes `folder` only when the block ends well.

    What stands at `folder` is replaced where it is empty or `ours` says that it is an earlier export.

    Raises:
        BadInput: something else stands there.
        CurationError: it cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or ours(folder))):
        raise BadInput("holds something else than an earlier export", path=folder, way_out="name a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
            part = Path(made) / "new"
            part.mkdir()
            yield part
            if folder.exists():
                folder.rename(Path(made) / "old")
            part.rename(folder)
    except OSError as error:
        raise cannot_be_written(folder, error) from error
