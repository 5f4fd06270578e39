"""Init: a new project of the same shape as this repository's sample, anywhere."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import curation
from curation.errors import BadInput, CurationError


def init(folder: Path, *, sample: bool = False) -> list[Path]:
    """Make `folder` a project; with `sample` the sample articles and their annotations come along.

    The folder appears whole or not at all. Returns the files made, relative to it.

    Raises:
        BadInput: the folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("is not empty", path=folder, way_out="name a new or an empty folder")
    source = _source()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
            here = Path(made) / folder.name
            shutil.copytree(source / "schemas", here / "schemas")
            if sample:
                shutil.copytree(source / "corpus", here / "corpus")
            else:
                (here / "corpus" / "articles").mkdir(parents=True)
            shutil.copy(source / "curation.toml", here / "curation.toml")
            (here / ".gitignore").write_text("/work/\n", encoding="utf-8")
            if folder.exists():
                folder.rmdir()
            here.rename(folder)
    except OSError as error:
        raise CurationError(f"{folder}: cannot be made: {error.strerror or error}; mend that and run again") from error
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _source() -> Path:
    """The sample project: packed into an installed package, or the checkout it stands in."""
    package = Path(curation.__file__).parent
    packed = package / "_sample"
    return packed if packed.is_dir() else package.parent
