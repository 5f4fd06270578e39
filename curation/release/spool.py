"""The rows of a release on disk, as Arrow, while it is not yet known which split each of them goes to."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, List

from curation.release import corrections, sentences
from curation.release.arrays import chunk
from curation.release.coding import coded, named, parsed
from curation.release.configs import CONFIGS
from curation.release.labels import Labels
from curation.release.manifest import DATA

ROWS, CHARACTERS = 1000, 8_000_000
"""Most rows, and about the most characters of text, of one row group."""
MORE = {sentences.CONFIG: "_sentences", corrections.CONFIG: "_corrections"}
"""Columns of the rows on disk, beside those of the documents."""
_READS = 32
"""Batches of rows (1 MB and more each) read before their memory is given back."""


class Spool:
    """Rows of all configs by the number they were added as, counted from 0."""

    def __init__(self, folder: Path, labels: Labels) -> None:
        self.arrow = {config: columns_of(labels).arrow_schema for config, columns_of in CONFIGS.items()}
        self._more = Features({column: List(dict(CONFIGS[config](labels))) for config, column in MORE.items()})
        self._more_named = named(self._more)
        self._schema = pa.schema([*self.arrow[DATA], *self._more.arrow_schema])
        self._path = folder / "rows.arrow"
        self._starts: list[int] = []
        self._sink = pa.OSFile(str(self._path), "wb")
        self._writer = pa.ipc.new_file(self._sink, self._schema)
        self._reader: pa.ipc.RecordBatchFileReader | None = None
        self._reads = self._count = 0

    def add(self, documents: pa.Table, more: Sequence[bytes]) -> None:
        """Append rows of `documents` with ClassLabel integers, and of each what is beside it as a line of JSON."""
        if len(set(more)) == 1:
            # As a rule nothing at all: read once.
            beside = coded(parsed(more[:1], self._more_named), self._more).take(pa.array([0] * len(more)))
        else:
            beside = coded(parsed(more, self._more_named), self._more)
        self._add(documents.columns, beside.columns)

    def add_again(self, documents: pa.RecordBatch, more: Mapping[str, pa.Table]) -> None:
        """Append rows as another release holds them; `more` has at least theirs, all are sorted by article."""
        beside = []
        for config in MORE:
            places = pc.index_in(more[config]["id"], value_set=documents["id"])
            rows = more[config].filter(places.is_valid()).combine_chunks()
            ends = np.searchsorted(places.drop_null().to_numpy(), np.arange(documents.num_rows + 1)).astype(np.int32)
            structs = pa.StructArray.from_arrays([chunk(one) for one in rows.columns], fields=list(rows.schema))
            beside.append(pa.ListArray.from_arrays(pa.array(ends), structs))
        self._add(documents.columns, beside)

    def _add(self, *columns: Sequence[Any]) -> None:
        table = pa.Table.from_arrays([one for some in columns for one in some], schema=self._schema)
        self._starts.append(self._count)
        self._count += table.num_rows
        self._writer.write_table(table.combine_chunks())

    def finish(self) -> None:
        """No more rows come; from now on they can be read."""
        self._writer.close()
        self._sink.close()

    def close(self) -> None:
        """Let go of the file, which is not needed any more."""
        if not self._sink.closed:
            self._sink.close()
        self._path.unlink(missing_ok=True)

    def gather(self, numbers: Sequence[int], names: Sequence[str] | None = None) -> pa.Table:
        """The rows of these numbers in their order, of all columns or of `names`."""
        wanted = np.asarray(numbers, np.int64)
        batches = np.searchsorted(self._starts, wanted, side="right") - 1
        order = np.argsort(batches, kind="stable")
        pieces = []
        for batch in np.unique(batches).tolist():
            held = self._batch(batch)
            held = held if names is None else held.select(names)
            pieces.append(held.take(pa.array(wanted[batches == batch] - self._starts[batch])))
        schema = self._schema if names is None else pa.schema([self._schema.field(name) for name in names])
        found = pa.Table.from_batches(pieces, schema)
        if len(order) and (np.diff(order) != 1).any():
            found = found.take(pa.array(np.argsort(order, kind="stable")))
        return found.combine_chunks()

    def _batch(self, number: int) -> pa.RecordBatch:
        """A batch of the file, mapped into memory; mapped anew now and then, so that what was read can go."""
        if self._reader is None or self._reads >= _READS:
            self._reader, self._reads = pa.ipc.open_file(pa.memory_map(str(self._path))), 0
        self._reads += 1
        return self._reader.get_batch(number)


def pieces(numbers: Sequence[int], lengths: array[int]) -> Iterator[Sequence[int]]:
    """The numbers of the rows cut where row groups end, which depends on nothing but the rows and their order."""
    start = 0
    while start < len(numbers):
        end, characters = start, 0
        while end < len(numbers) and end - start < ROWS and characters < CHARACTERS:
            characters += lengths[numbers[end]]
            end += 1
        yield numbers[start:end]
        start = end


class Texts:
    """Texts on disk by the number they were added as."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as this does
        self._ends = array("Q", [0])

    def add(self, text: bytes) -> None:
        """Append a text in UTF-8."""
        self._file.write(text)
        self._ends.append(self._ends[-1] + len(text))

    def of(self, number: int) -> str:
        """The n-th text."""
        self._file.flush()
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._file.fileno(), end - start, start).decode()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
