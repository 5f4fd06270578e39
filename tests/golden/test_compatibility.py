"""What earlier versions left on disk is read: a release is loaded, verified, compared and continued; snapshot, ledger
and calibration file are used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from frozen_project import FROZEN, SNAPSHOT, curation, lay_out

from curation.annotation import read_annotations
from curation.errors import CurationError
from curation.labelstudio import predictions, read_snapshot
from curation.metrics.score_calibration import apply, load_calibration
from curation.release import latest_release, load_release

LOGICAL = "a6e16593164fc8395d2a04e823df214c2c61deab73303b2c13019f6703eb534b"


def test_the_release_loads() -> None:
    documents = load_release(FROZEN / "v0.1.0", "0.1.0")
    assert {split: len(rows) for split, rows in documents.items()} == {"train": 19, "validation": 1, "test": 1}
    assert sum(len(row["entities"]) for rows in documents.values() for row in rows) == 1423


def test_the_release_verifies(tmp_path: Path) -> None:
    assert curation(tmp_path, "verify", FROZEN / "v0.1.0")["problems"] == []


def test_the_release_is_current_where_nothing_changed(tmp_path: Path) -> None:
    project = lay_out(tmp_path)
    release = curation(project, "publish")["release"]
    assert (release["unchanged"], release["version"], release["logical_sha256"]) == (True, "0.1.0", LOGICAL)
    again = curation(project, "publish", "--version", "0.1.1")["release"]
    assert again["logical_sha256"] == LOGICAL


def test_the_release_is_continued(tmp_path: Path) -> None:
    """The next version knows the one before; articles that both have stay in their split."""
    project = lay_out(tmp_path, review='annotators = ["ls-3", "ls-4"]')
    release = curation(project, "publish", "--allow-shrink")["release"]
    assert (release["version"], release["bump"]) > ("0.1.0", "none")
    folder = Path(release["folder"])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["previous"]["version"], manifest["previous"]["logical_sha256"]) == ("0.1.0", LOGICAL)
    assert latest_release(folder.parent) == folder
    before, now = (
        {one["id"]: one["split"] for one in map(json.loads, (place / "articles.jsonl").read_text().splitlines())}
        for place in (FROZEN / "v0.1.0", folder)
    )
    assert now.items() <= before.items()
    assert curation(tmp_path, "verify", folder)["problems"] == []


def test_the_snapshot_is_read(tmp_path: Path) -> None:
    lay_out(tmp_path)
    snapshot = read_snapshot(tmp_path / "work" / "snapshots" / SNAPSHOT)
    assert len(list(snapshot.articles())) == len(list(snapshot.raw())) == len(list(snapshot.tasks())) == 28
    assert sum(one.state == "submitted" for one in snapshot.annotations()) == 32


def test_the_ledger_is_read(tmp_path: Path) -> None:
    """Every submitted annotation finds the prediction it began with."""
    lay_out(tmp_path)
    snapshot = read_snapshot(tmp_path / "work" / "snapshots" / SNAPSHOT)
    with predictions(tmp_path / "work", snapshot) as sent:
        for annotation in snapshot.annotations():
            assert annotation.parent is not None
            found = sent.by_id(annotation.parent)
            assert found is not None
            assert found.article_id == annotation.article_id


def test_the_calibration_file_is_read(tmp_path: Path) -> None:
    lay_out(tmp_path)
    calibration = load_calibration(FROZEN / "calibration.json")
    first = next(iter(read_annotations(tmp_path / "work" / "preannotations" / "spacy.jsonl")))
    assert first.annotator.key == calibration.engine
    calibrated = apply(calibration, first)
    assert [one.score for one in first.entities[:3]] == [0.906, 0.888, 0.878]
    assert [one.score for one in calibrated.entities[:3]] == [0.9687, 0.9235, 0.9642]


def test_a_calibration_file_of_another_engine_is_refused_in_one_line(tmp_path: Path) -> None:
    record = json.loads((FROZEN / "calibration.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps(record | {"engine": "engine:other@1"}))
    words = ("preannotate", "--calibration", tmp_path / "other.json", "--out", tmp_path / "out.jsonl")
    with pytest.raises(CurationError, match=r"^[^\n]*is of engine:other@1[^\n]*$"):
        curation(lay_out(tmp_path), *words)
    assert not (tmp_path / "out.jsonl").exists()
