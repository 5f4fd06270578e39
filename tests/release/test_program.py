"""What rows depend on is found by following imports: nothing that makes rows is missed, and little else is in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curation.release import program as module
from curation.release.program import program, sources

ROOT = "curation.release.intake"
PACKAGE = Path(module.__file__).resolve().parents[1]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, which is looked at in its place."""
    shutil.copytree(PACKAGE, tmp_path / "curation", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    return tmp_path / "curation"


def now() -> str:
    module._tree.cache_clear()
    return program(ROOT)


@pytest.mark.parametrize("root", [ROOT, "curation.jobs.rows"])
def test_all_that_is_loaded_is_in(root: str) -> None:
    code = f"import sys, {root}; print(*(name for name in sys.modules if name.split('.')[0] == 'curation'))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert root in loaded
    assert set(loaded) <= set(sources(root))


def test_only_what_makes_rows_counts(copy: Path) -> None:
    first = now()
    for name in ("cli/app.py", "release/card.py", "release/hub.py", "jobs/publish.py", "labelstudio/pull.py"):
        path = copy / name
        path.write_text(path.read_text() + "\n# another\n")
    assert now() == first
    for name in (
        "validation.py",
        "prediction_changes.py",
        "schema.py",
        "release/screen.py",
        "release/lines.py",
        "release/__init__.py",
    ):
        path, before = copy / name, now()
        path.write_text(path.read_text() + "\n# another\n")
        assert now() != before, name


def test_what_publish_makes_rows_of_counts_too() -> None:
    found = sources("curation.jobs.rows")
    assert {"curation.formats.tokens", "curation.engines.article_zones", "curation.review.pseudonyms"} <= set(found)
    assert not [name for name in found if name.startswith(("curation.cli", "curation.labelstudio"))]


def test_imports_in_functions_and_names_that_load_on_first_use_are_followed(copy: Path) -> None:
    (copy / "late.py").write_text("def run():\n    if 1:\n        from curation.release import verify\n")
    (copy / "typed.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from curation.cli import app\n"
    )
    assert "curation.release.integrity" in sources("curation.late")
    assert sources("curation.typed") == ["curation", "curation.typed"]
    (copy / "near.py").write_text("from . import late\n")
    with pytest.raises(ValueError, match=r"curation\.near: imports by a relative name"):
        sources("curation.near")
