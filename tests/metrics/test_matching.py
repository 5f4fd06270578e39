"""Two annotations matched: small cases counted by hand, and what must hold for any two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import sha256
from curation.metrics.counts import (
    CREDIT,
    KINDS,
    SECTIONS,
    Counts,
    Measure,
    PairCounts,
    Table,
    exact_counts,
    f1_of,
    section_counts,
)
from curation.metrics.matching import (
    ArgumentKey,
    Link,
    arguments,
    compare,
    links,
    match,
    match_links,
    overlap_finder,
)

SHA = sha256("some text")


def annotation(entities: list[Entity] | None = None, events: list[Event] | None = None) -> Annotation:
    record = {
        "id": "x",
        "article_id": "a1",
        "text_sha256": SHA,
        "schema": "gardens@1.0.0",
        "annotator": {"kind": "person", "name": "3"},
        "entities": entities or [],
        "events": events or [],
    }
    return Annotation.from_record(record, path=Path("x"))


def entity(start: int, end: int, type_: str = "A", **more: Any) -> Entity:
    return Entity(**({"id": f"e{start}-{end}-{type_}", "start": start, "end": end, "type": type_} | more))


def event(start: int, end: int, type_: str = "V", *pairs: tuple[str, str], **more: Any) -> Event:
    said = tuple(Argument(role=role, filler=filler) for role, filler in pairs)
    fields = {"id": f"v{start}-{end}", "start": start, "end": end, "type": type_, "arguments": said}
    return Event(**(fields | more))


def told(reference: list[Entity], other: list[Entity]) -> list[tuple[str, str | None, str | None]]:
    """Each pair as kind and the two ids."""
    pairs = match(reference, other)
    return [(p.kind, p.reference and p.reference.id, p.other and p.other.id) for p in pairs]


# Pairs, by hand


def test_each_kind_of_pair() -> None:
    reference = [entity(0, 4), entity(10, 14), entity(20, 24), entity(30, 34), entity(40, 44)]
    other = [entity(0, 4), entity(10, 14, "B"), entity(20, 25), entity(31, 34, "B"), entity(50, 54)]
    assert told(reference, other) == [
        ("same", "e0-4-A", "e0-4-A"),
        ("type", "e10-14-A", "e10-14-B"),
        ("border", "e20-24-A", "e20-25-A"),
        ("both", "e30-34-A", "e31-34-B"),
        ("missed", "e40-44-A", None),
        ("spurious", None, "e50-54-A"),
    ]


def test_spans_that_touch_do_not_overlap() -> None:
    assert told([entity(0, 4)], [entity(4, 8)]) == [("missed", "e0-4-A", None), ("spurious", None, "e4-8-A")]


def test_nested_spans_pair_with_their_own_like() -> None:
    nested = [entity(0, 20), entity(0, 6, "B"), entity(7, 20)]
    assert told(nested, list(reversed(nested))) == [
        ("same", "e0-6-B", "e0-6-B"),
        ("same", "e0-20-A", "e0-20-A"),
        ("same", "e7-20-A", "e7-20-A"),
    ]


def test_the_same_span_comes_before_any_overlap() -> None:
    # the span of another type takes its partner, so the longer one of the same type goes without
    assert told([entity(0, 4)], [entity(0, 5), entity(0, 4, "B")]) == [
        ("type", "e0-4-A", "e0-4-B"),
        ("spurious", None, "e0-5-A"),
    ]


def test_an_overlap_of_one_type_comes_before_a_wider_one_of_another() -> None:
    assert told([entity(0, 10)], [entity(0, 9, "B"), entity(8, 12)]) == [
        ("spurious", None, "e0-9-B"),
        ("border", "e0-10-A", "e8-12-A"),
    ]


def test_the_widest_overlap_comes_first_then_the_earlier() -> None:
    assert told([entity(0, 10)], [entity(0, 3), entity(4, 10)]) == [
        ("spurious", None, "e0-3-A"),
        ("border", "e0-10-A", "e4-10-A"),
    ]
    assert told([entity(0, 10)], [entity(6, 10), entity(1, 5)]) == [
        ("border", "e0-10-A", "e1-5-A"),
        ("spurious", None, "e6-10-A"),
    ]


def test_a_span_marked_twice_pairs_once() -> None:
    twice = [entity(0, 4, id="e1"), entity(0, 4, id="e2")]
    assert told(twice, [entity(0, 4)]) == [("same", "e1", "e0-4-A"), ("missed", "e2", None)]


def test_entities_and_events_never_pair() -> None:
    result = compare(annotation([entity(0, 4, "X")]), annotation([], [event(0, 4, "X")]))
    assert [pair.kind for pair in result.entities] == ["missed"]
    assert [pair.kind for pair in result.events] == ["spurious"]


# Arguments, by hand


def test_arguments_count_by_what_they_say_not_by_id() -> None:
    reference = annotation([entity(0, 4), entity(9, 12)], [event(5, 8, "V", ("who", "e0-4-A"), ("whom", "e9-12-A"))])
    other = annotation(
        [entity(0, 4, id="p1"), entity(9, 12, id="p2")],
        [event(5, 8, "V", ("who", "p1"), ("where", "p2"), id="q1")],
    )
    result = compare(reference, other)
    trigger = (5, 8, "V")
    assert result.arguments_same == (ArgumentKey(trigger, "who", (0, 4, "A")),)
    assert result.arguments_missed == (ArgumentKey(trigger, "whom", (9, 12, "A")),)
    assert result.arguments_spurious == (ArgumentKey(trigger, "where", (9, 12, "A")),)
    assert not result.equal


def test_an_argument_is_wrong_where_trigger_or_filler_is() -> None:
    reference = annotation([entity(0, 4)], [event(5, 8, "V", ("who", "e0-4-A"))])
    for other in (
        annotation([entity(0, 4)], [event(5, 8, "W", ("who", "e0-4-A"))]),
        annotation([entity(0, 4)], [event(5, 9, "V", ("who", "e0-4-A"))]),
        annotation([entity(0, 4, "B")], [event(5, 8, "V", ("who", "e0-4-B"))]),
        annotation([entity(0, 3)], [event(5, 8, "V", ("who", "e0-3-A"))]),
    ):
        result = compare(reference, other)
        assert (result.arguments_same, len(result.arguments_missed), len(result.arguments_spurious)) == ((), 1, 1)


def test_an_event_as_filler_counts_like_any_other() -> None:
    def warned(of: str) -> Annotation:
        return annotation([], [event(0, 4, "V", ("topic", of)), event(8, 12, "W"), event(20, 22, "W")])

    assert compare(warned("v8-12"), warned("v8-12")).arguments_same == (
        ArgumentKey((0, 4, "V"), "topic", (8, 12, "W")),
    )
    result = compare(warned("v8-12"), warned("v20-22"))
    assert (len(result.arguments_same), len(result.arguments_missed), len(result.arguments_spurious)) == (0, 1, 1)


def test_an_argument_said_twice_counts_twice() -> None:
    pair = [event(5, 8, "V", ("who", "e0-4-A"), id=name) for name in ("v1", "v2")]
    result = compare(annotation([entity(0, 4)], pair), annotation([entity(0, 4)], pair[:1]))
    assert (len(result.arguments_same), len(result.arguments_missed)) == (1, 1)


# Equality


def test_ids_scores_and_origins_do_not_matter_attributes_do() -> None:
    one = annotation([entity(0, 4)], [event(5, 8, attributes={"mood": "real"})])
    two = annotation(
        [entity(0, 4, id="z", score=0.3, origin="person:3")], [event(5, 8, id="y", attributes={"mood": "real"})]
    )
    assert compare(one, two).equal
    three = annotation([entity(0, 4)], [event(5, 8, attributes={"mood": "wished"})])
    assert [pair.kind for pair in compare(one, three).events] == ["same"]
    assert not compare(one, three).equal


@pytest.mark.parametrize(
    "other",
    [
        annotation([entity(0, 4), entity(5, 6)]),
        annotation(),
        annotation([entity(0, 4, "B")]),
        annotation([entity(0, 5)]),
        annotation([entity(0, 4)], [event(5, 8)]),
    ],
)
def test_any_difference_is_one(other: Annotation) -> None:
    assert not compare(annotation([entity(0, 4)]), other).equal


def test_two_texts_are_not_compared() -> None:
    other = annotation().model_copy(update={"text_sha256": sha256("another text")})
    with pytest.raises(ValueError, match="a1: the two annotations are of different texts"):
        compare(annotation(), other)


# Figures, by hand


def test_figures() -> None:
    counts = Counts(tp=3, fp=1, fn=2)
    assert (counts.precision, counts.recall) == (0.75, 0.6)
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert counts.to_dict() == {"precision": 0.75, "recall": 0.6, "f1": 0.6667, "tp": 3, "fp": 1, "fn": 2}
    assert Counts().to_dict() == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "tp": 0, "fp": 0, "fn": 0}


def test_exact_counts_by_hand() -> None:
    # entities: one right, one of the wrong type, one with another border, one missed, one too many
    reference = annotation(
        [entity(0, 4), entity(10, 14), entity(20, 24), entity(40, 44)],
        [event(50, 55, "V", ("who", "e0-4-A"), ("whom", "e20-24-A")), event(60, 62, "W")],
    )
    other = annotation(
        [entity(0, 4), entity(10, 14, "B"), entity(20, 25), entity(70, 71)],
        [event(50, 55, "V", ("who", "e0-4-A"), ("whom", "e20-25-A")), event(60, 62, "V")],
    )
    comparison = compare(reference, other)
    entities, triggers = PairCounts.of(comparison.entities), PairCounts.of(comparison.events)

    def counted(counts: Counts) -> tuple[float, float, float]:
        return counts.tp, counts.fp, counts.fn

    exact = exact_counts([comparison])
    assert counted(exact["entities"]) == counted(entities.measure("exact")) == (1, 3, 3)
    assert counted(entities.measure("span")) == (2, 2, 2)
    assert counted(exact["triggers"]) == counted(triggers.measure("exact")) == (1, 1, 1)
    assert counted(triggers.measure("span")) == (2, 0, 0)
    assert counted(exact["arguments"]) == (1, 1, 1)
    assert {name: counted(counts) for name, counts in entities.by_label().items()} == {"A": (1, 2, 3), "B": (0, 1, 0)}
    assert {name: counted(counts) for name, counts in triggers.by_label().items()} == {"V": (1, 1, 0), "W": (0, 0, 1)}
    both = exact_counts([comparison, compare(reference, reference)])
    assert counted(both["entities"]) == (5, 3, 3)
    assert counted(both["arguments"]) == (3, 1, 1)


def test_measures_by_hand() -> None:
    reference = [entity(0, 4), entity(10, 14), entity(20, 24), entity(30, 34), entity(40, 44)]
    other = [entity(0, 4), entity(10, 14, "B"), entity(20, 25), entity(31, 34, "B"), entity(50, 54)]
    counts = PairCounts.of(match(reference, other))

    def counted(measure: Measure) -> tuple[float, float, float]:
        found = counts.measure(measure)
        return found.tp, found.fp, found.fn

    assert counts.kinds == [1, 1, 1, 1, 1, 1]
    assert counted("exact") == (1, 4, 4)
    assert counted("span") == (2, 3, 3)
    assert counted("overlap") == (2, 3, 3)
    assert counted("partial") == (3, 2, 2)
    assert counts.by_label() == {"A": Counts(1, 2, 4), "B": Counts(0, 2, 0)}
    assert counts.confusions() == {("A", "B"): 2}
    counts.add(match(reference, reference))
    assert counted("exact") == (6, 4, 4)


def test_a_table_holds_the_counts_of_each_article() -> None:
    table = Table(["entities"])
    assert table.values().shape == (0, len(KINDS))
    first, second = [entity(0, 4), entity(10, 14)], [entity(0, 4), entity(11, 14)]
    table.add({"entities": PairCounts.of(match(first, second))})
    table.add({"entities": PairCounts.of(match(first, first))})
    assert table.values()[:, table.columns("entities")].tolist() == [[1, 0, 1, 0, 0, 0], [2, 0, 0, 0, 0, 0]]
    assert f1_of(table.values(), "exact").tolist() == [0.5, 1.0]
    assert f1_of(table.values(), "overlap").tolist() == [1.0, 1.0]


def test_links_pair_at_one_trigger_only() -> None:
    reference = annotation(
        [entity(0, 4), entity(9, 12), entity(20, 26), entity(30, 33)],
        [event(5, 8, "V", ("who", "e0-4-A"), ("whom", "e9-12-A"), ("how", "e20-26-A"), ("why", "e30-33-A"))],
    )
    other = annotation(
        [entity(0, 4, "B"), entity(9, 12), entity(22, 26), entity(30, 33)],
        [
            event(5, 8, "V", ("who", "e0-4-B"), ("where", "e9-12-A"), ("how", "e22-26-A")),
            event(40, 42, "V", ("why", "e30-33-A")),
        ],
    )
    trigger = (5, 8, "V")
    found = [(pair.kind, pair.reference, pair.other) for pair in match_links(reference, other)]
    assert found == [
        ("same", Link(0, 4, "who", trigger), Link(0, 4, "who", trigger)),  # whatever the filler's type
        ("type", Link(9, 12, "whom", trigger), Link(9, 12, "where", trigger)),
        ("border", Link(20, 26, "how", trigger), Link(22, 26, "how", trigger)),
        ("missed", Link(30, 33, "why", trigger), None),
        ("spurious", None, Link(30, 33, "why", (40, 42, "V"))),
    ]


def test_keys_count_as_often_as_they_occur() -> None:
    assert PairCounts.of_keys("aabc", "abbd").measure("exact") == Counts(2, 2, 2)
    assert PairCounts.of_keys("", "").measure("exact") == Counts(0, 0, 0)


# What must hold for any two

spans = st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("AB"))


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    """Few places and few types, so that spans meet, nest and repeat."""
    entities = [
        entity(start, start + length, kind, id=f"e{i}", attributes=draw(st.sampled_from([{}, {"m": "x"}])))
        for i, (start, length, kind) in enumerate(draw(st.lists(spans, max_size=7)))
    ]
    triggers = draw(st.lists(spans, max_size=4))
    ids = [item.id for item in entities] + [f"v{i}" for i in range(len(triggers))]
    events = []
    for i, (start, length, kind) in enumerate(triggers):
        others = [identifier for identifier in ids if identifier != f"v{i}"]
        pairs = st.lists(st.tuples(st.sampled_from("rs"), st.sampled_from(others)), max_size=3, unique=True)
        events.append(event(start, start + length, kind, *draw(pairs if others else st.just([])), id=f"v{i}"))
    return annotation(entities, events)


any_two = settings(deadline=None, max_examples=200)


@any_two
@given(annotations(), annotations())
def test_every_item_is_in_exactly_one_pair(one: Annotation, two: Annotation) -> None:
    result = compare(one, two)
    pairs = [*result.entities, *result.events]
    assert Counter(p.reference.id for p in pairs if p.reference) == Counter(item.id for item in one.items())
    assert Counter(p.other.id for p in pairs if p.other) == Counter(item.id for item in two.items())


@any_two
@given(annotations(), annotations())
def test_every_pair_is_what_it_says(one: Annotation, two: Annotation) -> None:
    result = compare(one, two)
    for pair in (*result.entities, *result.events):
        a, b = pair.reference, pair.other
        if a is None or b is None:
            assert pair.kind == ("spurious" if a is None else "missed")
            continue
        same_span, same_type = (a.start, a.end) == (b.start, b.end), a.type == b.type
        assert a.start < b.end
        assert b.start < a.end
        expected = {(True, True): "same", (True, False): "type", (False, True): "border", (False, False): "both"}
        assert pair.kind == expected[same_span, same_type]


@any_two
@given(annotations(), annotations())
def test_nothing_that_overlaps_is_left_alone_on_both_sides(one: Annotation, two: Annotation) -> None:
    result = compare(one, two)
    for pairs in (result.entities, result.events):
        missed = [p.reference for p in pairs if p.kind == "missed" and p.reference]
        spurious = [p.other for p in pairs if p.kind == "spurious" and p.other]
        assert not [(a, b) for a in missed for b in spurious if a.start < b.end and b.start < a.end]


@any_two
@given(annotations())
def test_an_annotation_equals_itself(one: Annotation) -> None:
    result = compare(one, one)
    assert result.equal
    assert {pair.kind for pair in (*result.entities, *result.events)} <= {"same"}
    assert len(result.arguments_same) == sum(len(event.arguments) for event in one.events)
    exact = exact_counts([result])
    assert exact["entities"].f1 == (1.0 if one.entities else 0.0)
    assert exact["entities"].tp == len(one.entities)


@any_two
@given(annotations(), annotations())
def test_f1_is_the_same_whoever_comes_first(one: Annotation, two: Annotation) -> None:
    there, back = section_counts([compare(one, two)]), section_counts([compare(two, one)])
    for section in SECTIONS:
        for measure in CREDIT:
            a, b = there[section].measure(measure), back[section].measure(measure)
            assert (a.tp, a.fp, a.fn) == (b.tp, b.fn, b.fp), (section, measure)
            assert a.f1 == b.f1
    assert compare(one, two).equal == compare(two, one).equal


@any_two
@given(annotations(), annotations())
def test_counts_add_up(one: Annotation, two: Annotation) -> None:
    result = compare(one, two)
    counts = section_counts([result])
    sizes = {
        "entities": (len(one.entities), len(two.entities)),
        "triggers": (len(one.events), len(two.events)),
        "arguments": (len(list(arguments(one))), len(list(arguments(two)))),
    }
    for section, (wanted, found) in sizes.items():
        for measure in CREDIT:
            figures = counts[section].measure(measure)
            assert (figures.tp + figures.fn, figures.tp + figures.fp) == (wanted, found)
        for part in ("tp", "fp", "fn"):
            by_label = sum(getattr(exact, part) for exact in counts[section].by_label().values())
            assert by_label == getattr(counts[section].measure("exact"), part)


@any_two
@given(annotations(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_matter(one: Annotation, random: Any) -> None:
    entities, events = list(one.entities), list(one.events)
    random.shuffle(entities)
    random.shuffle(events)
    assert compare(one, annotation(entities, events)).equal


@any_two
@given(annotations(), annotations())
def test_links_are_the_same_end_to_end(one: Annotation, two: Annotation) -> None:
    def plain(annotation: Annotation) -> list[Hashable]:
        return [(link.trigger, link.type, link.start, link.end) for link in links(annotation)]

    paired, equal = PairCounts.of(match_links(one, two)), PairCounts.of_keys(plain(one), plain(two))
    assert paired.measure("exact") == equal.measure("exact")


@any_two
@given(annotations(), st.integers(0, 12), st.integers(1, 6))
def test_overlap_finder_finds_all_that_overlaps(one: Annotation, start: int, length: int) -> None:
    found = list(overlap_finder(one.entities)(start, start + length))
    assert sorted(found) == [
        place for place, item in enumerate(one.entities) if item.start < start + length and item.end > start
    ]
    assert [one.entities[place].start for place in found] == sorted(one.entities[place].start for place in found)
