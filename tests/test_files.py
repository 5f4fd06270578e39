"""Files appear whole or not at all, and what cannot be read is named with file and line."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import files
from curation.errors import BadInput, CurationError
from curation.files import append_jsonl, json_object, read_jsonl, whole_file, write_jsonl


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Writing whole


def test_a_new_file_appears_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "out.txt"
    with whole_file(path) as file:
        file.write("één\n")
        assert not path.exists()
    assert path.read_bytes() == "één\n".encode()
    assert left_over(path.parent) == ["out.txt"]


def test_a_failure_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write("new")
        file.flush()
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old"
    assert left_over(tmp_path) == ["out.txt"]


def test_a_failure_in_the_block_leaves_no_file_where_there_was_none(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "out.txt") as file:
        file.write("half")
        raise KeyboardInterrupt
    assert left_over(tmp_path) == []


def test_a_kill_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old", encoding="utf-8")
    program = (
        "import os, pathlib, signal, sys\n"
        "from curation.files import whole_file\n"
        "with whole_file(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write('new' * 100_000)\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text(encoding="utf-8") == "old"
    with whole_file(path) as file:  # and the job run again ends well
        file.write("new")
    assert path.read_text(encoding="utf-8") == "new"


def test_bytes_and_line_ends_are_kept_as_given(tmp_path: Path) -> None:
    with whole_file(tmp_path / "b", "wb") as file:
        file.write(b"\x00\xff\r\n")
    assert (tmp_path / "b").read_bytes() == b"\x00\xff\r\n"
    with whole_file(tmp_path / "t") as file:
        file.write("a\nb\n")
    assert (tmp_path / "t").read_bytes() == b"a\nb\n"


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with whole_file(tmp_path / "out.txt") as file:
            file.write("x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == 0o640


def test_a_private_file_is_its_owner_s_at_every_moment(tmp_path: Path) -> None:
    with whole_file(tmp_path / "key", private=True) as file:
        file.write("secret")
        file.flush()
        (part,) = tmp_path.iterdir()
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_what_another_wrote_in_the_meantime_stands_where_one_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with whole_file(path, once=True) as mine:
        mine.write("mine")
        with whole_file(path, once=True) as theirs:
            theirs.write("theirs")
    assert path.read_text(encoding="utf-8") == "theirs"
    assert left_over(tmp_path) == ["key"]


def test_what_else_fails_in_the_block_is_not_called_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConnectionRefusedError), whole_file(tmp_path / "out.txt"), socket.socket() as nobody:
        nobody.connect(("127.0.0.1", 1))
    with pytest.raises(FileNotFoundError, match="other"), whole_file(tmp_path / "out.txt"):
        (tmp_path / "other").read_text(encoding="utf-8")
    assert left_over(tmp_path) == []


def test_a_disk_that_is_full_in_the_block_is_named(tmp_path: Path) -> None:
    program = (
        "import pathlib, resource, signal, sys\n"
        "from curation.files import whole_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with whole_file(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write('new' * 100_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "out.txt")], check=False, capture_output=True, text=True
    )
    assert "out.txt: cannot be written: File too large; correct that" in done.stderr
    assert left_over(tmp_path) == []


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(CurationError, match=r"file/out\.txt: cannot be written: .*; correct that or pick"):
        write_jsonl(tmp_path / "file" / "out.txt", ["{}"])
    (tmp_path / "folder").mkdir()
    with pytest.raises(CurationError, match=r"folder: cannot be written: Is a directory"):
        write_jsonl(tmp_path / "folder", ["{}"])
    assert left_over(tmp_path) == ["file", "folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named() -> None:
    with pytest.raises(CurationError, match=r"/dev/full: cannot be written: No space left on device; free space or"):
        append_jsonl(Path("/dev/full"), ["{}"])


# JSON lines


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3), max_size=5))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "x.jsonl"
    assert write_jsonl(path, map(json.dumps, records)) == len(records)
    assert list(read_jsonl(path)) == list(enumerate(records, start=1))
    assert append_jsonl(path, map(json.dumps, records)) == len(records)
    assert [record for _, record in read_jsonl(path)] == [*records, *records]


def test_records_that_stop_short_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write_jsonl(path, ['{"n": 1}'])

    def records() -> Iterator[str]:
        yield '{"n": 2}'
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_jsonl(path, records())
    assert list(read_jsonl(path)) == [(1, {"n": 1})]


def test_appending_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log.jsonl"
    assert append_jsonl(path, ['{"n": 1}', '{"n": 2}']) == 2
    assert append_jsonl(path, []) == 0
    assert path.read_bytes() == b'{"n": 1}\n{"n": 2}\n'


def test_appending_after_a_torn_line_spoils_that_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2, "te')
    append_jsonl(path, ['{"n": 3}'])
    assert path.read_bytes() == b'{"n": 1}\n{"n": 2, "te\n{"n": 3}\n'
    reader = read_jsonl(path)
    assert next(reader) == (1, {"n": 1})
    with pytest.raises(BadInput, match=r"log\.jsonl:2: not JSON"):
        next(reader)


def test_blank_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\n{"n": 1}\r\n   \n\n{"n": 2}')
    assert list(read_jsonl(path)) == [(2, {"n": 1}), (5, {"n": 2})]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"n": ', "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'"words"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"n": "\xe9"}', "not UTF-8"),
        (b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: bytes, says: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"n": 1}\n\n' + line + b"\n")
    with pytest.raises(BadInput) as caught:
        list(read_jsonl(path))
    assert (caught.value.path, caught.value.line) == (path, 3)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert says in str(caught.value)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 100)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": "' + b"x" * 200 + b'"}\n')
    with pytest.raises(BadInput, match=r"x\.jsonl:2: line is longer than 100 bytes"):
        list(read_jsonl(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl: cannot be read: No such file or directory"):
        list(read_jsonl(tmp_path / "none.jsonl"))


def test_a_json_file_is_named_without_a_line() -> None:
    assert json_object('{"a": 1}', path=Path("task.json")) == {"a": 1}
    with pytest.raises(BadInput, match=r"^task\.json: not a JSON object; "):
        json_object("3", path=Path("task.json"))
