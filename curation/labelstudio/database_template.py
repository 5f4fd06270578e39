"""The database of a new Label Studio: half a minute of migrations, made once for an environment and then copied."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from curation.errors import CurationError
from curation.files import whole_file

NAME = "label_studio.sqlite3"


def new_database(env: Path, version: str, settings: Mapping[str, str], folder: Path) -> None:
    """Put the database of a Label Studio that nobody has used yet into `folder`, where there is none.

    It holds tables alone: no user, no key. Where the environment cannot keep a copy, the server makes its own.

    Args:
        env: the environment with Label Studio.
        version: that of Label Studio, since its tables change with it.
        settings: the environment variables that the server will run with.
        folder: the server's data folder.
    """
    if (folder / NAME).exists():
        return
    kept = env / f"new-{version}.sqlite3"
    if not kept.exists() and not _make(env, settings, kept):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with kept.open("rb") as source, whole_file(folder / NAME, "wb", private=True) as file:
        shutil.copyfileobj(source, file)


def _make(env: Path, settings: Mapping[str, str], kept: Path) -> bool:
    programs = sorted(env.glob("lib/python*/site-packages/label_studio/manage.py"))
    if not programs:
        return False
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603  our own command
            [str(env / "bin" / "python"), str(programs[0]), "migrate", "--no-color", "-v", "0"],
            env={**settings, "LABEL_STUDIO_BASE_DATA_DIR": folder},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        # A server that cannot create its tables reports that itself when it starts.
        if done.returncode or not (Path(folder) / NAME).exists():
            return False
        try:
            with (Path(folder) / NAME).open("rb") as source, whole_file(kept, "wb") as file:
                shutil.copyfileobj(source, file)
        except CurationError:
            return False
    return True
