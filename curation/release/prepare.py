"""From reviewed articles to validated Arrow rows, here or in worker processes.

Every article goes through the one validator once, its rows are hashed in their canonical form, and what the build needs
of it later becomes columns of one table. Several workers take shards of articles; results come back in order, so that
their number changes nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import combinations
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from curation.errors import ReleaseError, WorkerError
from curation.executor import workers
from curation.metrics.counts import exact_counts
from curation.metrics.matching import compare
from curation.release.hashing import Row, derived_sha256, row_sha256
from curation.release.manifest import Hashes, Selection
from curation.release.rows import (
    CONFIGS,
    CORRECTIONS,
    DOCUMENTS,
    SENTENCES,
    InvalidArticle,
    Labels,
    ReviewedArticle,
    UnreadableArticle,
    correction_rows,
    document_row,
    encoder,
    problems,
)
from curation.release.sentences import LOSSES, sentence_rows
from curation.release.splits import sketch
from curation.schema import LabelSchema

BATCH_ARTICLES, BATCH_CHARACTERS = 64, 1_000_000
"""Most articles, and about the most characters of text, of one batch."""

NESTED = {SENTENCES: "_sentences", CORRECTIONS: "_corrections"}
"""Config → column with an article's rows of it as a list of structs, in addition to the columns of `documents`."""
LOST = "_lost"
"""Column with the number of losses, in the order of `LOSSES`."""
AGREEMENT = "_agreement"
"""Column with nine integers: true positives, false positives and false negatives between people, for entities, then
triggers, then arguments. Null if only one person annotated."""
SNAPSHOT = "_snapshot"
"""Column with the name of the snapshot."""


class Rules(NamedTuple):
    """What decides how rows are made.

    schema          the label schema of the release
    labels          its ClassLabel lists
    types_in_force  schema version → its entity and event types
    selection       which articles may be in
    dated           whether every article needs a time of publication, since it decides on the split
    arrow           columns of the table that the rows become: see `table_schema`
    """

    schema: LabelSchema
    labels: Labels
    types_in_force: Mapping[str, tuple[str, ...]]
    selection: Selection
    dated: bool
    arrow: pa.Schema


class Batch(NamedTuple):
    """Validated articles as one table; the lists hold one value for each of its rows.

    `excluded` are the articles that the selection keeps out: id and why. `invalid` are those that cannot be released;
    where the release before has a valid state of one, the table has that.
    """

    table: pa.Table
    hashes: list[Hashes]
    signatures: list[bytes]
    published: list[datetime | None]
    excluded: list[tuple[str, Literal["licence", "withdrawn"]]]
    invalid: list[InvalidArticle]


ArticleInput = ReviewedArticle | UnreadableArticle


class ShardedArticles(NamedTuple):
    """Articles to be read in worker processes.

    shards   what `read` takes, in the order of article ids; can be pickled
    read     gives the articles of one shard; can be pickled, and is called in the workers
    workers  number of processes; 1 reads in this one
    """

    shards: Iterable[Any]
    read: Callable[[Any], Iterable[ArticleInput]]
    workers: int


def table_schema(configs: Mapping[str, pa.Schema]) -> pa.Schema:
    """The columns of a batch: those of `documents`, each other config as a list of structs, and what is counted."""
    nested = [(NESTED[config], pa.list_(pa.struct(list(configs[config])))) for config in CONFIGS if config in NESTED]
    counts = pa.list_(pa.int32())
    return pa.schema([*configs[DOCUMENTS], *nested, (LOST, counts), (AGREEMENT, counts), (SNAPSHOT, pa.string())])


def batches(articles: Iterable[ArticleInput] | ShardedArticles, rules: Rules) -> Iterator[Batch]:
    """Validate articles and make their rows.

    Yields:
        Batches in the order of the articles, of `BATCH_ARTICLES` at most.

    Raises:
        ReleaseError: a worker process died.
    """
    if not isinstance(articles, ShardedArticles):
        yield from _batches(articles, rules)
        return
    try:
        with workers(_Prepare(articles.read, rules), articles.workers) as run:
            for prepared in run(articles.shards):
                yield from prepared
    except WorkerError as error:
        raise ReleaseError(
            "a worker process died, perhaps for lack of memory, or because a script does its work without "
            "`if __name__ == '__main__':`; run again with fewer workers, or 1; nothing was built"
        ) from error


class _Prepare:
    """What a worker does with a shard."""

    def __init__(self, read: Callable[[Any], Iterable[ArticleInput]], rules: Rules) -> None:
        self._read, self._rules = read, rules

    def __call__(self, shard: Any) -> list[Batch]:
        with _rare_collections():
            return list(_batches(self._read(shard), self._rules))


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector run less often: it took a fifth of the time, and rows have no cycles."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _batches(articles: Iterable[ArticleInput], rules: Rules) -> Iterator[Batch]:
    maker = _BatchMaker(rules)
    for reviewed in articles:
        maker.add(reviewed)
        if maker.full:
            yield maker.batch()
            maker = _BatchMaker(rules)
    if not maker.empty:
        yield maker.batch()


class _BatchMaker:
    """Collects the rows of a batch."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._encode = {config: encoder(rules.labels.of_config(config)) for config in CONFIGS}
        self._rows: list[Row] = []
        self._characters = 0
        self._batch = Batch(pa.table({}), [], [], [], [], [])

    @property
    def full(self) -> bool:
        """Whether no more should be added."""
        return len(self._rows) >= BATCH_ARTICLES or self._characters >= BATCH_CHARACTERS

    @property
    def empty(self) -> bool:
        """Whether nothing was added."""
        return not (self._rows or self._batch.excluded or self._batch.invalid)

    def add(self, given: ArticleInput) -> None:
        """Validate an article and make its rows; what cannot be released is set aside, and its fallback taken."""
        if isinstance(given, ReviewedArticle):
            article_id, found = given.article.id, self._add(given)
        elif given.article_id in self._rules.selection.withdrawn:
            self._batch.excluded.append((given.article_id, "withdrawn"))
            return
        else:
            article_id, found = given.article_id, [given.problem]
        if found:
            kept = given.fallback() if given.fallback else None
            usable = kept is not None and not self._add(kept)
            self._batch.invalid.append(InvalidArticle(article_id=article_id, problems=tuple(found), kept=usable))

    def _add(self, reviewed: ReviewedArticle) -> list[str]:
        """Add the rows of an article. Returns why it cannot be released; nothing was added then."""
        rules, article = self._rules, reviewed.article
        if why := rules.selection.bars(article.id, article.licence):
            self._batch.excluded.append((article.id, why))
            return []
        found = problems(reviewed, rules.schema, engine_only=rules.selection.engine_only)
        if rules.dated and article.published is None:
            found.append("does not say when it was published, which a split by time goes by: add the date")
        if found:
            return found
        document = document_row(reviewed, rules.schema, rules.types_in_force)
        sentences, lost = sentence_rows(document, reviewed.sentences) if reviewed.sentences else ([], {})
        corrections = correction_rows(reviewed, rules.schema)
        try:
            row, derived = row_sha256(document), derived_sha256(sentences, corrections)
        except UnicodeEncodeError as error:
            half = error.object[error.start : error.end]
            return [f"holds {half!r}, which is half a character"]
        self._batch.hashes.append(Hashes.of(row, derived, article.text_sha256))
        self._batch.signatures.append(sketch(article.text))
        self._batch.published.append(document["published"] if rules.dated else None)
        nested = {SENTENCES: sentences, CORRECTIONS: corrections}
        self._rows.append(
            self._encode[DOCUMENTS](document)
            | {NESTED[config]: list(map(self._encode[config], rows)) for config, rows in nested.items()}
            | {LOST: [lost.get(name, 0) for name in LOSSES], AGREEMENT: _agreement(reviewed)}
            | {SNAPSHOT: reviewed.snapshot}
        )
        self._characters += len(article.text)
        return []

    def batch(self) -> Batch:
        """What was added."""
        return self._batch._replace(table=pa.Table.from_pylist(self._rows, self._rules.arrow))


def _agreement(reviewed: ReviewedArticle) -> list[int] | None:
    """Counts of entities, triggers and arguments over all pairs of people; None where one person annotated."""
    # An adjudicated annotation is made from those of others, so it agrees with nobody by itself.
    own = () if reviewed.chosen == "adjudicated" else (reviewed.annotation,)
    pairs = list(combinations((*own, *reviewed.others), 2))
    if not pairs:
        return None
    counts = exact_counts(compare(left, right) for left, right in pairs).values()
    return [int(count) for exact in counts for count in (exact.tp, exact.fp, exact.fn)]
