"""The zones of an article: headline, dateline, caption, credit, quotation, heading, body.

Sentences do not cross zones, so each zone is parsed alone. A line break ends a zone unless the next line starts in
lower case and the last has no final punctuation: such lines are one paragraph wrapped by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["headline", "dateline", "caption", "credit", "quotation", "heading", "body"]

MAX_ZONE = 20_000
"""Longest zone, in code points; a longer paragraph is split at a space."""

_LINE = re.compile(r"[^\n]+")
_ENDS = ".!?:;…”\"'’)]|"
_DATELINE = re.compile(
    r"""(?P<place>[^\W\d_][\w.'’-]*(?:[ ,/]+[^\W\d_][\w.'’-]*){0,5})   # CITY, Country
        \s*(?:\((?P<agency>[^()\n]{2,40})\)\s*)?                               # (AGENCY)
        (?://|—|–|--|-|:)(?:\s+|$)""",
    re.VERBOSE,
)
_CAPTION = re.compile(
    r"(?:FILE\b|PHOTO\b|WATCH\b|CAPTION\b|Photo:|Picture:|Caption:|Image:|image caption|An? (?:undated|still|handout)\b"
    r"|(?:A|An|This|In this) (?:\w+ )?(?:photo|photograph|image|picture|frame grab|video grab|screengrab|handout)\b)"
)
_ARCHIVE = re.compile(r"FILE(?: PHOTO)?\s*[-–—:]\s*(?=\w)")
"""The mark of a picture from the archive."""
_CREDIT_LINE = re.compile(
    r"(?:\*\s?\S|©|\(?c\) |Copyright\b|Photo(?:graph)? by|Reporting by|Additional reporting|Editing by|Writing by"
    r"|By [A-Z][\w.'’-]+ [A-Z]"
    r"|Powered by|Image copyright|Source:)"
)
_CREDIT_TAIL = re.compile(
    r"(?<=[.!?”\"])\s+(?P<credit>[A-Z][\w.,'’&-]*(?: [\w.,'’&-]+){0,7} ?/ ?[A-Z][\w.'’& -]{1,30})$"
)
_CITY = re.compile(
    r"""\b[A-Z][A-Z.'’/-]+(?:[ ][A-Z][A-Z.'’/-]*)*                  # CITY
        (?:[ ]?,[ ][A-Z][\w.'’-]*(?:[ ][A-Z][\w.'’-]*){0,2})?\s*$""",  # , Country
    re.VERBOSE,
)
_WORD = re.compile(r"\S+")
SMALL = frozenset(
    ("a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "into", "it", "its", "nor", "of", "on", "or",
     "over", "the", "to", "up", "via", "vs", "with", "'s", "’s")
)  # fmt: skip
"""Words that are in lower case in a headline in title case."""
_OPENERS = frozenset(
    ("A", "An", "As", "At", "By", "For", "In", "On", "The", "There", "These", "This", "Those", "When")
)  # fmt: skip
"""Words that begin a sentence if they are capitalised inside a title that runs on into the text."""
_DASHES = frozenset(("—", "–", "--"))
_TITLE = 4
"""Fewest words of a headline that runs on into the text."""
_LONGEST_TITLE = 500
"""Longest such headline, in code points."""


class Zone(NamedTuple):
    """A part of an article: `[start, end)` in code points of its text, without white space around it."""

    kind: Kind
    start: int
    end: int


def zones(text: str) -> list[Zone]:
    """The zones of `text`, in order; together they contain every character that is not white space."""
    found: list[Zone] = []
    lines = _lines(text)
    for index, (start, end) in enumerate(lines):
        for zone in _parts(text, start, end, index, len(lines)):
            found += _bounded(text, zone)
    return found


def _lines(text: str) -> list[tuple[int, int]]:
    lines: list[tuple[int, int]] = []
    for match in _LINE.finditer(text):
        if match.group().isspace():
            continue
        start, end = _stripped(text, *match.span())
        if (
            lines
            and text[start].islower()
            and text[lines[-1][1] - 1] not in _ENDS
            and text.count("\n", lines[-1][1], start) == 1
        ):
            lines[-1] = (lines[-1][0], end)
        else:
            lines.append((start, end))
    return lines


def _parts(text: str, start: int, end: int, index: int, count: int) -> Iterator[Zone]:
    line = text[start:end]
    ended = line[-1] in _ENDS
    if _CREDIT_LINE.match(line) and len(line) < 200:
        yield Zone("credit", start, end)
        return
    if archive := _ARCHIVE.match(line):
        yield Zone("credit", *_stripped(text, start, start + archive.end()))
        start += archive.end()
        line = text[start:end]
    if archive or _CAPTION.match(line):
        if tail := _CREDIT_TAIL.search(line):
            yield Zone("caption", *_stripped(text, start, start + tail.start()))
            yield Zone("credit", start + tail.start("credit"), end)
        else:
            yield Zone("caption", start, end)
        return
    if index == 0 and count > 1 and not ended and len(line) <= 200:
        yield Zone("headline", start, end)
        return
    if index == 0 and (title := _title_end(line)):
        yield Zone("headline", *_stripped(text, start, start + title))
        start, _ = _stripped(text, start + title, end)
        line = text[start:end]
    if (match := _DATELINE.match(line)) and _in_capitals(match["place"]):
        yield Zone("dateline", start, start + match.end("place"))
        if match["agency"]:
            yield Zone("credit", start + match.start("agency"), start + match.end("agency"))
        start += match.end()
        if start >= end:
            return
        line = text[start:end]
    if line[0] in '“"' and line[-1] in '”"':
        yield Zone("quotation", start, end)
    elif not ended and len(line) <= 90 and index > 0:
        yield Zone("heading", start, end)
    else:
        yield Zone("body", start, end)


def _title_end(line: str) -> int | None:
    """End of a headline in title case that runs on into a dateline or a sentence; None if it is not clear."""
    opened: int | None = None
    before = ""
    for place, found in enumerate(_WORD.finditer(line)):
        word = found.group()
        if found.start() > _LONGEST_TITLE:
            return opened
        if word in _DASHES and place > _TITLE and (city := _CITY.search(line, 0, found.start())):
            return city.start()
        if word[0].islower() and word not in SMALL:
            return opened
        if word in _OPENERS and place >= _TITLE and before not in SMALL and before != ":":
            opened = found.start()
        before = word
    return None


def _in_capitals(place: str) -> bool:
    """Whether the first word is in capitals, as in a dateline: `MOSCOW`, `TUNIS, Tunisia`."""
    first = re.split(r"[ ,/]", place)[0]
    return len(first) > 1 and first.isupper()


def _bounded(text: str, zone: Zone) -> Iterator[Zone]:
    start = zone.start
    while zone.end - start > MAX_ZONE:
        cut = max(text.rfind(" ", start, start + MAX_ZONE), text.rfind(". ", start, start + MAX_ZONE))
        cut = cut if cut > start else start + MAX_ZONE
        if text[start:cut].strip():
            yield Zone(zone.kind, *_stripped(text, start, cut))
        start = cut
    if text[start : zone.end].strip():
        yield Zone(zone.kind, *_stripped(text, start, zone.end))


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return end - len(piece.lstrip()), start + len(piece.rstrip())
