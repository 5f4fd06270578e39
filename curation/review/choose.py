"""The policy that says which annotation of an article counts as its reviewed one.

First what was adjudicated; else what two people or more said alike, each by their latest; else the latest that a
person submitted. Skipped tasks, drafts and what only an engine said never count.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from curation.annotation import Annotation
from curation.compare import compare

Why = Literal["adjudicated", "agreed", "latest"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Choice(NamedTuple):
    """The annotation that counts, why it does, and the latest of each of the other people on the same text."""

    annotation: Annotation
    why: Why
    others: tuple[Annotation, ...] = ()


def choose(annotations: Iterable[Annotation]) -> Choice | None:
    """The annotation that counts, of all those of one article, on the revision of its text that was annotated last.

    Two annotations are alike where spans, types, attributes and arguments are the same. Of several groups of people
    who say the same, the largest counts, then the one that holds the latest. None where nothing counts.
    """
    good = sorted(
        (one for one in annotations if one.annotator.kind == "person" and one.state in ("reviewed", "submitted")),
        key=lambda one: (one.time or _LONG_AGO, one.id),
    )
    if not good:
        return None
    good = [one for one in good if one.text_sha256 == good[-1].text_sha256]
    of_person = {one.annotator.key: one for one in good}
    said = sorted(of_person.values(), key=lambda one: (one.time or _LONG_AGO, one.id))
    adjudicated = [one for one in good if one.state == "reviewed"]
    if adjudicated:
        return _choice(adjudicated[-1], "adjudicated", said)
    alike = [sum(compare(one, other).equal for other in said) for one in said]
    most = max(alike)
    counts = next(one for one, count in zip(reversed(said), reversed(alike), strict=True) if count == most)
    return _choice(counts, "agreed" if most > 1 else "latest", said)


def _choice(counts: Annotation, why: Why, said: Iterable[Annotation]) -> Choice:
    return Choice(counts, why, tuple(one for one in said if one.annotator.key != counts.annotator.key))
