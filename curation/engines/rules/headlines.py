"""Headlines: verbs that a tagger takes for nouns, and titles in title case rewritten as sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from curation.engines.article_zones import SMALL, Zone
from curation.engines.rules.lexicon import Lexicon
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.relations import Relations
from curation.engines.rules.verb_forms import finite_forms, gerunds

MOST_TOKENS = 40
"""A longer first sentence is not a headline."""

_FINITE = frozenset(("VBZ", "VBP", "VBD", "MD"))
_INSIDE_NOUN = frozenset(("compound", "amod", "nmod", "poss"))
_NAMES_SOMETHING = frozenset(("NOUN", "PROPN", "NUM", "ADJ"))
_MANY = frozenset(("police", "people", "military"))


def hidden_verb(parse: Parse, forms: Mapping[str, str]) -> int | None:
    """The token that is probably the verb of the first sentence, if the tagger found none.

    `forms`: finite form → lemma of the verbs to search for.
    """
    sentence = [index for index in range(min(len(parse), MOST_TOKENS)) if parse.sentence[index] == 0]
    if any(parse.tag[index] in _FINITE and parse.dep[index] not in _INSIDE_NOUN for index in sentence):
        return None
    return next((index for index in sentence[1:-1] if _is_verb(parse, index, forms)), None)


def _is_verb(parse: Parse, index: int, forms: Mapping[str, str]) -> bool:
    word, before, after = parse.lower[index], index - 1, index + 1
    if word not in forms or parse.pos[index] not in ("NOUN", "PROPN", "VERB") or parse.tag[index] in ("VBN", "VBG"):
        return False
    if parse.pos[before] not in _NAMES_SOMETHING:
        return False
    if word == forms[word]:  # the bare form follows a plural: "Police fire", "Rebels seize"
        plural = parse.tag[before] in ("NNS", "NNPS") or parse.lower[before].endswith("s")
        if not plural and parse.lower[before] not in _MANY:
            return False
    if parse.pos[after] in _NAMES_SOMETHING or parse.pos[after] in ("DET", "PRON") or parse.dep[after] in _INSIDE_NOUN:
        return True
    return parse.pos[after] == "ADP" and word.endswith("s")


def by_order(parse: Parse, verb: int) -> Relations:
    """Relations by word order alone: the noun before the verb is its subject, the noun after it the object."""
    found: Relations = {}
    before = [index for index in range(verb) if parse.pos[index] in ("NOUN", "PROPN", "NUM")]
    if before:
        found["subject"] = [before[-1]]
    relation, last = "object", None
    for index in range(verb + 1, len(parse) + 1):
        ends = index == len(parse) or (
            parse.pos[index] in ("PUNCT", "VERB", "SCONJ") and parse.dep[index] not in _INSIDE_NOUN
        )
        if ends or parse.pos[index] == "ADP" or parse.lower[index] in ("to", "as"):
            if last is not None:
                found.setdefault(relation, []).append(last)
            if ends:
                break
            relation, last = parse.lower[index], None
        elif parse.pos[index] in ("NOUN", "PROPN", "NUM", "PRON"):
            last = index
    return found


FEWEST, RUNS_ON = 4, 7
"""Fewest capitalised words of a title line, and of a title at the beginning of a line; names are long, too."""
_TITLES = frozenset(("headline", "heading"))
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def as_sentences(text: str, zones: Sequence[Zone], common: Container[str]) -> list[str]:
    """The texts of the zones, with the words of titles in lower case unless they are names. Lengths do not change.

    Args:
        text: the article's text.
        zones: its zones; the first one, all headlines and headings may be titles or begin with one.
        common: words that are not names; used for words that the rest of the article does not contain.
    """
    made = [text[zone.start : zone.end] for zone in zones]
    titles = dict(_titles(made, zones))
    if not titles:
        return made
    names: Counter[str] = Counter()
    for number, written in enumerate(made):
        behind = titles[number][-1].end() if number in titles else 0
        for found in _WORD.finditer(written, behind):
            word = found.group()
            if word.islower():
                names[word] -= 1
            elif found.start() > behind and written[found.start() - 2] not in ".?!:":
                names[word.lower()] += 1
    for number, title in titles.items():
        made[number] = _lowered(made[number], title, names, common)
    return made


def _titles(texts: Sequence[str], zones: Sequence[Zone]) -> Iterator[tuple[int, list[re.Match[str]]]]:
    """Zone number → the words of the title that the zone is or begins with."""
    for number, (written, zone) in enumerate(zip(texts, zones, strict=True)):
        if number and zone.kind not in _TITLES:
            continue
        title: list[re.Match[str]] = []
        fewest = FEWEST
        for found in _WORD.finditer(written):
            word = found.group()
            if word[0].islower() and word not in SMALL and len(word) > 1:  # the s of "Mirdan 's" is a word of its own
                fewest = RUNS_ON
                break
            title.append(found)
        if sum(found.group()[0].isupper() for found in title) >= fewest:
            yield number, title


def _lowered(written: str, title: Sequence[re.Match[str]], names: Counter[str], common: Container[str]) -> str:
    letters = list(written)
    for found in title[1:]:
        word = found.group()
        lower = word.lower()
        if word.istitle() and len(lower) == len(word) and (names[lower] < 0 or (not names[lower] and lower in common)):
            letters[found.start()] = lower[0]
    return "".join(letters)


def common_words(lexicon: Lexicon, verbs: Iterable[str] = ()) -> frozenset[str]:
    """The words of a lexicon and further verbs in all their forms, without the names of the lexicon.

    Args:
        lexicon: the lexicon.
        verbs: lemmas of further verbs.
    """
    nouns = {head for rules in lexicon.entities.values() for rule in rules for head in rule.heads}
    acts = {*verbs, *(word.split(" ")[0] for word in lexicon.light)}
    for rules in lexicon.events.values():
        for rule in rules:
            acts.update(phrase.split(" ")[0] for phrase in rule.verbs)
            nouns.update(word for phrase in (*rule.nouns, *rule.adjectives) for word in phrase.split(" "))
    found = {*nouns, *(noun + "s" for noun in nouns)}
    for verb in acts:
        found.update(finite_forms(verb))
        found.update(gerunds(verb))
    named = (name for rules in lexicon.entities.values() for rule in rules for name in (*rule.names, *rule.name_heads))
    return frozenset(found.difference(word.lower() for name in named for word in name.split()))
