"""Which annotation of an article counts as its reviewed one, and when nobody can say yet.

In this order:

1. adjudicated: what was decided in review on the latest annotated text, the last decision.
2. agreed: what as many people say alike as are `needed`, each by their latest.
3. latest: the only version there is: one person annotated, or fewer than `needed` did and all say the same.

People who differ, and too few of whom agree, leave an article *undecided*. A person who skipped the article differs
from one who submitted it. An undecided article does not count until it is decided, unless the policy chooses otherwise
(`Policy.undecided`). Drafts and what only an engine predicted never count. People who do not count in the project's
policy count only where they decided in review.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from curation.annotation import Annotation, Annotator, Event, Item
from curation.metrics.matching import arguments
from curation.schema import LabelSchema
from curation.schema_migration import migrate

Why = Literal["adjudicated", "agreed", "majority", "latest"]
OnUndecided = Literal["wait", "latest", "majority"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def everyone(annotator: Annotator) -> bool:
    """Every person counts."""
    return annotator.kind == "person"


class Policy(NamedTuple):
    """Who counts, how many people are needed to agree, and what is no disagreement.

    counts             whether an annotator counts
    needed             how many must agree
    ignore_attributes  attributes whose values are no disagreement
    defaults           attribute → value that its absence means; writing it out is no disagreement
    undecided          what counts where people differ: nothing (`wait`), the `latest` submission, or what the largest
                       group says (`majority`; a tie waits)
    schema             annotations are compared in the labels of this schema; None: as they are
    deleted            name of the annotator that stands for deleted accounts: each of its annotations may be by
                       another person
    """

    counts: Callable[[Annotator], bool] = everyone
    needed: int = 2
    ignore_attributes: tuple[str, ...] = ()
    defaults: Mapping[str, str] = MappingProxyType({})
    undecided: OnUndecided = "wait"
    schema: LabelSchema | None = None
    deleted: str | None = None

    def alike(self, first: Annotation, second: Annotation) -> bool:
        """Whether two annotations hold the same, apart from ignored attributes and written-out defaults."""
        return self.content(first) == self.content(second)

    def content(self, annotation: Annotation) -> Hashable:
        """What an annotation says, comparable: spans, types, attributes and arguments; a skipped one says None."""
        if annotation.state == "skipped":
            return None
        if self.schema is not None:
            annotation, _ = migrate(annotation, self.schema)
        items = sorted(
            (isinstance(item, Event), item.start, item.end, item.type, self._attributes(item))
            for item in annotation.items()
        )
        return tuple(items), frozenset(arguments(annotation))

    def submitted(self, annotations: Iterable[Annotation]) -> list[Annotation]:
        """Each person's latest submission outside review, on the text that was annotated last, by time."""
        counted = [one for one in _good(annotations) if one.state == "submitted" and self.counts(one.annotator)]
        return self._latest(counted, counted[-1].text_sha256) if counted else []

    def voices(self, annotations: Iterable[Annotation], text_sha256: str) -> list[Annotation]:
        """What each person who counts says of a text outside review, by time.

        That is the latest they submitted, or, where they submitted nothing, that they skipped it. Annotations with
        another schema are left out where there are some with the policy's.
        """
        here = [one for one in annotations if one.text_sha256 == text_sha256 and self.counts(one.annotator)]
        submitted = self._latest([one for one in _good(here) if one.state == "submitted"], text_sha256)
        if self.schema is not None:
            ours = [one for one in submitted if one.schema_ref.partition("@")[0] == self.schema.name]
            submitted = ours or submitted
        persons = {self._person(one) for one in submitted}
        skipped = {
            self._person(one): one
            for one in sorted(here, key=_when)
            if one.state == "skipped" and not one.between and self._person(one) not in persons
        }
        return sorted([*submitted, *skipped.values()], key=_when)

    def _latest(self, annotations: Iterable[Annotation], text_sha256: str) -> list[Annotation]:
        of_person = {self._person(one): one for one in annotations if one.text_sha256 == text_sha256}
        return sorted(of_person.values(), key=_when)

    def _person(self, annotation: Annotation) -> str:
        annotator = annotation.annotator
        return annotation.id if annotator.name == self.deleted else annotator.key

    def _attributes(self, item: Item) -> tuple[tuple[str, str], ...]:
        return tuple(
            sorted(
                (name, value)
                for name, value in item.attributes.items()
                if name not in self.ignore_attributes and self.defaults.get(name) != value
            )
        )


class Choice(NamedTuple):
    """The annotation that counts, why it does, and the latest of each of the other people on the same text."""

    annotation: Annotation
    why: Why
    others: tuple[Annotation, ...] = ()


class Undecided(NamedTuple):
    """People differ on the article. `voices`: what each says, by time; `text_sha256`: of which text."""

    text_sha256: str
    voices: tuple[Annotation, ...]


def choose(annotations: Iterable[Annotation], policy: Policy = Policy()) -> Choice | Undecided | None:  # noqa: B008  immutable
    """The annotation of one article that counts, on the revision of its text that was annotated last.

    None where nothing counts: nobody submitted anything, or it was decided or agreed to skip the article.
    """
    annotations = list(annotations)
    good = [one for one in _good(annotations) if one.state == "reviewed" or policy.counts(one.annotator)]
    if not good:
        return None
    text = good[-1].text_sha256
    latest = sorted({one.annotator.key: one for one in good if one.text_sha256 == text}.values(), key=_when)

    def chosen(annotation: Annotation, why: Why) -> Choice:
        others = (one for one in latest if one.annotator.key != annotation.annotator.key)
        return Choice(annotation, why, tuple(others))

    if (decided := decision(annotations, text)) is not None:
        return chosen(decided, "adjudicated") if decided.state == "reviewed" else None
    voices = policy.voices(annotations, text)
    if len(voices) == 1:
        return chosen(voices[0], "agreed" if policy.needed <= 1 else "latest")
    groups: dict[Hashable, list[Annotation]] = {}
    for voice in voices:
        groups.setdefault(policy.content(voice), []).append(voice)
    most = max(len(group) for group in groups.values())
    largest, *tied = (group for group in groups.values() if len(group) == most)
    newest = largest[-1]
    if len(groups) == 1:
        return chosen(newest, "agreed" if most >= policy.needed else "latest")
    if most >= policy.needed and not tied:
        return chosen(newest, "agreed") if newest.state == "submitted" else None
    if policy.undecided == "latest":
        return chosen([voice for voice in voices if voice.state == "submitted"][-1], "latest")
    if policy.undecided == "majority" and not tied:
        return chosen(newest, "majority") if newest.state == "submitted" else None
    return Undecided(text, tuple(voices))


def decision(annotations: Iterable[Annotation], text_sha256: str) -> Annotation | None:
    """The last decision that was made in review on a text of an article.

    A skipped task of adjudication decides to leave the article out where one of those it was between had skipped it;
    between people who all submitted, it decides nothing.
    """
    here = [one for one in annotations if one.annotator.kind == "person" and one.text_sha256 == text_sha256]
    skips = {one.id for one in here if one.state == "skipped"}

    def decides(one: Annotation) -> bool:
        between = one.between or ()
        return one.state == "reviewed" or (
            one.state == "skipped" and len(between) > 1 and not skips.isdisjoint(between)
        )

    return max(filter(decides, here), key=_when, default=None)


def _good(annotations: Iterable[Annotation]) -> list[Annotation]:
    """What people submitted or decided, the earliest first."""
    return sorted(
        (one for one in annotations if one.annotator.kind == "person" and one.state in ("reviewed", "submitted")),
        key=_when,
    )


def _when(annotation: Annotation) -> tuple[datetime, str]:
    return annotation.time or _LONG_AGO, annotation.id
