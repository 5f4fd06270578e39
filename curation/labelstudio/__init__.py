"""Label Studio: `push` articles there, `pull` back what people made of them. Its JSON is known here alone."""

from __future__ import annotations

from curation.labelstudio.client import Client
from curation.labelstudio.constants import ADJUDICATE, ANNOTATE, BETWEEN, CHECK, DOUBTS, NOTE, UNKNOWN, is_review
from curation.labelstudio.predictions import Predictions, predictions
from curation.labelstudio.pull import PullReport, pull
from curation.labelstudio.push import PushReport, push
from curation.labelstudio.queries import tab
from curation.labelstudio.snapshot import (
    ANNOTATIONS,
    TASKS,
    ArticleRecords,
    Snapshot,
    TaskLine,
    check_source,
    latest_snapshot,
    read_snapshot,
)
from curation.labelstudio.task_spec import TaskSpec
from curation.labelstudio.task_status import Statuses, TaskStatus, task_status

__all__ = [
    "ADJUDICATE",
    "ANNOTATE",
    "ANNOTATIONS",
    "BETWEEN",
    "CHECK",
    "DOUBTS",
    "NOTE",
    "TASKS",
    "UNKNOWN",
    "ArticleRecords",
    "Client",
    "Predictions",
    "PullReport",
    "PushReport",
    "Snapshot",
    "Statuses",
    "TaskLine",
    "TaskSpec",
    "TaskStatus",
    "check_source",
    "is_review",
    "latest_snapshot",
    "predictions",
    "pull",
    "push",
    "read_snapshot",
    "tab",
    "task_status",
]
