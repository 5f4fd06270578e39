"""Publish: the reviewed annotations of the latest snapshot become a release."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from curation.article import Value
from curation.errors import ReleaseError
from curation.labelstudio import Snapshot, latest_snapshot, read_snapshot
from curation.project import Project
from curation.release import About, ReleaseReport, ReviewedArticle, build_release, latest_release, publish_to_hub
from curation.review.choose import choose


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
) -> PublishReport:
    """Build `releases/vX.Y.Z/` from a snapshot; with `hub` (`ORG/NAME`) publish the same files there.

    Run again with nothing changed, it builds nothing and, with `hub`, finishes what an earlier run began.

    Raises:
        ReleaseError: there is nothing to release, the version does not fit, or the Hub refuses.
    """
    folder = snapshot or latest_snapshot(project.work)
    if folder is None:
        raise ReleaseError(f"{project.work}: no snapshot yet; run `curation pull` first")
    source = read_snapshot(folder)
    report = build_release(
        reviewed(source),
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
    )
    target = None
    if hub is not None:
        token = project.hf_token.get_secret_value() if project.hf_token else None
        target = publish_to_hub(Path(report.folder), hub, report.version, token=token)
    return PublishReport(release=report, snapshot=str(folder), hub=target)


def reviewed(snapshot: Snapshot) -> Iterator[ReviewedArticle]:
    """Each article whose annotation counts, by rising id, on the revision that was annotated last.

    Both files of the snapshot are sorted by article id, so they are read side by side, one article at a time.
    """
    of_article = groupby(snapshot.annotations(), key=lambda annotation: annotation.article_id)
    waiting = next(of_article, None)
    for article_id, revisions in groupby(snapshot.articles(), key=lambda article: article.id):
        while waiting is not None and waiting[0] < article_id:
            waiting = next(of_article, None)
        if waiting is None or waiting[0] != article_id:
            continue
        texts = {article.text_sha256: article for article in revisions}
        counts = choose(annotation for annotation in waiting[1] if annotation.text_sha256 in texts)
        if counts is not None:
            yield ReviewedArticle(texts[counts.text_sha256], counts, snapshot=snapshot.path.name)
