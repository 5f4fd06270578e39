"""Entities of one article: the model's names cleaned, the lexicon's names and nouns, one type for one name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from curation.preannotate.lexicon import ANY, EntityRule, Lexicon, Mention as Kind
from curation.preannotate.parse import Parse
from curation.schema import LabelSchema

ONTOLOGY = "ontonotes"
"""The ontology whose labels spaCy's English models use."""

_ADJECTIVES, _PLACES, _REGIONS = "NORP", "GPE", "LOC"
_DIRECTIONS = {
    side + end for side in ("north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest",
    "north-east", "north-west", "south-east", "south-west", "central") for end in ("", "ern")
} | {"upper", "lower", "mainland"}  # fmt: skip

# Scores order items by how they were found; they are no probabilities until they are calibrated.
LISTED, CUED, MODEL, HEADED, ALIAS, GENERIC, PRONOUN = 0.9, 0.85, 0.8, 0.7, 0.75, 0.45, 0.4

_NAMELIKE = {"PROPN"}
_LEFT_OF_NOUN = {"amod", "compound", "nmod", "nummod", "punct", "advmod", "npadvmod", "quantmod", "conj", "cc", "dep", "acl", "appos", "prep", "pobj"}
_EDGE_POS = {"DET", "PUNCT", "CCONJ", "ADP", "PART", "SCONJ", "SPACE", "SYM", "AUX", "INTJ"}
_LOOSE = {"about", "some", "around", "nearly", "almost", "at", "least", "more", "than", "over", "up", "to", "only", "just", "another", "other", "such", "many", "several", "few", "most", "all", "both", "any", "no", "every", "each", "own", "same", "approximately", "roughly", "as", "fewer", "less", "early", "late", "later", "on", "in", "of", "by", "since", "until", "from", "between", "during", "for", "through", "after", "before", "and", "or", "last", "first", "next", "second", "third", "previous", "further", "earlier", "latest", "nearby"}
_QUOTES = ("“", "”", '"', "‘", "'")
_APOSTROPHES = ("'s", "’s", "'", "’", "‘")


@dataclass(slots=True)
class Found:
    """A mention: tokens `[first, last)` of parse number `part`, its head token, type and how it was found."""

    part: int
    first: int
    last: int
    head: int
    type: str
    kind: Kind
    score: float
    kept: bool = True
    """Whether it stands by itself; one that does not is kept only where it fills a role."""


class EntityFinder:
    """The rules of one schema and lexicon, made ready once and used for every article."""

    def __init__(self, schema: LabelSchema, lexicon: Lexicon) -> None:
        self.labels = {
            label: entity.name for entity in reversed(schema.entity_types) for label in entity.elsewhere.get(ONTOLOGY, ())
        }
        self.heads: dict[str, list[tuple[str, EntityRule]]] = defaultdict(list)
        self.listed: dict[str, str] = {}
        self.name_heads: dict[str, str] = {}
        self.before: dict[str, str] = {}
        self.after: dict[str, str] = {}
        self.hints: dict[str, str] = {}
        for name, rules in lexicon.entities.items():
            for rule in rules:
                for word in rule.heads:
                    self.heads[word].append((name, rule))
                self.listed.update(dict.fromkeys(rule.names, name))
                self.name_heads.update(dict.fromkeys(rule.name_heads, name))
                self.before.update(dict.fromkeys(rule.before, name))
                self.after.update(dict.fromkeys(rule.after, name))
                self.hints.update(dict.fromkeys(rule.hints, name))
        self.place = self.labels.get(_PLACES)
        self.region = self.labels.get(_REGIONS)
        self.doubtful = {self.labels.get(label) for label in ("PERSON", "ORG", "NORP", "PRODUCT")}
        self.adjective = self.labels.get(_ADJECTIVES)
        self.heads_types = {name for rules in self.heads.values() for name, _ in rules}
        self.longest = max((len(name.split()) for name in self.listed), default=0) + 2
        self.starts = {_first_piece(name) for name in self.listed}
        self.pronouns = lexicon.pronouns

    def find(self, parses: Sequence[Parse]) -> list[Found]:
        """Mentions of all parses of one article, in reading order, none twice over the same tokens."""
        names: list[Found] = []
        for part, parse in enumerate(parses):
            names += self._names(part, parse)
        votes = _Votes(self, parses)
        votes.count(names)
        names = votes.settle(names)
        found: list[Found] = []
        for part, parse in enumerate(parses):
            own = [name for name in names if name.part == part]
            taken = _Taken(own)
            found += own
            found += self._within(part, parse, own)
            found += self._parts_of(part, parse, own)
            found += self._nominals(part, parse, taken)
        return sorted(found, key=lambda item: (item.part, item.first, -item.last))

    # --- names

    def _names(self, part: int, parse: Parse) -> list[Found]:
        if parse.zone.kind == "dateline" and self.place is not None and parse.text:
            last = next((index for index, text in enumerate(parse.text) if text == ","), len(parse))
            return [Found(part, 0, last, _head(parse, 0, last), self.place, "name", LISTED)]
        if parse.zone.kind == "credit" and len(parse) <= 14:
            return list(self._credited(part, parse))
        found = [*self._listed(part, parse), *self._cued(part, parse), *self._headed(part, parse), *self._model(part, parse)]
        return _resolve(found)

    def _credited(self, part: int, parse: Parse) -> Iterator[Found]:
        """`Doran Melk / Halcyon Wire`: who made it, and for whom."""
        runs = list(_runs(parse))
        for number, (first, last) in enumerate(runs):
            while last - first > 1 and parse.lower[first] in _CREDIT_WORDS:
                first += 1
            person = number + 1 < len(runs) and last - first > 1 and parse.text[last - 1] not in self.name_heads
            label = self.labels.get("PERSON" if person else "ORG")
            if label is not None and parse.lower[first] not in _CREDIT_WORDS:
                yield Found(part, first, last, _head(parse, first, last), label, "name", MODEL)

    def _model(self, part: int, parse: Parse) -> Iterator[Found]:
        for first, last, label in _joined(parse.entities):
            if (name := self.labels.get(label)) is None:
                continue
            first, last = _trimmed(parse, first, last, loose=label in _AMOUNTS)
            if first >= last or not _has_letter_or_digit(parse, first, last) or _no_time(parse, first, last, label):
                continue
            if label == "CARDINAL" and parse.lower[first] == "one" and last < len(parse) and parse.lower[last] in ("of", "another"):
                continue
            if label not in _AMOUNTS:
                if self._common(parse, last - 1) if last - first > 1 else self._opens(parse, first):
                    continue
            if label not in _AMOUNTS and parse.text[last - 1] not in self.name_heads:
                first, name = self._after_title(parse, first, last, name)
            yield Found(part, first, last, _head(parse, first, last), name, "name", MODEL)

    def _opens(self, parse: Parse, first: int) -> bool:
        """Whether a capital says nothing: a plural noun of the lexicon that opens a sentence."""
        opens = first == 0 or parse.sentence[first] != parse.sentence[first - 1] or parse.text[first - 1] in _QUOTES
        return opens and parse.lower[first].endswith("s") and parse.lower[first][:-1] in self.heads

    def _common(self, parse: Parse, token: int) -> bool:
        """Whether the token is a common noun of the lexicon: `Mirdani warships` is a description, no name."""
        return parse.text[token].islower() and (parse.lemma[token] in self.heads or parse.lower[token] in self.heads)

    def _after_title(self, parse: Parse, first: int, last: int, name: str) -> tuple[int, str]:
        while last - first > 1 and (cued := self.before.get(parse.lower[first].rstrip("."))) is not None:
            step = first + 2 if parse.text[first + 1] in {".", "-"} else first + 1
            if step >= last or parse.lower[step] in ("of", "for"):
                break
            first, name = step, cued
        return first, name

    def _listed(self, part: int, parse: Parse) -> Iterator[Found]:
        index, count = 0, len(parse)
        while index < count:
            if parse.text[index] in self.starts:
                for last in range(min(count, index + self.longest), index, -1):
                    said = _said(parse, index, last)
                    if (name := self.listed.get(said)) is not None and parse.pos[index] != "VERB":
                        yield Found(part, index, last, _head(parse, index, last), name, "name", LISTED)
                        index = last - 1
                        break
            index += 1

    def _headed(self, part: int, parse: Parse) -> Iterator[Found]:
        """Capitalised runs that end in a telling word: `Free Hill Army`, `Ministry of Defence`."""
        for index, word in enumerate(parse.text):
            name = self.name_heads.get(word)
            if name is None:
                continue
            first = index
            while first > 0 and _capital(parse, first - 1):
                first -= 1
            last = index + 1
            if last + 1 < len(parse) and parse.lower[last] in {"of", "for"}:
                step = last + 2 if parse.lower[last + 1] == "the" else last + 1
                run = step
                while run < len(parse) and _capital(parse, run):
                    run += 1
                if run > step:
                    last = run
            if parse.zone.kind == "headline" and first > 0:
                continue
            first = _without_determiner(parse, first, last)
            if last - first > 1:
                yield Found(part, first, last, index, name, "name", CUED)

    def _cued(self, part: int, parse: Parse) -> Iterator[Found]:
        """Names beside a telling word: `town of X`, `General X`, `X province`."""
        for first, last in _runs(parse):
            name = None
            while last - first > 1 and (title := self.before.get(parse.lower[first].rstrip("."))) is not None:
                name = title
                first += 1
            if last - first > 1 and (kind := self.after.get(parse.lower[last - 1])) is not None:
                yield Found(part, first, last, last - 1, kind, "name", CUED)
                continue
            if name is None and first > 0:
                before = parse.lower[first - 1]
                if before == "." and first > 1:
                    before = parse.lower[first - 2]
                name = self.before.get(before.rstrip("."))
                if name is None and first > 1:
                    name = self.before.get(f"{parse.lower[first - 2]} {before}")
            if name is None and last < len(parse) and (kind := self.after.get(parse.lower[last])) is not None:
                yield Found(part, first, last, _head(parse, first, last), kind, "name", CUED)
                continue
            if name is not None and first < last:
                yield Found(part, first, last, _head(parse, first, last), name, "name", CUED)

    def _within(self, part: int, parse: Parse, names: Sequence[Found]) -> Iterator[Found]:
        """The adjective that says whose body a named body is: `[Mirdani] Defence Ministry`."""
        for item in names:
            if item.last - item.first > 1 and parse.pos[item.first] in ("ADJ", "PROPN"):
                name = self.listed.get(parse.text[item.first])
                if name is not None and name != item.type and name == self.adjective and self._is_body(item):
                    yield Found(part, item.first, item.first + 1, item.first, name, "name", LISTED)

    def _parts_of(self, part: int, parse: Parse, names: Sequence[Found]) -> Iterator[Found]:
        """`northern Mirdan` is a region that holds a state."""
        for item in names:
            first = item.first - 1
            if self.region is None or item.type not in (self.place, self.region) or first < 0:
                continue
            if parse.lower[first] in _DIRECTIONS and parse.head[first] == item.head:
                yield Found(part, first, item.last, item.head, self.region, "name", CUED)

    def _is_body(self, item: Found) -> bool:
        return item.type in self.name_heads.values() and item.type in self.heads_types

    # --- nominals

    def _nominals(self, part: int, parse: Parse, taken: _Taken) -> Iterator[Found]:
        for index, pos in enumerate(parse.pos):
            if pos in ("NOUN", "PROPN", "ADJ") and (item := self.nominal(part, parse, index)) is not None:
                if not taken.clashes(item):
                    yield item

    def nominal(self, part: int, parse: Parse, index: int, *, inside: bool = False) -> Found | None:
        """The nominal mention that the noun at `index` heads by the lexicon, or None.

        `inside`: take a noun that only says what kind of thing a following noun is: the `drone` of a drone strike.
        """
        rules = self.heads.get(parse.lemma[index]) or self.heads.get(parse.lower[index]) or self.heads.get(parse.lower[index].removesuffix("s"))
        if not rules or (not inside and _inside_compound(parse, index)):
            return None
        first = index if inside else left_edge(parse, index)
        modifiers = None
        for name, rule in rules:
            if rule.needs or rule.never:
                if modifiers is None:
                    modifiers = _modifiers(parse, first, index)
                if rule.needs and not any(_meets(modifiers, words) for words in rule.needs.values()):
                    continue
                if any(_meets(modifiers, words) for words in rule.never.values()):
                    continue
            return Found(part, first, index + 1, index, name, "nominal", HEADED, kept=False)
        return None

    def generic(self, part: int, parse: Parse, index: int, name: str) -> Found:
        """A nominal of type `name` headed by any noun."""
        return Found(part, left_edge(parse, index), index + 1, index, name, "nominal", GENERIC, kept=False)

    def pronoun(self, part: int, index: int, name: str) -> Found:
        """A pronoun standing for something of type `name`."""
        return Found(part, index, index + 1, index, name, "pronoun", PRONOUN, kept=False)


_CREDIT_WORDS = {"photo", "photograph", "picture", "image", "by", "via", "handout", "source", "reporting", "additional", "editing", "writing", "copyright", "powered"}
_DEMONYMS = ("ians", "ans", "ian", "an", "ns", "n", "is", "i", "ese", "ish")
_FREQUENT = {"daily", "weekly", "monthly", "annual", "yearly", "annually", "nightly", "recent", "now", "then", "soon", "once"}
_AMOUNTS = {"CARDINAL", "QUANTITY", "MONEY", "PERCENT", "DATE", "TIME"}


def _joined(entities: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """The model's entities, a date and a time of day that touch as one: `Friday morning`."""
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


def _no_time(parse: Parse, first: int, last: int, label: str) -> bool:
    """Whether the model's date is none: an age that stands alone, a word of frequency."""
    if label not in ("DATE", "TIME") or last - first > 1:
        return False
    text = parse.lower[first]
    return text in _FREQUENT or (text.isdigit() and len(text) != 4)


class _Votes:
    """One type for one name within an article, and its mentions that nothing had found."""

    def __init__(self, finder: EntityFinder, parses: Sequence[Parse]) -> None:
        self.finder, self.parses = finder, parses
        self.votes: dict[str, Counter[str]] = defaultdict(Counter)
        self.words = {text for parse in parses for text, pos in zip(parse.text, parse.pos, strict=True) if pos == "PROPN"}

    def count(self, names: Iterable[Found]) -> None:
        for item in names:
            parse = self.parses[item.part]
            if self._settled(parse, item):
                continue
            said = _said(parse, item.first, item.last)
            if parse.zone.kind == "dateline":
                self.votes[said.title()][item.type] += 5.0  # type: ignore[assignment]
            weight = 5.0 if item.score == LISTED else 2.5 if item.score == CUED else 1.0
            self.votes[said][item.type] += weight  # type: ignore[assignment]
            if item.score == LISTED:
                continue
            if kind := self._beside(parse, item):
                self.votes[said][kind] += 6.0  # type: ignore[assignment]
            elif item.first and item.score == MODEL and item.last - item.first < 3 and item.type in self.finder.doubtful:
                if hint := self.finder.hints.get(parse.lower[item.first - 1]):
                    self.votes[said][hint] += 1.5  # type: ignore[assignment]

    def _beside(self, parse: Parse, item: Found) -> str | None:
        """What the noun that a name goes with tells of it: `X militants`, `rebels of the X`."""
        if item.type in (self.finder.place, self.finder.adjective):
            return None
        head = item.last
        if not (head < len(parse) and parse.head[item.head] == head and parse.pos[head] == "NOUN"):
            above = parse.head[item.head]
            if parse.lower[above] != "of" or parse.dep[item.head] != "pobj":
                return None
            head = parse.head[above]
            if parse.tag[head] not in ("NNS", "NNPS"):
                return None
        for name, rule in self.finder.heads.get(parse.lemma[head], ()):
            if any("named" in words for words in rule.needs.values()):
                return name
        return None

    def _settled(self, parse: Parse, item: Found) -> bool:
        """Whether the mention is a time or an amount, which have no names."""
        return not any(parse.text[token][:1].isupper() for token in range(item.first, item.last))

    def settle(self, names: list[Found]) -> list[Found]:
        acronyms = self._acronyms(names)
        for short, full in acronyms.items():
            both = self.votes[short] + self.votes[full]
            self.votes[short] = self.votes[full] = both
        types = {said: votes.most_common(1)[0][0] for said, votes in self.votes.items() if votes}
        types.update(self._demonyms(types))
        types.update(self._short_forms(types))
        for item in names:
            parse = self.parses[item.part]
            if not self._settled(parse, item):
                item.type = types.get(_said(parse, item.first, item.last), item.type)
        taken = [_Taken([name for name in names if name.part == part]) for part in range(len(self.parses))]
        starts: dict[str, list[str]] = defaultdict(list)
        for said in types:
            starts[_first_piece(said)].append(said)
        for part, parse in enumerate(self.parses):
            for index, text in enumerate(parse.text):
                if text not in starts or (parse.pos[index] != "PROPN" and not text.isupper() and not (parse.pos[index] in ("NOUN", "ADJ") and index and text[:1].isupper())):
                    continue
                for last in range(min(len(parse), index + 8), index, -1):
                    said = _said(parse, index, last)
                    if said in types:
                        item = Found(part, index, last, _head(parse, index, last), types[said], "name", ALIAS)
                        if not taken[part].overlaps(item):
                            taken[part].add(item)
                            names.append(item)
                        break
        return names

    def _demonyms(self, types: dict[str, str]) -> dict[str, str]:
        """`Mirdani` beside `Mirdan` in one article: the longer is the adjective of the shorter, a place."""
        place, adjective, listed = self.finder.place, self.finder.adjective, self.finder.listed
        found: dict[str, str] = {}
        if place is None or adjective is None:
            return found
        for word in sorted({text for parse in self.parses for text in parse.text if text[:1].isupper()}):
            for suffix, stem in ((suffix, word.removesuffix(suffix)) for suffix in _DEMONYMS if word.endswith(suffix)):
                for said in (stem, stem + "a", stem + "e"):
                    if len(said) > 3 and said in self.words and word not in listed and " " not in said:
                        found[word] = adjective
                        if said not in listed:
                            found[said] = place
        return found

    def _short_forms(self, types: dict[str, str]) -> dict[str, str]:
        """`Melk` alone is what `Doran Melk` is, where that is a person's name by majority."""
        short: dict[str, str] = {}
        people = self.finder.pronouns.get("he")
        for said, name in types.items():
            pieces = said.split(" ")
            if name != people or len(pieces) < 2:
                continue
            for piece in (pieces[-1], pieces[0]):
                if len(piece) > 2 and piece[0].isupper() and piece.isalpha() and piece not in self.finder.listed:
                    if types.get(piece, name) == name or self.votes[piece][types[piece]] < 2.5:
                        short[piece] = name
        return short

    def _acronyms(self, names: list[Found]) -> dict[str, str]:
        """Short form → long form: `Upland Council (UC)`, `Upland Council, or UC,`."""
        short: dict[str, str] = {}
        for item in names:
            parse, last = self.parses[item.part], item.last
            if last + 1 >= len(parse) or item.last - item.first < 2:
                continue
            index = last + 1
            if parse.text[last] == "," and parse.lower[index] in {"or", "known"}:
                index += 2 if parse.lower[index] == "known" else 1
            elif parse.text[last] != "(":
                continue
            if index < len(parse):
                acronym = parse.text[index]
                initials = "".join(parse.text[token][0] for token in range(item.first, item.last) if parse.text[token][0].isupper())
                if acronym.isupper() and 2 <= len(acronym) <= 8 and acronym[0] in initials and acronym not in self.finder.listed:
                    if set(acronym) <= set(initials.upper()) | set("AEIOU") or acronym[0] == initials[:1]:
                        short[acronym] = _said(parse, item.first, item.last)
        return short


class _Taken:
    """Which tokens of one parse names cover."""

    def __init__(self, names: Iterable[Found]) -> None:
        self.names = list(names)

    def add(self, item: Found) -> None:
        self.names.append(item)

    def overlaps(self, item: Found) -> bool:
        return any(name.first < item.last and item.first < name.last for name in self.names)

    def clashes(self, item: Found) -> bool:
        """Whether `item` shares its head with a name, or crosses one's border; its left edge gives way first."""
        for name in self.names:
            if name.first <= item.head < name.last:
                return True
            if name.first < item.first < name.last:
                item.first = name.last if name.last <= item.head else item.first
        return False


def left_edge(parse: Parse, head: int) -> int:
    """The first token of the noun phrase that `head` ends, without determiners, possessors and the like."""
    first = head
    index = head - 1
    while index >= 0 and parse.sentence[index] == parse.sentence[head]:
        if not _belongs(parse, index, head):
            break
        first = index
        index -= 1
    while first < head and (parse.pos[first] in _EDGE_POS or parse.tag[first] in ("PRP$", "POS", "WP$", "PDT") or parse.lower[first] in _LOOSE):
        first += 1
    return first


def _belongs(parse: Parse, index: int, head: int) -> bool:
    if parse.tag[index] in ("POS", "PRP$", "WP$", "DT", "PDT", "WDT", "``", "''", "-LRB-", "-RRB-") or parse.pos[index] == "SPACE":
        return False
    if parse.text[index] in (",", ";", ":", "—", "–", "(", ")", "“", "”", '"'):
        return False
    if parse.text[index] in ("-", "--") and index and parse.start[index] > parse.end[index - 1]:
        return False
    token = index
    for _ in range(6):
        dep = parse.dep[token]
        if dep not in _LEFT_OF_NOUN:
            return False
        token = parse.head[token]
        if token == head:
            return True
        if token > head:
            return False
    return False


def _inside_compound(parse: Parse, index: int) -> bool:
    """Whether the noun only says what kind of thing a following noun is."""
    return (parse.dep[index] in ("compound", "nmod", "amod") and parse.head[index] > index) or (
        index + 1 < len(parse) and parse.text[index + 1] == "-" and index + 2 < len(parse) and parse.end[index + 1] == parse.start[index + 2]
    )


def _modifiers(parse: Parse, first: int, index: int) -> set[str]:
    words = {parse.lemma[token] for token in range(first, index)} | {parse.lower[token] for token in range(first, index)}
    words.add("plural" if parse.tag[index] in ("NNS", "NNPS") else "singular")
    if any(parse.pos[token] == "PROPN" for token in range(first, index)):
        words.add("named")
    return words


def _meets(words: set[str], wanted: Sequence[str]) -> bool:
    return ANY in wanted or any(word in words for word in wanted)


def _runs(parse: Parse) -> Iterator[tuple[int, int]]:
    """Runs of capitalised proper nouns."""
    index, count = 0, len(parse)
    while index < count:
        if parse.pos[index] == "PROPN" and parse.text[index][:1].isupper():
            last = index + 1
            while last < count and (
                (parse.pos[last] == "PROPN" and parse.text[last][:1].isalnum())
                or (parse.text[last] == "-" and last + 1 < count and parse.pos[last + 1] == "PROPN")
                or (parse.text[last] == "." and last + 1 < count and parse.pos[last + 1] == "PROPN" and len(parse.text[last - 1]) < 5)
            ):
                last += 1
            yield index, last
            index = last
        index += 1


def _capital(parse: Parse, index: int) -> bool:
    text = parse.text[index]
    return (text[:1].isupper() and parse.pos[index] in ("PROPN", "ADJ", "NOUN", "NUM")) or (text == "-" and index > 0 and parse.text[index - 1][:1].isupper()) or (
        text[0].isdigit() and text.endswith(("th", "st", "nd", "rd"))
    )


def _without_determiner(parse: Parse, first: int, last: int) -> int:
    while first < last - 1 and (parse.pos[first] in _EDGE_POS or parse.lower[first] in ("the", "a", "an")):
        first += 1
    return first


def _trimmed(parse: Parse, first: int, last: int, *, loose: bool) -> tuple[int, int]:
    while first < last and (
        parse.pos[first] in ("DET", "SPACE", "PUNCT")
        or parse.lower[first] in ("the", "a", "an")
        or parse.tag[first] in ("PRP$", "POS")
        or (loose and parse.lower[first] in _LOOSE - {"early", "late", "later", "earlier", "last", "next", "first", "second", "third", "previous", "every", "each", "another", "between"})
    ):
        if parse.tag[first] == "DT" and loose and parse.lower[first] in ("this", "that", "these", "those"):
            break
        first += 1
    while last > first and (parse.text[last - 1] in _APOSTROPHES or parse.pos[last - 1] in ("SPACE", "PUNCT", "ADP", "CCONJ")):
        last -= 1
    return first, last


def _has_letter_or_digit(parse: Parse, first: int, last: int) -> bool:
    return any(char.isalnum() for token in range(first, last) for char in parse.text[token])


def _head(parse: Parse, first: int, last: int) -> int:
    """The token whose head stands outside `[first, last)`; the last one where several do."""
    for token in range(last - 1, first - 1, -1):
        head = parse.head[token]
        if (head < first or head >= last or head == token) and parse.pos[token] != "PUNCT":
            return token
    return last - 1


def _said(parse: Parse, first: int, last: int) -> str:
    """The tokens as they are written, one space where there is white space."""
    pieces = [parse.text[first]]
    for token in range(first + 1, last):
        pieces.append((" " if parse.start[token] > parse.end[token - 1] else "") + parse.text[token])
    return "".join(pieces)


def _first_piece(name: str) -> str:
    """What a tokenizer makes of the beginning of `name`."""
    first = name.split(" ")[0]
    return first.split("-")[0] if "-" in first and not first.startswith("-") else first


def _resolve(found: list[Found]) -> list[Found]:
    """One name for each stretch: the best score first, then the longest; nothing overlaps."""
    kept: list[Found] = []
    for item in sorted(found, key=lambda item: (-(item.last - item.first) if item.score != LISTED else -(item.last - item.first), -item.score, item.first)):
        if not any(other.first < item.last and item.first < other.last for other in kept):
            kept.append(item)
    return sorted(kept, key=lambda item: item.first)
