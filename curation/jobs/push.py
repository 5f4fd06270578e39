"""Push: articles and their pre-annotations become tasks with predictions in Label Studio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from curation.annotation import Annotation
from curation.article import Article
from curation.errors import BadInput
from curation.jobs.inputs import usable_articles
from curation.jobs.options import ArticleSources, Counts, OnProgress, Option, ResendDeleted, silent
from curation.jobs.studio import connect
from curation.labelstudio import PushReport, TaskSpec
from curation.labelstudio import push as push_tasks
from curation.result import Result
from curation.review.sampling import among, share
from curation.settings import Settings
from curation.store import AnnotationFile

SHOWN = 5
"""How many articles that are too long a result names; all are counted."""


MOST_LISTED = 200
"""Most unusable articles that messages list."""


class PushResult(PushReport, Result):
    """What a push did.

    `too_long` counts articles that were not sent for their length. `unusable`: articles that cannot be read, a line
    each; the others went on.
    """

    too_long: int = 0
    unusable: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 where an article was set aside, or sent without its pre-annotation since that was refused."""
        return 3 if self.refused or self.too_long or self.unusable else 0

    def messages(self) -> Iterator[str]:
        """Every article that cannot be read, then the problems."""
        if self.unusable:
            yield f"unusable: {len(self.unusable)} articles set aside; correct them and push again"
        yield from (f"  {problem}" for problem in self.unusable[:MOST_LISTED])
        if len(self.unusable) > MOST_LISTED:
            yield f"  … and {len(self.unusable) - MOST_LISTED} more, all of them with --json"
        yield from self.problems

    def show(self) -> Iterator[str]:
        """The counts, and the address of the project."""
        yield (
            f"{self.articles} articles: {self.sent} sent, {self.already_there} already there"
            + (f", {self.refreshed} given a newer pre-annotation" if self.refreshed else "")
            + (f", {self.touched} begun and left as they are" if self.touched else "")
            + (f", {self.deleted} deleted in Label Studio" if self.deleted else "")
            + (f", {self.superseded} superseded by a new text" if self.superseded else "")
            + (f", {self.blind} blind" if self.blind else "")
            + (f", {self.arranged} now for several people" if self.arranged else "")
            + (f", {self.refused} pre-annotations refused" if self.refused else "")
            + (f", {len(self.unusable)} unusable" if self.unusable else "")
            + (f", {self.too_long} too long and not sent" if self.too_long else "")
        )
        yield f"annotate at {self.project_url}"


def push(
    project: Settings,
    *,
    articles: ArticleSources = None,
    annotations: Annotated[Path | None, Option("What `preannotate` wrote (.jsonl); default: the project's.")] = None,
    resend_deleted: ResendDeleted = False,
    rebuild_ledger: Annotated[bool, Option("Forget the ledger and read it anew from Label Studio.")] = False,
    new_project: Annotated[bool, Option("Begin a new project where ours was deleted in Label Studio.")] = False,
    overlap: Annotated[str | None, Option("Share of articles that two people annotate, such as 10%.")] = None,
    blind: Annotated[str | None, Option("Share of new articles sent without their pre-annotation, such as 5%.")] = None,
    strict: Annotated[bool, Option("Send nothing if any article cannot be read, instead of setting it aside.")] = False,
    on_progress: Annotated[OnProgress, Counts("articles pushed")] = silent,
) -> PushResult:
    """Send every article with its annotation from `annotations` (default: what `preannotate` wrote).

    Run again, it sends what is missing and nothing else. An article without an annotation becomes a task
    without a prediction; the problems of the report say how many. The three choices are those of
    `curation.labelstudio.push`.

    Args:
        overlap: the share of articles that as many people annotate as the project's policy needs (two); also of
            articles that are there already. Default: what curation.toml says.
        blind: the share of articles that are sent without their pre-annotation, and stay so. Default: as above.
        strict: send nothing if any article cannot be read; else such articles are set aside and named.

    Raises:
        BadInput: a share is none, a line of annotations cannot be used, or no article (with `strict`: any article) can
            be read; nothing was sent.
        LabelStudioError: see `curation.labelstudio.push`.
    """
    annotations = annotations or project.preannotations
    if not annotations.exists():
        raise BadInput("no annotations there", path=annotations, way_out="run `curation preannotate` first")
    too_long: list[str] = []
    unusable: list[BadInput] = []
    # All are read once before anything is sent, for `strict` and for the messages.
    count = sum(1 for _ in usable_articles(project, articles, too_long=too_long, unusable=unusable))
    if unusable and (strict or not count):
        unusable[0].details = tuple(map(str, unusable[1:]))
        raise unusable[0]
    rules = project.review_rules
    overlap_share, blind_share = _share("overlap", overlap or rules.overlap), _share("blind", blind or rules.blind)
    bare: list[str] = []

    def tasks() -> Iterator[TaskSpec]:
        sent = usable_articles(project, articles, too_long=[], unusable=[], keep_originals=True)
        for article, annotation in paired(sent, annotations):
            if annotation is None:
                bare.append(article.id)
            yield TaskSpec(
                article,
                annotation,
                people=rules.needed if among(article.id, "overlap", overlap_share, seed=project.name) else None,
                blind=among(article.id, "blind", blind_share, seed=project.name),
            )

    with connect(project) as client:
        report = push_tasks(
            client,
            project.load_schema(),
            tasks(),
            work=project.work,
            title=project.title,
            batch_size=project.batch_size,
            resend_deleted=resend_deleted,
            rebuild_ledger=rebuild_ledger,
            new_project=new_project,
            on_progress=on_progress,
        )
    problems = [*report.problems, *(f"refused: {problem}" for problem in too_long[:SHOWN])]
    if len(too_long) > SHOWN:
        problems.append(f"refused: {len(too_long) - SHOWN} more articles that are too long")
    if bare:
        first = ", ".join(bare[:5]) + (", …" if len(bare) > 5 else "")
        problems.append(f"{annotations}: holds no pre-annotation of {len(bare)} articles as they are now: {first}")
    return PushResult(
        **dict(report)
        | {"problems": tuple(problems), "too_long": len(too_long)}
        | {"unusable": tuple(map(str, unusable))}
    )


def _share(name: str, written: str) -> float:
    try:
        return share(written)
    except ValueError as error:
        raise BadInput(str(error), field=name) from error


def paired(articles: Iterable[Article], annotations: Path) -> Iterator[tuple[Article, Annotation | None]]:
    """Each article with its annotation in the file, if one was made on this very text.

    Raises:
        BadInput: the file cannot be read, or annotates an article twice.
    """
    made = AnnotationFile(annotations)
    for article in articles:
        annotation = made.of(article)
        yield article, annotation if isinstance(annotation, Annotation) else None
