"""How sure the rules are of each item: what speaks for and against it, weighed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from math import exp, log

from curation.engines.rules.arguments import Filled
from curation.engines.rules.lexicon import ANY
from curation.engines.rules.mentions import ALIAS, CUED, GENERIC, HEADED, LISTED, MODEL, PRONOUN, Found
from curation.engines.rules.noun_phrases import said
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.triggers import Trigger
from curation.engines.rules.weights import ARGUMENTS, ENTITIES, TRIGGERS

_HOW = {
    LISTED: "listed",
    CUED: "cued",
    MODEL: "model",
    ALIAS: "alias",
    HEADED: "headed",
    GENERIC: "generic",
    PRONOUN: "pronoun",
}
_TAGS = ("NN", "NNS", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ")
_MODIFIERS = ("compound", "amod", "nmod")
_GOVERNED = ("xcomp", "pcomp", "csubj")
_DEFINITE = ("the", "this", "that", "these", "those")
_CIRCUMSTANCES = ("place", "time")
_STOPS = (",", ";", ":")
_NEAR, _FAR = 3, 12
"""Tokens between a trigger and its filler that are near, and far."""
_MANY, _LONG = 4, 6
"""Roles that a filler fills, and steps in the parse between trigger and filler, from which on they are not counted."""


def of_entity(parse: Parse, item: Found, *, fills: bool, often: bool) -> Iterator[str]:
    """What speaks for and against a mention. `often`: the same words stand in the article three times or more."""
    how = _HOW[item.score]
    yield f"found {how}"
    yield f"{item.type} {how}"
    size = item.last - item.first
    yield "one word" if size == 1 else "two words" if size == 2 else "long"
    if fills:
        yield "fills a role"
        yield f"fills a role {item.kind}"
    if often:
        yield "often"
    if item.kind == "name" and not parse.text[item.first][:1].isupper():
        yield "lower case"
    if parse.text[item.first].isupper() and size == 1 and parse.text[item.first].isalpha():
        yield "capitals"
    if item.first == 0 or parse.sentence[item.first] != parse.sentence[item.first - 1]:
        yield "opens a sentence"
    if parse.pos[item.head] not in ("PROPN", "NOUN", "NUM", "PRON", "ADJ"):
        yield "head is no noun"
    if any(not char.isalnum() for token in range(item.first, item.last) for char in parse.text[token]):
        yield "marks inside"
    if parse.dep[item.head] in _MODIFIERS:
        yield f"modifies {item.kind}"
    if parse.zone.kind != "body":
        yield f"in {parse.zone.kind}"


def of_trigger(
    parse: Parse,
    trigger: Trigger,
    roles: Sequence[Filled],
    attributes: Mapping[str, str],
    *,
    senses: int,
    others: Container[tuple[int, int]],
    names: Iterable[str],
    quoted: bool,
) -> Iterator[str]:
    """What speaks for and against a trigger.

    Args:
        parse: its zone.
        trigger: the trigger.
        roles: what fills its roles.
        attributes: its attributes.
        senses: how many event types its word may be of.
        others: where triggers stand in the article: part and token.
        names: the types of the names in its sentence.
        quoted: whether a quotation begins or ends in its sentence.
    """
    token = trigger.token
    tag = parse.tag[token]
    yield f"tag {tag}" if tag in _TAGS else "tag other"
    yield f"type {trigger.type}"
    yield f"{trigger.type} {'verb' if parse.verbal(token) else 'noun'}"
    yield f"word {parse.lemma[token]}"
    filling = {filled.role for filled in roles}
    core = len(filling.difference(_CIRCUMSTANCES))
    yield ("no role", "one role")[core] if core < 2 else "more roles"
    for role in sorted(filling):
        yield f"has {role}"
    part, head = trigger.part, parse.head[token]
    if head != token and (part, head) in others:
        yield "hangs on an event"
    if any((part, kid) in others for kid in parse.kids[token]):
        yield "carries an event"
    if any(isinstance(filled.filler, Trigger) for filled in roles):
        yield "of an event"
    if any(isinstance(filled.filler, Found) and filled.filler.kind == "name" for filled in roles):
        yield "of a name"
    for name, value in sorted(attributes.items()):
        yield f"{name} {value}"
    if trigger.last - trigger.first > 1:
        yield "phrase"
    if trigger.by_order:
        yield "headline"
    yield f"score {trigger.score}"
    if trigger.rule.needs and ANY not in {word for words in trigger.rule.needs.values() for word in words}:
        yield "guarded"
    if senses > 1:
        yield "senses"
    if parse.dep[token] in _MODIFIERS:
        yield "modifies"
    if parse.dep[token] in _GOVERNED:
        yield "governed"
    for name in names:
        yield f"beside {name}"
    if quoted:
        yield "quoted"
    if not parse.verbal(token):
        if any(True for _ in parse.kid(token, "poss")):
            yield "possessed"
        elif not any(True for _ in parse.kid(token, "det")):
            yield f"bare {tag}"
        if any(True for _ in parse.kid(token, *_MODIFIERS)):
            yield "modified"
    kids = {parse.lower[kid] for kid in parse.kids[token] if kid < token}
    if not kids.isdisjoint(_DEFINITE):
        yield "definite"
    if not kids.isdisjoint(("a", "an")):
        yield "indefinite"
    if tag == "NNS" and not any(kid < token for kid in parse.kids[token]):
        yield "bare plural"
    if not parse.verbal(token) and parse.dep[token] == "pobj":
        yield f"behind {parse.lower[parse.head[token]]}"
    if parse.zone.kind != "body":
        yield f"in {parse.zone.kind}"


def of_argument(parse: Parse, trigger: Trigger, filled: Filled, *, others: int, roles: int) -> Iterator[str]:
    """What speaks for and against an argument.

    Args:
        parse: the zone of the trigger.
        trigger: the trigger.
        filled: the role and its filler.
        others: how many more fill the role.
        roles: how many roles the filler fills in the article.
    """
    yield f"by {filled.relation}"
    yield f"role {filled.role}"
    verbal = "verb" if parse.verbal(trigger.token) else "noun"
    yield verbal
    yield f"{verbal} by {filled.relation}"
    filler = filled.filler
    if isinstance(filler, Found):
        yield f"filler {filler.kind}"
        yield f"filler {filler.type}"
        yield f"filler {_HOW[filler.score]}"
        head = filler.head
        if filler.part != trigger.part:
            yield "another zone"
    else:
        yield "filler event"
        head = filler.token
    if parse.sentence[min(head, len(parse) - 1)] == parse.sentence[trigger.token]:
        distance = abs(head - trigger.token)
        yield "near" if distance <= _NEAR else "far" if distance > _FAR else "between"
        if parse.head[head] == trigger.token:
            yield "direct"
        elif parse.head[parse.head[head]] == trigger.token:
            yield "one between"
        if head > trigger.token:
            yield f"behind {verbal}"
        if filler.part == trigger.part:
            between = range(min(head, trigger.token) + 1, max(head, trigger.token))
            if any(parse.verbal(token) for token in between):
                yield "verb between"
            if any(parse.text[token] in _STOPS for token in between):
                yield "stop between"
            yield f"steps {_steps(parse, head, trigger.token)}"
            yield f"dep {parse.dep[head]}"
    yield f"fills {min(roles, _MANY)}"
    if others:
        yield "shared role"
    if trigger.by_order:
        yield "headline"


def _steps(parse: Parse, one: int, other: int) -> int:
    """How many arcs of the parse lie between two tokens of a sentence."""
    above = {token: steps for steps, token in enumerate((one, *parse.up(one)))}
    for steps, token in enumerate((other, *parse.up(other))):
        if token in above:
            return min(steps + above[token], _LONG)
    return _LONG


_NONE: Mapping[str, float] = {}
_QUOTES = frozenset('“”"')
OFTEN = 3
"""How many times an article must say a name before that speaks for it."""


class Scores:
    """The scores of what was found in one article: in (0, 1), higher where more speaks for an item.

    They are shares of right items only where the articles are like those that the weights were fitted on;
    `curation calibrate` makes them so for others.
    """

    def __init__(
        self,
        parses: Sequence[Parse],
        found: Sequence[Found],
        triggers: Sequence[Trigger],
        filled: Sequence[Sequence[Filled]],
        attributes: Sequence[Mapping[str, str]],
        senses: Mapping[str, int],
    ) -> None:
        self.parses, self.senses = parses, senses
        self.roles = {id(trigger): roles for trigger, roles in zip(triggers, filled, strict=True)}
        self.attributes = {id(trigger): values for trigger, values in zip(triggers, attributes, strict=True)}
        self.filling = Counter(id(one.filler) for roles in filled for one in roles)
        self.times = Counter(self._said(item) for item in found if item.kind == "name")
        self.events = {(trigger.part, trigger.token) for trigger in triggers}
        self.names: dict[tuple[int, int], set[str]] = defaultdict(set)
        for item in found:
            if item.kind == "name":
                self.names[item.part, parses[item.part].sentence[item.head]].add(item.type)
        self.quoted = {
            (part, parse.sentence[token])
            for part, parse in enumerate(parses)
            for token, text in enumerate(parse.text)
            if text in _QUOTES
        }
        self.alike = Counter(trigger.type for trigger in triggers)
        self.known: dict[int, float] = {}
        self.fillers: dict[int, Counter[str]] = defaultdict(Counter)
        for trigger, roles in zip(triggers, filled, strict=True):
            self.fillers[id(trigger)].update(one.role for one in roles)

    def _said(self, item: Found) -> str:
        return said(self.parses[item.part], item.first, item.last)

    def of_entity(self, item: Found) -> float:
        """How sure a mention is."""
        if (known := self.known.get(id(item))) is not None:
            return known
        often = item.kind == "name" and self.times[self._said(item)] >= OFTEN
        evidence = of_entity(self.parses[item.part], item, fills=id(item) in self.filling, often=often)
        score = self.known[id(item)] = _weigh(ENTITIES, evidence)
        return score

    def of_trigger(self, trigger: Trigger) -> float:
        """How sure an event is."""
        if (known := self.known.get(id(trigger))) is not None:
            return known
        parse = self.parses[trigger.part]
        roles, values = self.roles[id(trigger)], self.attributes[id(trigger)]
        senses = self.senses.get(parse.lemma[trigger.token], 1)
        sentence = trigger.part, parse.sentence[trigger.token]
        evidence = of_trigger(
            parse,
            trigger,
            roles,
            values,
            senses=senses,
            others=self.events,
            names=sorted(self.names.get(sentence, ())),
            quoted=sentence in self.quoted,
        )
        # an article that tells an event of a type again and again is about such events
        sure = {"alike": log(self.alike[trigger.type])}
        score = self.known[id(trigger)] = _weigh(TRIGGERS, evidence, sure)
        return score

    def of_argument(self, trigger: Trigger, filled: Filled) -> float:
        """How sure an argument is."""
        others = self.fillers[id(trigger)][filled.role] - 1
        filler = filled.filler
        parse, times = self.parses[trigger.part], self.filling[id(filler)]
        evidence = of_argument(parse, trigger, filled, others=others, roles=times)
        sure = {
            "trigger": _odds(self.of_trigger(trigger)),
            "filler": _odds(self.of_entity(filler) if isinstance(filler, Found) else self.of_trigger(filler)),
        }
        return _weigh(ARGUMENTS, evidence, sure)


def _weigh(weights: Mapping[str, float], evidence: Iterable[str], sure: Mapping[str, float] = _NONE) -> float:
    """The share of right items that a logistic regression expects. `sure`: evidence that has a degree, as log odds."""
    total = weights[""] + sum(weights.get(name, 0.0) for name in evidence)
    total += sum(weights.get(name, 0.0) * degree for name, degree in sure.items())
    return round(min(max(1 / (1 + exp(-total)), 0.001), 0.999), 3)


def _odds(score: float) -> float:
    return log(score / (1 - score))
