"""What a release changes, set against the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from curation.annotation import Annotation
from curation.release.annotations import annotations_of
from curation.release.before import FEW, Before
from curation.release.configs import columns
from curation.release.documents import ANNOTATION
from curation.release.intake import Intake
from curation.release.labels import Labels
from curation.release.manifest import Changes
from curation.release.versions import ChangeCount, Reason, article_reasons, schema_reasons, shape_reasons
from curation.schema import LabelSchema


def changes_since(before: Before, rows: Intake, order: Sequence[int], labels: Labels) -> Changes:
    """What differs from the release before; only the articles whose hash differs are looked at."""
    count = ChangeCount()
    kept = {rows.ids[n]: n for n in order if n < rows.fresh}

    def now(numbers: Sequence[int]) -> Iterator[Annotation]:
        for start in range(0, len(numbers), FEW):
            yield from annotations_of(rows.spool.gather(numbers[start : start + FEW], ANNOTATION), labels)

    for annotation in now([number for one, number in kept.items() if one not in before.known]):
        count.article(None, annotation)
    for some in rows.old:
        ids = some["id"].to_pylist()
        beside = now([kept[one] for one in ids if one in kept])
        for one, annotation in zip(ids, annotations_of(some, before.labels), strict=True):
            count.article(annotation, next(beside) if one in kept else None)
    return count.changes()


def beside(before: Before, rows: Intake, order: Sequence[int]) -> int:
    """How many articles have the same document as before, but other sentences or corrections."""
    found = 0
    for n in order:
        if n < rows.fresh and rows.ids[n] in before.known:
            then, now = before.known[rows.ids[n]], rows.hashes(n)
            found += then.row == now.row and then.more != now.more
    return found


def reasons(before: Before, schema: LabelSchema, labels: Labels, changes: Changes, others: int) -> list[Reason]:
    """Why the next version must be what it is; `others` are the articles that `beside` counts."""
    return [
        *schema_reasons(before.schema, schema),
        *shape_reasons(before.labels, labels, before.manifest.columns, columns(labels)),
        *article_reasons(changes, others),
    ]
