"""The release before: what a new one is compared with, and the rows it takes over without a second look.

Beside a release whose rows came with keys stands a hidden file, `.vX.Y.Z-….inputs`, which is never published: one line
an article with its key, the hash of all that its row was made from. Where the same key comes again, under the same
schema, policy and program, the row is the same and is copied from the Parquet files of the release before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from curation.errors import ReleaseError
from curation.release.arrays import chunk
from curation.release.canonical import canonical
from curation.release.configs import CONFIGS
from curation.release.known import KnownArticles, read_hashes, unhexed
from curation.release.labels import Labels
from curation.release.manifest import (
    ARTICLES,
    DATA,
    LABELS,
    SCHEMA,
    SPLIT_TABLE,
    TAKE_AGAIN,
    Manifest,
    Selection,
    differing,
    read_labels,
    read_schema,
)
from curation.release.program import program
from curation.release.sentences import LOSSES
from curation.release.splits import SPLITS, Place, read_splits
from curation.schema import LabelSchema

_BATCH = 500
FEW = 100
"""Rows that are looked at one by one, held at a time."""


class Inputs:
    """What the rows of a release were made from. `numbers`: key → number of the article among those known.

    By the numbers of articles: `lost` is what their sentences cannot hold, in the order of `LOSSES`; `agreement` the
    counts of how far several people agreed on them, where there were several.
    """

    def __init__(self, table: pa.Table, known: KnownArticles) -> None:
        """Raises KeyError or ValueError where a line is of no article that is known, or is not whole."""
        numbers = np.array([known.numbers[one] for one in table["id"].to_pylist()], np.int64)
        keys = unhexed(chunk(table["key"]))
        self.numbers = {keys[32 * line : 32 * line + 32]: number for line, number in enumerate(numbers.tolist())}
        self._keys = np.zeros((len(known), 32), np.uint8)
        self._keys[numbers] = np.frombuffer(keys, np.uint8).reshape(-1, 32)
        self.lost = np.zeros((len(known), len(LOSSES)), np.uint32)
        lost = chunk(table["lost"])
        here = numbers[lost.is_valid().to_numpy(zero_copy_only=False)]
        self.lost[here] = lost.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(LOSSES))
        agreement = table["agreement"]
        several = numbers[agreement.is_valid().to_numpy()].tolist()
        self.agreement: dict[int, list[int]] = dict(zip(several, agreement.drop_null().to_pylist(), strict=True))

    def lines(self, numbers: Sequence[int], known: KnownArticles) -> Iterator[str]:
        """The lines of these articles as they were."""
        keys, lost = self._keys[numbers].tobytes().hex(), self.lost[numbers].tolist()
        for n, number in enumerate(numbers):
            key = keys[64 * n : 64 * n + 64]
            yield input_line(known.ids[number], key, lost[n], self.agreement.get(number, ()))


def input_line(article_id: str, key: str, lost: Sequence[int], agreement: Sequence[int]) -> str:
    """What an article's row was made from, by its hash, and what of it stands in no row, as a line of JSON."""
    more = f', "lost": {list(lost)}' if any(lost) else ""
    more += f', "agreement": {list(agreement)}' if agreement else ""
    return f'{{"id": {canonical(article_id).decode()}, "key": "{key}"{more}}}\n'


class Before(NamedTuple):
    """The release before. `inputs` are None where there are none that can be relied upon."""

    folder: Path
    manifest: Manifest
    schema: LabelSchema
    labels: Labels
    table: dict[str, Place]
    known: KnownArticles
    inputs: Inputs | None


def read_before(folder: Path | None, recipe: str) -> Before | None:
    """The release in `folder`, after a look whether what this one stands on is what its manifest says.

    Its inputs are taken where they were made by the same `recipe`.
    """
    if folder is None:
        return None
    manifest = Manifest.read(folder)
    if wrong := differing(folder, manifest, (LABELS, SCHEMA, SPLIT_TABLE, ARTICLES)):
        raise ReleaseError(f"{folder}: {wrong[0]}; {TAKE_AGAIN}")
    known = read_hashes(folder)
    inputs = _read_inputs(inputs_of(folder, manifest.logical_sha256, recipe), known)
    rows = [f"{config}/{split}.parquet" for config in CONFIGS for split in SPLITS]
    if inputs is not None and (wrong := differing(folder, manifest, rows)):
        raise ReleaseError(f"{folder}: {wrong[0]}; {TAKE_AGAIN}")
    table = read_splits(folder / SPLIT_TABLE)
    return Before(folder, manifest, read_schema(folder), read_labels(folder), table, known, inputs)


def recipe(schema: LabelSchema, selection: Selection, told: str) -> str:
    """Hex SHA-256 of all that rows depend on beside their input: schema, policy, what makes them, what is `told`."""
    digest = hashlib.sha256()
    policy = [sorted(selection.licences), selection.engine_only, told]
    for part in (schema.model_dump(mode="json"), policy):
        digest.update(canonical(part) + b"\n")
    # What calls the intake tells it what to take in, and the rest of that does not touch the rows.
    digest.update(Path(__file__).with_name("build.py").read_bytes())
    digest.update(program("curation.release.intake").encode())
    return digest.hexdigest()


class Group(NamedTuple):
    """A row group of `documents` in the release before: the ids of its articles, and what reads their rows."""

    ids: list[str]
    rows: Callable[[], pa.Table]
    beside: Mapping[str, _InOrder]

    def more(self, config: str) -> pa.Table:
        """At least their rows of another config; to be asked for group by group."""
        return self.beside[config].until(self.ids[-1])


def groups_before(before: Before) -> Iterator[Group]:
    """The row groups of `documents` in the release before, split by split."""
    for split in SPLITS:
        with ExitStack() as stack:
            files = {
                config: stack.enter_context(
                    pq.ParquetFile(before.folder / config / f"{split}.parquet", pre_buffer=False)
                )
                for config in CONFIGS
            }
            beside = {config: _InOrder(file) for config, file in files.items() if config != DATA}
            for number in range(files[DATA].num_row_groups):
                # A thread for each of so few rows costs more than it brings.
                read = partial(files[DATA].read_row_group, number, use_threads=False)
                if before.inputs is None:
                    # Few of them will be wanted.
                    yield Group(read(columns=["id"])["id"].to_pylist(), read, beside)
                else:
                    rows = read()
                    yield Group(rows["id"].to_pylist(), partial(pa.Table.slice, rows), beside)


class _InOrder:
    """Rows that come sorted by article, taken as far as an article at a time."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._schema, self._batches = file.schema_arrow, file.iter_batches(batch_size=_BATCH, use_threads=False)
        self._held: list[pa.RecordBatch] = []

    def until(self, article_id: str) -> pa.Table:
        """The rows up to this article, its own included."""
        found, held = [], self._held
        self._held = []
        for batch in chain(held, self._batches):
            count = pc.sum(pc.less_equal(batch["id"], article_id)).as_py() or 0
            found.append(batch[:count])
            if count < batch.num_rows:
                self._held = [batch[count:]]
                break
        return pa.Table.from_batches(found, self._schema)


class OldRows:
    """Rows of the release before, put aside on disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "old.arrow"
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self._sink: pa.OSFile | None = None

    def append(self, table: pa.Table) -> None:
        """Put more rows aside."""
        if self._writer is None:
            self._sink = pa.OSFile(str(self._path), "wb")
            self._writer = pa.ipc.new_stream(self._sink, table.schema)
        self._writer.write_table(table.combine_chunks(), max_chunksize=FEW)

    def __iter__(self) -> Iterator[pa.Table]:
        """All of them, some at a time."""
        self.close()
        if self._sink is not None:
            with pa.memory_map(str(self._path)) as source, pa.ipc.open_stream(source) as reader:
                for batch in reader:
                    yield pa.Table.from_batches([batch])

    def close(self) -> None:
        """No more rows come."""
        if self._writer is not None and self._sink is not None and not self._sink.closed:
            self._writer.close()
            self._sink.close()


def inputs_of(release: Path, logical_sha256: str, recipe: str) -> Path:
    """Where the inputs of that release stand, if its rows were made by this recipe."""
    return release.with_name(f".{release.name}-{logical_sha256[:16]}-{recipe[:16]}.inputs")


def _read_inputs(path: Path, known: KnownArticles) -> Inputs | None:
    """The inputs of the articles in a release; None where there is no such file, or not a good one."""
    if not path.is_file():
        return None
    counts = pa.list_(pa.int64())
    columns = [("id", pa.string()), ("key", pa.string()), ("lost", counts), ("agreement", counts)]
    parsing = pj.ParseOptions(explicit_schema=pa.schema(columns), unexpected_field_behavior="error")
    try:
        return Inputs(pj.read_json(path, parse_options=parsing), known)
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return None
