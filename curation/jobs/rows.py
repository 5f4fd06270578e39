"""What goes into a release: of each article of a snapshot the annotation that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.article_zones import zones
from curation.errors import BadInput
from curation.formats.tokens import tokenise
from curation.jobs.provenance import started_from
from curation.jobs.review_policy import policy, select
from curation.labelstudio import predictions, read_snapshot
from curation.release import ReviewedArticle, Selection, ShardedArticles, UnreadableArticle, read_article_records
from curation.release.hashing import Row
from curation.release.manifest import parquet_files, read_labels
from curation.release.rows import DOCUMENTS, KEPT, annotation_of, row_groups
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Chosen, Policy, Undecided
from curation.schema import LabelSchema, parse_version
from curation.schema_migration import migrate
from curation.settings import Settings
from curation.validation import validate

if TYPE_CHECKING:
    from curation.labelstudio import ArticleRecords, Predictions, Snapshot

SHARD = 128
"""Articles that a worker reads at a time."""
FEW = 400
"""Annotations up to which starting other processes takes longer than it saves."""


class KeptArticles:
    """What the release before has of articles that are undecided or not valid now. Fastest when asked by rising id.

    An article is kept as long as its text is the same and the schema has the same name and major version. Labels that
    the schema no longer has are carried over by its migrations. What only an engine annotated is kept only with
    `engine_only`.
    """

    def __init__(self, release: Path | None, schema: LabelSchema, *, engine_only: bool):
        self._release, self._schema, self._engine_only = release, schema, engine_only

    @cached_property
    def _lookups(self) -> list[Callable[[str], Row | None]]:
        """Of each split a function that gives the row of an article id."""
        if self._release is None:
            return []
        labels = read_labels(self._release).of_config(DOCUMENTS)
        return [row_groups(self._release / name, labels) for name in parquet_files(DOCUMENTS)]

    @cached_property
    def _snapshots(self) -> dict[str, str | None]:
        return (
            {} if self._release is None else {known.id: known.snapshot for known in read_article_records(self._release)}
        )

    def of(self, article: Article) -> ReviewedArticle | None:
        """What the release before has of `article`; None where it has nothing that can be kept.

        Raises:
            ReleaseError: the release before cannot be read.
        """
        found = filter(None, (lookup(article.id) for lookup in self._lookups))
        row = next(found, None)
        return self._usable(row, article) if row is not None else None

    def _usable(self, row: Row, article: Article) -> ReviewedArticle | None:
        name, _, version = row["schema"].partition("@")
        major = parse_version(version)[0]
        if row["text_sha256"] != article.text_sha256:
            return None
        if (name, major) != (self._schema.name, parse_version(self._schema.version)[0]):
            return None
        annotation, types = annotation_of(row), row["annotated_types"]
        if annotation.annotator.kind == "engine" and not self._engine_only:
            return None
        if validate(annotation, article, self._schema):
            annotation, _ = migrate(annotation, self._schema)
            if types is not None:
                known = {*self._schema.entity_names, *self._schema.event_names}
                types = [*known.intersection(types), *{item.type for item in annotation.items()}.difference(types)]
        return with_layout(article, annotation)._replace(
            annotated_types=types, snapshot=self._snapshots.get(article.id), chosen=KEPT
        )


class Sources(NamedTuple):
    """What reading the annotations of a snapshot takes.

    snapshot    the snapshot
    sent        the pre-annotations that went to Label Studio
    pseudonyms  names of people in releases
    policy      which annotation counts
    selection   which articles the release may have; with `engine_only` also those that nobody submitted or skipped
    kept        gives what the release before has of an article; None: undecided and invalid articles are left out
    """

    snapshot: Snapshot
    sent: Predictions
    pseudonyms: Pseudonyms
    policy: Policy
    selection: Selection
    kept: Callable[[Article], ReviewedArticle | None] | None = None


class SnapshotReader:
    """Reads the articles of a snapshot shard by shard, in this process or in others; each opens the sources itself."""

    def __init__(
        self,
        settings: Settings,
        snapshot: Path,
        selection: Selection,
        previous: Path | None = None,
    ) -> None:
        """`previous`: the release before."""
        self._settings, self._snapshot, self._selection = settings, snapshot, selection
        self._previous = previous
        self._sources: Sources | None = None
        self._opened = ExitStack()

    def articles(self, workers: int) -> ShardedArticles:
        """Each article of the snapshot that goes into a release, by rising id; a few are read in this process."""
        snapshot = read_snapshot(self._snapshot)
        few = snapshot.manifest.counts.get("annotations", 0) <= FEW
        return ShardedArticles(self._shards(snapshot), self, 1 if few else workers)

    def __call__(self, shard: Iterable[ArticleRecords]) -> Iterator[ReviewedArticle | UnreadableArticle]:
        """The articles of the shard that have an annotation that counts, in order; shards come in order, too."""
        if self._sources is None:
            self._sources = self._open()
        return reviewed_articles(shard, self._sources)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_sources", "_opened")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._sources, self._opened = None, ExitStack()

    def close(self) -> None:
        """Close what this process opened."""
        self._opened.close()
        self._sources = None

    def _shards(self, snapshot: Snapshot) -> Iterator[list[ArticleRecords]]:
        shard: list[ArticleRecords] = []
        for records in snapshot.records_by_article():
            if records.annotations or self._selection.engine_only:
                shard.append(records)
            if len(shard) == SHARD:
                yield shard
                shard = []
        if shard:
            yield shard

    def _open(self) -> Sources:
        snapshot, engine_only = read_snapshot(self._snapshot), self._selection.engine_only
        kept = KeptArticles(self._previous, self._settings.load_schema(), engine_only=engine_only)
        sent = self._opened.enter_context(predictions(self._settings.work, snapshot))
        pseudonyms = Pseudonyms.of(self._settings.work)
        return Sources(snapshot, sent, pseudonyms, policy(self._settings), self._selection, kept.of)


def reviewed_articles(
    articles: Iterable[ArticleRecords], sources: Sources
) -> Iterator[ReviewedArticle | UnreadableArticle]:
    """Of each article the annotation that counts, its annotator under a pseudonym; articles without one are left out.

    An undecided article comes as the release before has it, or is left out. An undecided article that the selection
    excludes comes with its first annotation, so that it is counted as excluded. An article with a line that cannot be
    read is an `UnreadableArticle`.
    """
    for records in articles:
        if not records.annotations and not sources.selection.engine_only:
            continue
        try:
            texts, annotations = records.read()
        except BadInput as error:
            yield UnreadableArticle(records.article_id, str(error), partial(_kept_unread, records, sources))
            continue
        if all(annotation.state == "draft" for annotation in annotations):
            if sources.selection.engine_only:
                yield from _by_engine(texts, sources)
            continue
        outcome = select(texts, annotations, sources.policy)
        if isinstance(outcome, Undecided):
            yield from _undecided(texts, annotations, outcome, sources)
        elif isinstance(outcome, Chosen):
            annotation = sources.pseudonyms.annotation(outcome.annotation)
            yield with_layout(texts[annotation.text_sha256], annotation)._replace(
                snapshot=sources.snapshot.path.name,
                chosen=outcome.why,
                prediction=started_from(outcome.annotation, annotations, sources.sent),
                others=outcome.others,
                fallback=partial(_kept, texts[annotation.text_sha256], annotations, sources),
            )


def with_layout(article: Article, annotation: Annotation) -> ReviewedArticle:
    """An article with its annotation, sentences and zones."""
    return ReviewedArticle(article, annotation, sentences=tokenise(article).sentences, zones=zones(article.text))


def _by_engine(texts: dict[str, Article], sources: Sources) -> Iterator[ReviewedArticle]:
    """The latest revision that has a pre-annotation, with it."""
    for article in reversed(texts.values()):
        if (annotation := sources.sent.of(article)) is not None:
            yield with_layout(article, annotation)._replace(snapshot=sources.snapshot.path.name, chosen="engine")
            return


def _undecided(
    texts: dict[str, Article], annotations: list[Annotation], undecided: Undecided, sources: Sources
) -> Iterator[ReviewedArticle]:
    article = texts[undecided.text_sha256]
    if sources.selection.bars(article.id, article.licence):
        yield ReviewedArticle(article, undecided.annotations[0])
        return
    kept = _kept(article, annotations, sources)
    if kept is None:
        return
    by, deleted = kept.annotation.annotator.key, sources.policy.deleted

    def is_other(annotation: Annotation) -> bool:
        if annotation.state != "submitted" or annotation.id == kept.annotation.id:
            return False
        return annotation.annotator.name == deleted or sources.pseudonyms.key(annotation.annotator.key) != by

    yield kept._replace(others=tuple(annotation for annotation in undecided.annotations if is_other(annotation)))


def _kept(article: Article, annotations: list[Annotation], sources: Sources) -> ReviewedArticle | None:
    """What the release before has of an article, with the pre-annotation that it started from."""
    kept = sources.kept(article) if sources.kept is not None else None
    if kept is None:
        return None
    return kept._replace(prediction=started_from(kept.annotation, annotations, sources.sent))


def _kept_unread(records: ArticleRecords, sources: Sources) -> ReviewedArticle | None:
    """The same where a line of the article cannot be read: its latest text decides, if that can be read."""
    try:
        article = records.article()
    except BadInput:
        return None
    return _kept(article, [], sources)
