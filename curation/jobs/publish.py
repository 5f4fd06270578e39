"""Publish: the reviewed annotations of the latest snapshot become a release."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Literal

from curation.annotation import Annotation
from curation.article import Article, Value
from curation.errors import ReleaseError
from curation.labelstudio import Snapshot, latest_snapshot, predictions, read_snapshot
from curation.project import Project
from curation.release import (
    About,
    ReleaseReport,
    ReviewedArticle,
    Selection,
    build_release,
    latest_release,
    publish_to_hub,
    read_takedown,
)
from curation.review.choose import choose
from curation.review.pseudonyms import Pseudonyms


class PublishReport(Value):
    """The release that was built, and where on the Hub it went, if anywhere."""

    release: ReleaseReport
    snapshot: str
    hub: str | None = None


def publish(
    project: Project,
    *,
    version: str | None = None,
    force: bool = False,
    hub: str | None = None,
    snapshot: Path | None = None,
    licences: tuple[str, ...] = (),
    engine_only: bool = False,
    split: Literal["hash", "time"] | None = None,
) -> PublishReport:
    """Build `releases/vX.Y.Z/` from a snapshot; with `hub` (`ORG/NAME`) publish the same files there.

    Run again with nothing changed, it builds nothing and, with `hub`, finishes what an earlier run began.

    Args:
        licences: take only articles under these; none: under any.
        engine_only: take articles that nobody submitted or skipped, too, with the engine's annotation, marked as such.
        split: what decides on the splits of a first release; later ones go on as it began.

    Raises:
        ReleaseError: there is nothing to release, the version does not fit, or the Hub refuses.
    """
    folder = snapshot or latest_snapshot(project.work)
    if folder is None:
        raise ReleaseError(f"{project.work}: no snapshot yet; run `curation pull` first")
    source = read_snapshot(folder)
    withdrawn = read_takedown(project.takedown) if project.takedown else {}
    pseudonyms = Pseudonyms.of(project.work)
    with predictions(project.work, source) as sent:
        report = build_release(
            reviewed(source, pseudonyms, sent.of if engine_only else None),
            project.load_schema(),
            project.releases,
            version=version,
            previous=latest_release(project.releases),
            about=About(
                name=project.name,
                title=project.release.title or project.title,
                description=project.release.description,
                licence=project.release.licence,
                snapshots=(folder.name,),
                hub=hub,
            ),
            force=force,
            split_by=split,
            selection=Selection(licences=licences, engine_only=engine_only, withdrawn=withdrawn),
        )
    target = None
    if hub is not None:
        token = project.hf_token.get_secret_value() if project.hf_token else None
        target = publish_to_hub(Path(report.folder), hub, report.version, token=token)
    return PublishReport(release=report, snapshot=str(folder), hub=target)


def reviewed(
    snapshot: Snapshot, pseudonyms: Pseudonyms, engine: Callable[[Article], Annotation | None] | None = None
) -> Iterator[ReviewedArticle]:
    """Each article whose annotation counts, by rising id, its annotators under pseudonyms.

    `engine` finds the pre-annotation of an article that nobody submitted or skipped; without it such articles are
    left out. Both files of the snapshot are sorted by article id, so they are read side by side, one article at a time.
    """
    of_article = groupby(snapshot.annotations(), key=lambda annotation: annotation.article_id)
    waiting = next(of_article, None)
    for article_id, revisions in groupby(snapshot.articles(), key=lambda article: article.id):
        while waiting is not None and waiting[0] < article_id:
            waiting = next(of_article, None)
        texts = {article.text_sha256: article for article in revisions}
        said = list(waiting[1]) if waiting is not None and waiting[0] == article_id else []
        choice = choose(annotation for annotation in said if annotation.text_sha256 in texts)
        if choice is not None:
            article, counts = texts[choice.annotation.text_sha256], pseudonyms.annotation(choice.annotation)
            yield ReviewedArticle(article, counts, snapshot=snapshot.path.name, chosen=choice.why)
        elif engine is not None and all(annotation.state == "draft" for annotation in said):
            found = ((article, engine(article)) for article in reversed(texts.values()))
            yield from _alone(found, snapshot.path.name)


def _alone(found: Iterable[tuple[Article, Annotation | None]], snapshot: str) -> Iterator[ReviewedArticle]:
    """The first revision that an engine annotated."""
    for article, annotation in found:
        if annotation is not None:
            yield ReviewedArticle(article, annotation, snapshot=snapshot, chosen="engine")
            return
