"""Checks by what is usual in the corpus itself: what stands in an article is set against all other articles.

A small classifier answers each question of `cases` for an article after it has learned from the others, so that a
mistake cannot vouch for itself. Where its answer differs and it is sure, that is a doubt. What an engine says is one
of the things that it weighs, as far as the engine proved right.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from curation.annotation import Entity, Event
from curation.metrics.matching import overlap_finder
from curation.review.checks.cases import NONE, Case, Cases, Question, attribute_cases
from curation.review.checks.document import Document, spot
from curation.review.checks.doubt import MISTAKES, OMISSIONS, Hint, Kind, Spot, doubtful
from curation.review.checks.softmax import Softmax, features
from curation.schema import LabelSchema

FOLDS = 10
MOST_CASES = 25_000
"""How many cases a classifier learns from, so that memory stays bounded."""
LEAST = 0.01
"""Hints that are less probable are left out."""

LINKED = 0.15
"""What is left of the doubt whether a thing should be marked where an argument holds it: somebody thought of it."""
RARE = 3.0
"""Labels seen so often elsewhere are half as well known as those seen always."""
ALONE = 0.15
"""Share of mistakes among what is marked and in no argument."""
LONGEST = 8
"""Longest string that is looked for elsewhere, in words."""

USUAL: tuple[Kind, ...] = (
    "unusual-type",
    "unusual-border",
    "unusual-mark",
    "unusual-gap",
    "unusual-role",
    "usual-argument",
    "attribute",
)
QUESTIONS: tuple[Question, ...] = ("entity", "event", "argument")


class _Kept(NamedTuple):
    """The cases of one article: features, labels, and the word by which each is known."""

    cases: npt.NDArray[np.int64]
    labels: list[str]
    known: list[str]


class Learner:
    """The cases of one question, article by article; at most MOST_CASES, of the articles with the lowest numbers.

    `heads` are the words by which anything that was ever marked is known: the others teach nothing.
    """

    def __init__(self, most: int = MOST_CASES) -> None:
        self.most = most
        self.heads: set[str] = {""}
        self.seen: Counter[str] = Counter()
        self.strings: dict[str, set[tuple[str, ...]]] = {}
        self._kept: dict[int, _Kept] = {}
        self._size = 0
        self._models: dict[int, Softmax | None] = {}

    def learn(self, number: int, cases: Iterable[Case]) -> None:
        """Take in the cases of the article of that number."""
        found = list(cases)
        self.heads.update(case.known for case in found if case.label != NONE)
        self.seen.update(case.of or case.label for case in found if case.label != NONE)
        if not found or (self._size >= self.most and number > max(self._kept)):
            return
        self._kept[number] = _Kept(
            np.array([features(case.values) for case in found], dtype=np.int64),
            [case.label for case in found],
            [case.known for case in found],
        )
        self._size += len(found)
        if self._size > self.most:
            self._kept = {number: self._useful(kept) for number, kept in self._kept.items()}
            self._size = sum(len(kept.labels) for kept in self._kept.values())
        while self._size > self.most and len(self._kept) > 1:
            self._size -= len(self._kept.pop(max(self._kept)).labels)

    def _useful(self, kept: _Kept) -> _Kept:
        places = [place for place, word in enumerate(kept.known) if word in self.heads]
        return _Kept(
            kept.cases[places], [kept.labels[place] for place in places], [kept.known[place] for place in places]
        )

    def __call__(self, number: int, cases: Sequence[Case]) -> list[dict[str, float]]:
        """Label → probability of each case, learned from the articles of the other folds; empty if from none."""
        fold = number % FOLDS
        if fold not in self._models:
            parts = [self._useful(self._kept[one]) for one in sorted(self._kept) if one % FOLDS != fold]
            labels = [label for part in parts for label in part.labels]
            self._models[fold] = Softmax(np.concatenate([part.cases for part in parts]), labels) if labels else None
        model = self._models[fold]
        if model is None or not cases:
            return [{} for _ in cases]
        shares = model(np.array([features(case.values) for case in cases], dtype=np.int64))
        here = Counter(case.of or case.label for case in cases if case.label != NONE)
        answers = [dict(zip(model.classes, row, strict=True)) for row in shares.tolist()]
        for case, answer in zip(cases, answers, strict=True):
            if case.label != NONE:
                # of what the other articles hardly have one cannot know where it stands, unless another label does
                name = case.of or case.label
                elsewhere = self.seen[name] - here[name]
                rival = max((share for label, share in answer.items() if label not in (NONE, case.label)), default=0.0)
                right = elsewhere * answer.get(case.label, 0.0) + RARE / 2 * (1 - rival)
                answer[case.label] = right / (elsewhere + RARE)
        return answers


class Usual:
    """Call `learn` with every document, then `hints` with each of the same."""

    def __init__(self, schema: LabelSchema | None) -> None:
        self._questions = {question: Learner() for question in QUESTIONS}
        self._attributes = {
            (attribute.of, attribute.name): (attribute.default, Learner())
            for attribute in (schema.attributes if schema else ())
        }

    def learn(self, document: Document) -> None:
        """Take in one document."""
        number, cases = article_number(document), Cases(document)
        for question, learner in self._questions.items():
            learner.learn(number, cases.of(question))
        for question, items in (("entity", document.entities), ("event", document.events)):
            for item in items:
                words = tuple(document.word(place) for place in document.inside(spot(item)))
                if 1 < len(words) <= LONGEST:
                    self._questions[question].strings.setdefault(words[0], set()).add(words)
        for (of, name), (default, learner) in self._attributes.items():
            learner.learn(number, attribute_cases(document, name, default, _items(document, of)))

    def hints(self, document: Document) -> Iterator[Hint]:
        """What is unusual in one document."""
        number, cases = article_number(document), Cases(document)
        for question in ("entity", "event"):
            yield from self._spans(
                document, number, list(cases.of(question, self._strings(document, question))), self._questions[question]
            )
        yield from self._arguments(document, number, list(cases.of("argument")), self._questions["argument"])
        for (of, name), (default, learner) in self._attributes.items():
            found = list(attribute_cases(document, name, default, _items(document, of)))
            for case, shares in zip(found, learner(number, found), strict=True):
                other = _best(shares, case.label)
                score = doubtful(shares.get(case.label, 0.0)) if shares else 0.0
                if other and score >= LEAST:
                    what = f"{document.quote(case.spots[0])}: {name} is {case.label}; there it is usually {other}."
                    yield Hint(
                        "attribute", score, case.spots, (document.items[case.item or ""].type, case.label, other), what
                    )

    def _strings(self, document: Document, question: Question) -> Iterator[Spot]:
        """Where strings of several words stand that are marked anywhere in the corpus."""
        strings = self._questions[question].strings
        for place, (start, _) in enumerate(document.words):
            for words in strings.get(document.word(place), ()):
                if all(document.word(place + step) == word for step, word in enumerate(words)):
                    yield start, document.words[place + len(words) - 1][1]

    def _spans(self, document: Document, number: int, cases: list[Case], learner: Learner) -> Iterator[Hint]:
        cases = [case for case in cases if case.label != NONE or case.known in learner.heads]
        answers = learner(number, cases)
        linked = {event.id for event in document.events if event.arguments}
        linked.update(argument.filler for event in document.events for argument in event.arguments)
        marked = [case for case in cases if case.label != NONE]
        find = overlap_finder([document.items[case.item] for case in marked if case.item])
        gaps: list[tuple[float, str, Case]] = []
        likelier: dict[Spot, tuple[float, Spot, str]] = {}
        for case, shares in zip(cases, answers, strict=True):
            if not shares:
                continue
            where = case.spots[0]
            if case.item in linked and case.label != NONE:
                none, right = LINKED * shares.get(NONE, 0.0), shares.get(case.label, 0.0)
                shares |= {NONE: none, case.label: right / (1 - shares.get(NONE, 0.0) + none)}
            if case.label == NONE:
                best = _best(shares, NONE)
                if not best:
                    continue
                mark = 1 - shares.get(NONE, 0.0)
                crossed = [marked[place] for place in find(*where) if marked[place].label == best]
                if crossed:
                    for other in crossed:
                        likelier[other.spots[0]] = max(
                            likelier.get(other.spots[0], (0.0, where, best)), (mark, where, best)
                        )
                else:
                    gaps.append((mark, best, case))
        for case, shares in zip(cases, answers, strict=True):
            if case.label == NONE or not shares:
                continue
            yield from self._marked(document, case, shares, likelier.get(case.spots[0]), case.item in linked)
        taken: list[Spot] = []
        for mark, best, case in sorted(gaps, key=lambda one: (-one[0], one[2].spots)):
            (start, end), score = case.spots[0], doubtful(1 - mark, OMISSIONS)
            if score < LEAST or any(start < other[1] and other[0] < end for other in taken):
                continue
            taken.append((start, end))
            yield Hint(
                "unusual-gap",
                score,
                case.spots,
                (best,),
                f"{document.quote(case.spots[0])} is not marked; in such a place it is usually {best}.",
            )

    def _marked(
        self,
        document: Document,
        case: Case,
        shares: dict[str, float],
        likelier: tuple[float, Spot, str] | None,
        linked: bool,
    ) -> Iterator[Hint]:
        where, other = case.spots[0], _best(shares, case.label)
        score = doubtful(shares.get(case.label, 0.0), MISTAKES if linked or other != NONE else ALONE)
        if score < LEAST or other is None:
            return
        said = f"{case.label} {document.quote(where)}"
        if other != NONE:
            what = f"{said}: such a span is usually {other}."
            yield Hint("unusual-type", score, (where,), (case.label, other), what)
        elif likelier and likelier[0] > 0.3:
            what = f"{said}: the span is perhaps {document.quote(likelier[1])}."
            yield Hint("unusual-border", score, (where, likelier[1]), (case.label,), what)
        else:
            what = f"{said}: such a span is usually not marked."
            yield Hint("unusual-mark", score, (where,), (case.label,), what)

    def _arguments(self, document: Document, number: int, cases: list[Case], learner: Learner) -> Iterator[Hint]:
        for case, shares in zip(cases, learner(number, cases), strict=True):
            other = _best(shares, case.label)
            mistakes = OMISSIONS if case.label == NONE else MISTAKES
            score = doubtful(shares.get(case.label, 0.0), mistakes) if shares else 0.0
            if other is None or score < LEAST:
                continue
            event, filler = document.items[case.item or ""], document.items[case.known]
            at = f"{event.type} {document.quote(case.spots[0])}"
            who = document.quote(case.spots[1])
            usually = f"the {other}" if other else "no argument"
            if case.label == NONE:
                what = f"{at}: {who} is no argument of it; such {filler.type} is usually {usually}."
                yield Hint("usual-argument", score, case.spots, (event.type, other, filler.type), what)
            else:
                what = f"{at}: {who} is the {case.label}; such {filler.type} is usually {usually}."
                yield Hint("unusual-role", score, case.spots, (event.type, case.label, filler.type), what)


def _items(document: Document, of: Literal["entities", "events"]) -> Sequence[Entity | Event]:
    return document.entities if of == "entities" else document.events


def _best(shares: dict[str, float], without: str) -> str | None:
    """The likeliest other answer."""
    others = [(share, label) for label, share in shares.items() if label != without]
    return max(others)[1] if others else None


def article_number(document: Document) -> int:
    """A number that stands for the article wherever it is read: it says which fold it is in."""
    name = f"{document.article.id} {document.article.text_sha256} {document.said.annotator.key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
