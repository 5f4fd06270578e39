"""The annotation conventions of a corpus: which items it marks and where its spans begin and end, if they differ from
ours.

They are in `NAME.mapping.yaml` beside the label schema, NAME being the ontology; every part is optional. Before scoring
they are applied to the predictions, by their labels, text and scores; the gold is neither changed nor used.

    description: >-                     # how the corpus marks, in words; shown beside the figures
      Nominals by their head word.
    options: {spacy: {mentions: all}}   # options of engines that are measured against it
    entities: {Quantity: [PER, VAL]}    # names in that ontology, in place of the schema's `elsewhere`
    events: {Clash: []}
    roles: {Movement: {mover: [Transporter]}}
    becomes:                            # entities that it types otherwise than their kind
      - types: [Person]
        words: [people, "*s"]           # their last word is one of these, "*s" any with that ending
        type: Organization              # our type that they count as
    spans:                              # borders of entities; the rules apply one after the other
      - types: [ArmedGroup]             # our types; all if none are named
        where: {mention: [nominal]}     # only with one of these values of an attribute
        leave_out: [two, three, "#"]    # words at the beginning that are cut, "#" any number in digits
        take_in: [the, a, an]           # words right before it that are added
        last_word: true                 # only the last word is kept
        before: [of, in, said]          # only if one of these words, a mark or nothing follows
    keep:                               # conditions that items must meet; others are left out
      - types: [Quantity]
        fills: true                     # they fill a role of an event that is kept
      - types: [Movement]
        only: {modality: [asserted]}    # they have one of these values of an attribute
        least: 0.6                      # lowest score, if they have one
        roles: [mover]                  # something fills one of these roles
      - where: {mention: [pronoun]}
        words: [he, she]
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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

Defaults = Mapping[str, str]
"""Attribute → its value if an item does not set it."""

NUMBER = "#"
"""In a list of words: any number written in digits."""

_PIECE = re.compile(r"\S+")
_AFTER = re.compile(r"\s?([^\W\d_][\w’'-]*)")


class _Chosen(Value):
    """Items of these types (all if none are named) that have one of these values of each attribute."""

    types: Words = ()
    where: dict[Word, Words] = Field(default_factory=dict)

    def chooses(self, item: Item, defaults: Defaults) -> bool:
        """Whether the rule applies to `item`."""
        return (not self.types or item.type in self.types) and all(
            item.attributes.get(name, defaults.get(name)) in values for name, values in self.where.items()
        )


class TypeRule(_Chosen):
    """Entities that the corpus gives another type; see the top of this file."""

    words: Words = ()
    type: Word


class SpanRule(_Chosen):
    """How the borders of some entities are changed; see the top of this file."""

    leave_out: Words = ()
    take_in: Words = ()
    last_word: bool = False
    before: Words = ()


class KeepRule(_Chosen):
    """Conditions for items of some types; see the top of this file."""

    words: Words = ()
    only: dict[Word, Words] = Field(default_factory=dict)
    fills: bool = False
    least: float | None = Field(default=None, ge=0, le=1)
    roles: Words = ()


class Conventions(Value):
    """The whole file; see the top of this module."""

    description: str = Field(default="", max_length=2000)
    options: dict[Word, dict[Word, Any]] = Field(default_factory=dict)
    entities: dict[Word, Words] = Field(default_factory=dict)
    events: dict[Word, Words] = Field(default_factory=dict)
    roles: dict[Word, dict[Word, Words]] = Field(default_factory=dict)
    becomes: tuple[TypeRule, ...] = ()
    spans: tuple[SpanRule, ...] = ()
    keep: tuple[KeepRule, ...] = ()


def load_conventions(path: Path, schema: LabelSchema) -> Conventions:
    """The conventions in the file at `path`; none if there is no file.

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
        parts: dict[str, Sequence[_Chosen]] = {"becomes": found.becomes, "spans": found.spans, "keep": found.keep}
        for part, rules in parts.items():
            for place, rule in enumerate(rules):
                unknown += [((part, place, "types"), one) for one in rule.types if one not in types]
        return [(where, f"{schema.ref} has no {one}") for where, one in unknown]

    example = "schemas/re3d.mapping.yaml"
    return read_yaml(Conventions, path, error=BadInput, what="mapping", example=example, check=check)


def apply_conventions(predicted: Annotation, text: str, habit: Conventions, defaults: Defaults) -> Annotation:
    """`predicted` as a corpus with these conventions would mark it.

    Args:
        predicted: in our labels.
        text: the article's text.
        habit: the conventions of the corpus.
        defaults: attribute → its value if an item does not set it.
    """
    if not (habit.becomes or habit.spans or habit.keep):
        return predicted
    events = [event for event in predicted.events if _stays(event, text, habit.keep, defaults)]
    filling = {argument.filler for event in events for argument in event.arguments}
    entities = [entity for entity in predicted.entities if _stays(entity, text, habit.keep, defaults, filling)]
    moved, same = _once([_moved(entity, text, habit, defaults) for entity in entities])
    there = {item.id for item in (*moved, *events)}
    return predicted.model_copy(update={"entities": tuple(moved), "events": tuple(_tied(events, there, same))})


def _stays(item: Item, text: str, rules: Iterable[KeepRule], defaults: Defaults, filling: Collection[str] = ()) -> bool:
    """Whether an item meets the conditions for its type."""
    for rule in rules:
        if not rule.chooses(item, defaults):
            continue
        roles = {argument.role for argument in item.arguments} if isinstance(item, Event) else set()
        if (
            (rule.words and not _ends(text[item.start : item.end], rule.words))
            or any(item.attributes.get(name, defaults.get(name)) not in values for name, values in rule.only.items())
            or (rule.fills and item.id not in filling)
            or (rule.least is not None and item.score is not None and item.score < rule.least)
            or (rule.roles and roles.isdisjoint(rule.roles))
        ):
            return False
    return True


def _once(entities: Iterable[Entity]) -> tuple[list[Entity], dict[str, str]]:
    """Entities that became equal are kept once; and the id of each duplicate → the id of the one that is kept."""
    first: dict[tuple[int, int, str], Entity] = {}
    same: dict[str, str] = {}
    for entity in entities:
        kept = first.setdefault((entity.start, entity.end, entity.type), entity)
        if kept is not entity:
            same[entity.id] = kept.id
    return list(first.values()), same


def _tied(events: Iterable[Event], there: Collection[str], same: dict[str, str]) -> Iterator[Event]:
    """The events with the arguments whose fillers are kept."""
    for event in events:
        arguments: dict[tuple[str, str], Argument] = {}
        for argument in event.arguments:
            filler = same.get(argument.filler, argument.filler)
            if filler in there:
                arguments.setdefault((argument.role, filler), argument.model_copy(update={"filler": filler}))
        yield event.model_copy(update={"arguments": tuple(arguments.values())})


def _moved(entity: Entity, text: str, habit: Conventions, defaults: Defaults) -> Entity:
    start, end, kind = entity.start, entity.end, entity.type
    for rule in habit.spans:
        if rule.chooses(entity, defaults):
            start, end = _borders(text, start, end, rule)
    for renamed in habit.becomes:
        if renamed.chooses(entity, defaults) and (
            not renamed.words or _ends(text[entity.start : entity.end], renamed.words)
        ):
            kind = renamed.type
            break
    if (start, end, kind) == (entity.start, entity.end, entity.type):
        return entity
    return entity.model_copy(update={"start": start, "end": end, "type": kind})


def _borders(text: str, start: int, end: int, rule: SpanRule) -> tuple[int, int]:
    pieces = [(start + found.start(), found.group()) for found in _PIECE.finditer(text[start:end])]
    if rule.before and (after := _AFTER.match(text, end)) and after.group(1).lower() not in rule.before:
        return start, end
    if rule.last_word and pieces:
        start = pieces[-1][0]
    while len(pieces) > 1 and _among(pieces[0][1], rule.leave_out):
        del pieces[0]
        start = pieces[0][0]
    while (before := _before(text, start)) is not None and _among(text[before : start - 1], rule.take_in):
        start = before
    return start, end


def _among(word: str, words: Words) -> bool:
    return word in words or word.lower() in words or (NUMBER in words and word[:1].isdigit())


def _ends(phrase: str, words: Words) -> bool:
    """Whether the last word of `phrase` is one of `words`."""
    last = phrase.split()[-1].lower() if phrase.strip() else ""
    return any(last.endswith(word[1:]) if word.startswith("*") else last == word for word in words)


def _before(text: str, start: int) -> int | None:
    """Start of the word before `start`, one space away in the same line; None if there is none."""
    if start < 2 or text[start - 1] != " ":
        return None
    return max(text.rfind(mark, 0, start - 1) for mark in ' \n\t(“"') + 1


NONE = Conventions()
"""The conventions of a corpus that marks as we do."""
