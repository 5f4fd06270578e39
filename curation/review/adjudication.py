"""Adjudication: several annotations of one article, merged where they agree, with a list of their differences.

The adjudicator starts from the merged annotation. It holds what all annotations have in common; the rest is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Generic, Literal, NamedTuple, TypeVar

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, Item, annotation_id
from curation.article import Value
from curation.errors import one_line
from curation.metrics.matching import match

MERGED = Annotator(kind="engine", name="merged")
"""The annotator of merged annotations."""
SHOWN = 60
"""Most characters of an article shown for one difference."""

What = Literal["span", "type", "border", "attribute", "argument"]
ItemT = TypeVar("ItemT", Entity, Event)


class Difference(Value):
    """One difference between annotations. `said` is the version of each, in their order; None if it has nothing.

    `span`: some have no item there; `type`: another type; `border`: other borders, and maybe another type;
    `attribute`: another value of the attribute `name`; `argument`: the role `name` of the event has other fillers, or
    its filler is left out since they differ on it or on the event. `start` and `end` cover all items there, in code
    points.
    """

    what: What
    start: int
    end: int
    said: tuple[str | None, ...]
    name: str | None = None

    def line(self, names: Sequence[str], text: str) -> str:
        """The difference on one line: the text, and each version with its annotators."""
        about = one_line(text[self.start : self.end], SHOWN)
        versions: dict[str, list[str]] = {}
        for name, words in zip(names, self.said, strict=True):
            versions.setdefault(words or "nothing", []).append(name)
        listed = "; ".join(f"{words} ({', '.join(who)})" for words, who in versions.items())
        return f"“{about}”{' ' + self.name if self.name else ''}: {listed}"


class Merged(NamedTuple):
    """What the annotations have in common, as an annotation of its own, and their differences in text order."""

    annotation: Annotation
    differences: tuple[Difference, ...]


class _Group(NamedTuple, Generic[ItemT]):
    """Corresponding items: one of each annotation, or None if it has none there."""

    items: tuple[ItemT | None, ...]

    @property
    def first(self) -> ItemT:
        return next(item for item in self.items if item is not None)

    @property
    def agreed(self) -> bool:
        return len({_place(item) for item in self.items}) == 1


def merge(annotations: Sequence[Annotation], text: str, *, ignore_attributes: Collection[str] = ()) -> Merged:
    """Merge annotations of one text by different people (one or more of them).

    Of an item that all have with the same span and type, only attributes with the same value are kept. Attributes
    named in `ignore_attributes` are no difference; the first annotation's value is kept.

    Raises:
        ValueError: they are of different texts, or there are none.
    """
    if len({one.text_sha256 for one in annotations}) != 1:
        raise ValueError("annotations of one text are merged, and at least one")
    entities = _groups([one.entities for one in annotations])
    events = _groups([one.events for one in annotations])
    group_of: list[dict[str, int]] = [{} for _ in annotations]  # of each annotation: item id → its group
    groups: list[_Group[Entity] | _Group[Event]] = [*entities, *events]
    for number, group in enumerate(groups):
        for side, item in zip(group_of, group.items, strict=True):
            if item is not None:
                side[item.id] = number
    differences = [one for group in groups for one in _differences(group, text, ignore_attributes)]
    kept_events = []
    for event_group in events:
        arguments, missing = _arguments(event_group, groups, group_of, text)
        differences += missing
        if event_group.agreed:
            one = _kept(event_group, ignore_attributes)
            kept_events.append(one.model_copy(update={"arguments": arguments}))
    first = annotations[0]
    made_of = sorted(f"{one.id} {one.time.isoformat() if one.time else ''}" for one in annotations)
    merged = Annotation(
        id=annotation_id("merged", first.article_id, first.text_sha256, *made_of),
        article_id=first.article_id,
        text_sha256=first.text_sha256,
        schema_ref=first.schema_ref,
        annotator=MERGED,
        parent=next((one.parent for one in annotations if one.parent), None),
        entities=tuple(_kept(group, ignore_attributes) for group in entities if group.agreed),
        events=tuple(kept_events),
    )
    return Merged(merged, tuple(sorted(differences, key=lambda one: (one.start, one.end, one.what, one.name or ""))))


def _groups(sides: Sequence[Sequence[ItemT]]) -> list[_Group[ItemT]]:
    """Every item of every side in exactly one group, by place; a group has at most one item of a side."""
    groups: list[list[ItemT | None]] = []
    for number, side in enumerate(sides):
        heads = [next(item for item in group if item is not None) for group in groups]
        places = {id(head): index for index, head in enumerate(heads)}
        for group in groups:
            group.append(None)
        for pair in match(heads, side):
            if pair.other is None:
                continue
            if pair.reference is None:
                groups.append([None] * number + [pair.other])
            else:
                groups[places[id(pair.reference)]][number] = pair.other
    made = [_Group(tuple(group)) for group in groups]
    return sorted(made, key=lambda one: (one.first.start, one.first.end, one.first.type))


def _place(item: Item | None) -> tuple[int, int, str] | None:
    return (item.start, item.end, item.type) if item is not None else None


def _kept(group: _Group[ItemT], ignored: Collection[str]) -> ItemT:
    """The item that all have, with the attributes on which all agree."""
    first = group.first
    alike = {
        name: value
        for name, value in first.attributes.items()
        if name in ignored or all(item is not None and item.attributes.get(name) == value for item in group.items)
    }
    return first.model_copy(update={"attributes": alike, "score": None, "origin": first.origin})


def _differences(group: _Group[Entity] | _Group[Event], text: str, ignored: Collection[str]) -> Iterator[Difference]:
    """The differences of one group: presence, span and type; attributes only if these agree."""
    items = [item for item in group.items if item is not None]
    start, end = min(item.start for item in items), max(item.end for item in items)
    spans = {(item.start, item.end) for item in items}
    if not group.agreed:
        what: What = "span" if len(items) < len(group.items) else "border" if len(spans) > 1 else "type"
        said = tuple(None if item is None else _words(item, text if len(spans) > 1 else "") for item in group.items)
        yield Difference(what=what, start=start, end=end, said=said)
        return
    for name in sorted({name for item in items for name in item.attributes if name not in ignored}):
        values = [item.attributes.get(name) for item in items]
        if len(set(values)) > 1:
            yield Difference(
                what="attribute", start=start, end=end, name=name, said=tuple(value or "as usual" for value in values)
            )


def _words(item: Item, text: str) -> str:
    if not text:
        return item.type
    words = text[item.start : item.end]
    before, after = ("·" if end.isspace() else "" for end in (words[0], words[-1]))  # a blank is not seen otherwise
    return f"{item.type} “{before}{one_line(words, SHOWN)}{after}”"


def _arguments(
    group: _Group[Event],
    groups: Sequence[_Group[Entity] | _Group[Event]],
    group_of: Sequence[Mapping[str, int]],
    text: str,
) -> tuple[tuple[Argument, ...], list[Difference]]:
    """The arguments of an event that all have: those that are kept, and the differences on the others."""
    if any(event is None for event in group.items):
        return (), []
    sides: list[dict[tuple[str, int], Argument]] = []
    for event, side in zip(group.items, group_of, strict=True):
        assert event is not None  # noqa: S101  looked at above
        sides.append({(one.role, side[one.filler]): one for one in event.arguments})
    kept: list[Argument] = []
    differences: list[Difference] = []
    texts_by_role: dict[str, list[list[str]]] = {}  # of each role and annotation: the texts of its fillers
    for key in dict.fromkeys(key for side in sides for key in side):
        role, number = key
        filler = groups[number]
        if group.agreed and filler.agreed and all(key in side for side in sides):
            kept.append(sides[0][key].model_copy(update={"score": None}))
            continue
        # Also an argument that all have, if they differ on its trigger or filler: it is not in the merged annotation.
        texts_of_role = texts_by_role.setdefault(role, [[] for _ in sides])
        for texts, arguments, item in zip(texts_of_role, sides, filler.items, strict=True):
            if key in arguments and item is not None:
                texts.append(f"“{one_line(text[item.start : item.end], SHOWN)}”")
    start = min(event.start for event in group.items if event is not None)
    end = max(event.end for event in group.items if event is not None)
    for role, fillers in texts_by_role.items():
        each = tuple(", ".join(texts) or None for texts in fillers)
        differences.append(Difference(what="argument", start=start, end=end, name=role, said=each))
    return tuple(kept), differences
