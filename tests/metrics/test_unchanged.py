"""What was left as it was at a place of the text."""

from __future__ import annotations

from typing import Any

import pytest

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, Span
from curation.metrics.matching import unchanged

NAVY = Entity(id="a", start=0, end=4, type="ArmedGroup")
ORRIN = Entity(id="b", start=20, end=25, type="GPE")
FIRED = Event(id="v", start=6, end=11, type="Attack", arguments=(Argument(role="attacker", filler="a"),))


def said(*items: Any) -> Annotation:
    return Annotation(
        id="x",
        article_id="kel-1",
        text_sha256="a" * 64,
        schema="made@1.0.0",
        annotator=Annotator(kind="person", name="1"),
        entities=tuple(one for one in items if isinstance(one, Entity)),
        events=tuple(one for one in items if isinstance(one, Event)),
    )


BEFORE = said(NAVY, ORRIN, FIRED)


@pytest.mark.parametrize(
    ("after", "place", "left"),
    [
        (said(NAVY.model_copy(update={"id": "new"}), ORRIN), (0, 4), True),  # ids and other places do not matter
        (said(NAVY, ORRIN, FIRED), (12, 15), True),  # nothing was there and nothing is
        (said(NAVY, ORRIN, FIRED, Entity(id="c", start=12, end=16, type="Weapon")), (12, 15), False),
        (said(NAVY.model_copy(update={"end": 3}), ORRIN, FIRED), (0, 4), False),
        (said(NAVY.model_copy(update={"type": "Person"}), ORRIN, FIRED), (0, 4), False),
        (said(NAVY.model_copy(update={"attributes": {"mention": "nominal"}}), ORRIN, FIRED), (0, 4), False),
        (said(ORRIN), (0, 4), False),
        (said(NAVY, ORRIN, FIRED.model_copy(update={"arguments": ()})), (6, 11), False),
        (said(NAVY, ORRIN, FIRED.model_copy(update={"arguments": ()})), (20, 25), True),
    ],
)
def test_left_alone(after: Annotation, place: tuple[int, int], left: bool) -> None:
    assert unchanged(BEFORE, after, [Span(start=place[0], end=place[1])]) is left


def test_one_place_that_changed_is_enough() -> None:
    spans = [Span(start=6, end=11), Span(start=20, end=25)]
    assert not unchanged(BEFORE, said(NAVY, FIRED), spans)
