"""Attributes: whether the text says that an event happens, and how an entity is mentioned."""

from __future__ import annotations

from collections.abc import Collection

from curation.preannotate.entities import Found
from curation.preannotate.lexicon import Lexicon, Signs
from curation.preannotate.parse import Parse
from curation.preannotate.triggers import Trigger
from curation.schema import LabelSchema


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
    steps, below = 0, token
    for above in parse.up(token):
        dep = parse.dep[below]
        if dep in ("relcl", "appos", "parataxis", "nsubj", "amod", "compound") or steps > 3:
            break
        if dep == "advcl" and parse.tag[below] != "VB":
            break
        if dep == "conj":
            _look(parse, above, around, own=False)
        elif parse.pos[above] in ("VERB", "AUX", "NOUN", "ADJ"):
            around.governors.add(parse.lemma[above])
            if dep in ("dobj", "nsubjpass", "xcomp", "attr") and (parse.verbal(above)):
                _look(parse, above, around, own=dep != "xcomp")
            steps += 1
        below = above
        if dep in ("dobj", "nsubjpass", "pobj") and parse.verbal(above) and parse.lemma[above] not in light:
            break  # "failed to heed the warnings" says nothing of the warnings
        if parse.verbal(above) and dep not in ("xcomp", "dobj", "nsubjpass", "conj", "pobj", "prep", "pcomp"):
            break
    if parse.dep[token] in ("nsubjpass", "nsubj") and parse.verbal(parse.head[token]):
        _look(parse, parse.head[token], around)
        around.governors.add(parse.lemma[parse.head[token]])
    return around


def _look(parse: Parse, token: int, around: _Around, *, own: bool = True) -> None:
    for kid in parse.kids[token]:
        dep = parse.dep[kid]
        if dep == "neg" or (dep == "det" and parse.lower[kid] == "no"):
            around.negated = True
        elif dep in ("aux", "auxpass", "mark"):
            around.auxiliaries.add(parse.lemma[kid])
            around.auxiliaries.add(parse.lower[kid])
        elif own and dep in ("amod", "advmod", "compound"):
            around.modifiers.add(parse.lower[kid])
