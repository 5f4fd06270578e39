"""One type for one name throughout an article: all mentions of a name vote, and missed mentions of it are added."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from curation.engines.rules.lexicon import EntityTables
from curation.engines.rules.mentions import ALIAS, CUED, LISTED, MODEL, Mention, TakenTokens
from curation.engines.rules.noun_phrases import first_token, head_of, surface
from curation.engines.rules.parsed_text import Parse

MAX_TOKENS = 8
"""Tokens of the longest name that is searched for."""

_DEMONYMS = ("ians", "ans", "ian", "an", "ns", "n", "is", "i", "ese", "ish")

# Votes for the type of a name: of a mention, by its source, and of the words around it.
_VOTES = {LISTED: 5.0, CUED: 2.5, MODEL: 1.0}
_DATELINE, _NEIGHBOUR, _HINT = 5.0, 6.0, 1.5
_CERTAIN = 2.5
"""Votes other than the model's from which a name keeps its type against that of a longer name."""


class NameTypes:
    """The names of one article and their types."""

    def __init__(self, tables: EntityTables, parses: Sequence[Parse], found: list[Mention]) -> None:
        self.tables, self.parses, self.found = tables, parses, found
        self.votes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.certain: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.proper = {
            text for parse in parses for text, pos in zip(parse.text, parse.pos, strict=True) if pos == "PROPN"
        }

    def resolved(self) -> list[Mention]:
        """The mentions, with one type per name, and the mentions of these names that were missed."""
        named = [item for item in self.found if self._is_named(item)]
        for item in named:
            self._vote(item)
        for short, full in self._acronyms(named):
            both = Counter(self.votes[short])
            both.update(self.votes[full])
            self.votes[short] = self.votes[full] = both  # type: ignore[assignment]
        types = {name: max(votes, key=lambda kind: votes[kind]) for name, votes in self.votes.items() if votes}
        types.update(self._demonyms())
        types.update(self._short_forms(types))
        for item in named:
            item.type = types.get(self._surface(item), item.type)
        return [*self.found, *self._missed(types)]

    def _surface(self, item: Mention) -> str:
        return surface(self.parses[item.zone], item.first, item.last)

    def _is_named(self, item: Mention) -> bool:
        """Whether the mention contains a name; times and amounts mostly do not."""
        text = self.parses[item.zone].text
        return any(text[token][:1].isupper() for token in range(item.first, item.last))

    def _vote(self, item: Mention) -> None:
        parse, name = self.parses[item.zone], self._surface(item)
        votes = self.votes[name]
        votes[item.type] += _VOTES[item.source]
        if item.source != MODEL:
            self.certain[name][item.type] += _VOTES[item.source]
        if parse.zone.kind == "dateline":
            self.votes[name.title()][item.type] += _DATELINE
            self.certain[name.title()][item.type] += _DATELINE
        if item.source == LISTED:
            return
        if (kind := self._neighbour(parse, item)) is not None:
            votes[kind] += _NEIGHBOUR
            self.certain[name][kind] += _NEIGHBOUR
        elif item.first and item.source == MODEL and item.last - item.first < 3 and item.type in self.tables.confused:
            hint = self.tables.hints.get(parse.lower[item.first - 1])
            if hint is not None:
                votes[hint] += _HINT

    def _neighbour(self, parse: Parse, item: Mention) -> str | None:
        """The type that a noun beside the name indicates: `X militants`, `rebels of the X`."""
        if item.type in (self.tables.place, self.tables.adjective):
            return None
        noun = item.last
        if not (noun < len(parse) and parse.head[item.head] == noun and parse.pos[noun] == "NOUN"):
            above = parse.head[item.head]
            noun = parse.head[above]
            plural = parse.tag[noun] in ("NNS", "NNPS")
            if not plural or parse.lower[above] != "of" or parse.dep[item.head] != "pobj":
                return None
        for name, rule in self.tables.heads.get(parse.lemma[noun], ()):
            if any("named" in words for words in rule.needs.values()):
                return name
        return None

    def _acronyms(self, named: Sequence[Mention]) -> Iterator[tuple[str, str]]:
        """(short form, long form): `Upland Council (UC)`, `Upland Council, or UC,`."""
        for item in named:
            parse, last = self.parses[item.zone], item.last
            if item.last - item.first < 2 or last + 2 >= len(parse):
                continue
            if parse.text[last] == "(":
                short = parse.text[last + 1]
            elif parse.text[last] == "," and parse.lower[last + 1] == "or":
                short = parse.text[last + 2]
            else:
                continue
            initials = "".join(parse.text[token][0] for token in range(item.first, last)).upper()
            fits = short.isupper() and 2 <= len(short) <= 8 and short[0] in initials
            if (
                fits
                and short not in self.tables.names
                and (set(short) <= set(initials + "AEIOU") or short[0] == initials[0])
            ):
                yield short, self._surface(item)

    def _demonyms(self) -> dict[str, str]:
        """`Mirdani` and `Mirdan` in one article: the longer is the adjective of the shorter, which is a place."""
        place, adjective, listed = self.tables.place, self.tables.adjective, self.tables.names
        if place is None or adjective is None:
            return {}
        found: dict[str, str] = {}
        for word in sorted(
            {text for parse in self.parses for text in parse.text if text[:1].isupper()} - listed.keys()
        ):
            for stem in (word.removesuffix(suffix) for suffix in _DEMONYMS if word.endswith(suffix)):
                for shorter in (stem, stem + "a", stem + "e"):
                    if len(shorter) > 3 and shorter in self.proper:
                        found[word] = adjective
                        if shorter not in listed:
                            found[shorter] = place
        return found

    def _short_forms(self, types: dict[str, str]) -> dict[str, str]:
        """`Melk` alone has the type of `Doran Melk`, a person, unless its own evidence is strong."""
        people = self.tables.people
        short: dict[str, str] = {}
        for name, kind in types.items():
            pieces = name.split(" ")
            if kind != people or len(pieces) < 2:
                continue
            for piece in (pieces[-1], pieces[0]):
                usable = len(piece) > 2 and piece[0].isupper() and piece.isalpha() and piece not in self.tables.names
                other = types.get(piece, kind)
                if usable and (other == kind or self.certain[piece][other] < _CERTAIN):
                    short[piece] = kind
        return short

    def _missed(self, types: dict[str, str]) -> Iterator[Mention]:
        """Mentions of known names that were not found before."""
        starts = {first_token(name) for name in types}
        taken = [TakenTokens(()) for _ in self.parses]
        for item in self.found:
            taken[item.zone].add(item)
        for zone, parse in enumerate(self.parses):
            for index, text in enumerate(parse.text):
                if text not in starts or not _may_be_name(parse, index):
                    continue
                for last in range(min(len(parse), index + MAX_TOKENS), index, -1):
                    kind = types.get(surface(parse, index, last))
                    if kind is None:
                        continue
                    item = Mention(zone, index, last, head_of(parse, index, last), kind, "name", ALIAS)
                    if not taken[zone].overlaps(item):
                        taken[zone].add(item)
                        yield item
                    break


def _may_be_name(parse: Parse, index: int) -> bool:
    text, pos = parse.text[index], parse.pos[index]
    return pos == "PROPN" or text.isupper() or (index > 0 and text[:1].isupper() and pos in ("NOUN", "ADJ"))
