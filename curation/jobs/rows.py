"""What goes into a release: of each article whose annotation counts, how its row is made and what it is made from."""

from __future__ import annotations

import heapq
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator
from functools import partial
from hashlib import sha256
from json import loads
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.article_zones import zones
from curation.formats.tokens import tokenise
from curation.jobs.started import started_from
from curation.jobs.undecided import select
from curation.release import read_known
from curation.release.documents import ReviewedArticle, Row, Unread, annotation_of, read_rows
from curation.release.manifest import DATA, read_labels
from curation.release.program import program
from curation.release.splits import SPLITS
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Choice, Policy, Undecided
from curation.schema import LabelSchema, parse_version
from curation.schema_migration import migrate
from curation.validation import validate

if TYPE_CHECKING:
    from curation.labelstudio import Predictions, Snapshot
    from curation.labelstudio.snapshot import ArticleLines

# A quotation mark within a string is written with a backslash, so these are found nowhere else but as fields.
_PARENT = re.compile(rb'"parent":("(?:[^"\\]|\\.)*")')
_DRAFT = b'"state":"draft"'

Bars = Callable[[str, str | None], object]
"""Whether the article with this id and licence stays out of the release."""
FindKept = Callable[[Article], ReviewedArticle | None]
"""What the release before had of an article; asked by rising id."""


def made_by(pseudonyms: Pseudonyms, policy: str) -> str:
    """What rows depend on beside the article and its annotations: this very code, the names people go by, who counts.

    `policy` is the section of the settings that says so.
    """
    return f"{program(__name__, 'curation.jobs.policy')} {pseudonyms.key('person:')} {policy}"


def rows_of(
    snapshot: Snapshot,
    sent: Predictions,
    pseudonyms: Pseudonyms,
    policy: Policy,
    *,
    engine_only: bool,
    kept: FindKept = lambda article: None,
    bars: Bars = lambda article_id, licence: None,
) -> Iterator[ReviewedArticle | Unread]:
    """Each article of which something may count, by rising id; what one person annotated is not read yet.

    With `engine_only` also those that nobody submitted or skipped, with their pre-annotation. An undecided article
    comes with what `kept` gives, if it gives something, and as it is where `bars` says that the release takes it out.
    """
    for lines in snapshot.lines_by_article():
        if not lines.said and not engine_only:
            continue
        if len(lines.said) == 1 and _DRAFT not in lines.said[0][1]:
            read = partial(_read, lines, sent, pseudonyms, policy)
            yield Unread(_key(lines, sent), read, snapshot.path.name)
            continue
        texts, annotations = lines.read()
        if any(one.state != "draft" for one in annotations):
            choice = select(texts, annotations, policy)
            if isinstance(choice, Undecided):
                article = texts[choice.text_sha256]
                if bars(article.id, article.licence):
                    yield ReviewedArticle(article, choice.voices[0])  # only for the release to count it
                    continue
                yield from _kept(texts, annotations, choice, sent, pseudonyms, kept)
            elif choice is not None:
                make = partial(_reviewed, lines.folder.name, texts, annotations, choice, sent, pseudonyms)
                yield Unread(_key(lines, sent), make, snapshot.path.name)
        elif engine_only:
            for article in reversed(texts.values()):
                if (annotation := sent.of(article)) is not None:
                    yield laid_out(article, annotation)._replace(snapshot=snapshot.path.name, chosen="engine")
                    break


def laid_out(article: Article, annotation: Annotation) -> ReviewedArticle:
    """An article with its annotation, sentences and zones."""
    return ReviewedArticle(article, annotation, sentences=tokenise(article).sentences, zones=zones(article.text))


class KeptRows:
    """What the release before had of undecided articles, to be asked by rising id.

    What it had is kept as long as the text is the same and the schema of the same name and major version. Labels that
    the schema no longer has are carried over by its migrations. What an engine alone annotated is kept only with
    `engine_only`. `kept` are the ids of the articles given so far.
    """

    def __init__(self, release: Path | None, wanted: Collection[str], schema: LabelSchema, *, engine_only: bool):
        self.kept: set[str] = set()
        self._schema, self._engine_only = schema, engine_only
        self._rows: Iterator[Row] = iter(())
        self._snapshots: dict[str, str | None] = {}
        if release is not None and wanted:
            labels = read_labels(release)
            files = [release / DATA / f"{split}.parquet" for split in SPLITS]
            rows = [read_rows(file, labels, lambda article_id: article_id in wanted) for file in files]
            self._rows = heapq.merge(*rows, key=itemgetter("id"))
            self._snapshots = {one.id: one.snapshot for one in read_known(release) if one.id in wanted}
        self._next = next(self._rows, None)

    def of(self, article: Article) -> ReviewedArticle | None:
        """What the release before had of `article`, None where it had nothing that can be kept."""
        while self._next is not None and self._next["id"] < article.id:
            self._next = next(self._rows, None)
        if self._next is None or self._next["id"] != article.id:
            return None
        return self._usable(self._next, article)

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
        self.kept.add(article.id)
        return laid_out(article, annotation)._replace(
            annotated_types=types, snapshot=self._snapshots.get(article.id), chosen="kept"
        )


def _kept(
    texts: dict[str, Article],
    annotations: list[Annotation],
    undecided: Undecided,
    sent: Predictions,
    pseudonyms: Pseudonyms,
    kept: FindKept,
) -> Iterator[ReviewedArticle]:
    """The row that an undecided article had in the release before, with what people say of it now beside it."""
    row = kept(texts[undecided.text_sha256])
    if row is None:
        return
    mine = row.annotation.annotator.key
    others = [one for one in undecided.voices if one.state == "submitted"]
    yield row._replace(
        prediction=started_from(row.annotation, annotations, sent),
        others=tuple(one for one in others if pseudonyms.key(one.annotator.key) != mine),
    )


def _read(lines: ArticleLines, sent: Predictions, pseudonyms: Pseudonyms, policy: Policy) -> ReviewedArticle | None:
    """The article with what people said of it, under pseudonyms; None where nothing of it counts."""
    texts, annotations = lines.read()
    choice = select(texts, annotations, policy)
    if not isinstance(choice, Choice):
        return None
    return _reviewed(lines.folder.name, texts, annotations, choice, sent, pseudonyms)


def _reviewed(
    snapshot: str,
    texts: dict[str, Article],
    annotations: list[Annotation],
    choice: Choice,
    sent: Predictions,
    pseudonyms: Pseudonyms,
) -> ReviewedArticle:
    made = laid_out(texts[choice.annotation.text_sha256], pseudonyms.annotation(choice.annotation))
    return made._replace(
        snapshot=snapshot,
        chosen=choice.why,
        prediction=started_from(choice.annotation, annotations, sent),
        others=choice.others,
    )


def _key(lines: ArticleLines, sent: Predictions) -> bytes:
    """The hash of all that `_reviewed` looks at: the lines, and every pre-annotation that one of them began from."""
    digest = sha256()
    waiting: deque[str] = deque()
    seen: set[str] = set()

    def add(line: bytes) -> None:
        digest.update(b"%d\n" % len(line) + line)
        waiting.extend(loads(found) for found in _PARENT.findall(line))

    for some in (lines.revisions, lines.said):
        digest.update(b"%d\n" % len(some))
        for _, line in some:
            add(line)
    while waiting:
        parent = waiting.popleft()
        if parent not in seen:
            seen.add(parent)
            add(parent.encode())
            add(sent.line(parent) or b"")
    return digest.digest()
