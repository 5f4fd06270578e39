"""The articles of a release by their hashes, read in one go: some hundred bytes each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from curation.errors import ReleaseError
from curation.release.arrays import joined, place_in
from curation.release.manifest import ARTICLES, TAKE_AGAIN
from curation.release.splits import SPLITS

_COLUMNS = ("id", "split", "row_sha256", "more_sha256", "text_sha256")


class Hashes(NamedTuple):
    """Of the row in `documents`, of the rows in the other configs, and of the text; 32 bytes each."""

    row: bytes
    more: bytes
    text: bytes

    @classmethod
    def of(cls, packed: bytes) -> Hashes:
        """From all three one behind the other."""
        return cls(packed[:32], packed[32:64], packed[64:96])


class KnownArticles:
    """The articles of one release, numbered from 0 in the order of their `ids`, and their hashes."""

    def __init__(self, ids: pa.StringArray, splits: pa.StringArray, *hashes: bytes) -> None:
        """`hashes`: those of the rows, one behind the other, then those of what is beside them, then of the texts.

        Raises ValueError where an id is missing, stands there twice, or is not behind the one before.
        """
        if ids.null_count or not pc.all(pc.less(ids[:-1], ids[1:]), min_count=0).as_py():
            raise ValueError("an article stands there twice, out of order, or has no id")
        self.ids = ids
        self._splits = pc.index_in(splits, value_set=pa.array(SPLITS)).fill_null(-1).to_numpy().astype(np.int8)
        self._hashes = np.hstack([np.frombuffer(each, np.uint8).reshape(-1, 32) for each in hashes])

    def __len__(self) -> int:
        return len(self.ids)

    def number(self, article_id: str) -> int | None:
        """The number of an article; None where it is not in the release."""
        return place_in(self.ids, article_id)

    def at(self, number: int) -> Hashes:
        """The hashes of the n-th article."""
        return Hashes.of(self._hashes[number].tobytes())

    def packed(self, numbers: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """A line of `Hashes.of` for each of these articles."""
        packed: NDArray[np.uint8] = self._hashes[numbers]
        return packed

    def of_split(self, split: str) -> NDArray[np.int64]:
        """The numbers of the articles in one split, which is the order of its rows."""
        return np.flatnonzero(self._splits == SPLITS.index(split))

    def differing(self, other: KnownArticles) -> set[str]:
        """The ids of what is in one of the two only, or has another row."""
        places = pc.index_in(self.ids, value_set=other.ids).fill_null(-1).to_numpy()
        here = np.flatnonzero(places >= 0)
        same = (self._hashes[here, :32] == other._hashes[places[here], :32]).all(axis=1)
        mine, theirs = np.ones(len(self), np.bool_), np.ones(len(other), np.bool_)
        mine[here[same]] = theirs[places[here[same]]] = False
        return {
            one for known, differ in ((self, mine), (other, theirs)) for one in known.ids.filter(differ).to_pylist()
        }


def read_hashes(folder: Path) -> KnownArticles:
    """The articles of the release in `folder`. Raises ReleaseError."""
    path = folder / ARTICLES
    parsing = pj.ParseOptions(
        explicit_schema=pa.schema([(name, pa.string()) for name in _COLUMNS]), unexpected_field_behavior="ignore"
    )
    try:
        ids: list[pa.StringArray] = []
        splits: list[pa.StringArray] = []
        hashes: tuple[list[bytes], ...] = [], [], []
        # Read some at a time: the lines are many times what is kept of them.
        with pj.open_json(path, parse_options=parsing) as reader:
            for some in reader:
                ids.append(some["id"])
                splits.append(some["split"])
                for held, name in zip(hashes, _COLUMNS[2:], strict=True):
                    held.append(unhexed(some[name]))
        return KnownArticles(pa.concat_arrays(ids), pa.concat_arrays(splits), *map(b"".join, hashes))
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; {TAKE_AGAIN}") from error


def unhexed(hashes: pa.Array) -> bytes:
    """The bytes of hashes of 64 hex digits each, one behind the other. Raises ValueError where one is no such hash."""
    if hashes.null_count or not pc.all(pc.equal(pc.binary_length(hashes), 64), min_count=0).as_py():
        raise ValueError("a hash is not 64 hex digits long")
    made = bytes.fromhex(bytes(joined(hashes)).decode())
    if len(made) != 32 * len(hashes):
        raise ValueError("a hash is not 64 hex digits long")
    return made
