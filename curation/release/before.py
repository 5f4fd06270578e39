"""The release before: what a new one is compared with, and the rows it takes over without a second look.

Beside a release whose rows came with keys stands a hidden file, `.vX.Y.Z-….inputs`, which is never published: one line
an article with its key, the hash of all that its row was made from. Where the same key comes again, under the same
schema, policy and program, the row is the same and is copied from the Parquet files of the release before.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation.release.canonical import canonical
from curation.release.configs import CONFIGS
from curation.release.documents import ANNOTATION
from curation.release.known import KnownArticles, read_hashes, unhexed
from curation.release.labels import Labels
from curation.release.manifest import (
    ARTICLES,
    DATA,
    LABELS,
    SCHEMA,
    SPLIT_TABLE,
    Manifest,
    Selection,
    parquet_files,
    read_labels,
    read_schema,
    refuse_differing,
)
from curation.release.program import program
from curation.release.sentences import LOSSES
from curation.release.splits import SPLITS
from curation.release.table import SplitTable, read_splits
from curation.schema import LabelSchema

_BLOCK = 8 << 20
"""Bytes of inputs that are looked at together."""
FEW = 100
"""Rows that are looked at one by one, held at a time."""


class Inputs:
    """What the rows of a release were made from, by the numbers of articles among those known.

    `lost` is what their sentences cannot hold, in the order of `LOSSES`; `agreement` the counts of how far several
    people agreed on them, where there were several.
    """

    def __init__(self, lines: Iterable[pa.RecordBatch], known: KnownArticles, aside: Collection[str] = ()) -> None:
        """`aside`: who was left out of the release, and is to be read again.

        Raises ValueError where a line is of no other article that is known, or is not whole.
        """
        self._aside = pa.array(list(aside), pa.string())
        self._keys = np.zeros((len(known), 32), np.uint8)
        self.lost = np.zeros((len(known), len(LOSSES)), np.uint32)
        self.agreement: dict[int, list[int]] = {}
        numbers = np.concatenate([np.empty(0, np.int64), *(self._take(some, known) for some in lines)])
        # Looked up by how keys begin, which takes a tenth of the memory of a dict.
        begin = self._keys[numbers, :8].copy().view(">u8").reshape(-1)
        order = np.argsort(begin, kind="stable")
        self._begin, self._numbers = array("Q", begin[order].astype("=u8").tobytes()), numbers[order]

    def _take(self, lines: pa.RecordBatch, known: KnownArticles) -> NDArray[np.int64]:
        """Keep what some lines say. Returns the numbers of their articles."""
        lines = lines.filter(pc.invert(pc.is_in(lines["id"], value_set=self._aside)))
        found = pc.index_in(lines["id"], value_set=known.ids)
        if found.null_count:
            raise ValueError("an article is not known")
        numbers: NDArray[np.int64] = found.to_numpy().astype(np.int64)
        self._keys[numbers] = np.frombuffer(unhexed(lines["key"]), np.uint8).reshape(-1, 32)
        lost, agreement = lines["lost"], lines["agreement"]
        for counts, size in ((lost, len(LOSSES)), (agreement, 9)):
            whole = pc.all(pc.equal(pc.list_value_length(counts), size), min_count=0).as_py()
            if not whole or (pc.min(counts.flatten()).as_py() or 0) < 0:
                raise ValueError("counts are not whole")
        here = numbers[lost.is_valid().to_numpy(zero_copy_only=False)]
        self.lost[here] = lost.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(LOSSES))
        several = numbers[agreement.is_valid().to_numpy(zero_copy_only=False)].tolist()
        self.agreement |= dict(zip(several, agreement.drop_null().to_pylist(), strict=True))
        return numbers

    def number(self, key: bytes) -> int | None:
        """The article whose row was made from what has this key."""
        place = bisect_left(self._begin, int.from_bytes(key[:8]))
        while place < len(self._begin) and self._begin[place] == int.from_bytes(key[:8]):
            number = int(self._numbers[place])
            if self._keys[number].tobytes() == key:
                return number
            place += 1
        return None

    def lines(self, numbers: NDArray[np.int64], ids: Sequence[str]) -> Iterator[str]:
        """The lines of these articles as they were."""
        keys, lost = self._keys[numbers].tobytes().hex(), self.lost[numbers].tolist()
        for n, number in enumerate(numbers.tolist()):
            yield input_line(ids[n], keys[64 * n : 64 * n + 64], lost[n], self.agreement.get(number, ()))


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
    table: SplitTable
    known: KnownArticles
    inputs: Inputs | None


def read_before(folder: Path | None, recipe: str) -> Before | None:
    """The release in `folder`, after a look whether what this one stands on is what its manifest says.

    Its inputs are taken where they were made by the same `recipe`.
    """
    if folder is None:
        return None
    manifest = Manifest.read(folder)
    refuse_differing(folder, manifest, (LABELS, SCHEMA, SPLIT_TABLE, ARTICLES))
    known = read_hashes(folder)
    aside = [one.article_id for one in manifest.splits.set_aside]
    inputs = _read_inputs(inputs_of(folder, manifest.logical_sha256, recipe), known, aside)
    refuse_differing(folder, manifest, [name for config in CONFIGS for name in parquet_files(config)])
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


class GroupBefore:
    """A row group of `documents` in the release before."""

    def __init__(self, file: pq.ParquetFile, number: int, others: Mapping[str, _Others], old: OldRows) -> None:
        self._file, self._number, self._others, self._old = file, number, others, old
        self._bounds: tuple[str, str] | None = None

    def read(self, names: Sequence[str]) -> pa.Table:
        """Its rows, of these columns."""
        # A thread for each of so few rows costs more than it brings.
        rows = self._file.read_row_group(self._number, columns=list(names), use_threads=False).select(names)
        if set(ANNOTATION) <= set(names):
            self._old.passing(self, rows)
        return rows

    def beside(self, config: str) -> pa.Table:
        """At least the rows that its articles have in another config, sorted by article."""
        if self._bounds is None:
            ids = self.read(["id"])["id"]
            self._bounds = ids[0].as_py(), ids[-1].as_py()
        return self._others[config].between(*self._bounds)


class _Others:
    """A file of another config, whose rows come sorted by article."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self._bounds: list[tuple[str, str]] | None = None

    def between(self, first: str, last: str) -> pa.Table:
        """At least the rows from the first to the last of these articles."""
        if self._bounds is None:
            ids = (self._file.read_row_group(n, columns=["id"])["id"] for n in range(self._file.num_row_groups))
            self._bounds = [(one[0].as_py(), one[-1].as_py()) for one in ids]
        wanted = [n for n, (one, two) in enumerate(self._bounds) if one <= last and two >= first]
        return self._file.read_row_groups(wanted, use_threads=False)


@contextmanager
def groups_before(folder: Path, old: OldRows) -> Iterator[list[GroupBefore]]:
    """The row groups of `documents` in the release before, split by split, to be read while this context lasts."""
    with ExitStack() as stack:
        found = []
        for split in SPLITS:
            paths = {config: folder / config / f"{split}.parquet" for config in CONFIGS}
            files = {
                config: stack.enter_context(pq.ParquetFile(path, pre_buffer=False)) for config, path in paths.items()
            }
            others = {config: _Others(file) for config, file in files.items() if config != DATA}
            rows = files[DATA]
            found += [GroupBefore(rows, number, others, old) for number in range(rows.num_row_groups)]
        yield found


class OldRows:
    """Rows of the release before that are different now, or gone: as far as their annotations go.

    They are picked as their groups are read, so that no group is read for their sake alone if it can be.
    """

    def __init__(self) -> None:
        self._places: dict[GroupBefore, NDArray[np.int64]] = {}
        self._picked: deque[pa.Table] = deque()

    def add(self, group: GroupBefore, places: NDArray[np.int64]) -> None:
        """Some more, by their places in a group."""
        self._places[group] = places

    def passing(self, group: GroupBefore, table: pa.Table) -> None:
        """Pick what there is in a group that is being read."""
        if (places := self._places.pop(group, None)) is not None:
            self._picked.append(table.select(ANNOTATION).take(pa.array(places)).combine_chunks())

    def picked(self) -> Iterator[pa.Table]:
        """Those of the groups that were read since this was last asked."""
        while self._picked:
            yield self._picked.popleft()

    def rest(self) -> Iterator[pa.Table]:
        """All that are left, whose groups are read for them."""
        yield from self.picked()
        for group in list(self._places):
            group.read(ANNOTATION)
            yield from self.picked()


def inputs_of(release: Path, logical_sha256: str, recipe: str) -> Path:
    """Where the inputs of that release stand, if its rows were made by this recipe."""
    return release.with_name(f".{release.name}-{logical_sha256[:16]}-{recipe[:16]}.inputs")


def _read_inputs(path: Path, known: KnownArticles, aside: Collection[str]) -> Inputs | None:
    """The inputs of the articles in a release; None where there is no such file, or not a good one."""
    if not path.is_file():
        return None
    counts = pa.list_(pa.int64())
    columns = [("id", pa.string()), ("key", pa.string()), ("lost", counts), ("agreement", counts)]
    parsing = pj.ParseOptions(explicit_schema=pa.schema(columns), unexpected_field_behavior="error")
    try:
        with pj.open_json(path, pj.ReadOptions(block_size=_BLOCK), parsing) as reader:
            return Inputs(reader, known, aside)
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return None
