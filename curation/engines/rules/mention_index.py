"""Index of mentions and triggers by token, for finding the fillers of roles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from curation.engines.rules.mentions import Mention
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.relations import LOCATIVE_PREPOSITIONS, parts_of
from curation.engines.rules.triggers import Trigger

_OBJECTS = frozenset(("them", "him", "her", "us"))
_MODIFIERS = frozenset(("amod", "compound", "nmod"))
_SUBJECTS = frozenset(("nsubj", "nsubjpass"))


class MentionIndex:
    """Index of the mentions and triggers of one article by zone and token."""

    def __init__(
        self,
        parses: Sequence[Parse],
        found: list[Mention],
        triggers: Sequence[Trigger],
        partitives: frozenset[str] = frozenset(),
    ) -> None:
        self.parses, self.found, self.partitives = parses, found, partitives
        self.events = {(trigger.zone, trigger.token): trigger for trigger in triggers}
        self.heads: dict[tuple[int, int], list[Mention]] = defaultdict(list)
        self.inside_names: dict[tuple[int, int], list[Mention]] = defaultdict(list)
        self.names: dict[int, list[Mention]] = defaultdict(list)
        for item in found:
            self._place(item)

    def _place(self, item: Mention) -> None:
        self.heads[item.zone, item.head].append(item)
        if item.kind == "name":
            for token in range(item.first, item.last):
                self.inside_names[item.zone, token].append(item)
            self.names[item.zone].append(item)

    def mentions(self, zone: int, token: int) -> list[Mention]:
        """Mentions headed by `token`, the widest first, else names that contain it."""
        heads = self.heads.get((zone, token))
        if heads:
            return sorted(heads, key=lambda item: item.first - item.last)
        return self.inside_names.get((zone, token), [])

    def parts_of(self, zone: int, token: int) -> Iterator[int]:
        """The complements of a noun with `of`: the rebels in `dozens of rebels`."""
        return parts_of(self.parses[zone], token)

    def named(self, item: Mention) -> Mention:
        """The name of a nominal: `the minister, Doran Melk`, `soldiers of the Hill Guard`, `village of Harl`."""
        if item.kind == "nominal":
            appositions = self.parses[item.zone].children_with(item.head, "appos")
            for token in (*appositions, *self.parts_of(item.zone, item.head)):
                for other in self.heads.get((item.zone, token), ()):
                    if other.kind == "name" and other.type == item.type:
                        return other
            if self.parses[item.zone].lemma[item.head] in self.partitives:  # "the Hill Guard group"
                for token in self.parses[item.zone].children_with(item.head, *_MODIFIERS):
                    for other in self.inside_names.get((item.zone, token), ()):
                        if other.type == item.type:
                            return other
        return item

    def add(self, item: Mention) -> Mention:
        """Add a new mention to the index and to the article."""
        self._place(item)
        self.found.append(item)
        return item

    def subject_before(self, zone: int, token: int, types: frozenset[str]) -> Mention | None:
        """The nearest earlier subject in the sentence of the pronoun at `token`, if the pronoun may refer to it."""
        parse = self.parses[zone]
        for index in range(token - 1, -1, -1):
            if parse.sentence[index] != parse.sentence[token]:
                return None
            if parse.dep[index] in _SUBJECTS and parse.pos[index] != "PRON":
                fits = parse.lower[token] in ("they", "their") or parse.tag[index] not in ("NNS", "NNPS")
                return next((item for item in self.mentions(zone, index) if item.type in types), None) if fits else None
        return None

    def type_before(self, zone: int, token: int, types: frozenset[str]) -> str | None:
        """The type of the most likely antecedent of the pronoun at `token`, in this zone or the one before."""
        for where in range(zone, max(zone - 2, -1), -1):
            earlier = [
                item
                for item in self.found
                if item.zone == where
                and item.type in types
                and item.kind != "pronoun"
                and self.parses[where].dep[item.head] not in _MODIFIERS
                and (where < zone or item.last <= token)
            ]
            if earlier:
                return max(earlier, key=lambda item: self._antecedent_key(zone, token, item)).type
        return None

    def _antecedent_key(self, zone: int, token: int, item: Mention) -> tuple[bool, bool, int]:
        """Sort key for antecedents of the pronoun at `token`: same sentence, parallel function, near."""
        parse = self.parses[item.zone]
        same = item.zone == zone and parse.sentence[item.head] == parse.sentence[token]
        acted_on = self.parses[zone].lower[token] in _OBJECTS  # the subject of its own clause is another mention
        return same, (parse.dep[item.head] in _SUBJECTS) != acted_on, item.first

    def times(self, trigger: Trigger) -> list[int]:
        """Heads of names around the trigger: in its clause, then below it, then in adjacent clauses; near ones first.

        The types of the role select the times.
        """
        parse = self.parses[trigger.zone]
        clause = _clause(parse, trigger.token)
        own, below, other = [], [], []
        for item in self.names[trigger.zone]:
            if parse.sentence[item.head] != parse.sentence[trigger.token]:
                continue
            if parse.dep[item.head] in ("compound", "amod", "nmod") and parse.head[item.head] != trigger.token:
                continue
            above, place = _clause(parse, item.head), (abs(item.head - trigger.token), item.head)
            governs = above == parse.head[clause] and parse.dep[clause] in ("xcomp", "conj", "advcl")
            governed = parse.dep[above] == "xcomp" and clause in parse.ancestors(above)
            if above == clause:
                own.append(place)
            elif trigger.token in parse.ancestors(item.head):
                below.append(place)
            elif governs or governed:
                other.append(place)
        return [head for tier in (own, below, other) for _, head in sorted(tier)]

    def places(self, trigger: Trigger) -> list[int]:
        """Objects of `in`, `at`, `near` and `outside` in the clauses around the trigger, the nearest first."""
        parse = self.parses[trigger.zone]
        verbs = [token for token in (trigger.token, *parse.ancestors(trigger.token)) if parse.is_verb(token)]
        below = (child for verb in verbs for child in parse.children_with(verb, "advcl", "conj"))
        clauses = [*verbs, *(child for child in below if parse.is_verb(child))]
        found = []
        for verb in dict.fromkeys(clauses):
            for prep in parse.children_with(verb, "prep"):
                if parse.lower[prep] in LOCATIVE_PREPOSITIONS:
                    found += list(parse.children_with(prep, "pobj"))
        return found


def _clause(parse: Parse, token: int) -> int:
    """The verb of the clause of `token`, or the root."""
    if parse.is_verb(token):
        return token
    last = token
    for above in parse.ancestors(token):
        last = above
        if parse.is_verb(above):
            return above
    return last
