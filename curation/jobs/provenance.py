"""Where annotations come from: the prediction that each started from, and the audit of those made without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from curation.annotation import Annotation
from curation.jobs.inputs import snapshot_folder
from curation.jobs.review_policy import policy
from curation.labelstudio import Predictions, Snapshot, predictions, read_snapshot
from curation.metrics.anchoring import Anchoring, Work
from curation.metrics.anchoring import anchoring as audit
from curation.review.adjudication import MERGED
from curation.review.selection_policy import Policy
from curation.settings import Settings


def started_from(annotation: Annotation, annotations: Iterable[Annotation], sent: Predictions) -> Annotation | None:
    """The pre-annotation at the root of an annotation.

    An annotation may have started as a copy of another person's, or in review as the merge of several.

    Args:
        annotations: all annotations of the article.
        sent: the predictions that were sent.
    """
    parents = {one.id: one.parent for one in annotations}
    seen: set[str] = set()
    parent, root = annotation.parent, None
    while parent and parent not in seen:
        seen.add(parent)
        root = None if parent in parents else sent.by_id(parent)
        parent = parents.get(parent, root.parent if root else None)
    return root if root is not None and root.annotator.kind == "engine" and root.annotator != MERGED else None


def anchoring(project: Settings, *, snapshot: Path | None = None) -> Anchoring | None:
    """The audit over a snapshot (default: the latest); None where no article was annotated blind.

    Raises:
        BadInput: there is no snapshot.
    """
    source = read_snapshot(snapshot_folder(project, snapshot))
    with predictions(project.work, source) as sent:
        return anchoring_of(source, sent, policy(project))


def anchoring_of(snapshot: Snapshot, sent: Predictions, policy: Policy) -> Anchoring | None:
    """The audit over a snapshot, of annotators who count by the policy; decisions of a review are left out."""
    return audit(_works(snapshot, sent, policy)) if sent.any_blind else None


def _works(snapshot: Snapshot, sent: Predictions, policy: Policy) -> Iterator[Work]:
    for texts, made in snapshot.by_article():
        annotations = policy.submitted(one for one in made if one.text_sha256 in texts)
        if not annotations:
            continue
        article = texts[annotations[0].text_sha256]
        blind, withheld = sent.withheld(article)
        yield Work(annotations, [], withheld) if blind else Work([], annotations, sent.of(article))
