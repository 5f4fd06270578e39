"""What an annotation started from, for jobs that set the two against each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from curation.annotation import Annotation
from curation.review.adjudication import MERGED

if TYPE_CHECKING:
    from curation.labelstudio import Predictions


def started_from(annotation: Annotation, said: Iterable[Annotation], sent: Predictions) -> Annotation | None:
    """The pre-annotation at the root of an annotation.

    It may have begun as a copy of another person's, or in review as what several of them said.
    """
    parents = {one.id: one.parent for one in said}
    seen: set[str] = set()
    parent, root = annotation.parent, None
    while parent and parent not in seen:
        seen.add(parent)
        root = None if parent in parents else sent.by_id(parent)
        parent = parents.get(parent, root.parent if root else None)
    return root if root is not None and root.annotator.kind == "engine" and root.annotator != MERGED else None
