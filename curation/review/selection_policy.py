"""Selection policy: which annotation of an article counts as the reviewed one.

The decision table is in `choose`. Drafts and predictions of engines never count. Annotations of people who do not count
in the project's policy are ignored, except for their decisions in review.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from curation.annotation import Annotation, Annotator, Event, Item
from curation.metrics.matching import arguments
from curation.schema import LabelSchema
from curation.schema_migration import migrate

Why = Literal["adjudicated", "agreed", "majority", "latest"]
Reason = Literal["nobody submitted", "decided to skip", "agreed to skip", "majority skipped"]
OnUndecided = Literal["wait", "latest", "majority"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def any_person(annotator: Annotator) -> bool:
    """Whether the annotator is a person: the default of `Policy.counts`."""
    return annotator.kind == "person"


class Policy(NamedTuple):
    """Rules that decide which annotation of an article counts.

    counts             whether an annotator counts
    needed             how many people must agree
    ignore_attributes  attributes whose values are not compared
    defaults           attribute → its default; a default that is written out equals a missing value
    undecided          what counts if people differ: nothing (`wait`), the `latest` submission, or the version of the
                       largest group (`majority`; a tie waits)
    schema             annotations are compared in the labels of this schema; None: as they are
    deleted            name of the annotator of all deleted accounts: each of its annotations may be by another person
    """

    counts: Callable[[Annotator], bool] = any_person
    needed: int = 2
    ignore_attributes: tuple[str, ...] = ()
    defaults: Mapping[str, str] = MappingProxyType({})
    undecided: OnUndecided = "wait"
    schema: LabelSchema | None = None
    deleted: str | None = None

    def alike(self, first: Annotation, second: Annotation) -> bool:
        """Whether two annotations are equal, apart from ignored attributes and written-out defaults."""
        return self.comparison_key(first) == self.comparison_key(second)

    def comparison_key(self, annotation: Annotation) -> Hashable:
        """Spans, types, attributes and arguments of an annotation; None if it was skipped."""
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
        counted = [
            annotation
            for annotation in submitted_or_reviewed(annotations)
            if annotation.state == "submitted" and self.counts(annotation.annotator)
        ]
        return self._latest(counted, counted[-1].text_sha256) if counted else []

    def latest_by_person(self, annotations: Iterable[Annotation], text_sha256: str) -> list[Annotation]:
        """Latest submission outside review of each person who counts, or their skip if they submitted nothing, by time.

        Only annotations of the text `text_sha256`. Submissions with another schema are left out if any has the
        policy's schema.
        """
        counted = [
            annotation
            for annotation in annotations
            if annotation.text_sha256 == text_sha256 and self.counts(annotation.annotator)
        ]
        submitted = [annotation for annotation in submitted_or_reviewed(counted) if annotation.state == "submitted"]
        submitted = self._of_schema(self._latest(submitted, text_sha256))
        persons = {self.person(annotation) for annotation in submitted}
        skipped = {
            self.person(annotation): annotation
            for annotation in sorted(counted, key=_when)
            if annotation.state == "skipped" and not annotation.between and self.person(annotation) not in persons
        }
        return sorted([*submitted, *skipped.values()], key=_when)

    def others(self, chosen: Annotation, annotations: Iterable[Annotation]) -> list[Annotation]:
        """Latest submission or decision of each other person on the text of `chosen`, by time.

        As in `latest_by_person`, each annotation of a deleted account is another person's, and those with another
        schema are left out if any has the policy's.
        """
        counted = [
            annotation
            for annotation in submitted_or_reviewed(annotations)
            if annotation.state == "reviewed" or self.counts(annotation.annotator)
        ]
        latest = self._of_schema(self._latest(counted, chosen.text_sha256))
        return [annotation for annotation in latest if self.person(annotation) != self.person(chosen)]

    def person(self, annotation: Annotation) -> str:
        """Key of the person who made an annotation; its own id if the account was deleted."""
        annotator = annotation.annotator
        return annotation.id if annotator.name == self.deleted else annotator.key

    def _latest(self, annotations: Iterable[Annotation], text_sha256: str) -> list[Annotation]:
        by_person = {self.person(one): one for one in annotations if one.text_sha256 == text_sha256}
        return sorted(by_person.values(), key=_when)

    def _of_schema(self, annotations: list[Annotation]) -> list[Annotation]:
        if self.schema is None:
            return annotations
        name = self.schema.name
        of_schema = [annotation for annotation in annotations if annotation.schema_ref.partition("@")[0] == name]
        return of_schema or annotations

    def _attributes(self, item: Item) -> tuple[tuple[str, str], ...]:
        return tuple(
            sorted(
                (name, value)
                for name, value in item.attributes.items()
                if name not in self.ignore_attributes and self.defaults.get(name) != value
            )
        )


class Chosen(NamedTuple):
    """The annotation that counts, the reason, and the latest annotation of each other person on the same text."""

    annotation: Annotation
    why: Why
    others: tuple[Annotation, ...] = ()


class Undecided(NamedTuple):
    """People differ on the article: the latest annotation of each on the text `text_sha256`, by time."""

    text_sha256: str
    annotations: tuple[Annotation, ...]


class LeftOut(NamedTuple):
    """No annotation of the article counts, and nobody has to decide. `reason` says why, for tests and debugging."""

    reason: Reason


Outcome: TypeAlias = Chosen | Undecided | LeftOut


def choose(annotations: Iterable[Annotation], policy: Policy = Policy()) -> Outcome:  # noqa: B008  immutable
    """Choose the annotation of one article that counts, on the revision of its text that was annotated last.

    The first row that applies decides. A *group* is the people whose latest annotations are equal (`Policy.alike`);
    the people who skipped the article are a group, too.

    | situation                                         | result                  | result if it is a skip    |
    | ------------------------------------------------- | ----------------------- | ------------------------- |
    | nobody who counts submitted, nobody decided       | LeftOut: nobody submitted (skipped or not)          |
    | decided in review (the last decision)             | Chosen: adjudicated     | LeftOut: decided to skip  |
    | the largest group has at least `needed`, no tie   | Chosen: agreed          | LeftOut: agreed to skip   |
    | one group, of fewer than `needed`                 | Chosen: latest          |                           |
    | people differ, `undecided` is "latest"            | Chosen: latest          |                           |
    | people differ, `undecided` is "majority", no tie  | Chosen: majority        | LeftOut: majority skipped |
    | people differ                                     | Undecided               | Undecided                 |
    """
    annotations = list(annotations)
    counted = [
        annotation
        for annotation in submitted_or_reviewed(annotations)
        if annotation.state == "reviewed" or policy.counts(annotation.annotator)
    ]
    if not counted:
        return LeftOut("nobody submitted")
    text = counted[-1].text_sha256

    def chosen(annotation: Annotation, why: Why) -> Chosen:
        return Chosen(annotation, why, tuple(policy.others(annotation, annotations)))

    if (decided := decision(annotations, text)) is not None:
        return LeftOut("decided to skip") if decided.state == "skipped" else chosen(decided, "adjudicated")
    latest = policy.latest_by_person(annotations, text)
    groups: dict[Hashable, list[Annotation]] = {}
    for annotation in latest:
        groups.setdefault(policy.comparison_key(annotation), []).append(annotation)
    size = max(len(group) for group in groups.values())
    largest, *tied = (group for group in groups.values() if len(group) == size)
    newest = largest[-1]
    if not tied and size >= policy.needed:
        return LeftOut("agreed to skip") if newest.state == "skipped" else chosen(newest, "agreed")
    if len(groups) == 1:
        return chosen(newest, "latest")
    if policy.undecided == "latest":
        return chosen([annotation for annotation in latest if annotation.state == "submitted"][-1], "latest")
    if policy.undecided == "majority" and not tied:
        return LeftOut("majority skipped") if newest.state == "skipped" else chosen(newest, "majority")
    return Undecided(text, tuple(latest))


def decision(annotations: Iterable[Annotation], text_sha256: str) -> Annotation | None:
    """The last decision in review on a text of an article.

    A skipped task of adjudication decides to leave the article out if one of the annotations that it was between was a
    skip. Between annotations that were all submitted, it decides nothing.
    """
    of_text = [one for one in annotations if one.annotator.kind == "person" and one.text_sha256 == text_sha256]
    skips = {annotation.id for annotation in of_text if annotation.state == "skipped"}

    def decides(annotation: Annotation) -> bool:
        between = annotation.between or ()
        return annotation.state == "reviewed" or (
            annotation.state == "skipped" and len(between) > 1 and not skips.isdisjoint(between)
        )

    return max(filter(decides, of_text), key=_when, default=None)


def submitted_or_reviewed(annotations: Iterable[Annotation]) -> list[Annotation]:
    """The submissions and decisions of people, by time."""
    return sorted(
        (one for one in annotations if one.annotator.kind == "person" and one.state in ("reviewed", "submitted")),
        key=_when,
    )


def _when(annotation: Annotation) -> tuple[datetime, str]:
    return annotation.time or _LONG_AGO, annotation.id
