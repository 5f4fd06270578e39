"""Attributes: whether the text says that an event happens, and how an entity is mentioned."""

from __future__ import annotations

import itertools
from collections.abc import Collection

from curation.engines.rules.lexicon import Lexicon, Signs
from curation.engines.rules.mentions import Found
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.triggers import Trigger
from curation.schema import LabelSchema

_APART = frozenset(("relcl", "appos", "parataxis", "amod", "compound", "nmod", "poss", "ccomp"))
"""Dependencies across which nothing is said of what stands below."""
_NOBODY = {
    "det": ("no",),
    "nsubj": ("nobody", "none", "neither", "no-one"),
    "nsubjpass": ("nobody", "none", "neither", "no-one"),
    "dobj": ("nobody", "none", "neither", "no-one"),
}
"""Dependency → words that deny what they depend on."""
_TELLS = frozenset(("tell", "call", "ask"))
"""What these act on is there: "told a rally", "called the attack a crime"."""
_TIMES = frozenset(("after", "before", "since", "during", "following", "despite"))
"""Prepositions behind which something else happens: "After meeting him she called"."""


class AttributeFinder:
    """The attribute rules of one lexicon, with the schema's defaults left out."""

    def __init__(self, schema: LabelSchema, lexicon: Lexicon) -> None:
        self.events = lexicon.attributes.events
        self.light = frozenset(word.split(" ")[0] for word in lexicon.light)
        defaults = {attribute.name: attribute.default for attribute in schema.attributes}
        self.mentions: dict[str, dict[str, str]] = {}
        for name, values in lexicon.attributes.entities.items():
            for value, kind in values.items():
                if value != defaults[name]:
                    self.mentions.setdefault(kind, {})[name] = value

    def of_entity(self, found: Found) -> dict[str, str]:
        """Attributes of a mention that differ from the schema's defaults."""
        return dict(self.mentions.get(found.kind, {}))

    def of_event(self, parse: Parse, trigger: Trigger) -> dict[str, str]:
        """Attributes of an event that its surroundings tell; the first value that fits."""
        signs = _surroundings(parse, trigger.token, self.light)
        made = {}
        for name, values in self.events.items():
            for value, rule in values.items():
                if _shows(rule, signs):
                    made[name] = value
                    break
        return made


class _Around:
    __slots__ = ("auxiliaries", "governors", "modifiers", "negated")

    def __init__(self) -> None:
        self.negated = False
        self.auxiliaries: set[str] = set()
        self.governors: set[str] = set()
        self.modifiers: set[str] = set()


def _shows(rule: Signs, around: _Around) -> bool:
    return (
        (rule.negated and around.negated)
        or not around.auxiliaries.isdisjoint(rule.auxiliaries)
        or not around.governors.isdisjoint(rule.governors)
        or not around.modifiers.isdisjoint(rule.modifiers)
    )


def _surroundings(parse: Parse, token: int, light: Collection[str]) -> _Around:
    around = _Around()
    _look(parse, token, around)
    below = token
    for above in itertools.islice(parse.up(token), 5):
        dep = parse.dep[below]
        if dep in _APART or (dep == "advcl" and parse.tag[below] != "VB"):
            break
        verbal = parse.verbal(above)
        lends = verbal and parse.lemma[above] in light
        if dep in ("nsubj", "nsubjpass"):
            if lends or dep == "nsubjpass":
                around.governors.add(parse.lemma[above])
            if lends:
                _look(parse, above, around, own=False)
            break
        if dep == "conj":
            if not any(True for _ in parse.kid(below, "nsubj", "nsubjpass")):
                _look(parse, above, around, own=False)
        elif dep in ("pobj", "pcomp"):
            if parse.lower[above] == "without":
                around.negated = True
        elif dep in ("prep", "agent"):
            around.governors.add(f"{parse.lemma[above]} {parse.lower[below]}")
            noun = parse.pos[above] == "NOUN"
            if noun or (parse.tag[token].startswith("VB") and parse.lower[below] not in _TIMES):
                around.governors.add(parse.lemma[above])
            if noun and parse.lower[below] != "of":
                break  # "denied a part in the attack" does not deny the attack
        elif dep == "xcomp" and parse.lemma[above] == "be":
            around.auxiliaries.add("be to")
        elif verbal or parse.pos[above] in ("NOUN", "ADJ"):
            acts = dep in ("dobj", "oprd") and verbal
            if not acts or (parse.lemma[above] not in _TELLS and not any(True for _ in parse.kid(above, "prt"))):
                around.governors.add(parse.lemma[above])
            if lends and dep in ("dobj", "attr", "oprd"):
                _look(parse, above, around, own=False)
            elif dep == "xcomp" and any(True for _ in parse.kid(above, "neg")):
                around.negated = True
        if verbal and dep != "conj" and not lends and dep != "xcomp":
            break  # "failed to heed the warnings" says nothing of the warnings
        below = above
    return around


def _look(parse: Parse, token: int, around: _Around, *, own: bool = True) -> None:
    for kid in parse.kids[token]:
        dep = parse.dep[kid]
        if dep == "neg" or parse.lower[kid] in _NOBODY.get(dep, ()) or (dep in _NOBODY and _no(parse, kid)):
            around.negated = True
        elif dep in ("aux", "auxpass", "mark"):
            around.auxiliaries.add(parse.lemma[kid])
            around.auxiliaries.add(parse.lower[kid])
        elif own and dep in ("amod", "advmod", "compound"):
            around.modifiers.add(parse.lower[kid])


def _no(parse: Parse, token: int) -> bool:
    """Whether there is none of what stands at `token`: "no aircraft was damaged"."""
    return any(parse.lower[kid] == "no" for kid in parse.kid(token, "det"))
