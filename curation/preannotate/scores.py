"""How sure the rules are of each item: what speaks for and against it, weighed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log

from curation.preannotate.arguments import Filled
from curation.preannotate.evidence import of_argument, of_entity, of_trigger
from curation.preannotate.mentions import Found
from curation.preannotate.parse import Parse
from curation.preannotate.phrases import said
from curation.preannotate.triggers import Trigger
from curation.preannotate.weights import ARGUMENTS, ENTITIES, TRIGGERS

_NONE: Mapping[str, float] = {}
_QUOTES = frozenset('“”"')
OFTEN = 3
"""How many times an article must say a name before that speaks for it."""


class Scores:
    """The scores of what was found in one article: in (0, 1), higher where more speaks for an item.

    They are shares of right items only where the articles are like those that the weights were fitted on;
    `curation calibrate` makes them so for others.
    """

    def __init__(
        self,
        parses: Sequence[Parse],
        found: Sequence[Found],
        triggers: Sequence[Trigger],
        filled: Sequence[Sequence[Filled]],
        attributes: Sequence[Mapping[str, str]],
        senses: Mapping[str, int],
    ) -> None:
        self.parses, self.senses = parses, senses
        self.roles = {id(trigger): roles for trigger, roles in zip(triggers, filled, strict=True)}
        self.attributes = {id(trigger): values for trigger, values in zip(triggers, attributes, strict=True)}
        self.filling = Counter(id(one.filler) for roles in filled for one in roles)
        self.times = Counter(self._said(item) for item in found if item.kind == "name")
        self.events = {(trigger.part, trigger.token) for trigger in triggers}
        self.names: dict[tuple[int, int], set[str]] = defaultdict(set)
        for item in found:
            if item.kind == "name":
                self.names[item.part, parses[item.part].sentence[item.head]].add(item.type)
        self.quoted = {
            (part, parse.sentence[token])
            for part, parse in enumerate(parses)
            for token, text in enumerate(parse.text)
            if text in _QUOTES
        }
        self.alike = Counter(trigger.type for trigger in triggers)
        self.known: dict[int, float] = {}
        self.fillers: dict[int, Counter[str]] = defaultdict(Counter)
        for trigger, roles in zip(triggers, filled, strict=True):
            self.fillers[id(trigger)].update(one.role for one in roles)

    def _said(self, item: Found) -> str:
        return said(self.parses[item.part], item.first, item.last)

    def of_entity(self, item: Found) -> float:
        """How sure a mention is."""
        if (known := self.known.get(id(item))) is not None:
            return known
        often = item.kind == "name" and self.times[self._said(item)] >= OFTEN
        evidence = of_entity(self.parses[item.part], item, fills=id(item) in self.filling, often=often)
        score = self.known[id(item)] = _weigh(ENTITIES, evidence)
        return score

    def of_trigger(self, trigger: Trigger) -> float:
        """How sure an event is."""
        if (known := self.known.get(id(trigger))) is not None:
            return known
        parse = self.parses[trigger.part]
        roles, values = self.roles[id(trigger)], self.attributes[id(trigger)]
        senses = self.senses.get(parse.lemma[trigger.token], 1)
        sentence = trigger.part, parse.sentence[trigger.token]
        evidence = of_trigger(
            parse,
            trigger,
            roles,
            values,
            senses=senses,
            others=self.events,
            names=sorted(self.names.get(sentence, ())),
            quoted=sentence in self.quoted,
        )
        # an article that tells an event of a type again and again is about such events
        sure = {"alike": log(self.alike[trigger.type])}
        score = self.known[id(trigger)] = _weigh(TRIGGERS, evidence, sure)
        return score

    def of_argument(self, trigger: Trigger, filled: Filled) -> float:
        """How sure an argument is."""
        others = self.fillers[id(trigger)][filled.role] - 1
        filler = filled.filler
        parse, times = self.parses[trigger.part], self.filling[id(filler)]
        evidence = of_argument(parse, trigger, filled, others=others, roles=times)
        sure = {
            "trigger": _odds(self.of_trigger(trigger)),
            "filler": _odds(self.of_entity(filler) if isinstance(filler, Found) else self.of_trigger(filler)),
        }
        return _weigh(ARGUMENTS, evidence, sure)


def _weigh(weights: Mapping[str, float], evidence: Iterable[str], sure: Mapping[str, float] = _NONE) -> float:
    """The share of right items that a logistic regression expects. `sure`: evidence that has a degree, as log odds."""
    total = weights[""] + sum(weights.get(name, 0.0) for name in evidence)
    total += sum(weights.get(name, 0.0) * degree for name, degree in sure.items())
    return round(min(max(1 / (1 + exp(-total)), 0.001), 0.999), 3)


def _odds(score: float) -> float:
    return log(score / (1 - score))
