"""What became of a prediction in a person's hands, item by item.

Items pair as `curation.compare` pairs them, the prediction as the reference: an argument only with one of the same
trigger, so where a trigger changed, its arguments were removed and added. Releases, corrections and the report all
stand on this.
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
"""What becomes of a pair of each kind; where only attributes differ it is `attributes`. The type of an argument is
its role, its borders are its filler's."""

Defaults = Mapping[str, Mapping[str, str]]
"""`entities` and `events` → attribute → the value that an item without it has."""


class Attribute(NamedTuple):
    """An attribute that was changed, and its values; None where it had none, or has none."""

    name: str
    said: str | None
    made: str | None


class Change(NamedTuple):
    """An item as it was predicted, and what a person made of it. One of `said` and `made` may be None, not both.

    Both are entities, events or, for an argument, `curation.compare.Link`.
    """

    what: What
    fate: Fate
    said: Any
    made: Any
    attributes: tuple[Attribute, ...] = ()


def changes(prediction: Annotation, annotation: Annotation, defaults: Defaults) -> Iterator[Change]:
    """Every item of either: entities, events, arguments, each in the order of the text."""
    pairs: tuple[tuple[What, list[Pair[Any]], Mapping[str, str]], ...] = (
        ("entity", match(prediction.entities, annotation.entities), defaults.get("entities", {})),
        ("event", match(prediction.events, annotation.events), defaults.get("events", {})),
        ("argument", match_links(prediction, annotation), {}),
    )
    for what, found, usual in pairs:
        for pair in found:
            said, made = pair.reference, pair.other
            differ = _attributes(said, made, usual) if said and made else ()
            fate: Fate = "attributes" if pair.kind == "same" and differ else FATES[pair.kind]
            yield Change(what, fate, said, made, differ)


def _attributes(said: Labelled, made: Labelled, usual: Mapping[str, str]) -> tuple[Attribute, ...]:
    if not said.attributes and not made.attributes:
        return ()
    before, now = {**usual, **said.attributes}, {**usual, **made.attributes}
    return tuple(
        Attribute(name, before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    )
