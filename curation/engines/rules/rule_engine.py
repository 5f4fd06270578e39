"""The rule engine: from parsed zones to entities and events."""

from __future__ import annotations

from collections.abc import Sequence

from curation.annotation import Argument, Entity, Event
from curation.engines.rules.arguments import ArgumentFinder, RoleFiller
from curation.engines.rules.attributes import AttributeFinder
from curation.engines.rules.clean_text import trimmed_span
from curation.engines.rules.entities import EntityFinder
from curation.engines.rules.lexicon import Lexicon, Weights
from curation.engines.rules.mentions import Mention
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.relations import parts_of
from curation.engines.rules.scoring import Scorer
from curation.engines.rules.triggers import TRIGGERS, Trigger, TriggerFinder
from curation.schema import LabelSchema

MENTIONS = ("roles", "phrases", "all")
"""Which nominals and pronouns are marked.

`roles`: those that fill a role of an event. `phrases`: all that are phrases of their own. `all`: also those inside a
noun phrase (the [police] of "police officers").
"""


class RuleEngine:
    """The rules of one schema and lexicon, compiled once and applied to every article.

    Attributes:
        scorer: the class that computes scores.

    Args:
        schema: the label schema.
        lexicon: its lexicon.
        weights: the weights of the scores; None for the scores of the single rules.
        mentions: one of `MENTIONS`.
        triggers: one of `TRIGGERS`.
    """

    scorer: type[Scorer] = Scorer

    def __init__(
        self,
        schema: LabelSchema,
        lexicon: Lexicon,
        weights: Weights | None = None,
        *,
        mentions: str = MENTIONS[0],
        triggers: str = TRIGGERS[0],
    ) -> None:
        self.weights = weights
        self.partitives = frozenset(lexicon.partitives)
        self.circumstances = frozenset(lexicon.roles)
        self.mentions = mentions
        self.entities = EntityFinder(schema, lexicon)
        self.triggers = TriggerFinder(lexicon, triggers=triggers)
        self.arguments = ArgumentFinder(schema, lexicon, self.entities)
        self.attributes = AttributeFinder(schema, lexicon)

    def extract(self, text: str, parses: Sequence[Parse], origin: str) -> tuple[list[Entity], list[Event]]:
        """The entities and events of an article, in reading order.

        None of them begins or ends inside a word, or with a symbol or bracket that does not belong to it.

        Args:
            text: the article's text.
            parses: the zones of the article, in order.
            origin: the key of the annotator, for each item.
        """
        found = [item for item in self.entities.find(parses) if _span(text, parses, item)]
        triggers = self.triggers.find(parses, found, _Meanings(parses, found, self.partitives))
        triggers = [trigger for trigger in triggers if _span(text, parses, trigger)]
        _separate_headline_verbs(found, triggers)
        fillers = self.arguments.fill(parses, found, triggers)
        if self.mentions != MENTIONS[0]:
            self.arguments.mark_all(parses, found, triggers, inside=self.mentions == MENTIONS[-1])
        attributes = [self.attributes.of_event(parses[trigger.zone], trigger) for trigger in triggers]
        scorer = self.scorer(
            self.weights, parses, found, triggers, fillers, attributes, self.triggers.senses, self.circumstances
        )
        items: list[Mention | Trigger] = [*found, *triggers]
        spans = {id(item): span for item in items if (span := _span(text, parses, item))}
        kept = sorted(
            (item for item in found if item.kept and id(item) in spans),
            key=lambda item: (item.zone, item.first, -item.last),
        )
        ids: dict[int, str] = {id(item): f"e{number}" for number, item in enumerate(kept, start=1)}
        ids |= {id(trigger): f"v{number}" for number, trigger in enumerate(triggers, start=1)}
        entities = [
            Entity(
                id=ids[id(item)],
                start=spans[id(item)][0],
                end=spans[id(item)][1],
                type=item.type,
                score=scorer.of_item(item),
                attributes=self.attributes.of_entity(item),
                origin=origin,
            )
            for item in kept
        ]
        events = [
            Event(
                id=ids[id(trigger)],
                start=spans[id(trigger)][0],
                end=spans[id(trigger)][1],
                type=trigger.type,
                score=scorer.of_item(trigger),
                attributes=values,
                arguments=_arguments(trigger, own, ids, origin, scorer),
                origin=origin,
            )
            for trigger, own, values in zip(triggers, fillers, attributes, strict=True)
        ]
        return entities, events


def _span(text: str, parses: Sequence[Parse], item: Mention | Trigger) -> tuple[int, int] | None:
    """`[start, end)` of an item in the text, without noise at its edges; None if it cuts a word or is noise."""
    parse = parses[item.zone]
    if parse.cuts_word(item.first, item.last):
        return None
    start, end = trimmed_span(text, parse.start[item.first], parse.end[item.last - 1])
    return (start, end) if start < end else None


class _Meanings:
    """The meanings of a token in a condition of the lexicon: its words, and the types of the mentions that it heads.

    The complement of a partitive counts as well: "hundreds of [hostages]".
    """

    def __init__(self, parses: Sequence[Parse], found: Sequence[Mention], partitives: frozenset[str]) -> None:
        self.parses, self.partitives = parses, partitives
        self.types: dict[tuple[int, int], set[str]] = {}
        for item in found:
            self.types.setdefault((item.zone, item.head), set()).add(item.type)
            if item.kind == "name":
                for token in range(item.first, item.last):
                    self.types.setdefault((item.zone, token), set()).add(item.type)

    def __call__(self, zone: int, token: int) -> set[str]:
        parse = self.parses[zone]
        meanings = self.types.get((zone, token), set()) | {parse.lemma[token], parse.lower[token]}
        if parse.lemma[token] in self.partitives:
            for complement in parts_of(parse, token):
                meanings |= self(zone, complement)
        return meanings


def _separate_headline_verbs(found: Sequence[Mention], triggers: Sequence[Trigger]) -> None:
    """If the verb of a headline was taken for a part of a noun phrase, the phrase begins after the verb."""
    for trigger in triggers:
        if trigger.by_order:
            for item in found:
                if item.zone == trigger.zone and item.first <= trigger.token < item.head:
                    item.first = trigger.last


def _arguments(
    trigger: Trigger, fillers: Sequence[RoleFiller], ids: dict[int, str], origin: str, scorer: Scorer
) -> tuple[Argument, ...]:
    arguments: dict[tuple[str, str], Argument] = {}
    for filled in fillers:
        filler = ids.get(id(filled.filler))
        if filler is not None and (filled.role, filler) not in arguments:
            score = scorer.of_argument(trigger, filled)
            arguments[filled.role, filler] = Argument(role=filled.role, filler=filler, score=score, origin=origin)
    return tuple(arguments.values())
