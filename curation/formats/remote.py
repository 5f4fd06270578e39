"""Article files anywhere fsspec reaches: each is fetched when its turn comes, and removed when it is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from curation.errors import BadInput
from curation.formats.articles import METADATA, SUFFIXES


def is_url(place: str) -> bool:
    """Whether a place is an address (`s3://…`) and no path of this machine."""
    return "://" in place


def local_copies(sources: Iterable[str]) -> Iterator[str]:
    """Files for `read_articles`, in a fixed order: what is on this machine as it is, of addresses a copy at a time.

    An address names a file, a folder or a glob. The copy of a file is gone once the next one is asked for.

    Raises:
        BadInput: an address that cannot be used: no such protocol, what speaks it is not installed, no answer.
    """
    for source in sources:
        if not is_url(source):
            yield source
            continue
        with tempfile.TemporaryDirectory() as folder:
            yield from _copies(source, Path(folder))


def _copies(source: str, folder: Path) -> Iterator[str]:
    system, path = open_system(source)
    try:
        if system.isdir(path):
            names = [
                name for name in sorted(system.find(path)) if name.endswith(SUFFIXES) and not name.endswith(METADATA)
            ]
        elif system.exists(path):
            names = [path]
        else:
            names = sorted(name for name in system.glob(path) if not name.endswith(METADATA))
        for name in names:
            if ".." in name.split("/"):
                raise BadInput(f"{name} leads out of its folder", path=source, way_out="rename it there")
            copy = folder / name.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            table = copy.parent / METADATA
            if name.endswith(".txt") and not table.exists():
                beside = f"{name.rpartition('/')[0]}/{METADATA}"
                if system.exists(beside):
                    system.get_file(beside, str(table))
            system.get_file(name, str(copy))
            yield str(copy)
            copy.unlink()
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise BadInput(what, path=source, way_out="check the address and what may read there") from error
    if not names:
        yield str(folder / source.rpartition("/")[2])  # says that nothing is there


def open_system(url: str) -> tuple[Any, str]:
    """The file system of an address and the path on it. Raises BadInput where there is none."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        way_out = 'install what speaks it (for S3: pip install "curation[s3]"), or name another place'
        raise BadInput(f"no file system can be had for it: {error}", path=url, way_out=way_out) from error
    return system, str(path)
