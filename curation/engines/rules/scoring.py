"""Scores: how likely each item is right, by a logistic regression over named evidence.

The weights come from a file (`lexicon.Weights`); without one an item keeps the score of the rule that found it. Scores
are probabilities only for articles like those of the fit; `curation calibrate` fits them to others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import exp, log
from typing import Literal

from curation.engines.rules.arguments import RoleFiller
from curation.engines.rules.lexicon import ANY, Weights, WeightTable
from curation.engines.rules.mentions import Mention
from curation.engines.rules.noun_phrases import surface
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.triggers import Trigger

FREQUENT = 3
"""Occurrences of a name in an article from which its frequency is evidence."""

ItemKind = Literal["entities", "triggers", "arguments"]

_TAGS = ("NN", "NNS", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ")
_MODIFIERS = ("compound", "amod", "nmod")
_GOVERNED = ("xcomp", "pcomp", "csubj")
_DEFINITE = ("the", "this", "that", "these", "those")
_STOPS = (",", ";", ":")
_QUOTES = frozenset('“”"')
_NEAR, _FAR = 3, 12
"""Tokens between a trigger and its filler: near up to the first, far above the second."""
_MANY, _LONG = 4, 6
"""Largest counts that are distinguished: roles that a filler fills, steps in the parse from trigger to filler."""


class Scorer:
    """The scores of the items of one article, in (0, 1).

    Args:
        weights: the weights of the evidence; None for the scores of the rules.
        parses: the zones of the article.
        mentions: its mentions.
        triggers: its triggers.
        fillers: the role fillers of each trigger.
        attributes: the attributes of each trigger.
        senses: word → number of event types it may have.
        circumstances: roles of time and place, which most event types have.
    """

    def __init__(
        self,
        weights: Weights | None,
        parses: Sequence[Parse],
        mentions: Sequence[Mention],
        triggers: Sequence[Trigger],
        fillers: Sequence[Sequence[RoleFiller]],
        attributes: Sequence[Mapping[str, str]],
        senses: Mapping[str, int],
        circumstances: Collection[str],
    ) -> None:
        self.weights, self.parses, self.senses, self.circumstances = weights, parses, senses, circumstances
        self.fillers = {id(trigger): own for trigger, own in zip(triggers, fillers, strict=True)}
        self.attributes = {id(trigger): values for trigger, values in zip(triggers, attributes, strict=True)}
        self.roles_filled = Counter(id(filled.filler) for own in fillers for filled in own)
        self.occurrences = Counter(self._name(mention) for mention in mentions if mention.kind == "name")
        self.trigger_tokens = {(trigger.zone, trigger.token) for trigger in triggers}
        self.types_in_sentence: dict[tuple[int, int], set[str]] = defaultdict(set)
        for mention in mentions:
            if mention.kind == "name":
                sentence = parses[mention.zone].sentence[mention.head]
                self.types_in_sentence[mention.zone, sentence].add(mention.type)
        self.quoted_sentences = {
            (zone, parse.sentence[token])
            for zone, parse in enumerate(parses)
            for token, text in enumerate(parse.text)
            if text in _QUOTES
        }
        self.events_of_type = Counter(trigger.type for trigger in triggers)
        self._scores: dict[int, float] = {}

    def _name(self, mention: Mention) -> str:
        return surface(self.parses[mention.zone], mention.first, mention.last)

    def of_item(self, item: Mention | Trigger) -> float:
        """The score of an entity or event."""
        if id(item) not in self._scores:
            if self.weights is None:
                score: float = item.source.value
            elif isinstance(item, Mention):
                score = self.probability("entities", self._entity_evidence(item))
            else:
                # an article with several events of a type is about such events
                degrees = {"same type": log(self.events_of_type[item.type])}
                score = self.probability("triggers", self._trigger_evidence(item), degrees)
            self._scores[id(item)] = score
        return self._scores[id(item)]

    def of_argument(self, trigger: Trigger, filled: RoleFiller) -> float:
        """The score of an argument."""
        of_trigger, of_filler = self.of_item(trigger), self.of_item(filled.filler)
        if self.weights is None:
            return round(of_trigger * of_filler, 3)
        degrees = {"trigger": _log_odds(of_trigger), "filler": _log_odds(of_filler)}
        return self.probability("arguments", self._argument_evidence(trigger, filled), degrees)

    def probability(self, kind: ItemKind, evidence: Iterable[str], degrees: Mapping[str, float] | None = None) -> float:
        """The probability of a logistic regression. `degrees`: evidence with a degree instead of yes or no."""
        table: WeightTable = getattr(self.weights, kind)
        weights = table.evidence
        total = table.base + sum(weights.get(name, 0.0) for name in evidence)
        total += sum(weights.get(name, 0.0) * degree for name, degree in (degrees or {}).items())
        return round(min(max(1 / (1 + exp(-total)), 0.001), 0.999), 3)

    def _entity_evidence(self, mention: Mention) -> Iterator[str]:
        parse, source = self.parses[mention.zone], mention.source.name.lower()
        yield f"found {source}"
        yield f"{mention.type} {source}"
        size = mention.last - mention.first
        yield "one word" if size == 1 else "two words" if size == 2 else "long"
        if id(mention) in self.roles_filled:
            yield "fills a role"
            yield f"fills a role {mention.kind}"
        if mention.kind == "name" and self.occurrences[self._name(mention)] >= FREQUENT:
            yield "frequent"
        if mention.kind == "name" and not parse.text[mention.first][:1].isupper():
            yield "lower case"
        if parse.text[mention.first].isupper() and size == 1 and parse.text[mention.first].isalpha():
            yield "capitals"
        if mention.first == 0 or parse.sentence[mention.first] != parse.sentence[mention.first - 1]:
            yield "sentence start"
        if parse.pos[mention.head] not in ("PROPN", "NOUN", "NUM", "PRON", "ADJ"):
            yield "head not a noun"
        if any(not char.isalnum() for token in range(mention.first, mention.last) for char in parse.text[token]):
            yield "punctuation inside"
        if parse.dep[mention.head] in _MODIFIERS:
            yield f"modifies {mention.kind}"
        if parse.zone.kind != "body":
            yield f"in {parse.zone.kind}"

    def _trigger_evidence(self, trigger: Trigger) -> Iterator[str]:
        parse, zone, token = self.parses[trigger.zone], trigger.zone, trigger.token
        tag, head, verb = parse.tag[token], parse.head[token], parse.is_verb(token)
        fillers, sentence = self.fillers[id(trigger)], (zone, parse.sentence[token])
        yield f"tag {tag}" if tag in _TAGS else "tag other"
        yield f"type {trigger.type}"
        yield f"{trigger.type} {'verb' if verb else 'noun'}"
        yield f"word {parse.lemma[token]}"
        roles = {filled.role for filled in fillers}
        core = len(roles.difference(self.circumstances))
        yield ("no role", "one role")[core] if core < 2 else "more roles"
        for role in sorted(roles):
            yield f"has {role}"
        if head != token and (zone, head) in self.trigger_tokens:
            yield "depends on an event"
        if any((zone, child) in self.trigger_tokens for child in parse.children[token]):
            yield "governs an event"
        if any(isinstance(filled.filler, Trigger) for filled in fillers):
            yield "filled by an event"
        if any(isinstance(filled.filler, Mention) and filled.filler.kind == "name" for filled in fillers):
            yield "filled by a name"
        for name, value in sorted(self.attributes[id(trigger)].items()):
            yield f"{name} {value}"
        if trigger.last - trigger.first > 1:
            yield "phrase"
        if trigger.by_order:
            yield "headline"
        yield f"rule {trigger.source.name.lower()}"
        needs = trigger.rule.needs
        if needs and ANY not in {word for words in needs.values() for word in words}:
            yield "guarded"
        if self.senses.get(parse.lemma[token], 1) > 1:
            yield "ambiguous word"
        if parse.dep[token] in _MODIFIERS:
            yield "modifies"
        if parse.dep[token] in _GOVERNED:
            yield "governed"
        for name in sorted(self.types_in_sentence.get(sentence, ())):
            yield f"beside {name}"
        if sentence in self.quoted_sentences:
            yield "quoted"
        if not verb:
            if parse.has_child(token, "poss"):
                yield "possessed"
            elif not parse.has_child(token, "det"):
                yield f"bare {tag}"
            if parse.has_child(token, *_MODIFIERS):
                yield "modified"
        left = {parse.lower[child] for child in parse.children[token] if child < token}
        if not left.isdisjoint(_DEFINITE):
            yield "definite"
        if not left.isdisjoint(("a", "an")):
            yield "indefinite"
        if tag == "NNS" and not left:
            yield "bare plural"
        if not verb and parse.dep[token] == "pobj":
            yield f"after {parse.lower[head]}"
        if parse.zone.kind != "body":
            yield f"in {parse.zone.kind}"

    def _argument_evidence(self, trigger: Trigger, filled: RoleFiller) -> Iterator[str]:
        parse, token, filler = self.parses[trigger.zone], trigger.token, filled.filler
        pos = "verb" if parse.is_verb(token) else "noun"
        yield f"by {filled.relation}"
        yield f"role {filled.role}"
        yield pos
        yield f"{pos} by {filled.relation}"
        if isinstance(filler, Mention):
            yield f"filler {filler.kind}"
            yield f"filler {filler.type}"
            yield f"filler {filler.source.name.lower()}"
            head = filler.head
        else:
            yield "filler event"
            head = filler.token
        if parse.sentence[head] == parse.sentence[token]:
            distance = abs(head - token)
            yield "near" if distance <= _NEAR else "far" if distance > _FAR else "between"
            if parse.head[head] == token:
                yield "direct"
            elif parse.head[parse.head[head]] == token:
                yield "one between"
            if head > token:
                yield f"after {pos}"
            between = range(min(head, token) + 1, max(head, token))
            if any(parse.is_verb(index) for index in between):
                yield "verb between"
            if any(parse.text[index] in _STOPS for index in between):
                yield "stop between"
            yield f"steps {_steps(parse, head, token)}"
            yield f"dep {parse.dep[head]}"
        yield f"fills {min(self.roles_filled[id(filler)], _MANY)}"
        if sum(other.role == filled.role for other in self.fillers[id(trigger)]) > 1:
            yield "shared role"
        if trigger.by_order:
            yield "headline"


def _steps(parse: Parse, left: int, right: int) -> int:
    """The number of arcs of the parse between two tokens of a sentence, at most `_LONG`."""
    above = {token: steps for steps, token in enumerate((left, *parse.ancestors(left)))}
    for steps, token in enumerate((right, *parse.ancestors(right))):
        if token in above:
            return min(steps + above[token], _LONG)
    return _LONG


def _log_odds(score: float) -> float:
    return log(score / (1 - score))
