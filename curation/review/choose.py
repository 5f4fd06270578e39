"""The policy that says which annotation of an article counts as its reviewed one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from curation.annotation import Annotation

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def choose(annotations: Iterable[Annotation]) -> Annotation | None:
    """The annotation that counts, of all those of one article revision: reviewed, else the latest a person submitted.

    Skipped tasks, drafts and what only an engine said never count. None where nothing does.
    """
    ranked = sorted(
        (one for one in annotations if one.annotator.kind == "person" and one.state in ("reviewed", "submitted")),
        key=lambda one: (one.state == "reviewed", one.time or _LONG_AGO, one.id),
    )
    return ranked[-1] if ranked else None
