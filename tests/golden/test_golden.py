"""Figures, logical hashes, rows, exports and label configs are those in `expected/`.

Where one is meant to change, write it again with `python tests/golden/update.py NAME`, and say why in the commit.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from figures import FIGURES, FOLDERS
from frozen_project import HERE


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that figures share."""
    return tmp_path_factory.mktemp("golden")


@pytest.mark.parametrize("name", FIGURES)
def test_golden(name: str, scratch: Path) -> None:
    folder = scratch / FOLDERS.get(name, name)
    folder.mkdir(exist_ok=True)
    found = FIGURES[name](folder)
    with (HERE / "expected" / name).open(encoding="utf-8", newline="") as file:
        assert found == file.read()


def test_no_file_is_left_over() -> None:
    assert {path.name for path in (HERE / "expected").iterdir()} == set(FIGURES)
