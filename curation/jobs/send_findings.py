"""Send findings: articles with likely mistakes go back to Label Studio. Findings that people leave are dismissed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import ValidationError

from curation.annotation import Annotation, Span
from curation.errors import one_line
from curation.jobs.check import dismiss, find
from curation.jobs.inputs import snapshot_folder
from curation.jobs.options import OnProgress, silent
from curation.jobs.studio import connect
from curation.labelstudio import (
    BETWEEN,
    CHECK,
    DOUBTS,
    NOTE,
    Snapshot,
    TaskSpec,
    predictions,
    push,
    read_snapshot,
    tab,
)
from curation.metrics.matching import unchanged
from curation.release import read_takedown
from curation.result import Result
from curation.review.checks import Finding
from curation.review.pseudonyms import Pseudonyms
from curation.settings import Settings

_ID = re.compile(r"[0-9a-f]{16}")
TAB = "Look again"
"""Title of the Data Manager's tab with these tasks."""
TOP = 100
"""Default number of findings to send, the most probable first."""
MESSAGES = 3
"""Messages of one place in the note of a task, the most probable first."""


class _Asked(NamedTuple):
    """One finding that a task asked about: the ids to dismiss, and its spans."""

    ids: list[str]
    spans: list[Span]


class SendFindingsResult(Result):
    """What was sent. Each article has one task for all findings in it.

    findings     taken, of so many (`found`)
    articles     they are in
    sent, already_there, refreshed, touched, deleted   tasks, as push counts them
    left_out     articles that were taken down
    """

    findings: int
    found: int
    articles: int
    left_out: int
    sent: int = 0
    already_there: int = 0
    refreshed: int = 0
    touched: int = 0
    deleted: int = 0
    problems: tuple[str, ...] = ()
    url: str | None = None

    def show(self) -> Iterator[str]:
        """The counts of findings and tasks, and the address of the tasks."""
        yield (
            f"{self.findings} of {self.found} findings, in {self.articles} articles: {self.sent} sent, "
            f"{self.already_there} already there"
            + (f", {self.refreshed} renewed" if self.refreshed else "")
            + (f", {self.touched} begun or answered and left as they are" if self.touched else "")
            + (f"; {self.left_out} articles taken down and left out" if self.left_out else "")
        )
        if self.url:
            yield f"open them at {self.url}"


def send_findings(
    project: Settings,
    *,
    top: int = TOP,
    resend_deleted: bool = False,
    on_progress: OnProgress = silent,
) -> SendFindingsResult:
    """Make a task for every article with one of the `top` findings of `curation check`.

    The task starts from the annotation that publish would release, and its note lists the findings. A second run sends
    what is missing; an article that somebody looked at gets another task only for new findings.

    Raises:
        BadInput: there is no snapshot, or nothing in it to check.
        LabelStudioError: see `curation.labelstudio.push`.
    """
    source = read_snapshot(snapshot_folder(project))
    settle(project, source)
    found = find(project)
    findings = _not_asked_before(project, source, found.findings)[:top]
    gone = set(read_takedown(project.takedown)) if project.takedown else set()
    of_annotation: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.article_id not in gone:
            of_annotation.setdefault(finding.annotation_id, []).append(finding)
    with connect(project) as client:
        pushed = push(
            client,
            project.load_schema(),
            _tasks(source, of_annotation),
            work=project.work,
            title=project.title,
            batch_size=project.batch_size,
            resend_deleted=resend_deleted,
            on_progress=on_progress,
        )
        url = tab(client, pushed.project_id, TAB, CHECK) if of_annotation else None
    return SendFindingsResult(
        findings=len(findings),
        found=found.found,
        articles=len(of_annotation),
        left_out=len({finding.article_id for finding in findings} & gone),
        sent=pushed.sent,
        already_there=pushed.already_there,
        refreshed=pushed.refreshed,
        touched=pushed.touched,
        deleted=pushed.deleted,
        problems=pushed.problems,
        url=url,
    )


def _tasks(snapshot: Snapshot, of_annotation: dict[str, list[Finding]]) -> Iterator[TaskSpec]:
    answered = Counter(
        (task.article_id, task.text_sha256)
        for task in snapshot.tasks()
        if task.purpose.partition("-")[0] == CHECK and task.state == "submitted"
    )
    for texts, made in snapshot.by_article():
        for annotation in made:
            findings = of_annotation.get(annotation.id)
            if not findings or annotation.text_sha256 not in texts:
                continue
            times = answered[annotation.article_id, annotation.text_sha256]
            yield TaskSpec(
                texts[annotation.text_sha256],
                annotation,
                purpose=f"{CHECK}-{times + 1}" if times else CHECK,
                data={
                    NOTE: note(findings),
                    BETWEEN: [annotation.id],
                    DOUBTS: [
                        {"ids": list(finding.ids), "spans": [[span.start, span.end] for span in finding.spans]}
                        for finding in findings
                    ],
                },
            )


def note(findings: list[Finding]) -> str:
    """The note on the page: the messages of the findings, in the order of the text."""
    ordered = sorted(findings, key=lambda finding: (finding.spans[0].start, finding.spans[0].end))
    messages = [[finding.message, *(hint.message for hint in finding.also)][:MESSAGES] for finding in ordered]
    lines = [f"{number}. {' '.join(one_line(text, 300) for text in texts)}" for number, texts in enumerate(messages, 1)]
    first = "Perhaps a mistake? Correct what is wrong and submit; what you leave as it is counts as right."
    return "\n".join([first, *lines])


def settle(project: Settings, snapshot: Snapshot) -> int:
    """Dismiss the findings whose spans people left unchanged in such tasks. Returns the number of new dismissals."""
    dismissed = 0
    for answer, before, asked in _answered(project, snapshot):
        left = [name for names, spans in asked if unchanged(before, answer, spans) for name in names]
        dismissed += _dismiss(project, answer, left)
    return dismissed


def _not_asked_before(project: Settings, snapshot: Snapshot, findings: Sequence[Finding]) -> list[Finding]:
    """The findings without those that the annotator was asked about before, which are dismissed.

    Somebody may have corrected one finding at a place and left another one.
    """
    answered = {answer.id: (answer, asked) for answer, _, asked in _answered(project, snapshot)}
    new = []
    for finding in findings:
        if finding.annotation_id in answered:
            answer, asked = answered[finding.annotation_id]
            same = {name for names, _ in asked for name in names} & set(finding.ids)
            _dismiss(project, answer, sorted(same))
            if finding.id in same:
                continue
        new.append(finding)
    return new


def _dismiss(project: Settings, answer: Annotation, ids: Sequence[str]) -> int:
    by = Pseudonyms.of(project.work).key(answer.annotator.key).partition(":")[2]
    return dismiss(project, ids, why="left unchanged by a person who was asked to look again", by=by) if ids else 0


def _answered(project: Settings, snapshot: Snapshot) -> Iterator[tuple[Annotation, Annotation, list[_Asked]]]:
    """For each answered task: the answer, the annotation before it, and the findings in question."""
    lines = {
        task.task: task
        for task in snapshot.tasks()
        if task.purpose.partition("-")[0] == CHECK and task.state == "submitted"
    }
    if not lines:
        return
    ids = {name for task in lines.values() for name in task.annotations}
    answers = {one.id: one for one in snapshot.annotations() if one.id in ids and one.state == "reviewed"}
    with predictions(project.work, snapshot) as sent:
        for raw in snapshot.raw(lines.keys()):
            answer = next((answers[name] for name in reversed(lines[raw["id"]].annotations) if name in answers), None)
            before = sent.by_id(answer.between[0]) if answer is not None and answer.between else None
            if answer is not None and before is not None and before.text_sha256 == answer.text_sha256:
                yield answer, before, list(_asked(raw["data"].get(DOUBTS)))


def _asked(written: Any) -> Iterator[_Asked]:
    """The findings in a task's data. Anyone may have changed them: what cannot be read is ignored."""
    for one in written if isinstance(written, list) else ():
        with suppress(KeyError, TypeError, ValueError, ValidationError):
            spans = [Span(start=start, end=end) for start, end in one["spans"]]
            yield _Asked([str(name) for name in one["ids"] if _ID.fullmatch(str(name))], spans)
