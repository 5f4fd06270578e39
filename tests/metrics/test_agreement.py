"""Agreement between two, three and more annotators, counted by hand; and what can be compared with what."""

from __future__ import annotations

from typing import Any

import pytest

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import sha256
from curation.metrics.agreement import Agreement, Figures, agreement
from curation.metrics.counts import NOTHING
from curation.metrics.matching import compare
from curation.metrics.pairing import Gathering, Together
from curation.schema import LabelSchema

TEXT = sha256("some text")
LENGTH = 100


def said(who: str, entities: list[Entity] = [], events: list[Event] = [], **fields: Any) -> Annotation:  # noqa: B006
    given: dict[str, Any] = {
        "id": f"{fields.get('article_id', 'a1')}-{who}",
        "article_id": "a1",
        "text_sha256": TEXT,
        "schema": "gardens@1.0.0",
        "annotator": Annotator(kind="person", name=who),
        "state": "submitted",
        "entities": tuple(entities),
        "events": tuple(events),
    }
    return Annotation(**given | fields)


def entity(name: str, start: int, end: int, type_: str = "Plant") -> Entity:
    return Entity(id=name, start=start, end=end, type=type_)


def event(name: str, start: int, end: int, type_: str, *pairs: tuple[str, str]) -> Event:
    return Event(
        id=name, start=start, end=end, type=type_, arguments=tuple(Argument(role=role, filler=of) for role, of in pairs)
    )


def together(*annotations: Annotation, length: int | None = LENGTH) -> Together:
    names = tuple(one.annotator.name for one in annotations)
    return Together(annotations[0].article_id, annotations[0].text_sha256, length, names, annotations)


def measured(*groups: Together) -> Agreement:
    found = agreement(groups)
    assert found is not None
    return found


def counts(figures: Figures | None) -> tuple[float, float, float]:
    assert figures is not None
    return figures.both, figures.only_first, figures.only_second


ANNA = said(
    "anna",
    [entity("e1", 0, 5), entity("e2", 10, 15, "Tool"), entity("e3", 20, 30), entity("e4", 40, 45)],
    [
        event("v1", 50, 55, "Sow", ("sower", "e1"), ("seed", "e3"), ("tool", "e2")),
        event("v2", 60, 65, "Sow", ("sower", "e1")),
        event("v3", 70, 75, "Prune", ("pruner", "e4")),
    ],
)
BEN = said(
    "ben",
    [entity("f1", 0, 5), entity("f2", 10, 15, "Plant"), entity("f3", 20, 28), entity("f5", 80, 85)],
    [
        # seed's filler is shorter, the tool has another role, and sower is the same
        event("w1", 50, 55, "Sow", ("sower", "f1"), ("seed", "f3"), ("helper", "f2")),
        # the same trigger, but he calls it pruning: none of its arguments is compared, but end to end
        event("w2", 60, 65, "Prune", ("pruner", "f1")),
    ],
)


def test_two_annotators_by_hand() -> None:
    found = measured(together(ANNA, BEN))
    entities, triggers, arguments = found.entities, found.triggers, found.arguments
    # e1 same, e2 another type, e3 another border, e4 only Anna's, f5 only Ben's
    assert counts(entities.exact) == (1, 3, 3)
    assert counts(entities.span) == (2, 2, 2)
    assert counts(entities.overlap) == (2, 2, 2)
    assert counts(entities.partial) == (2.5, 1.5, 1.5)
    assert entities.exact.f1 == 0.25
    assert entities.partial.f1 == 0.625
    assert counts(triggers.exact) == (1, 2, 1)
    assert counts(triggers.span) == (2, 1, 0)
    assert triggers.exact.f1 == 0.4
    # at the one trigger both have: sower same, seed another border, e2 another role
    assert counts(arguments.exact) == (1, 2, 2)
    assert counts(arguments.span) == (2, 1, 1)
    assert counts(arguments.overlap) == (2, 1, 1)
    assert counts(arguments.partial) == (2.5, 0.5, 0.5)
    # end to end Anna has five, Ben four
    assert counts(arguments.end_to_end) == (1, 4, 3)
    assert {name: counts(one) for name, one in entities.by_type.items()} == {"Plant": (1, 2, 3), "Tool": (0, 1, 0)}
    assert {name: counts(one) for name, one in triggers.by_type.items()} == {"Prune": (0, 1, 1), "Sow": (1, 1, 0)}
    assert counts(arguments.by_type["sower"]) == (1, 0, 0)
    assert set(arguments.by_type) == {"sower", "seed", "tool", "helper"}
    assert entities.exact.interval is None, "one article has no interval"
    (one,) = found.disagreements
    # trigger v2 differs by type, v3 is Anna's alone
    assert (one.entities, one.triggers, one.arguments) == (4, 2, 2)


def test_end_to_end_is_what_compare_counts() -> None:
    seen = compare(ANNA, BEN)
    figures = counts(measured(together(ANNA, BEN)).arguments.end_to_end)
    assert figures == (len(seen.arguments_same), len(seen.arguments_missed), len(seen.arguments_spurious))


def test_matrices_say_who_said_what() -> None:
    (pair,) = measured(together(ANNA, BEN)).pairs
    assert pair.entities.matrix.labels == ("Plant", "Tool", NOTHING)
    assert pair.entities.matrix.counts == ((2, 0, 1), (1, 0, 0), (1, 0, 0))
    assert pair.triggers.matrix.cells() == [(1, "Prune", NOTHING), (1, "Sow", "Prune")]
    assert pair.arguments.matrix.cells() == [(1, "tool", "helper")]
    both_ways = measured(together(ANNA, BEN)).entities.matrix.counts
    assert both_ways == ((2, 1, 2), (1, 0, 0), (2, 0, 0))


def test_attributes_of_items_that_both_have() -> None:
    """A value left out is the default; an item that is not the same for both says nothing."""
    usual = {"entities": {"mention": "name"}, "events": {}}

    def mention(name: str, start: int, *value: str) -> Entity:
        return Entity(id=name, start=start, end=start + 5, type="Plant", attributes=dict.fromkeys(("mention",), *value))

    one = [mention("e1", 0, "name"), mention("e2", 10, "pronoun"), entity("e3", 20, 25), mention("e4", 30, "nominal")]
    two = [entity("f1", 0, 5), mention("f2", 10, "nominal"), entity("f3", 20, 25), mention("f4", 31, "name")]
    three = [mention("g1", 0, "nominal")]
    group = together(said("anna", one), said("ben", two), said("cleo", three))
    found = agreement([group], usual)
    assert found is not None
    of_pair = {(pair.first, pair.second): pair.entities.attributes["mention"] for pair in found.pairs}
    assert {names: (values.items, values.same) for names, values in of_pair.items()} == {
        ("anna", "ben"): (3, 2),
        ("anna", "cleo"): (1, 0),
        ("ben", "cleo"): (1, 0),
    }
    assert of_pair["anna", "ben"].matrix.cells() == [(1, "pronoun", "nominal")]
    together_all = found.entities.attributes["mention"]
    assert (together_all.items, together_all.same, together_all.share) == (5, 2, 0.4)
    assert together_all.matrix.labels == ("name", "nominal", "pronoun")
    assert together_all.matrix.counts == ((2, 2, 0), (2, 0, 1), (0, 1, 0))
    assert found.triggers.attributes == {}
    without = agreement([group])
    assert without is not None
    assert without.entities.attributes["mention"].items == 2, "no defaults: only where both have a value"


def test_whoever_comes_first_f1_and_alpha_are_the_same() -> None:
    one, two = measured(together(ANNA, BEN)), measured(together(BEN, ANNA))
    for section in ("entities", "triggers", "arguments"):
        first, second = getattr(one, section), getattr(two, section)
        assert [first.exact.f1, first.partial.f1] == [second.exact.f1, second.partial.f1]
        assert first.alpha == second.alpha
        assert {name: of.f1 for name, of in first.by_type.items()} == {
            name: of.f1 for name, of in second.by_type.items()
        }


def test_three_annotators_and_the_mean_of_pairs() -> None:
    """Anna and Cleo agree wholly; Ben has one of their two plants, and annotated the first article only."""
    plants = [entity("e1", 0, 5), entity("e2", 10, 15)]
    first = together(said("anna", plants), said("ben", plants[:1]), said("cleo", plants))
    second = together(said("anna", plants, article_id="a2"), said("cleo", plants, article_id="a2"), length=None)
    found = measured(first, second)
    assert found.annotators == ("anna", "ben", "cleo")
    of_pair = {(pair.first, pair.second): pair for pair in found.pairs}
    assert {names: (pair.articles, pair.entities.exact.f1) for names, pair in of_pair.items()} == {
        ("anna", "ben"): (1, 0.6667),
        ("anna", "cleo"): (2, 1.0),
        ("ben", "cleo"): (1, 0.6667),
    }
    # together: 1 + 4 + 1 in both, 1 only Anna's, 1 only Cleo's
    assert counts(found.entities.exact) == (6, 1, 1)
    assert found.entities.mean_of_pairs is not None
    assert found.entities.mean_of_pairs.f1 == round((2 / 3 + 1 + 2 / 3) / 3, 4)
    assert found.triggers.exact.f1 is None, "nobody marked any"
    # the second text is not at hand, so only the first one's characters are counted
    assert found.entities.alpha is not None
    assert (found.entities.alpha.articles, found.entities.alpha.characters) == (1, LENGTH)
    pair_alpha = of_pair["anna", "cleo"].entities.alpha
    assert pair_alpha is not None
    assert pair_alpha.alpha == 1.0
    assert [one.entities for one in found.disagreements] == [2, 0]


def test_intervals_are_those_of_articles_drawn_again() -> None:
    """Of two articles one is agreed on and one is not: drawn again, F1 is 0, a half or 1."""
    good = together(said("anna", [entity("e1", 0, 5)]), said("ben", [entity("f1", 0, 5)]))
    bad = together(
        said("anna", [entity("e1", 0, 5)], article_id="a2"), said("ben", [entity("f1", 50, 55)], article_id="a2")
    )
    found = measured(good, bad)
    assert (found.entities.exact.f1, found.entities.exact.interval) == (0.5, (0.0, 1.0))
    assert found.entities.by_type["Plant"].interval == (0.0, 1.0)
    assert found.pairs[0].entities.exact.interval == (0.0, 1.0)
    assert found.entities.mean_of_pairs is not None
    assert found.entities.mean_of_pairs.interval == (0.0, 1.0)
    assert measured(good, bad) == found, "seeded"
    same = measured(good, together(*(one.model_copy(update={"article_id": "a3"}) for one in good.annotations)))
    assert same.entities.exact.interval == (1.0, 1.0)


def test_everything_can_be_dumped_and_read_again() -> None:
    found = measured(together(ANNA, BEN))
    assert Agreement.model_validate_json(found.model_dump_json()) == found


def test_nothing_to_compare() -> None:
    assert agreement([]) is None


@pytest.fixture
def gathering(schema: LabelSchema) -> Gathering:
    return Gathering(schema)


def names(found: list[Together]) -> list[tuple[str, ...]]:
    return [one.names for one in found]


def test_one_annotator_only_stands_alone(gathering: Gathering) -> None:
    assert gathering.add([("anna", ANNA)], {TEXT: 9}) == []
    (left,) = gathering.left_out()
    assert str(left) == "anna: 1 annotation not compared: nobody else annotated the article (a1)"


def test_the_latest_of_a_person_counts(gathering: Gathering) -> None:
    earlier, later = said("anna", [entity("e1", 0, 5)]), said("anna", [entity("e1", 0, 6)])
    (found,) = gathering.add([("anna", earlier), ("ben", BEN), ("anna", later)], {TEXT: 9})
    assert found.annotations == (later, BEN)
    assert found.length == 9
    assert gathering.annotated == gathering.compared == {"anna": 1, "ben": 1}


def test_another_text_is_compared_with_its_own_only(gathering: Gathering) -> None:
    other = {"text_sha256": sha256("another text")}
    found = gathering.add([("anna", ANNA), ("ben", BEN), ("cleo", said("cleo", **other))], {TEXT: 9})
    assert names(found) == [("anna", "ben")]
    (left,) = gathering.left_out()
    assert (left.annotator, left.reason, left.articles) == ("cleo", "other text", ("a1",))
    assert names(gathering.add([("cleo", said("cleo", **other)), ("dov", said("dov", **other))], {})) == [
        ("cleo", "dov")
    ]


def test_versions_are_carried_over_or_left_out(schema: LabelSchema) -> None:
    """One version before ours is carried over by its migration; a foreign schema is outvoted, and said to be."""
    newer = schema.model_validate(
        schema.model_dump()
        | {"version": "2.0.0", "migrations": [{"version": "2.0.0", "entity_types": {"Ship": "Vehicle"}}]}
    )
    gathering = Gathering(newer)
    old = said("anna", [entity("e1", 0, 5, "Ship")], schema=f"{schema.name}@1.0.0")
    new = said("ben", [entity("f1", 0, 5, "Vehicle")], schema=newer.ref)
    foreign = said("cleo", [entity("g1", 0, 5)])
    (found,) = gathering.add([("anna", old), ("ben", new), ("cleo", foreign)], {TEXT: 9})
    assert found.names == ("anna", "ben")
    assert measured(found).entities.exact.f1 == 1.0
    (left,) = gathering.left_out()
    assert (left.annotator, left.reason) == ("cleo", "other schema")
    assert gathering.add([("ben", new), ("cleo", foreign)], {TEXT: 9}) == []
    assert {(one.annotator, one.reason, one.annotations) for one in gathering.left_out()} == {
        ("ben", "other schema", 1),
        ("cleo", "other schema", 2),
    }
