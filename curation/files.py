"""Files that are written whole or not at all, and JSON lines that are read and written one at a time."""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from curation.errors import BadInput, CurationError

MAX_LINE = 64 * 1024 * 1024
"""Longest line that is read, in bytes: a limit against files that are not JSON lines."""


_OF_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})
"""Errors of writing to an open file."""


@contextmanager
def whole_file(path: Path, mode: str = "w", *, private: bool = False, once: bool = False) -> Iterator[IO[Any]]:
    """Open a new file that replaces `path` when the block ends without an error.

    Text is UTF-8 with LF line ends. After an error, a kill or with a full disk the old content of `path` is unchanged.

    Args:
        path: the file.
        mode: "w" or "wb".
        private: only the owner can read the file, from its creation on.
        once: keep a file that another process wrote to `path` in the meantime.

    Raises:
        CurationError: the file cannot be written; the message names it. Other errors of the block are not changed.
    """
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    there = in_block = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        there = True
        text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
        with os.fdopen(descriptor, mode, **text) as file:  # type: ignore[call-overload]
            in_block = True
            yield file
            in_block = False
            file.flush()
            os.fsync(file.fileno())
        if once:
            _link(temporary, path)
        else:
            temporary.replace(path)
    except OSError as error:
        if in_block and (error.filename is not None or error.errno not in _OF_WRITING):
            raise
        raise cannot_be_written(path, error, "nothing was left half-written") from error
    finally:
        if there:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_path(target: Path, *, folder: bool, replaces: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """A path for a new file, or an empty folder, that becomes `target` only if the block ends well.

    Args:
        folder: make a folder. It replaces an empty folder at `target`, and one for which `replaces` is true.

    Raises:
        BadInput: something else is at `target`.
        CurationError: it cannot be written; the message names it. Other errors of the block pass through.
    """
    if folder and target.exists():
        empty = target.is_dir() and not any(target.iterdir())
        if not empty and not (target.is_dir() and replaces(target)):
            raise BadInput("holds something else than an earlier export", path=target, way_out="name a new folder")
    in_block = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name[:40]}.", dir=target.parent) as temporary:
            part = Path(temporary) / f"new{target.suffix[:40]}"
            if folder:
                part.mkdir()
            in_block = True
            yield part
            in_block = False
            if not folder:
                with part.open("rb") as file:
                    os.fsync(file.fileno())
            elif target.exists():
                target.rename(Path(temporary) / "old")
            part.rename(target)
    except OSError as error:
        ours = error.filename is not None and str(error.filename).startswith(f"{target.parent}/.")
        if in_block and not ours and (error.filename is not None or error.errno not in _OF_WRITING):
            raise
        raise cannot_be_written(target, error, "nothing was left half-written") from error


def _link(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        temporary.replace(path)


def ensure_writable(path: Path) -> None:
    """Check before long work that `whole_file` will be able to write `path`.

    Raises:
        CurationError: it will not; the message names it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise cannot_be_written(path, error) from error


def cannot_be_written(path: Path, error: OSError, also: str = "") -> CurationError:
    """The error to raise if `path` cannot be written, with a hint that depends on `error`; `also` is appended."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    hint = f"{'free space' if full else 'correct that'} or pick another place, and run again"
    return CurationError(f"{path}: cannot be written: {error.strerror or error}; {hint}{', ' if also else ''}{also}")


def write_jsonl(path: Path, records: Iterable[str]) -> int:
    """Write `records`, each one line of JSON, as a whole file. Returns their number."""
    count = 0
    with whole_file(path) as file:
        for record in records:
            file.write(record + "\n")
            count += 1
    return count


def append_jsonl(path: Path, records: Iterable[str]) -> int:
    """Append `records`, each one line of JSON, and wait until they are on disk. Returns their number.

    An incomplete last line, left by a killed process, is ended first, so that no other record is damaged.
    """
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            for record in records:
                file.write(record.encode("utf-8") + b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_be_written(path, error) from error
    return count


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield `(line number from 1, object)` for each line that is not blank.

    Raises:
        BadInput: the file cannot be read, or a line is not UTF-8, not JSON or not an object.
    """
    for number, raw in read_lines(path):
        if raw.strip():
            yield number, json_object(raw, path=path, line=number)


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield `(line number from 1, bytes)` for each line, including its line end.

    Raises:
        BadInput: the file cannot be read, or a line is longer than `MAX_LINE`.
    """
    for number, raw in lines_or_faults(path):
        if isinstance(raw, BadInput):
            raise raw
        yield number, raw


def lines_or_faults(path: Path) -> Iterator[tuple[int, bytes | BadInput]]:
    """Like `read_lines`, but a line that is too long gives its error, and reading continues after it."""
    try:
        with open_regular(path) as file:
            number = 0
            while raw := file.readline(MAX_LINE + 1):
                number += 1
                if len(raw) <= MAX_LINE:
                    yield number, raw
                    continue
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(MAX_LINE + 1)
                what, way_out = f"line is longer than {MAX_LINE} bytes", "write one record per line"
                yield number, BadInput(what, path=path, line=number, way_out=way_out)
    except OSError as error:
        raise BadInput(
            f"cannot be read: {error.strerror or error}",
            path=path,
            way_out="check the path and its permissions",
        ) from error


def is_url(place: str) -> bool:
    """Whether a place is an address (`s3://…`) and not a path of this machine."""
    return "://" in place


def user_path(path: str | Path) -> Path:
    """A path that a person wrote, with `~` and `~name` expanded.

    Raises:
        BadInput: there is no such user, or the path has a NUL character.
    """
    if "\x00" in str(path):
        raise BadInput("has a NUL character", path=path, way_out="correct the path")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput("names a user who does not exist", path=path, way_out="write the path in full") from error


def open_regular(path: Path) -> IO[bytes]:
    """Open a file to read its bytes. A link is followed; a pipe or device is refused, as it may never end.

    Raises:
        BadInput: it is no regular file, or no path.
        OSError: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise BadInput(str(error), path=path, way_out="correct the path") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise BadInput("is no regular file", path=path, way_out="name a file")


def leads_out(path: Path, root: Path) -> bool:
    """Whether `path` ends outside the folder `root`, by a link or by `..`.

    The Hugging Face cache is exempt: a file in `snapshots/…` is a link into the folder `blobs` beside.
    """
    end = path.resolve()
    if end.is_relative_to(root.resolve()):
        return False
    cache = end.parent.parent / "snapshots"
    return end.parent.name != "blobs" or cache not in root.absolute().joinpath("x").parents


def files_in(folder: Path) -> list[Path]:
    """The regular files in `folder`, sorted; links that lead out of it are left out.

    Raises:
        BadInput: the folder cannot be read.
    """
    try:
        return [path for path in sorted(folder.iterdir()) if path.is_file() and not leads_out(path, folder)]
    except OSError as error:
        way_out = "check the path and its permissions"
        raise BadInput(f"cannot be read: {error.strerror or error}", path=folder, way_out=way_out) from error


def read_text(path: Path, *, limit: int = MAX_LINE) -> str:
    """The text of a UTF-8 file of at most `limit` bytes; line ends are not changed.

    Raises:
        BadInput: the file cannot be read, is larger, or is not UTF-8.
    """
    try:
        with open_regular(path) as file:
            raw = file.read(limit + 1)
    except OSError as error:
        way_out = "check the path and its permissions"
        raise BadInput(f"cannot be read: {error.strerror or error}", path=path, way_out=way_out) from error
    if len(raw) > limit:
        raise BadInput(f"is larger than {limit} bytes", path=path, way_out="split it")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput("not UTF-8", path=path, line=line, way_out="convert the file to UTF-8") from error


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object from its pairs, as `object_pairs_hook`. Raises JSONDecodeError if a key is duplicated."""
    made = dict(pairs)
    if len(made) < len(pairs):
        name = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise json.JSONDecodeError(f"the key {name[:40]!r} is duplicated", "", 0)
    return made


def json_object(raw: bytes | str, *, path: Path, line: int | None = None) -> dict[str, Any]:
    """Parse `raw` as one JSON object; `path` and `line` are used in error messages only.

    Raises:
        BadInput: not UTF-8, not JSON, a duplicated key, too deeply nested, or not an object.
    """
    try:
        value = json.loads(raw, object_pairs_hook=unique_keys)
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8", path=path, line=line, way_out="convert the file to UTF-8") from error
    except (ValueError, RecursionError) as error:
        reason = (
            "nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", "a number too long")
        )
        raise BadInput(f"not JSON ({reason})", path=path, line=line, way_out="correct or remove that line") from error
    if not isinstance(value, dict):
        raise BadInput("not a JSON object", path=path, line=line, way_out="write one {…} per line")
    return value
