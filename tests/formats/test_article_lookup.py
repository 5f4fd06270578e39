"""Finding the project's article that a document is."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.article import Article
from curation.errors import BadInput
from curation.formats.article_lookup import ArticleLookup

FILE = Path("a.jsonl")


def test_a_text_that_differs_in_white_space_uses_up_no_article() -> None:
    known = Article(id="kel-1", text="Salt is dear.")
    lookup = ArticleLookup([known])
    assert lookup.by_text("Salt  is dear.", None, "new-1", FILE).id == "new-1"
    assert lookup.by_text("Salt is dear.", None, "new-2", FILE) is known


def test_the_equal_text_is_found_among_those_that_differ_in_white_space() -> None:
    articles = [Article(id="kel-1", text="Salt  is dear."), Article(id="kel-2", text="Salt is dear.")]
    lookup = ArticleLookup(articles)
    assert lookup.by_text("Salt is dear.", None, "new", FILE) is articles[1]
    assert lookup.by_text("Salt  is dear.", None, "new", FILE) is articles[0]


def test_copies_of_a_text_are_different_articles() -> None:
    lookup = ArticleLookup([Article(id="kel-1", text="Salt"), Article(id="kel-2", text="Salt")])
    assert [lookup.by_text("Salt", None, "new", FILE).id for _ in range(3)] == ["kel-1", "kel-2", "new"]


@pytest.mark.parametrize(("text", "problem"), [("Salt  is dear.", "white space"), ("Fish", "not the text")])
def test_an_id_with_another_text(text: str, problem: str) -> None:
    lookup = ArticleLookup([Article(id="kel-1", text="Salt is dear.")])
    with pytest.raises(BadInput, match=problem):
        lookup.by_text(text, "kel-1", "new", FILE)
