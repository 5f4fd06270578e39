"""The figures: against cases counted by hand, against nervaluate, and what must hold whatever was said."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate.evaluator import Evaluator as NervaluateEvaluator

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import Article
from curation.metrics.evaluation import Evaluation, Evaluator, Figures
from curation.metrics.label_mapping import Mapping, mapping_to
from curation.schema import LabelSchema

TEXT = "Kelmar troops shelled Torvan on Monday, killing two rebels; Kelmar denied the raid. " * 3


def article(name: str = "a1") -> Article:
    return Article(id=name, text=TEXT)


def annotation(entities: list[Entity] | None = None, events: list[Event] | None = None, name: str = "a1") -> Annotation:
    record = {
        "id": "x",
        "article_id": name,
        "text_sha256": article(name).text_sha256,
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


def measured(*pairs: tuple[Annotation, Annotation | None], **options: Any) -> Evaluation:
    evaluator = Evaluator(**options)
    for place, (gold, said) in enumerate(pairs):
        evaluator.add(article(f"a{place + 1}"), gold, said)
    return evaluator.result()


def counted(figures: Figures) -> tuple[float, float, float]:
    return figures.tp, figures.fp, figures.fn


GOLD = annotation(
    [entity(0, 6), entity(7, 13), entity(22, 28), entity(32, 38), entity(48, 51)],
    [
        event(14, 21, "V", ("who", "e7-13-A"), ("whom", "e22-28-A"), ("when", "e32-38-A")),
        event(40, 47, "W", ("whom", "e48-51-A")),
        event(60, 66, "W"),
    ],
)
SAID = annotation(
    # right; wrong type; wrong border; both; one too many; one missed
    [entity(0, 6), entity(7, 13, "B"), entity(22, 30), entity(31, 37, "B"), entity(70, 73)],
    [
        event(14, 21, "V", ("who", "e7-13-B"), ("whom", "e22-30-A"), ("where", "e31-37-B")),
        event(40, 47, "V", ("whom", "e70-73-A")),
        event(80, 82, "V", ("who", "e7-13-B")),
    ],
)


def test_by_hand() -> None:
    found = measured((GOLD, SAID))
    assert found.entities and found.triggers and found.arguments
    assert counted(found.entities) == (1, 4, 4)
    assert counted(found.entities.span) == (2, 3, 3)
    assert counted(found.entities.overlap) == (2, 3, 3)
    assert counted(found.entities.partial) == (3, 2, 2)
    assert (found.entities.precision, found.entities.recall, found.entities.f1) == (0.2, 0.2, 0.2)
    assert found.entities.errors == {
        "missed": 1,
        "spurious": 1,
        "wrong type": 1,
        "wrong border": 1,
        "wrong type and border": 1,
    }
    assert {name: counted(figures) for name, figures in found.entities.by_type.items()} == {
        "A": (1, 2, 4),
        "B": (0, 2, 0),
    }
    assert [(one.gold, one.said, one.items) for one in found.entities.confusions] == [("A", "B", 2)]
    assert counted(found.triggers) == counted(found.triggers.classification) == (1, 2, 2)
    assert counted(found.triggers.identification) == (2, 1, 1)
    # end to end: who is right, whatever type its filler was given; whom overlaps; the second trigger has the wrong type
    assert counted(found.arguments) == counted(found.arguments.end_to_end) == (1, 4, 3)
    assert counted(found.arguments.overlap) == (2, 3, 2)
    assert counted(found.arguments.classification) == (1, 4, 3)
    assert counted(found.arguments.identification) == (1, 4, 3)
    assert (found.articles, found.mapping, found.entities.types_that_map) == (1, None, None)
    assert counted(found.entities.all_gold) == counted(found.entities)


def test_identification_and_classification_leave_the_trigger_open() -> None:
    gold = annotation([entity(0, 6)], [event(14, 21, "V", ("who", "e0-6-A"))])
    elsewhere = annotation([entity(0, 6)], [event(40, 47, "V", ("who", "e0-6-A"))])
    other_role = annotation([entity(0, 6)], [event(40, 47, "V", ("whom", "e0-6-A"))])
    other_type = annotation([entity(0, 6)], [event(14, 21, "W", ("who", "e0-6-A"))])
    for said, end_to_end, classification, identification in (
        (gold, 1, 1, 1),
        (elsewhere, 0, 1, 1),
        (other_role, 0, 0, 1),
        (other_type, 0, 0, 0),
    ):
        figures = measured((gold, said)).arguments
        assert figures is not None
        assert figures.end_to_end.tp == end_to_end
        assert figures.classification.tp == classification
        assert figures.identification.tp == identification


def test_a_failed_article_is_all_missed() -> None:
    found = measured((GOLD, None), (GOLD.model_copy(update={"article_id": "a2"}), GOLD))
    assert found.entities and found.arguments and found.effort
    assert counted(found.entities) == (5, 0, 5)
    assert counted(found.arguments) == (4, 0, 4)
    assert found.effort.ratio == 0.5


def test_what_the_gold_has_none_of_is_not_scored() -> None:
    found = measured((annotation([entity(0, 6)]), annotation([entity(0, 6)], [event(14, 21), event(40, 47)])))
    assert found.entities is not None
    assert found.triggers is found.arguments is None
    # nor do the triggers that were said cost anything
    assert found.effort is not None
    assert (found.effort.cost, found.effort.sections) == (0, {"entities": 0})
    assert measured((annotation(), SAID)).effort is None


def test_two_texts_are_not_compared() -> None:
    with pytest.raises(ValueError, match="a1: the two annotations are of different texts"):
        Evaluator().add(article(), GOLD, GOLD.model_copy(update={"text_sha256": "0" * 64}))
    with pytest.raises(ValueError, match="nothing to evaluate"):
        Evaluator().result()


def test_another_ontology_by_hand() -> None:
    mapping = Mapping("there", {"Town": ("GPE",)}, {"Raid": ("Attack",)}, {("Raid", "raider"): ("Attacker",)})
    gold = annotation(
        [entity(0, 6, "GPE"), entity(22, 28, "GPE"), entity(32, 38, "TITLE")],
        [
            event(14, 21, "Attack", ("Attacker", "e0-6-GPE"), ("Place", "e22-28-GPE")),
            event(40, 47, "Trial", ("Judge", "e32-38-TITLE")),
        ],
    )
    said = annotation(
        [entity(0, 6, "Town"), entity(32, 38, "Day")],
        [event(14, 21, "Raid", ("raider", "e0-6-Town"), ("day", "e32-38-Day")), event(60, 66, "Rest")],
    )
    found = measured((gold, said), mapping=mapping)
    assert found.entities and found.triggers and found.arguments and found.effort
    assert found.mapping == "there"
    assert (found.entities.counted, found.triggers.counted) == ("types that map", "all gold")
    assert counted(found.entities) == (1, 0, 1)
    assert counted(found.entities.all_gold) == (1, 0, 2)
    assert counted(found.triggers) == (1, 0, 1)
    assert found.triggers.types_that_map is not None
    assert counted(found.triggers.types_that_map) == (1, 0, 0)
    assert counted(found.arguments) == (1, 0, 2)
    assert found.arguments.types_that_map is not None
    assert counted(found.arguments.types_that_map) == (1, 0, 0)
    # the trial and the title are beyond us: one town is to be added, of two, one trigger and one argument there
    assert found.effort.counted == "types that map"
    assert (found.effort.cost, found.effort.blank_cost) == (3, 3 + 3 + 3 + 6)


def test_calibration_is_of_the_items_that_have_scores() -> None:
    gold = annotation([entity(0, 6), entity(7, 13)])
    said = annotation([entity(0, 6, score=0.9), entity(7, 13, "B", score=0.3), entity(22, 28)])
    figures = measured((gold, said)).entities
    assert figures is not None
    assert figures.calibration is not None
    assert (figures.calibration.items, figures.calibration.right, figures.calibration.auroc) == (2, 1, 1.0)
    without = measured((gold, gold)).entities
    assert without is not None
    assert without.calibration is None


def test_examples_are_bounded_and_in_context() -> None:
    figures = measured((GOLD, SAID), examples=1).entities
    assert figures is not None
    (border,) = [one for one in figures.examples if one.kind == "wrong border"]
    assert border.gold is not None
    assert border.said is not None
    assert (border.gold.text, border.said.text) == ("Torvan", "Torvan o")
    assert (border.before[-8:], border.text, border.after[:9]) == ("shelled ", "Torvan o", "n Monday,")
    many = annotation([entity(i, i + 1) for i in range(100)])
    for limit in (0, 1, 7):
        figures = measured((many, annotation()), examples=limit).entities
        assert figures is not None
        assert len(figures.examples) == limit
    of_arguments = measured((GOLD, SAID)).arguments
    assert of_arguments is not None
    assert {one.trigger for one in of_arguments.examples} >= {"shelled (V)", "killing (W)"}


def test_examples_do_not_depend_on_the_order_of_articles() -> None:
    golds = [annotation([entity(i, i + 2), entity(i + 5, i + 6)], name=f"a{i}") for i in range(20)]

    def examples(order: list[Annotation]) -> object:
        evaluator = Evaluator(examples=4)
        for gold in order:
            evaluator.add(article(gold.article_id), gold, None)
        figures = evaluator.result().entities
        assert figures is not None
        return figures.examples

    assert examples(golds) == examples(golds[::-1])


def test_intervals() -> None:
    right, wrong = (GOLD, GOLD), (GOLD, annotation())
    even = measured(*[right, wrong] * 10).entities
    assert even is not None
    assert even.f1_interval is not None
    low, high = even.f1_interval
    assert 0.4 < low < even.f1 < high < 0.9
    again = measured(*[right, wrong] * 10)
    assert again.entities == even
    assert again.effort is not None
    assert again.effort.ratio_interval is not None
    assert again.effort.ratio_interval[0] < 0.5 < again.effort.ratio_interval[1]
    more = measured(*[right, wrong] * 40).entities
    assert more is not None
    assert more.f1_interval is not None
    assert more.f1_interval[1] - more.f1_interval[0] < high - low
    sure = measured(right, right, right).entities
    assert sure is not None
    assert sure.f1_interval == (1, 1)
    one = measured(right).entities
    assert one is not None
    assert one.f1_interval is None


# Against nervaluate


def theirs(gold: list[Entity], said: list[Entity]) -> dict[str, tuple[float, float, float]]:
    """Precision, recall and F1 of nervaluate, whose ends are inclusive, under our names."""

    def told(items: list[Entity]) -> list[dict[str, Any]]:
        return [{"label": item.type, "start": item.start, "end": item.end - 1} for item in items]

    found = NervaluateEvaluator([told(gold)], [told(said)], tags=["A", "B"], loader="dict").evaluate()["overall"]
    names = {"strict": "exact", "exact": "span", "ent_type": "overlap", "partial": "partial"}
    return {ours: (found[name].precision, found[name].recall, found[name].f1) for name, ours in names.items()}


def ours(gold: list[Entity], said: list[Entity]) -> dict[str, tuple[float, float, float]]:
    figures = measured((annotation(gold), annotation(said))).entities
    assert figures is not None
    return {name: (row.precision, row.recall, row.f1) for name, row in figures.rows() if name != "all gold"}


@st.composite
def flat(draw: st.DrawFn) -> list[Entity]:
    """Spans side by side, none over another."""
    cuts = sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=14)))
    spans = [(a, b) for a, b in pairwise(cuts) if draw(st.booleans())]
    return [entity(start, end, draw(st.sampled_from("AB"))) for start, end in spans]


@st.composite
def slotted(draw: st.DrawFn) -> tuple[list[Entity], list[Entity]]:
    """Two flat lists in which no span overlaps two of the other: nothing hangs on the order of matching."""
    sides: tuple[list[Entity], list[Entity]] = ([], [])
    for slot in range(draw(st.integers(1, 10))):
        for side in sides:
            if draw(st.booleans()):
                start = draw(st.integers(0, 6))
                end = draw(st.integers(start + 1, 8))
                side.append(entity(10 * slot + start, 10 * slot + end, draw(st.sampled_from("AB"))))
    return sides


@given(slotted())
def test_all_four_measures_are_those_of_nervaluate(sides: tuple[list[Entity], list[Entity]]) -> None:
    gold, said = sides
    if gold:
        expected = theirs(gold, said)
        for name, figures in ours(gold, said).items():
            assert figures == pytest.approx(expected[name], abs=1e-4), name


@given(flat(), flat())
def test_exact_measures_are_those_of_nervaluate(gold: list[Entity], said: list[Entity]) -> None:
    if gold:
        expected, found = theirs(gold, said), ours(gold, said)
        for name in ("exact", "span"):
            assert found[name] == pytest.approx(expected[name], abs=1e-4), name


# What must hold for any two

spans = st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("AB"))


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    entities = [
        entity(start, start + length, kind, id=f"e{i}")
        for i, (start, length, kind) in enumerate(draw(st.lists(spans, max_size=6)))
    ]
    events: list[Event] = []
    for i, (start, length, kind) in enumerate(draw(st.lists(spans, max_size=3))):
        ids = [item.id for item in (*entities, *events)]
        pairs = st.lists(st.tuples(st.sampled_from("rs"), st.sampled_from(ids)), max_size=3, unique=True)
        events.append(event(start, start + length, kind, *(draw(pairs) if ids else []), id=f"v{i}"))
    return annotation(entities, events)


def sections(found: Evaluation) -> list[Any]:
    return [section for section in (found.entities, found.triggers, found.arguments) if section is not None]


@given(annotations())
def test_gold_against_itself(gold: Annotation) -> None:
    found = measured((gold, gold))
    for section in sections(found):
        for name, figures in section.rows():
            assert (figures.precision, figures.recall, figures.f1) == (1, 1, 1), name
        assert not any(section.errors.values())
        assert section.examples == ()
    assert found.effort is None or (found.effort.cost, found.effort.ratio) == (0, 0)
    assert [found.entities is None, found.triggers is None] == [not gold.entities, not gold.events]


@given(annotations())
def test_blank_against_gold(gold: Annotation) -> None:
    found = measured((gold, annotation()))
    for section in sections(found):
        assert (section.precision, section.recall, section.f1) == (0, 0, 0)
        assert section.errors["missed"] == section.fn
    assert found.effort is None or found.effort.ratio == 1
    assert (found.effort is None) == (not gold.items())


@given(annotations(), annotations())
def test_coarser_figures_are_never_lower(gold: Annotation, said: Annotation) -> None:
    found = measured((gold, said))
    if found.entities:
        assert (
            found.entities.tp <= min(found.entities.span.tp, found.entities.overlap.tp) <= found.entities.partial.tp * 2
        )
        assert found.entities.tp + found.entities.fn == len(gold.entities)
        assert found.entities.tp + found.entities.fp == len(said.entities)
    if found.triggers:
        assert found.triggers.tp == found.triggers.classification.tp <= found.triggers.identification.tp
    if found.arguments:
        figures = found.arguments
        assert figures.tp == figures.end_to_end.tp <= figures.classification.tp <= figures.identification.tp
        assert figures.tp <= figures.overlap.tp
    for section in sections(found):
        wrong = section.errors
        paired = wrong["wrong type"] + wrong["wrong border"] + wrong["wrong type and border"]
        assert section.fn == paired + wrong["missed"]
        assert section.fp == paired + wrong["spurious"]
        assert sum(figures.tp for figures in section.by_type.values()) == section.tp


@given(annotations(), annotations(), annotations())
def test_articles_add_up_whatever_their_order(one: Annotation, two: Annotation, said: Annotation) -> None:
    there, back = measured((one, said), (two, said)), measured((two, said), (one, said))
    assert [counted(section) for section in sections(there)] == [counted(section) for section in sections(back)]
    alone = [measured((gold, said)) for gold in (one, two)]
    for name in ("entities", "triggers"):
        together = getattr(there, name)
        golds = [gold.entities if name == "entities" else gold.events for gold in (one, two)]
        parts = [getattr(found, name) for found in alone]
        tp = sum(part.tp for part in parts if part)
        assert (together.tp if together else 0) == tp
        assert (together.tp + together.fn if together else 0) == sum(map(len, golds))


def test_the_sample_schema_maps_onto_three_ontologies(schema: LabelSchema) -> None:
    for name in ("re3d", "wikievents", "m2e2"):
        mapping = mapping_to(name, schema)
        gold = annotation(
            [entity(i, i + 1, names[0], id=f"e{i}") for i, names in enumerate(mapping.entities.values())],
            [event(i, i + 1, names[0], id=f"v{i}") for i, names in enumerate(mapping.events.values())],
        )
        said = annotation(
            [entity(i, i + 1, type_, id=f"e{i}") for i, type_ in enumerate(mapping.entities)],
            [event(i, i + 1, type_, id=f"v{i}") for i, type_ in enumerate(mapping.events)],
        )
        found = measured((gold, said), mapping=mapping)
        assert [section.f1 for section in sections(found)] == [1] * len(sections(found))
        assert found.effort is not None
        assert found.effort.ratio == 0
