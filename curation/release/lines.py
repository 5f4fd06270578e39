"""A reviewed article as lines of JSON: its document, and what it has beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from curation.errors import ReleaseError
from curation.metrics.counts import exact_counts
from curation.metrics.matching import compare
from curation.release import corrections, sentences
from curation.release.canonical import canonical
from curation.release.configs import more_sha256
from curation.release.corrections import correction_rows
from curation.release.documents import ReviewedArticle, Row, row
from curation.release.exact import problem, refuse
from curation.release.sentences import sentence_rows
from curation.release.spool import MORE
from curation.schema import LabelSchema


class More(NamedTuple):
    """What an article has beside its document: its other rows as a line of JSON, their hash, and what is in no row.

    `lost` is what sentences cannot hold; `agreement` the counts of `compare` where several people annotated it.
    """

    line: bytes
    sha256: bytes
    lost: Mapping[str, int]
    agreement: Sequence[int] = ()


def line_of(
    reviewed: ReviewedArticle, schema: LabelSchema, in_force: Mapping[str, Collection[str]], *, engine_only: bool
) -> tuple[bytes, More]:
    """The row of `documents`, not yet validated but for what it does not show, and what is beside it.

    Raises:
        ReleaseError: the annotation is not of this article and text, or a text cannot be written.
    """
    article, annotation = reviewed.article, reviewed.annotation
    is_of_it = annotation.article_id == article.id and annotation.text_sha256 == article.text_sha256
    if (not is_of_it or reviewed.annotated_types) and (found := problem(reviewed, schema, engine_only=engine_only)):
        refuse(article.id, found)
    document = row(reviewed, schema, in_force)
    try:
        return canonical(document), _more(reviewed, document, schema)
    except UnicodeEncodeError as error:
        raise ReleaseError(
            f"article {article.id}: holds {error.object[error.start : error.end]!r}, which is half a "
            "character; mend the article, nothing was built"
        ) from error


NO_MORE = More(canonical(dict.fromkeys(MORE.values(), ())), bytes.fromhex(more_sha256((), ())), {})
"""Of an article without sentences and corrections."""


def _more(reviewed: ReviewedArticle, document: Row, schema: LabelSchema) -> More:
    # Without sentences to hold anything, nothing can be lost in them.
    split, lost = sentence_rows(document, reviewed.sentences) if reviewed.sentences else ([], {})
    corrected = _corrected(reviewed, schema)
    line = canonical({MORE[sentences.CONFIG]: split, MORE[corrections.CONFIG]: corrected})
    return More(line, bytes.fromhex(more_sha256(split, corrected)), lost, _agreement(reviewed))


def _corrected(reviewed: ReviewedArticle, schema: LabelSchema) -> list[Row]:
    """The corrections of one article; none where it is not known what its annotation started from."""
    article, annotation, prediction = reviewed.article, reviewed.annotation, reviewed.prediction
    if prediction is None or annotation.annotator.kind == "engine" or prediction.text_sha256 != article.text_sha256:
        return []
    return correction_rows(article.text, annotation, prediction, schema)


def _agreement(reviewed: ReviewedArticle) -> Sequence[int]:
    """True and false positives and false negatives of entities, triggers and arguments; () where one person spoke."""
    # What was adjudicated stands on what the others said, so it agrees with nobody by itself.
    own = () if reviewed.chosen == "adjudicated" else (reviewed.annotation,)
    pairs = list(combinations((*own, *reviewed.others), 2))
    counts = exact_counts(compare(first, second) for first, second in pairs).values()
    return [int(count) for exact in counts for count in (exact.tp, exact.fp, exact.fn)] if pairs else ()
