"""The articles of a release by their hashes, read in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from curation.errors import ReleaseError
from curation.release.arrays import chunk, joined
from curation.release.manifest import ARTICLES, TAKE_AGAIN

_COLUMNS = ("id", "row_sha256", "more_sha256", "text_sha256")


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
    """Article id → hashes, of one release. Articles are numbered from 0, in the order of their `ids`."""

    def __init__(self, ids: Sequence[str], *hashes: bytes) -> None:
        """`hashes`: those of the rows, one behind the other, then those of what is beside them, then of the texts."""
        self.ids = ids
        self.numbers = {one: n for n, one in enumerate(ids)}
        self._hashes = np.hstack([np.frombuffer(each, np.uint8).reshape(-1, 32) for each in hashes])

    def __contains__(self, article_id: str) -> bool:
        return article_id in self.numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, article_id: str) -> Hashes:
        return self.at(self.numbers[article_id])

    def at(self, number: int) -> Hashes:
        """The hashes of the n-th article."""
        return Hashes.of(self._hashes[number].tobytes())

    def packed(self, numbers: Sequence[int]) -> NDArray[np.uint8]:
        """A line of `Hashes.of` for each of these articles."""
        packed: NDArray[np.uint8] = self._hashes[numbers]
        return packed


def read_hashes(folder: Path) -> KnownArticles:
    """The articles of the release in `folder`. Raises ReleaseError."""
    path = folder / ARTICLES
    parsing = pj.ParseOptions(
        explicit_schema=pa.schema([(name, pa.string()) for name in _COLUMNS]), unexpected_field_behavior="ignore"
    )
    try:
        table = pj.read_json(path, parse_options=parsing)
        found = KnownArticles(table["id"].to_pylist(), *(unhexed(chunk(table[name])) for name in _COLUMNS[1:]))
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; {TAKE_AGAIN}") from error
    if len(found.numbers) != table.num_rows or None in found.numbers:
        raise ReleaseError(f"{path}: an article stands there twice, or has no id; {TAKE_AGAIN}")
    return found


def unhexed(hashes: pa.Array) -> bytes:
    """The bytes of hashes of 64 hex digits each, one behind the other. Raises ValueError where one is no such hash."""
    if hashes.null_count or not pc.all(pc.equal(pc.binary_length(hashes), 64), min_count=0).as_py():
        raise ValueError("a hash is not 64 hex digits long")
    made = bytes.fromhex(bytes(joined(hashes)).decode())
    if len(made) != 32 * len(hashes):
        raise ValueError("a hash is not 64 hex digits long")
    return made
