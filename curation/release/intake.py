"""The articles of a release while it is built: rows on disk; ids, hashes and what decides on splits in memory.

Meant for up to 100,000 articles. Their rows take gigabytes, so they are in one Arrow file, read by batch.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import ReleaseError
from curation.release.manifest import Hashes
from curation.release.prepare import SNAPSHOT, Batch
from curation.release.rows import InvalidArticle
from curation.release.splits import Sketches


class Intake:
    """The articles of a release, numbered from 0 as they come; their rows are on disk.

    ids        of the articles
    hashes     of their rows and texts
    lengths    of their texts, in code points
    published  times, where splits go by time
    order      the numbers, sorted by article id; complete after `finish`
    excluded   reason → articles that the selection keeps out; `excluded_ids` are theirs
    invalid    articles that cannot be released as they are
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.ids: list[str] = []
        self.hashes: list[Hashes] = []
        self.lengths = array("I")
        self.published: list[datetime] = []
        self.order: list[int] = []
        self.excluded: Counter[str] = Counter()
        self.invalid: list[InvalidArticle] = []
        self.snapshots: set[str] = set()
        self.sketches = Sketches(folder)
        self.excluded_ids: set[str] = set()
        self._schema, self._path = schema, folder / "rows.arrow"
        self._sink = pa.OSFile(str(self._path), "wb")
        self._writer = pa.ipc.new_file(self._sink, schema)
        self._starts: list[int] = []
        self._held: dict[tuple[int, bool], pa.Table] = {}

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._sink.closed:
            self._sink.close()
        self.sketches.close()

    def add(self, batch: Batch) -> None:
        """Take in a batch of articles. Raises ReleaseError: an article comes twice."""
        for article_id, why in batch.excluded:
            if article_id in self.excluded_ids:
                raise _twice(article_id)
            self.excluded_ids.add(article_id)
            self.excluded[why] += 1
        self.invalid += batch.invalid
        if not batch.table.num_rows:
            return
        self._starts.append(len(self.ids))
        self.ids += batch.table["id"].to_pylist()
        self.hashes += batch.hashes
        self.lengths.extend(pc.utf8_length(batch.table["text"]).to_pylist())
        self.published += [time for time in batch.published if time is not None]
        self.snapshots.update(name for name in batch.table[SNAPSHOT].unique().to_pylist() if name is not None)
        for signature in batch.signatures:
            self.sketches.add(signature)
        for rows in batch.table.combine_chunks().to_batches():
            self._writer.write_batch(rows)

    def finish(self) -> None:
        """No more articles come. Raises ReleaseError: an article came twice."""
        self._writer.close()
        self._sink.close()
        self.order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        last = None
        for number in self.order:
            if self.ids[number] == last or self.ids[number] in self.excluded_ids:
                raise _twice(self.ids[number])
            last = self.ids[number]

    def take(self, numbers: Sequence[int]) -> pa.Table:
        """The rows of these articles, in this order."""
        wanted = np.asarray(numbers, np.int64)
        of_batch = np.searchsorted(self._starts, wanted, side="right") - 1
        pieces = []
        for batch in np.unique(of_batch).tolist():
            places = wanted[of_batch == batch] - self._starts[batch]
            rows, first = self._read(batch), int(places[0])
            neighbours = (np.diff(places) == 1).all()
            pieces.append(rows.slice(first, len(places)) if neighbours else rows.take(pa.array(places)))
        rows = pa.concat_tables(pieces)
        if (np.diff(of_batch) >= 0).all():
            return rows
        order = np.argsort(of_batch, kind="stable")
        return rows.take(pa.array(np.argsort(order, kind="stable")))

    def text(self, number: int) -> str:
        """The text of one article."""
        batch = int(np.searchsorted(self._starts, number, side="right")) - 1
        text: str = self._read(batch, text=True)["text"][number - self._starts[batch]].as_py()
        return text

    def _read(self, batch: int, *, text: bool = False) -> pa.Table:
        """The rows of a batch, of all columns or of `text` alone; the last few are kept."""
        key = batch, text
        if key not in self._held:
            if len(self._held) >= 4:
                del self._held[next(iter(self._held))]
            with pa.OSFile(str(self._path)) as file:
                fields = [self._schema.names.index("text")] if text else None
                reader = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=fields))
                self._held[key] = pa.Table.from_batches([reader.get_batch(batch)])
        return self._held[key]


def _twice(article_id: str) -> ReleaseError:
    return ReleaseError(f"article {article_id} comes twice; give the one revision that counts")
