"""What a release leaves out of the one before, which must never happen in silence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.errors import ReleaseError
from curation.release.corrections import CONFIG as CORRECTIONS
from curation.release.splits import SPLITS

SHARE = 0.05
"""Share of the articles, or of those with corrections, beyond which leaving them out must be allowed."""
_NAMED = 10


def left_out(before: pa.StringArray, now: pa.StringArray, barred: Collection[str]) -> tuple[str, ...]:
    """Ids of articles of the release before that the new one does not have; those `barred` on purpose do not count."""
    missing = before.filter(pc.invert(pc.is_in(before, value_set=now)))
    return tuple(article_id for article_id in missing.to_pylist() if article_id not in barred)


def without_corrections(before: Path, part: Path, now: pa.StringArray) -> tuple[tuple[str, ...], int]:
    """Ids of articles in both releases that lost all of their corrections, and how many in both had some.

    Args:
        before: folder of the release before.
        part: folder that the new one is written to.
        now: ids of the articles of the new one.
    """
    had = _corrected(before)
    had = had.filter(pc.is_in(had, value_set=now))
    return left_out(had, _corrected(part), ()), len(had)


def refuse(what: str, missing: Sequence[str], of: int, version: str, hint: str) -> None:
    """Raise ReleaseError where `missing` is more than the share of `of` that may go without being allowed."""
    if len(missing) > SHARE * of:
        named = ", ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
        raise ReleaseError(
            f"{len(missing)} of {of} {what} v{version} would be missing, more than {SHARE:.0%}: {named}; {hint}, or "
            "allow it with --allow-shrink"
        )


def _corrected(release: Path) -> pa.StringArray:
    """Ids of the articles that have rows in `corrections`, each once."""
    files = [release / CORRECTIONS / f"{split}.parquet" for split in SPLITS]
    ids = [pq.read_table(file, columns=["id"])["id"].unique() for file in files if file.is_file()]
    return pa.concat_arrays([pa.array([], pa.string()), *ids])
