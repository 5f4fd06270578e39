"""Articles that did not change are taken over from the release before, and nobody can tell from the bytes."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import ABOUT, SCHEMA, corpus, reviewed, words

from curation.annotation import Annotator
from curation.errors import ReleaseError
from curation.formats.tokens import tokenise
from curation.release import ReviewedArticle, Selection, Unread, build_release, spool, verify
from curation.release.canonical import canonical
from curation.release.documents import row
from curation.release.manifest import Manifest
from curation.release.screen import Screen
from curation.release.splits import SPLITS
from curation.release.table import read_splits
from curation.schema import LabelSchema

TYPES = {SCHEMA.ref: (*SCHEMA.entity_names, *SCHEMA.event_names)}


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of all rows that are validated from now on."""
    seen: list[str] = []
    sure = Screen.sure

    def noting(self: Screen, table: pa.Table) -> Any:
        seen.extend(table["id"].to_pylist())
        return sure(self, table)

    monkeypatch.setattr(Screen, "sure", noting)
    return seen


def build(rows: Any, out: Path, **options: Any) -> Any:
    return build_release(rows, options.pop("schema", SCHEMA), out, about=ABOUT, **options)


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def lines(rows: list[ReviewedArticle]) -> list[bytes]:
    return [canonical(row(one, SCHEMA, TYPES)) for one in rows]


def full(rows: list[ReviewedArticle]) -> list[ReviewedArticle]:
    """The same with tokens, cut so that arguments get lost, with what engines and what a second person had said."""
    made = []
    for n, one in enumerate(rows):
        said = one.annotation
        prediction = said.model_copy(update={"id": f"p{n}", "entities": said.entities[: n % 3], "events": ()})
        other = said.model_copy(update={"id": f"o{n}", "annotator": Annotator(kind="person", name="2"), "events": ()})
        (whole,) = tokenise(one.article).sentences
        first, rest = whole.tokens[:2], whole.tokens[2:]
        layout = [(whole.start, first[-1][1], first), (rest[0][0], whole.end, rest)]
        others = (other,) if n % 4 == 0 else ()
        made.append(one._replace(sentences=layout, prediction=prediction, others=others, chosen="latest"))
    return made


def unread(rows: list[ReviewedArticle], snapshot: str) -> Iterator[Unread]:
    for one in rows:
        key = hashlib.sha256(repr(one._replace(snapshot=None)).encode()).digest()
        yield Unread(key, lambda one=one: one._replace(snapshot=snapshot), snapshot)  # type: ignore[misc]


def later(rows: list[ReviewedArticle]) -> list[ReviewedArticle]:
    """One changed, one with another text, one left out, two new, and all in another order."""
    rows = list(rows)
    rows[7] = rows[7]._replace(annotation=rows[7].annotation.model_copy(update={"events": ()}))
    rows[9] = reviewed(rows[9].article.id, words(60, random.Random(99)))
    del rows[11]
    rows += [reviewed("b-0001", words(60, random.Random(98))), reviewed("a-0003-b", words(60, random.Random(97)))]
    random.Random(1).shuffle(rows)
    return rows


def test_lines_make_the_same_release_as_the_articles_they_are_of(tmp_path: Path) -> None:
    rows = [one._replace(snapshot=None) for one in corpus(40)]
    one, two = build(rows, tmp_path / "one"), build(lines(rows), tmp_path / "two")
    assert contents(one.folder) == contents(two.folder)
    # Any spelling will do.
    loose = [line.replace(b'":', b'" : ') + b" " for line in lines(rows)]
    loose[3] = loose[3].replace(b'"start" : 0', b'"start" : 0.0')
    assert contents(build(loose, tmp_path / "three").folder) == contents(one.folder)


@pytest.mark.parametrize("form", ["lines", "unread"])
def test_what_is_taken_over_is_byte_for_byte_what_a_full_build_makes(
    tmp_path: Path, validated: list[str], form: str
) -> None:
    rows = full(corpus(60))

    def given(rows: list[ReviewedArticle], snapshot: str) -> Any:
        return lines(rows) if form == "lines" else unread(rows, snapshot)

    first = build(given(rows, "pull-1"), tmp_path)
    validated.clear()
    then = full(later(rows)) if form == "lines" else later(rows)
    second = build(given(then, "pull-2"), tmp_path, previous=first.folder)
    assert sorted(validated) == ["a-0003-b", "a-0007", "a-0009", "b-0001"]
    validated.clear()
    for path in tmp_path.glob(".v*.inputs"):
        path.unlink()
    again = build(given(then, "pull-2"), tmp_path / "again", previous=first.folder)
    assert len(validated) == len(then)
    assert contents(second.folder) == contents(again.folder)
    assert second == again.model_copy(update={"folder": second.folder})
    assert (second.changes.added, second.changes.left_out, second.changes.revised, second.changes.corrected) == (
        *(2, 1, 1),
        1,
    )
    assert verify(second.folder) == []


@pytest.mark.parametrize("every", [2, 40])
def test_what_is_taken_over_in_stretches_or_row_by_row_is_the_same(
    tmp_path: Path, validated: list[str], monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(spool, "ROWS", 37)
    rows = full(corpus(150, length=20))
    for number in range(3):
        before = tmp_path / f"v0.1.{number - 1}" if number else None
        for n in range(number, len(rows) if number else 0, every):
            said = rows[n].annotation
            rows[n] = rows[n]._replace(annotation=said.model_copy(update={"id": f"{said.id}-{number}", "events": ()}))
        validated.clear()
        made = build(unread(rows, f"pull-{number}"), tmp_path, previous=before)
        assert len(validated) == (len(range(number, len(rows), every)) if number else len(rows))
    for path in tmp_path.glob(".v*.inputs"):
        path.unlink()
    again = build(unread(rows, "pull-2"), tmp_path / "again", previous=before)
    assert contents(made.folder) == contents(again.folder)
    assert Manifest.read(made.folder).counts.lost["arguments_across"] > 0
    assert Manifest.read(made.folder).agreement is not None
    assert pq.read_metadata(made.folder / "documents" / "train.parquet").num_row_groups > 2
    assert verify(made.folder) == []


def test_inputs_that_are_not_whole_are_not_relied_upon(tmp_path: Path, validated: list[str]) -> None:
    first = build(lines(corpus(30)), tmp_path)
    (path,) = tmp_path.glob(".v*.inputs")
    held = path.read_text()
    negative, short = ('"lost": [-1, 0, 0, 0, 0, 0, 0]}', '"agreement": [1]}')
    for bad in (
        "",
        held[:-20],
        held.replace("a-0003", "a-9999"),
        held.replace('"key": "', '"key": "0'),
        "[]\n" + held,
        held.replace('"}', f'", {negative}', 1),
        held.replace('"}', f'", {short}', 1),
    ):
        path.write_text(bad)
        validated.clear()
        made = build(lines(corpus(31)), tmp_path / "more", previous=first.folder)
        assert len(validated) == 31, bad[:99]
        shutil.rmtree(made.folder)


def test_a_chain_of_releases_and_nothing_new(tmp_path: Path, validated: list[str]) -> None:
    first = build(lines(corpus(30)), tmp_path)
    second = build(lines(corpus(31)), tmp_path, previous=first.folder)
    validated.clear()
    same = build(lines(corpus(31)), tmp_path, previous=second.folder)
    assert (same.unchanged, same.version, validated) == (True, "0.2.0", [])
    third = build(lines(corpus(32)), tmp_path, previous=second.folder)
    assert (third.version, validated) == ("0.3.0", ["a-0031"])


def test_withdrawn_articles_are_not_taken_over(tmp_path: Path) -> None:
    first = build(lines(corpus(30)), tmp_path)
    selection = Selection(withdrawn={"a-0007": None})
    second = build(lines(corpus(30)), tmp_path, previous=first.folder, selection=selection)
    assert (second.articles, second.barred) == (29, {"withdrawn": 1})
    assert b"a-0007" not in (second.folder / "articles.jsonl").read_bytes()


def test_another_policy_or_schema_validates_everything_again(tmp_path: Path, validated: list[str]) -> None:
    first = build(lines(corpus(30)), tmp_path)
    grown = SCHEMA.model_dump(mode="json") | {"version": "1.1.0"}
    for options in (
        {"selection": Selection(licences=("CC0-1.0",))},
        {"also": "other names"},
        {"schema": LabelSchema.model_validate(grown)},
    ):
        validated.clear()
        build(lines(corpus(31)), tmp_path / "more", previous=first.folder, **options)
        assert len(validated) == 31
        for path in (tmp_path / "more").glob("v*"):
            path.rename(tmp_path / f"gone-{len(list(tmp_path.iterdir()))}")


def test_rows_are_not_taken_over_from_a_file_that_was_changed(tmp_path: Path) -> None:
    first = build(lines(corpus(30)), tmp_path)
    path = first.folder / "documents" / "train.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    for _ in range(2):
        with pytest.raises(ReleaseError, match=r"documents/train\.parquet: has SHA-256"):
            build(lines(corpus(31)), tmp_path, previous=first.folder)
        for inputs in tmp_path.glob(".v*.inputs"):  # nor is it compared with, where nothing is taken over
            inputs.unlink()


def test_a_line_that_is_no_row_stops_the_build(tmp_path: Path) -> None:
    good = lines(corpus(5))
    with pytest.raises(ReleaseError, match=r"a-0002: e1: entity type Ship .*nothing was built"):
        build([*good[:2], good[2].replace(b'"Person"}', b'"Ship"}'), *good[3:]], tmp_path)
    with pytest.raises(ReleaseError, match="a line is no row"):
        build([*good, b'{"id": '], tmp_path)
    with pytest.raises(ReleaseError, match="a-0001 comes twice"):
        build([*good, good[1]], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".building.lock"]


@pytest.mark.parametrize("form", ["lines", "unread"])
def test_all_others_are_taken_over_where_somebody_was_set_aside(
    tmp_path: Path, validated: list[str], form: str
) -> None:
    def given(rows: list[ReviewedArticle]) -> Any:
        return lines(rows) if form == "lines" else unread(rows, "pull")

    rows = corpus(40)
    first = build(given(rows), tmp_path)
    table, text = read_splits(first.folder / "splits.csv"), {row.article.id: row.article.text for row in rows}
    one, two = (next(name for name, place in table.items() if place.split == split) for split in SPLITS[:2])
    rows.append(reviewed("z-both", f"{text[one]} {text[two]}"))
    second = build(given([*rows, reviewed("z-1", words(60, random.Random(1)))]), tmp_path, previous=first.folder)
    assert [aside.article_id for aside in second.set_aside] == ["z-both"]
    validated.clear()
    more = [reviewed(f"z-{n}", words(60, random.Random(n))) for n in (1, 2)]
    third = build(given([*rows, *more]), tmp_path, previous=second.folder)
    assert (sorted(validated), third.set_aside) == (["z-2", "z-both"], second.set_aside)


def test_nothing_new_notes_what_the_release_was_made_from(tmp_path: Path, validated: list[str]) -> None:
    first = build(lines(corpus(30)), tmp_path)
    (path,) = tmp_path.glob(".v*.inputs")
    path.unlink()
    assert build(lines(corpus(30)), tmp_path, previous=first.folder).unchanged
    validated.clear()
    build(lines(corpus(31)), tmp_path, previous=first.folder)
    assert validated == ["a-0030"]
