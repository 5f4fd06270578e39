"""Event triggers of one article: words of the lexicon whose surroundings allow the sense that makes an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from curation.engines.rules.headlines import by_order, hidden_verb
from curation.engines.rules.lexicon import ANY, Conditions, EventRule, Lexicon
from curation.engines.rules.mentions import Found
from curation.engines.rules.noun_phrases import head_of
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.relations import Relations, relations
from curation.engines.rules.verb_forms import finite_forms, gerunds

# Scores order triggers by the rule that found them; they are no probabilities until they are calibrated.
GUARDED, VERB, NOUN, WEAK = 0.85, 0.8, 0.7, 0.5

_ASTRAY = frozenset(("out", "off", "on", "over", "away", "down"))
"""Particles that give a verb another sense, unless the lexicon has them with it."""
_WITH_VERB = frozenset(("prt", "advmod", "prep", "dobj", "oprd", "acomp", "xcomp", "nsubjpass", "dative"))
_AS_NOUN = frozenset(("pobj", "nsubj", "nsubjpass", "dobj", "conj"))
_HEADS = frozenset(("pobj", "nsubj", "nsubjpass", "dobj", "conj", "appos", "attr", "oprd", "ROOT"))
_KNOWN = frozenset(("the", "this", "that", "these", "those"))
_SHORT = frozenset(("headline", "heading", "caption"))
_HYPHENS = ("-", "‑")
_PROSE = frozenset(("body", "quotation", "caption"))

TRIGGERS = ("phrases", "words")
"""How triggers of several words are marked: whole ("opened fire", "shot dead"); or as single words, each that tells an
event by itself ("opened [fire]", "[shot] [dead]") or else the one that carries the phrase ("[called] for"); verbs with
their particles stay whole ("[went off]"), and people called by what happened to them count ("the [wounded]")."""


@dataclass(slots=True)
class Trigger:
    """An event: trigger tokens `[first, last)` of parse number `part`, the token that carries it, type and rule.

    `by_order`: the relations were read from word order alone.
    """

    part: int
    first: int
    last: int
    token: int
    type: str
    rule: EventRule
    relations: Relations
    score: float
    by_order: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A word of a rule: the rest of its phrase after the first word."""

    type: str
    rule: EventRule
    rest: tuple[str, ...]


Meaning = Callable[[int, int], set[str]]
"""(part, token) → words and entity types that the token stands for in a condition."""


class TriggerFinder:
    """The event rules of one lexicon, made ready once and used for every article."""

    def __init__(self, lexicon: Lexicon, *, triggers: str = TRIGGERS[0]) -> None:
        self.light = frozenset(lexicon.light)
        self.verbs = _table(lexicon, lambda rule: rule.verbs)
        self.nouns = _table(lexicon, lambda rule: rule.nouns)
        self.adjectives = _table(lexicon, lambda rule: rule.adjectives)
        self.words = triggers == TRIGGERS[1]
        if self.words:
            named = (self.nouns, self.adjectives)
            alone = {word for table in named for word, entries in table.items() if any(not one.rest for one in entries)}
            for table in (self.verbs, *named):
                for word, entries in table.items():
                    table[word] = [entry for entry in entries if alone.isdisjoint(entry.rest)]
        self.senses = _senses(self.verbs, self.nouns)
        self.gerunds = {form: lemma for lemma in self.verbs for form in gerunds(lemma)}
        self.forms = {form: lemma for lemma in self.verbs for form in finite_forms(lemma)}

    def find(self, parses: Sequence[Parse], found: Sequence[Found], meaning: Meaning) -> list[Trigger]:
        """Triggers of all parses of one article, in reading order, one a word, none inside a name."""
        named = {(item.part, token) for item in found if item.kind == "name" for token in range(item.first, item.last)}
        made = []
        told: set[tuple[str, str]] = set()
        for part, parse in enumerate(parses):
            verb = self.hidden(parse) if part == 0 or parse.zone.kind in _SHORT else None
            free = 0
            for index in range(len(parse)):
                if index >= free and (part, index) not in named:
                    trigger = self._at(part, parse, index, meaning, told, hidden=index == verb)
                    if trigger is not None:
                        made.append(trigger)
                        told.add((trigger.type, parse.lemma[trigger.token]))
                        free = trigger.last
        return made

    def hidden(self, parse: Parse) -> int | None:
        """The verb of a headline, where the tagger took it for something else."""
        return hidden_verb(parse, self.forms)

    def _at(
        self, part: int, parse: Parse, index: int, meaning: Meaning, told: Container[tuple[str, str]], *, hidden: bool
    ) -> Trigger | None:
        entries: Sequence[_Entry]
        if hidden:
            entries, score = self.verbs[self.forms[parse.lower[index]]], WEAK
        else:
            tied = index + 1 < len(parse) and parse.text[index + 1] in _HYPHENS
            if tied and (trigger := self._hyphened(part, parse, index, meaning)) is not None:
                return trigger
            if (entry := self._people(parse, index)) is not None:
                beside = relations(parse, index, self.light)
                return Trigger(part, index, index + 1, index, entry.type, entry.rule, beside, WEAK)
            entries, score = self._entries(parse, index)
            if not entries or _tells_no_event(parse, index):
                return None
        found: Relations | None = None
        for entry in entries:
            span = _span(parse, index, entry.rest)
            if span is None:
                continue
            if found is None:
                found = by_order(parse, index) if hidden else relations(parse, index, self.light)
            again = (entry.type, parse.lemma[index]) in told and _definite(parse, index)
            if _allows(entry.rule, part, parse, index, found, meaning, again=again):
                sure = GUARDED if entry.rule.needs and score == VERB else score
                if self.words and entry.rest and not _phrasal(parse, index, *span):
                    span = _carrier(parse, index, *span)
                return Trigger(part, *span, index, entry.type, entry.rule, found, sure, by_order=hidden)
        return None

    def _hyphened(self, part: int, parse: Parse, index: int, meaning: Meaning) -> Trigger | None:
        """A word of the lexicon that the tokenizer takes apart: `sit-in`, `carpet-bombed`, `cease-fire`."""
        last = _after_hyphens(parse, index)
        if last is None:
            return None
        word = "".join(parse.lower[index : last - 1])
        for tail in (parse.lemma[last - 1], parse.lower[last - 1]):
            token = head_of(parse, index, last)
            for table, score in ((self.nouns, NOUN), (self.verbs, VERB)):
                for entry in table.get(word + tail, ()):
                    found = relations(parse, token, self.light)
                    if not entry.rest and _allows(entry.rule, part, parse, token, found, meaning):
                        return Trigger(part, index, last, token, entry.type, entry.rule, found, score)
        return None

    def _people(self, parse: Parse, index: int) -> _Entry | None:
        """People called by what happened to them: `nine dead`, and `the wounded` where single words are marked."""
        entries = self.adjectives.get(parse.lower[index])
        if not entries or parse.dep[index] not in _HEADS or parse.tag[index] == "VBD":
            return None
        counted = any(parse.tag[kid] == "CD" for kid in parse.kid(index, "nummod", "amod"))
        known = self.words and any(parse.lower[kid] in _KNOWN for kid in parse.kid(index, "det"))
        return entries[0] if counted or known else None

    def _entries(self, parse: Parse, index: int) -> tuple[Sequence[_Entry], float]:
        """What the lexicon has for the token as the tagger saw it, and how far that is to be trusted."""
        pos, lemma, word = parse.pos[index], parse.lemma[index], parse.lower[index]
        if pos == "VERB":
            if lemma not in self.verbs:  # the lemmatizer's guess at a rare form: "gutted" is no "gutte"
                lemma = self.forms.get(word, lemma)
            if lemma in self.verbs:
                return self.verbs[lemma], VERB
            if parse.tag[index] == "VBG":
                return self.nouns.get(word, ()), NOUN
            return self.nouns.get(word, self.nouns.get(word.removesuffix("s"), ())), WEAK
        if pos in ("NOUN", "PROPN"):
            entries = self.nouns.get(lemma) or self.nouns.get(word)
            if entries:
                return entries, NOUN
            return self.verbs.get(self.gerunds.get(word, ""), ()), WEAK
        if pos == "ADJ":
            if word in self.adjectives:
                return self.adjectives[word], NOUN
            if word.endswith(("ed", "t", "n")):
                return self.verbs.get(self.forms.get(word, ""), ()), WEAK
        return (), WEAK


def _after_hyphens(parse: Parse, index: int) -> int | None:
    """The token after a word with hyphens inside that begins at `index`; None where there is none."""
    last = index + 1
    if index and parse.text[index - 1] in _HYPHENS and parse.end[index - 1] == parse.start[index]:
        return None
    while (
        last + 1 < len(parse)
        and parse.text[last] in _HYPHENS
        and parse.end[last - 1] == parse.start[last]
        and parse.end[last] == parse.start[last + 1]
    ):
        last += 2
    return last if last > index + 1 else None


def _table(lexicon: Lexicon, words_of: Callable[[EventRule], Iterable[str]]) -> dict[str, list[_Entry]]:
    """First word → entries; the more an entry asks for, the earlier it is tried."""
    table: dict[str, list[_Entry]] = defaultdict(list)
    for name, rules in lexicon.events.items():
        for rule in rules:
            for phrase in words_of(rule):
                first, *rest = phrase.split(" ")
                table[first].append(_Entry(name, rule, tuple(rest)))
    for entries in table.values():
        entries.sort(key=lambda entry: (-len(entry.rest), not entry.rule.needs, not entry.rule.never))
    return dict(table)


def _senses(*tables: dict[str, list[_Entry]]) -> dict[str, int]:
    """Word → how many event types it may be of."""
    types: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        for word, entries in table.items():
            types[word].update(entry.type for entry in entries)
    return {word: len(found) for word, found in types.items()}


def _tells_no_event(parse: Parse, index: int) -> bool:
    """`war-torn`, `surrounding hills`, `the wounded`, `Harl Accord`: words that describe or name."""
    tag, dep = parse.tag[index], parse.dep[index]
    if (tag == "VBG" and dep == "amod") or (parse.zone.kind == "credit" and not parse.verbal(index)):
        return True
    if tag == "VBN" and dep in _AS_NOUN and any(True for _ in parse.kid(index, "det", "nummod")):
        return True
    if parse.pos[index] == "PROPN" and parse.zone.kind in _PROSE and index and parse.pos[index - 1] == "PROPN":
        return True
    tied = index + 2 < len(parse) and parse.text[index + 1] in _HYPHENS and parse.pos[index] != "VERB"
    return tied and parse.end[index] == parse.start[index + 1] and parse.end[index + 1] == parse.start[index + 2]


def _phrasal(parse: Parse, index: int, first: int, last: int) -> bool:
    """Whether a phrase is a verb with its particle: `went off`, `blew up`."""
    return parse.verbal(index) and last - first == 2 and parse.tag[last - 1] == "RP"


def _carrier(parse: Parse, index: int, first: int, last: int) -> tuple[int, int]:
    """The word of a phrase that carries it: the verb, or the last noun."""
    return (index, index + 1) if parse.verbal(index) else (last - 1, last)


def _allows(
    rule: EventRule,
    part: int,
    parse: Parse,
    index: int,
    found: Relations,
    meaning: Meaning,
    *,
    again: bool = False,
) -> bool:
    """Whether the surroundings allow the sense; `again`: the word comes back to an event told before."""
    if rule.never and _meets(rule.never, part, parse, index, found, meaning):
        return False
    return again or not rule.needs or _meets(rule.needs, part, parse, index, found, meaning)


def _definite(parse: Parse, index: int) -> bool:
    """`the call`, after a phone call was told of."""
    return parse.pos[index] == "NOUN" and any(parse.lower[kid] in _KNOWN for kid in parse.kid(index, "det"))


def _meets(conditions: Conditions, part: int, parse: Parse, index: int, found: Relations, meaning: Meaning) -> bool:
    """Whether one of the conditions holds."""
    for relation, wanted in conditions.items():
        if relation == "number":
            if ("plural" if parse.tag[index] in ("NNS", "NNPS") else "singular") in wanted:
                return True
            continue
        tokens = _beside(parse, index, relation) if relation in ("head", "next") else found.get(relation)
        if not tokens:
            if "none" in wanted:
                return True
        elif ANY in wanted or any(not meaning(part, token).isdisjoint(wanted) for token in tokens):
            return True
    return False


def _beside(parse: Parse, index: int, relation: str) -> list[int]:
    """The word that the token depends on (`head`), past a preposition, or the next one (`next`)."""
    if relation == "next":
        return [index + 1] if index + 1 < len(parse) else []
    above = parse.head[index]
    if parse.dep[index] == "pobj":
        above = parse.head[above]
    return [above] if above != index else []


def _span(parse: Parse, index: int, rest: tuple[str, ...]) -> tuple[int, int] | None:
    """Trigger tokens of a word and the rest of its phrase: all where they stand together, else the word alone."""
    if not rest:
        astray = any(parse.lower[kid] in _ASTRAY for kid in parse.kid(index, "prt"))
        return None if astray else (index, index + 1)
    last = index + 1 + len(rest)
    together = range(index + 1, min(last, len(parse)))
    if len(together) == len(rest) and all(
        word in (parse.lower[token], parse.lemma[token]) for word, token in zip(rest, together, strict=True)
    ):
        return index, last
    near: set[str] = set()
    for kid in parse.kids[index]:
        if kid < index and parse.dep[kid] in ("prep", "advmod"):  # "On Friday she called" is no "called on"
            continue
        if len(rest) == 1 and parse.dep[kid] == "prep" and any(True for _ in parse.kid(index, "dobj")):
            continue  # "called her for a talk" is no "called for"
        if parse.dep[kid] in _WITH_VERB:
            near.update((parse.lower[kid], parse.lemma[kid]))
            if parse.dep[kid] == "prep":
                near.update(parse.lemma[pobj] for pobj in parse.kid(kid, "pobj"))
    return (index, index + 1) if near.issuperset(rest) else None
