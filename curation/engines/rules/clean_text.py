"""Text as the parser should read it, without mark-up, emoji and invisible characters, and the way back to the original.

The parser reads `CleanText.text`; every token is mapped back to code points of the article's text. Text without any of
these is read as it is.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_BLOCKS = (
    "article|aside|blockquote|body|br|caption|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head|"
    "header|hr|html|iframe|li|main|nav|noscript|ol|option|p|pre|script|section|select|style|table|tbody|td|tfoot|th|"
    "thead|title|tr|ul|video"
)
"""HTML elements that end a line."""
_INLINE = (
    "a|abbr|audio|b|button|cite|code|del|em|embed|font|i|img|input|ins|label|link|mark|meta|object|param|picture|q|s|"
    "small|source|span|strike|strong|sub|summary|sup|svg|time|tt|u|var|wbr"
)
_EMOJI = r"\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
_MARKUP = re.compile(
    rf"""(?<![{_EMOJI}])(?P<invisible>[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+)(?![{_EMOJI}])
    |(?P<block></?(?:{_BLOCKS})(?:\s[^<>]{{0,2000}})?/?>|</(?:{_BLOCKS})\b|<!--.{{0,2000}}?-->
        |(?m:^[ \t]*(?:{_BLOCKS})>))
    |(?P<inline></?(?:{_INLINE})(?:\s[^<>]{{0,2000}})?/?>|</(?:{_INLINE})\b|(?m:^[ \t]*(?:{_INLINE})>))
    |(?P<entity>&(?:\#\d{{1,7}}|\#[xX][0-9A-Fa-f]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});?)
    |(?P<footnote>(?<=[\w.,;:!?"”’)\]])\[\d{{1,3}}\])
    |(?P<emoji>(?<=\w)[{_EMOJI}]+|[{_EMOJI}]+(?=\w))
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_NOISE = frozenset("/=+|*_~<>[]{}#@^\\`•·")
"""Characters that are never the edge of a mention."""


class CleanText(NamedTuple):
    """Text to parse; character i covers `[starts[i], ends[i])` of the original. `tags`: HTML tags that were removed."""

    text: str
    starts: list[int] | range
    ends: list[int] | range
    tags: int = 0


def clean(text: str) -> CleanText:
    """The text to parse of an article.

    Invisible characters are removed, HTML entities decoded; HTML tags, footnote marks and emoji attached to a word
    become white space.
    """
    if not any(_changes(text)):
        return CleanText(text, range(len(text)), range(1, len(text) + 1))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = tags = 0
    for start, end, replacement in _changes(text):
        pieces += (text[done:start], replacement)
        starts += (*range(done, start), *[start] * len(replacement))
        ends += (*range(done + 1, start + 1), *[end] * len(replacement))
        done = end
        tags += text[start] == "<"
    pieces.append(text[done:])
    starts += range(done, len(text))
    ends += range(done + 1, len(text) + 1)
    return CleanText("".join(pieces), starts, ends, tags)


def _changes(text: str) -> Iterator[tuple[int, int, str]]:
    """`[start, end)` and replacement of everything that the parser should not read."""
    for found in _MARKUP.finditer(text):
        kind = found.lastgroup
        if kind == "entity":
            replacement = html.unescape(found.group())
            if replacement == found.group() or (not found.group().endswith(";") and len(replacement) > 1):
                continue  # no entity: "AT&T", "R&D;"
            replacement = replacement.replace("\xa0", " ")
        else:
            replacement = {"invisible": "", "block": "\n"}.get(kind or "", " ")
        yield found.start(), found.end(), replacement


def trimmed_span(text: str, start: int, end: int) -> tuple[int, int]:
    """`[start, end)` without white space, symbols, emoji and unbalanced brackets at its edges; may be empty."""
    while start < end and _is_noise(text[start], text[start + 1 : end], _BRACKETS):
        start += 1
    opening = {closing: opening for opening, closing in _BRACKETS.items()}
    while start < end and _is_noise(text[end - 1], text[start : end - 1], opening):
        end -= 1
    return start, end


def _is_noise(char: str, rest: str, partners: dict[str, str]) -> bool:
    """Whether a character at the edge of a span does not belong to it. `partners`: bracket → the other one."""
    if char in partners:
        return partners[char] not in rest
    if char.isalnum():
        return False
    return char.isspace() or char in _NOISE or unicodedata.category(char) in ("So", "Sk", "Cf", "Co")
