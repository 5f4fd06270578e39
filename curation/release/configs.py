"""The configs of a release: what each holds, and how its rows are read with names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

from curation.errors import ReleaseError
from curation.release import corrections, documents, sentences
from curation.release.canonical import canonical
from curation.release.documents import Row
from curation.release.labels import Labels

CONFIGS: dict[str, Callable[[Labels], Features]] = {
    documents.CONFIG: documents.features,
    sentences.CONFIG: sentences.features,
    corrections.CONFIG: lambda labels: corrections.features(),
}
"""Config → its columns; the first is the default. Each is a folder with one Parquet file a split."""


def columns(labels: Labels) -> dict[str, str]:
    """Every column of every config → its kind; those beside `documents` with their config before them."""
    found = documents.columns(documents.features(labels))
    for config in (sentences.CONFIG, corrections.CONFIG):
        of = documents.columns(CONFIGS[config](labels))
        found |= {f"{config}/{name}": kind for name, kind in of.items()}
    return found


def more_sha256(sentence_rows: Iterable[Row], correction_rows: Iterable[Row]) -> str:
    """Hex SHA-256 of what an article has beside its document, names in it, a line of canonical JSON a row."""
    digest = hashlib.sha256()
    for rows in (sentence_rows, correction_rows):
        for row in rows:
            digest.update(canonical(row) + b"\n")
        digest.update(b"\n")
    return digest.hexdigest()


class More:
    """Reads, article by article in the order of their ids, what one split has of them beside the documents."""

    def __init__(self, folder: Path, split: str, labels: Labels) -> None:
        self._of = [
            groupby(_rows(folder / config / f"{split}.parquet", config, labels), key=lambda row: row["id"])
            for config in (sentences.CONFIG, corrections.CONFIG)
        ]
        self._next = [next(one, None) for one in self._of]

    def rows(self, article_id: str) -> tuple[list[Row], list[Row]]:
        """The sentences and the corrections of the next article."""
        found: list[list[Row]] = []
        for place, waiting in enumerate(self._next):
            if waiting is None or waiting[0] != article_id:
                found.append([])
                continue
            found.append(list(waiting[1]))
            self._next[place] = next(self._of[place], None)
        return found[0], found[1]

    @property
    def left(self) -> list[str]:
        """The ids that were never asked for; of each config the first."""
        return [waiting[0] for waiting in self._next if waiting is not None]


def _rows(path: Path, config: str, labels: Labels) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    yield sentences.decode(row, labels) if config == sentences.CONFIG else row
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; take the release again") from error
