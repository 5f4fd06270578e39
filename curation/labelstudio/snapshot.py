"""A snapshot: what one pull brought back, in a folder that never changes.

raw.jsonl.gz        every task as Label Studio exported it, by rising id; of one that no one touched, what is its own
tasks.jsonl         one line a task: article, state, ids, link
articles.jsonl      every revision of every article, by id
annotations.jsonl   what people submitted, skipped or began, by article, time and id
issues.jsonl        what could not be read, or does not fit the schema
snapshot.json       the manifest: where it comes from, counts, the hash of every file
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ConfigDict, Field

from curation.annotation import Annotation, read_annotations
from curation.article import Article, Sha256, Value, build
from curation.errors import BadInput, CurationError
from curation.files import json_object, read_jsonl, read_lines, whole_file
from curation.labelstudio.constants import is_review
from curation.labelstudio.from_labelstudio import TaskState

MANIFEST = "snapshot.json"
RAW, TASKS, ARTICLES, ANNOTATIONS, ISSUES = (
    "raw.jsonl.gz",
    "tasks.jsonl",
    "articles.jsonl",
    "annotations.jsonl",
    "issues.jsonl",
)


class FileFacts(Value):
    """A file of the snapshot: the hash of its bytes, their number, and the lines in it."""

    sha256: Sha256
    bytes: int
    lines: int


class Manifest(Value):
    """`snapshot.json`. `content` identifies the content of the files; `findings` counts the issues by their code.

    `time` is when the pull began, and `stamp` the latest change to any task by then, as the server has it. `digest` is
    the hash of the manifest itself; older snapshots have none.
    """

    format: int = 1
    time: datetime
    stamp: str | None = None
    url: str
    project_id: int
    project_title: str
    project_created_at: str
    schema_ref: str = Field(alias="schema")
    content: Sha256
    counts: dict[str, int]
    findings: dict[str, int]
    files: dict[str, FileFacts]
    digest: Sha256 | None = None

    def own_digest(self) -> str:
        """What `digest` has to be: the hash of everything else in the manifest."""
        rest = self.model_dump(mode="json", by_alias=True, exclude={"digest"})
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


class TaskLine(Value):
    """A line of `tasks.jsonl`: the state of one task. `annotations` are ids of lines in `annotations.jsonl`."""

    model_config = ConfigDict(extra="ignore")  # earlier snapshots have more fields

    task: int
    article_id: str | None
    text_sha256: str | None
    purpose: str
    batch: str | None
    state: TaskState
    drafts: int
    updated_at: str | None
    annotations: tuple[str, ...]
    url: str


class ArticleRecords(NamedTuple):
    """The records of one article in a snapshot, with their line numbers; not yet validated."""

    folder: Path
    revisions: list[tuple[int, dict[str, Any]]]
    annotations: list[tuple[int, dict[str, Any]]]

    @property
    def article_id(self) -> str:
        """The id of the article."""
        found: str = self.revisions[0][1]["id"]
        return found

    def article(self) -> Article:
        """The revision that was annotated last, as far as its records can tell without being valid. Raises BadInput."""
        texts = {
            article.text_sha256: article
            for number, record in self.revisions
            for article in [Article.from_record(record, path=self.folder / ARTICLES, line=number)]
        }
        annotated = [record.get("text_sha256") for _, record in self.annotations]
        last = next((sha256 for sha256 in reversed(annotated) if sha256 in texts), None)
        return texts[last] if last is not None else [*texts.values()][-1]

    def read(self) -> tuple[dict[str, Article], list[Annotation]]:
        """The revisions by text hash, and the annotations by time. Raises BadInput."""
        texts: dict[str, Article] = {}
        for number, record in self.revisions:
            article = Article.from_record(record, path=self.folder / ARTICLES, line=number)
            texts[article.text_sha256] = article
        path = self.folder / ANNOTATIONS
        return texts, [Annotation.from_record(record, path=path, line=number) for number, record in self.annotations]


@dataclass(frozen=True)
class Snapshot:
    """A snapshot on disk. The iterators read one line at a time."""

    path: Path
    manifest: Manifest

    def articles(self) -> Iterator[Article]:
        """Every revision of every article, by id."""
        path = self.path / ARTICLES
        for number, record in read_jsonl(path):
            yield Article.from_record(record, path=path, line=number)

    def annotations(self) -> Iterator[Annotation]:
        """What people submitted, skipped or began (see `state`), by article, time and id."""
        return read_annotations(self.path / ANNOTATIONS)

    def annotation_records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The annotations as records with their line numbers; not validated, which takes most of the time."""
        return read_jsonl(self.path / ANNOTATIONS)

    def by_id(self) -> Callable[[str], Annotation | None]:
        """A function that finds an annotation by its id. The file is read at its first call; offsets are kept."""
        return _AnnotationsById(self.path / ANNOTATIONS).get

    def by_article(self) -> Iterator[tuple[dict[str, Article], list[Annotation]]]:
        """For each article its revisions, by text hash, and its annotations, by time. One article at a time."""
        for records in self.records_by_article():
            yield records.read()

    def records_by_article(self) -> Iterator[ArticleRecords]:
        """The same, not yet validated."""
        of_article = groupby(self._records(ANNOTATIONS, "article_id"), key=itemgetter(0))
        waiting = next(of_article, None)
        for article_id, revisions in groupby(self._records(ARTICLES, "id"), key=itemgetter(0)):
            while waiting is not None and waiting[0] < article_id:
                waiting = next(of_article, None)
            annotations = list(waiting[1]) if waiting is not None and waiting[0] == article_id else []
            yield ArticleRecords(self.path, [entry[1:] for entry in revisions], [entry[1:] for entry in annotations])

    def _records(self, name: str, key: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """The id of its article, the line number and the record of each line."""
        path = self.path / name
        for number, record in read_jsonl(path):
            article_id = record.get(key)
            if not isinstance(article_id, str):
                raise BadInput("is not a string", path=path, line=number, field=key, way_out=PULL_AGAIN)
            yield article_id, number, record

    def tasks(self) -> Iterator[TaskLine]:
        """The state of each task, by id."""
        path = self.path / TASKS
        for number, record in read_jsonl(path):
            yield build(TaskLine, record, path=path, line=number)

    def task_states(self) -> dict[Literal["annotate", "review"], Counter[str]]:
        """How many tasks to annotate, and to decide or to look at again, are in each state."""
        states: dict[Literal["annotate", "review"], Counter[str]] = {"annotate": Counter(), "review": Counter()}
        for _, record in read_jsonl(self.path / TASKS):
            states["review" if is_review(record["purpose"]) else "annotate"][record["state"]] += 1
        return states

    def review_annotations(self) -> set[str]:
        """Ids of the annotations in tasks of review: all tasks but those for annotating an article."""
        return {name for task in self.tasks() if is_review(task.purpose) for name in task.annotations}

    def issues(self) -> Iterator[dict[str, Any]]:
        """The issues as records: task, annotation, region, code, message, url."""
        for _, record in read_jsonl(self.path / ISSUES):
            yield record

    def raw(self, only: Collection[int] | None = None) -> Iterator[dict[str, Any]]:
        """The tasks as they are kept, by id: all of them, or those with these ids."""
        with gzip.open(self.path / RAW, "rb") as file:
            for task, line in zip(self.tasks(), file, strict=True):
                if only is None or task.task in only:
                    yield json.loads(line)


class _AnnotationsById:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.offsets: dict[str, int] | None = None

    def get(self, annotation_id: str) -> Annotation | None:
        if self.offsets is None:
            self.offsets = self._read_offsets()
        if annotation_id not in self.offsets:
            return None
        with self.path.open("rb") as file:
            file.seek(self.offsets[annotation_id])
            return Annotation.from_record(json_object(file.readline(), path=self.path), path=self.path)

    def _read_offsets(self) -> dict[str, int]:
        offsets, position = dict[str, int](), 0
        for number, line in read_lines(self.path):
            if line.strip():
                offsets[json_object(line, path=self.path, line=number)["id"]] = position
            position += len(line)
        return offsets


PULL_AGAIN = "run `curation pull` again: it makes a good snapshot, with what it needs from Label Studio"
_CHECKED = ".checked.json"
"""In a snapshot's folder: which files were compared with the manifest, so that the next reader need not."""
_SETTLED = 0.1
"""Seconds after its last change from which a file's times show a further change."""
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


def snapshots(work: Path) -> list[Path]:
    """All snapshot folders, the oldest first; damaged ones are among them, and `read_snapshot` refuses those."""
    folders = (work / "snapshots").glob("[0-9]*")
    return sorted(path for path in folders if _NAME.fullmatch(path.name) or (path / MANIFEST).exists())


def latest_snapshot(work: Path) -> Path | None:
    """The folder of the newest snapshot, or None where there is none."""
    return next(reversed(snapshots(work)), None)


def latest_of_project(work: Path, number: int, created_at: str) -> Snapshot | None:
    """The newest snapshot of one project, which is identified by its number and creation time.

    Raises:
        BadInput: that snapshot is damaged, or a newer one has a manifest that cannot be read.
    """
    for path in reversed(snapshots(work)):
        manifest = _manifest(path)
        if (manifest.project_id, manifest.project_created_at) == (number, created_at):
            return read_snapshot(path)
    return None


def read_snapshot(path: Path) -> Snapshot:
    """Open the snapshot in a folder. Every reader comes through here: its files are checked first.

    Raises:
        BadInput: the manifest or a file is missing, or is not what pull wrote.
    """
    manifest = _manifest(path)
    _check(path, manifest.files)
    return Snapshot(path, manifest)


def check_source(path: Path) -> None:
    """Where a file of annotations that someone named is one of a snapshot, see that the snapshot is whole.

    Raises:
        BadInput: it is damaged.
    """
    if (path.parent / MANIFEST).is_file():
        read_snapshot(path.parent)


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        manifest = build(Manifest, json_object(path.read_bytes(), path=path), path=path)
    except OSError as error:
        way_out = PULL_AGAIN if _NAME.fullmatch(folder.name) else "name the folder of a snapshot"
        raise BadInput(f"cannot be read: {error.strerror}", path=path, way_out=way_out) from error
    except BadInput as error:
        raise BadInput(error.what, path=path, line=error.line, field=error.field, way_out=PULL_AGAIN) from error
    if manifest.digest not in (None, manifest.own_digest()):
        raise BadInput("is not what pull wrote", path=path, way_out=PULL_AGAIN)
    return manifest


def _check(folder: Path, files: Mapping[str, FileFacts]) -> None:
    """Compare every file with its size and hash. A file that was compared before and did not change is not read."""
    known, checked = _checked_before(folder), dict[str, list[Any]]()
    for name, facts in files.items():
        path = folder / name
        try:
            with path.open("rb") as file:
                stat = os.fstat(file.fileno())
                state = [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, facts.sha256]
                if stat.st_size != facts.bytes:
                    what = f"is damaged: {stat.st_size} bytes, and pull wrote {facts.bytes}"
                    raise BadInput(what, path=path, way_out=PULL_AGAIN)
                if known.get(name) != state and hashlib.file_digest(file, "sha256").hexdigest() != facts.sha256:
                    raise BadInput("is damaged: its hash is not that of what pull wrote", path=path, way_out=PULL_AGAIN)
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", path=path, way_out=PULL_AGAIN) from error
        if time.time() - max(stat.st_mtime, stat.st_ctime) > _SETTLED:
            checked[name] = state
    if checked != known:
        with suppress(CurationError), whole_file(folder / _CHECKED) as file:
            json.dump(checked, file)


def _checked_before(folder: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads((folder / _CHECKED).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
