"""The names that our Label Studio config and tasks use. Everything that writes or reads them takes them from here."""

from __future__ import annotations

TEXT = "text"
"""Name of the `<Text>` object, and the key of task data it shows."""
ENTITY = "entity"
"""Name of the `<Labels>` control for entities."""
TRIGGER = "trigger"
"""Name of the `<Labels>` control for event triggers."""
ATTRIBUTE = "attribute-"
"""Prefix of the per-region `<Choices>` control of each attribute: `attribute-mention`."""

ARTICLE_ID = "article_id"
TEXT_SHA256 = "text_sha256"
BATCH = "batch"
PURPOSE = "purpose"
"""Keys of task data beside the text: the article revision, the import request it came with, what the task is for."""

ANNOTATE = "annotate"
"""The purpose of a task in which an article is annotated."""
ADJUDICATE = "adjudicate"
"""The purpose of a task in which someone decides between the annotations of several people."""
CHECK = "check"
"""The purpose of a task in which someone looks again at what checks doubt; of a second one `check-2`, and so on."""

NOTE = "note"
"""Key of task data with a few lines that the page shows above the article."""
BETWEEN = "between"
"""Key of task data with the ids of the annotations that a review is about."""
DOUBTS = "doubts"
"""Key of task data with what the checks doubt: a list of `{"ids": […], "spans": [[start, end], …]}`."""
WITHHELD = "withheld"
"""Key of task data of a blind task: the id of the pre-annotation that was held back; empty where there was none."""

PREDICTION = "pre-annotation"
"""`model_version` of every prediction we send, whatever the engine: the label stream shows the predictions of one
`model_version` a project and hides all others, so a second engine's would never be seen."""
ENGINE = "engine"
ANNOTATION = "annotation"
"""Keys of the `meta` of a prediction's first region: the engine (`name@version`) and the id of the annotation it is.
The editor does not show `meta` and keeps it, so a submitted annotation names the prediction that it started from."""

UNKNOWN = "ls-unknown"
"""Name of the annotator of what nobody is named for: the account was deleted in Label Studio."""


def is_review(purpose: str) -> bool:
    """Is what is submitted in tasks of this purpose reviewed?"""
    return purpose == ADJUDICATE or purpose.partition("-")[0] == CHECK
