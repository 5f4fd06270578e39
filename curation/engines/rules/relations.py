"""Grammatical relations of a word, from a dependency parse: the relations that lexicons refer to.

The top of `lexicon.py` lists their names. Each maps to the tokens in that relation, nearest first, with coordinated
ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from curation.engines.rules.noun_phrases import words
from curation.engines.rules.parsed_text import Parse

Relations = dict[str, list[int]]

_RELATIVE = {"WDT", "WP", "WP$"}
_PLACES = words(
    """in at near on outside inside around from to into towards toward over across along off north south east west
    between through under beside within by with against for about"""
)
LOCATIVE_PREPOSITIONS = ("in", "at", "near", "outside")
_TIED = words("npadvmod compound nmod amod nsubj dep advmod punct")
_TAKE_PART = {"participate", "engage", "take", "join", "involve"}


def relations(parse: Parse, token: int, light: Collection[str]) -> Relations:
    """All relations of the word at `token`. `light`: verbs that pass their relations to their object."""
    found: Relations = {}
    if parse.is_verb(token) or (parse.tag[token].startswith("VB")):
        _of_verb(parse, token, found)
    else:
        _of_noun(parse, token, found, light)
    return {name: list(_coordinated(parse, tokens)) for name, tokens in found.items()}


def parts_of(parse: Parse, token: int) -> Iterator[int]:
    """The complements of a noun with `of`: the rebels in `dozens of rebels`."""
    for prep in parse.children[token]:
        if parse.lower[prep] == "of":
            yield from parse.children_with(prep, "pobj")


def _add(found: Relations, name: str, token: int) -> None:
    tokens = found.setdefault(name, [])
    if token not in tokens:
        tokens.append(token)


def _of_verb(parse: Parse, verb: int, found: Relations, depth: int = 0) -> None:
    for child in parse.children[verb]:
        dep = parse.dep[child]
        if dep == "nsubj" or dep == "csubj":
            bare = parse.tag[verb] == "VBN" and not parse.has_child(verb, "aux", "auxpass")
            _add(found, "object" if bare else "subject", _antecedent(parse, child, verb))  # headline "Eleven killed"
        elif dep == "nsubjpass":
            _add(found, "object", _antecedent(parse, child, verb))
        elif dep == "agent":
            for pobj in parse.children_with(child, "pobj"):
                _add(found, "subject", pobj)
                _add(found, "by", pobj)
            for pcomp in parse.children_with(child, "pcomp"):
                _add(found, "by", pcomp)
        elif dep == "dobj":
            _add(found, "object", _antecedent(parse, child, verb))
        elif dep == "dative":
            pobjs = list(parse.children_with(child, "pobj"))
            for pobj in pobjs or [child]:
                _add(found, "recipient", pobj)
                if pobjs:
                    _add(found, parse.lower[child], pobj)
        elif dep in ("xcomp", "ccomp"):
            for subject in parse.children_with(child, "nsubj"):
                _add(found, "clause-subject", subject)
            if parse.is_verb(child):
                _add(found, "clause", child)
                if parse.tag[child] == "VB" and any(
                    parse.lower[aux] == "to" for aux in parse.children_with(child, "aux")
                ):
                    _add(found, "infinitive", child)
                if dep == "ccomp" and parse.tag[child] == "VB":  # "told X to move", X read as the subject of "move"
                    for subject in parse.children_with(child, "nsubj"):
                        if parse.start[subject] > parse.start[verb]:
                            _add(found, "object", subject)
            else:
                _add(found, "clause", child)
        elif dep == "oprd":
            _add(found, "clause", child)
    if "object" not in found:
        for child in parse.children_with(verb, "conj"):
            if child == verb + 2 and parse.tag[child] == parse.tag[verb]:  # "[shot] and killed a man"
                for thing in parse.children_with(child, "dobj"):
                    _add(found, "object", thing)
    _prepositions(parse, verb, found)
    for name in ("object", "subject"):  # "six were arrested, including two clerks"
        if name in found:
            for token in found.get("including", ()):
                _add(found, name, token)
            break
    for thing in list(found.get("object", ())):
        if parse.start[thing] > parse.start[verb]:
            _prepositions(parse, thing, found, only_new=True)
    for thing in list(found.get("subject", ())):
        if parse.head[thing] == verb:
            _prepositions(parse, thing, found, only_new=True, only=LOCATIVE_PREPOSITIONS)
    above = parse.head[verb]
    if (
        above != verb
        and parse.is_verb(above)
        and (parse.dep[verb] == "conj" or (parse.dep[verb] == "advcl" and parse.tag[verb] == "VBG"))
    ):
        _add(found, "above", above)
    if "subject" not in found or ("object" not in found and _passive(parse, verb)):
        _inherited(parse, verb, found, depth)


def _passive(parse: Parse, verb: int) -> bool:
    if parse.has_child(verb, "nsubjpass", "auxpass"):
        return True
    return parse.tag[verb] == "VBN" and not any(
        parse.lemma[child] == "have" for child in parse.children_with(verb, "aux")
    )


def _inherited(parse: Parse, verb: int, found: Relations, depth: int) -> None:
    """Subject or object from the clause above: control, coordination, participles, relative clauses."""
    head, dep = parse.head[verb], parse.dep[verb]
    if head == verb or depth > 3:
        return
    passive = _passive(parse, verb)
    if dep in ("acl", "relcl") and parse.tag[verb] == "VBD" and "object" not in found:
        passive = not parse.has_child(verb, "nsubj")  # "the men killed in the raid"
    place = "object" if passive else "subject"
    if dep in ("acl", "relcl"):
        if parse.is_verb(head):
            _from_above(parse, verb, head, place, found, depth)
        elif dep == "acl" and parse.tag[verb] == "VB":
            _owner_of(parse, head, found)
        elif dep == "relcl" and "subject" in found:
            if "object" not in found and not any(parse.tag[child] in _RELATIVE for child in parse.children[verb]):
                _add(found, "object", head)
        elif place not in found:
            _add(found, place, head)
    elif dep == "amod" and head > verb:
        if place not in found:
            _add(found, place, head)
        if passive:
            for child in parse.children[verb]:
                if parse.dep[child] in _TIED and parse.pos[child] in (
                    "PROPN",
                    "NOUN",
                    "ADJ",
                ):  # "Mirdani-backed rebels"
                    _add(found, "subject", child)
    elif parse.is_verb(head) and dep in ("xcomp", "advcl", "conj", "ccomp", "dep", "oprd", "parataxis"):
        if dep == "ccomp" and parse.tag[verb] not in ("VB", "VBG"):
            return
        _from_above(parse, verb, head, place, found, depth)
    elif dep in ("pcomp", "prep") and head != parse.head[head]:
        above = parse.head[head]
        if parse.is_verb(above):
            _from_above(parse, verb, above, place, found, depth)
        else:
            _owner_of(parse, above, found)


def _from_above(parse: Parse, verb: int, above: int, place: str, found: Relations, depth: int) -> None:
    upper: Relations = {}
    _of_verb(parse, above, upper, depth + 1)
    dep = parse.dep[verb]
    source = "subject"
    if dep == "conj":
        if place == "object" and place not in found and _passive(parse, above):
            for token in upper.get("object", ()):
                _add(found, "object", token)
            source = "by"
    elif _passive(parse, above) and "object" in upper:
        source = "object"
    elif dep in ("xcomp", "ccomp", "oprd") and ("object" in upper or "recipient" in upper):
        source = "recipient" if "recipient" in upper else "object"
    if dep == "conj" and place == "subject" and _passive(parse, above) and "object" in upper:
        source = "object"
    if place in found and dep != "conj":
        return
    target = "subject" if dep == "conj" and source != "object" else place
    if target in found:
        return
    for token in upper.get(source, ()):
        if token != verb:
            _add(found, target, token)


def _owner_of(parse: Parse, noun: int, found: Relations) -> None:
    """The agent of a noun such as `plans to attack`: its possessor, or the subject of its verb."""
    for child in parse.children_with(noun, "poss"):
        _add(found, "subject", child)
    if "subject" not in found:
        for child in parse.children_with(noun, "compound", "amod"):
            if parse.pos[child] in ("PROPN", "NOUN"):
                _add(found, "subject", child)
    head = parse.head[noun]
    if "subject" not in found and parse.dep[noun] in ("dobj", "attr", "pobj"):
        if not parse.is_verb(head):
            head = parse.head[head]
        if parse.is_verb(head):
            for child in parse.children_with(head, "nsubj"):
                _add(found, "subject", _antecedent(parse, child, head))


def _of_noun(parse: Parse, noun: int, found: Relations, light: Collection[str]) -> None:
    for child in parse.children[noun]:
        dep = parse.dep[child]
        if dep == "poss":
            _add(found, "possessor", child)
        elif dep in ("compound", "amod", "nmod", "npadvmod", "nummod") and child < noun:
            _add(found, "modifier", child)
            for inner in parse.children[child]:
                if parse.dep[inner] in ("compound", "amod", "nmod", "npadvmod", "poss"):
                    _add(found, "modifier", inner)
        elif dep in ("acl", "relcl") and parse.is_verb(child):
            if parse.tag[child] == "VB":
                _add(found, "clause", child)
            _from_verb(parse, child, noun, found, light)
        elif dep == "acl" or dep == "ccomp":
            _add(found, "clause", child)
    _prepositions(parse, noun, found)
    head, dep = parse.head[noun], parse.dep[noun]
    if parse.lower[noun].endswith("ing") and dep == "attr" and parse.is_verb(head):  # "was busy mediating"
        for child in parse.children_with(head, "nsubj"):
            _add(found, "subject", _antecedent(parse, child, head))
    if dep == "conj" and not parse.is_verb(head):
        upper: Relations = {}
        if head < noun and parse.dep[head] != "conj":
            _of_noun(parse, head, upper, light)
        for name in ("subject", "possessor", "of", "by", "against", "in", "at", "near"):
            for token in upper.get(name, ()):
                if name not in found:
                    _add(found, name, token)
    elif parse.is_verb(head) and (dep in ("acomp", "ccomp", "xcomp") or (dep == "oprd" and parse.pos[noun] == "ADJ")):
        own: Relations = {}
        _of_verb(parse, head, own)
        for name in ("object", "subject"):  # "left two people [dead]", "is [dead]"
            if name in own:
                for token in own[name]:
                    _add(found, "subject" if dep == "acomp" else name, token)
                break
        for name in sorted(_PLACES & own.keys()):
            for token in own[name]:
                _add(found, name, token)
    elif dep in ("dobj", "nsubjpass", "nsubj", "attr", "oprd") and parse.is_verb(head):
        _from_verb(parse, head, noun, found, light)
        if dep == "nsubj" and parse.lemma[head] not in light:  # "the blast took [place]"
            _affected(parse, head, found)
    elif dep == "pobj":
        prep, verb = head, parse.head[head]
        if parse.dep[prep] == "agent":
            _affected(parse, verb, found)
        if parse.lemma[verb] in light and not parse.is_verb(verb) and parse.is_verb(parse.head[verb]):
            for child in parse.children_with(parse.head[verb], "nsubj"):  # "claimed responsibility for the [attack]"
                _add(found, "subject", _antecedent(parse, child, parse.head[verb]))
        if parse.is_verb(verb) and parse.dep[prep] in ("prep", "agent", "dative"):
            if parse.lower[prep] == "under" and parse.lemma[verb] in ("come", "be", "fall"):
                for child in parse.children_with(verb, "nsubj"):
                    _add(found, "object", _antecedent(parse, child, verb))
                _prepositions(parse, verb, found, only_new=True, only=("for", *LOCATIVE_PREPOSITIONS))
            elif parse.lower[prep] == "in" and parse.lemma[verb] in _TAKE_PART:
                _from_verb(parse, verb, noun, found, light)
            elif parse.dep[prep] != "agent" and parse.lower[prep] in ("in", "during", "after", "as"):
                _prepositions(parse, verb, found, only_new=True, only=LOCATIVE_PREPOSITIONS)


def _affected(parse: Parse, verb: int, found: Relations) -> None:
    """The object of the verb whose agent the noun is: "the [blast] tore through the mill", "hit by a [strike]"."""
    for child in parse.children_with(verb, "dobj", "nsubjpass"):
        _add(found, "affects", _antecedent(parse, child, verb))


def _verb_name(parse: Parse, verb: int) -> str:
    for child in parse.children[verb]:
        if parse.dep[child] == "prt":
            return f"{parse.lemma[verb]} {parse.lower[child]}"
    return parse.lemma[verb]


def _from_verb(parse: Parse, verb: int, noun: int, found: Relations, light: Collection[str]) -> None:
    """The relations that the verb of `noun` (its object or subject) passes to it."""
    is_light = _verb_name(parse, verb) in light or parse.lemma[verb] in light
    own: Relations = {}
    if is_light:
        _of_verb(parse, verb, own)
        for name, tokens in own.items():
            if name in ("object", "clause"):
                continue
            for token in tokens:
                if token != noun:
                    _add(found, name, token)
    else:
        _prepositions(parse, verb, found, only_new=True, only=LOCATIVE_PREPOSITIONS)


def _prepositions(
    parse: Parse, token: int, found: Relations, *, only_new: bool = False, only: Collection[str] = (), depth: int = 0
) -> None:
    preps = list(parse.children[token])
    for adverb in parse.children_with(token, "advmod", "prt"):  # "flew back [to Harl]"
        preps += parse.children_with(adverb, "prep")
    for prep in preps:
        if parse.dep[prep] not in ("prep", "agent", "dative") and not (
            parse.dep[prep] in ("advmod", "prt", "advcl", "cc") and parse.pos[prep] in ("ADP", "SCONJ")
        ):
            continue
        word = parse.lower[prep]
        if word == "according" or (only and word not in only) or (only_new and word == "of"):
            continue
        for child in parse.children[prep]:
            dep = parse.dep[child]
            if dep == "pobj":
                if not only_new or word not in found or child in found[word]:
                    _add(found, word, child)
                if depth < 2:  # "from the sea at targets near the town": later ones belong to the verb, too
                    _prepositions(parse, child, found, only_new=True, only=only or _PLACES, depth=depth + 1)
            elif dep == "pcomp":
                _add(found, word, child)
            elif dep in ("prep", "advmod") and parse.children[child]:
                for pobj in parse.children_with(child, "pobj"):
                    _add(found, word, pobj)
                    _add(found, parse.lower[child], pobj)


def _antecedent(parse: Parse, token: int, verb: int) -> int:
    """The antecedent of a relative pronoun; any other token itself."""
    if parse.tag[token] not in _RELATIVE and not (parse.lower[token] == "that" and parse.pos[token] == "PRON"):
        return token
    above = verb
    while parse.dep[above] in ("conj", "xcomp", "ccomp", "advcl") and parse.head[above] != above:
        above = parse.head[above]
    if parse.dep[above] == "relcl":
        return parse.head[above]
    return token


def _coordinated(parse: Parse, tokens: list[int]) -> Iterator[int]:
    seen: set[int] = set()
    queue = list(tokens)
    while queue:
        token = queue.pop(0)
        if token in seen:
            continue
        seen.add(token)
        yield token
        if not parse.is_verb(token):
            for child in parse.children[token]:
                if parse.dep[child] == "conj" and not parse.is_verb(child):
                    queue.append(child)
                elif parse.dep[child] == "prep" and parse.lower[child] == "including":
                    queue += parse.children_with(child, "pobj")
