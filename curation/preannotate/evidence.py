"""What speaks for and against each item, by name: scores are made of it (curation/preannotate/scores.py)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from curation.preannotate.arguments import Filled
from curation.preannotate.lexicon import ANY
from curation.preannotate.mentions import ALIAS, CUED, GENERIC, HEADED, LISTED, MODEL, PRONOUN, Found
from curation.preannotate.parse import Parse
from curation.preannotate.triggers import Trigger

_HOW = {
    LISTED: "listed",
    CUED: "cued",
    MODEL: "model",
    ALIAS: "alias",
    HEADED: "headed",
    GENERIC: "generic",
    PRONOUN: "pronoun",
}
_TAGS = ("NN", "NNS", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ")
_MODIFIERS = ("compound", "amod", "nmod")
_GOVERNED = ("xcomp", "pcomp", "csubj")
_DEFINITE = ("the", "this", "that", "these", "those")
_CIRCUMSTANCES = ("place", "time")
_STOPS = (",", ";", ":")
_NEAR, _FAR = 3, 12
"""Tokens between a trigger and its filler that are near, and far."""
_MANY, _LONG = 4, 6
"""Roles that a filler fills, and steps in the parse between trigger and filler, from which on they are not counted."""


def of_entity(parse: Parse, item: Found, *, fills: bool, often: bool) -> Iterator[str]:
    """What speaks for and against a mention. `often`: the same words stand in the article three times or more."""
    how = _HOW[item.score]
    yield f"found {how}"
    yield f"{item.type} {how}"
    size = item.last - item.first
    yield "one word" if size == 1 else "two words" if size == 2 else "long"
    if fills:
        yield "fills a role"
        yield f"fills a role {item.kind}"
    if often:
        yield "often"
    if item.kind == "name" and not parse.text[item.first][:1].isupper():
        yield "lower case"
    if parse.text[item.first].isupper() and size == 1 and parse.text[item.first].isalpha():
        yield "capitals"
    if item.first == 0 or parse.sentence[item.first] != parse.sentence[item.first - 1]:
        yield "opens a sentence"
    if parse.pos[item.head] not in ("PROPN", "NOUN", "NUM", "PRON", "ADJ"):
        yield "head is no noun"
    if any(not char.isalnum() for token in range(item.first, item.last) for char in parse.text[token]):
        yield "marks inside"
    if parse.dep[item.head] in _MODIFIERS:
        yield f"modifies {item.kind}"
    if parse.zone.kind != "body":
        yield f"in {parse.zone.kind}"


def of_trigger(
    parse: Parse,
    trigger: Trigger,
    roles: Sequence[Filled],
    attributes: Mapping[str, str],
    *,
    senses: int,
    others: Container[tuple[int, int]],
    names: Iterable[str],
    quoted: bool,
) -> Iterator[str]:
    """What speaks for and against a trigger.

    Args:
        parse: its zone.
        trigger: the trigger.
        roles: what fills its roles.
        attributes: its attributes.
        senses: how many event types its word may be of.
        others: where triggers stand in the article: part and token.
        names: the types of the names in its sentence.
        quoted: whether a quotation begins or ends in its sentence.
    """
    token = trigger.token
    tag = parse.tag[token]
    yield f"tag {tag}" if tag in _TAGS else "tag other"
    yield f"type {trigger.type}"
    yield f"{trigger.type} {'verb' if parse.verbal(token) else 'noun'}"
    yield f"word {parse.lemma[token]}"
    filling = {filled.role for filled in roles}
    core = len(filling.difference(_CIRCUMSTANCES))
    yield ("no role", "one role")[core] if core < 2 else "more roles"
    for role in sorted(filling):
        yield f"has {role}"
    part, head = trigger.part, parse.head[token]
    if head != token and (part, head) in others:
        yield "hangs on an event"
    if any((part, kid) in others for kid in parse.kids[token]):
        yield "carries an event"
    if any(isinstance(filled.filler, Trigger) for filled in roles):
        yield "of an event"
    if any(isinstance(filled.filler, Found) and filled.filler.kind == "name" for filled in roles):
        yield "of a name"
    for name, value in sorted(attributes.items()):
        yield f"{name} {value}"
    if trigger.last - trigger.first > 1:
        yield "phrase"
    if trigger.by_order:
        yield "headline"
    yield f"score {trigger.score}"
    if trigger.rule.needs and ANY not in {word for words in trigger.rule.needs.values() for word in words}:
        yield "guarded"
    if senses > 1:
        yield "senses"
    if parse.dep[token] in _MODIFIERS:
        yield "modifies"
    if parse.dep[token] in _GOVERNED:
        yield "governed"
    for name in names:
        yield f"beside {name}"
    if quoted:
        yield "quoted"
    if not parse.verbal(token):
        if any(True for _ in parse.kid(token, "poss")):
            yield "possessed"
        elif not any(True for _ in parse.kid(token, "det")):
            yield f"bare {tag}"
        if any(True for _ in parse.kid(token, *_MODIFIERS)):
            yield "modified"
    kids = {parse.lower[kid] for kid in parse.kids[token] if kid < token}
    if not kids.isdisjoint(_DEFINITE):
        yield "definite"
    if not kids.isdisjoint(("a", "an")):
        yield "indefinite"
    if tag == "NNS" and not any(kid < token for kid in parse.kids[token]):
        yield "bare plural"
    if not parse.verbal(token) and parse.dep[token] == "pobj":
        yield f"behind {parse.lower[parse.head[token]]}"
    if parse.zone.kind != "body":
        yield f"in {parse.zone.kind}"


def of_argument(parse: Parse, trigger: Trigger, filled: Filled, *, others: int, roles: int) -> Iterator[str]:
    """What speaks for and against an argument.

    Args:
        parse: the zone of the trigger.
        trigger: the trigger.
        filled: the role and its filler.
        others: how many more fill the role.
        roles: how many roles the filler fills in the article.
    """
    yield f"by {filled.relation}"
    yield f"role {filled.role}"
    verbal = "verb" if parse.verbal(trigger.token) else "noun"
    yield verbal
    yield f"{verbal} by {filled.relation}"
    filler = filled.filler
    if isinstance(filler, Found):
        yield f"filler {filler.kind}"
        yield f"filler {filler.type}"
        yield f"filler {_HOW[filler.score]}"
        head = filler.head
        if filler.part != trigger.part:
            yield "another zone"
    else:
        yield "filler event"
        head = filler.token
    if parse.sentence[min(head, len(parse) - 1)] == parse.sentence[trigger.token]:
        distance = abs(head - trigger.token)
        yield "near" if distance <= _NEAR else "far" if distance > _FAR else "between"
        if parse.head[head] == trigger.token:
            yield "direct"
        elif parse.head[parse.head[head]] == trigger.token:
            yield "one between"
        if head > trigger.token:
            yield f"behind {verbal}"
        if filler.part == trigger.part:
            between = range(min(head, trigger.token) + 1, max(head, trigger.token))
            if any(parse.verbal(token) for token in between):
                yield "verb between"
            if any(parse.text[token] in _STOPS for token in between):
                yield "stop between"
            yield f"steps {_steps(parse, head, trigger.token)}"
            yield f"dep {parse.dep[head]}"
    yield f"fills {min(roles, _MANY)}"
    if others:
        yield "shared role"
    if trigger.by_order:
        yield "headline"


def _steps(parse: Parse, one: int, other: int) -> int:
    """How many arcs of the parse lie between two tokens of a sentence."""
    above = {token: steps for steps, token in enumerate((one, *parse.up(one)))}
    for steps, token in enumerate((other, *parse.up(other))):
        if token in above:
            return min(steps + above[token], _LONG)
    return _LONG
