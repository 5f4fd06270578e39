"""Finding a quotation in a text: verbatim, and of several occurrences the one that fits its context."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

MARGIN = 10
"""Code points beyond the length of the context in which its words are searched."""


def locate(text: str, quote: str, context: str, taken: Collection[tuple[int, int]] = ()) -> tuple[int, int] | None:
    """`[start, end)` of `quote` in `text`, whole words only, or None if it does not occur verbatim.

    Of several occurrences: the one with `context` verbatim around it; else the one with most words of the context
    nearby; of equal ones the first that is not `taken`.
    """
    quote = quote.strip()
    if not quote:
        return None
    left_edge = r"(?<!\w)" if quote[0].isalnum() else ""
    right_edge = r"(?!\w)" if quote[-1].isalnum() else ""
    starts = [found.start() for found in re.finditer(f"{left_edge}{re.escape(quote)}{right_edge}", text)]
    if not starts:
        return None
    spans = [(start, start + len(quote)) for start in starts]
    return max(spans, key=lambda span: (*_fit(text, span, context.strip()), span not in taken, -span[0]))


def _fit(text: str, span: tuple[int, int], context: str) -> tuple[bool, int]:
    """Whether the context surrounds the span verbatim, and how many of its words are nearby."""
    start, end = span
    quote = text[start:end]
    verbatim = any(
        text.startswith(context, start - found.start())
        for found in re.finditer(re.escape(quote), context)
        if start >= found.start()
    )
    before, found, after = context.partition(quote)
    if not found:
        before = after = context
    left, right = text[max(0, start - len(before) - MARGIN) : start], text[end : end + len(after) + MARGIN]
    return verbatim, _shared_words(left, before) + _shared_words(right, after)


def _shared_words(text: str, context: str) -> int:
    words = [Counter(re.findall(r"\w+", side.lower())) for side in (text, context)]
    return (words[0] & words[1]).total()
