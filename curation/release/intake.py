"""The way in: each article is read, validated and kept on disk as a row, or taken over from the release before.

Rows go a block at a time, as JSON lines that become Arrow: `screen` looks at all of a block together, and what it is
not sure of goes through `exact`. While one block is looked at, the next is parsed.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from curation.compare import Counts
from curation.errors import ReleaseError
from curation.release.arrays import chunk, strings
from curation.release.before import Before, Hashes, Input, OldRows, rows_before
from curation.release.canonical import canonical, canonical_rows
from curation.release.coding import coded, named, parsed
from curation.release.configs import CONFIGS
from curation.release.documents import ReviewedArticle, Unread
from curation.release.exact import exact
from curation.release.labels import Labels
from curation.release.lines import NO_MORE, More, line_of
from curation.release.manifest import DATA, Agreement, Selection
from curation.release.screen import Flags, Screen
from curation.release.sentences import LOSSES
from curation.release.splits import Sketches
from curation.release.spool import MORE, ROWS, Spool, Texts
from curation.schema import LabelSchema

INPUTS = "inputs.jsonl"
_NOTHING = [0] * len(LOSSES)
_BYTES = 4_000_000
"""About the most bytes of JSON in a block."""
_AHEAD = 2
"""Blocks that are parsed and screened while the one before them is stored."""


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

    In the order of their numbers: `ids`, `lengths` in code points, `lost` (a number for each of `LOSSES`),
    `snapshots`, and where a split goes by time `published`. `old` are rows of the release before that
    are different now, or gone.
    """

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
        self.ids: list[str] = []
        self.lengths = array("I")
        self.snapshots: list[str | None] = []
        self.published: list[datetime | None] = []
        self.barred: Counter[str] = Counter()
        self.sketches, self.texts, self.spool = Sketches(folder), Texts(folder), Spool(folder, labels)
        self.lost = array("I")
        self.old = OldRows(folder)
        self.inputs = folder / INPUTS
        self._inputs = self.inputs.open("w", encoding="utf-8")
        self._schema, self._types, self._selection = schema, types, selection
        self._before, self._dated = before, dated
        self._columns = {config: columns_of(labels) for config, columns_of in CONFIGS.items()}
        self._named = named(self._columns[DATA])
        self._screen = Screen(schema, labels, types, engine_only=selection.engine_only)
        self._kept: dict[str, tuple[str | None, Input]] = {}
        self._hashes = bytearray()
        self._agreement, self._doubly = [0] * 9, 0
        self._seen: set[str] = set()

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._inputs, self.old, self.sketches, self.texts, self.spool):
            one.close()

    def fill(self, rows: Iterable[ReviewedArticle | Unread | bytes]) -> None:
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
        if self._before:
            self._read_before(self._before)
        self.spool.finish()
        self._seen.clear()
        self._kept.clear()
        self._inputs.close()

    def hashes(self, number: int) -> Hashes:
        """The hashes of the n-th row."""
        held = bytes(self._hashes[96 * number : 96 * number + 96])
        return Hashes(held[:32], held[32:64], held[64:])

    def agreement(self) -> Agreement | None:
        """How far people agreed where several annotated an article; None where none did."""
        if not self._doubly:
            return None
        f1 = [round(Counts(*self._agreement[n : n + 3]).f1, 4) for n in (0, 3, 6)]
        return Agreement(articles=self._doubly, entities=f1[0], triggers=f1[1], arguments=f1[2])

    def _blocks(self, rows: Iterable[ReviewedArticle | Unread | bytes]) -> Iterator[list[_Line]]:
        """What is not kept, as lines of JSON."""
        inputs = self._before.inputs if self._before else {}
        block: list[_Line] = []
        size = 0
        for one in rows:
            key = hashlib.sha256(one).digest() if isinstance(one, bytes) else getattr(one, "key", None)
            if key in inputs:
                self._keep_it(inputs[key], one.snapshot if isinstance(one, Unread) else None)
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
            self._once(article.id)
            self.barred[barred] += 1
            return None
        engine_only = self._selection.engine_only
        line, more = line_of(reviewed, self._schema, self._types, engine_only=engine_only)
        return _Line(line, more, key, reviewed.snapshot)

    def _once(self, article_id: str) -> None:
        if article_id in self._seen:
            raise ReleaseError(f"article {article_id} comes twice; give the one revision that counts")
        self._seen.add(article_id)

    def _keep_it(self, known: Input, snapshot: str | None) -> None:
        self._once(known.id)
        if known.id in self._selection.withdrawn:
            self.barred["withdrawn"] += 1
        else:
            self._kept[known.id] = snapshot, known

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
            if article_id is not None:
                self._once(article_id)
                if barred := self._selection.bars(article_id, licence):
                    self.barred[barred] += 1
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
            self._once(head["id"])
            self.barred[barred] += 1
            return None
        return one._replace(line=self._exact(one.line), came=False)

    def _exact(self, line: bytes) -> bytes:
        return canonical(exact(line, self._schema, self._types, engine_only=self._selection.engine_only))

    def _store(self, block: Sequence[_Line], table: pa.Table, written: pa.Array) -> None:
        """Keep rows that are right, and what must be at hand of each."""
        texts = chunk(table["text"])
        columns = table["id"].to_pylist(), texts.to_pylist(), strings(texts), table["text_sha256"].to_pylist()
        for one, row, article_id, text, bare, text_sha256 in zip(block, strings(written), *columns, strict=True):
            # The key of a line is its hash, which saves hashing it twice where it came as it is written.
            digest = one.key if one.key and one.came and bytes(row) == one.line else hashlib.sha256(row).digest()
            known = Input(article_id, one.key, one.more.lost, one.more.agreement) if one.key else None
            hashes = Hashes(digest, one.more.sha256, bytes.fromhex(text_sha256))
            self._add(article_id, text, bytes(bare), one.snapshot, hashes)
            self._count(one.more.lost, one.more.agreement, known)
        made = coded(table, self._columns[DATA])
        if self._dated:
            self.published += made["published"].to_pylist()
        self.spool.add(made, [one.more.line for one in block])

    def _read_before(self, before: Before) -> None:
        """Take over the rows whose input is the same; put aside those that are different now, or gone."""
        now = {one: n for n, one in enumerate(self.ids)}
        for batch, more in rows_before(before, list(MORE) if self._kept else ()):
            ids = batch["id"].to_pylist()
            keep = pa.array([one in self._kept for one in ids], pa.bool_())
            old = [one not in self._kept and self._differs(now.get(one), before.known[one]) for one in ids]
            if any(old):
                self.old.append(batch.filter(pa.array(old, pa.bool_())))
            kept = batch.filter(keep)
            if not kept.num_rows:
                continue
            self.spool.add_again(kept, more)
            texts = kept["text"]
            for article_id, text, written in zip(
                kept["id"].to_pylist(), texts.to_pylist(), strings(texts), strict=True
            ):
                snapshot, known = self._kept[article_id]
                self._add(article_id, text, bytes(written), snapshot, before.known[article_id])
                self._count(known.lost, known.agreement, known)
            if self._dated:
                self.published += kept["published"].to_pylist()

    def _differs(self, number: int | None, then: Hashes) -> bool:
        return number is None or self.hashes(number).row != then.row

    def _add(self, article_id: str, text: str, written: bytes, snapshot: str | None, hashes: Hashes) -> None:
        self.ids.append(article_id)
        self.lengths.append(len(text))
        self.snapshots.append(snapshot)
        self._hashes += b"".join(hashes)
        self.sketches.add(text)
        self.texts.add(written)

    def _count(self, lost: Mapping[str, int], agreement: Sequence[int], known: Input | None) -> None:
        self.lost.extend([lost.get(name, 0) for name in LOSSES] if lost else _NOTHING)
        if agreement:
            self._doubly += 1
            self._agreement = [sum(pair) for pair in zip(self._agreement, agreement, strict=True)]
        if known:
            self._inputs.write(known.line())


def _structs(table: pa.Table) -> pa.StructArray:
    return pa.StructArray.from_arrays([chunk(table[name]) for name in table.column_names], table.column_names)
