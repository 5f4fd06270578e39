"""Where a quotation stands in a text: verbatim or nowhere; of several places, the one its context tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

NEAR = 10
"""How many code points further than the context reaches its words are sought."""


def locate(text: str, quote: str, context: str, taken: Collection[tuple[int, int]] = ()) -> tuple[int, int] | None:
    """`[start, end)` of `quote` in `text`, whole words only, or None where it does not stand there verbatim.

    Of several places: where `context` stands verbatim around it; else where most words of the context are near; of
    equals the first that is not `taken`.
    """
    quote = quote.strip()
    if not quote:
        return None
    edge_before, edge_after = r"(?<!\w)" * quote[0].isalnum(), r"(?!\w)" * quote[-1].isalnum()
    places = [found.start() for found in re.finditer(f"{edge_before}{re.escape(quote)}{edge_after}", text)]
    if not places:
        return None
    spans = [(start, start + len(quote)) for start in places]
    return max(spans, key=lambda span: (*_fit(text, span, context.strip()), span not in taken, -span[0]))


def _fit(text: str, span: tuple[int, int], context: str) -> tuple[bool, int]:
    start, end = span
    quote = text[start:end]
    around = any(
        text.startswith(context, start - found.start())
        for found in re.finditer(re.escape(quote), context)
        if start >= found.start()
    )
    before, found, after = context.partition(quote)
    if not found:
        before = after = context
    left, right = text[max(0, start - len(before) - NEAR) : start], text[end : end + len(after) + NEAR]
    return around, _shared(left, before) + _shared(right, after)


def _shared(one: str, two: str) -> int:
    """How many words they share."""
    words = (Counter(re.findall(r"\w+", side.lower())) for side in (one, two))
    return (next(words) & next(words)).total()
