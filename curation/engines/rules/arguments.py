"""Arguments of events: mentions in the relations that the lexicon names for a role, of types the schema allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from curation.engines.rules.entities import EntityFinder
from curation.engines.rules.lexicon import ANY, EventRule, Lexicon
from curation.engines.rules.mention_index import MentionIndex
from curation.engines.rules.mentions import Mention
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.triggers import Trigger
from curation.schema import LabelSchema

_NOUNS = frozenset(("NN", "NNS", "NNP"))
_PRONOUNS = frozenset(("PRP", "PRP$", "WP", "WP$"))
_WHEN, _WHERE, _ELSE = "when", "where", "else "
_THINGS = frozenset(("it", "its", "which"))
_THIRD = frozenset(("he", "his", "she", "her", "it", "its", "they", "their"))


@dataclass(slots=True)
class RoleFiller:
    """A role of a trigger, its filler, and the relation through which the filler was found."""

    role: str
    filler: Mention | Trigger
    relation: str


@dataclass(frozen=True, slots=True)
class _Path:
    """One relation through which a role may be filled, with the types that it accepts.

    `otherwise`: used only if no earlier path filled the role.
    """

    relation: str
    types: frozenset[str]
    otherwise: bool


@dataclass(frozen=True, slots=True)
class _Role:
    """A role with the paths to its fillers; `single`: it has at most one filler."""

    name: str
    paths: tuple[_Path, ...]
    single: bool


class ArgumentFinder:
    """The roles of one schema and lexicon, compiled once and applied to every article."""

    def __init__(self, schema: LabelSchema, lexicon: Lexicon, entities: EntityFinder) -> None:
        self.entities = entities
        self.pronouns = lexicon.pronouns
        self.partitives = frozenset(lexicon.partitives)
        self.others = lexicon.others
        tables = entities.tables
        every = frozenset(schema.entity_names) - tables.amounts - {tables.adjective}
        self.actors = {*tables.bodies, tables.people}
        self.antecedents = (every - {tables.place}, every - {tables.people})
        self.roles = {
            id(rule): _roles(schema, name, rule, lexicon.roles)
            for name, rules in lexicon.events.items()
            for rule in rules
        }

    def fill(
        self, parses: Sequence[Parse], found: list[Mention], triggers: Sequence[Trigger]
    ) -> list[list[RoleFiller]]:
        """The arguments of each trigger. New mentions that fill a role are added to `found`; all fillers are kept."""
        lookup = MentionIndex(parses, found, triggers, self.partitives)
        return [list(self.arguments_of(lookup, trigger)) for trigger in triggers]

    def mark_all(
        self, parses: Sequence[Parse], found: list[Mention], triggers: Sequence[Trigger], *, inside: bool
    ) -> None:
        """Keep every nominal, and add every pronoun whose type can be determined.

        `inside`: also mark actors inside a noun phrase, the `police` of `police officers`.
        """
        lookup = MentionIndex(parses, found, triggers)
        for zone, parse in enumerate(parses):
            for token, tag in enumerate(parse.tag):
                if lookup.heads.get((zone, token)) or lookup.inside_names.get((zone, token)):
                    continue
                if inside and tag in _NOUNS:
                    actor = self.entities.nominal(zone, parse, token, inside=True)
                    if actor is not None and actor.type in self.actors:
                        lookup.add(actor)
                if tag not in _PRONOUNS:
                    continue
                word = parse.lower[token]
                name = self.pronouns.get(word)
                if name == ANY:
                    name = lookup.type_before(zone, token, self.antecedents[word in _THINGS])
                if name is not None:
                    lookup.add(self.entities.pronoun(zone, token, name))
        for item in found:
            item.kept = item.kept or parses[item.zone].lemma[item.head] not in self.partitives

    def arguments_of(self, lookup: MentionIndex, trigger: Trigger) -> Iterator[RoleFiller]:
        """The fillers of every role. A filler has one role only: the first that the rule names."""
        used = {id(trigger)}
        for role in self.roles[id(trigger.rule)]:
            filled = False
            for path in role.paths:
                if filled and (path.otherwise or role.single):
                    continue
                for filler in self._fillers(lookup, trigger, path):
                    if id(filler) in used:
                        continue
                    used.add(id(filler))
                    if isinstance(filler, Mention):
                        filler.kept = True
                    filled = True
                    yield RoleFiller(role.name, filler, path.relation)
                    if role.single:
                        break

    def _fillers(self, lookup: MentionIndex, trigger: Trigger, path: _Path) -> Iterator[Mention | Trigger]:
        if path.relation == _WHEN:
            tokens: Sequence[int] = lookup.times(trigger)
        elif path.relation == _WHERE:
            tokens = lookup.places(trigger)
        else:
            tokens = trigger.relations.get(path.relation, ())
        for token in tokens:
            filler = self._filler(lookup, trigger, token, path)
            if filler is not None and not _overlaps_trigger(filler, trigger):
                yield filler

    def _filler(
        self, lookup: MentionIndex, trigger: Trigger, token: int, path: _Path, depth: int = 0
    ) -> Mention | Trigger | None:
        """The filler at `token`: an event, a mention, the complement of a partitive, or a new mention."""
        zone, parse = trigger.zone, lookup.parses[trigger.zone]
        event = lookup.events.get((zone, token))
        if event is not None and event.type in path.types:
            return event
        if depth < 2 and parse.lemma[token] in self.partitives:
            for thing in lookup.parts_of(zone, token):
                inner = self._filler(lookup, trigger, thing, path, depth + 1)
                if inner is not None:
                    return inner
        mentions = lookup.mentions(zone, token)
        for mention in mentions:
            if mention.type in path.types:
                return lookup.named(mention)
        if mentions or event is not None:
            return None
        return self._new(lookup, trigger, token, path)

    def _new(self, lookup: MentionIndex, trigger: Trigger, token: int, path: _Path) -> Mention | None:
        """A mention that exists only as a filler: a pronoun, a modifier, a noun without a rule."""
        zone, parse = trigger.zone, lookup.parses[trigger.zone]
        if parse.pos[token] == "PRON" or parse.tag[token] == "PRP$":
            return self._pronoun(lookup, trigger, token, path.types)
        if parse.pos[token] != "NOUN" or not parse.text[token].isalpha():
            return None
        if path.relation == "modifier":
            kind = self.entities.nominal(zone, parse, token, inside=True)
            return lookup.add(kind) if kind is not None and kind.type in path.types else None
        for name, relations in self.others.items():
            if name in path.types and path.relation in relations:
                return lookup.add(self.entities.generic(zone, parse, token, name))
        return None

    def _pronoun(self, lookup: MentionIndex, trigger: Trigger, token: int, types: frozenset[str]) -> Mention | None:
        """The antecedent of a pronoun in its own sentence, else the pronoun itself."""
        word = lookup.parses[trigger.zone].lower[token]
        name = self.pronouns.get(word)
        if name is None:
            return None
        if name != ANY:
            types = types & {name}
        else:
            types = types - {self.entities.tables.people if word in _THINGS else self.entities.tables.place}
        if word in _THIRD and (subject := lookup.subject_before(trigger.zone, token, types)) is not None:
            return subject
        if name == ANY:
            name = lookup.type_before(trigger.zone, token, types)
        return (
            lookup.add(self.entities.pronoun(trigger.zone, token, name)) if name in types and name is not None else None
        )


def _roles(
    schema: LabelSchema, event_type: str, rule: EventRule, shared: dict[str, tuple[str, ...]]
) -> tuple[_Role, ...]:
    """The roles of a rule in the order in which they are filled: those it names, then the others of the schema."""
    declared = schema.event_type(event_type)
    names = [role.name for role in declared.roles] if declared is not None else []
    made = []
    for name in dict.fromkeys([*rule.roles, *names]):
        allowed = schema.fillers[event_type, name]
        wanted = (*rule.roles.get(name, ()), *shared.get(name, ()))
        paths = tuple(_path(text, allowed) for text in wanted)
        made.append(_Role(name, paths, single=any(path.relation == _WHEN for path in paths)))
    return tuple(made)


def _path(text: str, allowed: frozenset[str]) -> _Path:
    """The path written as `subject`, `modifier:Nationality` or `else subject`."""
    relation, _, kind = text.removeprefix(_ELSE).partition(":")
    return _Path(relation, allowed & {kind} if kind else allowed, otherwise=text.startswith(_ELSE))


def _overlaps_trigger(filler: Mention | Trigger, trigger: Trigger) -> bool:
    """Whether a mention contains the trigger, or is a part of it: the [fire] of "opened fire"."""
    if not isinstance(filler, Mention) or filler.zone != trigger.zone:
        return False
    inside = trigger.first <= filler.head < trigger.last or filler.head == trigger.token
    return inside or (filler.kind == "name" and filler.first <= trigger.token < filler.last)
