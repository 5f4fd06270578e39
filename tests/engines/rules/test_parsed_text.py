"""Tokens of a zone: as spaCy makes them, but in time that grows with the length, whatever the text."""

from __future__ import annotations

import time

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.engines.rules.parsed_text import MAX_SENTENCE, MAX_WORD, safe_doc

NLP = spacy.blank("en")


@pytest.mark.parametrize("mark", ["[", "$", '"', "😀", "_"])
def test_twenty_thousand_marks_take_no_time(mark: str) -> None:
    text = mark * 20_000
    started = time.process_time()
    made = safe_doc(NLP, text)
    assert time.process_time() - started < 5  # it was 30
    assert made.text == text


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["Mirdan", " ", "(", "x" * MAX_WORD, '["' * 200, "\n", ". "]), min_size=1, max_size=20))
def test_nothing_is_lost_or_moved(parts: list[str]) -> None:
    text = "".join(parts)
    made = safe_doc(NLP, text)
    assert made.text == text
    assert all(text.startswith(token.text, token.idx) for token in made)


def test_what_people_write_has_the_tokens_of_spacy() -> None:
    text = f"Mirdan's troops (the “3rd”) didn't fire. See https://example.org/{'a-b/' * 100}, they said: " + "A, " * 150
    made, theirs = safe_doc(NLP, text), NLP(text)
    assert [(token.text, token.idx) for token in made] == [(token.text, token.idx) for token in theirs]
    assert [token.i for token in made if token.is_sent_start] == [0]


def test_no_sentence_is_longer_than_a_list_of_names() -> None:
    made = safe_doc(NLP, "killed " * 3 * MAX_SENTENCE)
    assert [token.i for token in made if token.is_sent_start] == [0, MAX_SENTENCE, 2 * MAX_SENTENCE]
