"""Many rows looked at together: which of them surely fit their schema and are written as a release writes them.

Every row is validated here first, whole blocks at a time. What is said to be sure is so: `exact` would take the row
and write it the same way (a property test holds the two together). What is not sure may still be right, such as an
attribute left to its default or items in another order: it goes through `exact`, one row at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.annotation import Annotator
from curation.article import MAX_CHARACTERS
from curation.release.arrays import chunk
from curation.release.canonical import utc
from curation.release.documents import Chosen
from curation.release.exact import ADDRESS, states
from curation.release.labels import Labels
from curation.schema import LabelSchema

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

_NEEDED = ("id", "text", "text_sha256", "schema", "annotator", "state", "annotation_id")
_NEEDED_LISTS = ("zones", "sentences", "entities", "events")
_IDENTIFIER = r"^[!-~]+$"
"""Identifiers of which it needs no second look."""
_MAX_IDENTIFIER = 200
_SHOWN = r"[\pL\pN\pP]"
_REF = r"^[a-z0-9][a-z0-9-]*@[0-9]+\.[0-9]+\.[0-9]+$"


class _Items(NamedTuple):
    """Entities or events of a block: the row each is in, its fields, its span, its type as an integer."""

    row: Numbers
    fields: dict[str, pa.Array]
    start: Numbers
    end: Numbers
    type: Numbers


class Screen:
    """Looks at blocks of rows with names. `types` are those in force under each version of the schema."""

    def __init__(
        self, schema: LabelSchema, labels: Labels, types: Mapping[str, Sequence[str]], *, engine_only: bool
    ) -> None:
        self._schema, self._labels, self._types, self._engine_only = schema, labels, types, engine_only
        self._every = pa.array([*schema.entity_names, *schema.event_names], pa.string())
        self._fillers = _fillers(schema, labels)

    def sure(self, table: pa.Table) -> Flags:
        """For each row of `table` (one chunk, columns as `named` has them) whether it needs no second look."""
        rows = table.num_rows
        columns = {name: chunk(table[name]) for name in table.column_names}
        good = np.ones(rows, np.bool_)
        for name in (*_NEEDED, *_NEEDED_LISTS):
            good &= _flags(columns[name].is_valid())
        text = _Text(columns["text"])
        good &= self._articles(columns, text) & self._annotations(columns)
        for name in ("zones", "sentences"):
            _spread(good, *self._borders(columns[name], text))
        entities, events = self._items("entities", columns, text), self._items("events", columns, text)
        for of, items in (("entities", entities), ("events", events)):
            _spread(good, items.row, self._fit(of, items, text))
        _spread(good, *self._structure(entities, events, rows))
        return good

    def _articles(self, columns: Mapping[str, pa.Array], text: _Text) -> Flags:
        texts = columns["text"]
        good = _identifiers(columns["id"]) & (text.lengths <= MAX_CHARACTERS)
        good &= text.without("\r\0") & _flags(pc.match_substring_regex(texts, _SHOWN))
        good &= _flags(pc.fill_null(pc.less_equal(pc.utf8_length(columns["language"]), 35), True))
        good &= _each(columns["published"], _whole_time)
        hashes = [hashlib.sha256(one).hexdigest() for one in text.pieces()]
        return good & _flags(pc.equal(columns["text_sha256"], pa.array(hashes, pa.string())))

    def _annotations(self, columns: Mapping[str, pa.Array]) -> Flags:
        good = _identifiers(columns["annotation_id"])
        good &= _identifiers(columns["parent"]) | _flags(columns["parent"].is_null())
        good &= _each(columns["chosen"], lambda one: one in get_args(Chosen))
        good &= _flags(pc.match_substring_regex(columns["schema"], _REF))
        good &= _each(columns["schema"], lambda one: one.partition("@")[0] == self._schema.name)
        who = pc.binary_join_element_wise(columns["annotator"], columns["state"], "\n")
        good &= _each(who, self._counts)
        types = columns["annotated_types"]
        # Null stands for "not known", and is not for a version whose types are.
        good &= ~_flags(types.is_null()) | _each(columns["schema"], lambda one: one not in self._types)
        codes = _codes(types.flatten(), self._every)
        row = _row_of(types)
        again = np.zeros(len(row), np.bool_)
        again[1:] = (row[1:] == row[:-1]) & (codes[1:] <= codes[:-1])
        _spread(good, row, (codes >= 0) & ~again)
        return good

    def _counts(self, annotator_and_state: str) -> bool:
        key, _, state = annotator_and_state.partition("\n")
        kind, _, name = key.partition(":")
        name, _, version = name.partition("@")
        if kind not in ("person", "engine") or not 0 < len(name) <= 200 or ADDRESS.match(key):
            return False
        who = Annotator(kind=kind, name=name, version=version or None)
        return who.key == key and state in states(who.kind, engine_only=self._engine_only)

    def _borders(self, lists: pa.Array, text: _Text) -> tuple[Numbers, Flags]:
        """Rows and flags of sentences or zones: borders in the text, a kind where there is one to be."""
        row, held = _row_of(lists), lists.flatten()
        fields = dict(zip((field.name for field in held.type), held.flatten(), strict=True))
        good = _flags(held.is_valid())
        for field in fields.values():
            good &= _flags(field.is_valid())
        start, end = _numbers(fields["start"]), _numbers(fields["end"])
        return row, good & (start >= 0) & (start <= end) & (end <= text.lengths[row])

    def _items(self, of: str, columns: Mapping[str, pa.Array], text: _Text) -> _Items:
        lists = columns[of]
        held = lists.flatten()
        fields = dict(zip((field.name for field in held.type), held.flatten(), strict=True))
        names = self._labels.entity_types if of == "entities" else self._labels.event_types
        types = _codes(fields["type"], pa.array(names, pa.string()))
        return _Items(_row_of(lists), fields, _numbers(fields["start"]), _numbers(fields["end"]), types)

    def _fit(self, of: str, items: _Items, text: _Text) -> Flags:
        """Whether each item has a known type, a span of the text, attributes that are known, and stands in order."""
        fields, row, start, end = items.fields, items.row, items.start, items.end
        good = _flags(fields["id"].is_valid()) & (items.type >= 0)
        good &= (start >= 0) & (start < end) & (end <= text.lengths[row])
        good &= _scores(fields["score"]) & _each(fields["origin"], _nameless)
        if "attributes" in fields:
            held = fields["attributes"]
            for field, values in zip(held.type, held.flatten(), strict=True):
                names = self._labels.names[f"{of}.attributes.{field.name}"]
                good &= _codes(values, pa.array(names, pa.string())) >= 0
        good &= text.spans(row, start, end, good, fields["text"])
        names = self._labels.entity_types if of == "entities" else self._labels.event_types
        return good & ~_disordered(row, start, end, _ranks(names)[items.type])

    def _structure(self, entities: _Items, events: _Items, rows: int) -> tuple[Numbers, Flags]:
        """Rows and flags of: ids that stand once, then arguments that resolve, are allowed, and stand in order."""
        row = np.concatenate([entities.row, events.row])
        ids = pa.concat_arrays([entities.fields["id"], events.fields["id"]])
        known = ids.dictionary_encode()
        words = len(known.dictionary) + 1
        key = row * words + _numbers(known.indices)
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        once = np.ones(len(key), np.bool_)
        once[order[1:]] &= ordered[1:] != ordered[:-1]
        once &= _identifiers(ids)

        lists = events.fields["arguments"]
        event = _row_of(lists)
        held = lists.flatten()
        fields = dict(zip((field.name for field in held.type), held.flatten(), strict=True))
        filler = pc.index_in(fields["filler"], value_set=known.dictionary)
        good = _flags(lists.is_valid())[event] & _flags(filler.is_valid())
        wanted = events.row[event] * words + _numbers(filler)
        place = np.minimum(np.searchsorted(ordered, wanted), max(0, len(ordered) - 1))
        good &= ordered[place] == wanted if len(ordered) else False
        item = order[place] if len(order) else place
        count = len(entities.row)
        is_event = item >= count
        good &= item != event + count
        kinds = pc.if_else(pa.array(is_event), "event", "entity")
        good &= _flags(pc.equal(fields["filler_kind"], kinds))
        role = _codes(fields["role"], pa.array(self._labels.roles, pa.string()))
        # -1 stands for what is not known: it takes from the end, where nothing is allowed.
        entity_types = len(self._labels.entity_types)
        types = np.concatenate([entities.type, np.where(events.type < 0, -1, events.type + entity_types)])
        if len(item):
            good &= self._fillers[events.type[event], role, types[item]]
            start = np.concatenate([entities.start, events.start])[item]
            good &= ~_disordered(event, _ranks(self._labels.roles)[role], start)
        good &= _scores(fields["score"]) & _each(fields["origin"], _nameless)
        valid_lists = _flags(lists.is_valid())
        return (
            np.concatenate([row, events.row[event], events.row]),
            np.concatenate([once, good, valid_lists]),
        )


class _Text:
    """The texts of a block and where their characters stand among the bytes."""

    def __init__(self, texts: pa.Array) -> None:
        self._bytes, self._offsets = _bytes(texts)
        ends = self._offsets - self._offsets[0]
        # A byte of 10xxxxxx, as a signed number below -64, continues a character.
        more = np.flatnonzero(self._bytes[self._offsets[0] : self._offsets[-1]].view(np.int8) < -64)
        self._more = more - np.arange(len(more))
        self._first = ends - np.searchsorted(more, ends)
        self.lengths: Numbers = np.diff(self._first)

    def without(self, characters: str) -> Flags:
        """Whether a text has none of these."""
        held = self._bytes[self._offsets[0] : self._offsets[-1]].tobytes()
        if not any(one.encode() in held for one in characters):
            return np.ones(len(self.lengths), np.bool_)
        return np.array(
            [not any(one.encode() in bytes(text) for one in characters) for text in self.pieces()], np.bool_
        )

    def pieces(self) -> list[memoryview]:
        """The bytes of each text."""
        view = memoryview(self._bytes.data)
        return [view[start:end] for start, end in zip(self._offsets, self._offsets[1:], strict=False)]

    def spans(self, row: Numbers, start: Numbers, end: Numbers, inside: Flags, given: pa.Array) -> Flags:
        """Whether each span, as far as it is `inside`, has the `given` text and begins with what can be seen."""
        one, two = (self._place(np.where(inside, self._first[row] + at, 0)) for at in (start, end))
        held, theirs = _bytes(given)
        lengths = np.diff(theirs)
        good: Flags = inside & _flags(given.is_valid()) & (two - one == lengths)
        if not good.any():
            return good
        counts = np.where(good, lengths, 0)
        owner = np.repeat(np.arange(len(counts)), counts)
        step = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        differ = self._bytes[one[owner] + step] != held[theirs[:-1][owner] + step]
        good[owner[differ]] = False
        good[good] &= _SEEN[self._bytes[one[good]]]
        return good

    def _place(self, character: Numbers) -> Numbers:
        """The first byte of the n-th character of all."""
        place: Numbers = self._offsets[0] + character + np.searchsorted(self._more, character, side="right")
        return place


_SEEN = np.array([33 <= code < 127 or (code >= 0xC3 and code not in (0xE1, 0xE2, 0xE3)) for code in range(256)])
"""First bytes of characters that are surely no white space."""


def _fillers(schema: LabelSchema, labels: Labels) -> Flags:
    """Event type, role, type of the filler (entity types, then event types) → allowed; nothing is at the ends."""
    every = (*labels.entity_types, *labels.event_types)
    made = np.zeros((len(labels.event_types) + 1, len(labels.roles) + 1, len(every) + 1), np.bool_)
    for (event, role), names in schema.fillers.items():
        for name in names:
            made[labels.event_types.index(event), labels.roles.index(role), every.index(name)] = True
    return made


def _bytes(texts: pa.Array) -> tuple[NDArray[np.uint8], Numbers]:
    """The bytes of strings, and where among them each begins and the last one ends."""
    _, offsets, data = texts.buffers()
    held = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    if offsets is None or not len(texts):
        return held, np.zeros(1, np.int64)
    return held, np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)


def _flags(array: pa.Array) -> Flags:
    """As numpy; null is False."""
    held = array.fill_null(False) if array.null_count else array
    return np.array(held.to_numpy(zero_copy_only=False), np.bool_)


def _numbers(array: pa.Array) -> Numbers:
    """As numpy; null is -1."""
    held = array.fill_null(-1) if array.null_count else array
    made: Numbers = held.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return made


def _codes(array: pa.Array, names: pa.Array) -> Numbers:
    """The place of each value among the names, -1 for none."""
    return _numbers(pc.index_in(array, value_set=names))


def _ranks(names: Sequence[str]) -> Numbers:
    """Code → place by the alphabet; one more, for -1."""
    made = np.full(len(names) + 1, -1, np.int64)
    made[[names.index(name) for name in sorted(names)]] = np.arange(len(names))
    return made


def _row_of(lists: pa.Array) -> Numbers:
    """For each value in lists the number of its list."""
    return np.repeat(np.arange(len(lists)), np.maximum(_numbers(pc.list_value_length(lists)), 0))


def _spread(good: Flags, row: Numbers, flags: Flags) -> None:
    """Clear the rows of which one flag is not set."""
    good[row[~flags]] = False


def _each(array: pa.Array, test: Callable[[Any], bool]) -> Flags:
    """Test every value there is once; null is fine."""
    values = array.dictionary_encode()
    passed = np.array([*map(test, values.dictionary.to_pylist()), True], np.bool_)
    return passed[_numbers(values.indices)]


def _identifiers(array: pa.Array) -> Flags:
    good = _flags(pc.less_equal(pc.binary_length(array), _MAX_IDENTIFIER))
    return good & _flags(pc.match_substring_regex(array, _IDENTIFIER))


def _scores(array: pa.Array) -> Flags:
    if array.null_count == len(array):
        return np.ones(len(array), np.bool_)
    held = pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False)
    return np.array((held >= 0) & (held <= 1), np.bool_)


def _nameless(origin: str) -> bool:
    return not ADDRESS.match(origin)


def _whole_time(text: str) -> bool:
    try:
        time = utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return False
    return time is not None and time.isoformat() == text


def _disordered(*keys: Numbers) -> Flags:
    """Where a line of keys is not above the one before, if the first key, the owner, is the same."""
    above = np.zeros(max(0, len(keys[0]) - 1), np.bool_)
    for key in reversed(keys):
        above = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & above)
    made = np.zeros(len(keys[0]), np.bool_)
    made[1:] = ~above
    return made
