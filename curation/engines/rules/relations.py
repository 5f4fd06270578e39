"""Who does what to whom, read from a dependency parse: the relations that lexicons speak of, seen from one word.

The names of the relations stand at the top of `lexicon.py`. Each maps to the tokens that fill it, nearest first,
coordinated ones included.
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
_WHERE = ("in", "at", "near", "outside")
_TIED = words("npadvmod compound nmod amod nsubj dep advmod punct")
_TAKE_PART = {"participate", "engage", "take", "join", "involve"}


def relations(parse: Parse, token: int, light: Collection[str]) -> Relations:
    """Every relation of the word at `token`. `light` are the verbs that lend theirs to the noun they act on."""
    found: Relations = {}
    if parse.verbal(token) or (parse.tag[token].startswith("VB")):
        _of_verb(parse, token, found)
    else:
        _of_noun(parse, token, found, light)
    return {name: list(_coordinated(parse, tokens)) for name, tokens in found.items()}


def parts_of(parse: Parse, token: int) -> Iterator[int]:
    """The tokens that a noun is `of`: the rebels in `dozens of rebels`."""
    for prep in parse.kids[token]:
        if parse.lower[prep] == "of":
            yield from parse.kid(prep, "pobj")


def _add(found: Relations, name: str, token: int) -> None:
    tokens = found.setdefault(name, [])
    if token not in tokens:
        tokens.append(token)


def _of_verb(parse: Parse, verb: int, found: Relations, depth: int = 0) -> None:
    for kid in parse.kids[verb]:
        dep = parse.dep[kid]
        if dep == "nsubj" or dep == "csubj":
            bare = parse.tag[verb] == "VBN" and not any(True for _ in parse.kid(verb, "aux", "auxpass"))
            _add(found, "object" if bare else "subject", _antecedent(parse, kid, verb))  # headline "Eleven killed"
        elif dep == "nsubjpass":
            _add(found, "object", _antecedent(parse, kid, verb))
        elif dep == "agent":
            for pobj in parse.kid(kid, "pobj"):
                _add(found, "subject", pobj)
                _add(found, "by", pobj)
            for pcomp in parse.kid(kid, "pcomp"):
                _add(found, "by", pcomp)
        elif dep == "dobj":
            _add(found, "object", _antecedent(parse, kid, verb))
        elif dep == "dative":
            pobjs = list(parse.kid(kid, "pobj"))
            for pobj in pobjs or [kid]:
                _add(found, "recipient", pobj)
                if pobjs:
                    _add(found, parse.lower[kid], pobj)
        elif dep in ("xcomp", "ccomp"):
            for subject in parse.kid(kid, "nsubj"):
                _add(found, "clause-subject", subject)
            if parse.verbal(kid):
                _add(found, "clause", kid)
                if parse.tag[kid] == "VB" and any(parse.lower[aux] == "to" for aux in parse.kid(kid, "aux")):
                    _add(found, "infinitive", kid)
                if dep == "ccomp" and parse.tag[kid] == "VB":  # "told X to move", X read as the subject of "move"
                    for subject in parse.kid(kid, "nsubj"):
                        if parse.start[subject] > parse.start[verb]:
                            _add(found, "object", subject)
            else:
                _add(found, "clause", kid)
        elif dep == "oprd":
            _add(found, "clause", kid)
    if "object" not in found:
        for kid in parse.kid(verb, "conj"):
            if kid == verb + 2 and parse.tag[kid] == parse.tag[verb]:  # "[shot] and killed a man"
                for thing in parse.kid(kid, "dobj"):
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
            _prepositions(parse, thing, found, only_new=True, only=_WHERE)
    above = parse.head[verb]
    if (
        above != verb
        and parse.verbal(above)
        and (parse.dep[verb] == "conj" or (parse.dep[verb] == "advcl" and parse.tag[verb] == "VBG"))
    ):
        _add(found, "above", above)
    if "subject" not in found or ("object" not in found and _passive(parse, verb)):
        _inherited(parse, verb, found, depth)


def _passive(parse: Parse, verb: int) -> bool:
    if any(True for _ in parse.kid(verb, "nsubjpass", "auxpass")):
        return True
    return parse.tag[verb] == "VBN" and not any(parse.lemma[kid] == "have" for kid in parse.kid(verb, "aux"))


def _inherited(parse: Parse, verb: int, found: Relations, depth: int) -> None:
    """Subject or object from the clause above: control, coordination, participles, relative clauses."""
    head, dep = parse.head[verb], parse.dep[verb]
    if head == verb or depth > 3:
        return
    passive = _passive(parse, verb)
    if dep in ("acl", "relcl") and parse.tag[verb] == "VBD" and "object" not in found:
        passive = not any(True for _ in parse.kid(verb, "nsubj"))  # "the men killed in the raid"
    place = "object" if passive else "subject"
    if dep in ("acl", "relcl"):
        if parse.verbal(head):
            _from_above(parse, verb, head, place, found, depth)
        elif dep == "acl" and parse.tag[verb] == "VB":
            _owner_of(parse, head, found)
        elif dep == "relcl" and "subject" in found:
            if "object" not in found and not any(parse.tag[kid] in _RELATIVE for kid in parse.kids[verb]):
                _add(found, "object", head)
        elif place not in found:
            _add(found, place, head)
    elif dep == "amod" and head > verb:
        if place not in found:
            _add(found, place, head)
        if passive:
            for kid in parse.kids[verb]:
                if parse.dep[kid] in _TIED and parse.pos[kid] in ("PROPN", "NOUN", "ADJ"):  # "Mirdani-backed rebels"
                    _add(found, "subject", kid)
    elif parse.verbal(head) and dep in ("xcomp", "advcl", "conj", "ccomp", "dep", "oprd", "parataxis"):
        if dep == "ccomp" and parse.tag[verb] not in ("VB", "VBG"):
            return
        _from_above(parse, verb, head, place, found, depth)
    elif dep in ("pcomp", "prep") and head != parse.head[head]:
        above = parse.head[head]
        if parse.verbal(above):
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
    """Who stands behind a noun such as `plans to attack`: its possessor, or the subject that has it."""
    for kid in parse.kid(noun, "poss"):
        _add(found, "subject", kid)
    if "subject" not in found:
        for kid in parse.kid(noun, "compound", "amod"):
            if parse.pos[kid] in ("PROPN", "NOUN"):
                _add(found, "subject", kid)
    head = parse.head[noun]
    if "subject" not in found and parse.dep[noun] in ("dobj", "attr", "pobj"):
        if not parse.verbal(head):
            head = parse.head[head]
        if parse.verbal(head):
            for kid in parse.kid(head, "nsubj"):
                _add(found, "subject", _antecedent(parse, kid, head))


def _of_noun(parse: Parse, noun: int, found: Relations, light: Collection[str]) -> None:
    for kid in parse.kids[noun]:
        dep = parse.dep[kid]
        if dep == "poss":
            _add(found, "possessor", kid)
        elif dep in ("compound", "amod", "nmod", "npadvmod", "nummod") and kid < noun:
            _add(found, "modifier", kid)
            for inner in parse.kids[kid]:
                if parse.dep[inner] in ("compound", "amod", "nmod", "npadvmod", "poss"):
                    _add(found, "modifier", inner)
        elif dep in ("acl", "relcl") and parse.verbal(kid):
            if parse.tag[kid] == "VB":
                _add(found, "clause", kid)
            _around(parse, kid, noun, found, light)
        elif dep == "acl" or dep == "ccomp":
            _add(found, "clause", kid)
    _prepositions(parse, noun, found)
    head, dep = parse.head[noun], parse.dep[noun]
    if parse.lower[noun].endswith("ing") and dep == "attr" and parse.verbal(head):  # "was busy mediating"
        for kid in parse.kid(head, "nsubj"):
            _add(found, "subject", _antecedent(parse, kid, head))
    if dep == "conj" and not parse.verbal(head):
        upper: Relations = {}
        if head < noun and parse.dep[head] != "conj":
            _of_noun(parse, head, upper, light)
        for name in ("subject", "possessor", "of", "by", "against", "in", "at", "near"):
            for token in upper.get(name, ()):
                if name not in found:
                    _add(found, name, token)
    elif parse.verbal(head) and (dep in ("acomp", "ccomp", "xcomp") or (dep == "oprd" and parse.pos[noun] == "ADJ")):
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
    elif dep in ("dobj", "nsubjpass", "nsubj", "attr", "oprd") and parse.verbal(head):
        _around(parse, head, noun, found, light)
        if dep == "nsubj" and parse.lemma[head] not in light:  # "the blast took [place]"
            _affected(parse, head, found)
    elif dep == "pobj":
        prep, verb = head, parse.head[head]
        if parse.dep[prep] == "agent":
            _affected(parse, verb, found)
        if parse.lemma[verb] in light and not parse.verbal(verb) and parse.verbal(parse.head[verb]):
            for kid in parse.kid(parse.head[verb], "nsubj"):  # "claimed responsibility for the [attack]"
                _add(found, "subject", _antecedent(parse, kid, parse.head[verb]))
        if parse.verbal(verb) and parse.dep[prep] in ("prep", "agent", "dative"):
            if parse.lower[prep] == "under" and parse.lemma[verb] in ("come", "be", "fall"):
                for kid in parse.kid(verb, "nsubj"):
                    _add(found, "object", _antecedent(parse, kid, verb))
                _prepositions(parse, verb, found, only_new=True, only=("for", *_WHERE))
            elif parse.lower[prep] == "in" and parse.lemma[verb] in _TAKE_PART:
                _around(parse, verb, noun, found, light)
            elif parse.dep[prep] != "agent" and parse.lower[prep] in ("in", "during", "after", "as"):
                _prepositions(parse, verb, found, only_new=True, only=_WHERE)


def _affected(parse: Parse, verb: int, found: Relations) -> None:
    """What the noun acts on as the doer of a verb: "the [blast] tore through the mill", "hit by a [strike]"."""
    for kid in parse.kid(verb, "dobj", "nsubjpass"):
        _add(found, "affects", _antecedent(parse, kid, verb))


def _verb_name(parse: Parse, verb: int) -> str:
    for kid in parse.kids[verb]:
        if parse.dep[kid] == "prt":
            return f"{parse.lemma[verb]} {parse.lower[kid]}"
    return parse.lemma[verb]


def _around(parse: Parse, verb: int, noun: int, found: Relations, light: Collection[str]) -> None:
    """What the verb that acts on `noun`, or that it does, lends it."""
    lends = _verb_name(parse, verb) in light or parse.lemma[verb] in light
    own: Relations = {}
    if lends:
        _of_verb(parse, verb, own)
        for name, tokens in own.items():
            if name in ("object", "clause"):
                continue
            for token in tokens:
                if token != noun:
                    _add(found, name, token)
    else:
        _prepositions(parse, verb, found, only_new=True, only=_WHERE)


def _prepositions(
    parse: Parse, token: int, found: Relations, *, only_new: bool = False, only: Collection[str] = (), depth: int = 0
) -> None:
    preps = list(parse.kids[token])
    for adverb in parse.kid(token, "advmod", "prt"):  # "flew back [to Harl]"
        preps += parse.kid(adverb, "prep")
    for prep in preps:
        if parse.dep[prep] not in ("prep", "agent", "dative") and not (
            parse.dep[prep] in ("advmod", "prt", "advcl", "cc") and parse.pos[prep] in ("ADP", "SCONJ")
        ):
            continue
        word = parse.lower[prep]
        if word == "according" or (only and word not in only) or (only_new and word == "of"):
            continue
        for kid in parse.kids[prep]:
            dep = parse.dep[kid]
            if dep == "pobj":
                if not only_new or word not in found or kid in found[word]:
                    _add(found, word, kid)
                if depth < 2:  # "from the sea at targets near the town": the later ones are the verb's as well
                    _prepositions(parse, kid, found, only_new=True, only=only or _PLACES, depth=depth + 1)
            elif dep == "pcomp":
                _add(found, word, kid)
            elif dep in ("prep", "advmod") and parse.kids[kid]:
                for pobj in parse.kid(kid, "pobj"):
                    _add(found, word, pobj)
                    _add(found, parse.lower[kid], pobj)


def _antecedent(parse: Parse, token: int, verb: int) -> int:
    """What a relative pronoun stands for; any other token stands for itself."""
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
        if not parse.verbal(token):
            for kid in parse.kids[token]:
                if parse.dep[kid] == "conj" and not parse.verbal(kid):
                    queue.append(kid)
                elif parse.dep[kid] == "prep" and parse.lower[kid] == "including":
                    queue += parse.kid(kid, "pobj")
