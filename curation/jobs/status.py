"""Status: the stage of every article, read from disk; no server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from curation.annotation import read_annotations
from curation.article import Article, Value
from curation.formats.articles import NoArticles
from curation.jobs.inputs import project_articles
from curation.jobs.options import Option
from curation.jobs.review_policy import DECIDE, LISTED, UndecidedArticle, policy, undecided_articles
from curation.labelstudio import Snapshot, is_review, latest_snapshot, read_snapshot, task_status
from curation.metrics.rounding import decimal, percent
from curation.release import latest_release, read_article_records
from curation.result import Block, Table, TableResult
from curation.review.pseudonyms import Pseudonyms
from curation.settings import Settings

STAGES = ("unusable", "new", "pre-annotated", "open", "draft", "skipped", "submitted", "released", "deleted", "gone")
"""In the order of the work. `unusable`: cannot be read; `deleted`: its task was deleted in Label Studio; `gone`: was
pushed, but its article is no longer in the project. An article whose text has changed starts again as `new`."""

NEXT_STEP = {
    "new": "curation preannotate",
    "pre-annotated": "curation push",
    "open": "people annotate, then curation pull",
    "submitted": "curation publish",
}
"""Stage → the command that takes an article to the next one, in the order of the work."""

MOST_PEOPLE = 20
"""How many people `show` names."""

BRIEF = "report.json"
"""The file in the work folder with the short form of the last `curation report`."""


class Brief(Value):
    """The short form of a report on one snapshot, for figures that take too long to compute each time.

    `agreement` is F1 between people on entities, over `twice` articles annotated twice; `kept` the share of predicted
    items that people kept unchanged; `findings` the number of likely mistakes. None: not measured.
    """

    snapshot: str
    agreement: float | None
    twice: int
    kept: float | None
    findings: int | None


PUBLISHED = "published.json"
"""The file in the work folder that names the snapshot of the last `curation publish`."""


class Published(Value):
    """The snapshot that was published last, and the version of the release that holds it.

    The release itself names the snapshot it was built from: a publish that changes nothing builds none.
    """

    snapshot: str
    version: str


class StatusResult(TableResult):
    """Article id → stage as of the last push and pull, and the count of each stage; unusable articles by file.

    `submitted`: pseudonym → articles that person submitted, as of the last pull; `people`: the same pseudonyms → their
    number in Label Studio (`ls-3`). `brief` is None where no report was made on that pull.
    `undecided`: articles on which people differ and nobody has decided, as of the last pull, whatever their stage.
    `to_decide`: tasks to decide or to look at again that are open as of the last pull. `empty`: why a source holds no
    articles. `left_out`: submitted articles that the last publish left out, if nothing was pulled since.
    `restored`: what was restored from a backup, and the command that brings everything together again.
    """

    articles: dict[str, str]
    counts: dict[str, int]
    problems: tuple[str, ...]
    submitted: dict[str, int]
    people: dict[str, str]
    brief: Brief | None
    undecided: tuple[UndecidedArticle, ...]
    to_decide: int
    empty: tuple[str, ...]
    left_out: int = 0
    restored: tuple[str, ...] = ()

    def records(self) -> list[dict[str, Any]]:
        """A row for each article: its id and stage."""
        return [{"article": name, "stage": stage} for name, stage in self.articles.items()]

    def show(
        self, *, everything: Annotated[bool, Option("A line for every article, not only the counts.", "--all")] = False
    ) -> Iterator[Block]:
        """The count of each stage, or with `everything` the stage of each article; who submitted; the next step."""
        undecided = {one.article_id for one in self.undecided}
        if everything:
            rows = [
                (name, f"{stage}, undecided" if name in undecided else stage) for name, stage in self.articles.items()
            ]
            yield Table(("article", "stage"), rows, left=("stage",))
        else:
            counts = [(stage, self.counts[stage]) for stage in STAGES if self.counts[stage]]
            yield Table(("stage", "articles"), [*counts, ("all", len(self.articles))])
        if self.submitted:
            people = list(self.submitted.items())
            named = ", ".join(
                f"{name.removeprefix('person:')} ({self.people[name]}) {count}" for name, count in people[:MOST_PEOPLE]
            )
            yield f"submitted: {named}" + (", …" if len(people) > MOST_PEOPLE else "")
            yield _in_words(self.brief)
        if self.undecided:
            count = len(self.undecided)
            yield f"undecided: people differ on {count:,} {'article' if count == 1 else 'articles'}; {DECIDE}"
            yield from (f"{one}" for one in self.undecided[:LISTED])
            if count > LISTED:
                yield f"… and {count - LISTED:,} more, all of them with --json"
        if self.to_decide:
            yield f"tasks to decide or to look at again: {self.to_decide} open in Label Studio, then curation pull"
        # Publishing takes an undecided article no further.
        waiting = Counter(stage for name, stage in self.articles.items() if name not in undecided)
        if self.left_out:
            # Publishing the same snapshot again would not change the release.
            waiting["submitted"] = 0
            yield f"left out of the last publish: {self.left_out} submitted"
        steps = [f"{step} ({waiting[stage]} {stage})" for stage, step in NEXT_STEP.items() if waiting[stage]]
        if undecided:
            steps.append(f"curation review ({len(undecided)} undecided)")
        if steps:
            yield f"next: {'; '.join(steps)}"

    def messages(self) -> Iterator[str]:
        """Files that cannot be used, sources without articles, and what was restored or deleted."""
        yield from (f"unusable: {problem}" for problem in self.problems)
        yield from self.empty
        yield from self.restored
        if deleted := self.counts["deleted"]:
            yield (
                f"deleted in Label Studio: {deleted}; `curation push --resend-deleted` sends them again; "
                "if Label Studio was restored from a backup: run push --rebuild-ledger"
            )


def status(project: Settings) -> StatusResult:
    """The stage of every article of the project, as of the last push and pull.

    Raises:
        BadInput: a file that the jobs wrote cannot be read.
    """
    preannotated = set()
    if project.preannotations.exists():
        preannotated = {(one.article_id, one.text_sha256) for one in read_annotations(project.preannotations)}
    tasks = task_status(project.work)
    pushed = {(one.article_id, one.text_sha256): one for one in tasks.tasks}
    folder = latest_snapshot(project.work)
    snapshot = read_snapshot(folder) if folder else None
    undecided = undecided_articles(snapshot, policy(project)) if snapshot else {}
    release = latest_release(project.releases)
    released = {one.id: one.text_sha256 for one in read_article_records(release)} if release else {}
    stages: dict[str, str] = {}
    problems, empty = [], []
    for found in project_articles(project):
        if isinstance(found, NoArticles):
            empty.append(str(found))
            continue
        if not isinstance(found, Article):
            problems.append(str(found))
            continue
        revision = (found.id, found.text_sha256)
        if revision in pushed and pushed[revision].stage != "submitted":
            stages[found.id] = pushed[revision].stage
        elif released.get(found.id) == found.text_sha256:
            stages[found.id] = "released"
        elif revision in pushed:
            stages[found.id] = "submitted"
        else:
            stages[found.id] = "pre-annotated" if revision in preannotated else "new"
    for article_id, _ in pushed:
        stages.setdefault(article_id, "gone")
    counts = Counter(stages.values())
    counts["unusable"] = len(problems)
    submitted, people = _submitted(project.work, snapshot) if snapshot else ({}, {})
    left_out = 0
    if snapshot and release and _published(project.work) == (snapshot.path.name, release.name.removeprefix("v")):
        left_out = sum(stage == "submitted" and name not in undecided for name, stage in stages.items())
    return StatusResult(
        articles=stages,
        counts={stage: counts[stage] for stage in STAGES},
        problems=tuple(problems),
        submitted=submitted,
        people=people,
        brief=_brief(project.work, snapshot.path.name) if snapshot else None,
        undecided=tuple(undecided.values()),
        to_decide=_to_decide(snapshot) if snapshot else 0,
        empty=tuple(empty),
        left_out=left_out,
        restored=tasks.restored,
    )


def _submitted(work: Path, snapshot: Snapshot) -> tuple[dict[str, int], dict[str, str]]:
    """Pseudonym → articles submitted, the busiest first; pseudonym → number in Label Studio.

    The lines are not read as annotations, which takes long.
    """
    done = {
        (record["annotator"]["name"], record["article_id"])
        for _, record in snapshot.annotation_records()
        if record["state"] == "submitted"
    }
    counts = Counter(name for name, _ in done)
    if not counts:
        return {}, {}
    pseudonyms = Pseudonyms.of(work)
    outer = {name: pseudonyms.key(f"person:{name}") for name in counts}
    names = sorted(counts, key=lambda name: (-counts[name], outer[name]))
    return {outer[name]: counts[name] for name in names}, {outer[name]: name for name in names}


def _to_decide(snapshot: Snapshot) -> int:
    return sum(is_review(task.purpose) and task.state in ("untouched", "draft") for task in snapshot.tasks())


def _in_words(brief: Brief | None) -> str:
    if brief is None:
        return "agreement, corrections and likely mistakes: `curation report`"
    parts = []
    if brief.agreement is not None:
        parts.append(f"agreement F1 {decimal(brief.agreement, 2)} on the entities of {brief.twice} articles")
    if brief.kept is not None:
        parts.append(f"{percent(brief.kept)}% of the predicted items kept")
    if brief.findings is not None:
        parts.append(f"{brief.findings:,} findings worth a look")
    return ", ".join(parts) or "the last report has no figures on agreement, corrections or checks"


def _published(work: Path) -> tuple[str, str] | None:
    """The snapshot and version of the last publish, if they are recorded."""
    try:
        published = Published.model_validate_json((work / PUBLISHED).read_bytes())
    except (OSError, ValueError):
        return None  # never published, or by another version of this toolkit
    return published.snapshot, published.version


def _brief(work: Path, snapshot: str) -> Brief | None:
    try:
        brief = Brief.model_validate_json((work / BRIEF).read_bytes())
    except (OSError, ValueError):
        return None  # none, or of another version: the next report writes a new one
    return brief if brief.snapshot == snapshot else None
