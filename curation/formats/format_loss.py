"""What a format can hold, the part of an annotation that fits, and counts of the rest.

`reduce_to` is the one place where anything is left out: a format writes exactly what it returns. Ids, origins,
annotators and times are written by `jsonl` alone and not counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.article import Article
from curation.errors import BadInput
from curation.formats.tokens import Tokens
from curation.schema import LabelSchema

LINE_BREAKS = "\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""All characters that end a line for some reader of text files, as `str.splitlines` has them. Articles have no CR."""

OnLoss = Literal["fail", "drop", "snap"]
"""`drop` leaves out what does not fit; `snap` widens or narrows a span to the tokens it touches and drops only what
does not fit then; `fail` refuses."""

Kind = Literal[
    "events",
    "mid-token",
    "snapped",
    "cross-sentence",
    "nested",
    "overlapping",
    "same-span",
    "arguments",
    "cross-sentence-arguments",
    "event-fillers",
    "attributes",
    "scores",
    "blank",
]
"""Why something was lost:

- events: the format has none.
- mid-token: a span that is not of whole tokens.
- snapped: a span that is kept with another border.
- cross-sentence: a span that is not within one sentence.
- nested: a span inside a kept one.
- overlapping: a span across the border of a kept one.
- same-span: a second label of a span.
- arguments: the format has none, or the event or the filler is lost.
- cross-sentence-arguments: the filler is in another sentence than the trigger.
- event-fillers: an event that fills a role.
- attributes, scores: of kept items.
- blank: a span that begins or ends with a line break, or consists of white space.
"""


ItemT = TypeVar("ItemT", Entity, Event)
ScoredT = TypeVar("ScoredT", Entity, Event, Argument)


@dataclass(frozen=True)
class Capabilities:
    """What a format can hold. The default: entities as spans of characters, without attributes.

    Args:
        events, arguments: whether it has triggers, and roles with their fillers.
        event_fillers: whether an event may fill a role.
        distant_fillers: for `unit="sentences"`, whether a filler may be in another sentence.
        attributes: those it can write, as (of, name, value) with of "entities" or "events"; None: all.
        scores: whether it has scores.
        unit: spans are of characters, of whole tokens, or of whole tokens within one sentence.
        blank_edges: whether a span may begin or end with a line break, or consist of white space.
        overlap: spans may overlap ("any"), each span has one label, or no two share a character ("none").
        labels, roles: patterns that the names of types and roles have to match.
    """

    events: bool = False
    arguments: bool = False
    event_fillers: bool = False
    distant_fillers: bool = False
    attributes: frozenset[tuple[str, str, str]] | None = frozenset()
    scores: bool = False
    unit: Literal["characters", "tokens", "sentences"] = "characters"
    blank_edges: bool = True
    overlap: Literal["any", "one label", "none"] = "any"
    labels: re.Pattern[str] = re.compile(r"[^\x00-\x1f]+")
    roles: re.Pattern[str] = re.compile(r"[^\x00-\x1f]+")


@dataclass
class Loss:
    """Counts of what was lost, by kind: of exports a `Kind`, of imports a kind of the format's own."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, count: int = 1) -> None:
        """Count `count` more of `kind`."""
        if count:
            self.counts[kind] += count

    def __bool__(self) -> bool:
        return self.counts.total() > 0

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.most_common())


def without_defaults(annotation: Annotation, schema: LabelSchema) -> Annotation:
    """`annotation` without attributes at their default value, which an absent attribute means."""
    defaults: dict[tuple[str, str], str] = {
        (attribute.of, attribute.name): attribute.default for attribute in schema.attributes
    }

    def without(item: ItemT, of: str) -> ItemT:
        kept = {name: value for name, value in item.attributes.items() if defaults.get((of, name)) != value}
        return item if len(kept) == len(item.attributes) else item.model_copy(update={"attributes": kept})

    entities = tuple(without(entity, "entities") for entity in annotation.entities)
    events = tuple(without(event, "events") for event in annotation.events)
    return annotation.model_copy(update={"entities": entities, "events": events})


def reduce_to(
    article: Article,
    annotation: Annotation,
    capabilities: Capabilities,
    tokens: Tokens | None,
    on_loss: OnLoss,
    lost: Loss,
) -> Annotation:
    """The part of `annotation` that a format with these `capabilities` can hold; the rest is counted in `lost`.

    `tokens` are the format's own, None if its spans are of characters.

    Raises:
        BadInput: a type or role that the format cannot write.
    """
    items: list[Item] = list(annotation.entities)
    if capabilities.events:
        items += annotation.events
    else:
        lost.add("events", len(annotation.events))
    if not capabilities.blank_edges:
        items = list(_trimmed(items, article.text, on_loss, lost))
    if tokens is not None:
        items = list(_on_tokens(items, capabilities, tokens, on_loss, lost))
    if capabilities.overlap == "none":
        items = _without_overlaps(items, lost)
    elif capabilities.overlap == "one label":
        items = _one_label(items, lost)
    kept = {item.id: item for item in items}
    triggers = {event.id for event in annotation.events}
    entities: list[Entity] = []
    events: list[Event] = []
    for item in items:
        if isinstance(item, Event):
            arguments = []
            for argument in item.arguments:
                if kind := _reason_lost(item, argument, kept, triggers, capabilities, tokens):
                    lost.add(kind)
                else:
                    arguments.append(_without_score(argument, capabilities, lost))
            events.append(
                _representable(item, "events", capabilities, lost).model_copy(update={"arguments": tuple(arguments)})
            )
        elif isinstance(item, Entity):
            entities.append(_representable(item, "entities", capabilities, lost))
    lost.add("arguments", sum(len(event.arguments) for event in annotation.events if event.id not in kept))
    names = [(item.type, capabilities.labels) for item in items]
    names += [
        (name, capabilities.labels)
        for item in (*entities, *events)
        for pair in item.attributes.items()
        for name in pair
    ]
    names += [(argument.role, capabilities.roles) for event in events for argument in event.arguments]
    for name, pattern in names:
        if not pattern.fullmatch(name):
            way_out = f"this format takes {pattern.pattern}; rename it, or choose another format"
            raise BadInput(f"the label {name} cannot be written", path=article.id, way_out=way_out)
    return annotation.model_copy(update={"entities": tuple(entities), "events": tuple(events)})


def _trimmed(items: Sequence[Item], text: str, on_loss: OnLoss, lost: Loss) -> Iterator[Item]:
    for item in items:
        words = text[item.start : item.end]
        visible = words.strip()
        if visible and words == words.strip(LINE_BREAKS):
            yield item
        elif visible and on_loss == "snap":
            lost.add("snapped")
            start = item.start + len(words) - len(words.lstrip())
            yield item.model_copy(update={"start": start, "end": start + len(visible)})
        else:
            lost.add("blank")


def _on_tokens(
    items: Sequence[Item], capabilities: Capabilities, tokens: Tokens, on_loss: OnLoss, lost: Loss
) -> Iterator[Item]:
    for item in items:
        place = tokens.touched(item.start, item.end)
        span = tokens.span(*place) if place else None
        if place is None or span is None or (span != (item.start, item.end) and on_loss != "snap"):
            lost.add("mid-token")
        elif capabilities.unit == "sentences" and tokens.sentence_of[place[0]] != tokens.sentence_of[place[1] - 1]:
            lost.add("cross-sentence")
        elif span != (item.start, item.end):
            lost.add("snapped")
            yield item.model_copy(update={"start": span[0], "end": span[1]})
        else:
            yield item


def _without_overlaps(items: Sequence[Item], lost: Loss) -> list[Item]:
    """Items that do not overlap. From left to right, the longer first, so the outermost are kept."""
    kept: list[Item] = []
    for item in sorted(items, key=_outermost_first):
        if not kept or item.start >= kept[-1].end:
            kept.append(item)
        else:
            lost.add("nested" if item.end <= kept[-1].end else "overlapping")
    return kept


def _one_label(items: Sequence[Item], lost: Loss) -> list[Item]:
    """The first item of each span."""
    kept: dict[tuple[int, int], Item] = {}
    for item in items:
        if kept.setdefault((item.start, item.end), item) is not item:
            lost.add("same-span")
    return list(kept.values())


def _reason_lost(
    event: Event,
    argument: Argument,
    kept: dict[str, Item],
    triggers: set[str],
    capabilities: Capabilities,
    tokens: Tokens | None,
) -> Kind | None:
    """Why the format cannot hold this argument of a kept event; None: it can."""
    if not capabilities.arguments:
        return "arguments"
    if argument.filler in triggers and not capabilities.event_fillers:
        return "event-fillers"
    filler = kept.get(argument.filler)
    if filler is None:
        return "arguments"
    if tokens is not None and capabilities.unit == "sentences" and not capabilities.distant_fillers:
        trigger, mention = (tokens.touched(item.start, item.end) for item in (event, filler))
        if trigger and mention and tokens.sentence_of[trigger[0]] != tokens.sentence_of[mention[0]]:
            return "cross-sentence-arguments"
    return None


def _representable(item: ItemT, of: str, capabilities: Capabilities, lost: Loss) -> ItemT:
    """`item` with the attributes and the score that the format can hold."""
    attributes = item.attributes
    if capabilities.attributes is not None:
        attributes = {name: value for name, value in attributes.items() if (of, name, value) in capabilities.attributes}
    lost.add("attributes", len(item.attributes) - len(attributes))
    return _without_score(item.model_copy(update={"attributes": attributes}), capabilities, lost)


def _without_score(scored: ScoredT, capabilities: Capabilities, lost: Loss) -> ScoredT:
    if capabilities.scores or scored.score is None:
        return scored
    lost.add("scores")
    return scored.model_copy(update={"score": None})


def _outermost_first(item: Item) -> tuple[int, int, bool, str]:
    return item.start, -item.end, isinstance(item, Event), item.id
