"""Articles are read in one process or several, and nobody can tell from the bytes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made import ABOUT, SCHEMA, full, sharded

from curation.errors import ReleaseError
from curation.release import build_release, parquet, verify
from curation.release.manifest import Manifest

MADE = Path(__file__).with_name("made.py")


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_number_of_processes_changes_no_byte(tmp_path: Path) -> None:
    alone = build_release(full(110), SCHEMA, tmp_path / "alone", about=ABOUT)
    for workers in (1, 2, 3):
        made = build_release(sharded(110, workers=workers), SCHEMA, tmp_path / str(workers), about=ABOUT)
        assert contents(made.folder) == contents(alone.folder)
    manifest = Manifest.read(alone.folder)
    assert manifest.agreement is not None
    assert manifest.agreement.articles == 28
    assert manifest.counts.lost["arguments_across"] > 0
    assert sum(manifest.counts.rows["corrections"].values()) > 110
    assert verify(alone.folder, content=True) == []


def test_row_groups_have_the_rows_of_the_same_articles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ARTICLES", 13)
    monkeypatch.setattr(parquet, "_TAKEN", 7)
    rows = full(110)
    first = build_release(rows, SCHEMA, tmp_path / "first", about=ABOUT)
    second = build_release(rows[::-1], SCHEMA, tmp_path / "second", about=ABOUT)
    assert contents(first.folder) == contents(second.folder)
    assert verify(first.folder, content=True) == []
    groups = []
    for config in ("documents", "sentences", "corrections"):
        with pq.ParquetFile(first.folder / config / "train.parquet") as file:
            groups.append([set(file.read_row_group(n, ["id"])["id"].to_pylist()) for n in range(file.num_row_groups)])
    assert len(groups[0]) > 4
    assert groups[0] == groups[1]
    assert all(some <= every for some, every in zip(groups[2], groups[0], strict=True))


def test_an_article_that_cannot_be_released_is_named_whoever_reads_it(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"article a-0043: annotation .* is draft, not reviewed") as caught:
        build_release(sharded(50, "bad"), SCHEMA, tmp_path, about=ABOUT)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [".building.lock"]


def test_a_worker_that_dies_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="a worker process died") as caught:
        build_release(sharded(50, "dies"), SCHEMA, tmp_path, about=ABOUT)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [".building.lock"]


def test_workers_end_with_a_build_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, str(MADE), str(tmp_path), "50", "0", "--workers"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    worker = int(process.stdout.readline().removeprefix("worker "))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists():
            break
        time.sleep(0.1)
    else:
        os.kill(worker, signal.SIGKILL)
        pytest.fail("a worker goes on without its build")
