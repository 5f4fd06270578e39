"""Answer tasks through the API, as a person would in the browser: for stand-in annotators in the demo and the tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from curation.annotation import Annotation
from curation.article import Article
from curation.labelstudio import encode
from curation.labelstudio.client import Client
from curation.labelstudio.names import ARTICLE_ID, TEXT_SHA256
from curation.labelstudio.tasks import exported, listed, touched
from curation.schema import LabelSchema


@dataclass(frozen=True)
class TaskToAnswer:
    """A task of ours: which article revision it holds, its predictions' ids, and whether anyone has touched it."""

    id: int
    article_id: str
    text_sha256: str
    predictions: tuple[int, ...]
    answered: bool

    @property
    def prediction_id(self) -> int | None:
        """The prediction that a person would start from."""
        return self.predictions[0] if self.predictions else None


def tasks(client: Client, project: int) -> Iterator[TaskToAnswer]:
    """The tasks of the project that hold articles of ours, by id."""
    ids = [task["id"] for task in listed(client, project)]
    for chunk in exported(client, project, ids):
        for task in sorted(chunk, key=lambda one: int(one["id"])):
            data = task["data"]
            if ARTICLE_ID in data and TEXT_SHA256 in data:
                predictions = tuple(sorted(task["predictions"]))
                yield TaskToAnswer(task["id"], data[ARTICLE_ID], data[TEXT_SHA256], predictions, touched(task))


def submit(
    client: Client,
    task_id: int,
    annotation: Annotation,
    article: Article,
    schema: LabelSchema,
    *,
    prediction_id: int | None = None,
    lead_time: float | None = None,
) -> int:
    """Submit `annotation` as the work of the key's owner. Returns the id of the annotation in Label Studio."""
    body = {
        "result": encode.result(annotation, article, schema),
        "lead_time": lead_time,
        "parent_prediction": prediction_id,
    }
    return int(client.post(f"/api/tasks/{task_id}/annotations/", body)["id"])


def skip(client: Client, task_id: int) -> int:
    """Skip the task, as the Skip button does. Returns the id of the annotation in Label Studio."""
    body = {"result": [], "was_cancelled": True}
    return int(client.post(f"/api/tasks/{task_id}/annotations/", body)["id"])


def draft(
    client: Client,
    task_id: int,
    annotation: Annotation,
    article: Article,
    schema: LabelSchema,
    *,
    lead_time: float | None = None,
) -> int:
    """Leave `annotation` as a draft, as the page does when it is closed without submitting. Returns the draft's id."""
    body = {"result": encode.result(annotation, article, schema), "lead_time": lead_time}
    return int(client.post(f"/api/tasks/{task_id}/drafts", body)["id"])
