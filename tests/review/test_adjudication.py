"""What several annotators say alike, and what they differ on."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import sha256
from curation.metrics.matching import compare
from curation.review.adjudication import merge

TEXT = "Kelmar's navy fired rockets at rebel positions near Orrin on Monday."


def at(words: str) -> dict[str, int]:
    return {"start": TEXT.index(words), "end": TEXT.index(words) + len(words)}


def said(
    who: str,
    *entities: tuple[str, str],
    fired: dict[str, str] | None = None,
    trigger: tuple[str, str] = ("fired", "Attack"),
) -> Annotation:
    """Entities as (words, type); `fired`: role → words of what fills it, at the trigger; None: no event."""
    made = [Entity(id=f"{who}{n}", type=kind, **at(words)) for n, (words, kind) in enumerate(entities)]
    ids = {words: entity.id for (words, _), entity in zip(entities, made, strict=True)}
    arguments = [Argument(role=role, filler=ids[words]) for role, words in (fired or {}).items()]
    events = [Event(id=f"{who}v", type=trigger[1], arguments=tuple(arguments), **at(trigger[0]))]
    return Annotation(
        id=who,
        article_id="kel-1",
        text_sha256=sha256(TEXT),
        schema="made@1.0.0",
        annotator=Annotator(kind="person", name=who),
        state="submitted",
        entities=tuple(made),
        events=() if fired is None else tuple(events),
    )


def told(merged: Any) -> list[tuple[str, str, str | None, tuple[str | None, ...]]]:
    return [(one.what, TEXT[one.start : one.end], one.name, one.said) for one in merged.differences]


def test_what_all_say_stays_and_the_rest_is_told() -> None:
    one = said(
        "1", ("Kelmar", "GPE"), ("navy", "ArmedGroup"), ("Orrin", "GPE"), fired={"attacker": "navy", "place": "Orrin"}
    )
    two = said(
        "2", ("Kelmar", "GPE"), ("Kelmar's navy", "ArmedGroup"), ("Orrin", "Location"), ("Monday", "Time"),
        fired={"attacker": "Kelmar's navy", "time": "Monday"},
    )  # fmt: skip
    merged = merge([one, two], TEXT)
    assert [(item.type, TEXT[item.start : item.end]) for item in merged.annotation.items()] == [
        ("GPE", "Kelmar"),
        ("Attack", "fired"),
    ]
    assert merged.annotation.events[0].arguments == ()
    assert told(merged) == [
        ("border", "Kelmar's navy", None, ("ArmedGroup “navy”", "ArmedGroup “Kelmar's navy”")),
        ("argument", "fired", "attacker", ("“navy”", "“Kelmar's navy”")),
        ("argument", "fired", "place", ("“Orrin”", None)),
        ("argument", "fired", "time", (None, "“Monday”")),
        ("type", "Orrin", None, ("GPE", "Location")),
        ("span", "Monday", None, (None, "Time")),
    ]
    assert merged.differences[2].line(("A", "B"), TEXT) == "“fired” place: “Orrin” (A); nothing (B)"


def test_a_border_that_takes_in_a_blank_can_be_seen() -> None:
    one, two = said("1", ("navy", "ArmedGroup")), said("2", ("navy ", "ArmedGroup"))
    assert told(merge([one, two], TEXT)) == [("border", "navy ", None, ("ArmedGroup “navy”", "ArmedGroup “navy·”"))]


def test_three_of_whom_two_agree_still_differ() -> None:
    people = [
        said("1", ("navy", "ArmedGroup"), fired={"attacker": "navy"}),
        said("2", ("navy", "ArmedGroup"), fired={"attacker": "navy"}),
        said("3", ("navy", "ArmedGroup"), fired={}),
    ]
    merged = merge(people, TEXT)
    assert [item.type for item in merged.annotation.items()] == ["ArmedGroup", "Attack"]
    assert told(merged) == [("argument", "fired", "attacker", ("“navy”", "“navy”", None))]
    (line,) = [one.line(("A", "B", "C"), TEXT) for one in merged.differences]
    assert line == "“fired” attacker: “navy” (A, B); nothing (C)"


def test_an_attribute_differs_unless_it_is_ignored() -> None:
    one = said("1", ("navy", "ArmedGroup"), fired=None)
    nominal = one.entities[0].model_copy(update={"attributes": {"mention": "nominal"}})
    two = one.model_copy(update={"id": "2", "entities": (nominal,)})
    merged = merge([one, two], TEXT)
    assert told(merged) == [("attribute", "navy", "mention", ("as usual", "nominal"))]
    assert merged.annotation.entities[0].attributes == {}
    ignoring = merge([two, one], TEXT, ignore_attributes=("mention",))
    assert ignoring.differences == ()
    assert ignoring.annotation.entities[0].attributes == {"mention": "nominal"}


def test_an_event_of_another_type_is_left_out_and_its_arguments_are_compared() -> None:
    one = said("1", ("navy", "ArmedGroup"), fired={"attacker": "navy"})
    two = said("2", ("navy", "ArmedGroup"), fired={}, trigger=("fired", "Offensive"))
    merged = merge([one, two], TEXT)
    assert merged.annotation.events == ()
    assert told(merged) == [
        ("argument", "fired", "attacker", ("“navy”", None)),
        ("type", "fired", None, ("Attack", "Offensive")),
    ]


def test_other_texts_are_not_merged() -> None:
    one = said("1")
    with pytest.raises(ValueError, match="one text"):
        merge([one, one.model_copy(update={"text_sha256": "0" * 64})], TEXT)


spans = st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from("XY"), st.sampled_from(["", "a"]))


@st.composite
def annotations(draw: st.DrawFn, who: str) -> Annotation:
    drawn = draw(st.lists(spans, max_size=6))
    made = [
        {"id": f"{who}{n}", "start": start, "end": start + length, "type": kind, "attributes": {"m": m} if m else {}}
        for n, (start, length, kind, m) in enumerate(drawn)
    ]
    entities = tuple(Entity(**one) for one in made[: len(made) // 2])
    ids = [one.id for one in entities]
    events = tuple(
        Event(
            **one,
            arguments=tuple(Argument(role="r", filler=i) for i in draw(st.sets(st.sampled_from(ids)))) if ids else (),
        )
        for one in made[len(made) // 2 :]
    )
    return said(who).model_copy(update={"entities": entities, "events": events})


@settings(max_examples=150, deadline=None)
@given(annotations("1"), annotations("2"), annotations("3"))
def test_merging_loses_nothing_that_is_alike(one: Annotation, two: Annotation, three: Annotation) -> None:
    same = merge([one, one.model_copy(update={"id": "again"})], TEXT)
    assert same.differences == ()
    assert compare(one, same.annotation).equal
    if not compare(one, two).equal:
        assert merge([one, two], TEXT).differences
    for order in permutations([one, two, three]):
        merged = merge(order, TEXT)
        Annotation.model_validate(merged.annotation.model_dump(by_alias=True))
        for item in merged.annotation.items():
            for each in order:
                assert any((x.start, x.end, x.type) == (item.start, item.end, item.type) for x in each.items())
