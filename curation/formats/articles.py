"""Articles from files: .txt, .jsonl, .json, .csv, .tsv and .parquet, here or at any address that fsspec reaches.

A source is a file, a folder or a glob. A folder of .txt files may have a `metadata.csv` with a `file_name` column and
any of id, title, source, published, language and licence (the layout that `datasets` reads, too); other columns become
metadata. A text without a row there has its file name as its id. Tables need the columns `id` and `text`.

Of a folder only regular files are read, and no link that leads out of it. What is passed over is logged in one line.
"""

from __future__ import annotations

import glob
import json
import logging
import os
import posixpath
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from curation.article import MAX_CHARACTERS, Article, build, normalise
from curation.errors import BadInput, one_line
from curation.files import is_url, json_object, leads_out, lines_or_faults, read_text, unique_keys, whole_file
from curation.formats import inline_markup
from curation.formats.article_text import looks_like_html, text_of_html
from curation.formats.tables import MAX_BYTES, csv_rows, parquet_rows, sample

SUFFIXES = (".txt", ".jsonl", ".json", ".csv", ".tsv", ".parquet")
METADATA = "metadata.csv"
_FIELDS = ("id", "text", "title", "source", "published", "language", "licence")
_JUNK = frozenset({".DS_Store", ".gitkeep", ".gitignore", ".gitattributes", "Thumbs.db", "desktop.ini"})
_log = logging.getLogger("curation")


class NoArticles(BadInput):
    """A source that holds no article at all: nothing in it is wrong."""


class TooLong(BadInput):
    """An article that is longer than the limit. Jobs set it aside and go on with the others."""


class _File(NamedTuple):
    """A file to read: where it is now, its name in messages, and the row of a metadata.csv for it.

    `named`: whether the user named it; what a folder holds may be there for another reason.
    """

    path: Path
    shown: str
    metadata: dict[str, Any] | BadInput
    named: bool = True


def read_articles(
    sources: Iterable[str | Path],
    *,
    max_characters: int = MAX_CHARACTERS,
    clean: Literal["html"] | None = None,
    originals: Path | None = None,
) -> Iterator[Article | BadInput]:
    """Every article in `sources` (files, folders, globs, addresses), one at a time, in a fixed order.

    What cannot be used is yielded as the BadInput with the reason, and reading goes on: the caller decides whether it
    counts or raises. A duplicated id is bad the second time.

    Args:
        sources: where the articles are.
        max_characters: longest text, in code points, after cleaning; a longer one is yielded as TooLong.
        clean: `html` replaces a text with HTML by the text in it. Offsets then refer to the cleaned text.
        originals: a folder where each text that was cleaned is kept, as <text_sha256 of the cleaned text>.html.

    Raises:
        CurationError: the library for `clean` is not installed, or `originals` cannot be written.
    """
    seen: set[str] = set()
    for source in sources:
        for file in _files(str(source)):
            for found in (file,) if isinstance(file, BadInput) else _read(file):
                if isinstance(found, Article):
                    if found.id in seen:
                        shown = file.shown if isinstance(file, _File) else None
                        way_out = "give each article its own id"
                        found = BadInput(f"id {found.id} is duplicated", path=shown, field="id", way_out=way_out)
                    else:
                        seen.add(found.id)
                        if clean and looks_like_html(found.text):
                            found = _cleaned(found, file, originals)
                if isinstance(found, Article) and len(found.text) > max_characters:
                    found = _too_long(found.id, len(found.text), max_characters, file)
                yield found


def good_articles(sources: Iterable[str | Path]) -> Iterator[Article]:
    """Like `read_articles`, for callers to whom one bad article is an error. Raises that BadInput."""
    for found in read_articles(sources):
        if isinstance(found, BadInput):
            raise found
        yield found


def _cleaned(article: Article, file: _File | BadInput, originals: Path | None) -> Article | BadInput:
    """The article with the text in its HTML; the original is kept in `originals`."""
    shown = file.shown if isinstance(file, _File) else None
    text = text_of_html(article.text)
    try:
        cleaned = build(Article, {**dict(article), "text": text}, path=shown)
    except BadInput:
        what = f"article {article.id} has no text besides HTML"
        return BadInput(what, path=shown, way_out="leave it out, or look at what it was made from")
    if originals is not None and not (kept := originals / f"{cleaned.text_sha256}.html").exists():
        with whole_file(kept) as out:
            out.write(article.text)
    return cleaned


def _too_long(article_id: str, characters: int, limit: int, file: _File | BadInput | str) -> TooLong:
    shown = file.shown if isinstance(file, _File) else file if isinstance(file, str) else None
    what = f"article {one_line(article_id, 200)} has {characters:,} characters, the limit is {limit:,}"
    more = f"or raise max_characters under [project] in curation.toml (at most {MAX_CHARACTERS:,})"
    return TooLong(what, path=shown, way_out=f"split it, {more}")


def open_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path on it. Raises BadInput if there is none."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        way_out = 'install what it needs (for S3: pip install "curation[s3]"), or name another place'
        raise BadInput(f"no file system for it: {error}", path=url, way_out=way_out) from error
    return system, str(path)


def _files(source: str) -> Iterator[_File | BadInput]:
    """The files of one source, each while it can be read."""
    none = True
    try:
        if "\x00" in source:
            raise BadInput("has a NUL character in its path", path=source, way_out="correct the path")
        for file in _remote(source) if is_url(source) else _local(Path(source)):
            none = False
            yield file
    except BadInput as error:
        none = False
        yield error
    except OSError as error:
        none = False
        what = f"cannot be read: {error.strerror or error}"
        yield BadInput(what, path=source, way_out="check the path and its permissions")
    if none:
        way_out = f"name a file, a folder or a glob of {', '.join(SUFFIXES)}"
        yield NoArticles("no articles there", path=source, way_out=way_out)


def _local(path: Path) -> Iterator[_File | BadInput]:
    if path.is_dir():
        names = _walk(path)
        yield from _folder(names, str(path), lambda name: nullcontext(path / name))
    elif path.is_file():
        yield _beside(path, {})
    elif path.exists():
        yield BadInput("is no regular file", path=path, way_out="name a file or a folder")
    else:
        pattern = str(path)
        fixed = Path(*takewhile(lambda part: not glob.has_magic(part), path.parts))
        tables: dict[Path, _Table | BadInput] = {}
        left_out: Counter[str] = Counter()
        for name in sorted(map(Path, glob.glob(pattern, recursive=True))):  # noqa: PTH207 - it may be absolute
            kind = _left_out(name, fixed)
            if kind is None:
                yield _beside(name, tables)
            elif not name.is_dir():
                left_out[kind] += 1
        _say_left_out(pattern, left_out)


def _beside(path: Path, tables: dict[Path, _Table | BadInput]) -> _File:
    """A file that was named, with its row in the metadata.csv beside it; `tables` are those already read."""
    if path.suffix.lower() != ".txt":
        return _File(path, str(path), {})
    if path.parent not in tables:
        table = path.parent / METADATA
        there = table.is_file() and not leads_out(table, path.parent)
        tables[path.parent] = _Table.read(table, str(table)) if there else _Table("")
    found = tables[path.parent]
    return _File(path, str(path), found if isinstance(found, BadInput) else found.row(path.name) or {})


def _walk(root: Path) -> list[str]:
    """The names of the article files in a folder and the folders in it, relative to it. Logs what is passed over."""
    names: list[str] = []
    left_out: Counter[str] = Counter()
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                kind = "hidden" if entry.name.startswith(".") else _left_out(path, root)
                if kind is None:
                    names.append(path.relative_to(root).as_posix())
                elif kind != "hidden" and entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.name not in _JUNK:
                    left_out[kind] += 1
    _say_left_out(str(root), left_out)
    return names


def _left_out(path: Path, root: Path) -> str | None:
    """Why a file that was not named itself is passed over; None: it is read."""
    if path.is_symlink() and leads_out(path, root):
        return "links that lead out of it"
    if not path.is_file():
        return "no regular files"
    return _not_ours(path.name)


def _not_ours(name: str) -> str | None:
    if name.endswith(inline_markup.SUFFIX):
        return f"{inline_markup.SUFFIX} (inline annotations)"
    suffix = PurePosixPath(name).suffix
    return None if suffix.lower() in SUFFIXES else suffix or "without suffix"


def _say_left_out(source: str, left_out: Counter[str]) -> None:
    if left_out:
        kinds = ", ".join(f"{count} {one_line(kind, 40)}" for kind, count in left_out.most_common(8))
        _log.warning("%s: not read: %s", one_line(source), kinds)


def _remote(source: str) -> Iterator[_File | BadInput]:
    """The files at an address; each is fetched when its turn comes and removed when it is read."""
    system, path = open_system(source)
    is_folder = system.isdir(path)
    alone = not is_folder and system.exists(path)
    found = [path] if alone else sorted(system.find(path) if is_folder else system.glob(path))
    folders = {name.rpartition("/")[0] for name in found if name.lower().endswith(".txt")}
    tables = {f"{folder}/{METADATA}" for folder in folders} - set(found)
    found += sorted(table for table in tables if system.exists(table))
    root = path if is_folder else posixpath.commonpath([name.rpartition("/")[0] for name in found] or [path])
    origin = {name.removeprefix(root).lstrip("/"): name for name in found}
    shown = root if is_url(root) else f"{source.partition('://')[0]}://{root.lstrip('/')}"
    with tempfile.TemporaryDirectory() as folder:

        @contextmanager
        def fetched(name: str) -> Iterator[Path]:
            if ".." in name.split("/"):
                raise BadInput(f"{name} leads out of its folder", path=source, way_out="rename it there")
            copy = Path(folder) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(origin[name], str(copy))
            try:
                yield copy
            finally:
                copy.unlink(missing_ok=True)

        left_out: Counter[str] = Counter()
        wanted = []
        for name in origin:
            hidden = any(part.startswith(".") and part != ".." for part in name.split("/"))
            kind = "hidden" if hidden else _not_ours(name)
            if kind is None:
                wanted.append(name)
            else:
                left_out[kind] += 1
        _say_left_out(source, left_out)
        yield from _folder(wanted, shown.rstrip("/"), fetched, whole=is_folder)


def _folder(
    names: Iterable[str], shown: str, get: Callable[[str], AbstractContextManager[Path]], *, whole: bool = True
) -> Iterator[_File | BadInput]:
    """The files of a folder, each text with its row in the nearest metadata.csv that has one.

    Args:
        names: relative to the folder.
        shown: the folder in messages.
        get: makes a file readable while it is needed.
        whole: whether `names` are all there are, so that rows without a file can be named.
    """
    tables: dict[str, _Table | BadInput] = {}
    files = []
    for name in sorted(names, key=lambda name: PurePosixPath(name).parts):
        folder, _, last = name.rpartition("/")
        if last == METADATA:
            with get(name) as path:
                tables[folder] = _Table.read(path, f"{shown}/{name}")
        else:
            files.append(name)
    unread: Counter[str] = Counter()
    for name in files:
        row: dict[str, Any] | BadInput | None = None
        if name.lower().endswith(".txt"):
            row = _row_of(name, tables, unread)
            if isinstance(row, str):
                continue
        with get(name) as path:
            yield _File(path, f"{shown}/{name}", row or {}, named=not whole)
    for folder, table in tables.items():
        if isinstance(table, BadInput):
            what = f"{table.what} ({unread[folder]} texts beside it are not read)"
            yield BadInput(what, path=table.path, line=table.line, field=table.field, way_out=table.way_out)
        else:
            yield from table.faults
            if whole and (left := table.unmatched()):
                _log.warning("%s: rows that match no file: %d (%s)", one_line(table.shown), len(left), sample(left))


def _row_of(name: str, tables: dict[str, _Table | BadInput], unread: Counter[str]) -> Any:
    """The row of a text, None without one, or "" if the table that may have it cannot be read."""
    folder, _, rest = name.rpartition("/")
    while True:
        table = tables.get(folder)
        if isinstance(table, BadInput):
            unread[folder] += 1
            return ""
        if table is not None and (row := table.row(rest)) is not None:
            return row
        if not folder:
            return None
        folder, _, last = folder.rpartition("/")
        rest = f"{last}/{rest}"


@dataclass
class _Table:
    """A metadata.csv: rows by `file_name`, which counts without regard to case and to how accents are encoded."""

    shown: str
    rows: dict[str, dict[str, Any] | BadInput] = field(default_factory=dict)
    folded: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    used: set[str] = field(default_factory=set)
    faults: list[BadInput] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, shown: str) -> _Table | BadInput:
        """The table in a file, or why there is none."""
        table = cls(shown)
        try:
            for line, row in csv_rows(path, ("file_name", *_FIELDS), ("file_name",), shown=shown):
                if isinstance(row, BadInput):
                    table.faults.append(row)
                    continue
                name = str(row.pop("file_name", "")).strip().removeprefix("./").replace("\\", "/")
                way_out = "give one row a file"
                if not name:
                    fault = BadInput("has no file name", path=shown, line=line, field="file_name", way_out=way_out)
                    table.faults.append(fault)
                elif name in table.rows:
                    table.rows[name] = BadInput(f"{one_line(name, 60)} is duplicated", path=shown, line=line,
                                                field="file_name", way_out=way_out)  # fmt: skip
                else:
                    table.rows[name] = row
                    table.folded[_folded(name)].append(name)
        except BadInput as error:
            return error
        except OSError as error:
            what = f"cannot be read: {error.strerror or error}"
            return BadInput(what, path=shown, way_out="check its permissions")
        return table

    def row(self, name: str) -> dict[str, Any] | BadInput | None:
        """The row of a file, named relative to the table's folder."""
        alike = [name] if name in self.rows else self.folded.get(_folded(name), [])
        self.used.update(alike)
        if len(alike) > 1:
            what = f"{one_line(name, 60)} may be each of {sample(alike)}"
            return BadInput(what, path=self.shown, field="file_name", way_out="write names as the files have them")
        return self.rows[alike[0]] if alike else None

    def unmatched(self) -> list[str]:
        """The names that no file had."""
        return [name for name in self.rows if name not in self.used]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _read(file: _File) -> Iterator[Article | BadInput]:
    if isinstance(file.metadata, BadInput):
        yield file.metadata
        return
    suffix = file.path.suffix.lower()
    if suffix not in SUFFIXES:
        way_out = f"use one of {', '.join(SUFFIXES)}"
        what = f"{file.path.suffix or 'a file without suffix'} is no kind of article file"
        yield BadInput(what, path=file.shown, way_out=way_out)
        return
    try:
        if suffix == ".txt":
            yield _txt(file, file.metadata)
        elif suffix == ".jsonl":
            yield from _jsonl(file)
        elif suffix == ".json":
            yield from _json(file)
        else:
            rows = parquet_rows if suffix == ".parquet" else csv_rows
            for line, row in rows(file.path, _FIELDS, ("id", "text"), shown=file.shown):
                yield row if isinstance(row, BadInput) else _article(row, file.shown, line)
    except BadInput as error:
        yield error
    except OSError as error:
        yield BadInput(f"cannot be read: {error.strerror or error}", path=file.shown, way_out="check its permissions")


def _txt(file: _File, metadata: dict[str, Any]) -> Article | BadInput:
    if file.path.stat().st_size > MAX_BYTES:
        return TooLong(f"is larger than {MAX_BYTES:,} bytes", path=file.shown, way_out="split it, one article a file")
    raw = file.path.read_bytes()
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")  # a mark at the start belongs to the file, not to the text
    except UnicodeDecodeError as error:
        what = "looks binary" if b"\x00" in raw[:1000] else f"not UTF-8 (byte {error.start})"
        return BadInput(what, path=file.shown, way_out="convert it to UTF-8, or leave it out")
    record = {"id": "-".join(file.path.stem.split()), **metadata}
    return _article({**record, "text": text}, file.shown, None)


def _jsonl(file: _File) -> Iterator[Article | BadInput]:
    for number, raw in lines_or_faults(file.path):
        if isinstance(raw, BadInput):
            yield raw
        elif raw.strip():
            try:
                yield _article(json_object(raw, path=Path(file.shown), line=number), file.shown, number)
            except BadInput as error:
                yield error


def _json(file: _File) -> Iterator[Article | BadInput]:
    """A list of articles, or one."""
    try:
        value = json.loads(read_text(file.path), object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        way_out = "correct it, or give one article a line in a .jsonl"
        reason = one_line(str(getattr(error, "msg", error)), 100)
        yield BadInput(f"not JSON we can read ({reason})", path=file.shown, way_out=way_out)
        return
    records = value if isinstance(value, list) else [value]
    if not file.named and not any(isinstance(record, dict) and "text" in record for record in records):
        _log.warning("%s: not read: no record has a text", one_line(file.shown))
        return
    for number, record in enumerate(records, start=1):
        if isinstance(record, dict):
            yield _article(record, f"{file.shown}: record {number}", None)
        else:
            way_out = "give a list of articles"
            yield BadInput("is no object", path=f"{file.shown}: record {number}", way_out=way_out)


def _article(record: dict[str, Any], shown: str, line: int | None) -> Article | BadInput:
    """One article from a row of any kind; fields we do not know become metadata."""
    fields: dict[str, Any] = {}
    metadata = record.get("metadata") or {}
    if not isinstance(metadata, dict):
        return BadInput("is no object", path=shown, line=line, field="metadata", way_out="give {name: value}")
    try:
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
            if len(fields["text"]) > MAX_CHARACTERS:
                return _too_long(str(fields.get("id")), len(fields["text"]), MAX_CHARACTERS, shown)
        return Article.from_record({**fields, "metadata": metadata}, path=Path(shown), line=line)
    except BadInput as error:
        return error
    except ValueError as error:  # an integer of thousands of digits
        return BadInput(one_line(str(error), 100), path=shown, line=line, way_out="write long numbers as text")
