"""How far two passes over the same articles agree: F1 between them, exact span and type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from curation.annotation import Annotation
from curation.compare import Scores, compare


class Agreement(NamedTuple):
    """`articles` annotated by both, the micro-averaged scores over them, and who stands in one pass only."""

    articles: int
    scores: Scores
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def agreement(first: Iterable[Annotation], second: Iterable[Annotation]) -> Agreement:
    """Pairwise agreement. F1 between two annotators does not depend on who counts as the reference.

    Raises:
        ValueError: an article was annotated on two different texts.
    """
    one = {annotation.article_id: annotation for annotation in first}
    two = {annotation.article_id: annotation for annotation in second}
    scores = Scores()
    both = sorted(one.keys() & two.keys())
    for article_id in both:
        scores.add(compare(one[article_id], two[article_id]))
    return Agreement(len(both), scores, tuple(sorted(one.keys() - two.keys())), tuple(sorted(two.keys() - one.keys())))
