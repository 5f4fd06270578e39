"""Build a snapshot folder from fresh tasks and, for all the others, from the snapshot before.

What did not change is copied, not decoded again: raw tasks by blocks of ids that are compressed on their own, the
rest by lines. Where no article is new, both snapshots share the file of articles. The same tasks give the same bytes,
whichever way they came.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple

from curation.errors import BadInput, CurationError, LabelStudioError
from curation.labelstudio.from_labelstudio import Decoded
from curation.labelstudio.snapshot import (
    ANNOTATIONS,
    ARTICLES,
    ISSUES,
    MANIFEST,
    PULL_AGAIN,
    RAW,
    TASKS,
    FileFacts,
    Manifest,
    Snapshot,
    TaskLine,
)

BLOCK = 32
"""Task ids in a block of `raw.jsonl.gz`: a gzip member of its own, copied where nothing in it changed."""
PIECE = 1 << 20
"""Bytes after which a piece that is copied is full."""
_HEAD = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H2sH", 8, b"CU", 4)
"""The head of a member up to its length: deflate, no time, any system, one extra field `CU` of four bytes."""


class Source(NamedTuple):
    """Where a snapshot comes from, for its manifest."""

    url: str
    project_id: int
    project_title: str
    project_created_at: str
    schema_ref: str


def build_snapshot(
    folder: Path,
    source: Source,
    live: list[int],
    fresh: Iterable[dict[str, Any]],
    changed: set[int],
    decode: Callable[[dict[str, Any]], Decoded],
    link: Callable[[int], str],
    *,
    time: datetime,
    stamp: str | None = None,
    previous: Snapshot | None,
    before: dict[int, TaskLine] | None = None,
) -> tuple[Path, bool]:
    """Write the next snapshot in `folder`. Returns its path, and False where it says what `previous` says: no new one.

    Args:
        live: ids of all tasks there are, rising.
        fresh: the tasks in `changed`, by rising id; one that is missing is gone.
        changed: ids of the tasks that are not to be taken from `previous`.
        time: when the pull began.
        stamp: the latest change to any task by then, as the server has it.
        before: where each task of `previous` stood, by its id; read from it where it is not given.
    """
    if before is None:
        before = {task.task: task for task in previous.tasks()} if previous else {}
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".part-*"):
        shutil.rmtree(left, ignore_errors=True)  # of a pull that was killed
    part = folder / f".part-{os.getpid()}"
    part.mkdir()
    try:
        with ExitStack() as stack:
            builder = _Builder(part, stack, live, changed, decode, link, previous, before)
            builder.take_over()  # while the first of the fresh ones are on their way
            builder.tasks(fresh)
            files, counts, findings = builder.finish()
        content = hashlib.sha256(
            json.dumps([source, sorted((name, one.sha256) for name, one in files.items())]).encode()
        ).hexdigest()
        if previous is not None and previous.manifest.content == content:
            return previous.path, False
        time = _after(time, folder)
        manifest = Manifest(
            time=time,
            stamp=stamp,
            url=source.url,
            project_id=source.project_id,
            project_title=source.project_title,
            project_created_at=source.project_created_at,
            schema=source.schema_ref,
            content=content,
            counts=counts,
            findings=findings,
            files=files,
        )
        manifest = manifest.model_copy(update={"digest": manifest.own_digest()})
        with (part / MANIFEST).open("w", encoding="utf-8") as file:
            file.write(manifest.model_dump_json(by_alias=True, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        path = folder / f"{time:%Y%m%dT%H%M%SZ}-{content[:8]}"
        part.rename(path)
        return path, True
    except OSError as error:
        raise CurationError(
            f"{folder}: cannot be written: {error.strerror or error}; free space and pull again, "
            "the snapshots there are as they were"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _after(time: datetime, folder: Path) -> datetime:
    """`time` in whole seconds, later than every snapshot there: the newest one by name is the one that counts."""
    time = time.astimezone(UTC).replace(microsecond=0)
    for path in folder.glob("[0-9]*"):
        with suppress(ValueError):
            taken = datetime.strptime(path.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            time = max(time, taken + timedelta(seconds=1))
    return time


class _Line(NamedTuple):
    """A line to be written: the order it comes in, and where its bytes are."""

    order: tuple[Any, ...]
    file: IO[bytes]
    start: int
    length: int


class _Builder:
    def __init__(
        self,
        part: Path,
        stack: ExitStack,
        live: list[int],
        changed: set[int],
        decode: Callable[[dict[str, Any]], Decoded],
        link: Callable[[int], str],
        previous: Snapshot | None,
        before: dict[int, TaskLine],
    ) -> None:
        self.part, self.stack, self.live, self.changed = part, stack, live, changed
        self.decode, self.link, self.previous = decode, link, previous
        self.before = before
        self.kept = {task for task in live if task in self.before and task not in changed}
        self.again = self._again()
        self.spool = stack.enter_context((part / ".spool").open("w+b"))
        self.files: dict[str, _Out] = {}
        self.stood: dict[tuple[str, str], _Line] = {}
        self.articles: dict[tuple[str, str], tuple[int, _Line]] = {}
        self.annotations: list[_Line] = []
        self.issues: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()

    def _again(self) -> set[int]:
        """Kept tasks to be decoded again: those whose article stood under the id of a task that is not kept.

        Tasks of one revision share a line in `articles.jsonl`, made from the first of them.
        """
        first: dict[tuple[str | None, str | None], int] = {}
        for number, task in self.before.items():
            first.setdefault((task.article_id, task.text_sha256), number)
        lost = {revision for revision, number in first.items() if number not in self.kept}
        return (
            {n for n in self.kept if (self.before[n].article_id, self.before[n].text_sha256) in lost} if lost else set()
        )

    def take_over(self) -> None:
        """Gather the lines of the snapshot before that belong to kept tasks."""
        if self.previous is None:
            return
        kept = self.kept - self.again
        dropped = {name for n, task in self.before.items() if n not in kept for name in task.annotations}
        revisions = {(task.article_id, task.text_sha256): n for n, task in reversed(self.before.items()) if n in kept}
        for place, raw in self.old(ARTICLES):
            revision = (json.loads(raw.partition(b',"text":')[0].decode() + "}")["id"], raw[-67:-3].decode())
            self.stood[revision] = place
            if (owner := revisions.get(revision)) is not None:
                self.articles[revision] = (owner, place)
        for place, raw in self.old(ANNOTATIONS):
            head = json.loads(raw.partition(b',"entities":[')[0].decode() + "}")
            if head["id"] not in dropped:
                time = datetime.fromisoformat(head["time"]).timestamp() if "time" in head else 0.0
                self.annotations.append(place._replace(order=(head["article_id"], time, head["id"])))
        for _, raw in self.old(ISSUES):
            if json.loads(raw)["task"] in kept:
                self.issues.append(raw.rstrip(b"\n"))

    def old(self, name: str) -> Iterator[tuple[_Line, bytes]]:
        """All lines in a file of the snapshot before: where they are, and what they say."""
        assert self.previous is not None  # noqa: S101  take_over looked
        path, facts = self.previous.path / name, self.previous.manifest.files[name]
        try:
            file, reader = (self.stack.enter_context(path.open("rb")) for _ in range(2))
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", path=path, way_out=PULL_AGAIN) from error
        if os.fstat(file.fileno()).st_size != facts.bytes:
            raise BadInput("is not what pull wrote", path=path, way_out=PULL_AGAIN)
        start = 0
        for raw in file:
            yield _Line((), reader, start, len(raw)), raw
            start += len(raw)

    def tasks(self, fresh: Iterable[dict[str, Any]]) -> None:
        """Write raw.jsonl.gz and tasks.jsonl, and gather the rest."""
        raw, tasks = self.out(RAW), self.out(TASKS)
        arriving = _Arriving(fresh)
        blocks = _Blocks(self.previous, self.before)
        for block, ids in groupby(self.live, lambda number: number // BLOCK):
            wanted = list(ids)
            there, packed = blocks.take(block)
            same = there == wanted and self.kept.issuperset(wanted) and self.again.isdisjoint(wanted)
            if same:
                for number in wanted:
                    self.stands(self.before[number], tasks)
                raw.write(packed, lines=len(wanted))
                continue
            lines = blocks.lines(packed)
            new: dict[int, bytes] = {}
            for number in wanted:
                if number in self.kept:
                    new[number] = lines[number]
                    again = number in self.again
                    line = self.read(json.loads(lines[number])) if again else self.before[number]
                elif (task := arriving.take(number)) is not None:
                    new[number] = _json(task)
                    line = self.read(task)
                else:
                    continue
                self.stands(line, tasks)
            if new != lines:
                packed = _pack(b"".join(one + b"\n" for one in new.values())) if new else b""
            raw.write(packed, lines=len(new))
        blocks.finish()

    def stands(self, line: TaskLine, tasks: _Out) -> None:
        """Count and write down where one task stands."""
        self.counts["tasks"] += 1
        self.counts[line.state] += 1
        tasks.write(line.model_dump_json().encode() + b"\n")

    def read(self, task: dict[str, Any]) -> TaskLine:
        """Decode one task."""
        decoded, number = self.decode(task), task["id"]
        article = decoded.article
        if article is not None:
            revision = (article.id, article.text_sha256)
            if revision not in self.articles or self.articles[revision][0] > number:
                self.articles[revision] = (number, self.article_line(revision, article.to_json().encode()))
        for annotation in decoded.annotations:
            time = annotation.time.timestamp() if annotation.time else 0.0
            order = (annotation.article_id, time, annotation.id)
            self.annotations.append(self.keep(order, annotation.to_json().encode()))
        for issue in decoded.issues:
            self.issues.append(_json({**issue._asdict(), "url": self.link(number)}))
        drafts, updated = task.get("drafts"), task.get("updated_at")
        return TaskLine(
            task=number,
            article_id=article.id if article else None,
            text_sha256=article.text_sha256 if article else None,
            purpose=decoded.purpose,
            batch=decoded.batch,
            state=decoded.state,
            drafts=len(drafts) if isinstance(drafts, list) else 0,
            updated_at=updated if isinstance(updated, str) else None,
            annotations=tuple(annotation.id for annotation in decoded.annotations),
            url=self.link(number),
        )

    def article_line(self, revision: tuple[str, str], line: bytes) -> _Line:
        """Where the line of an article is: in the snapshot before, if it stands there as it is."""
        place = self.stood.get(revision)
        if place is None or place.length != len(line) + 1 or _bytes(*place[1:]) != line + b"\n":
            return self.keep(revision, line)
        return place

    def keep(self, order: tuple[Any, ...], line: bytes) -> _Line:
        start = self.spool.tell()
        self.spool.write(line + b"\n")
        return _Line(order, self.spool, start, len(line) + 1)

    def finish(self) -> tuple[dict[str, FileFacts], dict[str, int], dict[str, int]]:
        """Write the sorted files."""
        articles = [line for _, (_, line) in sorted(self.articles.items())]
        annotations = sorted(self.annotations, key=lambda one: one.order)
        issues = self.out(ISSUES)
        for raw in sorted(self.issues, key=lambda one: (json.loads(one)["task"] or 0, one)):
            self.findings[json.loads(raw)["code"]] += 1
            issues.write(raw + b"\n")
        self.spool.flush()
        with ThreadPoolExecutor() as workers:  # hashes two at a time, and waits for the disk once
            closing = {name: workers.submit(out.close) for name, out in self.files.items()}
            closing[ARTICLES] = workers.submit(self.write_lines, ARTICLES, articles)
            closing[ANNOTATIONS] = workers.submit(self.write_lines, ANNOTATIONS, annotations)
            facts = {name: closed.result() for name, closed in closing.items()}
        (self.part / ".spool").unlink()
        states = ("tasks", "submitted", "draft", "skipped", "untouched")
        counts = {name: self.counts[name] for name in states}
        counts["articles"], counts["annotations"] = facts[ARTICLES].lines, facts[ANNOTATIONS].lines
        counts["issues"] = facts[ISSUES].lines
        return facts, counts, dict(sorted(self.findings.items()))

    def write_lines(self, name: str, lines: list[_Line]) -> FileFacts:
        """Write a file of these lines, or share the one of the snapshot before where it has just these."""
        if self.previous is not None and lines:
            facts, file = self.previous.manifest.files[name], lines[0].file
            length = sum(line.length for line in lines if line.file is file)
            if file is not self.spool and (len(lines), length) == (facts.lines, facts.bytes):
                with suppress(OSError):  # a disk that cannot share files
                    (self.part / name).hardlink_to(self.previous.path / name)
                    return facts
        with (self.part / name).open("wb") as file:
            out = _Out(file)
            out.copy(lines)
            return out.close()

    def out(self, name: str) -> _Out:
        self.files[name] = _Out(self.stack.enter_context((self.part / name).open("wb")))
        return self.files[name]


class _Out:
    """A file being written, with its hash."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.hash, self.bytes, self.lines = file, hashlib.sha256(), 0, 0

    def write(self, data: bytes, lines: int = 1) -> None:
        self.file.write(data)
        self.hash.update(data)
        self.bytes += len(data)
        self.lines += lines

    def copy(self, lines: Iterable[_Line]) -> None:
        """Write lines from elsewhere; those that follow each other there too are copied in one piece."""
        file, start, length, count = None, 0, 0, 0
        for line in lines:
            if line.file is file and line.start == start + length and length < PIECE:
                length, count = length + line.length, count + 1
                continue
            if file is not None:
                self.write(_bytes(file, start, length), count)
            file, start, length, count = line.file, line.start, line.length, 1
        if file is not None:
            self.write(_bytes(file, start, length), count)

    def close(self) -> FileFacts:
        self.file.flush()
        os.fsync(self.file.fileno())
        return FileFacts(sha256=self.hash.hexdigest(), bytes=self.bytes, lines=self.lines)


class _Arriving:
    """Fresh tasks by rising id, taken one by one."""

    def __init__(self, fresh: Iterable[dict[str, Any]]) -> None:
        self.fresh = iter(fresh)
        self.next: dict[str, Any] | None = None

    def take(self, number: int) -> dict[str, Any] | None:
        while self.next is None or self.next["id"] < number:
            self.next = next(self.fresh, None)
            if self.next is None:
                return None
        return self.next if self.next["id"] == number else None


class _Blocks:
    """The blocks of a snapshot's raw tasks by rising number, taken one by one and unpacked only where asked for."""

    def __init__(self, snapshot: Snapshot | None, tasks: Iterable[int]) -> None:
        self.snapshot, self.hash = snapshot, hashlib.sha256()
        self.path = snapshot.path / RAW if snapshot else Path(RAW)
        ids = [(block, list(tasks)) for block, tasks in groupby(tasks, lambda number: number // BLOCK)]
        self.blocks = zip(ids, self.members(), strict=False) if snapshot else iter(())
        self.next = next(self.blocks, None)

    def take(self, block: int) -> tuple[list[int], bytes]:
        """The ids in a block, and the block as it is packed; both empty where there is none of that number."""
        while self.next is not None and self.next[0][0] < block:
            self.next = next(self.blocks, None)
        if self.next is None or self.next[0][0] != block:
            return [], b""
        return self.next[0][1], self.next[1]

    def lines(self, packed: bytes) -> dict[int, bytes]:
        """The lines of a block by task id."""
        try:
            return {_id(line): line for line in zlib.decompress(packed, wbits=31).splitlines()} if packed else {}
        except (zlib.error, ValueError) as error:
            raise self.damaged(str(error)) from error

    def finish(self) -> None:
        """Read the rest, and see that all of it is what was written: what is damaged must not be taken over."""
        for _ in self.blocks:
            pass
        if self.snapshot and self.hash.hexdigest() != self.snapshot.manifest.files[RAW].sha256:
            raise self.damaged("its hash is another")

    def members(self) -> Iterator[bytes]:
        """The gzip members of the file."""
        with self.path.open("rb") as file:
            while head := file.read(len(_HEAD) + 4):
                if (size := _length(head)) is None:
                    yield from self.old(head, file)
                    return
                member = head + file.read(max(0, size - len(head)))
                if len(member) != size:
                    raise self.damaged("cut short")
                self.hash.update(member)
                yield member

    def old(self, rest: bytes, file: IO[bytes]) -> Iterator[bytes]:
        """The members of a file that does not say how long they are, packed anew."""
        while rest or (rest := file.read(1 << 20)):
            whole, unpacked, gzip = rest, [], zlib.decompressobj(wbits=31)
            try:
                unpacked.append(gzip.decompress(rest))
                while not gzip.eof:
                    if not (more := file.read(1 << 20)):
                        raise zlib.error("cut short")
                    whole += more
                    unpacked.append(gzip.decompress(more))
            except zlib.error as error:
                raise self.damaged(str(error)) from error
            rest = gzip.unused_data
            self.hash.update(whole[: len(whole) - len(rest)])
            yield _pack(b"".join(unpacked))

    def damaged(self, how: str) -> BadInput:
        return BadInput(f"is damaged ({how})", path=self.path, way_out=PULL_AGAIN)


def _id(line: bytes) -> int:
    """The id of a raw task: `_json` writes it first."""
    return int(line[6 : line.index(b",")])


def _json(record: dict[str, Any]) -> bytes:
    """One line of JSON. What UTF-8 cannot hold (half a surrogate pair) is escaped."""
    try:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    except RecursionError as error:
        raise LabelStudioError(
            f"task {record.get('id', '?')} is nested too deeply to be kept; mend or delete it in Label Studio"
        ) from error
    with suppress(UnicodeEncodeError):
        return line.encode()
    return json.dumps(record, separators=(",", ":")).encode()


def _pack(data: bytes) -> bytes:
    """A gzip member that says how long it is, in a field of its header that readers skip."""
    packer = zlib.compressobj(6, wbits=-15)
    body = packer.compress(data) + packer.flush()
    size = len(_HEAD) + 4 + len(body) + 8
    return _HEAD + struct.pack("<I", size) + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def _length(head: bytes) -> int | None:
    """How long the member is that begins so; None where it does not say."""
    return int(struct.unpack_from("<I", head, len(_HEAD))[0]) if head[: len(_HEAD)] == _HEAD else None


def _bytes(file: IO[bytes], start: int, length: int) -> bytes:
    return os.pread(file.fileno(), length, start)
