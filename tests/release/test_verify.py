"""Verify finds every kind of difference, and nothing where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from made import ABOUT, SCHEMA, corpus

from curation.errors import ReleaseError
from curation.release import build_release, verify
from curation.release.manifest import Manifest, file_fact


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
    assert verify(folder) == []
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


def test_rows_written_in_another_way_are_the_same_release(folder: Path) -> None:
    """Other codec, other row groups: other bytes, the same logical content."""
    path = folder / "documents" / "train.parquet"
    pq.write_table(pq.read_table(path), path, compression="snappy", row_group_size=3)
    (problem,) = verify(folder)
    assert problem.startswith("documents/train.parquet: has SHA-256")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shouting, "its text does not fit its hash"),
        (shouting, "is another"),
        (relabelled, "its row is not the one"),
        (beyond, "holds 7, which stands for no label"),
        (lambda table: table.slice(1), "is named in articles.jsonl and has no row"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "stands there twice"),
    ],
)
def test_content_that_was_changed_and_signed_is_found(
    folder: Path, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    rewrite(folder, change)
    sign(folder)
    problems = verify(folder)
    assert any(said in problem for problem in problems), problems


def test_a_split_table_that_was_changed_and_signed_is_found(folder: Path) -> None:
    table = folder / "splits.csv"
    table.write_text(table.read_text().replace("validation", "test"))
    sign(folder)
    problems = verify(folder)
    assert "the split table says otherwise" in problems[0]
    assert problems[-1] == "the logical content has another hash than the manifest says"


def test_labels_that_were_swapped_and_signed_are_found(folder: Path) -> None:
    path = folder / "labels.json"
    labels = json.loads(path.read_text())
    path.write_text(json.dumps(labels | {"entity_types": labels["entity_types"][::-1]}))
    sign(folder)
    assert verify(folder)[-1] == "the logical content has another hash than the manifest says"


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
