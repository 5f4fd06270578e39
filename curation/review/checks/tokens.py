"""Checks word by word with cleanlab's scores for token classification (extra `cleanlab`), only where asked for.

Nested spans do not fit words that have one label each: a word has the type of the smallest span that holds it. The
probabilities are out of fold, from the same small classifier as in `usual`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from curation.annotation import Item
from curation.errors import CurationError
from curation.metrics.matching import overlap_finder
from curation.review.checks.cases import NONE, Case
from curation.review.checks.document import Document
from curation.review.checks.doubt import Hint, doubtful
from curation.review.checks.usual import Learner, article_number

LEAST = 0.1


class Tokens:
    """Call `learn` with every document, then `hints` with each of the same.

    Raises:
        CurationError: cleanlab is not installed.
    """

    def __init__(self) -> None:
        try:
            from cleanlab.token_classification.rank import get_label_quality_scores  # type: ignore[import-untyped]
        except ImportError as error:
            way_out = "pip install 'curation[cleanlab]', or leave the kind tokens out"
            raise CurationError(f"cleanlab is not installed; {way_out}") from error
        self._scores = get_label_quality_scores
        self._learner = Learner()

    def learn(self, document: Document) -> None:
        """Take in one document."""
        self._learner.learn(article_number(document), _cases(document))

    def hints(self, document: Document) -> Iterator[Hint]:
        """Words whose label is of low quality, neighbours with the same doubt together."""
        cases = _cases(document)
        answers = self._learner(article_number(document), cases)
        if not answers or not answers[0]:
            return
        classes = sorted({*answers[0], *(case.label for case in cases)})
        place = {label: number for number, label in enumerate(classes)}
        chances = np.array([[shares.get(label, 0.0) for label in classes] for shares in answers])
        _, (scores,) = self._scores([[place[case.label] for case in cases]], [chances])
        waiting: list[tuple[Case, str, float]] = []
        for case, row, quality in zip(cases, chances, scores.tolist(), strict=True):
            usual = classes[int(row.argmax())]
            score = doubtful(quality)
            doubted = score >= LEAST and usual != case.label
            if waiting and not (doubted and (waiting[-1][0].label, waiting[-1][1]) == (case.label, usual)):
                yield _hint(document, waiting)
                waiting = []
            if doubted:
                waiting.append((case, usual, score))
        if waiting:
            yield _hint(document, waiting)


def _hint(document: Document, doubts: Sequence[tuple[Case, str, float]]) -> Hint:
    where = doubts[0][0].spots[0][0], doubts[-1][0].spots[0][1]
    label, usual = doubts[0][0].label, doubts[0][1]
    is_now, would_be = (f"in {name}" if name != NONE else "in no span" for name in (label, usual))
    what = f"{document.quote(where)} stands {is_now}; word by word it is usually {would_be}."
    return Hint("tokens", max(score for _, _, score in doubts), (where,), (label, usual), what)


def _cases(document: Document) -> list[Case]:
    said = _labels(document, (*document.entities, *document.events))
    engine = _labels(document, document.engine.items() if document.engine else ())
    found = []
    for place, where in enumerate(document.words):
        word, text = document.word(place), document.text[where[0] : where[1]]
        before, behind = document.word(place - 1), document.word(place + 1)
        shape = "X" if text.isupper() else "x" if text.islower() else "9" if text.isdigit() else "Xx"
        told = engine[place]
        around = (engine[place - 1] if place else "", engine[place + 1] if place + 1 < len(engine) else "")
        values = ["", word, word[-3:], word[:4], shape, before, behind, f"{before} {word}", f"{word} {behind}"]
        values += [told, f"{told} {word}", f"{told} {shape}", f"{told} {around[0]}", f"{told} {around[1]}"]
        found.append(Case((where,), said[place], values))
    return found


def _labels(document: Document, items: Sequence[Item]) -> list[str]:
    find = overlap_finder(items)
    found = []
    for where in document.words:
        holding = [items[place] for place in find(*where)]
        found.append(min(holding, key=lambda item: (item.end - item.start, item.type)).type if holding else NONE)
    return found
