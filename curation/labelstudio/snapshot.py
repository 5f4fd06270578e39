"""A snapshot: what one pull brought back, in a folder that never changes.

raw.jsonl.gz        every task as Label Studio exported it, by rising id; of one that no one touched, what is its own
tasks.jsonl         one line a task: article, state, ids, link
articles.jsonl      every revision of every article, by id
annotations.jsonl   what people submitted, skipped or began, by article, time and id
issues.jsonl        what could not be read as it stands, or does not fit the schema
snapshot.json       the manifest: where it comes from, counts, the hash of every file
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ConfigDict, Field

from curation.annotation import Annotation, read_annotations
from curation.article import Article, Sha256, Value, build
from curation.errors import BadInput
from curation.files import json_object, read_jsonl
from curation.labelstudio.decode import TaskState

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
    """`snapshot.json`. `content` identifies what the files say; `findings` counts the issues by their code.

    `time` is when the pull began, and `stamp` the latest change to any task by then, as the server has it.
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


class TaskLine(Value):
    """A line of `tasks.jsonl`: where one task stands. `annotations` are ids of lines in `annotations.jsonl`."""

    model_config = ConfigDict(extra="ignore")  # snapshots made before say more

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


class ArticleLines(NamedTuple):
    """What a snapshot holds of one article, as it stands in the files: the number and the bytes of each line.

    `said` are what people made of it. Lines are written without spaces, whoever wrote the file.
    """

    folder: Path
    revisions: list[tuple[int, bytes]]
    said: list[tuple[int, bytes]]

    def read(self) -> tuple[dict[str, Article], list[Annotation]]:
        """The revisions by text hash, and what people made of them, by time. Raises BadInput."""
        texts: dict[str, Article] = {}
        for number, line in self.revisions:
            path = self.folder / ARTICLES
            article = Article.from_record(json_object(line, path=path, line=number), path=path, line=number)
            texts[article.text_sha256] = article
        path = self.folder / ANNOTATIONS
        return texts, [
            Annotation.from_record(json_object(line, path=path, line=number), path=path, line=number)
            for number, line in self.said
        ]


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

    def by_article(self) -> Iterator[tuple[dict[str, Article], list[Annotation]]]:
        """Of each article its revisions, by text hash, and what people made of it, by time. One article at a time."""
        for lines in self.lines_by_article():
            yield lines.read()

    def lines_by_article(self) -> Iterator[ArticleLines]:
        """The same, not yet read."""
        of_article = groupby(_lines(self.path / ANNOTATIONS, _ARTICLE_OF, Annotation), key=itemgetter(0))
        waiting = next(of_article, None)
        for article_id, revisions in groupby(_lines(self.path / ARTICLES, _ID_OF, Article), key=itemgetter(0)):
            while waiting is not None and waiting[0] < article_id:
                waiting = next(of_article, None)
            said = list(waiting[1]) if waiting is not None and waiting[0] == article_id else []
            yield ArticleLines(self.path, [one[1:] for one in revisions], [one[1:] for one in said])

    def tasks(self) -> Iterator[TaskLine]:
        """Where each task stands, by id."""
        path = self.path / TASKS
        for number, record in read_jsonl(path):
            yield build(TaskLine, record, path=path, line=number)

    def issues(self) -> Iterator[dict[str, Any]]:
        """Issues as they stand in the file: task, annotation, region, code, message, url."""
        for _, record in read_jsonl(self.path / ISSUES):
            yield record

    def raw(self, only: Collection[int] | None = None) -> Iterator[dict[str, Any]]:
        """The tasks as they are kept, by id: all of them, or those with these ids."""
        with gzip.open(self.path / RAW, "rb") as file:
            for line in file:
                if only is None or int(line[6 : line.index(b",")]) in only:  # the id stands first
                    yield json.loads(line)

    def verify(self) -> None:
        """Compare every file with its hash in the manifest.

        Raises:
            BadInput: a file is missing or is not what was written.
        """
        for name, facts in self.manifest.files.items():
            path = self.path / name
            try:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise BadInput(f"cannot be read: {error.strerror}", path=path, way_out=PULL_AGAIN) from error
            if found != facts.sha256:
                raise BadInput("is not what was written there", path=path, way_out=PULL_AGAIN)


_ID_OF = re.compile(rb'\{"id":("(?:[^"\\]|\\.)*"),')
_ARTICLE_OF = re.compile(rb'\{"id":"(?:[^"\\]|\\.)*","article_id":("(?:[^"\\]|\\.)*"),')


def _lines(
    path: Path, pattern: re.Pattern[bytes], kind: type[Article] | type[Annotation]
) -> Iterator[tuple[str, int, bytes]]:
    """Of each line the id of its article, its number and its bytes."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                found = pattern.match(line)
                if found is None and line.strip():
                    # Not as pull writes it.
                    line = (
                        kind.from_record(json_object(line, path=path, line=number), path=path, line=number)
                        .to_json()
                        .encode()
                    )
                    found = pattern.match(line)
                if found is not None:
                    yield json.loads(found[1]), number, line
    except OSError as error:
        way_out = "check the path and its permissions"
        raise BadInput(f"cannot be read: {error.strerror or error}", path=path, way_out=way_out) from error


PULL_AGAIN = "remove the snapshot's folder and pull again with --full"


def snapshots(work: Path) -> list[Path]:
    """All snapshot folders, the oldest first."""
    return sorted(path.parent for path in (work / "snapshots").glob(f"[0-9]*/{MANIFEST}"))


def latest_snapshot(work: Path) -> Path | None:
    """The folder of the newest snapshot, or None where there is none."""
    return next(reversed(snapshots(work)), None)


def latest_of_project(work: Path, number: int, created_at: str) -> Snapshot | None:
    """The newest snapshot of one project, told by its number and the moment it was made."""
    for path in reversed(snapshots(work)):
        snapshot = read_snapshot(path)
        if (snapshot.manifest.project_id, snapshot.manifest.project_created_at) == (number, created_at):
            return snapshot
    return None


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot in a folder.

    Raises:
        BadInput: it has no manifest that can be read.
    """
    manifest = path / MANIFEST
    try:
        raw = manifest.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot be read: {error.strerror}", path=manifest, way_out="name the folder of a snapshot"
        ) from error
    return Snapshot(path, build(Manifest, json_object(raw, path=manifest), path=manifest))
