"""Headlines In Title Case, written as sentences are, so that taggers trained on sentences read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence

from curation.preannotate.forms import finite_forms, gerunds
from curation.preannotate.lexicon import Lexicon
from curation.preannotate.zones import SMALL, Zone

FEWEST, RUNS_ON = 4, 7
"""Words in capitals from which on a line is a title, and the beginning of a line may be: names are long, too."""
_TITLES = frozenset(("headline", "heading"))
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def as_sentences(text: str, zones: Sequence[Zone], common: Container[str]) -> list[str]:
    """The texts of the zones; in titles, words that are no names begin in lower case. Lengths stay what they are.

    Args:
        text: the article's text.
        zones: its zones; the first one, all headlines and headings may be titles, or begin with one.
        common: words that are no names, for those that the rest of the article does not hold.
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
    """The words of each title that some zones are, or begin with."""
    for number, (written, zone) in enumerate(zip(texts, zones, strict=True)):
        if number and zone.kind not in _TITLES:
            continue
        title: list[re.Match[str]] = []
        fewest = FEWEST
        for found in _WORD.finditer(written):
            word = found.group()
            if word[0].islower() and word not in SMALL and len(word) > 1:  # the s of "Mirdan 's" stands alone, too
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
    """The words of a lexicon and more verbs, in all their forms, but for what the lexicon has as names.

    Args:
        lexicon: the lexicon.
        verbs: further verbs, by their lemmas.
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
