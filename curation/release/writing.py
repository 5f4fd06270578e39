"""The rows of a release as Parquet, one file a config and split, and the list of its articles."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation.release.ahead import ahead
from curation.release.arrays import chunk, joined
from curation.release.canonical import lines
from curation.release.card import SplitSize
from curation.release.configs import CONFIGS
from curation.release.counts import Counting
from curation.release.intake import Intake
from curation.release.manifest import DATA, LogicalHash
from curation.release.place import Placement
from curation.release.splits import SPLITS
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


def write_rows(
    rows: Intake, placement: Placement, counting: Counting, part: Path, meanwhile: Callable[[], None]
) -> Sizes:
    """Write every config and split into `part`, counting what is in them. Returns their sizes, by config and split.

    Other threads read and write; `meanwhile` is called now and then while they do.
    """
    sizes: Sizes = {config: {} for config in CONFIGS}
    of = placement.split[placement.order]
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as writing:
        for n, split in enumerate(SPLITS):
            numbers = placement.order[of == n]
            found = _write_split(rows, numbers, split, counting, part, (reading, writing), meanwhile)
            for config, size in found.items():
                sizes[config][split] = size
    counting.lost(rows.lost(np.flatnonzero(placement.split < 0).tolist()))
    return sizes


def add_logical(logical: LogicalHash, rows: Intake, placement: Placement) -> None:
    """Add the articles that go out to the logical hash."""
    for piece in pieces(placement.order, rows.lengths):
        hashes = rows.hash_columns(piece)
        ids = rows.ids.take(pa.array(piece))
        logical.articles(ids, placement.splits(piece), hashes["row_sha256"], hashes["more_sha256"])


def known_lines(rows: Intake, placement: Placement) -> Iterator[str]:
    """The lines of articles.jsonl, each a `Known`, sorted by article id; some at a time, the last not ended."""
    names = {"annotation": "annotation_id", **{name: name for name in ("annotator", "parent", "state", "schema")}}
    for piece in pieces(placement.order, rows.lengths):
        held = rows.spool.gather(piece, ["id", *names.values()])
        columns = {"id": chunk(held["id"]), "split": placement.splits(piece)}
        columns |= rows.hash_columns(piece) | {name: chunk(held[column]) for name, column in names.items()}
        columns["snapshot"] = rows.snapshots(piece)
        yield bytes(joined(lines(columns))).decode().removesuffix("\n")


def _write_split(
    rows: Intake,
    numbers: NDArray[np.int64],
    split: str,
    counting: Counting,
    part: Path,
    pools: tuple[Executor, Executor],
    meanwhile: Callable[[], None],
) -> dict[str, SplitSize]:
    """Write the rows of these numbers as one split of every config."""
    paths = {config: part / config / f"{split}.parquet" for config in CONFIGS}
    reading, writing = pools
    with ExitStack() as stack:
        writers = {}
        for config, path in paths.items():
            path.parent.mkdir(exist_ok=True)
            schema = rows.spool.arrow[config]
            writers[config] = stack.enter_context(pq.ParquetWriter(path, schema, **_encoding(schema)))

        def write(tables: Mapping[str, pa.Table]) -> None:
            for config, table in tables.items():
                if table.num_rows:
                    writers[config].write_table(table, row_group_size=table.num_rows)

        writes: deque[Future[None]] = deque()
        try:
            for tables in ahead(reading, lambda piece: _tables(rows, piece), pieces(numbers, rows.lengths)):
                writes.append(writing.submit(write, tables))
                for config, table in tables.items():
                    if config == DATA:
                        counting.add(table, split)
                    else:
                        counting.more(config, table, split)
                meanwhile()
                if len(writes) > 1:
                    writes.popleft().result()
            for one in writes:
                one.result()
        finally:
            wait(writes)  # whatever happened, no file is closed while it is written to
    return {config: _size(path) for config, path in paths.items()}


def _tables(rows: Intake, piece: NDArray[np.int64]) -> dict[str, pa.Table]:
    """Config → the rows of these numbers in their order."""
    held = rows.spool.gather(piece)
    documents = rows.spool.arrow[DATA]
    tables = {DATA: held.select(documents.names).cast(documents)}
    return tables | {config: _flat(held[name], rows.spool.arrow[config]) for config, name in MORE.items()}


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
        "write_page_checksum": True,
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
