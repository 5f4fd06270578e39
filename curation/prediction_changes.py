"""The changes a person made to a prediction, item by item. Releases, corrections and the report use them.

Items are paired by `curation.compare`, with the prediction as the reference. An argument pairs only with an argument of
the same trigger: if a trigger changed, its arguments count as removed and added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from curation.annotation import Annotation
from curation.compare import Kind, Labelled, Pair, match, match_links

What = Literal["entity", "event", "argument"]
Fate = Literal["kept", "attributes", "type", "border", "type and border", "removed", "added"]
FATES: dict[Kind, Fate] = {
    "same": "kept",
    "type": "type",
    "border": "border",
    "both": "type and border",
    "missed": "removed",
    "spurious": "added",
}
"""The change that each kind of pair stands for; `attributes` if only attributes differ. The type of an argument is its
role, its borders are those of its filler."""

Defaults = Mapping[str, Mapping[str, str]]
"""`entities` or `events` → attribute → default value."""


class AttributeChange(NamedTuple):
    """A changed attribute with its values; None if it is not set."""

    name: str
    predicted: str | None
    corrected: str | None


class Change(NamedTuple):
    """An item as predicted and as corrected. One of the two may be None, not both.

    Both are entities, events or, for an argument, `curation.compare.Link`.
    """

    what: What
    fate: Fate
    predicted: Any
    corrected: Any
    attributes: tuple[AttributeChange, ...] = ()


def changes(prediction: Annotation, annotation: Annotation, defaults: Defaults) -> Iterator[Change]:
    """All items of both annotations: entities, events, then arguments, each in text order."""
    pairs: tuple[tuple[What, list[Pair[Any]], Mapping[str, str]], ...] = (
        ("entity", match(prediction.entities, annotation.entities), defaults.get("entities", {})),
        ("event", match(prediction.events, annotation.events), defaults.get("events", {})),
        ("argument", match_links(prediction, annotation), {}),
    )
    for what, found, default_values in pairs:
        for pair in found:
            predicted, corrected = pair.reference, pair.other
            differ = _attributes(predicted, corrected, default_values) if predicted and corrected else ()
            fate: Fate = "attributes" if pair.kind == "same" and differ else FATES[pair.kind]
            yield Change(what, fate, predicted, corrected, differ)


def _attributes(
    predicted: Labelled, corrected: Labelled, default_values: Mapping[str, str]
) -> tuple[AttributeChange, ...]:
    if not predicted.attributes and not corrected.attributes:
        return ()
    before, now = {**default_values, **predicted.attributes}, {**default_values, **corrected.attributes}
    return tuple(
        AttributeChange(name, before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    )
