"""The policy that says which annotation of an article counts as its reviewed one.

First what was adjudicated; else what as many people as are needed (two, unless the policy says otherwise) said alike,
each by their latest; else the latest that a person submitted. Skipped tasks, drafts and what only an engine said never
count, and what people said who do not count in the project's policy counts only where they decided in review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from curation.annotation import Annotation, Annotator
from curation.compare import compare
from curation.review.merge import without_attributes

Why = Literal["adjudicated", "agreed", "latest"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def everyone(annotator: Annotator) -> bool:
    """Every person counts."""
    return annotator.kind == "person"


class Policy(NamedTuple):
    """Who counts, how many people are needed to agree, and which attributes are no disagreement.

    `defaults` are the values that the attributes of the schema have where nothing is said.
    """

    counts: Callable[[Annotator], bool] = everyone
    needed: int = 2
    ignore_attributes: tuple[str, ...] = ()
    defaults: Mapping[str, str] = MappingProxyType({})

    def alike(self, one: Annotation, other: Annotation) -> bool:
        """Do they say the same, but for attributes that are ignored or only write out their default?"""
        bare = (without_attributes(each, self.ignore_attributes, self.defaults) for each in (one, other))
        return compare(*bare).equal

    def said(self, annotations: Iterable[Annotation]) -> list[Annotation]:
        """The latest that each person who counts submitted on the latest revision, outside review, by time."""
        good = [one for one in _good(annotations) if one.state == "submitted" and self.counts(one.annotator)]
        good = [one for one in good if one.text_sha256 == good[-1].text_sha256]
        of_person = {one.annotator.key: one for one in good}
        return sorted(of_person.values(), key=_when)


class Choice(NamedTuple):
    """The annotation that counts, why it does, and the latest of each of the other people on the same text."""

    annotation: Annotation
    why: Why
    others: tuple[Annotation, ...] = ()


def choose(annotations: Iterable[Annotation], policy: Policy = Policy()) -> Choice | None:  # noqa: B008  immutable
    """The annotation that counts, of all those of one article, on the revision of its text that was annotated last.

    Two annotations are alike where spans, types, attributes and arguments are the same. Of several groups of people
    who say the same, the largest counts, then the one that holds the latest. None where nothing counts.
    """
    good = [one for one in _good(annotations) if one.state == "reviewed" or policy.counts(one.annotator)]
    if not good:
        return None
    good = [one for one in good if one.text_sha256 == good[-1].text_sha256]
    of_person = {one.annotator.key: one for one in good}
    said = sorted(of_person.values(), key=_when)
    adjudicated = [one for one in good if one.state == "reviewed"]
    if adjudicated:
        return _choice(adjudicated[-1], "adjudicated", said)
    alike = [sum(policy.alike(one, other) for other in said) for one in said]
    most = max(alike)
    if most < policy.needed:
        return _choice(said[-1], "latest", said)
    counts = next(one for one, count in zip(reversed(said), reversed(alike), strict=True) if count == most)
    return _choice(counts, "agreed", said)


def _good(annotations: Iterable[Annotation]) -> list[Annotation]:
    """What people submitted or decided, the earliest first."""
    return sorted(
        (one for one in annotations if one.annotator.kind == "person" and one.state in ("reviewed", "submitted")),
        key=_when,
    )


def _when(annotation: Annotation) -> tuple[datetime, str]:
    return annotation.time or _LONG_AGO, annotation.id


def _choice(counts: Annotation, why: Why, said: Iterable[Annotation]) -> Choice:
    return Choice(counts, why, tuple(one for one in said if one.annotator.key != counts.annotator.key))
