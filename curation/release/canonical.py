"""The one way a value is written where its bytes are hashed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.release.arrays import relisted

_ESCAPED = '["\\\\\\x00-\\x1f]'
"""What JSON strings write in another way."""


def canonical(value: object) -> bytes:
    """One line of JSON that is the same wherever it is made: sorted keys, no spaces, times in UTC."""
    return _ENCODER.encode(value).encode()


def canonical_rows(array: pa.Array) -> pa.Array:
    """`canonical` of every value of an Arrow array of structs, lists, strings and numbers, as strings."""
    return _together(_pieces(array), len(array))


def lines(columns: Mapping[str, pa.Array]) -> pa.Array:
    """Rows as lines of JSON, fields in the order given, else written as `canonical` does, each ended by LF."""
    return _together([*_objects(columns), "\n"], len(next(iter(columns.values()))))


def list_lines(columns: Sequence[pa.Array]) -> pa.Array:
    """`canonical` of the list of what each row has in these columns, each ended by LF."""
    between = [piece for column in columns for piece in (",", *_pieces(column))]
    return _together(["[", *between[1:], "]\n"], len(columns[0]))


def utc(time: datetime | None) -> datetime | None:
    """In UTC; a time without a zone is taken as UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _pieces(array: pa.Array) -> list[str | pa.Array]:
    """What stands behind each other in what is written: a text that is the same for all, or an array with one each."""
    if array.null_count == len(array):
        return ["null"]
    if array.null_count:
        there = array.is_valid()
        written = canonical_rows(array.drop_null())
        return [pc.replace_with_mask(pa.repeat("null", len(array)), there, written)]
    if pa.types.is_struct(array.type):
        fields = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        return _objects({name: fields[name] for name in sorted(fields)})
    if pa.types.is_list(array.type):
        return ["[", pc.binary_join(relisted(array, canonical_rows(array.flatten())), ","), "]"]
    if pa.types.is_string(array.type):
        return ['"', _escaped(array), '"']
    if pa.types.is_floating(array.type):
        # Written by Python, once for each value there is.
        values = array.dictionary_encode()
        return [pa.array([json.dumps(one) for one in values.dictionary.to_pylist()]).take(values.indices)]
    return [array.cast(pa.string())]


def _objects(fields: Mapping[str, pa.Array]) -> list[str | pa.Array]:
    pieces: list[str | pa.Array] = ["{"]
    for number, (name, values) in enumerate(fields.items()):
        for piece in ("," if number else "", json.dumps(name, ensure_ascii=False) + ":", *_pieces(values)):
            if isinstance(piece, str) and isinstance(pieces[-1], str):
                pieces[-1] += piece
            else:
                pieces.append(piece)
    return [*pieces[:-1], pieces[-1] + "}"] if isinstance(pieces[-1], str) else [*pieces, "}"]


def _together(pieces: Sequence[str | pa.Array], length: int) -> pa.Array:
    if not any(isinstance(piece, pa.Array) for piece in pieces):
        return pa.repeat("".join(str(piece) for piece in pieces), length)
    return pc.binary_join_element_wise(*(pa.scalar(piece) if isinstance(piece, str) else piece for piece in pieces), "")


def _escaped(array: pa.Array) -> pa.Array:
    if _plain(array):
        return array
    odd = pc.match_substring_regex(array, _ESCAPED)
    texts = [json.dumps(one, ensure_ascii=False)[1:-1] for one in array.filter(odd).to_pylist()]
    return pc.replace_with_mask(array, odd, pa.array(texts, pa.string()))


def _plain(array: pa.Array) -> bool:
    """Whether no string holds anything to escape, by a look at all their bytes at once."""
    _, offsets, data = array.buffers()
    if data is None:
        return True
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    held = data.slice(ends[0], ends[-1] - ends[0]).to_pybytes()
    return not held or (b'"' not in held and b"\\" not in held and int(np.frombuffer(held, np.uint8).min()) >= 32)


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a row")


# Made once: for short values `json.dumps` takes most of its time to make one.
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_time)
