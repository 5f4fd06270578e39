"""Event triggers of one article: words of the lexicon in a context that allows the sense of the event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from curation.engines.rules.headlines import by_order, hidden_verb
from curation.engines.rules.lexicon import ANY, Conditions, EventRule, Lexicon
from curation.engines.rules.mentions import Mention
from curation.engines.rules.noun_phrases import head_of
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.relations import Relations, relations
from curation.engines.rules.verb_forms import finite_forms, gerunds

_OTHER_SENSE = frozenset(("out", "off", "on", "over", "away", "down"))
"""Particles that give a verb another sense, unless the lexicon lists verb and particle."""
_WITH_VERB = frozenset(("prt", "advmod", "prep", "dobj", "oprd", "acomp", "xcomp", "nsubjpass", "dative"))
_AS_NOUN = frozenset(("pobj", "nsubj", "nsubjpass", "dobj", "conj"))
_HEADS = frozenset(("pobj", "nsubj", "nsubjpass", "dobj", "conj", "appos", "attr", "oprd", "ROOT"))
_KNOWN = frozenset(("the", "this", "that", "these", "those"))
_SHORT = frozenset(("headline", "heading", "caption"))
_HYPHENS = ("-", "‑")
_PROSE = frozenset(("body", "quotation", "caption"))

TRIGGERS = ("phrases", "words")
"""How triggers of several words are marked.

`phrases`: whole ("opened fire", "shot dead"). `words`: every word that is a trigger alone ("opened [fire]",
"[shot] [dead]"), else the head of the phrase ("[called] for"); verbs with their particles stay whole ("[went off]"),
and people named after what happened to them are triggers ("the [wounded]").
"""


class TriggerSource(Enum):
    """The rule that found a trigger, with its score where no weights are fitted: it orders triggers."""

    GUARDED_VERB = 0.85
    VERB = 0.8
    NOUN = 0.7
    WEAK = 0.5


GUARDED_VERB, VERB, NOUN, WEAK = TriggerSource


@dataclass(slots=True)
class Trigger:
    """An event: trigger tokens `[first, last)` of zone number `zone`, the head token, type and rule.

    `by_order`: the relations come from word order alone.
    """

    zone: int
    first: int
    last: int
    token: int
    type: str
    rule: EventRule
    relations: Relations
    source: TriggerSource
    by_order: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A word or phrase of a rule; `rest` is the phrase without its first word."""

    type: str
    rule: EventRule
    rest: tuple[str, ...]


TokenMeanings = Callable[[int, int], set[str]]
"""(zone, token) → the words and entity types that the token has in a condition."""


class TriggerFinder:
    """The event rules of one lexicon, compiled once and applied to every article."""

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

    def find(self, parses: Sequence[Parse], found: Sequence[Mention], meanings: TokenMeanings) -> list[Trigger]:
        """The triggers in all zones of one article, in reading order; at most one per word, none inside a name."""
        named = {(item.zone, token) for item in found if item.kind == "name" for token in range(item.first, item.last)}
        triggers = []
        seen: set[tuple[str, str]] = set()
        for zone, parse in enumerate(parses):
            verb = self.hidden(parse) if zone == 0 or parse.zone.kind in _SHORT else None
            free = 0
            for index in range(len(parse)):
                if index >= free and (zone, index) not in named:
                    trigger = self._at(zone, parse, index, meanings, seen, hidden=index == verb)
                    if trigger is not None:
                        triggers.append(trigger)
                        seen.add((trigger.type, parse.lemma[trigger.token]))
                        free = trigger.last
        return triggers

    def hidden(self, parse: Parse) -> int | None:
        """The verb of a headline that the tagger did not take for a verb."""
        return hidden_verb(parse, self.forms)

    def _at(
        self,
        zone: int,
        parse: Parse,
        index: int,
        meanings: TokenMeanings,
        seen: Container[tuple[str, str]],
        *,
        hidden: bool,
    ) -> Trigger | None:
        entries: Sequence[_Entry]
        if hidden:
            entries, source = self.verbs[self.forms[parse.lower[index]]], WEAK
        else:
            tied = index + 1 < len(parse) and parse.text[index + 1] in _HYPHENS
            if tied and (trigger := self._hyphened(zone, parse, index, meanings)) is not None:
                return trigger
            if (entry := self._people(parse, index)) is not None:
                beside = relations(parse, index, self.light)
                return Trigger(zone, index, index + 1, index, entry.type, entry.rule, beside, WEAK)
            entries, source = self._entries(parse, index)
            if not entries or _describes_or_names(parse, index):
                return None
        found: Relations | None = None
        for entry in entries:
            span = _span(parse, index, entry.rest)
            if span is None:
                continue
            if found is None:
                found = by_order(parse, index) if hidden else relations(parse, index, self.light)
            again = (entry.type, parse.lemma[index]) in seen and _definite(parse, index)
            if _allows(entry.rule, zone, parse, index, found, meanings, again=again):
                rule_source = GUARDED_VERB if entry.rule.needs and source == VERB else source
                if self.words and entry.rest and not _phrasal(parse, index, *span):
                    span = _head_word(parse, index, *span)
                return Trigger(zone, *span, index, entry.type, entry.rule, found, rule_source, by_order=hidden)
        return None

    def _hyphened(self, zone: int, parse: Parse, index: int, meanings: TokenMeanings) -> Trigger | None:
        """A word of the lexicon that the tokenizer splits: `sit-in`, `carpet-bombed`, `cease-fire`."""
        last = _after_hyphens(parse, index)
        if last is None:
            return None
        word = "".join(parse.lower[index : last - 1])
        for tail in (parse.lemma[last - 1], parse.lower[last - 1]):
            token = head_of(parse, index, last)
            for table, source in ((self.nouns, NOUN), (self.verbs, VERB)):
                for entry in table.get(word + tail, ()):
                    found = relations(parse, token, self.light)
                    if not entry.rest and _allows(entry.rule, zone, parse, token, found, meanings):
                        return Trigger(zone, index, last, token, entry.type, entry.rule, found, source)
        return None

    def _people(self, parse: Parse, index: int) -> _Entry | None:
        """People named after what happened to them: `nine dead`, and `the wounded` with `triggers=words`."""
        entries = self.adjectives.get(parse.lower[index])
        if not entries or parse.dep[index] not in _HEADS or parse.tag[index] == "VBD":
            return None
        counted = any(parse.tag[child] == "CD" for child in parse.children_with(index, "nummod", "amod"))
        known = self.words and any(parse.lower[child] in _KNOWN for child in parse.children_with(index, "det"))
        return entries[0] if counted or known else None

    def _entries(self, parse: Parse, index: int) -> tuple[Sequence[_Entry], TriggerSource]:
        """The entries of the lexicon for the token with the tagger's part of speech, and their source."""
        pos, lemma, word = parse.pos[index], parse.lemma[index], parse.lower[index]
        if pos == "VERB":
            if lemma not in self.verbs:  # the lemmatizer guesses rare forms wrong: "gutted" → "gutte"
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
    """The token after a hyphenated word that begins at `index`, or None."""
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
    """First word → entries, the most specific first."""
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
    """Word → the number of event types it may have."""
    types: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        for word, entries in table.items():
            types[word].update(entry.type for entry in entries)
    return {word: len(found) for word, found in types.items()}


def _describes_or_names(parse: Parse, index: int) -> bool:
    """Whether a word describes or names: `war-torn`, `surrounding hills`, `the wounded`, `Harl Accord`."""
    tag, dep = parse.tag[index], parse.dep[index]
    if (tag == "VBG" and dep == "amod") or (parse.zone.kind == "credit" and not parse.is_verb(index)):
        return True
    if tag == "VBN" and dep in _AS_NOUN and parse.has_child(index, "det", "nummod"):
        return True
    if parse.pos[index] == "PROPN" and parse.zone.kind in _PROSE and index and parse.pos[index - 1] == "PROPN":
        return True
    tied = index + 2 < len(parse) and parse.text[index + 1] in _HYPHENS and parse.pos[index] != "VERB"
    return tied and parse.end[index] == parse.start[index + 1] and parse.end[index + 1] == parse.start[index + 2]


def _phrasal(parse: Parse, index: int, first: int, last: int) -> bool:
    """Whether a phrase is a verb with its particle: `went off`, `blew up`."""
    return parse.is_verb(index) and last - first == 2 and parse.tag[last - 1] == "RP"


def _head_word(parse: Parse, index: int, first: int, last: int) -> tuple[int, int]:
    """The head word of a phrase: the verb, or the last noun."""
    return (index, index + 1) if parse.is_verb(index) else (last - 1, last)


def _allows(
    rule: EventRule,
    zone: int,
    parse: Parse,
    index: int,
    found: Relations,
    meanings: TokenMeanings,
    *,
    again: bool = False,
) -> bool:
    """Whether the context allows the sense; `again`: the word refers to an event mentioned before."""
    if rule.never and _meets(rule.never, zone, parse, index, found, meanings):
        return False
    return again or not rule.needs or _meets(rule.needs, zone, parse, index, found, meanings)


def _definite(parse: Parse, index: int) -> bool:
    """`the call`, after a phone call was mentioned."""
    return parse.pos[index] == "NOUN" and any(
        parse.lower[child] in _KNOWN for child in parse.children_with(index, "det")
    )


def _meets(
    conditions: Conditions, zone: int, parse: Parse, index: int, found: Relations, meanings: TokenMeanings
) -> bool:
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
        elif ANY in wanted or any(not meanings(zone, token).isdisjoint(wanted) for token in tokens):
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
    """Trigger tokens of a word and the rest of its phrase: all if adjacent, else the word. None without the rest."""
    if not rest:
        other_sense = any(parse.lower[child] in _OTHER_SENSE for child in parse.children_with(index, "prt"))
        return None if other_sense else (index, index + 1)
    last = index + 1 + len(rest)
    together = range(index + 1, min(last, len(parse)))
    if len(together) == len(rest) and all(
        word in (parse.lower[token], parse.lemma[token]) for word, token in zip(rest, together, strict=True)
    ):
        return index, last
    near: set[str] = set()
    for child in parse.children[index]:
        if child < index and parse.dep[child] in ("prep", "advmod"):  # "On Friday she called" is not "called on"
            continue
        if len(rest) == 1 and parse.dep[child] == "prep" and parse.has_child(index, "dobj"):
            continue  # "called her for a talk" is not "called for"
        if parse.dep[child] in _WITH_VERB:
            near.update((parse.lower[child], parse.lemma[child]))
            if parse.dep[child] == "prep":
                near.update(parse.lemma[pobj] for pobj in parse.children_with(child, "pobj"))
    return (index, index + 1) if near.issuperset(rest) else None
