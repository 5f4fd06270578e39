"""Damaged and hostile files: each import and each reading of articles ends in articles or in one-line errors."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import CurationError
from curation.formats.article_lookup import ArticleLookup
from curation.formats.articles import read_articles
from curation.formats.registry import ImportContext, format_named, format_names, read_as, write_as
from curation.schema import LabelSchema

from .conftest import CONLL_2003, CONLL_2012, CONLL_U, GERMEVAL

RUNS = 1500 if os.environ.get("CURATION_TEST_FULL") else 40
PERSON = Annotator(kind="person", name="3")
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1.5, float("nan"), "", " ", "\x00", "\ud800", "a b", "x" * 300, [], {}, [[]], [None],
    {"a": {"b": 1}}, [1, 2, 3], "e1", "B-", "I-GPE", "\u2028", "=1+1", "../../x",
)  # fmt: skip
BITS = (
    b"",
    b"\x00",
    b"\xff",
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b'"',
    b"{",
    b"]",
    b",",
    b";",
    b"\xef\xbb\xbf",
    b"9" * 5000,
    b"#",
)


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """The file with a few bytes changed, cut off or doubled."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice((0, 1, 1, 2, 20, 400)))
        raw = raw[:start] + chance.choice((*BITS, raw[start:end] * 2)) + raw[end:]
    return raw


def odd_json(raw: bytes, chance: random.Random) -> bytes:
    """The file with a value in one of its JSON records replaced by an odd one."""
    lines = raw.split(b"\n")
    place = chance.randrange(len(lines))
    try:
        record = json.loads(lines[place].rstrip(b","))
    except ValueError:
        return damaged(raw, chance)
    node = record
    while isinstance(node, dict | list) and node:
        key = chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
        inner = node[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            node = inner
            continue
        node[key] = chance.choice(ODD)
        break
    lines[place] = json.dumps(record).encode() + (b"," if lines[place].endswith(b",") else b"")
    return b"\n".join(lines)


def survive(read: Callable[[], list[object]], raw: bytes) -> None:
    try:
        for found in read():
            if isinstance(found, CurationError):
                assert "\n" not in str(found) and len(str(found)) < 700
    except CurationError as error:
        assert "\n" not in str(error) and len(str(error)) < 700
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__}: {error} for {raw[:2000]!r}") from error


@pytest.mark.parametrize("name", format_names())
def test_imports(tmp_path: Path, schema: LabelSchema, name: str, article: Article, annotation: Annotation) -> None:
    chance = random.Random(name)
    target = tmp_path / f"good{format_named(name).suffix}"
    write_as(name, [(article, annotation)], target, schema, triggers=True)
    files = sorted(target.iterdir()) if target.is_dir() else [target]
    originals = {path: path.read_bytes() for path in files}
    for _ in range(RUNS):
        path = chance.choice(files)
        raw = chance.choice((damaged, odd_json))(originals[path], chance)
        path.write_bytes(raw)

        def read() -> list[object]:
            faults: list[object] = []
            known = ArticleLookup([article] if chance.random() < 0.5 else [])
            return [*read_as(target, ImportContext(name, schema, known, PERSON), faults.append), *faults]

        survive(read, raw)
        path.write_bytes(originals[path])


@pytest.mark.parametrize("text", [CONLL_2003, GERMEVAL, CONLL_U, CONLL_2012], ids=["2003", "GermEval", "U", "2012"])
def test_conll_files_of_others(tmp_path: Path, schema: LabelSchema, text: str) -> None:
    chance = random.Random(text)
    path = tmp_path / "file.conll"
    for _ in range(RUNS):
        raw = damaged(text.encode(), chance)
        path.write_bytes(raw)
        survive(lambda: list(read_as(path, ImportContext("conll", schema, ArticleLookup(), PERSON))), raw)


def test_articles(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = random.Random(7)
    rows = [{"id": f"a{n}", "text": f'Kelmar, "{n}"\nfell.', "published": "2031-05-04", "desk": "x"} for n in range(5)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "b.json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]", encoding="utf-8")
    (tmp_path / "c.csv").write_text(
        "id,text,desk\n" + "".join(f'a{n},"Kelmar, ""{n}"" fell",x\n' for n in range(5)), encoding="utf-8"
    )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "d.parquet")
    (tmp_path / "e.txt").write_text("Kelmar fell.\n", encoding="utf-8")
    (tmp_path / "metadata.csv").write_text("file_name,id,title\ne.txt,k1,Fall\n", encoding="utf-8")
    originals = {path: path.read_bytes() for path in sorted(tmp_path.iterdir())}
    for _ in range(RUNS * 3):
        path = chance.choice(list(originals))
        raw = chance.choice((damaged, odd_json))(originals[path], chance)
        path.write_bytes(raw)
        survive(lambda path=path: list(read_articles([chance.choice((path, tmp_path))])), raw)  # type: ignore[misc]
        path.write_bytes(originals[path])
    shutil.rmtree(tmp_path)
