"""A stand-in annotator: edits pre-annotations towards the gold, as a careful person would.

Only the demo and the tests use it. It works on what a person would see (the prediction) and says what a person would
submit, item by item, so that whatever needed no change keeps its id and its origin.
"""

from __future__ import annotations

from typing import Any

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.compare import compare

SKIPPED, LEFT_OPEN, CORRECTED = "skipped", "left open", "corrected"


def decide(place: int) -> str:
    """What becomes of the task at that place of the list: every seventh is left open, every ninth is skipped."""
    if place % 7 == 5:
        return LEFT_OPEN
    return SKIPPED if place % 9 == 7 else CORRECTED


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


def _moved(item: Item, ids: dict[str, str]) -> dict[str, Any]:
    fields = {"start": item.start, "end": item.end, "type": item.type, "attributes": item.attributes}
    return {"id": ids[item.id], **fields}
