"""Which annotation of an article counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from curation.annotation import Annotation, Annotator, Entity
from curation.review.selection_policy import Chosen, LeftOut, Outcome, Policy, Undecided, choose
from curation.schema import Migration, load_schema

ROOT = Path(__file__).resolve().parents[2]


def annotated(person: str, hour: int, end: int = 5, *, text: str = "a", state: str = "submitted") -> Annotation:
    return Annotation(
        id=f"{person}-{hour}",
        article_id="kel-1",
        text_sha256=text * 64,
        schema="made@1.0.0",
        annotator=Annotator(kind="engine" if person == "rules" else "person", name=person),
        time=datetime(2031, 3, 1, hour, tzinfo=UTC),
        state=state,
        entities=(Entity(id=f"e{hour}", start=0, end=end, type="Person"),),
    )


def outcome(given: list[Annotation], policy: Policy = Policy()) -> tuple[str | None, str]:  # noqa: B008
    """Id of the annotation that counts, and why; the same in whatever order they come."""
    outcomes = [_named(choose(annotations, policy)) for annotations in (given, given[::-1])]
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def _named(outcome: Outcome) -> tuple[str | None, str]:
    match outcome:
        case Chosen(annotation, why):
            return annotation.id, why
        case LeftOut(reason):
            return None, reason
        case Undecided():
            return UNDECIDED


UNDECIDED = ("", "undecided")
SKIPPED = {"state": "skipped"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], (None, "nobody submitted")),
        (
            [annotated("rules", 1, state="predicted"), annotated("1", 2, state="draft"), annotated("2", 3, **SKIPPED)],
            (None, "nobody submitted"),
        ),
        # One person: the latest of their own versions.
        ([annotated("1", 1)], ("1-1", "latest")),
        ([annotated("1", 1), annotated("1", 2, 6)], ("1-2", "latest")),
        ([annotated("1", 1), annotated("2", 2, state="draft")], ("1-1", "latest")),
        # Two differ: neither is taken, whoever was last.
        ([annotated("1", 1), annotated("2", 2, 6)], UNDECIDED),
        ([annotated("1", 1), annotated("2", 2)], ("2-2", "agreed")),
        # Two said the same, a third came later and said otherwise.
        ([annotated("1", 1), annotated("2", 2), annotated("3", 3, 6)], ("2-2", "agreed")),
        # Nobody agrees with an earlier self.
        ([annotated("1", 1), annotated("1", 2), annotated("2", 3, 6)], UNDECIDED),
        ([annotated("1", 1), annotated("1", 2, 6), annotated("2", 3, 6)], ("2-3", "agreed")),
        # Two against two: nobody has decided.
        ([annotated("1", 1), annotated("2", 2), annotated("3", 3, 6), annotated("4", 4, 6)], UNDECIDED),
        (
            [annotated("1", 1), annotated("2", 2), annotated("3", 3, 6), annotated("4", 4, 6), annotated("5", 5, 6)],
            ("5-5", "agreed"),
        ),
        # Who skipped differs from who submitted.
        ([annotated("1", 1), annotated("2", 2, **SKIPPED)], UNDECIDED),
        ([annotated("1", 1), annotated("2", 2), annotated("3", 3, **SKIPPED)], ("2-2", "agreed")),
        ([annotated("1", 1), annotated("2", 2, **SKIPPED), annotated("3", 3, **SKIPPED)], (None, "agreed to skip")),
        # A person who skipped and submitted has submitted.
        ([annotated("1", 1, **SKIPPED), annotated("1", 2)], ("1-2", "latest")),
        ([annotated("1", 1), annotated("1", 2, **SKIPPED)], ("1-1", "latest")),
        # Decided in review, whatever came later.
        ([annotated("1", 1, 7, state="reviewed"), annotated("2", 2), annotated("3", 3)], ("1-1", "adjudicated")),
        (
            [annotated("1", 1), annotated("2", 2, 6), annotated("3", 3, 7, state="reviewed"), annotated("2", 4, 8)],
            ("3-3", "adjudicated"),
        ),
        ([annotated("1", 1, 7, state="reviewed"), annotated("2", 2, state="reviewed")], ("2-2", "adjudicated")),
        # A new text supersedes what was said of the old one, adjudicated or not.
        ([annotated("1", 1, state="reviewed"), annotated("2", 2), annotated("3", 3, text="b")], ("3-3", "latest")),
        ([annotated("1", 1), annotated("2", 2, 6), annotated("1", 3, text="b")], ("1-3", "latest")),
        ([annotated("1", 1), annotated("2", 2, text="b", **SKIPPED)], ("1-1", "latest")),
    ],
)
def test_which_annotation_counts(given: list[Annotation], expected: tuple[str | None, str]) -> None:
    assert outcome(given) == expected


def test_undecided_names_each_person_once() -> None:
    given = [annotated("1", 1), annotated("1", 2, 6), annotated("2", 3, **SKIPPED), annotated("3", 4, state="draft")]
    result = choose(given)
    assert isinstance(result, Undecided)
    assert (result.text_sha256, [one.id for one in result.annotations]) == ("a" * 64, ["1-2", "2-3"])


@pytest.mark.parametrize(
    ("given", "latest", "majority"),
    [
        ([annotated("1", 1), annotated("2", 2, 6)], ("2-2", "latest"), UNDECIDED),
        ([annotated("1", 1), annotated("2", 2, **SKIPPED)], ("1-1", "latest"), UNDECIDED),
        (
            [annotated("1", 1), annotated("2", 2), annotated("3", 3, 6), annotated("4", 4, 6)],
            ("4-4", "latest"),
            UNDECIDED,
        ),
        # With three needed, two of three are a majority.
        ([annotated("1", 1), annotated("2", 2), annotated("3", 3, 6)], ("3-3", "latest"), ("2-2", "majority")),
        (
            [annotated("1", 1), annotated("2", 2, **SKIPPED), annotated("3", 3, **SKIPPED)],
            ("1-1", "latest"),
            (None, "majority skipped"),
        ),
    ],
)
def test_a_policy_may_choose_where_people_differ(
    given: list[Annotation], latest: tuple[str, str], majority: tuple[str | None, str]
) -> None:
    assert outcome(given, Policy(needed=3)) == UNDECIDED
    assert outcome(given, Policy(needed=3, undecided="latest")) == latest
    assert outcome(given, Policy(needed=3, undecided="majority")) == majority


def test_skipping_in_adjudication_decides_only_where_somebody_skipped() -> None:
    submitted, skipped = annotated("1", 1), annotated("2", 2, **SKIPPED)
    left_out = annotated("9", 3, **SKIPPED).model_copy(update={"between": ("1-1", "2-2")})
    assert outcome([submitted, skipped, left_out]) == (None, "decided to skip")
    other = annotated("2", 2, 6)
    assert outcome([submitted, other, left_out]) == UNDECIDED
    # Whoever looked again at one annotation and skipped that has decided nothing either, and is no voice.
    look_again = annotated("9", 3, **SKIPPED).model_copy(update={"between": ("1-1",)})
    assert outcome([submitted, look_again]) == ("1-1", "latest")
    # A later decision to take the article in goes before.
    taken_in = annotated("8", 4, 7, state="reviewed")
    assert outcome([submitted, skipped, left_out, taken_in]) == ("8-4", "adjudicated")


def test_deleted_accounts_may_be_several_people() -> None:
    given = [annotated("gone", 1), annotated("gone", 2, 6).model_copy(update={"id": "gone-b"})]
    assert outcome(given) == ("gone-b", "latest")
    assert outcome(given, Policy(deleted="gone")) == UNDECIDED
    assert outcome(given[:1], Policy(deleted="gone")) == ("gone-1", "latest")


def test_labels_of_an_earlier_schema_are_no_difference() -> None:
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    migration = Migration(version="9.0.0", entity_types={"Human": "Person"})
    later = schema.model_copy(update={"version": "9.0.0", "migrations": (*schema.migrations, migration)})
    old = annotated("1", 1).model_copy(update={"schema_ref": f"{schema.name}@8.0.0"})
    old = old.model_copy(update={"entities": (old.entities[0].model_copy(update={"type": "Human"}),)})
    new = annotated("2", 2).model_copy(update={"schema_ref": later.ref})
    assert outcome([old, new]) == UNDECIDED
    assert outcome([old, new], Policy(schema=later)) == ("2-2", "agreed")
    foreign = annotated("3", 3, 6).model_copy(update={"schema_ref": "other@1.0.0"})
    assert outcome([old, new, foreign], Policy(schema=later)) == ("2-2", "agreed")


def test_the_others_are_the_latest_of_each_on_the_same_text() -> None:
    given = [
        annotated("1", 1),
        annotated("1", 2, 6),
        annotated("2", 3, 7),
        annotated("3", 4, 8, text="b"),
        annotated("2", 5, 9, text="b"),
    ]
    result = choose(given, Policy(undecided="latest"))
    assert isinstance(result, Chosen)
    assert result.annotation.id == "2-5"
    assert [one.id for one in result.others] == ["3-4"]


def test_the_others_are_keyed_as_the_people_who_are_compared() -> None:
    deleted = [annotated("gone", 1), annotated("gone", 2).model_copy(update={"id": "gone-b"})]
    policy = Policy(deleted="gone", schema=load_schema(ROOT / "schemas" / "conflict-news.yaml"))
    assert policy.schema is not None
    ours = [one.model_copy(update={"schema_ref": policy.schema.ref}) for one in deleted]
    chosen = choose([*ours, annotated("3", 3, 6)], policy)
    assert isinstance(chosen, Chosen)
    # Two deleted accounts are two people, and a submission with another schema is not compared.
    assert (chosen.annotation.id, chosen.why, [one.id for one in chosen.others]) == ("gone-b", "agreed", ["gone-1"])


def test_a_policy_says_who_counts_and_how_many_are_needed() -> None:
    given = [annotated("1", 1), annotated("2", 2), annotated("3", 3, 6)]
    of_two = Policy(counts=lambda annotator: annotator.name in ("2", "3"))
    assert outcome(given, of_two) == UNDECIDED
    # Of two who differ, one does not count any more.
    assert outcome(given, Policy(counts=lambda annotator: annotator.name == "2")) == ("2-2", "latest")
    assert outcome([annotated("1", 1), annotated("2", 2, **SKIPPED)], Policy(counts=lambda who: who.name == "1")) == (
        "1-1",
        "latest",
    )
    assert outcome(given, Policy(needed=3)) == UNDECIDED
    # Fewer than needed have annotated, and nobody differs.
    assert outcome(given[:2], Policy(needed=3)) == ("2-2", "latest")
    # Whoever decides in review counts, also one whose annotations do not.
    assert outcome([*given, annotated("1", 4, 7, state="reviewed")], of_two) == ("1-4", "adjudicated")
    assert [one.id for one in of_two.submitted([*given, annotated("2", 5, state="reviewed")])] == ["2-2", "3-3"]
    assert of_two.submitted([annotated("1", 1)]) == []


def test_ignored_attributes_are_no_disagreement() -> None:
    one, two = annotated("1", 1), annotated("2", 2)
    named = two.entities[0].model_copy(update={"attributes": {"mention": "name"}})
    given = [one, two.model_copy(update={"entities": (named,)})]
    assert outcome(given) == UNDECIDED
    assert outcome(given, Policy(ignore_attributes=("mention",))) == ("2-2", "agreed")


def test_a_default_that_is_written_out_is_no_disagreement() -> None:
    one, two = annotated("1", 1), annotated("2", 2)
    named, loud = (
        two.entities[0].model_copy(update={"attributes": {"mention": value}}) for value in ("name", "nominal")
    )
    policy = Policy(defaults={"mention": "name"})
    for entity, expected in ((named, ("2-2", "agreed")), (loud, UNDECIDED)):
        assert outcome([one, two.model_copy(update={"entities": (entity,)})], policy) == expected
