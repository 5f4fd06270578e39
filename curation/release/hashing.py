"""Hashes of rows and of a whole release, over one canonical form that no library version or process order changes.

The logical hash of a release is the SHA-256 of these lines of canonical JSON (sorted keys, no spaces, UTF-8, each
ended by LF): the format, the labels, the label schema; then `[id, split, row_sha256, derived_sha256]` of each article,
sorted by id; then `[id, cluster, split]` of each line of the split table, sorted by id. `row_sha256` is of the
article's row in `documents`, `derived_sha256` of its rows in `sentences` and `corrections`, with label names in place
of integers. Fields that a format got later are in none of this while they have their default: see
`curation.article.added_field`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from curation.release.splits import Place

Row = dict[str, Any]
"""One row of a config, with label names."""

FORMAT: Literal[1] = 1


def canonical(value: object) -> bytes:
    """One line of JSON that is the same wherever it is made: sorted keys, no spaces, times in UTC.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    return _ENCODER.encode(value).encode()


def utc(time: datetime | None) -> datetime | None:
    """In UTC; a time without a zone is taken as UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def row_sha256(row: Row) -> str:
    """Hex SHA-256 of a row of `documents`, with label names."""
    return hashlib.sha256(canonical(row)).hexdigest()


def derived_sha256(sentences: Iterable[Row], corrections: Iterable[Row]) -> str:
    """Hex SHA-256 of an article's rows in `sentences` and `corrections`: one line a row, LF after each config.

    Rows have label names. The key in `articles.jsonl` is `more_sha256`.
    """
    digest = hashlib.sha256()
    for rows in (sentences, corrections):
        for row in rows:
            digest.update(canonical(row) + b"\n")
        digest.update(b"\n")
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LogicalHash:
    """The logical hash of a release, fed article by article in the order of their ids."""

    def __init__(self, labels: BaseModel, schema: BaseModel) -> None:
        """`labels`: the lists of `Labels`; `schema`: the `LabelSchema`."""
        self._sha256 = hashlib.sha256()
        for line in ({"format": FORMAT}, labels.model_dump(mode="json"), schema.model_dump(mode="json")):
            self._add(line)

    def article(self, article_id: str, split: str, row_sha256: str, derived_sha256: str) -> None:
        """Add one article; they come sorted by id."""
        self._add([article_id, split, row_sha256, derived_sha256])

    def finish(self, table: Mapping[str, Place]) -> str:
        """Add the split table (article id → place). Returns the hash as hex."""
        for article_id in sorted(table):
            place = table[article_id]
            self._add([article_id, place.cluster, place.split])
        return self._sha256.hexdigest()

    def _add(self, line: object) -> None:
        self._sha256.update(canonical(line) + b"\n")


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a row")


# Made once: for short values `json.dumps` takes most of its time to make one.
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_time)
