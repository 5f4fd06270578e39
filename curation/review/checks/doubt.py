"""A doubt: one finding of the checks, something in an annotation that is perhaps a mistake.

Not to be confused with `curation.validation.Violation`, which says that an annotation does not fit its article or
schema: that is certain, and push and publish refuse it. A doubt fits and may still be wrong; a person decides.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from curation.annotation import Annotation, Score, Span
from curation.article import Value

Kind = Literal[
    "filler-type",
    "role-missing",
    "two-roles",
    "circle",
    "far-filler",
    "doubled-event",
    "overlap",
    "border",
    "label-here",
    "label-elsewhere",
    "unmarked-here",
    "unmarked-elsewhere",
    "unmarked-trigger",
    "odd-trigger",
    "unusual-type",
    "unusual-border",
    "unusual-mark",
    "unusual-gap",
    "unusual-role",
    "usual-argument",
    "attribute",
    "engine",
    "tokens",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Spot = tuple[int, int]
"""`[start, end)` in code points of the article's text."""


MISTAKES = 0.06
"""Share of what is marked that is taken to be a mistake, before one looks."""
OMISSIONS = 0.15
"""The same of what might be marked and is not: people overlook more than they mistake."""
LEAST_ALSO = 0.06
"""Hints weaker than this are not told beside a stronger one."""
SURE = 0.998
"""Nothing is taken to be surer than this."""
SLOPE, SHIFT = 0.87, 0.114
"""How the odds of a hint become those of a mistake; see `calibrated`."""
WEIGHT = 0.6
"""What a hint of another kind on the same span weighs beside the strongest: they are seldom independent."""


def doubtful(right: float, mistakes: float = MISTAKES) -> float:
    """How probable a mistake is in an answer that is right with probability `right`, seen from outside."""
    right = min(max(right, 1 - SURE), SURE)
    wrong = mistakes * (1 - right)
    return wrong / (wrong + (1 - mistakes) * right)


def calibrated(score: float) -> float:
    """What a score is worth: checks are too sure of themselves. Fitted on errors sown into the sample's annotations."""
    score = min(max(score, 1e-6), 1 - 1e-6)
    odds = SHIFT * math.exp(SLOPE * math.log(score / (1 - score)))
    return round(odds / (1 + odds), 4)


def rare(seen: int, of: int, mistakes: float) -> float:
    """How probable a mistake is where something stands that was seen so often (this one included) among so many.

    `mistakes` is the share of all mistakes that would look like this.
    """
    usual = (max(seen - 1, 0) + 0.5) / (of + 1)
    wrong = MISTAKES * mistakes
    return wrong / (wrong + (1 - MISTAKES) * min(usual, 1))


class Hint(NamedTuple):
    """What one check says of one place, before hints on the same place are put together.

    spots: what it is about, first; then what else plays a part, such as fillers.
    labels: as annotated, or as they should perhaps be where nothing is annotated.
    """

    kind: Kind
    score: float
    spots: tuple[Spot, ...]
    labels: tuple[str, ...]
    message: str


class Also(Value):
    """Another doubt on the same span, shown with the strongest one. It has an id of its own."""

    id: str
    kind: Kind
    score: Score
    message: str


class Doubt(Value):
    """A finding: the strongest hint on a span, and the others beside it.

    id: 16 hex digits, the same in every run as long as the text, the span and the labels in doubt are.
    score: how probable it is that there is a mistake, all hints on the span together.
    annotator: the key of whoever said it, as annotations have it.
    spans: the one in doubt first, then others that play a part in any of what is said, such as fillers.
    labels: those in doubt, as annotated; of something that is perhaps missing, as they should perhaps be.
    message: one plain sentence for the annotator.
    """

    id: str
    kind: Kind
    score: Score
    article_id: str
    text_sha256: str
    annotation_id: str
    annotator: str
    spans: tuple[Span, ...]
    labels: tuple[str, ...]
    message: str
    also: tuple[Also, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id to dismiss when a person says that all is well here."""
        return (self.id, *(other.id for other in self.also))


def doubt_id(annotation: Annotation, hint: Hint) -> str:
    """What names a hint for good: article, text, kind, spans and labels. Scores and messages may change."""
    said = [annotation.article_id, annotation.text_sha256, hint.kind, hint.spots, hint.labels]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:16]


def gather(annotation: Annotation, hints: Sequence[Hint], dismissed: frozenset[str] = frozenset()) -> list[Doubt]:
    """One doubt a span, the strongest hint in front; hints that were dismissed play no part. By place in the text."""
    by_span: dict[Spot, dict[str, Hint]] = {}
    for hint in sorted(hints, key=lambda one: (-one.score, one.kind, one.spots, one.labels)):
        name = doubt_id(annotation, hint)
        if name not in dismissed:
            by_span.setdefault(hint.spots[0], {}).setdefault(name, hint)
    return [_together(annotation, named) for _, named in sorted(by_span.items())]


def _together(annotation: Annotation, named: dict[str, Hint]) -> Doubt:
    (first, hint), *others = named.items()
    rest = [(name, other) for name, other in others if other.score >= LEAST_ALSO]
    spots = dict.fromkeys(spot for other in (hint, *(one for _, one in rest)) for spot in other.spots)
    right = 1 - hint.score
    strongest = {other.kind: other.score for _, other in reversed(rest)}
    for kind, score in strongest.items():
        right *= (1 - score) ** WEIGHT if kind != hint.kind else 1
    return Doubt(
        id=first,
        kind=hint.kind,
        score=calibrated(1 - right),
        article_id=annotation.article_id,
        text_sha256=annotation.text_sha256,
        annotation_id=annotation.id,
        annotator=annotation.annotator.key,
        spans=tuple(Span(start=start, end=end) for start, end in spots),
        labels=hint.labels,
        message=hint.message,
        also=tuple(
            Also(id=name, kind=other.kind, score=calibrated(other.score), message=other.message) for name, other in rest
        ),
    )
