"""Entities of one article: the model's names cleaned, names and nouns of the lexicon, one type for one name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from curation.engines.rules.lexicon import AMOUNTS, ANY, EntityTables, Lexicon
from curation.engines.rules.mentions import (
    CUED,
    GENERIC,
    HEADED,
    LISTED,
    MODEL,
    PRONOUN,
    Mention,
    TakenTokens,
    without_overlaps,
)
from curation.engines.rules.name_consistency import NameTypes
from curation.engines.rules.noun_phrases import (
    capitalised_runs,
    first_token,
    has_alphanumeric,
    head_of,
    inside_compound,
    left_edge,
    may_be_in_name,
    modifiers,
    surface,
    trimmed,
    without_determiner,
    words,
)
from curation.engines.rules.parsed_text import Parse
from curation.schema import LabelSchema

_SIDES = words(
    "north south east west northeast northwest southeast southwest north-east north-west south-east south-west"
)
_DIRECTIONS = words("central upper lower mainland") | _SIDES | {side + "ern" for side in _SIDES}
_FREQUENT = words("daily weekly monthly annual yearly annually nightly recent now then soon once")
_CREDIT_WORDS = words(
    "file photo photograph picture image by via handout source reporting additional editing writing copyright powered"
)
_QUOTES = ("“", "”", '"', "‘", "'")


class EntityFinder:
    """The entity rules of one schema and lexicon, compiled once and applied to every article."""

    def __init__(self, schema: LabelSchema, lexicon: Lexicon) -> None:
        self.tables = EntityTables(schema, lexicon)
        self.longest = max((len(name.split()) for name in self.tables.names), default=0) + 2
        self.starts = {first_token(name) for name in self.tables.names}

    def find(self, parses: Sequence[Parse]) -> list[Mention]:
        """Mentions in all zones of one article, in reading order; names do not overlap."""
        names: list[Mention] = []
        for zone, parse in enumerate(parses):
            names += self._names(zone, parse)
        names = self.one_type_each(parses, names)
        found: list[Mention] = []
        for zone, parse in enumerate(parses):
            own = [name for name in names if name.zone == zone]
            taken = TakenTokens(own)
            found += own
            found += self._within(zone, parse, own)
            found += self._parts_of(zone, parse, own)
            found += self._nominals(zone, parse, taken)
        return sorted(found, key=lambda item: (item.zone, item.first, -item.last))

    def one_type_each(self, parses: Sequence[Parse], names: list[Mention]) -> list[Mention]:
        """The names with one type each throughout the article, and their missed mentions."""
        return NameTypes(self.tables, parses, names).resolved()

    def _names(self, zone: int, parse: Parse) -> list[Mention]:
        if parse.zone.kind == "dateline":
            return list(self._dated(zone, parse))
        if parse.zone.kind == "credit" and len(parse) <= 14:
            return list(self._credited(zone, parse))
        found = [
            *self._listed(zone, parse),
            *self._cued(zone, parse),
            *self._headed(zone, parse),
            *self._model(zone, parse),
        ]
        return without_overlaps(found)

    def _dated(self, zone: int, parse: Parse) -> Iterator[Mention]:
        """`HARL, Mirdan`: each part between commas is a place."""
        first = 0
        for index in range(len(parse) + 1):
            if index == len(parse) or parse.text[index] in (",", "/"):
                if first < index and self.tables.place is not None:
                    yield Mention(zone, first, index, head_of(parse, first, index), self.tables.place, "name", LISTED)
                first = index + 1

    def _credited(self, zone: int, parse: Parse) -> Iterator[Mention]:
        """`Doran Melk / Halcyon Wire`: a person, then an organisation."""
        capitals = list(capitalised_runs(parse)) or [(0, len(parse))]
        for number, (first, last) in enumerate(capitals):
            while last - first > 1 and parse.lower[first] in _CREDIT_WORDS:
                first += 1
            followed = number + 1 < len(capitals)
            person = followed and last - first > 1 and parse.text[last - 1] not in self.tables.name_heads
            label = self.tables.labels.get("PERSON" if person else "ORG")
            if label is not None and parse.lower[first] not in _CREDIT_WORDS:
                yield Mention(zone, first, last, head_of(parse, first, last), label, "name", MODEL)

    def _model(self, zone: int, parse: Parse) -> Iterator[Mention]:
        for first, last, label in _joined(parse.entities):
            if (name := self.tables.labels.get(label)) is None:
                continue
            first, last = trimmed(parse, first, last, loose=label in AMOUNTS)
            if first >= last or not has_alphanumeric(parse, first, last) or _no_amount(parse, first, last, label):
                continue
            if label not in AMOUNTS:
                if self._describes(parse, first, last):
                    continue
                if parse.text[last - 1] not in self.tables.name_heads:
                    first, name = self._after_title(parse, first, last, name)
            yield Mention(zone, first, last, head_of(parse, first, last), name, "name", MODEL)

    def _describes(self, parse: Parse, first: int, last: int) -> bool:
        """Whether the model took a description for a name: `Mirdani warships`, a plural at the start of a sentence."""
        if last - first > 1:
            word = parse.text[last - 1]
            return word.islower() and (parse.lemma[last - 1] in self.tables.heads or word in self.tables.heads)
        opens = first == 0 or parse.sentence[first] != parse.sentence[first - 1] or parse.text[first - 1] in _QUOTES
        return opens and parse.lower[first].endswith("s") and parse.lower[first][:-1] in self.tables.heads

    def _after_title(self, parse: Parse, first: int, last: int, name: str) -> tuple[int, str]:
        while last - first > 1 and (cued := self.tables.before.get(parse.lower[first].rstrip("."))) is not None:
            step = first + 1
            while step < last and parse.text[step] in (".", "-"):
                step += 1
            if step >= last or parse.lower[step] in ("of", "for"):
                break
            first, name = step, cued
        return first, name

    def _listed(self, zone: int, parse: Parse) -> Iterator[Mention]:
        index, count = 0, len(parse)
        while index < count:
            if parse.text[index] in self.starts:
                for last in range(min(count, index + self.longest), index, -1):
                    name = self.tables.names.get(surface(parse, index, last))
                    if name is not None and parse.pos[index] != "VERB":
                        yield Mention(zone, index, last, head_of(parse, index, last), name, "name", LISTED)
                        index = last - 1
                        break
            index += 1

    def _headed(self, zone: int, parse: Parse) -> Iterator[Mention]:
        """Capitalised runs with a typical head: `Free Hill Army`, `Ministry of Defence`."""
        for index, word in enumerate(parse.text):
            name = self.tables.name_heads.get(word)
            if name is None:
                continue
            first = index
            while first > 0 and may_be_in_name(parse, first - 1):
                first -= 1
            last = index + 1
            if last + 1 < len(parse) and parse.lower[last] in {"of", "for"}:
                step = last + 2 if parse.lower[last + 1] == "the" else last + 1
                run = step
                while run < len(parse) and may_be_in_name(parse, run):
                    run += 1
                if run > step:
                    last = run
            if parse.zone.kind == "headline" and first > 0:
                continue
            first = without_determiner(parse, first, last)
            if last - first > 1:
                yield Mention(zone, first, last, index, name, "name", CUED)

    def _cued(self, zone: int, parse: Parse) -> Iterator[Mention]:
        """Names beside a word that indicates their type: `town of X`, `General X`, `X province`."""
        for first, last in capitalised_runs(parse):
            name = None
            while last - first > 1 and (title := self.tables.before.get(parse.lower[first].rstrip("."))) is not None:
                name = title
                first += 1
                while first < last - 1 and parse.text[first] in (".", "-"):
                    first += 1
            if last - first > 1 and (kind := self.tables.after.get(parse.lower[last - 1])) is not None:
                yield Mention(zone, first, last, last - 1, kind, "name", CUED)
                continue
            if name is None and first > 0:
                before = parse.lower[first - 1]
                if before == "." and first > 1:
                    before = parse.lower[first - 2]
                name = self.tables.before.get(before.rstrip("."))
                if name is None and first > 1:
                    name = self.tables.before.get(f"{parse.lower[first - 2]} {before}")
            if name is None and last < len(parse) and (kind := self.tables.after.get(parse.lower[last])) is not None:
                yield Mention(zone, first, last, head_of(parse, first, last), kind, "name", CUED)
                continue
            if name is None and last - first > 1 and parse.text[last - 1] not in self.tables.name_heads:
                name = self.tables.first.get(parse.text[first])
            if name is not None and first < last:
                yield Mention(zone, first, last, head_of(parse, first, last), name, "name", CUED)

    def _within(self, zone: int, parse: Parse, names: Sequence[Mention]) -> Iterator[Mention]:
        """The nationality inside the name of a body: `[Mirdani] Defence Ministry`."""
        for item in names:
            if item.last - item.first > 1 and parse.pos[item.first] in ("ADJ", "PROPN"):
                name = self.tables.names.get(parse.text[item.first])
                if name is None or name != self.tables.adjective or name == item.type:
                    continue
                if item.type in self.tables.bodies:
                    yield Mention(zone, item.first, item.first + 1, item.first, name, "name", LISTED)

    def _parts_of(self, zone: int, parse: Parse, names: Sequence[Mention]) -> Iterator[Mention]:
        """`northern Mirdan` is a region around the name of a state."""
        for item in names:
            first = item.first - 1
            if self.tables.region is None or item.type not in (self.tables.place, self.tables.region) or first < 0:
                continue
            if parse.lower[first] in _DIRECTIONS and parse.head[first] == item.head:
                yield Mention(zone, first, item.last, item.head, self.tables.region, "name", CUED)

    def _nominals(self, zone: int, parse: Parse, taken: TakenTokens) -> Iterator[Mention]:
        for index, pos in enumerate(parse.pos):
            item = self.nominal(zone, parse, index) if pos in ("NOUN", "PROPN", "ADJ") else None
            if item is not None and not taken.clashes(item):
                yield item

    def nominal(self, zone: int, parse: Parse, index: int, *, inside: bool = False) -> Mention | None:
        """The nominal mention headed by the noun at `index`, by the rules of the lexicon, or None.

        `inside`: accept a noun that modifies a following noun: the `drone` of a drone strike.
        """
        rules = (
            self.tables.heads.get(parse.lemma[index])
            or self.tables.heads.get(parse.lower[index])
            or self.tables.heads.get(parse.lower[index].removesuffix("s"))
        )
        if not rules or (not inside and inside_compound(parse, index)):
            return None
        first = index if inside else left_edge(parse, index)
        noun_modifiers = None
        for name, rule in rules:
            if rule.needs or rule.never:
                if noun_modifiers is None:
                    noun_modifiers = modifiers(parse, first, index)
                if rule.needs and not any(_meets(noun_modifiers, wanted) for wanted in rule.needs.values()):
                    continue
                if any(_meets(noun_modifiers, wanted) for wanted in rule.never.values()):
                    continue
            return Mention(zone, first, index + 1, index, name, "nominal", HEADED, kept=False)
        return None

    def generic(self, zone: int, parse: Parse, index: int, name: str) -> Mention:
        """A nominal of type `name` headed by any noun."""
        return Mention(zone, left_edge(parse, index), index + 1, index, name, "nominal", GENERIC, kept=False)

    def pronoun(self, zone: int, index: int, name: str) -> Mention:
        """A pronoun whose antecedent has the type `name`."""
        return Mention(zone, index, index + 1, index, name, "pronoun", PRONOUN, kept=False)


def _joined(entities: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """The model's entities, adjacent date and time merged: `Friday morning`."""
    kept: tuple[int, int, str] | None = None
    for first, last, label in entities:
        if kept is not None and kept[1] == first and {kept[2], label} == {"DATE", "TIME"}:
            kept = (kept[0], last, kept[2])
            continue
        if kept is not None:
            yield kept
        kept = (first, last, label)
    if kept is not None:
        yield kept


def _no_amount(parse: Parse, first: int, last: int, label: str) -> bool:
    """Whether the model's date or count is neither: an age, a word of frequency, `one of`, `one another`."""
    if last - first > 1:
        return False
    text = parse.lower[first]
    if label == "CARDINAL":
        return text == "one" and parse.dep[first] != "nummod"
    if label not in ("DATE", "TIME"):
        return False
    return text in _FREQUENT or (text.isdigit() and len(text) != 4)


def _meets(found: set[str], wanted: Sequence[str]) -> bool:
    return ANY in wanted or not found.isdisjoint(wanted)
