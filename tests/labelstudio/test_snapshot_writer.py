from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import random_work as made

from curation.errors import BadInput
from curation.files import read_jsonl, write_jsonl
from curation.labelstudio.from_labelstudio import decode
from curation.labelstudio.snapshot import Snapshot, latest_of_project, latest_snapshot, read_snapshot
from curation.labelstudio.snapshot_writer import Source, build_snapshot
from curation.schema import LabelSchema

SOURCE = Source("http://host", 1, "News", "2026-01-01T00:00:00Z", "conflict-news@1.0.0")


def task(number: int, schema: LabelSchema, edition: int = 0) -> dict[str, Any]:
    """A task; `edition` 0 is untouched, any other is answered one way or another."""
    # Every fifth task shares its article with the one before.
    article = made.article(number - (number % 5 == 0), words=15)
    prediction = made.annotation(article, schema, 0, entities=3, events=1)
    submitted = None if edition == 0 else made.annotation(article, schema, edition, entities=2, events=1)
    raw = made.exported(number, article, prediction, submitted, schema)
    if edition % 3 == 2:
        raw["annotations"][0]["result"].append(made.region("far", 1, 10_000, "GPE"))
    return raw


def build(
    folder: Path,
    tasks: dict[int, dict[str, Any]],
    changed: Iterable[int],
    schema: LabelSchema,
    previous: Snapshot | None,
) -> tuple[Path, bool]:
    changed = set(changed)
    return build_snapshot(
        folder,
        SOURCE,
        sorted(tasks),
        (tasks[number] for number in sorted(changed)),
        changed,
        lambda raw: decode(raw, schema),
        lambda number: f"http://host/projects/1/data?task={number}",
        time=datetime.now(UTC),
        previous=previous,
    )


def make_old(folder: Path) -> None:
    """Give a snapshot whose files were changed the manifest that earlier versions wrote for them."""
    manifest = json.loads((folder / "snapshot.json").read_bytes())
    assert manifest.pop("stamp") is None
    del manifest["digest"]
    for name, facts in manifest["files"].items():
        data = (folder / name).read_bytes()
        facts["bytes"], facts["sha256"] = len(data), hashlib.sha256(data).hexdigest()
    (folder / "snapshot.json").write_text(json.dumps(manifest))


def test_step_by_step_gives_the_same_bytes_as_at_once(tmp_path: Path, schema: LabelSchema) -> None:
    chance = random.Random(5)
    tasks = {number: task(number, schema) for number in chance.sample(range(1, 300), 120)}
    previous = None
    for step in range(6):
        changed = set(tasks) if previous is None else set()
        if previous is not None:
            for number in chance.sample(sorted(tasks), 8):
                tasks[number] = task(number, schema, chance.randint(0, 5))
                changed.add(number)
            for number in chance.sample(sorted(tasks), 5):
                del tasks[number]
                changed.discard(number)
            for number in range(300 + 10 * step, 304 + 10 * step):
                tasks[number] = task(number, schema, step)
                changed.add(number)
        path, _ = build(tmp_path / "steps", tasks, changed, schema, previous)
        previous = read_snapshot(path)
        whole = read_snapshot(build(tmp_path / f"whole-{step}", tasks, tasks, schema, None)[0])
        assert previous.manifest.content == whole.manifest.content
        for name in previous.manifest.files:
            assert (previous.path / name).read_bytes() == (whole.path / name).read_bytes(), name
        assert previous.manifest.counts == whole.manifest.counts
        assert previous.manifest.findings == whole.manifest.findings


def test_what_is_in_a_snapshot(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {1: task(1, schema), 2: task(2, schema, 1), 4: task(4, schema, 2), 5: task(5, schema, 3)}
    path, new = build(tmp_path, tasks, tasks, schema, None)
    snapshot = read_snapshot(path)
    assert new
    assert list(snapshot.raw()) == [tasks[number] for number in sorted(tasks)]
    assert [article.id for article in snapshot.articles()] == ["art-1", "art-2", "art-4"]
    assert [one.article_id for one in snapshot.annotations()] == ["art-2", "art-4", "art-4"]
    assert [(line.task, line.state, line.article_id) for line in snapshot.tasks()] == [
        (1, "untouched", "art-1"),
        (2, "submitted", "art-2"),
        (4, "submitted", "art-4"),
        (5, "submitted", "art-4"),
    ]
    (issue,) = snapshot.issues()
    assert (issue["task"], issue["code"], issue["url"]) == (4, "outside-text", "http://host/projects/1/data?task=4")
    assert snapshot.manifest.counts == {
        "tasks": 4,
        "submitted": 3,
        "draft": 0,
        "skipped": 0,
        "untouched": 1,
        "articles": 3,
        "annotations": 3,
        "issues": 1,
    }
    assert snapshot.manifest.findings == {"outside-text": 1}
    assert len(gzip.decompress((path / "raw.jsonl.gz").read_bytes()).splitlines()) == 4


def test_nothing_new_makes_no_snapshot(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {number: task(number, schema, number) for number in range(1, 20)}
    path, _ = build(tmp_path / "snapshots", tasks, tasks, schema, None)
    again, new = build(tmp_path / "snapshots", tasks, {3, 4}, schema, read_snapshot(path))
    assert (again, new) == (path, False)
    assert [one.name for one in (tmp_path / "snapshots").iterdir()] == [path.name]
    assert latest_snapshot(tmp_path) == path


def test_articles_are_shared_where_none_is_new(tmp_path: Path, schema: LabelSchema) -> None:
    def place(snapshot: Snapshot) -> int:
        return (snapshot.path / "articles.jsonl").stat().st_ino

    tasks = {number: task(number, schema) for number in range(1, 20)}
    first = read_snapshot(build(tmp_path, tasks, tasks, schema, None)[0])
    tasks[3] = task(3, schema, 1)
    second = read_snapshot(build(tmp_path, tasks, {3}, schema, first)[0])
    assert second.path != first.path and place(second) == place(first)
    tasks[4] = task(4, schema, 1)
    third = read_snapshot(build(tmp_path, tasks, tasks, schema, second)[0])
    assert place(third) == place(first), "fetched anew, and the same"
    tasks[21] = task(21, schema)
    fourth = read_snapshot(build(tmp_path, tasks, {21}, schema, third)[0])
    del tasks[21]
    fifth = read_snapshot(build(tmp_path, tasks, set(), schema, fourth)[0])
    assert len({place(first), place(fourth), place(fifth)}) == 3
    for snapshot in (first, second, third, fourth, fifth):
        read_snapshot(snapshot.path)
    text = (fifth.path / "articles.jsonl").read_bytes()
    assert text == (first.path / "articles.jsonl").read_bytes()


def test_a_damaged_line_is_not_shared(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {number: task(number, schema) for number in range(1, 9)}
    first = read_snapshot(build(tmp_path / "snapshots", tasks, tasks, schema, None)[0])
    text = (first.path / "articles.jsonl").read_bytes()
    at = text.index(b'"text":"') + 8
    (first.path / "articles.jsonl").write_bytes(text[:at] + b"#" + text[at + 1 :])
    tasks[3] = task(3, schema, 1)
    second = read_snapshot(build(tmp_path / "snapshots", tasks, tasks, schema, first)[0])
    assert (second.path / "articles.jsonl").read_bytes() == text


def test_a_snapshot_of_an_earlier_version_is_read_and_taken_over(tmp_path: Path, schema: LabelSchema) -> None:
    """It said which predictions a task has, and not what the latest change was when its pull began."""
    tasks = {number: task(number, schema, number % 3) for number in range(1, 9)}
    snapshot = read_snapshot(build(tmp_path / "now", tasks, tasks, schema, None)[0])
    lines = list(read_jsonl(snapshot.path / "tasks.jsonl"))
    write_jsonl(snapshot.path / "tasks.jsonl", [json.dumps({**line, "predictions": [7]}) for _, line in lines])
    make_old(snapshot.path)
    old = read_snapshot(snapshot.path)
    assert [line.model_dump(mode="json") for line in old.tasks()] == [line for _, line in lines]
    path, new = build(tmp_path / "now", tasks, {3}, schema, old)
    assert new is False and path == old.path


def test_the_name_tells_time_and_content_and_sorts(tmp_path: Path, schema: LabelSchema) -> None:
    folder = tmp_path / "snapshots"
    paths, previous = [], None
    for edition in range(3):
        tasks = {1: task(1, schema, edition)}
        path, _ = build(folder, tasks, tasks, schema, previous)
        previous = read_snapshot(path)
        paths.append(path)
        assert path.name == f"{previous.manifest.time:%Y%m%dT%H%M%SZ}-{previous.manifest.content[:8]}"
    assert paths == sorted(paths)
    assert latest_snapshot(tmp_path) == paths[-1]
    assert latest_of_project(tmp_path, 1, "2026-01-01T00:00:00Z") is not None
    assert latest_of_project(tmp_path, 1, "2026-01-02T00:00:00Z") is None


def test_a_failure_leaves_no_snapshot(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {number: task(number, schema) for number in range(1, 9)}

    def broken() -> Iterable[dict[str, Any]]:
        yield tasks[1]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        build_snapshot(
            tmp_path / "snapshots",
            SOURCE,
            sorted(tasks),
            broken(),
            set(tasks),
            lambda raw: decode(raw, schema),
            str,
            time=datetime.now(UTC),
            previous=None,
        )
    assert list((tmp_path / "snapshots").iterdir()) == []
    assert latest_snapshot(tmp_path) is None


def test_what_a_kill_left_behind_is_cleared_away(tmp_path: Path, schema: LabelSchema) -> None:
    (tmp_path / "snapshots" / ".part-99").mkdir(parents=True)
    (tmp_path / "snapshots" / ".part-99" / "raw.jsonl.gz").write_bytes(b"half")
    assert latest_snapshot(tmp_path) is None
    path, _ = build(tmp_path / "snapshots", {1: task(1, schema)}, {1}, schema, None)
    assert [one.name for one in (tmp_path / "snapshots").iterdir()] == [path.name]


FILES = ["raw.jsonl.gz", "tasks.jsonl", "articles.jsonl", "annotations.jsonl", "issues.jsonl"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["missing", "empty", "a line less", "another byte"])
def test_a_damaged_file_is_noticed_before_anything_is_read(
    tmp_path: Path, schema: LabelSchema, name: str, how: str
) -> None:
    tasks = {number: task(number, schema, 2) for number in range(1, 4)}
    path, _ = build(tmp_path, tasks, tasks, schema, None)
    read_snapshot(path)
    whole = (path / name).read_bytes()
    (path / name).unlink()
    if how != "missing":
        lines = whole.splitlines(keepends=True)
        new = {"empty": b"", "a line less": b"".join(lines[:-1]), "another byte": whole[:12] + b"#" + whole[13:]}
        (path / name).write_bytes(new[how])
    with pytest.raises(BadInput, match=f"{re.escape(name)}: .*run `curation pull` again"):
        read_snapshot(path)


@pytest.mark.parametrize("what", ["gone", "half", "other counts", "other stamp"])
def test_a_damaged_manifest_is_noticed(tmp_path: Path, schema: LabelSchema, what: str) -> None:
    tasks = {1: task(1, schema, 2)}
    path, _ = build(tmp_path / "snapshots", tasks, tasks, schema, None)
    manifest = path / "snapshot.json"
    text = manifest.read_text()
    manifest.unlink()
    if what != "gone":
        new = {
            "half": text[: len(text) // 2],
            "other counts": text.replace('"submitted": 1', '"submitted": 2'),
            "other stamp": text.replace('"stamp": null', '"stamp": "2099-01-01T00:00:00Z"'),
        }[what]
        assert new != text
        manifest.write_text(new)
    assert latest_snapshot(tmp_path) == path, "an older one in its place would be work lost"
    with pytest.raises(BadInput, match=r"snapshot\.json: .*run `curation pull` again"):
        read_snapshot(path)


def test_files_are_hashed_once(tmp_path: Path, schema: LabelSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = build(tmp_path, {1: task(1, schema, 2)}, {1}, schema, None)
    time.sleep(0.2)
    hashed: list[Any] = []
    digest = hashlib.file_digest

    def counting(file: Any, name: str) -> Any:
        hashed.append(file.name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    for _ in range(3):
        read_snapshot(path)
    assert sorted(Path(name).name for name in hashed) == sorted(FILES)
    (path / "tasks.jsonl").touch()
    read_snapshot(path)
    assert len(hashed) == len(FILES) + 1


def test_a_new_snapshot_is_the_newest_though_the_one_before_cannot_be_used(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {number: task(number, schema, 2) for number in range(1, 4)}
    first, _ = build(tmp_path / "snapshots", tasks, tasks, schema, None)
    second, new = build(tmp_path / "snapshots", tasks, tasks, schema, None)
    assert new and second != first and latest_snapshot(tmp_path) == second


@pytest.mark.parametrize("name", ["articles.jsonl", "annotations.jsonl", "issues.jsonl"])
@pytest.mark.parametrize("left", [None, 0, 100], ids=["missing", "empty", "cut short"])
def test_a_file_that_is_not_whole_is_not_taken_over(
    tmp_path: Path, schema: LabelSchema, name: str, left: int | None
) -> None:
    tasks = {number: task(number, schema, 2) for number in range(1, 9)}
    before = read_snapshot(build(tmp_path, tasks, tasks, schema, None)[0])
    whole = (before.path / name).read_bytes()
    (before.path / name).unlink()
    if left is not None:
        (before.path / name).write_bytes(whole[:left])
    tasks[3] = task(3, schema, 1)
    with pytest.raises(BadInput, match=f"{name}: .*run `curation pull` again"):
        build(tmp_path, tasks, {3}, schema, before)
    assert [one.name for one in tmp_path.iterdir()] == [before.path.name]


def test_a_damaged_block_is_not_taken_over(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {number: task(number, schema, 1) for number in range(1, 5)}
    path, _ = build(tmp_path, tasks, tasks, schema, None)
    raw = path / "raw.jsonl.gz"
    raw.write_bytes(raw.read_bytes()[:-40])
    with pytest.raises(BadInput, match="damaged"):
        build(tmp_path, tasks, {1}, schema, read_snapshot(path))


def test_a_damaged_block_in_which_nothing_changed_is_not_taken_over_either(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {number: task(number, schema) for number in range(1, 100)}
    path, _ = build(tmp_path, tasks, tasks, schema, None)
    raw = bytearray((path / "raw.jsonl.gz").read_bytes())
    raw[-200] ^= 1
    (path / "raw.jsonl.gz").write_bytes(raw)
    with pytest.raises(BadInput, match="damaged"):
        build(tmp_path, tasks, {1}, schema, read_snapshot(path))


def test_raw_tasks_in_several_gzip_members_are_taken_over(tmp_path: Path, schema: LabelSchema) -> None:
    tasks = {number: task(number, schema) for number in range(1, 100)}
    path, _ = build(tmp_path / "old", tasks, tasks, schema, None)
    lines = gzip.decompress((path / "raw.jsonl.gz").read_bytes()).splitlines(keepends=True)
    blocks = [lines[:31], lines[31:63], lines[63:95], lines[95:]]
    old = b"".join(gzip.compress(b"".join(block), mtime=0) for block in blocks)
    (path / "raw.jsonl.gz").write_bytes(old)
    make_old(path)
    tasks[50] = task(50, schema, 1)
    part = read_snapshot(build(tmp_path / "old", tasks, {50}, schema, read_snapshot(path))[0])
    whole = read_snapshot(build(tmp_path / "new", tasks, tasks, schema, None)[0])
    assert part.manifest.content == whole.manifest.content


def test_a_folder_that_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"snapshot\.json"):
        read_snapshot(tmp_path)
