"""Status: where every article stands, from what is on disk; nothing is asked of a server."""

from __future__ import annotations

from collections import Counter

from curation.annotation import read_annotations
from curation.article import Article, Value
from curation.formats.articles import read_articles
from curation.labelstudio.standing import standing
from curation.project import Project
from curation.release import latest_release, read_known

STAGES = ("unusable", "new", "pre-annotated", "open", "draft", "skipped", "submitted", "released", "deleted", "gone")
"""In the order of the work. `unusable` cannot be read; `deleted` had its task removed in Label Studio; `gone` was
pushed, but its article is no longer in the project. An article whose text has changed starts again at `new`."""


class StatusReport(Value):
    """Article id → stage as of the last push and pull, and how many stand at each; unusable ones by file."""

    articles: dict[str, str]
    counts: dict[str, int]
    problems: tuple[str, ...]


def status(project: Project) -> StatusReport:
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
    problems = []
    for found in read_articles(project.articles):
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
    return StatusReport(articles=stages, counts={stage: counts[stage] for stage in STAGES}, problems=tuple(problems))
