"""From parsed zones to an annotation: entities, then triggers, then arguments, then attributes."""

from __future__ import annotations

from collections.abc import Sequence

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, annotation_id
from curation.article import Article
from curation.engines.rules.arguments import ArgumentFinder, Filled
from curation.engines.rules.attributes import AttributeFinder
from curation.engines.rules.entities import EntityFinder
from curation.engines.rules.lexicon import Lexicon
from curation.engines.rules.mentions import Found
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.relations import parts_of
from curation.engines.rules.scoring import Scores
from curation.engines.rules.triggers import TRIGGERS, Trigger, TriggerFinder
from curation.schema import LabelSchema

MENTIONS = ("roles", "phrases", "all")
"""Which nominals and pronouns are marked: those that fill a role of an event; all that are phrases of their own; those
inside a noun phrase too (the [police] of "police officers")."""


class Rules:
    """The rules of one schema and lexicon, made ready once and used for every article."""

    def __init__(
        self, schema: LabelSchema, lexicon: Lexicon, *, mentions: str = MENTIONS[0], triggers: str = TRIGGERS[0]
    ) -> None:
        self.schema = schema
        self.partitives = frozenset(lexicon.partitives)
        self.mentions = mentions
        self.entities = EntityFinder(schema, lexicon)
        self.triggers = TriggerFinder(lexicon, triggers=triggers)
        self.arguments = ArgumentFinder(schema, lexicon, self.entities)
        self.attributes = AttributeFinder(schema, lexicon)

    def annotate(self, article: Article, parses: Sequence[Parse], annotator: Annotator) -> Annotation:
        """What the rules say of `article`; the same parses always give the same bytes."""
        found = self.entities.find(parses)
        triggers = self.triggers.find(parses, found, _Meaning(parses, found, self.partitives))
        _clear(found, triggers)
        filled = self.arguments.fill(parses, found, triggers)
        if self.mentions != MENTIONS[0]:
            self.arguments.mark_all(parses, found, triggers, inside=self.mentions == MENTIONS[-1])
        origin = annotator.key
        attributes = [self.attributes.of_event(parses[trigger.part], trigger) for trigger in triggers]
        scores = Scores(parses, found, triggers, filled, attributes, self.triggers.senses)
        kept = _kept(found)
        ids: dict[int, str] = {id(item): f"e{number}" for number, item in enumerate(kept, start=1)}
        ids |= {id(trigger): f"v{number}" for number, trigger in enumerate(triggers, start=1)}
        entities = tuple(
            Entity(
                id=ids[id(item)],
                start=parses[item.part].start[item.first],
                end=parses[item.part].end[item.last - 1],
                type=item.type,
                score=scores.of_entity(item),
                attributes=self.attributes.of_entity(item),
                origin=origin,
            )
            for item in kept
        )
        events = tuple(
            Event(
                id=ids[id(trigger)],
                start=parses[trigger.part].start[trigger.first],
                end=parses[trigger.part].end[trigger.last - 1],
                type=trigger.type,
                score=scores.of_trigger(trigger),
                attributes=values,
                arguments=_arguments(trigger, roles, ids, origin, scores),
                origin=origin,
            )
            for trigger, roles, values in zip(triggers, filled, attributes, strict=True)
        )
        return Annotation(
            id=annotation_id(article.id, article.text_sha256, self.schema.ref, origin),
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema_ref=self.schema.ref,
            annotator=annotator,
            entities=entities,
            events=events,
        )


class _Meaning:
    """What a token stands for in a condition of the lexicon: its words and the types of what it heads.

    What a number or group is of counts as well: "hundreds of [hostages]".
    """

    def __init__(self, parses: Sequence[Parse], found: Sequence[Found], partitives: frozenset[str]) -> None:
        self.parses, self.partitives = parses, partitives
        self.types: dict[tuple[int, int], set[str]] = {}
        for item in found:
            self.types.setdefault((item.part, item.head), set()).add(item.type)
            if item.kind == "name":
                for token in range(item.first, item.last):
                    self.types.setdefault((item.part, token), set()).add(item.type)

    def __call__(self, part: int, token: int) -> set[str]:
        parse = self.parses[part]
        meant = self.types.get((part, token), set()) | {parse.lemma[token], parse.lower[token]}
        if parse.lemma[token] in self.partitives:
            for thing in parts_of(parse, token):
                meant |= self(part, thing)
        return meant


def _clear(found: Sequence[Found], triggers: Sequence[Trigger]) -> None:
    """Where a headline's verb was taken for a part of a noun phrase, the phrase begins after it."""
    for trigger in triggers:
        if trigger.by_order:
            for item in found:
                if item.part == trigger.part and item.first <= trigger.token < item.head:
                    item.first = trigger.last


def _kept(found: Sequence[Found]) -> list[Found]:
    """Mentions that stand by themselves or fill a role, in reading order."""
    kept = [item for item in found if item.kept]
    return sorted(kept, key=lambda item: (item.part, item.first, -item.last))


def _arguments(
    trigger: Trigger, roles: Sequence[Filled], ids: dict[int, str], origin: str, scores: Scores
) -> tuple[Argument, ...]:
    made: dict[tuple[str, str], Argument] = {}
    for filled in roles:
        filler = ids[id(filled.filler)]
        if (filled.role, filler) not in made:
            score = scores.of_argument(trigger, filled)
            made[filled.role, filler] = Argument(role=filled.role, filler=filler, score=score, origin=origin)
    return tuple(made.values())
