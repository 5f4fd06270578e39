"""Stand-in annotators: they edit pre-annotations towards the gold, each with one kind of mistake that is known.

Only the demo, the pictures and the tests use them. They work on what a person would see (the prediction) and say what
a person would submit, item by item, so that whatever needed no change keeps its id and its origin. Their mistakes
follow from the gold alone, without chance, so that every figure on their work can be reckoned by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.metrics.matching import compare

ItemT = TypeVar("ItemT", bound=Item)

SKIPPED, LEFT_OPEN, CORRECTED = "skipped", "left open", "corrected"

EVERY = 6
"""The hasty one leaves out every sixth entity of an article, in the order of the text."""
WRONG = {"Organization": "ArmedGroup", "Offensive": "Attack"}
"""The confused one calls these types by the name of others."""
UNDRAWN = ("time", "place")
"""The brief one draws no arrows of these roles."""


class StandIn(NamedTuple):
    """A stand-in: name, the mistake in words, and how it slips; `pace` is seconds for each item it submits."""

    name: str
    mistake: str
    slip: Callable[[Annotation], Annotation]
    pace: float

    @property
    def email(self) -> str:
        """What Label Studio knows them by."""
        return f"{self.name}@stand-in.example"

    def answer(self, prediction: Annotation, gold: Annotation) -> Annotation:
        """What this one submits: the prediction, corrected towards the gold but for its own mistake."""
        return correct(prediction, self.slip(gold))

    def lead_time(self, answer: Annotation) -> float:
        """Seconds this one needs."""
        items = len(answer.entities) + len(answer.events) + sum(len(event.arguments) for event in answer.events)
        return 30 + self.pace * items


def leave_out(gold: Annotation) -> Annotation:
    """Every sixth entity is missing, and with it the arguments it would fill."""
    ordered = sorted(gold.entities, key=lambda one: (one.start, one.end))
    missing = {one.id for one in ordered[EVERY - 1 :: EVERY]}
    return gold.model_copy(
        update={
            "entities": tuple(one for one in gold.entities if one.id not in missing),
            "events": tuple(_with(event, lambda one: one.filler not in missing) for event in gold.events),
        }
    )


def confuse(gold: Annotation) -> Annotation:
    """One type of entities and one of events are called another."""

    def called(item: ItemT) -> ItemT:
        return item.model_copy(update={"type": WRONG.get(item.type, item.type)})

    return gold.model_copy(
        update={"entities": tuple(map(called, gold.entities)), "events": tuple(map(called, gold.events))}
    )


def draw_less(gold: Annotation) -> Annotation:
    """Arguments of some roles are missing."""
    return gold.model_copy(
        update={"events": tuple(_with(event, lambda one: one.role not in UNDRAWN) for event in gold.events)}
    )


STAND_INS = (
    StandIn("hasty", f"leaves out every {EVERY}th entity", leave_out, 2.0),
    StandIn("confused", "calls every Organization an ArmedGroup, and every Offensive an Attack", confuse, 3.0),
    StandIn("brief", "draws no arrows for time and place", draw_less, 2.5),
)


def decide(place: int) -> str:
    """What becomes of the task at that place of the list: every seventh is left open, every ninth is skipped."""
    if place % 7 == 5:
        return LEFT_OPEN
    return SKIPPED if place % 9 == 7 else CORRECTED


def turns(place: int) -> tuple[StandIn, ...]:
    """Who answers the task at that place: one after the other, and every second task also the next in turn."""
    first = place % len(STAND_INS)
    if decide(place) != CORRECTED or place % 2:
        return STAND_INS[first : first + 1]
    return STAND_INS[first], STAND_INS[(first + 1) % len(STAND_INS)]


def correct(prediction: Annotation, gold: Annotation) -> Annotation:
    """`prediction` edited until it says what `gold` says.

    Kept and changed items keep their ids, missing ones get new ids, spurious ones go. Arguments are those of the gold.
    """
    seen = compare(gold, prediction)
    ids: dict[str, str] = {}  # gold id → id in the result
    for pair in (*seen.entities, *seen.events):
        if pair.reference is not None:
            ids[pair.reference.id] = pair.other.id if pair.other is not None else f"new-{pair.reference.id}"
    entities = tuple(Entity(**_moved(entity, ids)) for entity in gold.entities)
    events = tuple(
        Event(
            **_moved(event, ids),
            arguments=tuple(Argument(role=one.role, filler=ids[one.filler]) for one in event.arguments),
        )
        for event in gold.events
    )
    return prediction.model_copy(update={"entities": entities, "events": events})


def _with(event: Event, wanted: Callable[[Argument], bool]) -> Event:
    return event.model_copy(update={"arguments": tuple(one for one in event.arguments if wanted(one))})


def _moved(item: Item, ids: dict[str, str]) -> dict[str, Any]:
    fields = {"start": item.start, "end": item.end, "type": item.type, "attributes": item.attributes}
    return {"id": ids[item.id], **fields}
