"""What differs between two releases, article by article and item by item.

Only the rows whose hashes differ are read as such; both releases are walked side by side, in the order of article ids.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

from curation.annotation import Annotation
from curation.article import Value
from curation.errors import ReleaseError
from curation.metrics.corrections import changes
from curation.metrics.matching import Link
from curation.release.hashing import Row
from curation.release.manifest import (
    ARTICLES,
    LABELS,
    SCHEMA,
    Changes,
    ItemChanges,
    Manifest,
    parquet_files,
    read_hashes,
    read_labels,
    read_schema,
    refuse_differing,
)
from curation.release.rows import DOCUMENTS, annotation_of, read_rows
from curation.release.versions import ChangeCount, schema_reasons

ArticleChange = Literal["added", "left out", "new text", "corrected", "metadata"]


class Place(NamedTuple):
    """Span of an item, in code points, and its type; for an argument, span of the filler and role."""

    start: int
    end: int
    type: str
    attributes: dict[str, str]


class ItemDiff(NamedTuple):
    """One entity, event (by its trigger) or argument that differs.

    `change`: added, removed, type, border, both or attributes. `trigger` is that of an argument's event.
    """

    item: Literal["entity", "event", "argument"]
    change: str
    before: Place | None
    now: Place | None
    trigger: Place | None = None


class ArticleDiff(NamedTuple):
    """One article that differs. Items are listed only if the text is the same.

    `metadata`: text and items are the same, but not title, source, annotator, origins or the like.
    """

    id: str
    change: ArticleChange
    text: str
    annotator_before: str | None
    annotator_now: str | None
    fields: tuple[str, ...]
    items: tuple[ItemDiff, ...]


class ByAnnotator(Value):
    """Differences in the articles of one annotator: the newer release's, or the older's if the article is gone."""

    articles: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0


class DiffSummary(Value):
    """The counts. `metadata` counts articles of which only that differs, `schema_changes` is one line each."""

    before: str
    now: str
    articles_before: int
    articles_now: int
    changes: Changes
    metadata: int
    annotators: dict[str, ByAnnotator]
    schema_changes: tuple[str, ...]


class Diff:
    """The differences between the release in `before` and that in `now`. Iterate first, then take the `summary`.

    Raises:
        ReleaseError: one of the two cannot be read, or a file that is read differs from its manifest.
    """

    def __init__(self, before: Path, now: Path) -> None:
        self.before, self.now = Manifest.read(before), Manifest.read(now)
        self._folders = before, now
        for folder, manifest in zip(self._folders, (self.before, self.now), strict=True):
            refuse_differing(folder, manifest, (ARTICLES, LABELS, SCHEMA, *parquet_files(DOCUMENTS)))
        self._count, self._metadata = ChangeCount(), 0
        self._annotators: dict[str, Counter[str]] = defaultdict(Counter)

    def __iter__(self) -> Iterator[ArticleDiff]:
        for before, now in differing_rows(*self._folders):
            yield self._article(before, now)

    @property
    def summary(self) -> DiffSummary:
        """What was counted so far."""
        schemas = [read_schema(folder) for folder in self._folders]
        return DiffSummary(
            before=self.before.version,
            now=self.now.version,
            articles_before=self.before.counts.total("articles"),
            articles_now=self.now.counts.total("articles"),
            changes=self._count.changes(),
            metadata=self._metadata,
            annotators={key: ByAnnotator(**self._annotators[key]) for key in sorted(self._annotators)},
            schema_changes=tuple(reason.text for reason in schema_reasons(*schemas)),
        )

    def _article(self, before: Row | None, now: Row | None) -> ArticleDiff:
        row = now or before
        if row is None:
            raise ReleaseError("an article that neither release has")
        old, new = (annotation_of(held) if held is not None else None for held in (before, now))
        found = _items(old, new) if old and new and old.text_sha256 == new.text_sha256 else ()
        change = _change(before, now, found)
        if change == "metadata":
            self._metadata += 1
        else:
            self._count.article(before, now)
        of = self._annotators[row["annotator"]]
        of["articles"] += 1
        for item in found:
            of[item.change if item.change in ("added", "removed") else "changed"] += 1
        if change in ("added", "left out", "new text"):
            of["added"] += _size(new)
            of["removed"] += _size(old)
        return ArticleDiff(
            id=row["id"],
            change=change,
            text=row["text"],
            annotator_before=before["annotator"] if before is not None else None,
            annotator_now=now["annotator"] if now is not None else None,
            fields=_fields(before, now) if before is not None and now is not None else (),
            items=found,
        )


def differing_rows(before: Path, now: Path) -> Iterator[tuple[Row | None, Row | None]]:
    """Walk two releases side by side, in the order of article ids.

    Args:
        before: a release, or at least its `articles.jsonl`, `labels.json` and `documents`.
        now: another one.

    Yields:
        The rows in `documents` of each article whose rows differ; None where a release does not have the article.

    Raises:
        ReleaseError: a file cannot be read.
    """
    folders = before, now
    hashes = [read_hashes(folder) for folder in folders]
    differ = {
        article_id
        for article_id in {**hashes[0], **hashes[1]}
        if article_id not in hashes[0]
        or article_id not in hashes[1]
        or hashes[0][article_id].row != hashes[1][article_id].row
    }
    sides = [_rows(folder, differ) for folder in folders]
    waiting = [next(side, None) for side in sides]
    while any(waiting):
        first = min(row["id"] for row in waiting if row is not None)
        pair = [row if row is not None and row["id"] == first else None for row in waiting]
        for side, row in enumerate(pair):
            if row is not None:
                waiting[side] = next(sides[side], None)
        yield pair[0], pair[1]


def _rows(folder: Path, wanted: set[str]) -> Iterator[Row]:
    labels = read_labels(folder).of_config(DOCUMENTS)
    files = (read_rows(folder / name, labels, wanted.__contains__) for name in parquet_files(DOCUMENTS))
    return heapq.merge(*files, key=itemgetter("id"))


def changed(changes: dict[str, ItemChanges]) -> list[tuple[str, int, int, int]]:
    """Label, added, removed, changed: as the lines of a table."""
    return [(name, items.added, items.removed, items.changed) for name, items in changes.items()]


def _change(before: Row | None, now: Row | None, found: tuple[ItemDiff, ...]) -> ArticleChange:
    if before is None:
        return "added"
    if now is None:
        return "left out"
    if before["text_sha256"] != now["text_sha256"]:
        return "new text"
    return "corrected" if found else "metadata"


def _fields(before: Row, now: Row) -> tuple[str, ...]:
    """The columns beside entities and events that differ."""
    names = {*before, *now} - {"entities", "events", "text"}
    return tuple(sorted(name for name in names if before.get(name) != now.get(name)))


def _items(before: Annotation, now: Annotation) -> tuple[ItemDiff, ...]:
    """What differs, by the same rules as the `corrections` config."""
    found = []
    for change in changes(before, now, {}):
        if change.fate != "kept":
            old, new = change.predicted, change.corrected
            trigger = _trigger(old or new) if change.what == "argument" else None
            fate = "both" if change.fate == "type and border" else change.fate
            found.append(ItemDiff(change.what, fate, _place(old), _place(new), trigger))
    return tuple(found)


def _trigger(link: Link) -> Place:
    start, end, type_ = link.trigger
    return Place(start, end, type_, {})


def _place(item: Any) -> Place | None:
    return None if item is None else Place(item.start, item.end, item.type, item.attributes)


def _size(annotation: Annotation | None) -> int:
    if annotation is None:
        return 0
    return len(annotation.items()) + sum(len(event.arguments) for event in annotation.events)
