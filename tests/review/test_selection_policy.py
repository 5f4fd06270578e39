"""Which annotation of an article counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from curation.annotation import Annotation, Annotator, Entity
from curation.review.selection_policy import Choice, Policy, Undecided, choose
from curation.schema import Migration, load_schema

ROOT = Path(__file__).resolve().parents[2]


def said(person: str, hour: int, end: int = 5, *, text: str = "a", state: str = "submitted") -> Annotation:
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


def outcome(given: list[Annotation], policy: Policy = Policy()) -> tuple[str | None, str | None]:  # noqa: B008
    """Id of the annotation that counts, and why; the same in whatever order they come."""
    found = [
        ("", "undecided") if isinstance(choice, Undecided) else (choice and choice.annotation.id, choice and choice.why)
        for choice in (choose(given, policy), choose(given[::-1], policy))
    ]
    assert found[0] == found[1]
    return found[0]


UNDECIDED = ("", "undecided")
SKIPPED = {"state": "skipped"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], (None, None)),
        ([said("rules", 1, state="predicted"), said("1", 2, state="draft"), said("2", 3, **SKIPPED)], (None, None)),
        # One person: the latest of their own versions.
        ([said("1", 1)], ("1-1", "latest")),
        ([said("1", 1), said("1", 2, 6)], ("1-2", "latest")),
        ([said("1", 1), said("2", 2, state="draft")], ("1-1", "latest")),
        # Two differ: neither is taken, whoever was last.
        ([said("1", 1), said("2", 2, 6)], UNDECIDED),
        ([said("1", 1), said("2", 2)], ("2-2", "agreed")),
        # Two said the same, a third came later and said otherwise.
        ([said("1", 1), said("2", 2), said("3", 3, 6)], ("2-2", "agreed")),
        # Nobody agrees with an earlier self.
        ([said("1", 1), said("1", 2), said("2", 3, 6)], UNDECIDED),
        ([said("1", 1), said("1", 2, 6), said("2", 3, 6)], ("2-3", "agreed")),
        # Two against two: nobody has decided.
        ([said("1", 1), said("2", 2), said("3", 3, 6), said("4", 4, 6)], UNDECIDED),
        ([said("1", 1), said("2", 2), said("3", 3, 6), said("4", 4, 6), said("5", 5, 6)], ("5-5", "agreed")),
        # Who skipped differs from who submitted.
        ([said("1", 1), said("2", 2, **SKIPPED)], UNDECIDED),
        ([said("1", 1), said("2", 2), said("3", 3, **SKIPPED)], ("2-2", "agreed")),
        ([said("1", 1), said("2", 2, **SKIPPED), said("3", 3, **SKIPPED)], (None, None)),
        # A person who skipped and submitted has submitted.
        ([said("1", 1, **SKIPPED), said("1", 2)], ("1-2", "latest")),
        ([said("1", 1), said("1", 2, **SKIPPED)], ("1-1", "latest")),
        # Decided in review, whatever came later.
        ([said("1", 1, 7, state="reviewed"), said("2", 2), said("3", 3)], ("1-1", "adjudicated")),
        ([said("1", 1), said("2", 2, 6), said("3", 3, 7, state="reviewed"), said("2", 4, 8)], ("3-3", "adjudicated")),
        ([said("1", 1, 7, state="reviewed"), said("2", 2, state="reviewed")], ("2-2", "adjudicated")),
        # A new text supersedes what was said of the old one, adjudicated or not.
        ([said("1", 1, state="reviewed"), said("2", 2), said("3", 3, text="b")], ("3-3", "latest")),
        ([said("1", 1), said("2", 2, 6), said("1", 3, text="b")], ("1-3", "latest")),
        ([said("1", 1), said("2", 2, text="b", **SKIPPED)], ("1-1", "latest")),
    ],
)
def test_which_annotation_counts(given: list[Annotation], expected: tuple[str | None, str | None]) -> None:
    assert outcome(given) == expected


def test_undecided_names_each_person_once() -> None:
    given = [said("1", 1), said("1", 2, 6), said("2", 3, **SKIPPED), said("3", 4, state="draft")]
    choice = choose(given)
    assert isinstance(choice, Undecided)
    assert (choice.text_sha256, [one.id for one in choice.voices]) == ("a" * 64, ["1-2", "2-3"])


@pytest.mark.parametrize(
    ("given", "latest", "majority"),
    [
        ([said("1", 1), said("2", 2, 6)], ("2-2", "latest"), UNDECIDED),
        ([said("1", 1), said("2", 2, **SKIPPED)], ("1-1", "latest"), UNDECIDED),
        ([said("1", 1), said("2", 2), said("3", 3, 6), said("4", 4, 6)], ("4-4", "latest"), UNDECIDED),
        # With three needed, two of three are a majority.
        ([said("1", 1), said("2", 2), said("3", 3, 6)], ("3-3", "latest"), ("2-2", "majority")),
        ([said("1", 1), said("2", 2, **SKIPPED), said("3", 3, **SKIPPED)], ("1-1", "latest"), (None, None)),
    ],
)
def test_a_policy_may_choose_where_people_differ(
    given: list[Annotation], latest: tuple[str, str], majority: tuple[str | None, str | None]
) -> None:
    assert outcome(given, Policy(needed=3)) == UNDECIDED
    assert outcome(given, Policy(needed=3, undecided="latest")) == latest
    assert outcome(given, Policy(needed=3, undecided="majority")) == majority


def test_skipping_in_adjudication_decides_only_where_somebody_skipped() -> None:
    submitted, skipped = said("1", 1), said("2", 2, **SKIPPED)
    left_out = said("9", 3, **SKIPPED).model_copy(update={"between": ("1-1", "2-2")})
    assert outcome([submitted, skipped, left_out]) == (None, None)
    other = said("2", 2, 6)
    assert outcome([submitted, other, left_out]) == UNDECIDED
    # Whoever looked again at one annotation and skipped that has decided nothing either, and is no voice.
    look_again = said("9", 3, **SKIPPED).model_copy(update={"between": ("1-1",)})
    assert outcome([submitted, look_again]) == ("1-1", "latest")
    # A later decision to take the article in goes before.
    taken_in = said("8", 4, 7, state="reviewed")
    assert outcome([submitted, skipped, left_out, taken_in]) == ("8-4", "adjudicated")


def test_deleted_accounts_may_be_several_people() -> None:
    given = [said("gone", 1), said("gone", 2, 6).model_copy(update={"id": "gone-b"})]
    assert outcome(given) == ("gone-b", "latest")
    assert outcome(given, Policy(deleted="gone")) == UNDECIDED
    assert outcome(given[:1], Policy(deleted="gone")) == ("gone-1", "latest")


def test_labels_of_an_earlier_schema_are_no_difference() -> None:
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    migration = Migration(version="9.0.0", entity_types={"Human": "Person"})
    later = schema.model_copy(update={"version": "9.0.0", "migrations": (*schema.migrations, migration)})
    old = said("1", 1).model_copy(update={"schema_ref": f"{schema.name}@8.0.0"})
    old = old.model_copy(update={"entities": (old.entities[0].model_copy(update={"type": "Human"}),)})
    new = said("2", 2).model_copy(update={"schema_ref": later.ref})
    assert outcome([old, new]) == UNDECIDED
    assert outcome([old, new], Policy(schema=later)) == ("2-2", "agreed")
    foreign = said("3", 3, 6).model_copy(update={"schema_ref": "other@1.0.0"})
    assert outcome([old, new, foreign], Policy(schema=later)) == ("2-2", "agreed")


def test_the_others_are_the_latest_of_each_on_the_same_text() -> None:
    given = [said("1", 1), said("1", 2, 6), said("2", 3, 7), said("3", 4, 8, text="b"), said("2", 5, 9, text="b")]
    choice = choose(given, Policy(undecided="latest"))
    assert isinstance(choice, Choice)
    assert choice.annotation.id == "2-5"
    assert [one.id for one in choice.others] == ["3-4"]


def test_a_policy_says_who_counts_and_how_many_are_needed() -> None:
    given = [said("1", 1), said("2", 2), said("3", 3, 6)]
    of_two = Policy(counts=lambda annotator: annotator.name in ("2", "3"))
    assert outcome(given, of_two) == UNDECIDED
    # Of two who differ, one does not count any more.
    assert outcome(given, Policy(counts=lambda annotator: annotator.name == "2")) == ("2-2", "latest")
    assert outcome([said("1", 1), said("2", 2, **SKIPPED)], Policy(counts=lambda who: who.name == "1")) == (
        "1-1",
        "latest",
    )
    assert outcome(given, Policy(needed=3)) == UNDECIDED
    # Fewer than needed have annotated, and nobody differs.
    assert outcome(given[:2], Policy(needed=3)) == ("2-2", "latest")
    # Whoever decides in review counts, also one whose annotations do not.
    assert outcome([*given, said("1", 4, 7, state="reviewed")], of_two) == ("1-4", "adjudicated")
    assert [one.id for one in of_two.submitted([*given, said("2", 5, state="reviewed")])] == ["2-2", "3-3"]
    assert of_two.submitted([said("1", 1)]) == []


def test_ignored_attributes_are_no_disagreement() -> None:
    one, two = said("1", 1), said("2", 2)
    named = two.entities[0].model_copy(update={"attributes": {"mention": "name"}})
    given = [one, two.model_copy(update={"entities": (named,)})]
    assert outcome(given) == UNDECIDED
    assert outcome(given, Policy(ignore_attributes=("mention",))) == ("2-2", "agreed")


def test_a_default_that_is_written_out_is_no_disagreement() -> None:
    one, two = said("1", 1), said("2", 2)
    named, loud = (
        two.entities[0].model_copy(update={"attributes": {"mention": value}}) for value in ("name", "nominal")
    )
    policy = Policy(defaults={"mention": "name"})
    for entity, expected in ((named, ("2-2", "agreed")), (loud, UNDECIDED)):
        assert outcome([one, two.model_copy(update={"entities": (entity,)})], policy) == expected
