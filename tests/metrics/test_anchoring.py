"""Blind work beside assisted work: figures counted by hand, effects that are there and that are not."""

from __future__ import annotations

import json
import random

import pytest

from curation.annotation import Annotation, Annotator, Entity
from curation.metrics.anchoring import LEAST, Work, anchoring


def said(number: int, *starts: int, lead: float | None = 60, kind: str = "person", label: str = "X") -> Annotation:
    """One annotation of article `number` with a word at each start."""
    return Annotation(
        id=f"{kind}-{number}-{len(starts)}-{label}",
        article_id=f"kel-{number}",
        text_sha256=f"{number:064x}",
        schema="made@1.0.0",
        annotator=Annotator(kind="engine" if kind == "engine" else "person", name=kind),
        state="submitted",
        lead_time=lead,
        entities=tuple(Entity(id=f"e{start}", start=start, end=start + 2, type=label) for start in starts),
    )


def test_figures_are_those_counted_by_hand() -> None:
    found = anchoring(
        [
            # The engine says 0, 10, 20. Seen: 0, 10, 20 are kept, 30 added. Blind: 0 and 30.
            Work([], [said(1, 0, 10, 20, 30, lead=20)], said(1, 0, 10, 20, kind="engine")),
            Work([said(2, 0, 30, lead=100)], [], said(2, 0, 10, 20, kind="engine")),
            # Two people, one of them twice as slow as can be believed; nobody knows what the engine said.
            Work([said(3, 0, lead=0), said(3, 0, 40, lead=3 * 24 * 3600.0)], [], None),
            Work([], [], None),
            # Both sorts of the same article.
            Work([said(4, 0, 10, lead=None)], [said(4, 0, 20, lead=40)], None),
        ]
    )
    assert found is not None
    assert (found.articles, found.annotations) == ({"blind": 3, "assisted": 2}, {"blind": 4, "assisted": 2})
    entities = found.engine["entities"]
    assert entities.assisted is not None and entities.blind is not None
    assert (entities.assisted.value, entities.blind.value) == (round(6 / 7, 4), round(2 / 5, 4))
    assert entities.difference == round(0.8571 - 0.4, 4)
    assert entities.interval is None  # one article each
    people = found.people["entities"].blind
    assert people is not None and people.value == round(2 / 3, 4)
    assert found.people["entities"].assisted is None
    assert found.across["entities"].value == 0.5
    assert "triggers" not in found.across
    assert found.seconds.blind is not None and found.seconds.assisted is not None
    assert (found.seconds.blind.value, found.seconds.assisted.value) == (100, 30)
    assert found.untimed == {"blind": 3, "assisted": 0}
    assert "Too few" in found.words[1]
    json.loads(found.model_dump_json())


def test_without_blind_work_there_is_nothing_to_tell() -> None:
    assert anchoring([Work([], [said(1, 0)], said(1, 0, kind="engine"))]) is None
    assert anchoring([]) is None


def made(steered: float, articles: int = 300) -> list[Work]:
    """Articles with ten mentions. The engine invents five more; who sees them keeps each with probability `steered`."""
    draw, works = random.Random(5), []
    true, false = range(0, 100, 10), range(5, 55, 10)
    for number in range(articles):
        engine = said(number, *true, *false, kind="engine")
        kept = [start for start in false if draw.random() < steered]
        missed = [start for start in true if draw.random() > 0.05]
        if number % 4 == 0:
            works.append(Work([said(number, *missed, lead=draw.gauss(120, 20))], [], engine))
        else:
            works.append(Work([], [said(number, *missed, *kept, lead=draw.gauss(60, 20))], engine))
    return works


def test_people_who_follow_the_engine_are_seen_to() -> None:
    found = anchoring(made(0.6))
    assert found is not None
    effect = found.engine["entities"]
    assert effect.interval is not None and effect.interval[0] > 0.05
    assert any("say more of what it says" in line for line in found.words)
    assert any(": faster with it" in line for line in found.words)
    assert found.seconds.difference == pytest.approx(-60, abs=8)


def test_people_who_judge_for_themselves_are_not() -> None:
    found = anchoring(made(0.0))
    assert found is not None
    assert any("Entities" in line and "does not steer" in line for line in found.words)


def test_few_articles_of_one_sort_conclude_nothing() -> None:
    found = anchoring(made(1.0, articles=4 * (LEAST - 1)))
    assert found is not None
    assert found.articles["blind"] == LEAST - 1
    assert len(found.words) == 2
    found = anchoring(made(1.0, articles=4 * LEAST))
    assert found is not None
    assert len(found.words) > 2


def test_a_label_that_only_the_engine_brings_up_is_told() -> None:
    works = [
        Work([said(n, 0, 10)], [], said(n, 0, 10, kind="engine"))
        if n % 2
        else Work([], [said(n, 0, 10, label="Y" if n % 4 else "X")], said(n, 0, 10, kind="engine"))
        for n in range(80)
    ]
    found = anchoring(works)
    assert found is not None
    assert [(one.label, one.blind, one.assisted) for one in found.labels] == [("X", 80, 40), ("Y", 0, 40)]
    assert found.labels[1].shares.difference == 0.5
    assert any(line.startswith("Labels given more or less often") and "Y (+50.0%)" in line for line in found.words)
