"""The split table: which split every article that was ever in a release is in for ever."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import ReleaseError
from curation.files import whole_file
from curation.release.arrays import chunk, place_in
from curation.release.splits import SPLITS, Place

COLUMNS = ("article_id", "cluster", "split", "since_version")
_SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
_MANY = 10_000
"""Lines that are looked at together."""


class SplitTable(Mapping[str, Place]):
    """Article id → place, by rising id; as Arrow, since dicts would take ten times the memory.

    `columns` are those of the file, but the cluster is null where an article is alone or names its cluster, and the
    version where it is the one being made.
    """

    def __init__(self, columns: pa.Table) -> None:
        """`columns` in any order of the lines."""
        self.columns: pa.Table = columns.take(pc.sort_indices(columns["article_id"])).combine_chunks()
        self.ids: pa.StringArray = chunk(self.columns["article_id"])

    @classmethod
    def of(cls, places: Mapping[str, Place]) -> SplitTable:
        """The same as Arrow."""
        return cls(_columns([[one, *place] for one, place in places.items()]))

    def __getitem__(self, article_id: str) -> Place:
        place = place_in(self.ids, article_id)
        if place is None:
            raise KeyError(article_id)
        cluster, split, since = (self.columns[name][place].as_py() for name in COLUMNS[1:])
        return Place(cluster or article_id, split, since)

    def __iter__(self) -> Iterator[str]:
        for some in self.some():
            yield from some["article_id"].to_pylist()

    def __len__(self) -> int:
        return len(self.ids)

    def some(self) -> Iterator[pa.Table]:
        """The lines in their order, some at a time, with all clusters."""
        for start in range(0, len(self), _MANY):
            some = self.columns.slice(start, _MANY)
            yield some.set_column(1, COLUMNS[1], pc.coalesce(some["cluster"], some["article_id"]))


def read_splits(path: Path) -> SplitTable:
    """The split table of a release. Raises ReleaseError naming the file and the line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            if tuple(next(lines, ())) != COLUMNS:
                raise ReleaseError(f"{path}:1: the columns are not {', '.join(COLUMNS)}; take the release's own file")
            held: list[list[str]] = []
            tables = [_columns(held)]
            for number, line in enumerate(lines, start=2):
                if len(line) != len(COLUMNS) or line[2] not in SPLITS:
                    raise ReleaseError(f"{path}:{number}: not a line of a split table; take the release's own file")
                held.append(line)
                if len(held) == _MANY:
                    tables.append(_columns(held))
                    held.clear()
            return SplitTable(pa.concat_tables([*tables, _columns(held)]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; take the release's own file") from error


def write_splits(path: Path, table: SplitTable, version: str) -> None:
    """Write the split table, sorted by article id; who is new is there since `version`."""
    with whole_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for some in table.some():
            lines = zip(*(some[name].to_pylist() for name in COLUMNS), strict=True)
            writer.writerows((*line, since or version) for *line, since in lines)


def _columns(lines: list[list[str | None]] | list[list[str]]) -> pa.Table:
    columns = zip(*lines, strict=True) if lines else ([],) * len(COLUMNS)
    ids, clusters, splits, since = (pa.array(column, pa.string()) for column in columns)
    clusters = pc.if_else(pc.equal(ids, clusters), None, clusters)
    return pa.Table.from_arrays([ids, clusters, splits, since], schema=_SCHEMA)
