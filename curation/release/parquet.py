"""The Parquet files of a release, one a config and split, and `articles.jsonl`."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.files import whole_file
from curation.metrics.counts import Counts as Figure
from curation.metrics.rounding import rounded
from curation.release.card import SplitSize
from curation.release.counts import Counting
from curation.release.intake import Intake
from curation.release.manifest import ARTICLES, Agreement, Hashes
from curation.release.prepare import AGREEMENT, LOST, NESTED, SNAPSHOT
from curation.release.rows import CONFIGS, DOCUMENTS, Labels
from curation.release.sentences import LOSSES
from curation.release.splits import SPLITS, Place

GROUP_ARTICLES, GROUP_CHARACTERS = 500, 4_000_000
"""Articles, and about the characters of text, of one row group. An article with its sentences and corrections takes
about 100 kB of memory until its row group is written, and every split has a row group of its own."""
_TAKEN = 125
"""Articles that are read from disk together."""
_OFFSETS = frozenset({"start", "end", "starts", "ends", "predicted_start", "predicted_end"})
_DISTINCT = _OFFSETS | {
    *("id", "annotation_id", "prediction_id", "parent", "filler", "score", "predicted_score"),
    *("text", "text_sha256", "title", "predicted_text"),
}
"""Fields whose values are hardly ever the same: a dictionary of them takes more room than it saves."""

Sizes = dict[str, dict[str, SplitSize]]
"""Config → split → size."""


def write_rows(
    intake: Intake,
    order: Sequence[int],
    table: Mapping[str, Place],
    counting: Totals,
    part: Path,
    arrow: Mapping[str, pa.Schema],
) -> Sizes:
    """Write the Parquet files and `articles.jsonl` into `part`, counting what is in them.

    Returns:
        Config → split → size.
    """
    with ExitStack() as stack:
        lines = stack.enter_context(whole_file(part / ARTICLES))
        writers = {split: stack.enter_context(_SplitWriter(part, split, arrow, counting)) for split in SPLITS}
        for numbers in _pieces(order, intake.lengths):
            rows = intake.take(numbers)
            splits = [table[intake.ids[number]].split for number in numbers]
            lines.writelines(_article_lines(rows, splits, [intake.hashes[number] for number in numbers]))
            counting.add_counts(rows)
            for split, writer in writers.items():
                writer.add(rows.filter(pa.array([held == split for held in splits])))
    return {config: {split: _size(part / config / f"{split}.parquet") for split in SPLITS} for config in CONFIGS}


class Totals(Counting):
    """The counts of a release, and how far people agree."""

    def __init__(self, labels: Labels) -> None:
        super().__init__(labels)
        self._agreement, self._compared = np.zeros(9, np.int64), 0

    def add_counts(self, table: pa.Table) -> None:
        """Add the columns of counts of some articles."""
        lost = _matrix(table[LOST], len(LOSSES)).sum(axis=0)
        self.lost(dict(zip(LOSSES, lost.tolist(), strict=True)))
        compared = table[AGREEMENT].drop_null()
        self._compared += len(compared)
        self._agreement += _matrix(compared, 9).sum(axis=0)

    def agreement(self) -> Agreement | None:
        """How far people agree who annotated the same article; None where no two did."""
        if not self._compared:
            return None
        entities, triggers, arguments = (
            rounded(Figure(*map(int, self._agreement[start : start + 3])).f1, 4) for start in (0, 3, 6)
        )
        return Agreement(articles=self._compared, entities=entities, triggers=triggers, arguments=arguments)


def _matrix(lists: pa.ChunkedArray, width: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    matrix: np.ndarray[Any, np.dtype[np.int64]] = pc.list_flatten(lists).to_numpy().astype(np.int64)
    return matrix.reshape(-1, width)


class _SplitWriter:
    """Writes one split of every config; a row group of each has the rows of the same articles."""

    def __init__(self, part: Path, split: str, arrow: Mapping[str, pa.Schema], counting: Counting) -> None:
        self._split, self._arrow, self._counting = split, arrow, counting
        self._waiting: list[pa.Table] = []
        self._articles = self._characters = 0
        self._writers = {}
        for config, schema in arrow.items():
            path = part / config / f"{split}.parquet"
            path.parent.mkdir(exist_ok=True)
            self._writers[config] = pq.ParquetWriter(path, schema, **_encoding(schema))

    def __enter__(self) -> _SplitWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        for writer in self._writers.values():
            writer.close()

    def add(self, rows: pa.Table) -> None:
        """Add the rows of the next articles."""
        if rows.num_rows:
            self._waiting.append(rows)
            self._articles += rows.num_rows
            self._characters += pc.sum(pc.utf8_length(rows["text"])).as_py()
            if self._articles >= GROUP_ARTICLES or self._characters >= GROUP_CHARACTERS:
                self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows = pa.concat_tables(self._waiting).combine_chunks()
        self._waiting, self._articles, self._characters = [], 0, 0
        for config, schema in self._arrow.items():
            if config == DOCUMENTS:
                found = rows.select(schema.names)
            else:
                structs = pc.list_flatten(rows[NESTED[config]].chunk(0))
                found = pa.Table.from_batches([pa.RecordBatch.from_struct_array(structs)])
            found = found.cast(schema)
            self._counting.add(config, found, self._split)
            if found.num_rows:
                self._writers[config].write_table(found, row_group_size=found.num_rows)
        pa.default_memory_pool().release_unused()


def _pieces(order: Sequence[int], lengths: array[int]) -> Iterator[list[int]]:
    """Cut the articles into pieces that are read together, which depend on nothing but the articles and their order."""
    piece: list[int] = []
    characters = 0
    for number in order:
        piece.append(number)
        characters += lengths[number]
        if len(piece) == _TAKEN or characters >= GROUP_CHARACTERS:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece


def _article_lines(rows: pa.Table, splits: Sequence[str], hashes: Sequence[Hashes]) -> Iterator[str]:
    """The lines of `articles.jsonl`: see `manifest.ArticleRecord`."""
    names = ("id", "annotation_id", "annotator", "parent", "state", "schema", SNAPSHOT)
    for row, split, held in zip(rows.select(names).to_pylist(), splits, hashes, strict=True):
        line = {
            "id": row["id"],
            "split": split,
            "text_sha256": held.text,
            "row_sha256": held.row,
            "more_sha256": held.derived,
            "annotation": row["annotation_id"],
            **{name: row[name] for name in ("annotator", "parent", "state", "schema")},
            "snapshot": row[SNAPSHOT],
        }
        yield json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """How the columns of a Parquet file are encoded."""
    leaves = [leaf for field in schema for leaf in _leaves(field.name, field.name, field.type)]
    return {
        "compression": "zstd",
        "use_dictionary": [path for path, name in leaves if name not in _DISTINCT],
        "column_encoding": {path: "DELTA_BINARY_PACKED" for path, name in leaves if name in _OFFSETS},
        # Smallest and largest of what one may search for; of texts and nested fields they are of no use.
        "write_statistics": ["id", *(path for path, name in leaves if path == name and name not in _DISTINCT)],
        "write_page_checksum": True,
    }


def _leaves(path: str, name: str, kind: pa.DataType) -> Iterator[tuple[str, str]]:
    """The Parquet columns of a field: their paths, and the names of the fields that they hold."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", name, kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.name, field.type)
    else:
        yield path, name


def _size(path: Path) -> SplitSize:
    metadata = pq.read_metadata(path)
    # Bytes before compression, as Parquet counts them: those of an Arrow table depend on how it was made.
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return SplitSize(rows=metadata.num_rows, bytes=size, download=path.stat().st_size)
