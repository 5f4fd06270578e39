"""Which annotation of an article counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from curation.annotation import Annotation, Annotator, Entity
from curation.review.choose import Policy, choose


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


@pytest.mark.parametrize(
    ("given", "chosen", "why"),
    [
        ([], None, None),
        ([said("rules", 1, state="predicted"), said("1", 2, state="draft"), said("2", 3, state="skipped")], None, None),
        ([said("1", 1), said("2", 2, 6)], "2-2", "latest"),
        # Two said the same, a third came later and said otherwise.
        ([said("1", 1), said("2", 2), said("3", 3, 6)], "2-2", "agreed"),
        # Nobody agrees with an earlier self.
        ([said("1", 1), said("1", 2), said("2", 3, 6)], "2-3", "latest"),
        ([said("1", 1), said("2", 2), said("3", 3, 6), said("4", 4, 6)], "4-4", "agreed"),
        ([said("1", 1, 7, state="reviewed"), said("2", 2), said("3", 3)], "1-1", "adjudicated"),
        ([said("1", 1, 7, state="reviewed"), said("2", 2, state="reviewed")], "2-2", "adjudicated"),
        # A new text supersedes what was said of the old one, adjudicated or not.
        ([said("1", 1, state="reviewed"), said("2", 2), said("3", 3, text="b")], "3-3", "latest"),
    ],
)
def test_the_policy(given: list[Annotation], chosen: str | None, why: str | None) -> None:
    for order in (given, given[::-1]):
        choice = choose(order)
        assert (choice and choice.annotation.id, choice and choice.why) == (chosen, why)


def test_the_others_are_the_latest_of_each_on_the_same_text() -> None:
    given = [said("1", 1), said("1", 2, 6), said("2", 3, 7), said("3", 4, 8, text="b"), said("2", 5, 9, text="b")]
    choice = choose(given)
    assert choice is not None
    assert choice.annotation.id == "2-5"
    assert [one.id for one in choice.others] == ["3-4"]


def test_a_policy_says_who_counts_and_how_many_are_needed() -> None:
    given = [said("1", 1), said("2", 2), said("3", 3, 6)]
    of_two = Policy(counts=lambda annotator: annotator.name in ("2", "3"))
    found = choose(given, of_two)
    assert (found and found.annotation.id, found and found.why) == ("3-3", "latest")
    found = choose(given, Policy(needed=3))
    assert (found and found.annotation.id, found and found.why) == ("3-3", "latest")
    # Whoever decides in review counts, also one whose annotations do not.
    found = choose([*given, said("1", 4, 7, state="reviewed")], of_two)
    assert (found and found.annotation.id, found and found.why) == ("1-4", "adjudicated")
    assert [one.id for one in of_two.said([*given, said("2", 5, state="reviewed")])] == ["2-2", "3-3"]
    assert of_two.said([said("1", 1)]) == []


def test_ignored_attributes_are_no_disagreement() -> None:
    one, two = said("1", 1), said("2", 2)
    named = two.entities[0].model_copy(update={"attributes": {"mention": "name"}})
    given = [one, two.model_copy(update={"entities": (named,)})]
    assert [found.why for found in (choose(given), choose(given, Policy(ignore_attributes=("mention",)))) if found] == [
        "latest",
        "agreed",
    ]


def test_a_default_that_is_written_out_is_no_disagreement() -> None:
    one, two = said("1", 1), said("2", 2)
    named, loud = (
        two.entities[0].model_copy(update={"attributes": {"mention": value}}) for value in ("name", "nominal")
    )
    policy = Policy(defaults={"mention": "name"})
    for entity, why in ((named, "agreed"), (loud, "latest")):
        found = choose([one, two.model_copy(update={"entities": (entity,)})], policy)
        assert found is not None
        assert found.why == why
