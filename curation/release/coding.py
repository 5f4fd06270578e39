"""Rows by the block, as Arrow: from JSON with label names in it to the integers that Parquet holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from datasets import ClassLabel, Features, List

from curation.release.arrays import chunk, relisted


def named(columns: Features) -> pa.Schema:
    """The columns with names in place of ClassLabel integers, and times as text."""
    return pa.schema([(name, _named(feature)) for name, feature in columns.items()])


def parsed(lines: Sequence[bytes | memoryview], schema: pa.Schema) -> pa.Table | None:
    """JSON lines as one table in one chunk; None where pyarrow cannot read one of them, or it has other fields.

    What a line leaves out is null.
    """
    joined = b"\n".join(lines)
    # Blocks are parsed side by side already; threads within one take more time of the processors and more memory.
    reading = pj.ReadOptions(block_size=len(joined) + 1, use_threads=False)
    parsing = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        # The reader takes bytes as they are, also those that are no UTF-8.
        ends = pa.py_buffer(np.array([0, len(joined)]))
        pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(joined)).validate(full=True)
        table = pj.read_json(pa.BufferReader(joined), reading, parsing).select(schema.names).combine_chunks()
    except (pa.ArrowException, KeyError):
        return None
    return table if table.num_rows == len(lines) else None


def coded(table: pa.Table, columns: Features) -> pa.Table:
    """The same rows with ClassLabel integers in place of the names; a name that has none becomes null."""
    arrays = [_coded(chunk(table[name]), feature) for name, feature in columns.items()]
    return pa.Table.from_arrays(arrays, names=list(columns))


def _named(feature: Any) -> pa.DataType:
    if isinstance(feature, List):
        return pa.list_(_named(feature.feature))
    if isinstance(feature, dict):
        return pa.struct([(name, _named(field)) for name, field in feature.items()])
    if isinstance(feature, ClassLabel) or feature.dtype.startswith("timestamp"):
        return pa.string()
    return feature.pa_type


def _coded(array: pa.Array, feature: Any) -> pa.Array:
    if isinstance(feature, List):
        return relisted(array, _coded(array.flatten(), feature.feature))
    if isinstance(feature, dict):
        fields = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        held = [_coded(fields[name], inner) for name, inner in feature.items()]
        mask = array.is_null() if array.null_count else None
        return pa.StructArray.from_arrays(held, names=list(feature), mask=mask)
    if isinstance(feature, ClassLabel):
        return pc.index_in(array, value_set=pa.array(feature.names, pa.string())).cast(pa.int64())
    if feature.dtype.startswith("timestamp"):
        return _times(array, feature.pa_type)
    return array


def _times(array: pa.Array, kind: pa.DataType) -> pa.Array:
    # The text is that of `isoformat` in UTC.
    plain = pc.replace_substring(array, "+00:00", "")
    return pc.cast(plain, pa.timestamp(kind.unit)).cast(kind)
