"""The rows of a release on disk, as Arrow, while it is not yet known which split each of them goes to."""

from __future__ import annotations

import os
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, List
from numpy.typing import NDArray

from curation.release import corrections, sentences
from curation.release.arrays import chunk, stretches
from curation.release.canonical import canonical
from curation.release.coding import coded, named, parsed
from curation.release.configs import CONFIGS
from curation.release.labels import Labels
from curation.release.manifest import DATA

ROWS, CHARACTERS = 1000, 8_000_000
"""Most rows, and about the most characters of text, of one row group."""
MORE = {sentences.CONFIG: "_sentences", corrections.CONFIG: "_corrections"}
"""Columns of the rows on disk, beside those of the documents."""
_READS = 8
"""Blocks that are read before their memory is given back; those of rows have some MB."""


class Group(Protocol):
    """A row group of `documents` in another release."""

    def read(self, names: Sequence[str]) -> pa.Table:
        """Its rows, of these columns."""
        ...

    def beside(self, config: str) -> pa.Table:
        """At least the rows that its articles have in another config, sorted by article."""
        ...


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
        self._count = 0
        self._rows, self._texts = _Batches(self._path, None), _Batches(self._path, [self._schema.names.index("text")])
        self._groups: dict[int, tuple[Group, NDArray[np.int32]]] = {}
        self._read: dict[tuple[str, ...], dict[int, pa.Table]] = {}
        self._lock = Lock()
        self._nothing = canonical(dict.fromkeys(MORE.values(), ()))

    def add(self, documents: pa.Table, more: Sequence[bytes]) -> None:
        """Append rows of `documents` with ClassLabel integers, and of each what is beside it as a line of JSON."""
        if all(one == self._nothing for one in more):
            ends = pa.array(np.zeros(len(more) + 1, np.int32))
            kinds = [self._schema.field(column).type for column in MORE.values()]
            beside = [pa.ListArray.from_arrays(ends, pa.array([], kind.value_type)) for kind in kinds]
        else:
            beside = coded(parsed(more, self._more_named), self._more).columns
        self._add(documents.columns, beside)

    def add_group(self, group: Group, places: NDArray[np.int64]) -> None:
        """Append rows of another release, by their places in a row group, which is read when they are wanted."""
        self._starts.append(self._count)
        self._groups[len(self._starts) - 1] = group, places.astype(np.int32)
        self._count += len(places)

    def _add(self, *columns: Sequence[Any]) -> None:
        table = pa.Table.from_arrays([one for some in columns for one in some], schema=self._schema)
        for batch in table.to_batches():
            self._starts.append(self._count)
            self._count += batch.num_rows
            self._writer.write_batch(batch)

    def finish(self) -> None:
        """No more rows come; from now on they can be read."""
        self._writer.close()
        self._sink.close()

    def close(self) -> None:
        """Let go of the file, which is not needed any more."""
        if not self._sink.closed:
            self._sink.close()
        self._path.unlink(missing_ok=True)

    def gather(self, numbers: Sequence[int] | NDArray[np.int64], names: Sequence[str] | None = None) -> pa.Table:
        """The rows of these numbers in their order, of all columns or of `names`. Called from several threads."""
        with self._lock:
            return self._gather(numbers, names)

    def _gather(self, numbers: Sequence[int] | NDArray[np.int64], names: Sequence[str] | None) -> pa.Table:
        wanted = np.asarray(numbers, np.int64)
        batches = np.searchsorted(self._starts, wanted, side="right") - 1
        several = np.unique(batches).tolist()
        places = wanted - np.array(self._starts, np.int64)[batches]
        for batch in several:
            if batch in self._groups:
                here = batches == batch
                places[here] = self._groups[batch][1][places[here]]
        schema = self._schema if names is None else pa.schema([self._schema.field(name) for name in names])
        order = None
        if (found := stretches(places, batches)) is not None:
            pieces = [
                self._held(batches[start], schema.names).slice(places[start], end - start) for start, end in found
            ]
        else:
            order = np.argsort(batches, kind="stable")
            pieces = [self._held(one, schema.names).take(pa.array(places[batches == one])) for one in several]
        rows = pa.concat_tables([schema.empty_table(), *pieces])
        if order is not None and (np.diff(order) != 1).any():
            rows = rows.take(pa.array(np.argsort(order, kind="stable")))
        return rows.combine_chunks()

    def text(self, number: int) -> str:
        """The text of one row."""
        batch = bisect_right(self._starts, number) - 1
        place = number - self._starts[batch]
        if batch in self._groups:
            place = self._groups[batch][1][place]
        text: str = self._held(batch, ["text"])["text"][int(place)].as_py()
        return text

    def _held(self, batch: int, names: list[str]) -> pa.Table:
        """All rows of a batch or group, of some columns."""
        if batch not in self._groups:
            batches = self._texts if names == ["text"] else self._rows
            return pa.Table.from_batches([batches.of(batch)]).select(names)
        held = self._read.setdefault(tuple(names), {})
        if batch not in held:
            # Whole groups are wanted one after the other, of few columns those of every split by turns.
            if len(held) == (2 if len(names) == len(self._schema) else _READS):
                del held[min(held)]
            held[batch] = self._group(self._groups[batch][0], names)
        return held[batch]

    def _group(self, group: Group, names: Sequence[str]) -> pa.Table:
        """The same of a group, read."""
        rows = group.read([name for name in names if name in self.arrow[DATA].names])
        columns = {name: rows[name] for name in rows.column_names}
        for config, name in MORE.items():
            if name in names:
                columns[name] = _by_article(group.beside(config), chunk(rows["id"]))
        schema = pa.schema([self._schema.field(name) for name in names])
        return pa.Table.from_arrays([columns[name] for name in names], schema=schema)


def _by_article(rows: pa.Table, ids: pa.StringArray) -> pa.ListArray:
    """Of each of these articles its rows as a list of structs; both are sorted by article."""
    places = pc.index_in(rows["id"], value_set=ids)
    rows = rows.filter(places.is_valid()).combine_chunks()
    ends = np.searchsorted(places.drop_null().to_numpy(), np.arange(len(ids) + 1)).astype(np.int32)
    structs = pa.StructArray.from_arrays([chunk(one) for one in rows.columns], fields=list(rows.schema))
    return pa.ListArray.from_arrays(pa.array(ends), structs)


class _Batches:
    """The batches of an Arrow file, of all columns or of some, mapped into memory."""

    def __init__(self, path: Path, columns: list[int] | None) -> None:
        self._path, self._columns = path, columns
        self._reader: pa.ipc.RecordBatchFileReader | None = None
        self._held: dict[int, pa.RecordBatch] = {}

    def of(self, number: int) -> pa.RecordBatch:
        """The n-th; the file is mapped anew now and then, so that what was read can go."""
        if number not in self._held:
            if self._reader is None or len(self._held) >= _READS:
                options = pa.ipc.IpcReadOptions(included_fields=self._columns)
                self._reader = pa.ipc.open_file(pa.memory_map(str(self._path)), options=options)
                self._held.clear()
            self._held[number] = self._reader.get_batch(number)
        return self._held[number]


def pieces(numbers: NDArray[np.int64], lengths: array[int]) -> Iterator[NDArray[np.int64]]:
    """The numbers of the rows cut where row groups end, which depends on nothing but the rows and their order."""
    start = 0
    while start < len(numbers):
        characters = np.cumsum(np.frombuffer(lengths, np.uint32)[numbers[start : start + ROWS]], dtype=np.int64)
        # The one that goes over is the last.
        size = min(len(characters), int(np.searchsorted(characters, CHARACTERS)) + 1)
        yield numbers[start : start + size]
        start += size


class Records:
    """Records of one length on disk, by the number they were added as."""

    def __init__(self, folder: Path, length: int) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as this does
        self._length = length
        self._read: dict[int, bytes] = {}

    def add(self, records: bytes) -> None:
        """Append one or more."""
        self._file.write(records)
        self._read.clear()

    def of(self, number: int) -> bytes:
        """The n-th record."""
        block, place = divmod(number, ROWS)
        if block not in self._read:
            if len(self._read) >= _READS:
                self._read.clear()
            self._file.flush()
            size = ROWS * self._length
            self._read[block] = os.pread(self._file.fileno(), size, block * size)
        return self._read[block][place * self._length : (place + 1) * self._length]

    def many(self, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The records of these numbers, a line each."""
        found = stretches(numbers)
        if found is None:
            data = b"".join(map(self.of, numbers.tolist()))
        else:
            self._file.flush()
            places = [((end - start) * self._length, numbers[start] * self._length) for start, end in found]
            data = b"".join(os.pread(self._file.fileno(), size, place) for size, place in places)
        return np.frombuffer(data, np.uint8).reshape(-1, self._length)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
