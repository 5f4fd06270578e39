"""Articles from files people have: .txt, .jsonl, .csv and .parquet, singly, in folders or by glob.

A folder of .txt files may hold a `metadata.csv` with a `file_name` column and any of id, title, source, published,
language and licence (the folder layout that `datasets` reads, too); further columns become metadata. Without it a
text's id is its file name. Tables need the columns `id` and `text`.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from curation.article import MAX_CHARACTERS, Article, normalise
from curation.errors import BadInput
from curation.files import json_object, lines_or_faults

SUFFIXES = (".txt", ".jsonl", ".csv", ".parquet")
METADATA = "metadata.csv"
_FIELDS = ("id", "text", "title", "source", "published", "language", "licence")
_MAX_BYTES = 4 * MAX_CHARACTERS


class NoArticles(BadInput):
    """A source that holds no article at all: nothing in it is wrong."""


def read_articles(sources: Iterable[str | Path]) -> Iterator[Article | BadInput]:
    """Every article in `sources` (files, folders, globs), one at a time, in a fixed order.

    What cannot be used is yielded as the BadInput that says why, and reading goes on: the caller decides whether it
    counts or raises. An id that stands twice is bad the second time.
    """
    seen: set[str] = set()
    for source in sources:
        for path in _files(source):
            if isinstance(path, BadInput):
                yield path
                continue
            for found in _read(path):
                if isinstance(found, Article):
                    if found.id in seen:
                        found = BadInput(
                            f"id {found.id} stands twice",
                            path=path,
                            field="id",
                            way_out="give each article its own id",
                        )
                    else:
                        seen.add(found.id)
                yield found


def good_articles(sources: Iterable[str | Path]) -> Iterator[Article]:
    """Like `read_articles`, for callers to whom one bad article is an error. Raises that BadInput."""
    for found in read_articles(sources):
        if isinstance(found, BadInput):
            raise found
        yield found


def _files(source: str | Path) -> Iterator[Path | BadInput]:
    path = Path(source)
    try:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.name != METADATA)
        elif path.exists():
            found = [path]
        else:
            names = glob.glob(str(source), recursive=True)  # noqa: PTH207 - the pattern may be absolute
            found = sorted(Path(name) for name in names if not name.endswith(METADATA))
    except OSError as error:
        found = []
        yield BadInput(f"cannot be read: {error.strerror}", path=path, way_out="check the path and its permissions")
    if not found:
        way_out = f"name a file, a folder or a glob of {', '.join(SUFFIXES)}"
        yield NoArticles("no articles there", path=path, way_out=way_out)
    yield from found


def _read(path: Path) -> Iterator[Article | BadInput]:
    reader = {".txt": _txt, ".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}.get(path.suffix)
    if reader is None:
        way_out = f"use one of {', '.join(SUFFIXES)}"
        yield BadInput(
            f"{path.suffix or 'a file without suffix'} is no kind of article file", path=path, way_out=way_out
        )
        return
    try:
        yield from reader(path)
    except BadInput as error:
        yield error
    except OSError as error:
        yield BadInput(f"cannot be read: {error.strerror or error}", path=path, way_out="check its permissions")


def _txt(path: Path) -> Iterator[Article | BadInput]:
    if path.stat().st_size > _MAX_BYTES:
        raise BadInput(f"is larger than {_MAX_BYTES} bytes", path=path, way_out="split it, one article a file")
    record = {"id": "-".join(path.stem.split()), **_sidecar(path)}
    yield _article({**record, "text": _decode(path.read_bytes(), path)}, path, None)


def _jsonl(path: Path) -> Iterator[Article | BadInput]:
    for number, raw in lines_or_faults(path):
        if isinstance(raw, BadInput):
            yield raw
        elif raw.strip():
            try:
                yield _article(json_object(raw, path=path, line=number), path, number)
            except BadInput as error:
                yield error


def _csv(path: Path) -> Iterator[Article | BadInput]:
    for line, row in _csv_rows(path):
        if row is None:
            yield BadInput("has more cells than the header", path=path, line=line, way_out="quote commas in cells")
        else:
            yield _article(row, path, line)


def _parquet(path: Path) -> Iterator[Article | BadInput]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=64):
                for row in batch.to_pylist():
                    number += 1
                    yield _article(row, path, number)
    except pa.ArrowException as error:
        raise BadInput(f"not Parquet we can read: {error}", path=path, way_out="write it again") from error


def _article(record: dict[str, Any], path: Path, line: int | None) -> Article | BadInput:
    """One article from a row of any kind; fields we do not know become metadata."""
    fields: dict[str, Any] = {}
    metadata = record.get("metadata") or {}
    if not isinstance(metadata, dict):
        return BadInput("is no object", path=path, line=line, field="metadata", way_out="give {name: value}")
    metadata = {str(name): str(value) for name, value in metadata.items() if value is not None}
    for name, value in record.items():
        if value is None or (value == "" and name != "text") or name == "metadata":
            continue
        if name in _FIELDS or name == "text_sha256":
            fields[name] = value
        else:
            metadata[str(name)] = str(value)
    if "id" in fields and not isinstance(fields["id"], str):
        fields["id"] = str(fields["id"])
    if isinstance(fields.get("text"), str):
        fields["text"] = normalise(fields["text"])
    try:
        return Article.from_record({**fields, "metadata": metadata}, path=path, line=line)
    except BadInput as error:
        return error


def _sidecar(path: Path) -> dict[str, Any]:
    """What the folder's metadata.csv says of this text."""
    table = path.parent / METADATA
    stamp = (str(table), table.stat().st_mtime_ns) if table.exists() else None
    if stamp is None:
        return {}
    if stamp not in _tables:
        _tables.clear()
        _tables[stamp] = _read_sidecar(table)
    return {**_tables[stamp].get(path.name, {})}


_tables: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
"""The folder's metadata last read, so that a folder of texts reads its table once."""


def _read_sidecar(table: Path) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for line, row in _csv_rows(table):
        name = (row or {}).pop("file_name", None)
        if row is None or not name or name in rows:
            raise BadInput("no file name, or one that stands twice", path=table, line=line, field="file_name",
                           way_out="give one row a file")  # fmt: skip
        rows[name] = row
    return rows


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """`(line, row)` for each row; None where a row has more cells than the header has names."""
    csv.field_size_limit(_MAX_BYTES)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            for row in reader:
                yield reader.line_num, None if None in row else dict(row)
        except (csv.Error, UnicodeDecodeError) as error:
            what = "not UTF-8" if isinstance(error, UnicodeDecodeError) else f"not CSV we can read ({error})"
            way_out = "mend that line"
            raise BadInput(what, path=path, line=reader.line_num + 1, way_out=way_out) from error


def _decode(raw: bytes, path: Path) -> str:
    """UTF-8 text; a byte order mark at the very start belongs to the file, not to the text."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        what = "looks binary" if b"\x00" in raw[:1000] else f"not UTF-8 (byte {error.start})"
        raise BadInput(what, path=path, way_out="convert it to UTF-8, or leave it out") from error
    return text.removeprefix("\ufeff")
