"""Loading gives exactly the version asked for, or an error that lists the versions; verify finds every difference."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from datasets import Features, Value
from made import ABOUT, SCHEMA, corpus, reviewed

import curation
from curation.errors import ReleaseError
from curation.release import build_release, load_release, verify
from curation.release.diff import Diff
from curation.release.features import _COLUMNS
from curation.release.manifest import Manifest, file_fact


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_release(corpus(40), SCHEMA, tmp_path, about=ABOUT).folder


def sign(folder: Path) -> None:
    """Make the manifest's file hashes fit again, as somebody would who does not want to be found out."""
    manifest = Manifest.read(folder)
    files = {name: file_fact(folder / name) for name in manifest.files if (folder / name).exists()}
    manifest.model_copy(update={"files": files}).write(folder)


def rewrite(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    path = folder / "documents" / "train.parquet"
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def replaced(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(column), table.schema.field(column), values)


def shouting(table: pa.Table) -> pa.Table:
    return replaced(table, "text", pc.utf8_upper(table["text"]))


def relabelled(table: pa.Table) -> pa.Table:
    rows = table["entities"].to_pylist()
    rows[0][0]["type"] = 1
    return replaced(table, "entities", pa.array(rows, table.schema.field("entities").type))


def beyond(table: pa.Table) -> pa.Table:
    rows = table["entities"].to_pylist()
    rows[0][0]["type"] = 7
    return replaced(table, "entities", pa.array(rows, table.schema.field("entities").type))


def test_a_release_as_it_was_built_is_fine(folder: Path) -> None:
    assert verify(folder) == verify(folder, content=True) == []
    (folder / "NOTES.md").write_text("Somebody's own, which the manifest does not know.")
    assert verify(folder) == []


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "documents/train.parquet", "labels.json", "splits.csv"])
def test_every_file_is_hashed(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    assert verify(folder)[0].startswith(f"{name}: has SHA-256")


def test_a_file_that_is_gone(folder: Path) -> None:
    (folder / "documents" / "test.parquet").unlink()
    problems = verify(folder)
    assert problems[0] == "documents/test.parquet: is missing"
    assert len(problems) == 2
    assert len(verify(folder, content=True)) == 3


def test_rows_written_in_another_way_are_the_same_release(folder: Path) -> None:
    """Other codec, other row groups: other bytes, the same logical content."""
    path = folder / "documents" / "train.parquet"
    pq.write_table(pq.read_table(path), path, compression="snappy", row_group_size=3)
    (problem,) = verify(folder, content=True)
    assert problem.startswith("documents/train.parquet: has SHA-256")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shouting, "its text does not fit its hash"),
        (shouting, "is another"),
        (relabelled, "its row is not the one"),
        (beyond, "holds 7, which stands for no label"),
        (lambda table: table.slice(1), "is named in articles.jsonl and has no row"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "is there twice"),
    ],
)
def test_content_that_was_changed_and_signed_is_found(
    folder: Path, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    rewrite(folder, change)
    sign(folder)
    problems = verify(folder, content=True)
    assert any(said in problem for problem in problems), problems


def test_a_split_table_that_was_changed_and_signed_is_found(folder: Path) -> None:
    table = folder / "splits.csv"
    table.write_text(table.read_text().replace("validation", "test"))
    sign(folder)
    problems = verify(folder, content=True)
    assert "the split table says otherwise" in problems[0]
    assert problems[-1] == "the logical content has another hash than the manifest says"


def test_labels_that_were_swapped_and_signed_are_found(folder: Path) -> None:
    path = folder / "labels.json"
    labels = json.loads(path.read_text())
    path.write_text(json.dumps(labels | {"entity_types": labels["entity_types"][::-1]}))
    sign(folder)
    assert verify(folder, content=True)[-1] == "the logical content has another hash than the manifest says"


def test_a_manifest_that_points_elsewhere_is_not_followed(folder: Path) -> None:
    manifest = Manifest.read(folder)
    fact = manifest.files["README.md"]
    manifest.model_copy(update={"files": manifest.files | {"../../secret": fact, "/etc/passwd": fact}}).write(folder)
    assert verify(folder) == ["../../secret: points out of the release", "/etc/passwd: points out of the release"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 2}', "\x00"])
def test_without_a_manifest_there_is_nothing_to_compare(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ReleaseError, match=r"manifest\.json") as caught:
        verify(folder)
    assert "\n" not in str(caught.value)


FILES = [
    "manifest.json",
    "SHA256SUMS",
    "labels.json",
    "schema.json",
    "splits.csv",
    "articles.jsonl",
    "README.md",
    "documents/train.parquet",
    "sentences/train.parquet",
    "corrections/train.parquet",
]
READ = {"manifest.json", "SHA256SUMS", "labels.json", "README.md", "documents/train.parquet"}
"""What `load_release` reads of the `documents` config."""


def flipped(path: Path, rng: random.Random) -> None:
    """Change one bit of a file, its size and time as they were."""
    held, stat = bytearray(path.read_bytes()), path.stat()
    held[rng.randrange(len(held))] ^= 1 << rng.randrange(8)
    path.write_bytes(held)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_wherever_it_is(folder: Path, name: str) -> None:
    path, rng = folder / name, random.Random(name)
    intact = path.read_bytes()
    for _ in range(24):
        flipped(path, rng)
        try:
            problems = verify(folder)
        except ReleaseError as error:
            problems = [str(error)]
            assert name == "manifest.json"
        assert problems
        assert not any("\n" in problem for problem in problems)
        if name in READ:
            with pytest.raises(ReleaseError) as caught:
                load_release(folder, "0.1.0")
            assert "\n" not in str(caught.value)
        path.write_bytes(intact)
    assert verify(folder) == []


def test_what_cannot_be_read_at_all_is_one_line_also_unverified(folder: Path) -> None:
    path = folder / "documents" / "train.parquet"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ReleaseError, match=r"train\.parquet: has SHA-256"):
        load_release(folder, "0.1.0")
    with pytest.raises(ReleaseError, match="documents cannot be loaded") as caught:
        load_release(folder, "0.1.0", verify=False)
    assert "\n" not in str(caught.value)


def test_pages_carry_checksums(folder: Path) -> None:
    """Read past the file's hash, as other tools do that check the pages."""
    path, rng = folder / "documents" / "train.parquet", random.Random(5)
    held = bytearray(path.read_bytes())
    end = len(held) - 8 - int.from_bytes(held[-8:-4], "little")
    with pq.ParquetFile(path) as file:
        group = file.metadata.row_group(0)
        columns = [group.column(number) for number in range(group.num_columns)]
    (text,) = (one for one in columns if one.path_in_schema == "text")
    assert text.data_page_offset + text.total_compressed_size <= end
    for _ in range(20):
        place = text.data_page_offset + rng.randrange(60, text.total_compressed_size)
        held[place] ^= 1
        path.write_bytes(held)
        with pytest.raises((OSError, pa.ArrowException)), pq.ParquetFile(path, page_checksum_verification=True) as file:
            file.read(["text"])
        held[place] ^= 1


def test_sha256sum_reads_the_checksums(folder: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True, timeout=60)
    named = {line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert named == files - {"SHA256SUMS"}


def lie(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and sign it again."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    hashes = {name: fact["sha256"] for name, fact in (manifest["files"] or {}).items()}
    hashes["manifest.json"] = file_fact(path).sha256
    lines = [f"{digest}  {name}" for name, digest in sorted(hashes.items())]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("rows", [{}, {"documents": {}}, {"documents": {"train": 3}}, {"documents": {"train": 0}}])
def test_row_counts_that_lie_are_found_in_the_footers(folder: Path, rows: dict[str, Any]) -> None:
    lie(folder, lambda manifest: manifest["counts"].update(rows=rows))
    assert re.match(r"documents/train\.parquet: has \d+ rows, the manifest says [03]$", verify(folder)[0])
    with pytest.raises(ReleaseError, match=r"train\.parquet: has \d+ rows, the manifest says"):
        load_release(folder, "0.1.0")
    assert sum(map(len, load_release(folder, "0.1.0", verify=False).values())) == 40


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda one: one["counts"]["entities"]["Person"].update(train=1),
            "counts.entities.Person.train is 1, the rows",
        ),
        (lambda one: one["counts"].update(preannotated=0), "counts.preannotated is 0, the rows give 40"),
        (lambda one: one["counts"]["licences"].clear(), "counts.licences.CC0-1.0 is 0, the rows give 40"),
        (lambda one: one["counts"]["lost"].update(entities_across=4), "counts.lost.entities_across is 4"),
        (lambda one: one["counts"].update(first_published="2031"), "counts.first_published is 2031"),
        (lambda one: one.update(schema="made@1.0.1"), "schema is made@1.0.1, schema.json holds made@1.0.0"),
        (lambda one: one.update(logical_sha256="0" * 64), "the logical content has another hash"),
    ],
)
def test_other_lies_are_found_in_the_rows(folder: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    lie(folder, change)
    assert verify(folder) == []
    (problem,) = verify(folder, content=True)
    assert said in problem


@pytest.mark.parametrize("name", ["documents/train.parquet", "labels.json", "README.md"])
def test_a_file_that_the_manifest_does_not_name_is_not_loaded(folder: Path, name: str) -> None:
    lie(folder, lambda manifest: manifest["files"].pop(name))
    with pytest.raises(ReleaseError, match=f"{name}: is not in the manifest"):
        load_release(folder, "0.1.0")


@pytest.mark.parametrize("field", ["counts", "splits", "files", "columns", "types", "software", "version"])
def test_a_manifest_that_lacks_something_is_one_line(folder: Path, field: str) -> None:
    lie(folder, lambda manifest: manifest.update({field: None}))
    for job in (verify, lambda one: load_release(one, "0.1.0")):
        with pytest.raises(ReleaseError, match=field) as caught:
            job(folder)
        assert "\n" not in str(caught.value)


def test_without_its_checksums_a_release_is_not_whole(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    assert verify(folder) == ["SHA256SUMS: is missing"]
    with pytest.raises(ReleaseError, match="SHA256SUMS: is missing"):
        load_release(folder, "0.1.0")


def made_before(folder: Path) -> None:
    """Make of a release one as they were before the manifest was hashed and pages had checksums."""
    for path in folder.glob("*/*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table, path, compression="zstd")
    manifest = Manifest.read(folder)
    files = {name: file_fact(folder / name) for name in manifest.files}
    manifest.model_copy(update={"files": files, "checksums": None}).write(folder)
    record = json.loads((folder / "manifest.json").read_text())
    del record["checksums"]
    (folder / "manifest.json").write_text(json.dumps(record))
    (folder / "SHA256SUMS").unlink()


def test_a_release_made_before_is_read_and_continued(folder: Path, tmp_path: Path) -> None:
    logical = Manifest.read(folder).logical_sha256
    made_before(folder)
    assert verify(folder) == verify(folder, content=True) == []
    assert sum(map(len, load_release(folder, "0.1.0").values())) == 40
    report = build_release(corpus(50), SCHEMA, tmp_path, about=ABOUT, previous=folder)
    assert (report.version, report.changes.added if report.changes else 0) == ("0.2.0", 10)
    assert [article.change for article in Diff(folder, report.folder)] == ["added"] * 10
    again = build_release(corpus(40), SCHEMA, tmp_path / "again", about=ABOUT)
    assert again.logical_sha256 == logical
    path = folder / "documents" / "train.parquet"
    flipped(path, random.Random(1))
    with pytest.raises(ReleaseError, match="has SHA-256"):
        load_release(folder, "0.1.0")


@pytest.mark.parametrize("config", ["documents", "sentences", "corrections"])
def test_a_split_without_rows_has_the_columns_of_its_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    """A release keeps its columns when the software gets a new one, also in splits that have no rows."""
    folder = build_release(corpus(3), SCHEMA, tmp_path, about=ABOUT).folder
    before = load_release(folder, "0.1.0", config)
    assert 0 in before.num_rows.values()
    declared = dict(_COLUMNS)
    for name, declare in declared.items():
        monkeypatch.setitem(
            _COLUMNS, name, lambda labels, declare=declare: Features({**declare(labels), "new": Value("string")})
        )
    now = load_release(folder, "0.1.0", config)
    assert {split: rows.features for split, rows in now.items()} == {
        split: rows.features for split, rows in before.items()
    }
    assert "new" not in now["test"].features
    assert all(rows.features == now["train"].features for rows in now.values())


def test_diff_and_the_next_release_refuse_what_is_not_as_written(folder: Path, tmp_path: Path) -> None:
    newer = build_release(corpus(50), SCHEMA, tmp_path, about=ABOUT, previous=folder).folder
    flipped(folder / "documents" / "train.parquet", random.Random(2))
    with pytest.raises(ReleaseError, match=r"v0\.1\.0: documents/train\.parquet: has SHA-256"):
        Diff(folder, newer)
    with pytest.raises(ReleaseError, match=r"documents/train\.parquet: has SHA-256"):
        build_release(corpus(60), SCHEMA, tmp_path, about=ABOUT, previous=folder)


def test_releases_of_equal_names_and_sizes_are_not_taken_for_each_other(tmp_path: Path) -> None:
    """`datasets` caches a folder by its name and the sizes in its card."""
    texts = {"one": "Kel went to Torva and said so.", "two": "Kel went to Torva and sang so."}
    for name, text in texts.items():
        build_release([reviewed("a-1", text)], SCHEMA, tmp_path / name, about=ABOUT)
    for name, text in texts.items():
        loaded = load_release(tmp_path / name, "0.1.0")
        assert [row["text"] for split in loaded.values() for row in split] == [text]
