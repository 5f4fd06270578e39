"""Checks that learn from the corpus what is usual, and compare each article with the rest.

A classifier answers each question of `check_features` for an article after it has learned from other articles, so that
a mistake cannot confirm itself. An answer that differs from the annotation with a high probability is a hint. The
engine's answer is one of the features, so it counts as far as it proved right.
"""

from __future__ import annotations

import hashlib
import warnings
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from curation.annotation import Entity, Event
from curation.errors import CurationError
from curation.metrics.matching import overlap_finder
from curation.review.checks.check_features import NONE, Case, DocumentFeatures, Features, Table
from curation.review.checks.document import Document, spot
from curation.review.checks.finding import MISTAKES, OMISSIONS, Hint, Kind, Spot, doubtful
from curation.schema import LabelSchema

FOLDS = 10
MOST_WORDS = 25_000
"""Size of the sample of articles that the classifiers learn from, so that memory and time stay bounded."""
LEAST = 0.01
"""Hints with a lower score are left out."""
LEAST_WORD = 0.1
"""The same for hints of the kind `tokens`."""
LINKED = 0.15
"""Factor on the probability that a span should not be marked, if an argument uses it: it was marked on purpose."""
RARE = 3.0
"""Labels that occur this often in other articles are trusted half as much as frequent ones."""
ALONE = 0.15
"""Prior probability of a mistake in something that is marked and in no argument."""
LONGEST = 8
"""Longest string that is looked for elsewhere, in words."""

LEARNED: tuple[Kind, ...] = (
    "unusual-type",
    "unusual-border",
    "unusual-mark",
    "unusual-gap",
    "unusual-role",
    "usual-argument",
    "attribute",
)
SPANS = ("entity", "event")
SURELY_NONE = 0.95
"""A span that is not marked, with this probability or a higher one, is right: it cannot reach LEAST."""

Shares = dict[str, float]
"""Label → probability."""


class Regression:
    """Logistic regression on hashed features. The same rows give the same weights.

    Features that occur once are ignored. Rare features get a weaker penalty than frequent ones: columns are scaled by
    their count to the power of -1/4.
    """

    STRENGTH = 0.03
    """Inverse of the penalty on the weights of features that occur FREQUENT times."""
    FREQUENT = 10_000
    STEPS = 14
    """Steps of the optimiser; more do not find more mistakes."""

    def __init__(self, table: Features, labels: npt.NDArray[Any]) -> None:
        from sklearn.linear_model import LogisticRegression  # an optional extra, and slow to import

        known, counts = np.unique(table, return_counts=True)
        self._known = known[counts > 1]
        self._scale = np.minimum((self.FREQUENT / counts[counts > 1]) ** 0.25, 8)
        model = LogisticRegression(C=self.STRENGTH, max_iter=self.STEPS, solver="sag", random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the optimiser stopped after STEPS
            model.fit(self._matrix(table), labels)
        self._model = model

    def __call__(self, table: Features) -> npt.NDArray[np.float64]:
        """One row for each case: the probability of each label, in sorted order."""
        values = self._matrix(table) @ self._model.coef_.T + self._model.intercept_
        if values.shape[1] == 1:  # two labels
            values = np.concatenate((np.zeros_like(values), values), axis=1)
        power = np.exp(values - values.max(axis=1, keepdims=True))
        shares: npt.NDArray[np.float64] = power / power.sum(axis=1, keepdims=True)
        return shares

    def _matrix(self, table: Features) -> Any:
        from scipy.sparse import csr_matrix

        found = np.minimum(np.searchsorted(self._known, table), max(len(self._known) - 1, 0))
        held = self._known[found] == table if len(self._known) else np.zeros(table.shape, dtype=bool)
        columns = found[held]
        ends = np.concatenate(([0], np.cumsum(held.sum(axis=1))))
        return csr_matrix((self._scale[columns], columns, ends), shape=(len(table), len(self._known)))


class Classifier:
    """Two regressions: is anything marked, and with which label."""

    def __init__(self, table: Features, labels: npt.NDArray[np.str_]) -> None:
        marked = labels != NONE
        self.labels: list[str] = np.unique(labels[marked]).tolist()
        self._none = 1.0 - marked.all()
        self._mark = Regression(table, marked) if len(np.unique(marked)) > 1 else None
        self._label = Regression(table[marked], labels[marked]) if len(self.labels) > 1 else None

    def __call__(self, table: Features) -> npt.NDArray[np.float64]:
        """One row for each case: the probability of NONE, then of each label."""
        none = self._mark(table)[:, :1] if self._mark else np.full((len(table), 1), self._none)
        shares = self._label(table) if self._label else np.ones((len(table), len(self.labels)))
        return np.concatenate((none, (1 - none) * shares), axis=1)


class _Seen(NamedTuple):
    """An article of the sample."""

    number: int
    document: Document


class Learner:
    """Keeps a sample of the articles, and one classifier for each question and fold.

    Folds and sample depend on hashes of the articles, so the order of the articles does not matter.
    """

    def __init__(self) -> None:
        self._sample: list[_Seen] = []
        self._size = 0
        self._limit: int | None = None
        self._classifiers: dict[str, dict[int, Classifier | None]] = {}

    def learn(self, document: Document) -> None:
        """Take in one document."""
        number = article_number(document)
        if self._limit is not None and number >= self._limit:
            return
        insort(self._sample, _Seen(number, document), key=lambda seen: seen.number)
        self._size += len(document.words)
        while self._size > MOST_WORDS and len(self._sample) > 1:
            self._limit, dropped = self._sample.pop()
            self._size -= len(dropped.words)

    def answer(
        self, question: str, build: Callable[[DocumentFeatures], Table], document: Document, table: Table
    ) -> tuple[list[str], npt.NDArray[np.float64]] | None:
        """The labels, NONE first, and their probabilities for each case; None if nothing could be learned.

        `build` makes the table of another document.
        """
        if question not in self._classifiers:
            self._classifiers[question] = self._train(build)
        classifier = self._classifiers[question].get(article_number(document) % FOLDS)
        if classifier is None or not table.cases:
            return None
        return [NONE, *classifier.labels], classifier(table.features)

    def _train(self, build: Callable[[DocumentFeatures], Table]) -> dict[int, Classifier | None]:
        """Fold → the classifier that has seen all of the sample but this fold."""
        tables = [(seen.number % FOLDS, build(DocumentFeatures(seen.document))) for seen in self._sample]
        tables = [(fold, table) for fold, table in tables if table.cases]
        made: dict[int, Classifier | None] = {}
        for fold in range(FOLDS):
            others = [table for other, table in tables if other != fold]
            labels = np.array([case.label for table in others for case in table.cases])
            made[fold] = Classifier(np.concatenate([table.features for table in others]), labels) if others else None
        return made


class LearnedChecks(Learner):
    """Call `learn` with every document, then `hints` with each of the same documents."""

    def __init__(self, schema: LabelSchema | None) -> None:
        super().__init__()
        self._attributes = schema.attributes if schema else ()
        self._heads: dict[str, set[str]] = {question: set() for question in SPANS}
        self._strings: dict[str, dict[str, set[tuple[str, ...]]]] = {question: {} for question in SPANS}
        self._groups: dict[str, Counter[str]] = {}
        """Question → how often each group of labels occurs."""

    def learn(self, document: Document) -> None:
        """Take in one document."""
        super().learn(document)
        engine = document.engine
        for question, items, other in (
            ("entity", document.entities, engine.entities if engine else ()),
            ("event", document.events, engine.events if engine else ()),
        ):
            known = {spot(item) for item in other}
            for item in items:
                words = tuple(document.word(place) for place in document.inside(spot(item)))
                if words and spot(item) not in known:
                    self._heads[question].add(words[-1])
                if 1 < len(words) <= LONGEST:
                    self._strings[question].setdefault(words[0], set()).add(words)
                self._count(question, item.type)
        for event in document.events:
            for _ in {argument.filler for argument in event.arguments}:
                self._count("argument", event.type)
        for attribute in self._attributes:
            for item in _items(document, attribute.of):
                self._count(f"{attribute.of} {attribute.name}", item.attributes.get(attribute.name, attribute.default))

    def hints(self, document: Document) -> Iterator[Hint]:
        """What is unusual in one document."""
        features = DocumentFeatures(document)

        def entities(other: DocumentFeatures) -> Table:
            return other.spans("entity", self._heads["entity"], self._strings["entity"])

        def events(other: DocumentFeatures) -> Table:
            return other.spans("event", self._heads["event"], self._strings["event"])

        yield from self._spans(document, *self._ask("entity", entities, features))
        yield from self._spans(document, *self._ask("event", events, features))
        yield from self._arguments(document, *self._ask("argument", DocumentFeatures.arguments, features))
        for attribute in self._attributes:
            name, of, default = attribute.name, attribute.of, attribute.default

            def values(other: DocumentFeatures, name: str = name, of: str = of, default: str = default) -> Table:
                return other.attributes(name, default, _items(other.document, of))

            for case, shares in zip(*self._ask(f"{of} {name}", values, features), strict=True):
                best = _best(shares, case.label)
                score = doubtful(shares[case.label]) if shares else 0.0
                if best and score >= LEAST:
                    labels = (document.items[case.item or ""].type, case.label, best)
                    what = f"{document.quote(case.spots[0])}: {name} is {case.label}; such a place usually has {best}."
                    yield Hint("attribute", score, case.spots, labels, what)

    def _count(self, question: str, group: str) -> None:
        self._groups.setdefault(question, Counter())[group] += 1

    def _ask(
        self, question: str, build: Callable[[DocumentFeatures], Table], features: DocumentFeatures
    ) -> tuple[list[Case], list[Shares]]:
        """The cases of a document and the answers; of marks that other articles hardly have, nothing is certain."""
        table = build(features)
        answer = self.answer(question, build, features.document, table)
        if answer is None:
            return table.cases, [{} for _ in table.cases]
        labels, shares = answer
        here = Counter(case.group for case in table.cases if case.label != NONE)
        answers: list[Shares] = []
        for case, row, none in zip(table.cases, shares.tolist(), shares[:, 0].tolist(), strict=True):
            if case.label == NONE and none > SURELY_NONE:
                answers.append({})
                continue
            found = dict(zip(labels, row, strict=True))
            if case.label != NONE:
                elsewhere = self._groups[question][case.group] - here[case.group]
                rival = max((share for label, share in found.items() if label not in (NONE, case.label)), default=0.0)
                right = elsewhere * found.get(case.label, 0.0) + RARE / 2 * (1 - rival)
                found[case.label] = right / (elsewhere + RARE)
            answers.append(found)
        return table.cases, answers

    def _spans(self, document: Document, cases: list[Case], answers: list[Shares]) -> Iterator[Hint]:
        linked = {event.id for event in document.events if event.arguments}
        linked.update(argument.filler for event in document.events for argument in event.arguments)
        marked = [case for case in cases if case.label != NONE]
        find = overlap_finder([document.items[case.item] for case in marked if case.item])
        gaps: list[tuple[float, str, Case]] = []
        better: dict[Spot, tuple[float, Spot]] = {}
        """Span that is marked → the probability of the best span that overlaps it, and this span."""
        for case, shares in zip(cases, answers, strict=True):
            best = _best(shares, NONE) if case.label == NONE else None
            if not best:
                continue
            where, mark = case.spots[0], 1 - shares[NONE]
            crossed = [marked[place] for place in find(*where) if marked[place].label == best]
            for other in crossed:
                better[other.spots[0]] = max(better.get(other.spots[0], (0.0, where)), (mark, where))
            if not crossed:
                gaps.append((mark, best, case))
        for case, shares in zip(cases, answers, strict=True):
            if case.label != NONE and shares:
                yield from self._marked(document, case, shares, better.get(case.spots[0]), case.item in linked)
        taken: list[Spot] = []
        for mark, best, case in sorted(gaps, key=lambda gap: (-gap[0], gap[2].spots)):
            (start, end), score = case.spots[0], doubtful(1 - mark, OMISSIONS)
            if score >= LEAST and not any(start < other[1] and other[0] < end for other in taken):
                taken.append((start, end))
                what = f"{document.quote(case.spots[0])} is not marked; in such a place it is usually {best}."
                yield Hint("unusual-gap", score, case.spots, (best,), what)

    @staticmethod
    def _marked(
        document: Document, case: Case, shares: Shares, better: tuple[float, Spot] | None, linked: bool
    ) -> Iterator[Hint]:
        where, right = case.spots[0], shares.get(case.label, 0.0)
        if linked:
            none = LINKED * shares[NONE]
            right /= 1 - shares[NONE] + none
            shares = shares | {NONE: none}
        best = _best(shares, case.label)
        score = doubtful(right, MISTAKES if linked or best != NONE else ALONE)
        if score < LEAST or best is None:
            return
        marked = f"{case.label} {document.quote(where)}"
        if best != NONE:
            what = f"{marked}: such a span is usually {best}."
            yield Hint("unusual-type", score, (where,), (case.label, best), what)
        elif better and better[0] > 0.3:
            what = f"{marked}: the span is perhaps {document.quote(better[1])}."
            yield Hint("unusual-border", score, (where, better[1]), (case.label,), what)
        else:
            what = f"{marked}: such a span is usually not marked."
            yield Hint("unusual-mark", score, (where,), (case.label,), what)

    @staticmethod
    def _arguments(document: Document, cases: list[Case], answers: list[Shares]) -> Iterator[Hint]:
        for case, shares in zip(cases, answers, strict=True):
            best = _best(shares, case.label)
            prior = OMISSIONS if case.label == NONE else MISTAKES
            score = doubtful(shares.get(case.label, 0.0), prior) if shares else 0.0
            if best is None or score < LEAST:
                continue
            event, filler = document.items[case.item or ""], document.items[case.filler]
            at, name = f"{event.type} {document.quote(case.spots[0])}", document.quote(case.spots[1])
            usually = f"the {best}" if best else "no argument"
            if case.label == NONE:
                what = f"{at}: {name} is no argument of it; such {filler.type} is usually {usually}."
                yield Hint("usual-argument", score, case.spots, (event.type, best, filler.type), what)
            else:
                what = f"{at}: {name} is the {case.label}; such {filler.type} is usually {usually}."
                yield Hint("unusual-role", score, case.spots, (event.type, case.label, filler.type), what)


class WordChecks(Learner):
    """Checks word by word with cleanlab's scores for token classification. Nested spans do not fit into it.

    Raises:
        CurationError: cleanlab is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            from cleanlab.token_classification.rank import get_label_quality_scores
        except ImportError as error:
            hint = "pip install 'curation[checks]', or leave the kind tokens out"
            raise CurationError(f"cleanlab is not installed; {hint}") from error
        self._quality = get_label_quality_scores

    def hints(self, document: Document) -> Iterator[Hint]:
        """Words whose label is improbable; neighbours with the same labels are one hint."""
        table = DocumentFeatures(document).words()
        answer = self.answer("word", DocumentFeatures.words, document, table)
        if answer is None:
            return
        labels, shares = answer
        unknown = sorted({case.label for case in table.cases} - set(labels))
        shares = np.pad(shares, ((0, 0), (0, len(unknown))))
        labels = [*labels, *unknown]
        _, (scores,) = self._quality([[labels.index(case.label) for case in table.cases]], [shares])
        waiting: list[tuple[Case, str, float]] = []
        for case, best, quality in zip(table.cases, shares.argmax(axis=1).tolist(), scores.tolist(), strict=True):
            score = doubtful(quality)
            found = score >= LEAST_WORD and labels[best] != case.label
            if waiting and not (found and (waiting[-1][0].label, waiting[-1][1]) == (case.label, labels[best])):
                yield _word_hint(document, waiting)
                waiting = []
            if found:
                waiting.append((case, labels[best], score))
        if waiting:
            yield _word_hint(document, waiting)


def _word_hint(document: Document, found: Sequence[tuple[Case, str, float]]) -> Hint:
    where = found[0][0].spots[0][0], found[-1][0].spots[0][1]
    label, best = found[0][0].label, found[0][1]
    is_now, would_be = (f"in {name}" if name != NONE else "in no span" for name in (label, best))
    what = f"{document.quote(where)} is {is_now}; word by word it is usually {would_be}."
    return Hint("tokens", max(score for _, _, score in found), (where,), (label, best), what)


def _items(document: Document, of: str) -> Sequence[Entity | Event]:
    return document.entities if of == "entities" else document.events


def _best(shares: Shares, without: str) -> str | None:
    """The most probable other label."""
    others = [(share, label) for label, share in shares.items() if label != without]
    return max(others)[1] if others else None


def article_number(document: Document) -> int:
    """A hash of the article, its text and the annotator. It decides about fold and sample."""
    name = f"{document.article.id} {document.article.text_sha256} {document.said.annotator.key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
