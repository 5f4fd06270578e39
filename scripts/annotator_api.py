"""Work on tasks through the API, as a person does in the browser. The demo and the tests use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from curation.annotation import Annotation
from curation.article import Article
from curation.labelstudio import to_labelstudio
from curation.labelstudio.client import Client
from curation.labelstudio.constants import ARTICLE_ID, TEXT_SHA256
from curation.labelstudio.queries import exported, listed, touched
from curation.schema import LabelSchema


@dataclass(frozen=True)
class TaskToAnswer:
    """A task: its article revision, the ids of its predictions, and whether anyone worked on it.

    `by` are the ids of the users who submitted or skipped it.
    """

    id: int
    article_id: str
    text_sha256: str
    predictions: tuple[int, ...]
    answered: bool
    by: frozenset[int]

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
                by = frozenset(one["completed_by"] for one in task["annotations"] if one["completed_by"] is not None)
                yield TaskToAnswer(task["id"], data[ARTICLE_ID], data[TEXT_SHA256], predictions, touched(task), by)


def annotator(client: Client, email: str) -> int:
    """The number of the user with that address, who is made where there is none. Nobody can log in as a new one."""
    for user in client.get("/api/users/"):
        if user["email"] == email:
            return int(user["id"])
    return int(client.post("/api/users/", {"email": email, "username": email.partition("@")[0]})["id"])


def submit(
    client: Client,
    task_id: int,
    annotation: Annotation,
    article: Article,
    schema: LabelSchema,
    *,
    prediction_id: int | None = None,
    lead_time: float | None = None,
    by: int | None = None,
) -> int:
    """Submit `annotation` as the work of a user (default: the key's owner). Returns its id in Label Studio."""
    body = {
        "result": to_labelstudio.result(annotation, article, schema),
        "lead_time": lead_time,
        "parent_prediction": prediction_id,
        **_user(by),
    }
    return int(client.post(f"/api/tasks/{task_id}/annotations/", body)["id"])


def skip(client: Client, task_id: int, *, by: int | None = None) -> int:
    """Skip the task, as the Skip button does. Returns the id of the annotation in Label Studio."""
    body = {"result": [], "was_cancelled": True, **_user(by)}
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
    body = {"result": to_labelstudio.result(annotation, article, schema), "lead_time": lead_time}
    return int(client.post(f"/api/tasks/{task_id}/drafts", body)["id"])


def _user(number: int | None) -> dict[str, int]:
    return {} if number is None else {"completed_by": number}
