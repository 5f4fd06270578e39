"""Review: articles on which people differ become tasks in Label Studio, in which somebody decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import WrongUsage
from curation.jobs.inputs import snapshot_folder
from curation.jobs.options import Counts, OnProgress, Option, ResendDeleted, SnapshotFolder, silent
from curation.jobs.review_policy import policy
from curation.jobs.send_findings import TOP, SendFindingsResult, send_findings
from curation.jobs.studio import connect
from curation.labelstudio import (
    ADJUDICATE,
    BETWEEN,
    NOTE,
    UNKNOWN,
    PushReport,
    Snapshot,
    TaskSpec,
    push,
    read_snapshot,
    tab,
)
from curation.release import read_takedown
from curation.result import Result
from curation.review.adjudication import Merged, merge
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Policy, decision
from curation.schema import LabelSchema
from curation.schema_migration import migrate
from curation.settings import Settings

TAB = "Adjudicate"
"""Title of the Data Manager's tab with these tasks."""
LINES = 30
"""Most differences that the note of a task lists."""
SHOWN = 20
"""Most problems that a result names."""


class ReviewResult(Result):
    """The state of review of the articles in the snapshot. Each is counted once.

    waiting      annotated by fewer people than are needed
    agreed       as many people as are needed agree
    differ       people differ (one may have skipped what another submitted), and the article has a task to decide in
    decided      decided before, or decided to leave it out
    newer        decided before, and annotated again since: check whether the decision is still right
    left_out     by reason, annotations or articles that could not take part
    sent, already_there, refreshed, touched, deleted   tasks, as push counts them
    """

    snapshot: str
    waiting: int
    agreed: int
    differ: int
    decided: int
    newer: int
    left_out: dict[str, int]
    sent: int = 0
    already_there: int = 0
    refreshed: int = 0
    touched: int = 0
    deleted: int = 0
    problems: tuple[str, ...] = ()
    url: str | None = None

    def show(self) -> Iterator[str]:
        """The counts of articles and tasks, and the address of the tasks."""
        yield (
            f"{self.agreed} articles agreed, {self.differ} to decide ({self.sent} sent, {self.already_there} there"
            + (f", {self.refreshed} renewed" if self.refreshed else "")
            + (f", {self.touched} begun and left as they are" if self.touched else "")
            + f"), {self.decided + self.newer} decided"
            + (f", {self.newer} of them annotated again since" if self.newer else "")
            + (f", {self.waiting} waiting for more people" if self.waiting else "")
        )
        if self.url:
            yield f"open the tasks one by one at {self.url}"

    def messages(self) -> Iterator[str]:
        """Problems, and what was left out."""
        yield from self.problems
        yield from (f"left out: {count} {reason}" for reason, count in self.left_out.items())


def review(
    project: Settings,
    *,
    snapshot: SnapshotFolder = None,
    resend_deleted: ResendDeleted = False,
    on_progress: Annotated[OnProgress, Counts("tasks")] = silent,
) -> ReviewResult:
    """Make a task for every article of the snapshot (default: the latest) on which people differ.

    The task starts from the merged annotation; each person's annotation is a variant under a pseudonym. Run again, it
    sends missing tasks, and updates untouched ones with later annotations.

    Raises:
        BadInput: there is no snapshot.
        LabelStudioError: see `curation.labelstudio.push`.
    """
    folder = snapshot_folder(project, snapshot)
    source, schema = read_snapshot(folder), project.load_schema()
    gone = set(read_takedown(project.takedown)) if project.takedown else set()
    sorting = _Sorting(policy(project), Pseudonyms.of(project.work), schema, gone)
    with connect(project) as client:
        pushed = push(
            client,
            schema,
            sorting.tasks(source),
            work=project.work,
            title=project.title,
            batch_size=project.batch_size,
            resend_deleted=resend_deleted,
            on_progress=on_progress,
        )
        url = tab(client, pushed.project_id, TAB, ADJUDICATE) if sorting.counts["differ"] else None
    return sorting.report(folder, pushed, url)


def review_command(
    project: Settings,
    *,
    snapshot: SnapshotFolder = None,
    from_checks: Annotated[
        bool, Option("Send back the findings of `curation check`, for someone to look again.")
    ] = False,
    top: Annotated[
        int | None, Option("With --from-checks: this many findings, default 100.", min=1, max=10_000)
    ] = None,
    resend_deleted: ResendDeleted = False,
    on_progress: Annotated[OnProgress, Counts("tasks")] = silent,
) -> ReviewResult | SendFindingsResult:
    """`curation review`: `review`, or with `from_checks` `send_findings`."""
    if not from_checks:
        if top is not None:
            raise WrongUsage("--top goes with --from-checks")
        return review(project, snapshot=snapshot, resend_deleted=resend_deleted, on_progress=on_progress)
    if snapshot is not None:
        raise WrongUsage("--from-checks takes the latest snapshot; leave --snapshot out")
    return send_findings(project, top=top or TOP, resend_deleted=resend_deleted, on_progress=on_progress)


class _Sorting:
    """Determines the state of each article, and counts the states."""

    def __init__(self, policy: Policy, pseudonyms: Pseudonyms, schema: LabelSchema, gone: set[str]) -> None:
        self.policy, self.pseudonyms, self.schema, self.gone = policy, pseudonyms, schema, gone
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.problems: list[str] = []

    def tasks(self, snapshot: Snapshot) -> Iterator[TaskSpec]:
        """A task for each article on which people differ and nobody decided, by id."""
        open_tasks = {
            one.article_id: one.url
            for one in snapshot.tasks()
            if one.purpose == ADJUDICATE and one.state == "untouched"
        }
        for texts, made in snapshot.by_article():
            article_id = next(iter(texts.values())).id
            usable = list(self.usable(made, texts))
            submitted = self.policy.submitted(usable)
            if not submitted:
                continue
            latest = self.policy.latest_by_person(usable, submitted[-1].text_sha256)
            if article_id in self.gone:
                self.left_out["articles that were taken down"] += 1
                continue
            state = self.state(latest, made)
            self.counts[state] += 1
            if state == "newer":
                self.problem(f"{article_id}: someone annotated it again after it was decided")
            if state == "agreed" and article_id in open_tasks:
                self.problem(f"{article_id}: people agree by now; {open_tasks[article_id]} can be deleted")
            if state == "differ":
                yield self.task(texts[latest[0].text_sha256], latest)

    def usable(self, annotations: list[Annotation], texts: dict[str, Article]) -> Iterator[Annotation]:
        """The submitted and skipped annotations that can be compared, in the labels of the schema."""
        for one in annotations:
            if one.state == "skipped" and one.text_sha256 in texts:
                yield one
            if one.state != "submitted":
                continue
            if one.schema_ref.partition("@")[0] != self.schema.name:
                self.left_out["annotations with another schema"] += 1
            elif one.text_sha256 not in texts:
                self.left_out["annotations of texts that are gone"] += 1
            else:
                yield migrate(one, self.schema)[0]

    def state(self, latest: list[Annotation], annotations: list[Annotation]) -> str:
        """The state of an article: newer, decided, waiting, agreed or differ."""
        if (last := decision(annotations, latest[-1].text_sha256)) is not None:
            # a decision between several annotations names them; one on a finding saw a single annotation only
            seen = set(last.between or ()) if len(last.between or ()) > 1 else {one.id for one in latest}
            since = [one for one in latest if one.id not in seen or (one.time and last.time and one.time > last.time)]
            return "newer" if since else "decided"
        if len(latest) < self.policy.needed:
            return "waiting"
        return "agreed" if all(self.policy.alike(latest[0], one) for one in latest[1:]) else "differ"

    def task(self, article: Article, latest: list[Annotation]) -> TaskSpec:
        """The task in which someone decides between the annotations of the article."""
        names = self.names(latest)
        submitted = [(name, one) for name, one in names if one.state == "submitted"]
        skipped = [name for name, one in names if one.state == "skipped"]
        ignored = self.policy.ignore_attributes
        merged = merge([one for _, one in submitted], article.text, ignore_attributes=ignored)
        return TaskSpec(
            article,
            merged.annotation,
            purpose=ADJUDICATE,
            variants=tuple((f"by {name}", one) for name, one in submitted),
            data={
                NOTE: note(merged, [name for name, _ in submitted], article.text, skipped),
                BETWEEN: [one.id for _, one in names],
            },
            people=0,
        )

    def names(self, latest: list[Annotation]) -> list[tuple[str, Annotation]]:
        """The annotations with the names that they are shown under, by name."""
        known = [one for one in latest if one.annotator.name != UNKNOWN]
        deleted = [one for one in latest if one.annotator.name == UNKNOWN]
        named = [(self.pseudonyms.key(one.annotator.key).partition(":")[2], one) for one in known]
        named += [(f"deleted account {n}" if n > 1 else "deleted account", one) for n, one in enumerate(deleted, 1)]
        return sorted(named, key=lambda pair: pair[0])

    def problem(self, what: str) -> None:
        if len(self.problems) < SHOWN:
            self.problems.append(what)

    def report(self, folder: Path, pushed: PushReport, url: str | None) -> ReviewResult:
        return ReviewResult(
            snapshot=str(folder),
            **{name: self.counts[name] for name in ("waiting", "agreed", "differ", "decided", "newer")},
            left_out=dict(self.left_out),
            sent=pushed.sent,
            already_there=pushed.already_there,
            refreshed=pushed.refreshed,
            touched=pushed.touched,
            deleted=pushed.deleted,
            problems=(*self.problems, *pushed.problems)[:SHOWN],
            url=url,
        )


def note(merged: Merged, names: list[str], text: str, skipped: Sequence[str] = ()) -> str:
    """The instruction above the text of a task to decide in.

    It lists what people differ on, each by the first letters of their pseudonym, and who skipped the article.
    """
    shortened = _shortened([*names, *skipped])
    short = shortened[: len(names)]
    lines = [f"{number}. {one.line(short, text)}" for number, one in enumerate(merged.differences[:LINES], 1)]
    count = len(merged.differences)
    if count > LINES:
        lines.append(f"… and {count - LINES} more")
    head = []
    if count or not skipped:
        head.append(f"To decide: {count} {'difference' if count == 1 else 'differences'} between {', '.join(short)}.")
    if skipped:
        head.append(
            f"Skipped by {', '.join(shortened[len(names) :])}, submitted by {', '.join(short)}: submit to take the "
            "article in, skip to leave it out."
        )
    return "\n".join([*head, *lines])


def _shortened(names: list[str]) -> list[str]:
    """The names cut to the fewest letters that keep them different, four at least."""
    length = next(n for n in range(4, 300) if len({name[:n] for name in names}) == len(set(names)))
    return [name[:length] for name in names]
