"""Simulated annotators: they correct pre-annotations towards the gold, each with one known kind of mistake.

The demo, the pictures and the tests use them. They edit the prediction item by item, so that an unchanged item keeps
its id and origin. Their mistakes depend on the gold alone, so that every figure can be checked by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.metrics.matching import compare

ItemT = TypeVar("ItemT", bound=Item)

SKIPPED, LEFT_OPEN, CORRECTED = "skipped", "left open", "corrected"

EVERY = 6
"""`hasty` misses every sixth entity of an article, in text order."""
WRONG = {"Organization": "ArmedGroup", "Offensive": "Attack"}
"""Types that `confused` replaces by another."""
UNDRAWN = ("time", "place")
"""Roles that `brief` never adds."""


class SimulatedAnnotator(NamedTuple):
    """A simulated annotator.

    name      first part of the e-mail address
    mistake   the mistakes, in words
    distort   puts the mistakes into a gold annotation
    pace      seconds for each submitted item
    """

    name: str
    mistake: str
    distort: Callable[[Annotation], Annotation]
    pace: float

    @property
    def email(self) -> str:
        """The user's address in Label Studio."""
        return f"{self.name}@stand-in.example"

    def answer(self, prediction: Annotation, gold: Annotation) -> Annotation:
        """The submitted annotation: `prediction` corrected towards `gold`, with this annotator's mistakes."""
        return correct(prediction, self.distort(gold))

    def lead_time(self, answer: Annotation) -> float:
        """Seconds this annotator needs for `answer`."""
        items = len(answer.entities) + len(answer.events) + sum(len(event.arguments) for event in answer.events)
        return 30 + self.pace * items


def miss_entities(gold: Annotation) -> Annotation:
    """Remove every sixth entity, and the arguments that it fills."""
    ordered = sorted(gold.entities, key=lambda entity: (entity.start, entity.end))
    missing = {entity.id for entity in ordered[EVERY - 1 :: EVERY]}
    return gold.model_copy(
        update={
            "entities": tuple(entity for entity in gold.entities if entity.id not in missing),
            "events": tuple(_keep(event, lambda argument: argument.filler not in missing) for event in gold.events),
        }
    )


def confuse_types(gold: Annotation) -> Annotation:
    """Replace one entity type and one event type by another."""

    def renamed(item: ItemT) -> ItemT:
        return item.model_copy(update={"type": WRONG.get(item.type, item.type)})

    return gold.model_copy(
        update={"entities": tuple(map(renamed, gold.entities)), "events": tuple(map(renamed, gold.events))}
    )


def miss_roles(gold: Annotation) -> Annotation:
    """Remove all arguments with some of the roles."""
    return gold.model_copy(
        update={"events": tuple(_keep(event, lambda argument: argument.role not in UNDRAWN) for event in gold.events)}
    )


ANNOTATORS = (
    SimulatedAnnotator("hasty", f"leaves out every {EVERY}th entity", miss_entities, 2.0),
    SimulatedAnnotator(
        "confused", "calls every Organization an ArmedGroup, and every Offensive an Attack", confuse_types, 3.0
    ),
    SimulatedAnnotator("brief", "draws no arrows for time and place", miss_roles, 2.5),
)


def outcome_of(number: int) -> str:
    """What happens to the task with this number in the list: every seventh stays open, every ninth is skipped."""
    if number % 7 == 5:
        return LEFT_OPEN
    return SKIPPED if number % 9 == 7 else CORRECTED


def annotators_of(number: int) -> tuple[SimulatedAnnotator, ...]:
    """Who works on the task with this number: the annotators in turn, on every second corrected task two of them."""
    first = number % len(ANNOTATORS)
    if outcome_of(number) != CORRECTED or number % 2:
        return ANNOTATORS[first : first + 1]
    return ANNOTATORS[first], ANNOTATORS[(first + 1) % len(ANNOTATORS)]


def correct(prediction: Annotation, gold: Annotation) -> Annotation:
    """`prediction` edited until it equals `gold`.

    Kept and changed items keep their ids, missing ones get new ids, spurious ones are removed. All arguments are those
    of `gold`.
    """
    comparison = compare(gold, prediction)
    ids: dict[str, str] = {}  # gold id → id in the result
    for pair in (*comparison.entities, *comparison.events):
        if pair.reference is not None:
            ids[pair.reference.id] = pair.other.id if pair.other is not None else f"new-{pair.reference.id}"
    entities = tuple(Entity(**_with_id(entity, ids)) for entity in gold.entities)
    events = tuple(
        Event(
            **_with_id(event, ids),
            arguments=tuple(Argument(role=each.role, filler=ids[each.filler]) for each in event.arguments),
        )
        for event in gold.events
    )
    return prediction.model_copy(update={"entities": entities, "events": events})


def _keep(event: Event, wanted: Callable[[Argument], bool]) -> Event:
    return event.model_copy(update={"arguments": tuple(filter(wanted, event.arguments))})


def _with_id(item: Item, ids: dict[str, str]) -> dict[str, Any]:
    fields = {"start": item.start, "end": item.end, "type": item.type, "attributes": item.attributes}
    return {"id": ids[item.id], **fields}
