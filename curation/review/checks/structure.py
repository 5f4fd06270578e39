"""Checks of events by the label schema: fillers of the wrong type, required roles, two roles of one filler."""

from __future__ import annotations

from collections.abc import Iterator

from curation.review.checks.document import Document, spot
from curation.review.checks.doubt import Hint
from curation.schema import LabelSchema

CERTAIN = 0.999


def structure(document: Document, schema: LabelSchema) -> Iterator[Hint]:
    """What the label schema does not foresee."""
    for event in document.events:
        event_type = schema.event_type(event.type)
        if event_type is None:
            continue
        filled = {argument.role for argument in event.arguments}
        for argument in event.arguments:
            filler = document.items[argument.filler]
            allowed = schema.fillers.get((event.type, argument.role))
            if allowed is None or filler.type not in allowed:
                yield Hint(
                    "filler-type",
                    CERTAIN,
                    (spot(filler), spot(event)),
                    (filler.type, event.type, argument.role),
                    f"{document.quote(spot(filler))} is {filler.type}, which cannot be the {argument.role} of "
                    f"{event.type} {document.quote(spot(event))}.",
                )
        for role in event_type.roles:
            if role.required and role.name not in filled:
                yield Hint(
                    "role-missing",
                    CERTAIN,
                    (spot(event),),
                    (event.type, role.name),
                    f"{event.type} {document.quote(spot(event))} has no {role.name}, which it needs.",
                )
