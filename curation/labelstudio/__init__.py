"""Label Studio: `push` articles there, `pull` back what people made of them. Its JSON is known here alone."""

from __future__ import annotations

from curation.labelstudio.client import Client
from curation.labelstudio.predictions import Predictions, predictions
from curation.labelstudio.pull import PullReport, pull
from curation.labelstudio.push import PushReport, push
from curation.labelstudio.snapshot import Snapshot, check_source, latest_snapshot, read_snapshot
from curation.labelstudio.task_spec import TaskSpec
from curation.labelstudio.task_status import Statuses, TaskStatus, task_status

__all__ = [
    "Client",
    "Predictions",
    "PullReport",
    "PushReport",
    "Snapshot",
    "Statuses",
    "TaskSpec",
    "TaskStatus",
    "check_source",
    "latest_snapshot",
    "predictions",
    "pull",
    "push",
    "read_snapshot",
    "task_status",
]
