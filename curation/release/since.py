"""What a release changes, set against the one before."""

from __future__ import annotations

from collections.abc import Sequence

from curation.release.before import Before
from curation.release.configs import columns
from curation.release.documents import Row, annotation_of, decode
from curation.release.intake import Intake
from curation.release.labels import Labels
from curation.release.manifest import DATA, Changes
from curation.release.versions import ChangeCount, Reason, article_reasons, schema_reasons, shape_reasons
from curation.schema import LabelSchema


def changes_since(before: Before, rows: Intake, order: Sequence[int], labels: Labels) -> Changes:
    """What differs from the release before; only the articles whose hash differs are looked at."""
    count = ChangeCount()
    kept = {rows.ids[n]: n for n in order}

    def now(number: int) -> Row:
        names = rows.spool.arrow[DATA].names
        return decode(rows.spool.gather([number], names).to_pylist()[0], labels)

    for one, number in kept.items():
        if one not in before.known:
            count.article(None, annotation_of(now(number)))
    for coded in rows.old:
        number = kept.get(coded["id"], -1)
        count.article(annotation_of(decode(coded, before.labels)), annotation_of(now(number)) if number >= 0 else None)
    return count.changes()


def beside(before: Before, rows: Intake, order: Sequence[int]) -> int:
    """How many articles have the same document as before, but other sentences or corrections."""
    return sum(
        (then := before.known.get(rows.ids[n])) is not None
        and then.row == rows.hashes(n).row
        and then.more != rows.hashes(n).more
        for n in order
    )


def reasons(before: Before, schema: LabelSchema, labels: Labels, changes: Changes, others: int) -> list[Reason]:
    """Why the next version must be what it is; `others` are the articles that `beside` counts."""
    return [
        *schema_reasons(before.schema, schema),
        *shape_reasons(before.labels, labels, before.manifest.columns, columns(labels)),
        *article_reasons(changes, others),
    ]
