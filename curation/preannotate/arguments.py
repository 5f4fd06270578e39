"""Arguments of events: the mentions that stand in the relations a role asks for, of the types the schema lets in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from curation.preannotate.entities import EntityFinder, Found
from curation.preannotate.lexicon import ANY, Lexicon
from curation.preannotate.parse import Parse
from curation.preannotate.triggers import Trigger
from curation.schema import LabelSchema

_WHEN = "when"
_ELSE = "else "
_THINGS = {"it", "its", "which"}
_THIRD = {"he", "his", "she", "her", "it", "its", "they", "their"}
_RELATION = {"subject": 0.75, "object": 0.75, "by": 0.75, "recipient": 0.7, "possessor": 0.65, "modifier": 0.6, "clause": 0.6, _WHEN: 0.65}
_PREPOSITION = 0.55


@dataclass(slots=True)
class Filled:
    """A role of a trigger and what fills it."""

    role: str
    filler: Found | Trigger
    score: float


class ArgumentFinder:
    """The roles of one schema and lexicon, made ready once and used for every article."""

    def __init__(self, schema: LabelSchema, lexicon: Lexicon, entities: EntityFinder) -> None:
        self.schema, self.entities = schema, entities
        self.pronouns = lexicon.pronouns
        self.partitives = frozenset(lexicon.partitives)
        self.others = lexicon.others
        self.shared = lexicon.roles

    def fill(self, parses: Sequence[Parse], found: list[Found], triggers: Sequence[Trigger]) -> list[list[Filled]]:
        """Arguments of each trigger. Mentions that only roles call for are added to `found`; those used are kept."""
        board = _Board(parses, found, triggers)
        return [list(self._roles(board, trigger)) for trigger in triggers]

    def _roles(self, board: _Board, trigger: Trigger) -> Iterator[Filled]:
        event_type = self.schema.event_type(trigger.type)
        used: set[int] = {id(trigger)}
        if event_type is None:
            return
        names = [role.name for role in event_type.roles]
        order = [*(name for name in trigger.rule.roles if name in names), *(name for name in names if name not in trigger.rule.roles)]
        for name in order:
            allowed = self.schema.fillers[trigger.type, name]
            single = _WHEN in self.shared.get(name, ()) or _WHEN in trigger.rule.roles.get(name, ())
            any_filled = False
            for wanted in (*trigger.rule.roles.get(name, ()), *self.shared.get(name, ())):
                if wanted.startswith(_ELSE):
                    if any_filled:
                        continue
                    wanted = wanted.removeprefix(_ELSE)
                relation, _, kind = wanted.partition(":")
                types = allowed & {kind} if kind else allowed
                tokens = board.times(trigger) if relation == _WHEN else trigger.relations.get(relation, ())
                filled = False
                for token in tokens:
                    filler = self._filler(board, trigger, token, types, relation)
                    if filler is None or id(filler) in used or _is_part_of(filler, trigger):
                        continue
                    used.add(id(filler))
                    if isinstance(filler, Found):
                        filler.kept = True
                    filled = any_filled = True
                    yield Filled(name, filler, min(_RELATION.get(relation, _PREPOSITION), filler.score) if not trigger.headline else 0.4)
                    if single:
                        break
                if filled and single:
                    break

    def _filler(self, board: _Board, trigger: Trigger, token: int, types: frozenset[str], relation: str, depth: int = 0) -> Found | Trigger | None:
        part = trigger.part
        event = board.events.get((part, token))
        if event is not None and event.type in types:
            return event
        parse = board.parses[part]
        if parse.lemma[token] in self.partitives and depth < 2:
            for prep in parse.kids[token]:
                if parse.lower[prep] == "of":
                    for pobj in parse.kid(prep, "pobj"):
                        if (inner := self._filler(board, trigger, pobj, types, relation, depth + 1)) is not None:
                            return inner
        mentions = board.mentions(part, token)
        for mention in mentions:
            if mention.type in types:
                return board.named(mention, types)
        if mentions or event is not None:
            return None
        if relation == "modifier":
            inner = self.entities.nominal(part, parse, token, inside=True) if parse.pos[token] == "NOUN" else None
            return board.add(inner) if inner is not None and inner.type in types else None
        if parse.pos[token] == "PRON" or parse.tag[token] == "PRP$":
            return self._pronoun(board, trigger, token, types)
        if parse.pos[token] == "NOUN" and parse.text[token].isalpha():
            for name, relations in self.others.items():
                if name in types and relation in relations:
                    return board.add(self.entities.generic(part, parse, token, name))
        return None

    def _pronoun(self, board: _Board, trigger: Trigger, token: int, types: frozenset[str]) -> Found | None:
        """What a pronoun stands for in its own sentence, or else the pronoun itself."""
        part = trigger.part
        word = board.parses[part].lower[token]
        name = self.pronouns.get(word)
        if name is None or (name != ANY and name not in types):
            return None
        if word in _THIRD and (stands_for := board.subject_before(part, token, types, name)) is not None:
            return stands_for
        if name == ANY:
            if word in _THINGS:
                types = types - {self.pronouns.get("he", "")}
            name = board.before(part, token, types)
        if name is None or name not in types:
            return None
        return board.add(self.entities.pronoun(part, token, name))


class _Board:
    """Who stands where in one article."""

    def __init__(self, parses: Sequence[Parse], found: list[Found], triggers: Sequence[Trigger]) -> None:
        self.parses, self.found = parses, found
        self.events = {(trigger.part, trigger.token): trigger for trigger in triggers}
        self.heads: dict[tuple[int, int], list[Found]] = defaultdict(list)
        self.inside: dict[tuple[int, int], list[Found]] = defaultdict(list)
        self.dated: dict[int, list[Found]] = defaultdict(list)
        for item in found:
            self._place(item)

    def _place(self, item: Found) -> None:
        self.heads[item.part, item.head].append(item)
        if item.kind == "name":
            for token in range(item.first, item.last):
                self.inside[item.part, token].append(item)
            self.dated[item.part].append(item)

    def mentions(self, part: int, token: int) -> list[Found]:
        """Mentions that `token` heads, the widest first, or else names that it is a part of."""
        heads = self.heads.get((part, token))
        if heads:
            return sorted(heads, key=lambda item: item.first - item.last)
        return self.inside.get((part, token), [])

    def named(self, item: Found, types: frozenset[str]) -> Found:
        """The name that says which: `the minister, Doran Melk`, `soldiers of the Hill Guard`, `village of Harl`."""
        if item.kind == "nominal":
            parse = self.parses[item.part]
            near = list(parse.kid(item.head, "appos"))
            for prep in parse.kid(item.head, "prep"):
                if parse.lower[prep] == "of":
                    near += parse.kid(prep, "pobj")
            for kid in near:
                for other in self.heads.get((item.part, kid), ()):
                    if other.kind == "name" and other.type in types and other.type == item.type:
                        return other
        return item

    def add(self, item: Found) -> Found:
        """Put a new mention on the board and into the article."""
        self._place(item)
        self.found.append(item)
        return item

    def subject_before(self, part: int, token: int, types: frozenset[str], name: str) -> Found | None:
        """The nearest earlier subject of the same sentence that the pronoun at `token` may stand for."""
        parse = self.parses[part]
        many = parse.lower[token] in ("they", "their")
        for index in range(token - 1, -1, -1):
            if parse.sentence[index] != parse.sentence[token]:
                return None
            if parse.dep[index] in ("nsubj", "nsubjpass") and parse.pos[index] != "PRON":
                for item in self.mentions(part, index):
                    if item.type in types and (name in (ANY, item.type)):
                        plural = parse.tag[item.head] in ("NNS", "NNPS")
                        return item if many or not plural else None
                return None
        return None

    def before(self, part: int, token: int, types: frozenset[str]) -> str | None:
        """The type of the nearest earlier mention that could fill the role, in this zone or the one before."""
        for where in (part, part - 1):
            if where < 0:
                return None
            earlier = [item for item in self.found if item.part == where and item.type in types and item.kind != "pronoun" and (where < part or item.last <= token)]
            subjects = [item for item in earlier if self.parses[where].dep[item.head] in ("nsubj", "nsubjpass")]
            if subjects or earlier:
                return (subjects or earlier)[-1].type
        return None

    def times(self, trigger: Trigger) -> list[int]:
        """Heads of names in the trigger's clause, its own verb's first: a role lets in those that are times."""
        parse = self.parses[trigger.part]
        clause = _clause(parse, trigger.token)
        own, other = [], []
        for item in self.dated[trigger.part]:
            if parse.sentence[item.head] != parse.sentence[trigger.token]:
                continue
            if parse.dep[item.head] in ("compound", "amod", "nmod") and parse.head[item.head] != trigger.token:
                continue
            above = _clause(parse, item.head)
            distance = abs(item.head - trigger.token)
            if above == clause or trigger.token in parse.up(item.head):
                own.append((distance, item.head))
            elif clause in parse.up(above) and parse.dep[above] in ("xcomp",):
                other.append((distance, item.head))
            elif parse.dep[clause] in ("xcomp", "conj", "advcl") and above == parse.head[clause]:
                other.append((distance, item.head))
        return [head for _, head in sorted(own)] + [head for _, head in sorted(other)]


def _clause(parse: Parse, token: int) -> int:
    """The verb whose clause `token` stands in, or the root."""
    if parse.verbal(token):
        return token
    last = token
    for above in parse.up(token):
        last = above
        if parse.verbal(above):
            return above
    return last


def _is_part_of(filler: Found | Trigger, trigger: Trigger) -> bool:
    """Whether a mention is the trigger itself, or a name that holds it."""
    if not isinstance(filler, Found) or filler.part != trigger.part:
        return False
    return filler.first <= trigger.token < filler.last and (filler.kind == "name" or filler.head == trigger.token)
