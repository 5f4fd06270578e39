"""Quotations: verbatim or nowhere, whole words, and the one of several that the context tells."""

from __future__ import annotations

import pytest

from curation.engines.llm_engine import windows
from curation.engines.quote_matching import locate

TEXT = "\U0001f680 Kelmar shelled Torvan. Officials in Kelmar denied it. The Kelmari press said Kelmar had won."


@pytest.mark.parametrize(
    ("quote", "context", "nth"),
    [
        ("Kelmar", "Kelmar shelled", 0),
        ("Kelmar", "in Kelmar denied", 1),
        ("Kelmar", "press said Kelmar had", 3),  # the third is within Kelmari
        ("Kelmar", "the press told that Kelmar did win", 3),
        ("Kelmar", "", 0),
        ("Kelmari", "The Kelmari press", 2),
        (" Kelmar ", "officials in Kelmar", 1),
    ],
)
def test_the_place_that_the_context_tells(quote: str, context: str, nth: int) -> None:
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index("Kelmar", start + 1)
    assert locate(TEXT, quote, context) == (start, start + len(quote.strip()))


@pytest.mark.parametrize(
    "quote", ["Kelmars", "kelmar", "elmar", "Torvan Officials", "", " ", "Torvan.  Officials", ".*"]
)
def test_what_is_not_verbatim_is_nowhere(quote: str) -> None:
    assert locate(TEXT, quote, "Kelmar shelled Torvan.") is None


def test_of_equals_the_first_that_is_free() -> None:
    assert locate("a b a b a", "a", "") == (0, 1)
    assert locate("a b a b a", "a", "", {(0, 1)}) == (4, 5)


def test_windows_hold_everything_once_and_end_after_paragraphs() -> None:
    text = ("Kelmar shelled Torvan again on Monday. " * 3 + "\n\n") * 50 + "x" * 2500
    found = list(windows(text, 1000))
    assert "".join(text[start:end] for start, end in found) == text
    assert all(end - start <= 1000 for start, end in found)
    assert sum(text[start:end].endswith("\n\n") for start, end in found) >= len(found) - 4
