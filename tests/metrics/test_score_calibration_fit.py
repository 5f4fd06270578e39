"""Fitting confidence: the curve by hand, limits that pay on articles they were not fitted on, figures to match."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.metrics.effort import actions, cost
from curation.metrics.score_calibration import ALL, ANY, Corrected, LabelCalibration, apply, fit_calibration, isotonic

ENGINE = Annotator(kind="engine", name="quick", version="1")
PERSON = Annotator(kind="person", name="p1")
SECTIONS = ("entities", "events", "arguments")


def nothing(score: float) -> float:
    return 0.0


def test_the_curve_by_hand() -> None:
    scored = [(0.1, False), (0.1, True), (0.3, True), (0.3, True), (0.5, False), (0.5, True), (0.9, True)]
    # .5 at .1; at .3 and .5 the shares 1 and .5 would fall, so the four are pooled; 1 at .9
    assert isotonic(scored, nothing, 0) == ((0.1, 0.5), (0.3, 0.75), (0.5, 0.75), (0.9, 1.0))
    # two items of a prior of 0 at a score of its own: 1 of 1 + 2
    assert isotonic([(0.5, True)], nothing, 2) == ((0.5, 0.3333),)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.7, 1.0]), st.booleans()), min_size=1))
def test_the_curve_rises_and_keeps_the_share_that_is_right(scored: list[tuple[float, bool]]) -> None:
    curve = LabelCalibration(points=isotonic(scored, nothing, 0), items=1, right=1)
    mean = sum(curve(score) for score, _ in scored) / len(scored)
    assert mean == pytest.approx(sum(right for _, right in scored) / len(scored), abs=1e-3)


def corrected(number: int, draw: random.Random) -> Corrected:
    """An article of ten places: names are right as often as their score says, half of .8; junk is never right."""
    common: dict[str, Any] = {"article_id": f"a{number}", "text_sha256": f"{number:064x}", "schema": "s@1.0.0"}
    gold, said, junk = [], [], []
    for place in range(10):
        span = {"start": 10 * place, "end": 10 * place + 4}
        right = draw.random() < 0.4
        gold += [Entity(id=f"g{place}", type="Name", **span)] if right else []
        said.append(Entity(id=f"e{place}", type="Name", score=0.8, **span))
        junk.append(Entity(id=f"j{place}", type="Junk", score=0.9, start=10 * place + 5, end=10 * place + 9))
    event = {"id": "v", "type": "Attack", "start": 200, "end": 204}
    filler = Argument(role="target", filler="e0", score=0.3)
    return Corrected(
        Annotation(id="g", annotator=PERSON, entities=tuple(gold), events=(Event(**event),), **common),
        Annotation(
            id="s", annotator=ENGINE, entities=(*said, *junk), events=(Event(score=1, arguments=(filler,), **event),),
            **common,
        ),
    )  # fmt: skip


def many(count: int = 20) -> list[Corrected]:
    draw = random.Random(7)
    return [corrected(number, draw) for number in range(count)]


def test_scores_come_to_mean_what_they_say_on_articles_they_were_not_fitted_on() -> None:
    fitted = fit_calibration(many(60), gold="g", defaults={})
    figures = fitted.figures["entities"]
    assert figures.items == 1200
    assert figures.ece.before is not None
    assert figures.ece.after is not None
    assert figures.ece.before > 0.6
    assert figures.ece.after < 0.06
    assert figures.brier.after is not None
    assert figures.brier.after < 0.15
    name, junk = fitted.entities["Name"](0.8), fitted.entities["Junk"](0.9)
    assert name == pytest.approx(figures.right / 600, abs=0.05)
    assert junk < 0.05
    assert set(fitted.entities) == {"Name", "Junk", ANY}


def test_what_is_never_right_is_left_out_and_the_effort_is_counted_on_other_articles() -> None:
    articles = many()
    fitted = fit_calibration(articles, gold="g", defaults={})
    assert fitted.limits["entities"]["Junk"] == ALL
    before = sum(cost(actions(gold, said, {}), SECTIONS) for gold, said in articles)
    after = sum(cost(actions(gold, apply(fitted, said), {}), SECTIONS) for gold, said in articles)
    assert fitted.effort.before == before
    # each of the 200 cost a click and a key, each argument at a name that is right a click on its bin; every fold finds
    # that out from the others
    assert before - after == 400 + sum(any(one.start == 0 for one in gold.entities) for gold, _ in articles)
    assert fitted.effort.after == after
    assert fitted.effort.blank == sum(cost(actions(gold, None, {}), SECTIONS) for gold, _ in articles)


def test_what_pays_is_kept() -> None:
    assert "Name" not in fit_calibration(many(), gold="g", defaults={}).limits["entities"]


def lucky(draw: random.Random, number: int) -> Corrected:
    """An article of twenty places: two of five are right, whatever the score, so leaving out pays nothing."""
    common: dict[str, Any] = {"article_id": f"a{number}", "text_sha256": f"{number:064x}", "schema": "s@1.0.0"}
    gold, said = [], []
    for place in range(20):
        span = {"type": f"L{draw.randrange(6)}", "start": 10 * place, "end": 10 * place + 4}
        gold += [Entity(id=f"g{place}", **span)] if draw.random() < 0.4 else []
        said.append(Entity(id=f"e{place}", score=draw.randrange(1, 10) / 10, **span))
    return Corrected(
        Annotation(id="g", annotator=PERSON, entities=tuple(gold), **common),
        Annotation(id="s", annotator=ENGINE, entities=tuple(said), **common),
    )


@pytest.mark.parametrize("seed", range(4))
def test_limits_that_were_luck_are_not_kept(seed: int) -> None:
    draw = random.Random(seed)
    fitted = fit_calibration([lucky(draw, number) for number in range(20)], gold="g", defaults={})
    assert fitted.effort.after <= fitted.effort.before
    assert any(fitted.limits.values()) == (fitted.effort.after < fitted.effort.before)


def test_the_order_of_articles_plays_no_part() -> None:
    articles = many(7)
    one = fit_calibration(articles, gold="g", defaults={})
    assert fit_calibration(articles[::-1], gold="g", defaults={}).to_json() == one.to_json()


def test_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="two corrected articles of one engine are needed, not 1 of 1"):
        fit_calibration(many(1), gold="g", defaults={})
    one, two = many(2)
    other = two.predicted.model_copy(update={"annotator": PERSON})
    with pytest.raises(ValueError, match="not 2 of 2"):
        fit_calibration([one, Corrected(two.gold, other)], gold="g", defaults={})
    with pytest.raises(ValueError, match="person:p1 gives no scores"):
        fit_calibration([Corrected(gold, gold) for gold, _ in (one, two)], gold="g", defaults={})
