"""Arguments of events: the mentions that stand in the relations a role asks for, of the types the schema lets in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from curation.engines.rules.entities import EntityFinder
from curation.engines.rules.lexicon import ANY, EventRule, Lexicon
from curation.engines.rules.mention_index import Board
from curation.engines.rules.mentions import Found
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.triggers import Trigger
from curation.schema import LabelSchema

_NOUNS = frozenset(("NN", "NNS", "NNP"))
_PRONOUNS = frozenset(("PRP", "PRP$", "WP", "WP$"))
_WHEN, _WHERE, _ELSE = "when", "where", "else "
_THINGS = frozenset(("it", "its", "which"))
_THIRD = frozenset(("he", "his", "she", "her", "it", "its", "they", "their"))


@dataclass(slots=True)
class Filled:
    """A role of a trigger, what fills it, and the relation that led there."""

    role: str
    filler: Found | Trigger
    relation: str


@dataclass(frozen=True, slots=True)
class _Way:
    """One relation that may lead to a role's filler, with the types that may stand there.

    `otherwise`: counts only where no way before it has filled the role.
    """

    relation: str
    types: frozenset[str]
    otherwise: bool


@dataclass(frozen=True, slots=True)
class _Role:
    """A role with the ways to its fillers; `single`: it takes one filler."""

    name: str
    ways: tuple[_Way, ...]
    single: bool


class ArgumentFinder:
    """The roles of one schema and lexicon, made ready once and used for every article."""

    def __init__(self, schema: LabelSchema, lexicon: Lexicon, entities: EntityFinder) -> None:
        self.entities = entities
        self.pronouns = lexicon.pronouns
        self.partitives = frozenset(lexicon.partitives)
        self.others = lexicon.others
        every = frozenset(schema.entity_names) - entities.amounts - {entities.adjective}
        self.actors = {*entities.bodies, entities.people}
        self.stands_for = (every - {entities.place}, every - {entities.people})
        self.roles = {
            id(rule): _roles(schema, name, rule, lexicon.roles)
            for name, rules in lexicon.events.items()
            for rule in rules
        }

    def fill(self, parses: Sequence[Parse], found: list[Found], triggers: Sequence[Trigger]) -> list[list[Filled]]:
        """Arguments of each trigger. Mentions that only roles call for are added to `found`; those used are kept."""
        board = Board(parses, found, triggers, self.partitives)
        return [list(self.arguments_of(board, trigger)) for trigger in triggers]

    def mark_all(
        self, parses: Sequence[Parse], found: list[Found], triggers: Sequence[Trigger], *, inside: bool
    ) -> None:
        """Keep every nominal, and add every pronoun whose type can be told.

        `inside`: mark those who act inside a noun phrase as well, the `police` of `police officers`.
        """
        board = Board(parses, found, triggers)
        for part, parse in enumerate(parses):
            for token, tag in enumerate(parse.tag):
                if board.heads.get((part, token)) or board.inside.get((part, token)):
                    continue
                if inside and tag in _NOUNS:
                    actor = self.entities.nominal(part, parse, token, inside=True)
                    if actor is not None and actor.type in self.actors:
                        board.add(actor)
                if tag not in _PRONOUNS:
                    continue
                word = parse.lower[token]
                name = self.pronouns.get(word)
                if name == ANY:
                    name = board.type_before(part, token, self.stands_for[word in _THINGS])
                if name is not None:
                    board.add(self.entities.pronoun(part, token, name))
        for item in found:
            item.kept = item.kept or parses[item.part].lemma[item.head] not in self.partitives

    def arguments_of(self, board: Board, trigger: Trigger) -> Iterator[Filled]:
        """Fillers of every role, each filler in one role only: the first that the rule names."""
        used = {id(trigger)}
        for role in self.roles[id(trigger.rule)]:
            filled = False
            for way in role.ways:
                if filled and (way.otherwise or role.single):
                    continue
                for filler in self._fillers(board, trigger, way):
                    if id(filler) in used:
                        continue
                    used.add(id(filler))
                    if isinstance(filler, Found):
                        filler.kept = True
                    filled = True
                    yield Filled(role.name, filler, way.relation)
                    if role.single:
                        break

    def _fillers(self, board: Board, trigger: Trigger, way: _Way) -> Iterator[Found | Trigger]:
        if way.relation == _WHEN:
            tokens: Sequence[int] = board.times(trigger)
        elif way.relation == _WHERE:
            tokens = board.places(trigger)
        else:
            tokens = trigger.relations.get(way.relation, ())
        for token in tokens:
            filler = self._filler(board, trigger, token, way)
            if filler is not None and not _holds(filler, trigger):
                yield filler

    def _filler(self, board: Board, trigger: Trigger, token: int, way: _Way, depth: int = 0) -> Found | Trigger | None:
        """What stands at `token`: an event, a mention, the things that a number or group is of, a new mention."""
        part, parse = trigger.part, board.parses[trigger.part]
        event = board.events.get((part, token))
        if event is not None and event.type in way.types:
            return event
        if depth < 2 and parse.lemma[token] in self.partitives:
            for thing in board.parts_of(part, token):
                inner = self._filler(board, trigger, thing, way, depth + 1)
                if inner is not None:
                    return inner
        mentions = board.mentions(part, token)
        for mention in mentions:
            if mention.type in way.types:
                return board.named(mention)
        if mentions or event is not None:
            return None
        return self._new(board, trigger, token, way)

    def _new(self, board: Board, trigger: Trigger, token: int, way: _Way) -> Found | None:
        """A mention that only its role calls for: a pronoun, a modifier, a noun that no rule knows."""
        part, parse = trigger.part, board.parses[trigger.part]
        if parse.pos[token] == "PRON" or parse.tag[token] == "PRP$":
            return self._pronoun(board, trigger, token, way.types)
        if parse.pos[token] != "NOUN" or not parse.text[token].isalpha():
            return None
        if way.relation == "modifier":
            kind = self.entities.nominal(part, parse, token, inside=True)
            return board.add(kind) if kind is not None and kind.type in way.types else None
        for name, relations in self.others.items():
            if name in way.types and way.relation in relations:
                return board.add(self.entities.generic(part, parse, token, name))
        return None

    def _pronoun(self, board: Board, trigger: Trigger, token: int, types: frozenset[str]) -> Found | None:
        """What a pronoun stands for in its own sentence, or else the pronoun itself."""
        word = board.parses[trigger.part].lower[token]
        name = self.pronouns.get(word)
        if name is None:
            return None
        if name != ANY:
            types = types & {name}
        else:
            types = types - {self.entities.people if word in _THINGS else self.entities.place}
        if word in _THIRD and (subject := board.subject_before(trigger.part, token, types)) is not None:
            return subject
        if name == ANY:
            name = board.type_before(trigger.part, token, types)
        return (
            board.add(self.entities.pronoun(trigger.part, token, name)) if name in types and name is not None else None
        )


def _roles(
    schema: LabelSchema, event_type: str, rule: EventRule, shared: dict[str, tuple[str, ...]]
) -> tuple[_Role, ...]:
    """The roles of a rule in the order in which they are filled: those it names, then the schema's others."""
    declared = schema.event_type(event_type)
    names = [role.name for role in declared.roles] if declared is not None else []
    made = []
    for name in dict.fromkeys([*rule.roles, *names]):
        allowed = schema.fillers[event_type, name]
        wanted = (*rule.roles.get(name, ()), *shared.get(name, ()))
        ways = tuple(_way(text, allowed) for text in wanted)
        made.append(_Role(name, ways, single=any(way.relation == _WHEN for way in ways)))
    return tuple(made)


def _way(text: str, allowed: frozenset[str]) -> _Way:
    """`subject`, `modifier:Nationality`, `else subject` as a way."""
    relation, _, kind = text.removeprefix(_ELSE).partition(":")
    return _Way(relation, allowed & {kind} if kind else allowed, otherwise=text.startswith(_ELSE))


def _holds(filler: Found | Trigger, trigger: Trigger) -> bool:
    """Whether a mention is the trigger itself, the [fire] of "opened fire", or a name that holds it."""
    if not isinstance(filler, Found) or filler.part != trigger.part:
        return False
    inside = trigger.first <= filler.head < trigger.last or filler.head == trigger.token
    return inside or (filler.kind == "name" and filler.first <= trigger.token < filler.last)
