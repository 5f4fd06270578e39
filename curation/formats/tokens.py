"""Tokens and sentences with offsets, for formats that hold tokens. They depend on the text alone.

A token is a run of letters, digits and underscores, or one other character that is not white space: "pro-government"
is three tokens. A sentence ends at a blank line, at a line break unless the next line begins in lower case, and after
`.`, `!`, `?` or `…` and closing marks if a capital, a digit or an opening mark follows; not after an initial or a
common abbreviation. Together the tokens hold every character that is not white space.

An article that was imported with tokens keeps them in its metadata, under `token_offsets`.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from curation.article import Article
from curation.errors import BadInput

OFFSETS = "token_offsets"
"""The metadata field with the tokens that an article was imported with: JSON, one list a sentence, [start, end, …] of
the sentence itself and then of its tokens."""

Offsets = tuple[int, int]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_BREAK = re.compile(r"\n\s*|[.!?…][\"”’')\]]*[^\S\n]+")
_OPENERS = "\"“‘'(["
_ABBREVIATED = re.compile(
    r"(?:\b[^\W\d_]|\b(?:Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Maj|Capt|Cpl|Cmdr|Sgt|Adm|Brig|Gov|Sen|Rep|Rev|St|Mt|No|vs|Inc|Ltd"
    r"|Co|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec))$"
)


class Sentence(NamedTuple):
    """`[start, end)` of the sentence in code points, and the same of each of its tokens."""

    start: int
    end: int
    tokens: tuple[Offsets, ...]


class Tokens:
    """The tokens of one text, sentence by sentence, in the order of the text."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.sentences = tuple(sentences)

    @cached_property
    def all(self) -> tuple[Offsets, ...]:
        """The tokens of all sentences."""
        return tuple(token for sentence in self.sentences for token in sentence.tokens)

    @cached_property
    def sentence_of(self) -> tuple[int, ...]:
        """For each token the number of its sentence."""
        return tuple(number for number, sentence in enumerate(self.sentences) for _ in sentence.tokens)

    @cached_property
    def first_of(self) -> tuple[int, ...]:
        """For each sentence the number of its first token."""
        counts, total = [], 0
        for sentence in self.sentences:
            counts.append(total)
            total += len(sentence.tokens)
        return tuple(counts)

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.all]

    @cached_property
    def _ends(self) -> list[int]:
        return [end for _, end in self.all]

    def touched(self, start: int, end: int) -> tuple[int, int] | None:
        """The tokens that share a character with `[start, end)`, as first and one behind the last; None: none does."""
        first, behind = bisect_right(self._ends, start), bisect_left(self._starts, end)
        return (first, behind) if first < behind else None

    def exactly(self, start: int, end: int) -> tuple[int, int] | None:
        """The tokens that begin at `start` and end at `end`, as first and one behind the last; None: no such tokens."""
        place = self.touched(start, end)
        return place if place and self.span(*place) == (start, end) else None

    def span(self, first: int, behind: int) -> Offsets:
        """The characters from token `first` to the one before `behind`."""
        return self.all[first][0], self.all[behind - 1][1]


def tokenise(article: Article) -> Tokens:
    """The tokens of an article: those it was imported with, else ours.

    Raises:
        BadInput: the tokens it was imported with do not fit its text.
    """
    imported = article.metadata.get(OFFSETS)
    return Tokens(list(_split(article.text)) if imported is None else _read(imported, article))


def words(text: str, pattern: re.Pattern[str]) -> Tokens:
    """The tokens that `pattern` finds, as one sentence."""
    found = tuple(match.span() for match in pattern.finditer(text))
    return Tokens([Sentence(0, len(text), found)] if found else [])


def sentences(text: str) -> Iterator[Offsets]:
    """The sentences of `text`, without the white space around them."""
    start = 0
    for match in _BREAK.finditer(text):
        if _ends_sentence(text, match):
            yield from _stripped(text, start, match.end())
            start = match.end()
    yield from _stripped(text, start, len(text))


def align(tokens: Sequence[str], text: str, start: int = 0) -> list[Offsets] | None:
    """The places of `tokens` in `text` from `start` on, with only white space between them; None: no such places."""
    found = []
    for token in tokens:
        while start < len(text) and text[start].isspace():
            start += 1
        if not token or not text.startswith(token, start):
            return None
        found.append((start, start + len(token)))
        start += len(token)
    return found


def is_token(word: str) -> bool:
    """Whether `word` can be a token: not empty, no white space at its edges, and within it only unusual white space.

    A no-break space is part of a token, as in "10\u00a0000"; a space, tab or line break parts tokens.
    """
    return bool(word) and word == word.strip() and not any(char in word for char in " \t\n\r\x0b\x0c")


def dump(tokens: Tokens) -> str:
    """`tokens` as the metadata field `OFFSETS` holds them."""
    rows = [[*sentence[:2], *(at for token in sentence.tokens for at in token)] for sentence in tokens.sentences]
    return json.dumps(rows, separators=(",", ":"))


def _split(text: str) -> Iterator[Sentence]:
    for start, end in sentences(text):
        yield Sentence(start, end, tuple(match.span() for match in _TOKEN.finditer(text, start, end)))


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    place = match.end()
    while text[place : place + 1] in tuple(_OPENERS):
        place += 1
    goes_on = text[place : place + 1].islower()
    if match[0][0] == "\n":
        return match[0].count("\n") > 1 or not goes_on
    abbreviated = match[0][0] == "." and _ABBREVIATED.search(text, max(0, match.start() - 8), match.start())
    return text[place : place + 1].isalnum() and not goes_on and not abbreviated


def placed(rows: Iterable[Sequence[int]], text: str) -> list[Sentence]:
    """Sentences from rows of borders: start and end of the sentence, then of each of its tokens.

    Raises:
        ValueError: they are not in order, or a token is none of this text.
    """
    found, last = [], 0
    for row in rows:
        at = iter(row)
        (start, end), *tokens = zip(at, at, strict=True)
        borders = [last, start, *(border for token in tokens for border in token), end, len(text)]
        whole = all(is_token(text[first:behind]) for first, behind in tokens)
        if not tokens or not whole or borders != sorted(borders) or not all(type(border) is int for border in row):
            raise ValueError("the tokens do not fit the text")
        found.append(Sentence(start, end, tuple(tokens)))
        last = end
    return found


def _read(imported: str, article: Article) -> list[Sentence]:
    try:
        return placed(json.loads(imported), article.text)
    except (ValueError, TypeError, RecursionError) as error:
        way_out = f"remove {OFFSETS} from its metadata"
        raise BadInput("do not fit the text", path=article.id, field=OFFSETS, way_out=way_out) from error


def _stripped(text: str, start: int, end: int) -> Iterator[Offsets]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
