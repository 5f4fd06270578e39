"""Pull: what people corrected comes back as an immutable snapshot."""

from __future__ import annotations

from collections.abc import Callable

from curation.jobs.connect import connect
from curation.labelstudio import PullReport
from curation.labelstudio import pull as fetch
from curation.project import Project


def pull(
    project: Project, *, full: bool = False, on_progress: Callable[[int], None] = lambda count: None
) -> PullReport:
    """Bring back what changed since the last pull (or everything, with `full`) as a new snapshot.

    Raises:
        LabelStudioError: see `curation.labelstudio.pull`.
    """
    return fetch(connect(project), project.load_schema(), work=project.work, full=full, on_progress=on_progress)
