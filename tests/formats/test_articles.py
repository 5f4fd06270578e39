"""Reading articles: every kind of file, and one bad article never stops the rest."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.article import MAX_CHARACTERS, Article
from curation.errors import BadInput
from curation.formats.articles import TooLong, good_articles, read_articles


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
        "z.jsonl": "id a is duplicated",
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


def test_a_bad_quote_costs_its_row_alone(tmp_path: Path) -> None:
    rows = [f"{number},Text {number}" for number in range(1, 1001)]
    rows[3] = '4,"Text 4'
    rows[499] = '500,"He said" no'
    rows[700] = '701,"Two\nlines, ""quoted"""'
    (tmp_path / "a.csv").write_text("id,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    good, bad = read(tmp_path)
    assert len(good) == 998 and good[698].text == 'Two\nlines, "quoted"'
    assert [line.split(": ", 1)[0].rpartition("/")[2] for line in bad] == ["a.csv:5", "a.csv:501"]
    assert "has a quote that is not closed" in bad[0] and "not CSV we can read" in bad[1]


def test_a_record_of_two_lines_with_a_missing_cell_is_reported_with_both_causes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text,title\n1,"Two\nlines"\n2,Text,Title\n', encoding="utf-8")
    good, bad = read(tmp_path)
    assert [article.id for article in good] == ["2"]
    assert "a.csv:2: has a quote that is not closed, or with the lines after it 2 cells instead of 3" in bad[0]


CELLS = st.text(st.sampled_from("ab ,;\t|\"'\n\u2028\u00e9="), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from((",", ";", "\t", "|")), st.booleans())
def test_tables_of_any_program_come_back(tmp_path: Path, cells: list[tuple[str, str]], sep: str, excel: bool) -> None:
    rows = [{"id": f"a{n}", "text": f"x{text}x", "title": title} for n, (text, title) in enumerate(cells)]
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8-sig" if excel else "utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("id", "text", "title"), delimiter=sep, lineterminator="\r\n" if excel else "\n")
        writer.writeheader()
        writer.writerows(rows)
    good, bad = read(path)
    assert not bad
    assert [one.text for one in good] == [row["text"] for row in rows]
    assert [one.title or "" for one in good] == [row["title"] for row in rows]


def test_bytes_that_are_not_utf8_cost_their_row_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,text\na,fine\nb,caf\xe9\nc,fine\n")
    good, bad = read(tmp_path)
    assert [one.id for one in good] == ["a", "c"]
    assert len(bad) == 1 and "a.csv:3: not UTF-8" in bad[0]


@pytest.mark.parametrize(
    ("name", "table", "says"),
    [
        ("a.csv", "id;text\na;One, two\n", "read with semicolons between cells"),
        ("a.csv", "ID,Text\na,One, two\n", "'ID' as id, 'Text' as text"),
        ("a.csv", 'id, text\na, "One, two"\n', ""),
        ("a.csv", '\ufeff"id";"text"\r\na;"One, two"\r\n', "read with semicolons between cells"),
        ("a.csv", "sep=;\nid;text\na;One, two\n", "read with semicolons between cells"),
        ("a.csv", "id\ttext\na\tOne, two\n", "read with tabs between cells"),
        ("a.tsv", "id\ttext\na\tOne, two\n", ""),
        ("a.TSV", "id\ttext\na\tOne, two\n", ""),
    ],
)
def test_tables_as_people_write_them(
    tmp_path: Path, name: str, table: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    if "Text" in table:
        table = table.replace("a,One, two", 'a,"One, two"')
    (tmp_path / name).write_text(table, encoding="utf-8", newline="")
    assert read(tmp_path) == ([Article(id="a", text="One, two")], [])
    assert says in caplog.text if says else not caplog.text


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("id,text,Text\na,b,c\n", "is a duplicated column; its columns are id, text, Text, separated by commas"),
        ("id,text,desk,desk\na,b,c,d\n", "desk: is a duplicated column"),
        ("key;body\na;b\n", "has no column id and no column text; its columns are key, body, separated by semicolons"),
        ("", "has no header"),
    ],
)
def test_tables_that_cannot_be_read_say_what_was_understood(tmp_path: Path, table: str, says: str) -> None:
    (tmp_path / "a.csv").write_text(table, encoding="utf-8")
    good, (line,) = read(tmp_path)
    assert not good and says in line


def test_utf16_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,text\na,b\n".encode("utf-16"))
    assert "is UTF-16; save it as UTF-8" in read(tmp_path)[1][0]


def test_rows_of_metadata_find_their_file_or_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "cafe\u0301.txt").write_text("One", encoding="utf-8")
    (tmp_path / "Two.TXT").write_text("Two", encoding="utf-8")
    (tmp_path / "sub" / "three.txt").write_text("Three", encoding="utf-8")
    (tmp_path / "four.txt").write_text("Four", encoding="utf-8")
    (tmp_path / "metadata.csv").write_text(
        "file_name,id\ncaf\u00e9.txt,k1\ntwo.txt,k2\n./sub/three.txt,k3\nmissing.txt,k5\nlost.txt,k6\n",
        encoding="utf-8",
    )
    good, bad = read(tmp_path)
    assert not bad
    assert sorted((one.id, one.text) for one in good) == [
        ("four", "Four"),
        ("k1", "One"),
        ("k2", "Two"),
        ("k3", "Three"),
    ]
    assert "metadata.csv: rows that match no file: 2 (missing.txt, lost.txt)" in caplog.text


def test_metadata_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A", encoding="utf-8")
    (tmp_path / "b.txt").write_text("B", encoding="utf-8")
    table = tmp_path / "metadata.csv"
    table.write_text("file_name,id\na.txt,k1\na.txt,k2\nb.txt,k3\n", encoding="utf-8")
    good, bad = read(tmp_path)
    assert [one.id for one in good] == ["k3"]
    assert len(bad) == 1 and "metadata.csv:3: file_name: a.txt is duplicated" in bad[0]
    table.write_text("name,id\na.txt,k1\n", encoding="utf-8")
    good, bad = read(tmp_path)
    assert not good
    assert len(bad) == 1 and "has no column file_name" in bad[0] and "2 texts beside it are not read" in bad[0]


def test_what_a_folder_has_beside_articles_is_named_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.TXT", "b.JSONL", "c.json", "d.doc", "e.doc", "README", "f.ann.txt", ".hidden.txt"):
        text = json.dumps({"id": name, "text": "x"}) if "JSON" in name.upper() else name
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "a-checkpoint.txt").write_text("old", encoding="utf-8")
    good, bad = read(tmp_path)
    assert not bad
    assert sorted(one.id for one in good) == ["a", "b.JSONL", "c.json"]
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith(f"{tmp_path}: not read: ")
    assert all(
        kind in message for kind in ("2 .doc", "2 hidden", "1 without suffix", "1 .ann.txt (inline annotations)")
    )


def test_json_lists_and_single_articles(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": "a", "text": "A"}, 7, {"id": "b"}]', encoding="utf-8")
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    good, bad = read(tmp_path)
    assert [one.id for one in good] == ["a"]
    assert ["record 2: is no object" in bad[0], "record 3: text: Field required" in bad[1], "not JSON" in bad[2]] == [
        True
    ] * 3


def test_json_in_a_folder_that_holds_no_articles_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.txt").write_text("A", encoding="utf-8")
    (tmp_path / "package.json").write_text('{"name": "x"}', encoding="utf-8")
    good, bad = read(tmp_path)
    assert ([one.id for one in good], bad) == (["a"], [])
    assert "package.json: not read: no record has a text" in caplog.text
    assert "record 1: id: Field required" in read(tmp_path / "package.json")[1][0]


def test_links_and_pipes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import os

    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    folder = tmp_path / "articles"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("A", encoding="utf-8")
    (folder / "out.txt").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    (folder / "broken.txt").symlink_to(tmp_path / "nowhere")
    (folder / "loop").symlink_to(folder)
    (folder / "inside.txt").symlink_to(folder / "sub" / "a.txt")
    os.mkfifo(folder / "pipe.txt")
    good, bad = read(folder)
    assert ([one.id for one in good], bad) == (["inside", "a"], [])
    assert "3 links that lead out of it, 2 no regular files" in caplog.text
    assert [one.id for one in read(str(folder / "*.txt"))[0]] == ["inside"]
    (tmp_path / "link").symlink_to(folder)
    assert [one.id for one in read(tmp_path / "link")[0]] == ["inside", "a"]
    assert [one.id for one in read(folder / "out.txt")[0]] == ["out"], "a path that is named may be a link"
    assert "is no regular file" in read(folder / "pipe.txt")[1][0]
    assert "a NUL character" in read("a\x00b")[1][0]


def test_the_cache_of_the_hub_consists_of_links(tmp_path: Path) -> None:
    blobs, revision = tmp_path / "datasets--x--y" / "blobs", tmp_path / "datasets--x--y" / "snapshots" / "abc" / "data"
    blobs.mkdir(parents=True)
    revision.mkdir(parents=True)
    (blobs / "0123").write_text('{"id": "a", "text": "A"}', encoding="utf-8")
    (revision / "train.jsonl").symlink_to("../../../blobs/0123")
    for root in (revision, revision.parent):
        assert [one.id for one in read(root)[0]] == ["a"]


def test_cells_of_parquet_that_python_cannot_hold_cost_their_row_alone(tmp_path: Path) -> None:
    times = pa.array([0, 2**60, 1], pa.timestamp("ms", "UTC"))
    table = pa.table({"id": ["a", "b", "c"], "text": ["A", "B", "C"], "published": times})
    pq.write_table(table, tmp_path / "a.parquet")
    good, bad = read(tmp_path)
    assert [one.id for one in good] == ["a", "c"]
    assert len(bad) == 1 and "a.parquet:2: published: cannot be read" in bad[0]
    text = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pa.py_buffer(b"ok\xff\xfe")]
    )
    pq.write_table(pa.table({"id": ["a", "b"], "text": text}), tmp_path / "a.parquet")
    good, bad = read(tmp_path)
    assert [one.id for one in good] == ["a"] and "a.parquet:2: text: cannot be read" in bad[0]


@pytest.mark.parametrize("line", ['{"id": "a", "id": "b", "text": "x"}', '{"id": "a", "text": "x", "text": "y"}'])
def test_a_duplicated_key_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + '\n{"id": "c", "text": "x"}\n', encoding="utf-8")
    good, bad = read(tmp_path)
    assert [one.id for one in good] == ["c"]
    assert len(bad) == 1 and "a.jsonl:1: not JSON (the key " in bad[0] and "is duplicated)" in bad[0]


def test_numbers_of_thousands_of_digits(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"id": "a", "text": "x", "n": {"9" * 5000}}}\n', encoding="utf-8")
    good, bad = read(tmp_path)
    assert not good and len(bad) == 1 and "not JSON (a number too long)" in bad[0]


def test_a_folder_at_an_address() -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/wire/kel-1.txt", b"Kelmar shelled Torvan.\n")
    store.pipe("/wire/metadata.csv", b"file_name,id,title\nkel-1.txt,k1,Shelling\n")
    (article,) = good_articles(["memory://wire"])
    assert (article.id, article.title, article.text) == ("k1", "Shelling", "Kelmar shelled Torvan.\n")


def test_a_name_at_an_address_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    target = tmp_path / "planted.txt"
    store.pipe(f"/bad/../../../../../..{target}", b"planted\n")
    with pytest.raises(BadInput, match="leads out of its folder"):
        list(good_articles(["memory://bad"]))
    assert not target.exists()


def test_files_and_globs_at_an_address(caplog: pytest.LogCaptureFixture) -> None:
    store = fsspec.filesystem("memory")
    for name in ("a.txt", "b.TXT", "c.jsonl", "d.doc", ".hidden.txt"):
        store.pipe(f"/globs/{name}", b'{"id": "c", "text": "C"}' if name == "c.jsonl" else name.encode())
    store.pipe("/globs/metadata.csv", b"file_name,id\nb.txt,k2\ngone.txt,k3\n")
    assert [one.id for one in read("memory://globs")[0]] == ["a", "k2", "c"]
    assert "memory://globs: not read: 1 hidden, 1 .doc" in caplog.text
    assert "metadata.csv: rows that match no file: 1 (gone.txt)" in caplog.text
    assert [one.id for one in read("memory://globs/*.TXT")[0]] == ["k2"]
    assert [one.id for one in read("memory://globs/c.jsonl")[0]] == ["c"]
    assert "no articles there" in read("memory://globs/*.pdf")[1][0]


def test_an_article_over_the_limit_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    lengths = {"short": 50, "long": 51, "huge": MAX_CHARACTERS + 1, "last": 1}
    source.write_text("".join(json.dumps({"id": name, "text": "x" * n}) + "\n" for name, n in lengths.items()))
    short, long, huge, last = read_articles([source], max_characters=50)
    assert [one.id for one in (short, last) if isinstance(one, Article)] == ["short", "last"]
    assert isinstance(long, TooLong)
    assert str(long) == (
        f"{source}: article long has 51 characters, the limit is 50; "
        "split it, or raise max_characters under [project] in curation.toml (at most 2,000,000)"
    )
    assert isinstance(huge, TooLong)
    assert huge.what == "article huge has 2,000,001 characters, the limit is 2,000,000"


def test_html_is_cleaned_on_request_and_the_original_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("selectolax")
    html, plain = "<p>Kelmar <b>shelled</b> Torvan.</p>", "Talks  go on, 3 < 5.\n"
    source, originals = tmp_path / "a.jsonl", tmp_path / "work" / "originals"
    records = [
        {"id": "html", "text": html, "title": "T"},
        {"id": "plain", "text": plain},
        {"id": "none", "text": "<p>"},
    ]
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert [one.text for one in read_articles([source]) if isinstance(one, Article)] == [html, plain, "<p>"]
    # the limit counts the cleaned text
    first, second, third = read_articles([source], clean="html", max_characters=30, originals=originals)
    assert first == Article(id="html", text="Kelmar shelled Torvan.", title="T")
    assert second == Article(id="plain", text=plain)
    assert isinstance(third, BadInput)
    assert third.what == "article none has no text besides HTML"
    assert isinstance(first, Article)
    kept = list(originals.iterdir())
    assert kept == [originals / f"{first.text_sha256}.html"]
    assert kept[0].read_text() == html
