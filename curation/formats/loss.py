"""What a format can hold, what of an annotation that leaves, and the count of what it loses.

`fit` is the one place where anything is left out: a format writes exactly what `fit` gives it. What never goes out,
but with jsonl: ids, origins, and who annotated when. Those are not counted.
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
]
"""events: the format has none. mid-token, cross-sentence: a span that is not of whole tokens, or not of one sentence.
nested, overlapping, same-span: in a span that is kept, across its border, or where a span can have one label.
arguments: the format has none, or the event or filler is lost. cross-sentence-arguments: the filler is in another
sentence. event-fillers: an event that fills a role. attributes, scores: of what is kept. snapped: kept, but with
another border."""


ItemT = TypeVar("ItemT", Entity, Event)
ScoredT = TypeVar("ScoredT", Entity, Event, Argument)


@dataclass(frozen=True)
class Holds:
    """What a format can hold.

    `event_fillers`, `distant_fillers`: events may fill roles; where spans are of one sentence, fillers may stand in
    another. `attributes`: those it has words for, as (of, name, value), of: "entities" or "events"; None: all.
    `unit`: spans are of characters, of whole tokens, or of whole tokens of one sentence. `overlap`: spans may overlap
    at will, each span has one label, or no two share a character. `labels`, `roles`: what names may be made of.
    """

    events: bool = False
    arguments: bool = False
    event_fillers: bool = False
    distant_fillers: bool = False
    attributes: frozenset[tuple[str, str, str]] | None = frozenset()
    scores: bool = False
    unit: Literal["characters", "tokens", "sentences"] = "tokens"
    overlap: Literal["any", "one label", "none"] = "any"
    labels: re.Pattern[str] = re.compile(r"[^\x00-\x1f]+")
    roles: re.Pattern[str] = re.compile(r"[^\x00-\x1f]+")


@dataclass
class Loss:
    """How many things were lost, by kind; for exports the kinds are `Kind`, for imports the format's own."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, count: int = 1) -> None:
        """Count `count` more of `kind`."""
        if count:
            self.counts[kind] += count

    def __bool__(self) -> bool:
        return self.counts.total() > 0

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.most_common())


def bare(annotation: Annotation, schema: LabelSchema) -> Annotation:
    """`annotation` without attributes that say their default: that is what their absence means."""
    defaults: dict[tuple[str, str], str] = {(one.of, one.name): one.default for one in schema.attributes}

    def without(item: ItemT, of: str) -> ItemT:
        kept = {name: value for name, value in item.attributes.items() if defaults.get((of, name)) != value}
        return item if len(kept) == len(item.attributes) else item.model_copy(update={"attributes": kept})

    entities = tuple(without(entity, "entities") for entity in annotation.entities)
    events = tuple(without(event, "events") for event in annotation.events)
    return annotation.model_copy(update={"entities": entities, "events": events})


def fit(
    article: Article, annotation: Annotation, holds: Holds, tokens: Tokens | None, on_loss: OnLoss, lost: Loss
) -> Annotation:
    """What of `annotation` a format that `holds` so much can take; what is left out is counted in `lost`.

    `tokens` are the format's own, None where its spans are of characters.

    Raises:
        BadInput: a type or role that the format has no way to write.
    """
    items: list[Item] = list(annotation.entities)
    if holds.events:
        items += annotation.events
    else:
        lost.add("events", len(annotation.events))
    if tokens is not None:
        items = list(_on_tokens(items, holds, tokens, on_loss, lost))
    if holds.overlap == "none":
        items = _flat(items, lost)
    elif holds.overlap == "one label":
        items = _one_label(items, lost)
    kept = {item.id: item for item in items}
    triggers = {event.id for event in annotation.events}
    entities: list[Entity] = []
    events: list[Event] = []
    for item in items:
        if isinstance(item, Event):
            arguments = []
            for argument in item.arguments:
                if kind := _misfit(item, argument, kept, triggers, holds, tokens):
                    lost.add(kind)
                else:
                    arguments.append(_without_score(argument, holds, lost))
            events.append(_held(item, "events", holds, lost).model_copy(update={"arguments": tuple(arguments)}))
        elif isinstance(item, Entity):
            entities.append(_held(item, "entities", holds, lost))
    lost.add("arguments", sum(len(event.arguments) for event in annotation.events if event.id not in kept))
    names = [(item.type, holds.labels) for item in items]
    names += [
        (name, holds.labels) for item in (*entities, *events) for pair in item.attributes.items() for name in pair
    ]
    names += [(argument.role, holds.roles) for event in events for argument in event.arguments]
    for name, pattern in names:
        if not pattern.fullmatch(name):
            way_out = f"this format takes {pattern.pattern}; rename it, or choose another format"
            raise BadInput(f"the label {name} cannot be written", path=article.id, way_out=way_out)
    return annotation.model_copy(update={"entities": tuple(entities), "events": tuple(events)})


def _on_tokens(items: Sequence[Item], holds: Holds, tokens: Tokens, on_loss: OnLoss, lost: Loss) -> Iterator[Item]:
    for item in items:
        place = tokens.touched(item.start, item.end)
        span = tokens.span(*place) if place else None
        if place is None or span is None or (span != (item.start, item.end) and on_loss != "snap"):
            lost.add("mid-token")
        elif holds.unit == "sentences" and tokens.sentence_of[place[0]] != tokens.sentence_of[place[1] - 1]:
            lost.add("cross-sentence")
        elif span != (item.start, item.end):
            lost.add("snapped")
            yield item.model_copy(update={"start": span[0], "end": span[1]})
        else:
            yield item


def _flat(items: Sequence[Item], lost: Loss) -> list[Item]:
    """Without overlaps, from left to right, the longer first: so the outermost stay."""
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


def _misfit(
    event: Event, argument: Argument, kept: dict[str, Item], triggers: set[str], holds: Holds, tokens: Tokens | None
) -> Kind | None:
    """Why the format cannot hold this argument of an event that is kept."""
    if not holds.arguments:
        return "arguments"
    if argument.filler in triggers and not holds.event_fillers:
        return "event-fillers"
    filler = kept.get(argument.filler)
    if filler is None:
        return "arguments"
    if tokens is not None and holds.unit == "sentences" and not holds.distant_fillers:
        one, two = (tokens.touched(item.start, item.end) for item in (event, filler))
        if one and two and tokens.sentence_of[one[0]] != tokens.sentence_of[two[0]]:
            return "cross-sentence-arguments"
    return None


def _held(item: ItemT, of: str, holds: Holds, lost: Loss) -> ItemT:
    """`item` with those attributes and that score which the format holds."""
    attributes = item.attributes
    if holds.attributes is not None:
        attributes = {name: value for name, value in attributes.items() if (of, name, value) in holds.attributes}
    lost.add("attributes", len(item.attributes) - len(attributes))
    return _without_score(item.model_copy(update={"attributes": attributes}), holds, lost)


def _without_score(scored: ScoredT, holds: Holds, lost: Loss) -> ScoredT:
    if holds.scores or scored.score is None:
        return scored
    lost.add("scores")
    return scored.model_copy(update={"score": None})


def _outermost_first(item: Item) -> tuple[int, int, bool, str]:
    return item.start, -item.end, isinstance(item, Event), item.id
