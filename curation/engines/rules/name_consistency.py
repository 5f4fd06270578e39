"""One type for one name within an article: every mention votes, and what nothing had found is found again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from curation.engines.rules.mentions import ALIAS, CUED, LISTED, MODEL, Found, Taken
from curation.engines.rules.noun_phrases import first_piece, head_of, said
from curation.engines.rules.parsed_text import Parse

if TYPE_CHECKING:
    from curation.engines.rules.entities import EntityFinder

_DEMONYMS = ("ians", "ans", "ian", "an", "ns", "n", "is", "i", "ese", "ish")
_LONGEST = 8
"""Tokens of the longest name that is looked for again."""

# How much a mention counts for the type of its name, by how it was found, and evidence from the words around it.
_WEIGHT = {LISTED: 5.0, CUED: 2.5, MODEL: 1.0}
_DATELINE, _NEIGHBOUR, _HINT = 5.0, 6.0, 1.5
_SETTLED = 2.5


class Names:
    """The names of one article, and the type that each of them has."""

    def __init__(self, finder: EntityFinder, parses: Sequence[Parse], found: list[Found]) -> None:
        self.finder, self.parses, self.found = finder, parses, found
        self.votes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.told: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.proper = {
            text for parse in parses for text, pos in zip(parse.text, parse.pos, strict=True) if pos == "PROPN"
        }

    def settled(self) -> list[Found]:
        """The mentions with one type for each name, those that nothing had found added."""
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
            item.type = types.get(self._said(item), item.type)
        return [*self.found, *self._again(types)]

    def _said(self, item: Found) -> str:
        return said(self.parses[item.part], item.first, item.last)

    def _is_named(self, item: Found) -> bool:
        """Whether the mention has a name; times and amounts mostly have none."""
        text = self.parses[item.part].text
        return any(text[token][:1].isupper() for token in range(item.first, item.last))

    def _vote(self, item: Found) -> None:
        parse, name = self.parses[item.part], self._said(item)
        votes = self.votes[name]
        votes[item.type] += _WEIGHT[item.score]
        if item.score != MODEL:
            self.told[name][item.type] += _WEIGHT[item.score]
        if parse.zone.kind == "dateline":
            self.votes[name.title()][item.type] += _DATELINE
            self.told[name.title()][item.type] += _DATELINE
        if item.score == LISTED:
            return
        if (kind := self._neighbour(parse, item)) is not None:
            votes[kind] += _NEIGHBOUR
            self.told[name][kind] += _NEIGHBOUR
        elif item.first and item.score == MODEL and item.last - item.first < 3 and item.type in self.finder.doubtful:
            hint = self.finder.hints.get(parse.lower[item.first - 1])
            if hint is not None:
                votes[hint] += _HINT

    def _neighbour(self, parse: Parse, item: Found) -> str | None:
        """What the noun that a name goes with tells of it: `X militants`, `rebels of the X`."""
        if item.type in (self.finder.place, self.finder.adjective):
            return None
        noun = item.last
        if not (noun < len(parse) and parse.head[item.head] == noun and parse.pos[noun] == "NOUN"):
            above = parse.head[item.head]
            noun = parse.head[above]
            plural = parse.tag[noun] in ("NNS", "NNPS")
            if not plural or parse.lower[above] != "of" or parse.dep[item.head] != "pobj":
                return None
        for name, rule in self.finder.heads.get(parse.lemma[noun], ()):
            if any("named" in words for words in rule.needs.values()):
                return name
        return None

    def _acronyms(self, named: Sequence[Found]) -> Iterator[tuple[str, str]]:
        """(short form, long form): `Upland Council (UC)`, `Upland Council, or UC,`."""
        for item in named:
            parse, last = self.parses[item.part], item.last
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
                and short not in self.finder.listed
                and (set(short) <= set(initials + "AEIOU") or short[0] == initials[0])
            ):
                yield short, self._said(item)

    def _demonyms(self) -> dict[str, str]:
        """`Mirdani` beside `Mirdan` in one article: the longer is the adjective of the shorter, a place."""
        place, adjective, listed = self.finder.place, self.finder.adjective, self.finder.listed
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
        """`Melk` alone is what `Doran Melk` is, a person, unless much speaks against it."""
        people = self.finder.people
        short: dict[str, str] = {}
        for name, kind in types.items():
            pieces = name.split(" ")
            if kind != people or len(pieces) < 2:
                continue
            for piece in (pieces[-1], pieces[0]):
                usable = len(piece) > 2 and piece[0].isupper() and piece.isalpha() and piece not in self.finder.listed
                other = types.get(piece, kind)
                if usable and (other == kind or self.told[piece][other] < _SETTLED):
                    short[piece] = kind
        return short

    def _again(self, types: dict[str, str]) -> Iterator[Found]:
        """Mentions of known names that nothing had found."""
        starts = {first_piece(name) for name in types}
        taken = [Taken(()) for _ in self.parses]
        for item in self.found:
            taken[item.part].add(item)
        for part, parse in enumerate(self.parses):
            for index, text in enumerate(parse.text):
                if text not in starts or not _may_be_name(parse, index):
                    continue
                for last in range(min(len(parse), index + _LONGEST), index, -1):
                    kind = types.get(said(parse, index, last))
                    if kind is None:
                        continue
                    item = Found(part, index, last, head_of(parse, index, last), kind, "name", ALIAS)
                    if not taken[part].overlaps(item):
                        taken[part].add(item)
                        yield item
                    break


def _may_be_name(parse: Parse, index: int) -> bool:
    text, pos = parse.text[index], parse.pos[index]
    return pos == "PROPN" or text.isupper() or (index > 0 and text[:1].isupper() and pos in ("NOUN", "ADJ"))
