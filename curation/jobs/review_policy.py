"""The selection policy from `[review]` of curation.toml, and the articles that it leaves undecided."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from curation.annotation import Annotation, Annotator
from curation.article import Article, Value
from curation.errors import BadInput, ProjectError
from curation.labelstudio import ADJUDICATE, ANNOTATE, TASKS, UNKNOWN, Snapshot, TaskLine
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Outcome, Policy, Undecided, choose
from curation.settings import FILE, Settings

DECIDE = "`curation review` makes tasks to decide in"
"""The hint where articles are undecided."""
LISTED = 20
"""Most articles that a message names."""


def policy(project: Settings) -> Policy:
    """The policy of `[review]`.

    Raises:
        ProjectError: an attribute that is to be ignored is not in the schema.
    """
    section, schema = project.review_rules, project.load_schema()
    declared = {attribute.name: attribute.default for attribute in schema.attributes}
    for name in section.ignore_attributes:
        if name not in declared:
            raise ProjectError(
                f"{name} is no attribute of the schema",
                path=project.root / FILE,
                field="review.ignore_attributes",
                way_out=f"name some of {', '.join(sorted(declared)) or 'none'}",
            )
    rules = Policy(
        needed=section.needed,
        ignore_attributes=section.ignore_attributes,
        defaults=declared,
        undecided=section.undecided,
        schema=schema,
        deleted=UNKNOWN,
    )
    if not section.annotators:
        return rules
    names = frozenset(name.removeprefix("person:") for name in section.annotators)
    pseudonyms = Pseudonyms.of(project.work)

    def counts(annotator: Annotator) -> bool:
        if annotator.kind != "person":
            return False
        return annotator.name in names or pseudonyms.key(annotator.key).removeprefix("person:") in names

    return rules._replace(counts=counts)


class UndecidedArticle(Value):
    """An article on which people differ.

    article_id   the article
    text_sha256  the text that they annotated
    url          address of the task to decide in, else of the one they annotated; None where it is not known
    submitted    people who submitted it
    skipped      people who skipped it
    kept         whether the release has what the release before had of it; False: it waits
    """

    article_id: str
    text_sha256: str
    url: str | None
    submitted: int
    skipped: int
    kept: bool = False

    def __str__(self) -> str:
        people = f"{self.submitted} submitted" + (f", {self.skipped} skipped" if self.skipped else "")
        return f"{self.article_id} ({people})" + (f" {self.url}" if self.url else "")


def select(texts: dict[str, Article], annotations: list[Annotation], policy: Policy) -> Outcome:
    """Choose the annotation of one article that counts; annotations of texts not in the snapshot are ignored."""
    return choose([one for one in annotations if one.text_sha256 in texts], policy)


def undecided_articles(
    snapshot: Snapshot, policy: Policy, bars: Callable[[str, str | None], object] = lambda article_id, licence: None
) -> dict[str, UndecidedArticle]:
    """Article id → every undecided article of a snapshot, by rising id.

    Only articles with two annotations or more are parsed; those with a line that cannot be read are left out.

    Args:
        bars: of an article id and licence, whether the article stays out of releases anyway, and is not looked at.

    Raises:
        BadInput: a file of the snapshot cannot be read.
    """
    found: dict[str, Undecided] = {}
    for records in snapshot.records_by_article():
        if len(records.annotations) < 2:
            continue
        try:
            texts, annotations = records.read()
        except BadInput:
            continue  # publish names it
        outcome = select(texts, annotations, policy)
        if isinstance(outcome, Undecided):
            article = texts[outcome.text_sha256]
            if not bars(article.id, article.licence):
                found[article.id] = outcome
    urls = addresses(snapshot, {article_id: undecided.text_sha256 for article_id, undecided in found.items()})
    return {
        article_id: UndecidedArticle(
            article_id=article_id,
            text_sha256=undecided.text_sha256,
            url=urls.get(article_id),
            submitted=sum(annotation.state == "submitted" for annotation in undecided.annotations),
            skipped=sum(annotation.state == "skipped" for annotation in undecided.annotations),
        )
        for article_id, undecided in found.items()
    }


def addresses(snapshot: Snapshot, texts: Mapping[str, str | None]) -> dict[str, str]:
    """Article id → address of its task, one to decide in before one to annotate in.

    Args:
        texts: article id → hash of the text that the task must have; None: any text.
    """
    if not texts or not (snapshot.path / TASKS).is_file():
        return {}
    tasks: dict[str, TaskLine] = {}
    for task in snapshot.tasks():
        if (
            task.article_id is None
            or task.article_id not in texts
            or texts[task.article_id] not in (None, task.text_sha256)
        ):
            continue
        known = tasks.get(task.article_id)
        if task.purpose == ADJUDICATE or (task.purpose == ANNOTATE and known is None):
            tasks[task.article_id] = task
    web = ("http://", "https://")
    return {article_id: task.url for article_id, task in tasks.items() if task.url.startswith(web)}
