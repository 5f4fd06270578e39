"""The habits of a corpus: what it marks and where its spans begin and end, where they differ from ours.

They stand in `NAME.mapping.yaml` beside the label schema, NAME being the ontology; every part is optional. Before
scoring they are applied to what was said, by its labels, text and scores; the gold is neither changed nor looked at.

    description: >-                     # how the corpus marks, in words; shown beside the figures
      Nominals by their head word.
    options: {spacy: {mentions: all}}   # what engines are told when they are measured against it
    entities: {Quantity: [PER, VAL]}    # names in that ontology, in place of the schema's `elsewhere`
    events: {Clash: []}
    roles: {Movement: {mover: [Transporter]}}
    spans:                              # borders of entities; the rules apply one after the other
      - types: [ArmedGroup]             # ours; all where none are named
        where: {mention: [nominal]}     # only with one of these values of an attribute
        leave_out: [two, three, "#"]    # words that it begins with and that go, "#" any number in digits
        take_in: [the, a, an]           # words right before it that come in
        take_after: [province]          # words right after it that come in
        last_word: true                 # all goes but the last word
    keep:                               # items and what is asked of them; the others are left out
      - types: [Quantity]
        fills: true                     # fills a role of an event that stays
      - types: [Movement]
        where: {modality: [asserted]}
        least: 0.6                      # its score, where it has one
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from curation.annotation import Annotation, Argument, Entity, Event, Item
from curation.article import Value
from curation.errors import BadInput
from curation.schema import LabelSchema
from curation.yaml_file import Complaint, read_yaml

Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = tuple[Word, ...]

NUMBER = "#"
"""In a list of words: any number written in digits."""

_WORD = re.compile(r"\S+")


class _Chosen(Value):
    """Items of these types, all where none are named, that have one of these values of each attribute."""

    types: Words = ()
    where: dict[Word, Words] = Field(default_factory=dict)

    def chooses(self, item: Item, defaults: dict[str, str]) -> bool:
        """Whether the rule is about `item`. `defaults`: attribute → value of an item that says nothing of it."""
        return self.of_type(item) and self.fits(item, defaults)

    def of_type(self, item: Item) -> bool:
        """Whether the rule is about items of that type."""
        return not self.types or item.type in self.types

    def fits(self, item: Item, defaults: dict[str, str]) -> bool:
        """Whether the item has the values asked for."""
        return all(item.attributes.get(name, defaults.get(name)) in values for name, values in self.where.items())


class SpanRule(_Chosen):
    """How the borders of some entities move; see the top of this file."""

    leave_out: Words = ()
    take_in: Words = ()
    take_after: Words = ()
    last_word: bool = False


class KeepRule(_Chosen):
    """What is asked of items of some types; see the top of this file."""

    fills: bool = False
    least: float | None = Field(default=None, ge=0, le=1)


class Conventions(Value):
    """The whole file; see the top of this module."""

    description: str = Field(default="", max_length=2000)
    options: dict[Word, dict[Word, Any]] = Field(default_factory=dict)
    entities: dict[Word, Words] = Field(default_factory=dict)
    events: dict[Word, Words] = Field(default_factory=dict)
    roles: dict[Word, dict[Word, Words]] = Field(default_factory=dict)
    spans: tuple[SpanRule, ...] = ()
    keep: tuple[KeepRule, ...] = ()


def load_conventions(path: Path, schema: LabelSchema) -> Conventions:
    """The habits in the file at `path`; none where there is no file.

    Raises:
        BadInput: the file cannot be read, or names what the schema does not have.
    """
    if not path.exists():
        return Conventions()

    def check(found: Conventions) -> Iterable[Complaint]:
        types = {*schema.entity_names, *schema.event_names}
        unknown: list[Complaint] = [
            (("entities", one), one) for one in found.entities if one not in schema.entity_names
        ]
        unknown += [(("events", one), one) for one in (*found.events,) if one not in schema.event_names]
        unknown += [
            (("roles", event, role), f"{event}.{role}")
            for event, roles in found.roles.items()
            for role in roles
            if (event, role) not in schema.fillers
        ]
        for part, rules in (("spans", found.spans), ("keep", found.keep)):
            for place, rule in enumerate(rules):
                unknown += [((part, place, "types"), one) for one in rule.types if one not in types]
        return [(where, f"{schema.ref} has no {one}") for where, one in unknown]

    example = "schemas/re3d.mapping.yaml"
    return read_yaml(Conventions, path, error=BadInput, what="mapping", example=example, check=check)


def in_their_habit(said: Annotation, text: str, habit: Conventions, defaults: dict[str, str]) -> Annotation:
    """`said` of `text` as a corpus with that habit would mark it.

    Args:
        said: in our labels.
        text: the article's text.
        habit: what the corpus marks, and where its spans begin and end.
        defaults: attribute → value of an item that says nothing of it.
    """
    if not habit.spans and not habit.keep:
        return said
    events = [event for event in said.events if _stays(event, habit.keep, defaults)]
    named = {event.id for event in events}
    filling = {argument.filler for event in events for argument in event.arguments}
    entities = [entity for entity in said.entities if _stays(entity, habit.keep, defaults, filling)]
    moved, same = _once([_moved(entity, text, habit.spans, defaults) for entity in entities])
    there = {entity.id for entity in moved} | named
    return said.model_copy(update={"entities": tuple(moved), "events": tuple(_tied(events, there, same))})


def _stays(
    item: Item, rules: Iterable[KeepRule], defaults: dict[str, str], filling: Collection[str] | None = None
) -> bool:
    for rule in rules:
        if rule.of_type(item) and not (
            rule.fits(item, defaults)
            and (filling is None or not rule.fills or item.id in filling)
            and (rule.least is None or item.score is None or item.score >= rule.least)
        ):
            return False
    return True


def _once(entities: Iterable[Entity]) -> tuple[list[Entity], dict[str, str]]:
    """Entities that are alike once their borders have moved stand once; and the id of each left out → its double's."""
    first: dict[tuple[int, int, str], Entity] = {}
    same: dict[str, str] = {}
    for entity in entities:
        kept = first.setdefault((entity.start, entity.end, entity.type), entity)
        if kept is not entity:
            same[entity.id] = kept.id
    return list(first.values()), same


def _tied(events: Iterable[Event], there: Collection[str], same: dict[str, str]) -> Iterable[Event]:
    """The events, their arguments filled by what is still there."""
    for event in events:
        arguments: dict[tuple[str, str], Argument] = {}
        for argument in event.arguments:
            filler = same.get(argument.filler, argument.filler)
            if filler in there:
                arguments.setdefault((argument.role, filler), argument.model_copy(update={"filler": filler}))
        yield event.model_copy(update={"arguments": tuple(arguments.values())})


def _moved(entity: Entity, text: str, rules: Iterable[SpanRule], defaults: dict[str, str]) -> Entity:
    start, end = entity.start, entity.end
    for rule in rules:
        if rule.chooses(entity, defaults):
            start, end = _borders(text, start, end, rule)
    return (
        entity if (start, end) == (entity.start, entity.end) else entity.model_copy(update={"start": start, "end": end})
    )


def _borders(text: str, start: int, end: int, rule: SpanRule) -> tuple[int, int]:
    pieces = [(start + found.start(), found.group()) for found in _WORD.finditer(text[start:end])]
    if rule.last_word and pieces:
        return pieces[-1][0], end
    while len(pieces) > 1 and _among(pieces[0][1], rule.leave_out):
        del pieces[0]
        start = pieces[0][0]
    while (before := _before(text, start)) is not None and _among(text[before:start].rstrip(), rule.take_in):
        start = before
    while (after := _after(text, end)) is not None and _among(text[end:after].lstrip(), rule.take_after):
        end = after
    return start, end


def _among(word: str, words: Words) -> bool:
    return word in words or word.lower() in words or (NUMBER in words and word[:1].isdigit())


def _before(text: str, start: int) -> int | None:
    """Where the word before `start` begins, one space away; None where there is none in the same line."""
    if start < 2 or text[start - 1] != " ":
        return None
    return max(text.rfind(mark, 0, start - 1) for mark in ' \n\t(“"') + 1


def _after(text: str, end: int) -> int | None:
    """Where the word after `end` ends, one space away, without the stop or comma behind it."""
    found = re.compile(r" [\w'’-]+").match(text, end)
    return found.end() if found else None


NONE = Conventions()
"""A corpus that marks as we do."""
