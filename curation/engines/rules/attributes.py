"""Attributes: whether an event is asserted, denied, planned …, and how an entity is mentioned."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field

from curation.engines.rules.lexicon import Lexicon, Signs
from curation.engines.rules.mentions import Mention
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.triggers import Trigger
from curation.schema import LabelSchema

_APART = frozenset(("relcl", "appos", "parataxis", "amod", "compound", "nmod", "poss", "ccomp"))
"""Dependencies that end the search upwards: words above them do not modify the event."""
_NOBODY = {
    "det": ("no",),
    "nsubj": ("nobody", "none", "neither", "no-one"),
    "nsubjpass": ("nobody", "none", "neither", "no-one"),
    "dobj": ("nobody", "none", "neither", "no-one"),
}
"""Dependency → words that negate their head."""
_ADDRESSING = frozenset(("tell", "call", "ask"))
"""Verbs whose object is real: "told a rally", "called the attack a crime"."""
_TIMES = frozenset(("after", "before", "since", "during", "following", "despite"))
"""Prepositions whose object is a separate event: "After meeting him she called"."""


class AttributeFinder:
    """The attribute rules of one lexicon. Values that are the schema's default are not set."""

    def __init__(self, schema: LabelSchema, lexicon: Lexicon) -> None:
        self.events = lexicon.attributes.events
        self.light = frozenset(word.split(" ")[0] for word in lexicon.light)
        defaults = {attribute.name: attribute.default for attribute in schema.attributes}
        self.mentions: dict[str, dict[str, str]] = {}
        for name, values in lexicon.attributes.entities.items():
            for value, kind in values.items():
                if value != defaults[name]:
                    self.mentions.setdefault(kind, {})[name] = value

    def of_entity(self, found: Mention) -> dict[str, str]:
        """Attributes of a mention that differ from the schema's defaults."""
        return dict(self.mentions.get(found.kind, {}))

    def of_event(self, parse: Parse, trigger: Trigger) -> dict[str, str]:
        """Attributes of an event by the signs around its trigger; the first matching value."""
        context = _context_of(parse, trigger.token, self.light)
        made = {}
        for name, values in self.events.items():
            for value, rule in values.items():
                if _matches(rule, context):
                    made[name] = value
                    break
        return made


@dataclass(slots=True)
class _Context:
    """The words around a trigger that may be signs of an attribute."""

    negated: bool = False
    auxiliaries: set[str] = field(default_factory=set)
    governors: set[str] = field(default_factory=set)
    modifiers: set[str] = field(default_factory=set)


def _matches(rule: Signs, context: _Context) -> bool:
    return (
        (rule.negated and context.negated)
        or not context.auxiliaries.isdisjoint(rule.auxiliaries)
        or not context.governors.isdisjoint(rule.governors)
        or not context.modifiers.isdisjoint(rule.modifiers)
    )


def _context_of(parse: Parse, token: int, light: Collection[str]) -> _Context:
    context = _Context()
    _look(parse, token, context)
    below = token
    for above in itertools.islice(parse.ancestors(token), 5):
        dep = parse.dep[below]
        if dep in _APART or (dep == "advcl" and parse.tag[below] != "VB"):
            break
        verbal = parse.is_verb(above)
        lends = verbal and parse.lemma[above] in light
        if dep in ("nsubj", "nsubjpass"):
            if lends or dep == "nsubjpass":
                context.governors.add(parse.lemma[above])
            if lends:
                _look(parse, above, context, own=False)
            break
        if dep == "conj":
            if not parse.has_child(below, "nsubj", "nsubjpass"):
                _look(parse, above, context, own=False)
        elif dep in ("pobj", "pcomp"):
            if parse.lower[above] == "without":
                context.negated = True
        elif dep in ("prep", "agent"):
            context.governors.add(f"{parse.lemma[above]} {parse.lower[below]}")
            noun = parse.pos[above] == "NOUN"
            if noun or (parse.tag[token].startswith("VB") and parse.lower[below] not in _TIMES):
                context.governors.add(parse.lemma[above])
            if noun and parse.lower[below] != "of":
                break  # "denied a part in the attack" does not deny the attack
        elif dep == "xcomp" and parse.lemma[above] == "be":
            context.auxiliaries.add("be to")
        elif verbal or parse.pos[above] in ("NOUN", "ADJ"):
            acts = dep in ("dobj", "oprd") and verbal
            if not acts or (parse.lemma[above] not in _ADDRESSING and not parse.has_child(above, "prt")):
                context.governors.add(parse.lemma[above])
            if lends and dep in ("dobj", "attr", "oprd"):
                _look(parse, above, context, own=False)
            elif dep == "xcomp" and parse.has_child(above, "neg"):
                context.negated = True
        if verbal and dep != "conj" and not lends and dep != "xcomp":
            break  # "failed to heed the warnings" does not deny the warnings
        below = above
    return context


def _look(parse: Parse, token: int, context: _Context, *, own: bool = True) -> None:
    for child in parse.children[token]:
        dep = parse.dep[child]
        if dep == "neg" or parse.lower[child] in _NOBODY.get(dep, ()) or (dep in _NOBODY and _has_no(parse, child)):
            context.negated = True
        elif dep in ("aux", "auxpass", "mark"):
            context.auxiliaries.add(parse.lemma[child])
            context.auxiliaries.add(parse.lower[child])
        elif own and dep in ("amod", "advmod", "compound"):
            context.modifiers.add(parse.lower[child])


def _has_no(parse: Parse, token: int) -> bool:
    """Whether the noun at `token` has the determiner `no`: "no aircraft was damaged"."""
    return any(parse.lower[child] == "no" for child in parse.children_with(token, "det"))
