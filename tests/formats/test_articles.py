"""Reading articles: every kind of file, and one bad article never stops the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.article import Article
from curation.errors import BadInput
from curation.formats.articles import good_articles, read_articles


def read(*sources: Path | str) -> tuple[list[Article], list[str]]:
    found = list(read_articles(sources))
    return [one for one in found if isinstance(one, Article)], [str(one) for one in found if isinstance(one, BadInput)]


def test_text_folder_with_metadata(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(b"\xef\xbb\xbfFirst\r\nline\rend \n")
    (tmp_path / "two words.txt").write_text("Second", encoding="utf-8")
    (tmp_path / "metadata.csv").write_text(
        "file_name,id,title,published,licence,desk\none.txt,kel-1,First,2031-05-01T10:00:00Z,CC0-1.0,world\n",
        encoding="utf-8",
    )
    good, bad = read(tmp_path)
    assert not bad
    assert [one.id for one in good] == ["kel-1", "two-words"]
    assert good[0].text == "First\nline\nend \n"
    assert good[0].published is not None
    assert good[0].published.year == 2031
    assert (good[0].licence, good[0].metadata) == ("CC0-1.0", {"desk": "world"})


def test_tables_give_the_same_articles(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": "One, two\nthree \U0001f680", "title": "T", "desk": "world"},
        {"id": "b", "text": 'He said "no"', "title": "", "desk": ""},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text(
        'id,text,title,desk\na,"One, two\nthree \U0001f680",T,world\nb,"He said ""no""",,\n', encoding="utf-8"
    )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    expected = [
        Article(id="a", text=rows[0]["text"], title="T", metadata={"desk": "world"}),
        Article(id="b", text=rows[1]["text"]),
    ]
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        assert read(tmp_path / name) == (expected, []), name


def test_glob_takes_what_it_names(tmp_path: Path) -> None:
    for name in ("x1.txt", "x2.txt", "y.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    good, _ = read(str(tmp_path / "x*.txt"))
    assert [one.id for one in good] == ["x1", "x2"]


def test_bad_ones_are_named_and_the_rest_go_on(tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\x7fELF\x00\x00\xff")
    (tmp_path / "empty.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "good.txt").write_text("Good", encoding="utf-8")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 au lait")
    lines = [
        '{"id": "a", "text": "A"}',
        '{"id": "a", "text": "again"}',
        '{"id": "c"}',
        '{"id": "d", "text": ',
        "[]",
        '{"id": "e f", "text": "x"}',
        '{"id": "g", "text": "x", "text_sha256": "' + "0" * 64 + '"}',
        '{"id": "h", "text": "x", "published": "yesterday"}',
        '{"id": "i", "text": 5}',
        '{"id": "j", "text": "J"}',
    ]
    (tmp_path / "z.jsonl").write_text("\n".join(lines), encoding="utf-8")
    good, bad = read(tmp_path)
    assert [one.id for one in good] == ["good", "a", "j"]
    for name, says in {
        "binary.txt": "looks binary",
        "empty.txt": "the text is empty",
        "latin.txt": "not UTF-8",
        "z.jsonl": "id a stands twice",
        "z.jsonl:3": "text: Field required",
        "z.jsonl:4": "not JSON",
        "z.jsonl:5": "not a JSON object",
        "z.jsonl:6": "id: ",
        "z.jsonl:7": "text_sha256: does not match the text",
        "z.jsonl:8": "published: ",
        "z.jsonl:9": "text: ",
    }.items():
        assert any(name in line and says in line for line in bad), name
    assert len(bad) == 11
    assert all("\n" not in line and ";" in line for line in bad)


def test_broken_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\na,b,c\nd,e\n", encoding="utf-8")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nonsense")
    (tmp_path / "c.csv").write_bytes(b"id,text\nok,fine\nx,caf\xe9\n")
    (tmp_path / "d.doc").write_text("x", encoding="utf-8")
    good, bad = read(
        tmp_path / "a.csv", tmp_path / "b.parquet", tmp_path / "c.csv", tmp_path / "d.doc", tmp_path / "no"
    )
    assert "d" in {one.id for one in good}
    assert len(bad) == 5
    assert all(str(tmp_path) in line for line in bad)


def test_good_articles_raise_the_first_bad_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match=r"a\.txt"):
        list(good_articles([tmp_path]))


def test_articles_behind_a_line_that_is_too_long_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.files.MAX_LINE", 100)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"id": "{n}", "text": "{"x" * (500 if n == 1 else 5)}"}}\n' for n in range(3)))
    one, long, two = read_articles([path])
    assert isinstance(one, Article) and isinstance(two, Article) and (one.id, two.id) == ("0", "2")
    assert isinstance(long, BadInput) and long.line == 2 and "longer than 100 bytes" in str(long)
