"""The way in: each article is read, validated and kept on disk as a row, or taken over from the release before.

Rows go a block at a time, as JSON lines that become Arrow: `screen` looks at all of a block together, and what it is
not sure of goes through `exact`. While one block is looked at, the next is parsed.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import ReleaseError
from curation.metrics.counts import Counts
from curation.metrics.rounding import rounded
from curation.release.ahead import ahead
from curation.release.arrays import chunk, strings, texts_of
from curation.release.before import Before, GroupBefore, Inputs, OldRows, groups_before, input_line
from curation.release.canonical import canonical, canonical_rows
from curation.release.coding import coded, named, parsed
from curation.release.configs import CONFIGS
from curation.release.documents import ReviewedArticle, Unread
from curation.release.exact import exact
from curation.release.known import Hashes, KnownArticles, unhexed
from curation.release.labels import Labels
from curation.release.lines import NO_MORE, More, line_of
from curation.release.manifest import DATA, TAKE_AGAIN, Agreement, Selection
from curation.release.screen import Flags, Numbers, Screen
from curation.release.sentences import LOSSES
from curation.release.splits import SPLITS, Sketches
from curation.release.spool import ROWS, Records, Spool
from curation.schema import LabelSchema

INPUTS = "inputs.jsonl"
_HASHES = 96
_LOSSES = Struct(f"<{len(LOSSES)}I")
_NOTHING = (0,) * len(LOSSES)
_BYTES = 4_000_000
"""About the most bytes of JSON in a block."""
_MANY = 10_000
"""Articles that are looked at together."""
_HASHED = 64
"""Lines that are hashed together."""
_AHEAD = 2
"""Blocks that are parsed and screened, or bundles of lines that are hashed, while the one before them is worked on."""

_Row = ReviewedArticle | Unread | bytes


class _Look(NamedTuple):
    """A block parsed: its rows, which of them are sure, and all as they are hashed."""

    table: pa.Table
    sure: Flags
    written: pa.Array


class _Line(NamedTuple):
    """A row on its way in; `came` as a line, whose hash is its key, or was made of an article."""

    line: bytes
    more: More
    key: bytes | None
    snapshot: str | None = None
    came: bool = False


class Intake:
    """All rows of a release, numbered from 0.

    In the order of their numbers: `ids`, `lengths` in code points, and where a split goes by time `published`; `order`
    are the numbers sorted by id. The first `fresh` were read, those behind them are as in the release before. By the
    numbers of articles there, `now` is their number here if they were read, else -1; `old` are rows of that release
    that are different now, or gone, as far as `annotation_of` needs them.
    """

    ids: pa.StringArray
    order: Numbers
    published: pa.Array

    def __init__(
        self,
        folder: Path,
        schema: LabelSchema,
        labels: Labels,
        types: dict[str, tuple[str, ...]],
        selection: Selection,
        before: Before | None,
        *,
        dated: bool,
    ) -> None:
        self.fresh = 0
        self.lengths = array("I")
        self.barred: Counter[str] = Counter()
        self.sketches, self.spool = Sketches(folder), Spool(folder, labels)
        self.old = OldRows()
        self.inputs = folder / INPUTS
        self._inputs = self.inputs.open("w", encoding="utf-8")
        self._schema, self._types, self._selection = schema, types, selection
        self._before, self._dated = before, dated
        self._columns = {config: columns_of(labels) for config, columns_of in CONFIGS.items()}
        self._named = named(self._columns[DATA])
        self._screen = Screen(schema, labels, types, engine_only=selection.engine_only)
        self._records = Records(folder, _HASHES + _LOSSES.size)
        self._lost = np.zeros(len(LOSSES), np.int64)
        self._ids: list[pa.StringArray] = []
        self._published: list[pa.Array] = []
        self._snapshots: dict[str | None, int] = {None: 0}
        self._from = array("h")
        # Of the articles in the release before: whether each is kept, and the snapshot it comes from now.
        known = len(before.known) if before else 0
        self._kept, self._kept_from = np.zeros(known, np.bool_), np.zeros(known, np.int16)
        self.now = np.full(known, -1, np.int64)
        self._stack = ExitStack()
        self.barred_ids: list[str] = []
        self._agreement, self._doubly = [0] * 9, 0

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._stack, self._inputs, self.sketches, self._records, self.spool):
            one.close()

    def fill(self, rows: Iterable[_Row]) -> None:
        """Take in every row that the selection admits. Raises ReleaseError at the first finding."""
        with ThreadPoolExecutor(_AHEAD) as pool:
            waiting: deque[tuple[list[_Line], Future[_Look | None]]] = deque()
            try:
                for block in self._blocks(rows):
                    waiting.append((block, pool.submit(self._look, [one.line for one in block])))
                    if len(waiting) > _AHEAD:
                        self._take(*waiting.popleft())
                while waiting:
                    self._take(*waiting.popleft())
            finally:
                pool.shutdown(cancel_futures=True)
        self.fresh = len(self.lengths)
        if self._before:
            self._read_before(self._before)
        self.ids = _joined(self._ids)
        self.order = self._sorted()
        if self._dated:
            self.published = pa.chunked_array(self._published, pa.timestamp("us", "UTC")).combine_chunks()
        for held in (self._ids, self._published):
            held.clear()
        self.spool.finish()
        self._inputs.close()
        # Blocks were large, and other threads cannot use what this one keeps of them.
        pa.default_memory_pool().release_unused()

    def numbers_of(self, ids: Sequence[str]) -> dict[str, int]:
        """The numbers of a few articles."""
        where = pc.is_in(self.ids, value_set=pa.array(ids, pa.string()))
        numbers = np.flatnonzero(where.to_numpy(zero_copy_only=False)).tolist()
        return dict(zip(self.ids.filter(where).to_pylist(), numbers, strict=True))

    def snapshots(self, numbers: Numbers | None = None) -> pa.StringArray:
        """The names of the snapshots that these rows come from; None: each once, of all rows."""
        names = pa.array(list(self._snapshots), pa.string())
        if numbers is None:
            return names.drop_null()
        return names.take(pa.array(np.frombuffer(self._from, np.int16)[numbers]))

    def hashes(self, number: int) -> Hashes:
        """The hashes of the n-th row."""
        return Hashes.of(self._records.of(number))

    def hash_columns(self, numbers: Numbers) -> dict[str, pa.Array]:
        """The hashes of some rows in hex, by the names they have in articles.jsonl."""
        packed = self._records.many(numbers)
        names = {"text_sha256": 64, "row_sha256": 0, "more_sha256": 32}
        return {
            name: texts_of(packed[:, start : start + 32].tobytes().hex().encode(), 64) for name, start in names.items()
        }

    def lost(self, left_out: Iterable[int]) -> dict[str, int]:
        """What sentences cannot hold, by the names of `LOSSES`, of all rows but those of these numbers."""
        lost = self._lost.copy()
        for number in left_out:
            lost -= np.array(_LOSSES.unpack(self._records.of(number)[_HASHES:]))
        return dict(zip(LOSSES, lost.tolist(), strict=True))

    def agreement(self) -> Agreement | None:
        """How far people agreed where several annotated an article; None where none did."""
        if not self._doubly:
            return None
        f1 = [rounded(Counts(*self._agreement[n : n + 3]).f1, 4) for n in (0, 3, 6)]
        return Agreement(articles=self._doubly, entities=f1[0], triggers=f1[1], arguments=f1[2])

    def _blocks(self, rows: Iterable[_Row]) -> Iterator[list[_Line]]:
        """What is not kept, as lines of JSON."""
        before = self._before
        block: list[_Line] = []
        size = 0
        for one, key in _keyed(rows):
            if before and before.inputs and key and (number := before.inputs.number(key)) is not None:
                self._keep_it(before.known, number, one.snapshot if isinstance(one, Unread) else None)
                continue
            if isinstance(one, bytes):
                block.append(_Line(one, NO_MORE, key, came=True))
            elif line := self._line(one.read() if isinstance(one, Unread) else one, key):
                block.append(line)
            else:
                continue
            size += len(block[-1].line) + len(block[-1].more.line)
            if size >= _BYTES or len(block) == ROWS:
                yield block
                block, size = [], 0
        if block:
            yield block

    def _line(self, reviewed: ReviewedArticle | None, key: bytes | None) -> _Line | None:
        if reviewed is None:
            return None
        article = reviewed.article
        if barred := self._selection.bars(article.id, article.licence):
            self._bar(article.id, barred)
            return None
        engine_only = self._selection.engine_only
        line, more = line_of(reviewed, self._schema, self._types, engine_only=engine_only)
        return _Line(line, more, key, reviewed.snapshot)

    def _bar(self, article_id: str, why: str) -> None:
        self.barred_ids.append(article_id)
        self.barred[why] += 1

    def _sorted(self) -> Numbers:
        """The numbers of all rows, sorted by id. Raises ReleaseError where an article comes twice."""
        every = pa.concat_arrays([self.ids, pa.array(self.barred_ids, pa.string())])
        order = pc.sort_indices(every)
        for start in range(0, len(order), _MANY):
            some = every.take(order[start : start + _MANY + 1])
            again = pc.index(pc.equal(some[1:], some[:-1]), True).as_py()
            if again >= 0:
                raise _twice(some[again].as_py())
        numbers: Numbers = order.to_numpy().astype(np.int64)
        return numbers[numbers < len(self.ids)]

    def _keep_it(self, known: KnownArticles, number: int, snapshot: str | None) -> None:
        article_id = known.ids[number].as_py()
        if self._kept[number]:
            raise _twice(article_id)
        if article_id in self._selection.withdrawn:
            self._bar(article_id, "withdrawn")
        else:
            self._kept[number], self._kept_from[number] = True, self._snapshot(snapshot)

    def _snapshot(self, name: str | None) -> int:
        return self._snapshots.setdefault(name, len(self._snapshots))

    def _look(self, lines: Sequence[bytes]) -> _Look | None:
        """Parse and screen a block, None where it does not parse; called from other threads."""
        table = parsed(lines, self._named)
        return None if table is None else _Look(table, self._screen.sure(table), canonical_rows(_structs(table)))

    def _take(self, block: list[_Line], waiting: Future[_Look | None]) -> None:
        """Store the rows of a block that the selection admits, each of which must be right."""
        look = waiting.result()
        if look is None:
            # One line or more is none that pyarrow can read, so each is looked at by itself.
            block = [readable for one in block if (readable := self._readable(one))]
            look = self._look([one.line for one in block]) if block else None
        if look is None:
            return
        table, sure, written = look
        admitted: list[int] = []
        kept: list[_Line] = []
        mended: list[bytes] = []
        heads = (table[name].to_pylist() for name in ("id", "licence", "published"))
        for n, (article_id, licence, published) in enumerate(zip(*heads, strict=True)):
            if article_id is not None and (barred := self._selection.bars(article_id, licence)):
                self._bar(article_id, barred)
                continue
            if self._dated and published is None:
                raise ReleaseError(
                    f"article {article_id}: does not say when it was published, which a split by time goes by; "
                    "add the date, or split by hash"
                )
            if sure[n]:
                admitted.append(n)
            else:
                admitted.append(len(block) + len(mended))
                mended.append(self._exact(block[n].line))
            kept.append(block[n])
        if mended:
            table = pa.concat_tables([table, parsed(mended, self._named)])
        if admitted != list(range(table.num_rows)):
            table = table.take(pa.array(admitted, pa.int64())).combine_chunks()
            written = canonical_rows(_structs(table))
        if kept:
            self._store(kept, table, written)

    def _readable(self, one: _Line) -> _Line | None:
        """The line as pyarrow can read it; None where the selection bars what is in it."""
        if parsed([one.line], self._named) is not None:
            return one
        try:
            head = json.loads(one.line)
            barred = self._selection.bars(head["id"], head.get("licence"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            barred = None
        if barred:
            self._bar(head["id"], barred)
            return None
        return one._replace(line=self._exact(one.line), came=False)

    def _exact(self, line: bytes) -> bytes:
        return canonical(exact(line, self._schema, self._types, engine_only=self._selection.engine_only))

    def _store(self, block: Sequence[_Line], table: pa.Table, written: pa.Array) -> None:
        """Keep rows that are right, and what must be at hand of each."""
        ids, texts = chunk(table["id"]), chunk(table["text"])
        digests = []
        for one, row in zip(block, strings(written), strict=True):
            # The key of a line is its hash, which saves hashing it twice where it came as it is written.
            known = one.key if one.key and one.came and bytes(row) == one.line else None
            digests.append(known or hashlib.sha256(row).digest())
        text_hashes = unhexed(chunk(table["text_sha256"]))
        records = []
        for n, (one, digest, article_id) in enumerate(zip(block, digests, ids.to_pylist(), strict=True)):
            more = one.more
            lost = tuple(more.lost.get(name, 0) for name in LOSSES) if more.lost else _NOTHING
            records.append(digest + more.sha256 + text_hashes[32 * n : 32 * n + 32] + _LOSSES.pack(*lost))
            self._lost += lost if any(lost) else 0
            self._agree(more.agreement)
            if one.key:
                self._inputs.write(input_line(article_id, one.key.hex(), lost, more.agreement))
        self._records.add(b"".join(records))
        made = coded(table, self._columns[DATA])
        self._add(ids, texts, chunk(made["published"]), [self._snapshot(one.snapshot) for one in block])
        self.spool.add(made, [one.more.line for one in block])

    def _read_before(self, before: Before) -> None:
        """Take over the rows whose input is the same; note which are different now, or gone."""
        known = before.known
        then = pc.index_in(_joined(self._ids), value_set=known.ids).fill_null(-1).to_numpy()
        self.now[then[then >= 0]] = np.flatnonzero(then >= 0)
        wanted = ["id", *(["text", "published"] if self._kept.any() else [])]
        groups = self._stack.enter_context(groups_before(before.folder, self.old))
        numbers, first = np.concatenate([known.of_split(split) for split in SPLITS]), 0
        with ThreadPoolExecutor(1) as pool:
            read = ahead(pool, lambda group: group.read(wanted), groups)
            for group, rows in zip(groups, read, strict=True):
                here = numbers[first : first + rows.num_rows]
                first += rows.num_rows
                if not chunk(rows["id"]).equals(known.ids.take(pa.array(here))):
                    raise ReleaseError(
                        f"{before.folder}: `documents` and articles.jsonl do not name the same articles; {TAKE_AGAIN}"
                    )
                keep = self._kept[here]
                rest = np.flatnonzero(~keep)
                old = rest[self._differs(known, here[rest])]
                if len(old):
                    self.old.add(group, old)
                if before.inputs and keep.any():
                    self._take_over(known, before.inputs, group, rows, here, np.flatnonzero(keep))

    def _take_over(
        self,
        known: KnownArticles,
        inputs: Inputs,
        group: GroupBefore,
        rows: pa.Table,
        numbers: Numbers,
        places: Numbers,
    ) -> None:
        """Keep rows of a group as they are in the release before: those in these places."""
        numbers = numbers[places]
        ids, texts, published = (chunk(rows[name].take(pa.array(places))) for name in ("id", "text", "published"))
        lost = inputs.lost[numbers]
        self._records.add(np.hstack([known.packed(numbers), lost.astype("<u4").view(np.uint8)]).tobytes())
        self._lost += lost.sum(axis=0, dtype=np.int64)
        for number in numbers.tolist() if inputs.agreement else ():
            self._agree(inputs.agreement.get(number, ()))
        self._inputs.writelines(inputs.lines(numbers, ids.to_pylist()))
        self._add(ids, texts, published, self._kept_from[numbers].tolist())
        self.spool.add_group(group, places)

    def _differs(self, known: KnownArticles, numbers: Numbers) -> Flags:
        """Which of these articles of the release before have another row now, or none."""
        found = self.now[numbers]
        differ = np.ones(len(found), np.bool_)
        here = np.flatnonzero(found >= 0)
        if len(here):
            mine = self._records.many(found[here])[:, :32]
            differ[here] = (mine != known.packed(numbers[here])[:, :32]).any(axis=1)
        return differ

    def _add(self, ids: pa.StringArray, texts: pa.Array, published: pa.Array, snapshots: Sequence[int]) -> None:
        self._ids.append(ids)
        self.lengths.frombytes(pc.utf8_length(texts).to_numpy().astype(np.uint32).tobytes())
        self._from.extend(snapshots)
        if self._dated:
            self._published.append(published)
        self.sketches.extend(texts)

    def _agree(self, agreement: Sequence[int]) -> None:
        """Count how far several people agreed on an article; nothing where one spoke."""
        if agreement:
            self._doubly += 1
            self._agreement = [sum(pair) for pair in zip(self._agreement, agreement, strict=True)]


def _keyed(rows: Iterable[_Row]) -> Iterator[tuple[_Row, bytes | None]]:
    """Each row with its key; those of lines are hashed in other threads, some ahead."""
    rest = iter(rows)
    with ThreadPoolExecutor(_AHEAD) as pool:
        for some in ahead(pool, _keys, iter(lambda: list(islice(rest, _HASHED)), []), many=_AHEAD):
            yield from some


def _keys(rows: list[_Row]) -> list[tuple[_Row, bytes | None]]:
    return [(one, hashlib.sha256(one).digest() if isinstance(one, bytes) else getattr(one, "key", b"")) for one in rows]


def _joined(ids: Sequence[pa.StringArray]) -> pa.StringArray:
    return pa.concat_arrays([pa.array([], pa.string()), *ids])


def _twice(article_id: str) -> ReleaseError:
    return ReleaseError(f"article {article_id} comes twice; give the one revision that counts")


def _structs(table: pa.Table) -> pa.StructArray:
    return pa.StructArray.from_arrays([chunk(table[name]) for name in table.column_names], table.column_names)
