"""The rows of a release as Parquet, one file a config and split, and the list of its articles."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation.release.arrays import chunk, joined
from curation.release.canonical import lines
from curation.release.card import SplitSize
from curation.release.configs import CONFIGS
from curation.release.counts import Counting
from curation.release.intake import Intake
from curation.release.manifest import DATA, LogicalHash
from curation.release.splits import SPLITS, Place
from curation.release.spool import MORE, pieces

Sizes = dict[str, dict[str, SplitSize]]

_PLACES = frozenset({"start", "end", "starts", "ends", "predicted_start", "predicted_end"})
_DISTINCT = _PLACES | {
    *("id", "annotation_id", "prediction_id", "parent", "filler", "score", "predicted_score"),
    *("text", "text_sha256", "title", "predicted_text"),
}
"""Fields whose values hardly come twice: a dictionary of them costs time and takes more room than it saves."""


_VALUES = 16_384
"""Values that are encoded at a time; less costs time, since an article has many."""


def write_rows(rows: Intake, order: Sequence[int], table: Mapping[str, Place], counting: Counting, part: Path) -> Sizes:
    """Write every config and split into `part`, counting what is in them. Returns their sizes, by config and split."""
    sizes: Sizes = {config: {} for config in CONFIGS}
    numbers = {split: array("q") for split in SPLITS}
    for n in order:
        numbers[table[rows.ids[n]].split].append(n)
    for split in SPLITS:
        for config, size in _write_split(rows, numbers[split], split, counting, part).items():
            sizes[config][split] = size
    counting.lost(rows.lost(np.setdiff1d(np.arange(len(rows.ids)), order).tolist()))
    return sizes


def add_logical(logical: LogicalHash, rows: Intake, order: Sequence[int], table: Mapping[str, Place]) -> None:
    """Add the articles of these numbers to the logical hash."""
    for piece in pieces(order, rows.lengths):
        ids = [rows.ids[n] for n in piece]
        splits, hashes = [table[one].split for one in ids], rows.hash_columns(piece)
        logical.articles(pa.array(ids), pa.array(splits), hashes["row_sha256"], hashes["more_sha256"])


def known_lines(rows: Intake, order: Sequence[int], table: Mapping[str, Place]) -> Iterator[str]:
    """The lines of articles.jsonl, each a `Known`, sorted by article id; some at a time, the last not ended."""
    names = {"annotation": "annotation_id", **{name: name for name in ("annotator", "parent", "state", "schema")}}
    for piece in pieces(order, rows.lengths):
        held = rows.spool.gather(piece, ["id", *names.values()])
        columns = {"id": chunk(held["id"]), "split": pa.array([table[rows.ids[n]].split for n in piece])}
        columns |= rows.hash_columns(piece) | {name: chunk(held[column]) for name, column in names.items()}
        columns["snapshot"] = pa.array([rows.snapshots[n] for n in piece], pa.string())
        yield bytes(joined(lines(columns))).decode().removesuffix("\n")


def _write_split(
    rows: Intake, numbers: Sequence[int], split: str, counting: Counting, part: Path
) -> dict[str, SplitSize]:
    """Write the rows of these numbers as one split of every config."""
    paths = {config: part / config / f"{split}.parquet" for config in CONFIGS}
    with ExitStack() as stack:
        writers = {}
        for config, path in paths.items():
            path.parent.mkdir(exist_ok=True)
            schema = rows.spool.arrow[config]
            writers[config] = stack.enter_context(pq.ParquetWriter(path, schema, **_encoding(schema)))
        for piece in pieces(numbers, rows.lengths):
            for config, found in _tables(rows, piece):
                if config == DATA:
                    counting.add(found, split)
                else:
                    counting.more(config, found, split)
                if found.num_rows:
                    writers[config].write_table(found, row_group_size=found.num_rows)
    return {config: _size(path) for config, path in paths.items()}


def _tables(rows: Intake, piece: Sequence[int]) -> Iterator[tuple[str, pa.Table]]:
    """The rows of these numbers in their order, config by config."""
    held = rows.spool.gather(piece)
    for config, schema in rows.spool.arrow.items():
        if config == DATA:
            yield config, held.select(schema.names).cast(schema)
        else:
            yield config, _flat(held[MORE[config]], schema)


def _flat(lists: pa.ChunkedArray, schema: pa.Schema) -> pa.Table:
    """The structs in a column of lists as the rows of a table."""
    structs = chunk(lists).flatten()
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(structs)]).cast(schema)


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """How the columns of a file are written."""
    leaves = [leaf for field in schema for leaf in _leaves(field.name, field.name, field.type)]
    return {
        "compression": "zstd",
        "use_dictionary": [path for path, name in leaves if name not in _DISTINCT],
        "column_encoding": {path: "DELTA_BINARY_PACKED" for path, name in leaves if name in _PLACES},
        # Smallest and largest of what one may look for; of texts and nested fields they are of no use.
        "write_statistics": ["id", *(path for path, name in leaves if path == name and name not in _DISTINCT)],
        "write_batch_size": _VALUES,
    }


def _leaves(path: str, name: str, kind: pa.DataType) -> Iterator[tuple[str, str]]:
    """The columns that Parquet has of a field: their paths, and the names of the fields that they hold."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", name, kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.name, field.type)
    else:
        yield path, name


def _size(path: Path) -> SplitSize:
    groups = pq.read_metadata(path)
    # Bytes as Parquet has them before compression: an Arrow table's own size depends on how it came about.
    size = sum(groups.row_group(n).total_byte_size for n in range(groups.num_row_groups))
    return SplitSize(rows=groups.num_rows, bytes=size, download=path.stat().st_size)
