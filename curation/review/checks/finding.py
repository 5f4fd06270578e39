"""A finding of the checks: something in an annotation that may be a mistake. And the findings that people dismissed.

Do not confuse it with the errors of `curation.validation`: these say that an annotation does not fit its article or
schema, and push and publish refuse it. An annotation with findings is valid; a person decides whether it is right.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field

from curation.annotation import Annotation, Score, Span
from curation.article import Plain, Value, build
from curation.errors import BadInput
from curation.files import append_jsonl, json_object

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
"""Prior probability of a mistake in something that is marked."""
OMISSIONS = 0.15
"""Prior probability that something was overlooked, where it could be marked. People overlook more than they mistake."""
LEAST_ALSO = 0.06
"""Hints with a lower score are not shown beside a stronger one."""
SURE = 0.998
"""Upper limit of every probability."""
SLOPE, SHIFT = 0.87, 0.114
"""Of the calibration of scores, see `calibrated`."""
WEIGHT = 0.6
"""Weight of a hint of another kind on the same span: they are seldom independent of the strongest."""
FILE = "dismissed.jsonl"
"""In the work folder: the dismissed findings, one JSON line each; lines are only ever appended."""


def doubtful(right: float, mistakes: float = MISTAKES) -> float:
    """Probability of a mistake where other evidence gives the annotator's answer the probability `right`."""
    right = min(max(right, 1 - SURE), SURE)
    wrong = mistakes * (1 - right)
    return wrong / (wrong + (1 - mistakes) * right)


def calibrated(score: float) -> float:
    """A calibrated score; the raw ones are too high. Fitted on errors seeded into the annotations of the sample."""
    score = min(max(score, 1e-6), 1 - 1e-6)
    odds = SHIFT * math.exp(SLOPE * math.log(score / (1 - score)))
    return round(odds / (1 + odds), 4)


def rare(seen: int, of: int, mistakes: float) -> float:
    """Probability of a mistake in a pattern that occurs `seen` times (this one included) among `of` places.

    `mistakes` is the share of all mistakes that look like this pattern.
    """
    frequency = (max(seen - 1, 0) + 0.5) / (of + 1)
    wrong = MISTAKES * mistakes
    return wrong / (wrong + (1 - MISTAKES) * min(frequency, 1))


class Hint(NamedTuple):
    """The result of one check at one place. Hints at the same place become one finding.

    spots: the span in question first, then other spans that play a part, such as fillers.
    labels: as annotated, or the probable ones where nothing is annotated.
    """

    kind: Kind
    score: float
    spots: tuple[Spot, ...]
    labels: tuple[str, ...]
    message: str


class Also(Value):
    """A weaker hint on the same span, shown with the finding. It has an id of its own."""

    id: str
    kind: Kind
    score: Score
    message: str


class Finding(Value):
    """The strongest hint on a span, with the others beside it.

    id: 16 hex digits, the same in every run as long as text, span and labels are the same.
    score: probability of a mistake, from all hints on the span.
    annotator: key of the annotator.
    spans: the span in question first, then others that play a part in any of the hints, such as fillers.
    labels: as annotated; the probable ones where something may be missing.
    message: one sentence for the annotator.
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
        """All ids to dismiss when a person says that this span is right."""
        return (self.id, *(other.id for other in self.also))


def finding_id(annotation: Annotation, hint: Hint) -> str:
    """The permanent id of a hint: a hash of article, text, kind, spans and labels. Scores and messages may change."""
    identity = [annotation.article_id, annotation.text_sha256, hint.kind, hint.spots, hint.labels]
    return hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode()).hexdigest()[:16]


def gather(annotation: Annotation, hints: Sequence[Hint], dismissed: frozenset[str] = frozenset()) -> list[Finding]:
    """One finding for each span, in the order of the text; dismissed hints are left out."""
    by_span: dict[Spot, dict[str, Hint]] = {}
    for hint in sorted(hints, key=lambda hint: (-hint.score, hint.kind, hint.spots, hint.labels)):
        name = finding_id(annotation, hint)
        if name not in dismissed:
            by_span.setdefault(hint.spots[0], {}).setdefault(name, hint)
    return [_together(annotation, named) for _, named in sorted(by_span.items())]


def _together(annotation: Annotation, named: dict[str, Hint]) -> Finding:
    (first, hint), *others = named.items()
    rest = [(name, other) for name, other in others if other.score >= LEAST_ALSO]
    spots = dict.fromkeys(spot for other in (hint, *(weaker for _, weaker in rest)) for spot in other.spots)
    right = 1 - hint.score
    strongest = {other.kind: other.score for _, other in reversed(rest)}
    for kind, score in strongest.items():
        right *= (1 - score) ** WEIGHT if kind != hint.kind else 1
    return Finding(
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


class Dismissal(Value):
    """A person decided that a finding is no mistake. `time` is in UTC."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    why: Annotated[Plain, Field(max_length=2000)] = ""
    by: Annotated[Plain, Field(max_length=200)] = ""
    time: datetime


def read_dismissed(work: Path) -> frozenset[str]:
    """The ids of all dismissed findings. A line that was cut short by a kill is ignored.

    Raises:
        BadInput: the file cannot be read, or a complete line is no dismissal.
    """
    path = work / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", path=path) from error
    found = set()
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if line.strip() and not _cut_short(line):
            found.add(build(Dismissal, json_object(line, path=path, line=number), path=path, line=number).id)
    return frozenset(found)


def write_dismissed(work: Path, ids: Iterable[str], why: str = "", by: str = "") -> int:
    """Record that these findings are no mistakes. Returns the number of ids that were not dismissed before.

    Raises:
        BadInput: an id is not the id of a finding.
    """
    known, time = read_dismissed(work), datetime.now(UTC)
    new = [
        build(Dismissal, {"id": name, "why": why, "by": by, "time": time})
        for name in dict.fromkeys(ids)
        if name not in known
    ]
    return append_jsonl(work / FILE, (dismissal.model_dump_json() for dismissal in new)) if new else 0


def _cut_short(line: bytes) -> bool:
    """Is this the beginning of a line that was never finished?"""
    if not line.startswith(b'{"id":'[: len(line)]) or line.rstrip().endswith(b"}"):
        return False
    try:
        json.loads(line)
    except ValueError:
        return True
    return False
