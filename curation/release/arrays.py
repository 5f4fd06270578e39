"""Arrow arrays taken apart and put together again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_STRETCH = 8
"""Rows in a stretch, from which on it is quicker to copy it as such than to pick each by itself."""


def chunk(column: pa.ChunkedArray) -> pa.Array:
    """The one array of a column; where it is in several pieces they are copied into one."""
    if column.num_chunks == 1:
        return column.chunk(0)
    held = column.combine_chunks()
    if isinstance(held, pa.ChunkedArray):
        held = held.chunk(0) if held.num_chunks else pa.array([], held.type)
    return held


def relisted(lists: pa.ListArray, values: pa.Array) -> pa.ListArray:
    """Lists of the same lengths, null where they were, of other values."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(lists) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    mask = lists.is_null() if lists.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)


def strings(texts: pa.Array) -> Iterator[memoryview]:
    """The bytes of each string of an array without nulls."""
    held, ends = _bytes(texts)
    for start, end in pairwise(ends.tolist()):
        yield held[start:end]


def joined(texts: pa.Array) -> memoryview:
    """The bytes of all strings of an array without nulls, one behind the other."""
    held, ends = _bytes(texts)
    return held[ends[0] : ends[-1]]


def place_in(ordered: pa.StringArray, text: str) -> int | None:
    """Where a text stands in an array that is sorted; None where it does not."""
    place = bisect_left(range(len(ordered)), text, key=lambda n: ordered[n].as_py())
    return place if place < len(ordered) and ordered[place].as_py() == text else None


def those_in(texts: pa.StringArray, few: Collection[str]) -> set[str]:
    """The few that are among all the texts."""
    return set(texts.filter(pc.is_in(texts, value_set=pa.array(list(few), pa.string()))).to_pylist())


def texts_of(data: bytes, length: int) -> pa.StringArray:
    """ASCII cut into strings of one length each."""
    ends = np.arange(0, len(data) + 1, length, dtype=np.int32)
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(data))


def _bytes(texts: pa.Array) -> tuple[memoryview, NDArray[np.int32]]:
    """The bytes of strings, and where among them each begins and the last one ends."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return memoryview(b""), np.zeros(len(texts) + 1, np.int32)
    return memoryview(data), np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]


def stretches(numbers: NDArray[np.int64], breaks: NDArray[np.int64] | None = None) -> list[tuple[int, int]] | None:
    """`[start, end)` of places where numbers follow each other, none beyond a break; None where they are short."""
    cut = np.diff(numbers) != 1
    if breaks is not None:
        cut |= np.diff(breaks) != 0
    ends = [*(np.flatnonzero(cut) + 1).tolist(), len(numbers)]
    return None if len(ends) * _STRETCH > len(numbers) else list(zip([0, *ends], ends, strict=False))
