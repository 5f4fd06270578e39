"""Tokens and sentences: nothing lost, always the same, and where they end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.article import Article
from curation.errors import BadInput
from curation.formats.tokens import OFFSETS, Tokens, align, dump, sentences, tokenise


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1))
def test_every_character_that_is_not_white_space_is_in_one_token_of_one_sentence(text: str) -> None:
    if not text.strip():
        return
    tokens = tokenise(Article(id="kar-1", text=text))
    assert "".join(text[start:end] for start, end in tokens.all) == "".join(text.split())
    borders = [0]
    for sentence in tokens.sentences:
        assert sentence.tokens[0][0] == sentence.start and sentence.tokens[-1][1] == sentence.end
        borders += [sentence.start, sentence.end]
    assert borders == sorted(borders)
    words = [text[start:end] for start, end in tokens.all]
    assert align(words, text) == list(tokens.all)
    kept = Article(id="kar-1", text=text, metadata={OFFSETS: dump(tokens)})
    assert tokenise(kept).sentences == tokens.sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Troops left. Rebels came!", ["Troops left.", "Rebels came!"]),
        ("He said: “Go.” They went.", ["He said: “Go.”", "They went."]),
        (
            "Gen. Tor met J. Kar on Oct. 5. Later (3 p.m.) they left.",
            ["Gen. Tor met J. Kar on Oct. 5.", "Later (3 p.m.) they left."],
        ),
        ("About 3.5 tonnes, the U.S. Navy said.", ["About 3.5 tonnes, the U.S. Navy said."]),
        ("Headline without a stop\nKARSK (AP) — Troops", ["Headline without a stop", "KARSK (AP) — Troops"]),
        ("A line wrapped\nby hand\n\nand a paragraph", ["A line wrapped\nby hand", "and a paragraph"]),
        ("  \n Why? “No … idea.” \n", ["Why?", "“No … idea.”"]),
        ("Nothing!Here", ["Nothing!Here"]),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_tokens_of_a_span() -> None:
    tokens = tokenise(Article(id="kar-1", text="pro-Karsk troops"))
    assert [tokens.exactly(0, 9), tokens.exactly(4, 9), tokens.exactly(1, 9), tokens.exactly(9, 10)] == [
        (0, 3),
        (2, 3),
        None,
        None,
    ]
    assert [tokens.touched(1, 5), tokens.touched(9, 10), tokens.touched(9, 11)] == [(0, 3), None, (3, 4)]
    assert tokens.span(0, 3) == (0, 9)


@pytest.mark.parametrize(
    "offsets", ["[[0,5,0,9]]", "[[0,5,3,3]]", "[[0,5,0]]", "[[0,5]]", "[[0,5,0,5.0]]", "[[0,99,0,5]]", "[[0,11,0,11]]",
                "[[3,5,3,5],[0,2,0,2]]", "{}}", "7", "[7]", "null", "[" * 9999]
)  # fmt: skip
def test_tokens_that_do_not_fit_the_text(offsets: str) -> None:
    with pytest.raises(BadInput, match=f"kar-1: {OFFSETS}: do not fit the text; remove {OFFSETS} from its metadata"):
        tokenise(Article(id="kar-1", text="Karsk fires", metadata={OFFSETS: offsets}))


def test_no_tokens() -> None:
    assert Tokens(()).touched(0, 9) is None
