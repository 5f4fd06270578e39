"""The pre-annotations as they were sent, for jobs that compare them with the annotations of people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.annotation import Annotation
from curation.article import Article
from curation.labelstudio.constants import ANNOTATE
from curation.labelstudio.ledger import KnownProject, Ledger
from curation.labelstudio.snapshot import Snapshot


class Predictions:
    """The annotations that were sent, and the current prediction of each article of a project."""

    def __init__(self, ledger: Ledger, projects: list[KnownProject]) -> None:
        self._ledger, self._projects = ledger, projects

    def by_id(self, annotation_id: str) -> Annotation | None:
        """The pre-annotation with that id, or None if it was not sent from this work folder."""
        return self._ledger.sent(annotation_id)

    def of(self, article: Article) -> Annotation | None:
        """The pre-annotation that the article's task has now, or None."""
        for project in self._projects:
            for task in self._ledger.tasks_of(project, article.id, article.text_sha256, ANNOTATE):
                found = self._ledger.sent(task.annotation_id) if task.annotation_id else None
                if found is not None and found.text_sha256 == article.text_sha256:
                    return found
        return None

    @property
    def any_blind(self) -> bool:
        """Whether any article was sent blind."""
        return any(self._ledger.any_blind(project) for project in self._projects)

    def withheld(self, article: Article) -> tuple[bool, Annotation | None]:
        """Whether the article's task is blind, and the pre-annotation that was withheld, if any."""
        for project in self._projects:
            for task in self._ledger.tasks_of(project, article.id, article.text_sha256, ANNOTATE):
                if task.withheld is not None:
                    return True, self._ledger.sent(task.withheld) if task.withheld else None
        return False, None


@contextmanager
def predictions(work: Path, snapshot: Snapshot) -> Iterator[Predictions]:
    """The annotations sent from the work folder to the project of the snapshot.

    Raises:
        BadInput: the record of what was sent is damaged.
    """
    source = snapshot.manifest.project_id, snapshot.manifest.project_created_at
    with Ledger(work) as ledger:
        ledger.check_sent()
        yield Predictions(ledger, [one for one in ledger.all_projects() if (one.id, one.created_at) == source])
