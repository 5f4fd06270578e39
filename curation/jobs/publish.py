"""Publish: the reviewed annotations of the latest snapshot become a release."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from os import cpu_count
from typing import Annotated, Literal

from pydantic import Field

from curation.article import Article
from curation.errors import NothingToRelease, ReleaseError
from curation.files import whole_file
from curation.jobs.inputs import project_articles
from curation.jobs.options import Option, SnapshotFolder
from curation.jobs.provenance import anchoring_of
from curation.jobs.review_policy import DECIDE, LISTED, UndecidedArticle, addresses, undecided_articles
from curation.jobs.review_policy import policy as policy_of
from curation.jobs.rows import SnapshotReader, Sources, reviewed_articles
from curation.jobs.status import PUBLISHED, Published
from curation.labelstudio import Predictions, Snapshot, latest_snapshot, predictions, read_snapshot
from curation.metrics.anchoring import Anchoring, Contrast
from curation.release import (
    About,
    Audit,
    InvalidArticle,
    ReleaseReport,
    ReviewedArticle,
    Selection,
    UnreadableArticle,
    build_release,
    latest_release,
    publish_to_hub,
    publish_to_target,
    read_takedown,
)
from curation.release.manifest import SPLIT_TABLE, Manifest, parquet_files
from curation.release.rows import DOCUMENTS, kept_articles
from curation.release.splits import read_splits
from curation.release.targets import is_address
from curation.release.versions import published
from curation.result import Result
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Policy
from curation.settings import Settings

_log = logging.getLogger("curation")
MOST_FINDINGS = 200
"""Most findings that messages list; beyond them `--json` has all."""
BARRED = {"licence": "under another licence", "withdrawn": "on the takedown list"}
"""Why articles stay out of a release, in words."""


class PublishResult(Result):
    """The release that was built, and its address on the Hub or another storage, if it was published there.

    Articles that are not valid are in `release.invalid`, with the addresses of their tasks.

    undecided   articles on which people differ, by id
    kept        how many of them are in the release as they were in the one before
    waiting     how many of them are not in the release
    unknown     ids on the takedown list that no article, snapshot or release has
    """

    release: ReleaseReport
    snapshot: str
    undecided: tuple[UndecidedArticle, ...] = ()
    kept: int = 0
    waiting: int = 0
    unknown: tuple[str, ...] = ()
    hub: str | None = None
    target: str | None = None
    licence_stated: bool = Field(default=True, exclude=True)

    @property
    def exit_code(self) -> int:
        """3 where articles were set aside (undecided, not valid, near two splits), or a withdrawn id is not known."""
        return 3 if self.undecided or self.release.invalid or self.release.set_aside or self.unknown else 0

    def show(self) -> Iterator[str]:
        """The version, the counts, and where the release is."""
        release = self.release
        splits = ", ".join(f"{count} {name}" for name, count in release.splits.items())
        unchanged = ", unchanged" if release.unchanged else ""
        yield f"v{release.version}: {release.articles} articles ({splits}){unchanged}"
        yield f"release in {release.folder}"
        if self.hub:
            yield f"published at {self.hub}"
        if self.target:
            yield f"published at {self.target}"

    def messages(self) -> Iterator[str]:
        """Articles that are not in the release, or as the release before had them."""
        release = self.release
        if not self.licence_stated:
            yield "the annotations have no licence; state one as `licence` under [release] in curation.toml"
        for why, count in release.barred.items():
            yield f"left out: {count} articles, {BARRED[why]}"
        if release.left_out:
            yield f"in the release before, not in this one: {_first(release.left_out)}"
        if release.without_corrections:
            yield f"had corrections in the release before, have none in this one: {_first(release.without_corrections)}"
        if self.unknown:
            yield (
                f"takedown list: {len(self.unknown)} ids that no article, snapshot or release has; correct those that "
                "are misspelt:"
            )
            yield from (f"  {article_id}" for article_id in self.unknown[:MOST_FINDINGS])
            if len(self.unknown) > MOST_FINDINGS:
                yield f"  … and {len(self.unknown) - MOST_FINDINGS} more, all of them with --json"
        if release.invalid:
            yield from _invalid(release.invalid)
        for similar in release.set_aside[:LISTED]:
            splits = " and ".join(similar.splits)
            yield f"set aside: {similar.article_id} resembles {', '.join(similar.near[:3])}, which are in {splits}"
        if len(release.set_aside) > LISTED:
            yield f"  … and {len(release.set_aside) - LISTED} more like these, all of them with --json"
        if self.undecided:
            yield (
                f"undecided: people differ on {_articles(len(self.undecided))}, of which {self.kept} kept as in the "
                f"release before, {self.waiting} not in the release; {DECIDE}"
            )
            for article in self.undecided[:LISTED]:
                yield f"  {'kept' if article.kept else 'waits'}: {article}"
            if len(self.undecided) > LISTED:
                yield f"  … and {len(self.undecided) - LISTED} more, all of them with --json"


def publish(
    project: Settings,
    *,
    version: Annotated[
        str | None, Option("X.Y.Z; default: the version that the changes since the last release call for.")
    ] = None,
    force: Annotated[bool, Option("Allow a version lower than the changes call for.")] = False,
    hub: Annotated[str | None, Option("Publish to the Hub as well.", metavar="ORG/NAME")] = None,
    to: Annotated[
        str | None, Option("Publish to other storage as well, such as s3://BUCKET/FOLDER.", metavar="URL")
    ] = None,
    snapshot: SnapshotFolder = None,
    licences: Annotated[
        Sequence[str], Option("Leave out articles under any other licence; may be repeated.", name="--licence")
    ] = (),
    engine_only: Annotated[bool, Option("Include, marked, articles that an engine alone annotated.")] = False,
    split: Annotated[
        Literal["hash", "time"] | None, Option("How the splits of a first release are made; default: hash.")
    ] = None,
    allow_shrink: Annotated[
        bool, Option("Leave out more than 5 % of the last release's articles or corrections.")
    ] = False,
    strict: Annotated[bool, Option("Build nothing if any article is not valid, instead of setting it aside.")] = False,
    workers: Annotated[
        int | None,
        Option("Processes that read and validate articles; default: one for each processor.", min=1, max=4096),
    ] = None,
) -> PublishResult:
    """Build `releases/vX.Y.Z/` from a snapshot; with `hub` (`ORG/NAME`) or `to` publish the same files there.

    Run again with nothing changed, it builds nothing and finishes what an earlier run began to publish.

    Args:
        to: the address of a folder on storage that fsspec knows, such as `s3://BUCKET/FOLDER`.
        licences: take only articles under these; none: under any.
        engine_only: take articles that nobody submitted or skipped, too, with the engine's annotation, marked as such.
        split: what decides on the splits of a first release; later ones go on as it began.
        allow_shrink: leave out more than 5 % of the articles of the release before, or of their corrections.
        strict: build nothing if any article is not valid; else such articles are set aside and named, and what the
            release before has of them is kept.
        workers: processes that read and validate articles; default: one for each processor. Few take this one alone.

    Raises:
        InvalidArticles: with `strict`, articles are not valid; all findings are in `details`.
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
    unknown = _unknown(project, source, withdrawn)
    rules, schema = policy_of(project), project.load_schema()
    selection = Selection(licences=tuple(licences), engine_only=engine_only, withdrawn=withdrawn)
    undecided = undecided_articles(source, rules, selection.bars)
    previous = latest_release(project.releases)
    with predictions(project.work, source) as sent:
        audit = _audit(anchoring_of(source, sent, rules))
    reader = SnapshotReader(project, folder, selection, previous)
    try:
        report = build_release(
            reader.articles(workers or cpu_count() or 1),
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
                undecided=len(undecided),
            ),
            force=force,
            split_by=split,
            selection=selection,
            allow_shrink=allow_shrink,
            strict=strict,
        )
    except NothingToRelease as error:
        if not undecided:
            raise
        raise NothingToRelease(f"{error}; undecided: {_named(undecided.values())}; {DECIDE}") from error
    finally:
        reader.close()
    urls = addresses(source, dict.fromkeys(article.article_id for article in report.invalid))
    invalid = (one.model_copy(update={"url": urls.get(one.article_id)}) for one in report.invalid)
    report = report.model_copy(update={"invalid": tuple(invalid)})
    kept = {article_id for name in parquet_files(DOCUMENTS) for article_id in kept_articles(report.folder / name)}
    listed = tuple(article.model_copy(update={"kept": article.article_id in kept}) for article in undecided.values())
    with whole_file(project.work / PUBLISHED) as file:
        file.write(Published(snapshot=folder.name, version=report.version).model_dump_json() + "\n")
    tag = None
    if hub is not None:
        token = project.hf_token.get_secret_value() if project.hf_token else None
        tag = publish_to_hub(report.folder, hub, report.version, token=token)
    target = publish_to_target(report.folder, to) if to is not None else None
    return PublishResult(
        release=report,
        snapshot=str(folder),
        undecided=listed,
        unknown=unknown,
        kept=sum(article.kept for article in listed),
        waiting=sum(not article.kept for article in listed),
        hub=tag,
        target=target,
        licence_stated=project.release.licence is not None,
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
    left out; an article that cannot be read is left out and logged.
    """
    sources = Sources(snapshot, sent, pseudonyms, policy, Selection(engine_only=engine_only))
    for article in reviewed_articles(snapshot.records_by_article(), sources):
        if isinstance(article, UnreadableArticle):
            _log.warning("left out: %s: %s", article.article_id, article.problem)
        else:
            yield article


def _unknown(project: Settings, snapshot: Snapshot, withdrawn: Collection[str]) -> tuple[str, ...]:
    """The withdrawn ids that no article of the project, no record of the snapshot and no release has."""
    left = set(withdrawn)
    if left:
        left.difference_update(records.article_id for records in snapshot.records_by_article())
    for release in published(project.releases).values() if left else ():
        left.difference_update(read_splits(release / SPLIT_TABLE))
        left.difference_update(Manifest.read(release).selection.withdrawn)
    if left:
        found = project_articles(project)
        left.difference_update(article.id for article in found if isinstance(article, Article))
    return tuple(article_id for article_id in withdrawn if article_id in left)


def _named(undecided: Iterable[UndecidedArticle]) -> str:
    articles = list(undecided)
    rest = f" and {len(articles) - LISTED} more" if len(articles) > LISTED else ""
    return ", ".join(map(str, articles[:LISTED])) + rest


def _invalid(articles: Sequence[InvalidArticle]) -> Iterator[str]:
    """Every finding of every article that is not valid, with the address of its task."""
    kept = sum(article.kept for article in articles)
    yield (
        f"not valid: {_articles(len(articles))} set aside, of which {kept} kept as in the release before, "
        f"{len(articles) - kept} not in the release; correct them in Label Studio and pull"
    )
    findings = [(article, problem) for article in articles for problem in article.problems]
    for article, problem in findings[:MOST_FINDINGS]:
        what = "kept" if article.kept else "waits"
        yield f"  {what}: {article.article_id}: {problem}" + (f" {article.url}" if article.url else "")
    if len(findings) > MOST_FINDINGS:
        yield f"  … and {len(findings) - MOST_FINDINGS} more, all of them with --json"


def _articles(count: int) -> str:
    return "1 article" if count == 1 else f"{count:,} articles"


def _first(ids: Sequence[str]) -> str:
    named = ", ".join(ids[:LISTED]) + (", …" if len(ids) > LISTED else "")
    return f"{_articles(len(ids))} ({named})"


def _audit(found: Anchoring | None) -> Audit | None:
    """The audit as the dataset card shows it."""
    if found is None:
        return None
    rows = [("articles", str(found.articles["blind"]), str(found.articles["assisted"]), "")]
    rows += [_row(f"{item}: F1 with the engine", one) for item, one in found.engine.items()]
    rows += [_row(f"{item}: F1 between people", one) for item, one in found.people.items()]
    rows.append(_row("median seconds on an article", found.seconds, "{:.0f}"))
    return Audit(rows=tuple(row for row in rows if any(row[1:])), words=found.words)


def _row(what: str, one: Contrast, form: str = "{:.3f}") -> tuple[str, str, str, str]:
    blind, assisted = (form.format(figure.value) if figure else "" for figure in (one.blind, one.assisted))
    difference = ""
    if one.difference is not None:
        signed = form.replace(":", ":+")
        difference = signed.format(one.difference)
        if one.interval is not None:
            difference += f" ({signed.format(one.interval[0])} to {signed.format(one.interval[1])})"
    return what, blind, assisted, difference
