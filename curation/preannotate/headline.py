"""Verbs of headlines, which taggers trained on sentences take for nouns: `Mirdan fires missiles at camp`."""

from __future__ import annotations

from collections.abc import Mapping

from curation.preannotate.parse import Parse
from curation.preannotate.relations import Relations

MOST_TOKENS = 40
"""A longer first sentence is no headline."""

_FINITE = frozenset(("VBZ", "VBP", "VBD", "MD"))
_INSIDE_NOUN = frozenset(("compound", "amod", "nmod", "poss"))
_NAMES_SOMETHING = frozenset(("NOUN", "PROPN", "NUM", "ADJ"))
_MANY = frozenset(("police", "people", "military"))


def hidden_verb(parse: Parse, forms: Mapping[str, str]) -> int | None:
    """The token that must be the verb of the first sentence, where the tagger found none.

    `forms`: finite form → lemma of the verbs to look for.
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
    """Relations by word order alone: what stands before the verb is its subject, what follows its object."""
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
