"""Status: where every article stands, from what is on disk; nothing is asked of a server."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from curation.annotation import read_annotations
from curation.article import Article, Value
from curation.files import read_jsonl
from curation.formats.articles import NoArticles, read_articles
from curation.labelstudio.names import is_review
from curation.labelstudio.snapshot import ANNOTATIONS, TASKS, latest_snapshot, read_snapshot
from curation.labelstudio.standing import standing
from curation.release import latest_release, read_known
from curation.review.pseudonyms import Pseudonyms
from curation.settings import Settings

STAGES = ("unusable", "new", "pre-annotated", "open", "draft", "skipped", "submitted", "released", "deleted", "gone")
"""In the order of the work. `unusable` cannot be read; `deleted` had its task removed in Label Studio; `gone` was
pushed, but its article is no longer in the project. An article whose text has changed starts again at `new`."""


BRIEF = "report.json"
"""What the last `curation report` left in the work folder for `curation status` to tell."""


class Brief(Value):
    """The short of a report on one snapshot: what takes too long to find out each time.

    `agreement` is F1 between people on entities over so many `twice` annotated articles, `kept` the share of what was
    predicted that people kept as it was, `findings` how many places are worth a second look; None where there is none.
    """

    snapshot: str
    agreement: float | None
    twice: int
    kept: float | None
    findings: int | None


class StatusReport(Value):
    """Article id → stage as of the last push and pull, and how many stand at each; unusable ones by file.

    `submitted`: pseudonym → articles that person submitted, as of the last pull; `people`: the same pseudonyms → their
    number in Label Studio (`ls-3`). `brief` is None where no report was made on that pull.
    `to_decide`: tasks to decide or to look at again that are open as of the last pull. `empty`: why a source holds no
    articles.
    """

    articles: dict[str, str]
    counts: dict[str, int]
    problems: tuple[str, ...]
    submitted: dict[str, int]
    people: dict[str, str]
    brief: Brief | None
    to_decide: int
    empty: tuple[str, ...]


def status(project: Settings) -> StatusReport:
    """Where every article of the project stands.

    Raises:
        BadInput: a file that the jobs wrote cannot be read.
    """
    preannotated = set()
    if project.preannotations.exists():
        preannotated = {(one.article_id, one.text_sha256) for one in read_annotations(project.preannotations)}
    pushed = {(one.article_id, one.text_sha256): one for one in standing(project.work)}
    release = latest_release(project.releases)
    released = {one.id: one.text_sha256 for one in read_known(release)} if release else {}
    stages: dict[str, str] = {}
    problems, empty = [], []
    for found in read_articles(project.articles):
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
    snapshot = latest_snapshot(project.work)
    if snapshot is not None:
        read_snapshot(snapshot)
    submitted, people = _submitted(project.work, snapshot) if snapshot else ({}, {})
    return StatusReport(
        articles=stages,
        counts={stage: counts[stage] for stage in STAGES},
        problems=tuple(problems),
        submitted=submitted,
        people=people,
        brief=_brief(project.work, snapshot.name) if snapshot else None,
        to_decide=_to_decide(snapshot) if snapshot else 0,
        empty=tuple(empty),
    )


def _submitted(work: Path, snapshot: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Pseudonym → articles submitted, the busiest first; pseudonym → number in Label Studio.

    The lines are not read as annotations, which takes long.
    """
    done = {
        (record["annotator"]["name"], record["article_id"])
        for _, record in read_jsonl(snapshot / ANNOTATIONS)
        if record["state"] == "submitted"
    }
    counts = Counter(name for name, _ in done)
    if not counts:
        return {}, {}
    pseudonyms = Pseudonyms.of(work)
    outer = {name: pseudonyms.key(f"person:{name}") for name in counts}
    names = sorted(counts, key=lambda name: (-counts[name], outer[name]))
    return {outer[name]: counts[name] for name in names}, {outer[name]: name for name in names}


def _to_decide(snapshot: Path) -> int:
    return sum(
        is_review(record["purpose"]) and record["state"] in ("untouched", "draft")
        for _, record in read_jsonl(snapshot / TASKS)
    )


def _brief(work: Path, snapshot: str) -> Brief | None:
    try:
        brief = Brief.model_validate_json((work / BRIEF).read_bytes())
    except (OSError, ValueError):
        return None  # there is none, or it is another version's: the next report makes a new one
    return brief if brief.snapshot == snapshot else None
