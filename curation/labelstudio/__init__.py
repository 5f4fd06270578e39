"""Label Studio: `push` articles there, `pull` back what people made of them. Its JSON is known here alone."""

from __future__ import annotations

from curation.labelstudio.client import Client
from curation.labelstudio.outgoing import Outgoing
from curation.labelstudio.pull import PullReport, pull
from curation.labelstudio.push import PushReport, push, send
from curation.labelstudio.sent import Predictions, predictions
from curation.labelstudio.snapshot import Snapshot, check_source, latest_snapshot, read_snapshot
from curation.labelstudio.task_status import Statuses, TaskStatus, task_status

__all__ = [
    "Client",
    "Outgoing",
    "Predictions",
    "PullReport",
    "PushReport",
    "Snapshot",
    "Statuses",
    "TaskStatus",
    "check_source",
    "latest_snapshot",
    "predictions",
    "pull",
    "push",
    "read_snapshot",
    "send",
    "task_status",
]
