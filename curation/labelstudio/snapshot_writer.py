"""Write a snapshot folder from fresh tasks and, for all other tasks, from the previous snapshot.

What did not change is copied line by line and not decoded again. The same tasks give the same bytes, whether they are
fresh or come from the previous snapshot; only who changed an item of an annotation that several people edited depends
on the snapshots before. Where no article is new, both snapshots share the file of articles.
"""

from __future__ import annotations

import filecmp
import gzip
import hashlib
import json
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import IO, Any, Generic, NamedTuple, TypeVar

from curation.errors import BadInput, CurationError, LabelStudioError
from curation.files import json_object, read_lines
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

Key = tuple[Any, ...]
"""What the lines of a file are ordered by."""
T = TypeVar("T")
LEVEL = 3
"""Compression of raw tasks, which every pull compresses again: a fifth larger than with 6, in half the time."""


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
    """Write the next snapshot in `folder`. Returns its path, and False where it equals `previous`: no new one.

    Args:
        live: ids of all tasks there are, rising.
        fresh: the tasks in `changed`, by rising id; one that is missing is gone.
        changed: ids of the tasks that are not to be taken from `previous`.
        time: when the pull began.
        stamp: the latest change to any task by then, as the server has it.
        before: the task lines of `previous` by id; read from it where they are not given.

    Raises:
        BadInput: a file of `previous` is damaged.
        CurationError: the snapshot cannot be written.
    """
    if before is None:
        before = {task.task: task for task in previous.tasks()} if previous else {}
    folder.mkdir(parents=True, exist_ok=True)
    for unfinished in folder.glob(".part-*"):
        shutil.rmtree(unfinished, ignore_errors=True)  # of a pull that was killed
    part = folder / f".part-{os.getpid()}"
    part.mkdir()
    try:
        with ExitStack() as stack:
            writer = _Writer(part, stack, decode, link, previous, before, kept=before.keys() & set(live) - changed)
            writer.tasks(live, fresh)
            files = writer.finish()
        content = hashlib.sha256(
            json.dumps([source, sorted((name, facts.sha256) for name, facts in files.items())]).encode()
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
            counts=writer.all_counts(files),
            findings=dict(sorted(writer.findings.items())),
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
            "the existing snapshots did not change"
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


class _Writer:
    """Writes the files of one snapshot.

    Args:
        before: the task lines of the previous snapshot, by rising id.
        kept: ids of the tasks that are taken from there.
    """

    def __init__(
        self,
        part: Path,
        stack: ExitStack,
        decode: Callable[[dict[str, Any]], Decoded],
        link: Callable[[int], str],
        previous: Snapshot | None,
        before: dict[int, TaskLine],
        *,
        kept: set[int],
    ) -> None:
        self.part, self.stack, self.decode, self.link = part, stack, decode, link
        self.previous, self.before, self.kept = previous, before, kept
        self.owners: dict[tuple[str | None, str | None], int] = {}
        """Revision → the task of the previous snapshot from which its line in `articles.jsonl` was made."""
        for number, task in before.items():
            self.owners.setdefault((task.article_id, task.text_sha256), number)
        orphans = {revision for revision, number in self.owners.items() if number not in kept}
        self.again = {n for n in kept if (before[n].article_id, before[n].text_sha256) in orphans}
        """Kept tasks to be decoded again: their article's line was made from a task that is not kept."""
        spool = stack.enter_context((part / ".spool").open("w+b"))
        self.articles, self.annotations, self.issues = _Lines(spool), _Lines(spool), _Lines(spool)
        self.counts: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.files: dict[str, FileFacts] = {}

    def tasks(self, live: Iterable[int], fresh: Iterable[dict[str, Any]]) -> None:
        """Write `raw.jsonl.gz` and `tasks.jsonl`, and gather the lines of the other files."""
        raw, tasks = self.output(RAW), self.output(TASKS)
        arriving = _Rising((int(task["id"]), task) for task in fresh)
        stored = _Rising(self.stored())
        for number in live:
            if number in self.kept:
                line = stored.take(number)
                if line is None:
                    raise self.damaged(RAW, f"lacks task {number}")
                task = self.read(json_object(line, path=Path(RAW))) if number in self.again else self.before[number]
            elif (found := arriving.take(number)) is not None:
                line, task = _json(found), self.read(found)
            else:
                continue
            raw.write(line)
            tasks.write(task.model_dump_json().encode())
            self.counts["tasks"] += 1
            self.counts[task.state] += 1
        self.files[RAW], self.files[TASKS] = raw.close(), tasks.close()

    def stored(self) -> Iterator[tuple[int, bytes]]:
        """The raw tasks of the previous snapshot, each with its id: they have the order of the task lines."""
        if self.previous is None:
            return
        try:
            with gzip.open(self.previous.path / RAW, "rb") as file:
                yield from zip(self.before, (line.rstrip(b"\n") for line in file), strict=True)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise self.damaged(RAW, str(error)) from error

    def read(self, task: dict[str, Any]) -> TaskLine:
        """Decode one task, and gather its article, annotations and issues."""
        decoded, number = self.decode(task), task["id"]
        article = decoded.article
        if article is not None:
            self.articles.add((article.id, article.text_sha256, number), article.to_json().encode())
        for annotation in decoded.annotations:
            order = _annotation_key(annotation.article_id, annotation.time, annotation.id)
            self.annotations.add(order, annotation.to_json().encode())
        for issue in decoded.issues:
            line = _json({**issue._asdict(), "url": self.link(number)})
            self.issues.add((issue.task or 0, line), line)
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

    def finish(self) -> dict[str, FileFacts]:
        """Write the files whose lines are sorted. Returns the facts of all files by name."""
        self.files[ARTICLES] = self.write(ARTICLES, _one_for_each_revision(self.articles.merged(self.kept_articles())))
        self.share(ARTICLES)
        self.files[ANNOTATIONS] = self.write(ANNOTATIONS, self.annotations.merged(self.kept_annotations()))
        self.files[ISSUES] = self.write(ISSUES, self.counted(self.issues.merged(self.kept_issues())))
        (self.part / ".spool").unlink()
        return self.files

    def kept_articles(self) -> Iterator[tuple[Key, bytes]]:
        """The lines of articles whose owner is kept."""
        for record, line in self.old(ARTICLES):
            revision = (record["id"], record["text_sha256"])
            if (owner := self.owners.get(revision)) in self.kept:
                yield (*revision, owner), line

    def kept_annotations(self) -> Iterator[tuple[Key, bytes]]:
        """The lines of annotations of kept tasks."""
        kept = self.kept - self.again
        dropped = {name for number, task in self.before.items() if number not in kept for name in task.annotations}
        for record, line in self.old(ANNOTATIONS):
            if record["id"] not in dropped:
                time = datetime.fromisoformat(record["time"]) if "time" in record else None
                yield _annotation_key(record["article_id"], time, record["id"]), line

    def kept_issues(self) -> Iterator[tuple[Key, bytes]]:
        """The lines of issues of kept tasks."""
        kept = self.kept - self.again
        for record, line in self.old(ISSUES):
            if record["task"] in kept:
                yield (record["task"] or 0, line), line

    def old(self, name: str) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The lines of a file of the previous snapshot, as records and as they are."""
        if self.previous is None:
            return
        path, lines = self.previous.path / name, 0
        try:
            for number, line in read_lines(path):
                yield json_object(line, path=path, line=number), line.rstrip(b"\n")
                lines = number
        except BadInput as error:
            raise self.damaged(name, error.what) from error
        if lines != self.previous.manifest.files[name].lines:
            raise self.damaged(name, f"has {lines} lines")

    def counted(self, issues: Iterable[tuple[Key, bytes]]) -> Iterator[tuple[Key, bytes]]:
        """The same issues; counts them by code."""
        for key, line in issues:
            self.findings[json.loads(line)["code"]] += 1
            yield key, line

    def write(self, name: str, lines: Iterable[tuple[Key, bytes]]) -> FileFacts:
        """Write a file of these lines."""
        output = self.output(name)
        for _, line in lines:
            output.write(line)
        return output.close()

    def share(self, name: str) -> None:
        """Make the file the one of the previous snapshot, if both are equal and the disk can share files."""
        if self.previous is None:
            return
        ours, theirs, shared = self.part / name, self.previous.path / name, self.part / f"{name}.shared"
        with suppress(OSError):
            if filecmp.cmp(ours, theirs, shallow=False):
                shared.hardlink_to(theirs)
                shared.replace(ours)

    def output(self, name: str) -> _Output:
        return _Output(self.stack.enter_context((self.part / name).open("wb")), packed=name == RAW)

    def all_counts(self, files: dict[str, FileFacts]) -> dict[str, int]:
        """The counts of the manifest."""
        counts = {name: self.counts[name] for name in ("tasks", "submitted", "draft", "skipped", "untouched")}
        return counts | {
            "articles": files[ARTICLES].lines,
            "annotations": files[ANNOTATIONS].lines,
            "issues": files[ISSUES].lines,
        }

    def damaged(self, name: str, how: str) -> BadInput:
        path = self.previous.path / name if self.previous else Path(name)
        return BadInput(f"is damaged ({how})", path=path, way_out=PULL_AGAIN)


class _Lines:
    """Lines to be sorted. They wait in a spool file; only their keys are kept in memory."""

    def __init__(self, spool: IO[bytes]) -> None:
        self.spool = spool
        self.entries: list[tuple[Key, int, int]] = []

    def add(self, key: Key, line: bytes) -> None:
        """Add a line. No two have the same key."""
        self.spool.seek(0, os.SEEK_END)
        self.entries.append((key, self.spool.tell(), len(line)))
        self.spool.write(line)

    def merged(self, others: Iterable[tuple[Key, bytes]]) -> Iterator[tuple[Key, bytes]]:
        """All lines and `others`, which are sorted, by key."""
        return merge(self.sorted(), others, key=lambda entry: entry[0])

    def sorted(self) -> Iterator[tuple[Key, bytes]]:
        """The lines by key."""
        for key, start, length in sorted(self.entries, key=lambda entry: entry[0]):
            self.spool.seek(start)
            yield key, self.spool.read(length)


class _Output:
    """A file of lines being written, with its hash; `packed`: as gzip."""

    def __init__(self, file: IO[bytes], *, packed: bool) -> None:
        self.file, self.lines = _Hashed(file), 0
        self.sink: Any = gzip.GzipFile("", "wb", LEVEL, self.file, mtime=0) if packed else self.file

    def write(self, line: bytes) -> None:
        self.sink.write(line + b"\n")
        self.lines += 1

    def close(self) -> FileFacts:
        """Close the file, once it is on disk."""
        if self.sink is not self.file:
            self.sink.close()
        self.file.close()
        return FileFacts(sha256=self.file.hash.hexdigest(), bytes=self.file.bytes, lines=self.lines)


class _Hashed:
    """A file whose bytes are counted and hashed while they are written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.hash, self.bytes = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.bytes += len(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


class _Rising(Generic[T]):
    """Values by rising id, taken one by one; those in between are passed over."""

    def __init__(self, values: Iterable[tuple[int, T]]) -> None:
        self.values = iter(values)
        self.next: tuple[int, T] | None = next(self.values, None)

    def take(self, number: int) -> T | None:
        while self.next is not None and self.next[0] < number:
            self.next = next(self.values, None)
        return self.next[1] if self.next is not None and self.next[0] == number else None


def _one_for_each_revision(lines: Iterable[tuple[Key, bytes]]) -> Iterator[tuple[Key, bytes]]:
    """Of the lines of each article revision the one whose task has the lowest id."""
    last: Key | None = None
    for key, line in lines:
        if key[:2] != last:
            yield key, line
        last = key[:2]


def _annotation_key(article_id: str, time: datetime | None, annotation_id: str) -> Key:
    return article_id, time.timestamp() if time else 0.0, annotation_id


def _json(record: dict[str, Any]) -> bytes:
    """One line of JSON. What UTF-8 cannot hold (half a surrogate pair) is escaped."""
    try:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    except RecursionError as error:
        raise LabelStudioError(
            f"task {record.get('id', '?')} is nested too deeply to be kept; correct or delete it in Label Studio"
        ) from error
    with suppress(UnicodeEncodeError):
        return line.encode()
    return json.dumps(record, separators=(",", ":")).encode()
