"""Loading gives exactly the version asked for, from a folder, or an error that says what there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from made import ABOUT, SCHEMA, corpus

import curation
from curation.errors import ReleaseError
from curation.release import build_release


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    first = build_release(corpus(20), SCHEMA, tmp_path, about=ABOUT)
    build_release(corpus(30), SCHEMA, tmp_path, about=ABOUT, previous=first.folder)
    return tmp_path


def count(where: str | Path, version: str) -> int:
    return sum(split.num_rows for split in curation.load_release(where, version).values())


def test_a_folder_of_releases_or_one_release(releases: Path) -> None:
    assert (count(releases, "0.1.0"), count(str(releases), "0.2.0"), count(releases, "v0.1.0")) == (20, 30, 20)
    assert count(releases / "v0.2.0", "0.2.0") == 30
    # Under any name: what it is stands inside.
    (releases / "v0.1.0").rename(releases / "renamed")
    assert count(releases / "renamed", "0.1.0") == 20
    assert list(curation.load_release(releases, "0.2.0")) == ["train", "validation", "test"]


@pytest.mark.parametrize(
    ("where", "version", "said"),
    [
        ("", "0.3.0", r"no version 0\.3\.0 here; there are 0\.1\.0, 0\.2\.0"),
        ("v0.1.0", "0.2.0", r"holds version 0\.1\.0, not 0\.2\.0"),
        ("nothing", "0.1.0", "neither a folder nor a repository"),
        ("", "latest", "not a version"),
        ("v0.1.0/documents", "0.1.0", "there is none"),
    ],
)
def test_what_is_not_there_is_said(releases: Path, where: str, version: str, said: str) -> None:
    with pytest.raises(ReleaseError, match=said):
        curation.load_release(releases / where, version)


def test_another_config_is_refused(releases: Path) -> None:
    with pytest.raises(ReleaseError, match="no config words; take documents"):
        curation.load_release(releases, "0.1.0", "words")


def test_a_release_cut_short_is_refused(releases: Path) -> None:
    data = releases / "v0.1.0" / "documents" / "train.parquet"
    data.write_bytes(data.read_bytes()[:-10])
    with pytest.raises(ReleaseError, match=r"train\.parquet: is missing or has another size"):
        curation.load_release(releases, "0.1.0")


def test_a_release_built_anew_under_the_same_path_is_not_taken_from_the_cache(releases: Path, tmp_path: Path) -> None:
    assert count(releases, "0.1.0") == 20
    (releases / "v0.1.0").rename(releases / "gone")
    build_release(corpus(25), SCHEMA, releases, about=ABOUT, version="0.1.0")
    assert count(releases, "0.1.0") == 25


def test_importing_curation_loads_nothing_heavy() -> None:
    code = (
        "import sys, curation; "
        "heavy = {'datasets', 'pyarrow', 'huggingface_hub', 'numpy', 'jinja2'} & set(sys.modules); "
        "assert not heavy, heavy; assert callable(curation.load_release); assert 'datasets' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
