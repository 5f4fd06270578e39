"""The annotations that rows hold, many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from curation.annotation import Annotation
from curation.release.arrays import chunk, relisted, strings
from curation.release.canonical import canonical_rows
from curation.release.labels import Labels

_LEFT_OUT = {"text", "filler_kind"}
"""Fields of items and arguments that an annotation does not have."""


def annotations_of(table: pa.Table, labels: Labels) -> Iterator[Annotation]:
    """What `documents.annotation_of` makes of each row, which holds ClassLabel integers.

    Raises:
        pa.ArrowIndexError: an integer stands for no name.
    """
    columns = {name: chunk(table[name]) for name in table.column_names}
    names = {"id": "annotation_id", "article_id": "id"}
    names |= {name: name for name in ("text_sha256", "schema", "parent", "state")}
    made = {name: columns[column] for name, column in names.items()}
    made["annotator"] = _annotators(columns["annotator"].to_pylist())
    lists = {name: pa.array(one, pa.string()) for name, one in labels.names.items()}
    made |= {of: _named(columns[of], of, lists) for of in ("entities", "events")}
    for line in strings(canonical_rows(pa.StructArray.from_arrays(list(made.values()), names=list(made)))):
        yield Annotation.model_validate_json(bytes(line))


def _annotators(keys: Sequence[str]) -> pa.StructArray:
    found = []
    for key in keys:
        kind, _, name = key.partition(":")
        name, _, version = name.partition("@")
        found.append({"kind": kind, "name": name, "version": version or None})
    return pa.array(found, pa.struct([(name, pa.string()) for name in ("kind", "name", "version")]))


def _named(array: pa.Array, path: str, names: Mapping[str, pa.Array]) -> pa.Array:
    """The same with names in place of the integers, without the fields that annotations do not have."""
    if path in names:
        return names[path].take(array)
    if pa.types.is_list(array.type):
        return relisted(array, _named(array.flatten(), path, names))
    if pa.types.is_struct(array.type):
        fields = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        held = {name: _named(one, f"{path}.{name}", names) for name, one in fields.items() if name not in _LEFT_OUT}
        return pa.StructArray.from_arrays(list(held.values()), names=list(held))
    return array
