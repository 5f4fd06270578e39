"""Who stands where in one article: what a role's relation leads to is looked up here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from curation.engines.rules.mentions import Found
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.relations import parts_of
from curation.engines.rules.triggers import Trigger

_OBJECTS = frozenset(("them", "him", "her", "us"))
_MODIFIERS = frozenset(("amod", "compound", "nmod"))
_WHERE = frozenset(("in", "at", "near", "outside"))
_SUBJECTS = frozenset(("nsubj", "nsubjpass"))


class Board:
    """Who stands where in one article."""

    def __init__(
        self,
        parses: Sequence[Parse],
        found: list[Found],
        triggers: Sequence[Trigger],
        partitives: frozenset[str] = frozenset(),
    ) -> None:
        self.parses, self.found, self.partitives = parses, found, partitives
        self.events = {(trigger.part, trigger.token): trigger for trigger in triggers}
        self.heads: dict[tuple[int, int], list[Found]] = defaultdict(list)
        self.inside: dict[tuple[int, int], list[Found]] = defaultdict(list)
        self.dated: dict[int, list[Found]] = defaultdict(list)
        for item in found:
            self._place(item)

    def _place(self, item: Found) -> None:
        self.heads[item.part, item.head].append(item)
        if item.kind == "name":
            for token in range(item.first, item.last):
                self.inside[item.part, token].append(item)
            self.dated[item.part].append(item)

    def mentions(self, part: int, token: int) -> list[Found]:
        """Mentions that `token` heads, the widest first, or else names that it is a part of."""
        heads = self.heads.get((part, token))
        if heads:
            return sorted(heads, key=lambda item: item.first - item.last)
        return self.inside.get((part, token), [])

    def parts_of(self, part: int, token: int) -> Iterator[int]:
        """The tokens that a noun is `of`: the rebels in `dozens of rebels`."""
        return parts_of(self.parses[part], token)

    def named(self, item: Found) -> Found:
        """The name that says which: `the minister, Doran Melk`, `soldiers of the Hill Guard`, `village of Harl`."""
        if item.kind == "nominal":
            for token in (*self.parses[item.part].kid(item.head, "appos"), *self.parts_of(item.part, item.head)):
                for other in self.heads.get((item.part, token), ()):
                    if other.kind == "name" and other.type == item.type:
                        return other
            if self.parses[item.part].lemma[item.head] in self.partitives:  # "the Hill Guard group"
                for token in self.parses[item.part].kid(item.head, *_MODIFIERS):
                    for other in self.inside.get((item.part, token), ()):
                        if other.type == item.type:
                            return other
        return item

    def add(self, item: Found) -> Found:
        """Put a new mention on the board and into the article."""
        self._place(item)
        self.found.append(item)
        return item

    def subject_before(self, part: int, token: int, types: frozenset[str]) -> Found | None:
        """The nearest earlier subject of the same sentence, where the pronoun at `token` may stand for it."""
        parse = self.parses[part]
        for index in range(token - 1, -1, -1):
            if parse.sentence[index] != parse.sentence[token]:
                return None
            if parse.dep[index] in _SUBJECTS and parse.pos[index] != "PRON":
                fits = parse.lower[token] in ("they", "their") or parse.tag[index] not in ("NNS", "NNPS")
                return next((item for item in self.mentions(part, index) if item.type in types), None) if fits else None
        return None

    def type_before(self, part: int, token: int, types: frozenset[str]) -> str | None:
        """The type of the nearest earlier mention that could fill the role, in this zone or the one before."""
        for where in range(part, max(part - 2, -1), -1):
            earlier = [
                item
                for item in self.found
                if item.part == where
                and item.type in types
                and item.kind != "pronoun"
                and self.parses[where].dep[item.head] not in _MODIFIERS
                and (where < part or item.last <= token)
            ]
            if earlier:
                return max(earlier, key=lambda item: self._likely(part, token, item)).type
        return None

    def _likely(self, part: int, token: int, item: Found) -> tuple[bool, bool, int]:
        """How likely the pronoun at `token` stands for an earlier mention: same sentence, fitting place, near."""
        parse = self.parses[item.part]
        same = item.part == part and parse.sentence[item.head] == parse.sentence[token]
        acted_on = self.parses[part].lower[token] in _OBJECTS  # the subject of its own clause is somebody else
        return same, (parse.dep[item.head] in _SUBJECTS) != acted_on, item.first

    def times(self, trigger: Trigger) -> list[int]:
        """Heads of names, its own clause's first, then what stands below the trigger, then the clauses beside it.

        A role lets in those that are times.
        """
        parse = self.parses[trigger.part]
        clause = _clause(parse, trigger.token)
        own, below, other = [], [], []
        for item in self.dated[trigger.part]:
            if parse.sentence[item.head] != parse.sentence[trigger.token]:
                continue
            if parse.dep[item.head] in ("compound", "amod", "nmod") and parse.head[item.head] != trigger.token:
                continue
            above, place = _clause(parse, item.head), (abs(item.head - trigger.token), item.head)
            governs = above == parse.head[clause] and parse.dep[clause] in ("xcomp", "conj", "advcl")
            governed = parse.dep[above] == "xcomp" and clause in parse.up(above)
            if above == clause:
                own.append(place)
            elif trigger.token in parse.up(item.head):
                below.append(place)
            elif governs or governed:
                other.append(place)
        return [head for tier in (own, below, other) for _, head in sorted(tier)]

    def places(self, trigger: Trigger) -> list[int]:
        """What stands behind `in`, `at` and the like in the clauses around the trigger's, the nearest first."""
        parse = self.parses[trigger.part]
        verbs = [token for token in (trigger.token, *parse.up(trigger.token)) if parse.verbal(token)]
        clauses = [*verbs, *(kid for verb in verbs for kid in parse.kid(verb, "advcl", "conj") if parse.verbal(kid))]
        found = []
        for verb in dict.fromkeys(clauses):
            for prep in parse.kid(verb, "prep"):
                if parse.lower[prep] in _WHERE:
                    found += list(parse.kid(prep, "pobj"))
        return found


def _clause(parse: Parse, token: int) -> int:
    """The verb whose clause `token` stands in, or the root."""
    if parse.verbal(token):
        return token
    last = token
    for above in parse.up(token):
        last = above
        if parse.verbal(above):
            return above
    return last
