"""Publish: the reviewed annotations of the latest snapshot become a release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from curation.article import Value
from curation.errors import NothingToRelease, ReleaseError
from curation.jobs.anchoring import anchoring_of, for_card
from curation.jobs.policy import policy as policy_of
from curation.jobs.rows import KeptRows, made_by, rows_of
from curation.jobs.undecided import DECIDE, LISTED, UndecidedArticle, undecided_articles
from curation.labelstudio import Predictions, Snapshot, latest_snapshot, predictions, read_snapshot
from curation.release import (
    About,
    ReleaseReport,
    ReviewedArticle,
    Selection,
    Unread,
    build_release,
    latest_release,
    publish_to_hub,
    publish_to_target,
    read_takedown,
)
from curation.release.targets import is_address
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Policy
from curation.settings import Settings


class PublishReport(Value):
    """The release that was built, and where on the Hub or another storage it went, if anywhere.

    undecided   articles on which people differ, by id
    kept        how many of them are in the release as they were in the one before
    waiting     how many of them are not in the release
    """

    release: ReleaseReport
    snapshot: str
    undecided: tuple[UndecidedArticle, ...] = ()
    kept: int = 0
    waiting: int = 0
    hub: str | None = None
    target: str | None = None


def publish(
    project: Settings,
    *,
    version: str | None = None,
    force: bool = False,
    hub: str | None = None,
    to: str | None = None,
    snapshot: Path | None = None,
    licences: tuple[str, ...] = (),
    engine_only: bool = False,
    split: Literal["hash", "time"] | None = None,
    allow_shrink: bool = False,
) -> PublishReport:
    """Build `releases/vX.Y.Z/` from a snapshot; with `hub` (`ORG/NAME`) or `to` publish the same files there.

    Run again with nothing changed, it builds nothing and finishes what an earlier run began to publish.

    Args:
        to: the address of a folder on storage that fsspec knows, such as `s3://BUCKET/FOLDER`.
        licences: take only articles under these; none: under any.
        engine_only: take articles that nobody submitted or skipped, too, with the engine's annotation, marked as such.
        split: what decides on the splits of a first release; later ones go on as it began.
        allow_shrink: leave out more than 5 % of the articles of the release before, or of their corrections.

    Raises:
        ReleaseError: there is nothing to release, the release would shrink, the version does not fit, or the Hub or
            storage refuses.
    """
    if to is not None and not is_address(to):
        raise ReleaseError(f"{to}: is no address; give one such as s3://BUCKET/FOLDER")
    folder = snapshot or latest_snapshot(project.work)
    if folder is None:
        raise ReleaseError(f"{project.work}: no snapshot yet; run `curation pull` first")
    source = read_snapshot(folder)
    withdrawn = read_takedown(project.takedown) if project.takedown else {}
    pseudonyms = Pseudonyms.of(project.work)
    rules, schema = policy_of(project), project.load_schema()
    selection = Selection(licences=licences, engine_only=engine_only, withdrawn=withdrawn)
    undecided = undecided_articles(source, rules, selection.bars)
    previous = latest_release(project.releases)
    with predictions(project.work, source) as sent:
        audit = for_card(anchoring_of(source, sent, rules))
        rows = KeptRows(previous, undecided.keys(), schema, engine_only=engine_only)
        try:
            report = build_release(
                rows_of(source, sent, pseudonyms, rules, engine_only=engine_only, kept=rows.of, bars=selection.bars),
                schema,
                project.releases,
                version=version,
                previous=previous,
                about=About(
                    name=project.name,
                    title=project.release.title or project.title,
                    description=project.release.description,
                    licence=project.release.licence,
                    citation=project.release.citation,
                    snapshots=(folder.name,),
                    hub=hub,
                    anchoring=audit,
                ),
                force=force,
                split_by=split,
                selection=selection,
                also=made_by(pseudonyms, project.review.model_dump_json()),
                allow_shrink=allow_shrink,
            )
        except NothingToRelease as error:
            if not undecided:
                raise
            raise NothingToRelease(f"{error}; undecided: {_named(undecided.values())}; {DECIDE}") from error
    waits = tuple(one.model_copy(update={"kept": one.article_id in rows.kept}) for one in undecided.values())
    tag = None
    if hub is not None:
        token = project.hf_token.get_secret_value() if project.hf_token else None
        tag = publish_to_hub(report.folder, hub, report.version, token=token)
    target = publish_to_target(report.folder, to) if to is not None else None
    return PublishReport(
        release=report,
        snapshot=str(folder),
        undecided=waits,
        kept=len(rows.kept),
        waiting=len(waits) - len(rows.kept),
        hub=tag,
        target=target,
    )


def reviewed(
    snapshot: Snapshot,
    sent: Predictions,
    pseudonyms: Pseudonyms,
    *,
    engine_only: bool = False,
    policy: Policy = Policy(),  # noqa: B008  immutable
) -> Iterator[ReviewedArticle]:
    """Each article whose annotation counts, by rising id, its annotators under pseudonyms.

    With `engine_only` also those that nobody submitted or skipped, with their pre-annotation. Undecided articles are
    left out.
    """
    for one in rows_of(snapshot, sent, pseudonyms, policy, engine_only=engine_only):
        read = one.read() if isinstance(one, Unread) else one
        if read is not None:
            yield read


def _named(undecided: Iterable[UndecidedArticle]) -> str:
    articles = list(undecided)
    rest = f" and {len(articles) - LISTED} more" if len(articles) > LISTED else ""
    return ", ".join(map(str, articles[:LISTED])) + rest
