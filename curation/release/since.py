"""What a release changes, set against the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from curation.annotation import Annotation
from curation.release.annotations import annotations_of
from curation.release.before import FEW, Before
from curation.release.configs import columns
from curation.release.documents import ANNOTATION
from curation.release.intake import Intake
from curation.release.labels import Labels
from curation.release.manifest import Changes
from curation.release.place import Placement
from curation.release.versions import ChangeCount, Reason, article_reasons, schema_reasons, shape_reasons
from curation.schema import LabelSchema


class ChangesSince:
    """What differs from the release before; only the articles whose hash differs are looked at."""

    def __init__(self, before: Before, rows: Intake, placement: Placement, labels: Labels) -> None:
        self._before, self._rows, self._placement, self._labels = before, rows, placement, labels
        self._count = ChangeCount()
        self._waiting: list[pa.Table] = []

    def go_on(self) -> None:
        """Look at what was read so far of the release before, but for a few rows that wait for more of them."""
        self._look(self._rows.old.picked())

    def changes(self) -> Changes:
        """All that differs."""
        self._look(self._rows.old.rest())
        self._compare()
        rows = self._rows
        new = np.setdiff1d(np.flatnonzero(self._placement.split[: rows.fresh] >= 0), rows.now)
        for annotation in self._annotations(new.tolist()):
            self._count.article(None, annotation)
        return self._count.changes()

    def _look(self, picked: Iterable[pa.Table]) -> None:
        for some in picked:
            self._waiting.append(some)
            if sum(map(len, self._waiting)) >= FEW:  # a group holds few; each look costs the same for one and for many
                self._compare()

    def _compare(self) -> None:
        if not self._waiting:
            return
        old = pa.concat_tables(self._waiting)
        self._waiting.clear()
        now = [self._now(one) for one in old["id"].to_pylist()]
        beside = self._annotations([n for n in now if n is not None])
        for start in range(0, len(now), FEW):
            some = annotations_of(old.slice(start, FEW), self._before.labels)
            for number, annotation in zip(now[start : start + FEW], some, strict=True):
                self._count.article(annotation, None if number is None else next(beside))

    def _annotations(self, numbers: Sequence[int]) -> Iterator[Annotation]:
        for start in range(0, len(numbers), FEW):
            rows = self._rows.spool.gather(numbers[start : start + FEW], ANNOTATION)
            yield from annotations_of(rows, self._labels)

    def _now(self, article_id: str) -> int | None:
        """The number of the row that an article of the release before has now; None where it has none."""
        number = self._before.known.number(article_id)
        n = -1 if number is None else int(self._rows.now[number])
        return n if n >= 0 and self._placement.split[n] >= 0 else None


def beside(before: Before, rows: Intake, placement: Placement) -> int:
    """How many articles have the same document as before, but other sentences or corrections."""
    found = 0
    for number in np.flatnonzero(rows.now >= 0).tolist():
        n = int(rows.now[number])
        if placement.split[n] >= 0:
            then, now = before.known.at(number), rows.hashes(n)
            found += then.row == now.row and then.more != now.more
    return found


def reasons(before: Before, schema: LabelSchema, labels: Labels, changes: Changes, others: int) -> list[Reason]:
    """Why the next version must be what it is; `others` are the articles that `beside` counts."""
    return [
        *schema_reasons(before.schema, schema),
        *shape_reasons(before.labels, labels, before.manifest.columns, columns(labels)),
        *article_reasons(changes, others),
    ]
