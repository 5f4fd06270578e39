"""Event triggers of one article: words of the lexicon whose surroundings allow the sense that makes an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from curation.preannotate.entities import Found
from curation.preannotate.lexicon import ANY, Conditions, EventRule, Lexicon
from curation.preannotate.parse import Parse
from curation.preannotate.relations import Relations, relations

GUARDED, VERB, NOUN, WEAK = 0.85, 0.8, 0.7, 0.5


@dataclass(slots=True)
class Trigger:
    """An event: trigger tokens `[first, last)` of parse number `part`, the token that carries it, type and rule."""

    part: int
    first: int
    last: int
    token: int
    type: str
    rule: EventRule
    relations: Relations
    score: float
    headline: bool = field(default=False)
    """Whether the relations were read from word order, as a headline's verb that the tagger took for a noun."""


@dataclass(frozen=True, slots=True)
class _Entry:
    type: str
    rule: EventRule
    rest: tuple[str, ...]


Typed = Callable[[int, int], set[str]]
"""(part, token) → words and entity types that the token stands for in a condition."""


class TriggerFinder:
    """The event rules of one lexicon, made ready once and used for every article."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.light = frozenset(lexicon.light)
        self.verbs: dict[str, list[_Entry]] = defaultdict(list)
        self.nouns: dict[str, list[_Entry]] = defaultdict(list)
        self.adjectives: dict[str, list[_Entry]] = defaultdict(list)
        for name, rules in lexicon.events.items():
            for rule in rules:
                for table, words in ((self.verbs, rule.verbs), (self.nouns, rule.nouns), (self.adjectives, rule.adjectives)):
                    for word in words:
                        first, *rest = word.split(" ")
                        table[first].append(_Entry(name, rule, tuple(rest)))
        for table in (self.verbs, self.nouns, self.adjectives):
            for entries in table.values():  # the more a rule asks for, the earlier it is tried
                entries.sort(key=lambda entry: (-len(entry.rest), not entry.rule.needs, not entry.rule.never))
        self.gerunds = {form: lemma for lemma in self.verbs for form in _gerunds(lemma)}
        self.forms = {form: lemma for lemma in self.verbs for form in _finite_forms(lemma)}

    def find(self, parses: Sequence[Parse], found: Sequence[Found], typed: Typed) -> list[Trigger]:
        """Triggers of all parses of one article, in reading order, one a word."""
        named: set[tuple[int, int]] = {
            (item.part, token)
            for item in found
            if item.kind == "name"
            for token in range(item.first, item.last)
        }
        made = []
        for part, parse in enumerate(parses):
            verb = self._headline_verb(parse) if parse.zone.kind in ("headline", "heading", "caption") or part == 0 else None
            for index in range(len(parse)):
                if (part, index) in named:
                    continue
                if index == verb:
                    trigger = self._as_headline(part, parse, index, typed)
                else:
                    trigger = self._at(part, parse, index, typed)
                if trigger is not None:
                    made.append(trigger)
        return made

    def _at(self, part: int, parse: Parse, index: int, typed: Typed) -> Trigger | None:
        pos = parse.pos[index]
        lemma = parse.lemma[index]
        if pos == "VERB":
            entries, score = self.verbs.get(lemma), VERB
            if entries is None and parse.tag[index] in ("VBG", "NN"):
                entries, score = self.nouns.get(parse.lower[index]), NOUN
        elif pos in ("NOUN", "PROPN"):
            entries, score = self.nouns.get(lemma) or self.nouns.get(parse.lower[index]), NOUN
            if entries is None and parse.lower[index] in self.gerunds:
                entries, score = self.verbs.get(self.gerunds[parse.lower[index]]), WEAK
        elif pos == "ADJ":
            entries, score = self.adjectives.get(parse.lower[index]), NOUN
            if not entries and parse.lower[index].endswith(("ed", "t", "n")) and parse.lower[index] in self.forms:
                entries, score = self.verbs.get(self.forms[parse.lower[index]]), WEAK
        else:
            return None
        if not entries:
            return None
        if self._names_a_kind(parse, index):
            return None
        found: Relations | None = None
        for entry in entries:
            if (span := _span(parse, index, entry.rest)) is None:
                continue
            if found is None:
                found = relations(parse, index, self.light)
            if self._allows(entry.rule, part, parse, index, found, typed):
                better = GUARDED if entry.rule.needs and score == VERB else score
                return Trigger(part, *span, index, entry.type, entry.rule, found, better)
        return None

    def _names_a_kind(self, parse: Parse, index: int) -> bool:
        """`war-torn`: a noun tied by a hyphen to what follows; `the wounded`, `surrounding hills`: no events."""
        if parse.tag[index] == "VBG" and parse.dep[index] == "amod":
            return True
        if parse.tag[index] == "VBN" and parse.dep[index] in ("pobj", "nsubj", "nsubjpass", "dobj", "conj"):
            if any(True for _ in parse.kid(index, "det", "nummod")):
                return True
        if parse.pos[index] == "PROPN" and parse.zone.kind in ("body", "quotation", "caption") and parse.text[index][:1].isupper():
            if index and parse.pos[index - 1] == "PROPN":
                return True
        tied = index + 2 < len(parse) and parse.text[index + 1] in ("-", "‑") and parse.end[index] == parse.start[index + 1]
        return tied and parse.pos[index] != "VERB" and parse.end[index + 1] == parse.start[index + 2]

    def _allows(self, rule: EventRule, part: int, parse: Parse, index: int, found: Relations, typed: Typed) -> bool:
        if rule.never and self._meets(rule.never, part, parse, index, found, typed):
            return False
        return not rule.needs or self._meets(rule.needs, part, parse, index, found, typed)

    def _meets(self, conditions: Conditions, part: int, parse: Parse, index: int, found: Relations, typed: Typed) -> bool:
        for relation, wanted in conditions.items():
            if relation == "head":  # the noun that this one is a modifier of, or the word it depends on
                above = parse.head[index] if parse.dep[index] != "pobj" else parse.head[parse.head[index]]
                tokens = [above] if above != index else []
            elif relation == "next":
                tokens = [index + 1] if index + 1 < len(parse) else []
            elif relation == "number":
                if ("plural" if parse.tag[index] in ("NNS", "NNPS") else "singular") in wanted:
                    return True
                continue
            else:
                tokens = found.get(relation, [])
            if not tokens:
                if "none" in wanted:
                    return True
                continue
            if ANY in wanted:
                return True
            for token in tokens:
                words = typed(part, token)
                if any(word in words for word in wanted):
                    return True
        return False

    def _headline_verb(self, parse: Parse) -> int | None:
        """The verb of a headline that the tagger took for a noun: `Mirdan fires missiles at camp`."""
        if not len(parse) or len(parse) > 40 and parse.zone.kind not in ("headline",):
            return None
        first_sentence = [index for index in range(len(parse)) if parse.sentence[index] == 0]
        if any(parse.tag[index] in _FINITE and parse.dep[index] not in _INSIDE_NOUN for index in first_sentence):
            return None
        for index in first_sentence[1:-1]:
            lower = parse.lower[index]
            if lower not in self.forms or parse.pos[index] not in ("NOUN", "PROPN", "VERB"):
                continue
            if parse.tag[index] in ("VBN", "VBG"):
                continue
            before, after = index - 1, index + 1
            if parse.pos[before] not in ("NOUN", "PROPN", "NUM", "ADJ") or parse.text[before] in ("'s", "’s"):
                continue
            if lower == self.forms[lower] and parse.tag[before] not in ("NNS", "NNPS") and not parse.lower[before].endswith("s"):
                if not (parse.pos[before] in ("NOUN", "PROPN") and parse.lower[before] in ("police", "people", "military")):
                    continue
            begins = parse.pos[after] in ("NOUN", "PROPN", "ADJ", "NUM", "DET", "PRON") or parse.dep[after] in _INSIDE_NOUN
            if begins or (parse.pos[after] == "ADP" and lower.endswith("s")):
                return index
        return None

    def _as_headline(self, part: int, parse: Parse, index: int, typed: Typed) -> Trigger | None:
        found = by_order(parse, index)
        for entry in self.verbs[self.forms[parse.lower[index]]]:
            if entry.rest and _span(parse, index, entry.rest) is None:
                continue
            if self._allows(entry.rule, part, parse, index, found, typed):
                return Trigger(part, index, index + 1, index, entry.type, entry.rule, found, WEAK, headline=True)
        return None


def by_order(parse: Parse, verb: int) -> Relations:
    """Relations by word order alone: what stands before the verb is its subject, what follows its object."""
    found: Relations = {}
    before = [index for index in range(verb) if parse.pos[index] in ("NOUN", "PROPN", "NUM")]
    if before:
        found["subject"] = [before[-1]]
    relation, last = "object", None
    for index in range(verb + 1, len(parse) + 1):
        ends = index == len(parse) or (parse.pos[index] in ("PUNCT", "VERB", "SCONJ") and parse.dep[index] not in _INSIDE_NOUN)
        if ends or parse.pos[index] == "ADP" or parse.lower[index] in ("to", "as"):
            if last is not None:
                found.setdefault(relation, []).append(last)
            if ends:
                break
            relation, last = parse.lower[index], None
        elif parse.pos[index] in ("NOUN", "PROPN", "NUM", "PRON"):
            last = index
    return found


def _span(parse: Parse, index: int, rest: tuple[str, ...]) -> tuple[int, int] | None:
    """Trigger tokens of a word and the rest of its phrase: all where they stand together, else the word alone."""
    if not rest:
        astray = any(parse.lower[kid] in _ASTRAY for kid in parse.kid(index, "prt"))
        return None if astray else (index, index + 1)
    count = len(rest)
    if all(index + 1 + step < len(parse) and rest[step] in (parse.lower[index + 1 + step], parse.lemma[index + 1 + step]) for step in range(count)):
        return index, index + 1 + count
    near = set()
    for kid in parse.kids[index]:
        if parse.dep[kid] in ("prt", "advmod", "prep", "dobj", "oprd", "acomp", "xcomp", "nsubjpass", "dative"):
            near.update((parse.lower[kid], parse.lemma[kid]))
            if parse.dep[kid] == "prep":
                near.update(parse.lemma[pobj] for pobj in parse.kid(kid, "pobj"))
    return (index, index + 1) if all(word in near for word in rest) else None


_ASTRAY = {"out", "on", "over", "away"}
"""Particles that give a verb another sense, unless the lexicon has them with it."""
_FINITE = {"VBZ", "VBP", "VBD", "MD"}
_INSIDE_NOUN = {"compound", "amod", "nmod", "poss"}


def _gerunds(lemma: str) -> Iterator[str]:
    """What the `-ing` form may look like."""
    if lemma.endswith("ie"):
        yield lemma[:-2] + "ying"
    elif lemma.endswith("e"):
        yield lemma[:-1] + "ing"
    else:
        yield lemma + "ing"
        yield lemma + lemma[-1] + "ing"


_IRREGULAR = {
    "shoot": "shot", "strike": "struck", "fight": "fought", "flee": "fled", "drive": "drove driven", "take": "took taken",
    "hit": "hit", "kill": "killed", "slay": "slew slain", "beat": "beat beaten", "send": "sent", "meet": "met", "hold": "held",
    "leave": "left", "go": "went gone", "come": "came", "fly": "flew flown", "blow": "blew blown", "give": "gave given",
    "fall": "fell fallen", "lose": "lost", "seek": "sought", "speak": "spoke spoken", "tell": "told", "win": "won",
    "throw": "threw thrown", "break": "broke broken", "begin": "began begun", "bring": "brought", "stab": "stabbed",
    "gun": "gunned", "raid": "raided", "sink": "sank sunk", "burn": "burned burnt", "hurt": "hurt", "behead": "beheaded",
    "withdraw": "withdrew withdrawn", "overrun": "overran overrun", "retake": "retook retaken", "freeze": "froze frozen",
    "cut": "cut", "halt": "halted", "stop": "stopped", "lift": "lifted", "set": "set", "bar": "barred", "ban": "banned",
    "jet": "jetted", "plan": "planned", "wed": "wed", "ram": "rammed", "stun": "stunned", "urge": "urged",
}  # fmt: skip


def _finite_forms(lemma: str) -> Iterator[str]:
    """Present and past forms of an English verb."""
    yield lemma
    if lemma.endswith(("s", "x", "z", "ch", "sh", "o")):
        yield lemma + "es"
    elif lemma.endswith("y") and lemma[-2:-1] not in "aeiou":
        yield lemma[:-1] + "ies"
    else:
        yield lemma + "s"
    if lemma in _IRREGULAR:
        yield from _IRREGULAR[lemma].split(" ")
    elif lemma.endswith("e"):
        yield lemma + "d"
    elif lemma.endswith("y") and lemma[-2:-1] not in "aeiou":
        yield lemma[:-1] + "ied"
    else:
        yield lemma + "ed"
