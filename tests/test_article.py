"""Articles: one normalisation, one hash, and errors that name the field."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.article import MAX_CHARACTERS, Article, normalise, sha256
from curation.errors import BadInput

PATH = Path("articles.jsonl")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00")).filter(str.strip)


@given(st.text())
def test_normalising_touches_line_ends_alone(text: str) -> None:
    once = normalise(text)
    assert "\r" not in once
    assert normalise(once) == once
    assert once.replace("\n", "") == text.replace("\r", "").replace("\n", "")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\r\n\r\nb", "a\n\nb"),
        ("a\n\rb", "a\n\nb"),
        ("tab\tnbsp\u00a0sep\u2028zwsp\u200bbom\ufeff", "tab\tnbsp\u00a0sep\u2028zwsp\u200bbom\ufeff"),
    ],
)
def test_line_ends_become_lf(text: str, normal: str) -> None:
    assert normalise(text) == normal


def test_the_hash_is_of_the_utf8_bytes() -> None:
    article = Article(id="a1", text="Schüsse 🔥 in Belmora")
    assert article.text_sha256 == hashlib.sha256("Schüsse 🔥 in Belmora".encode()).hexdigest()
    assert sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(texts)
def test_an_article_survives_json(text: str) -> None:
    article = Article(
        id="news/17",
        text=text,
        title="A title",
        published=datetime(2031, 3, 5, 6, 30, tzinfo=UTC),
        language="en",
        metadata={"desk": "foreign"},
    )
    line = article.to_json()
    assert "\n" not in line
    assert json.loads(line)["text_sha256"] == article.text_sha256
    assert Article.from_record(json.loads(line), path=PATH) == article


def test_a_text_that_changed_after_it_was_hashed_is_refused() -> None:
    record = {"id": "a1", "text": "Two shells fell.", "text_sha256": sha256("Three shells fell.")}
    with pytest.raises(BadInput, match=r"^articles.jsonl:7: text_sha256: does not fit the text; "):
        Article.from_record(record, path=PATH, line=7)
    del record["text_sha256"]
    assert Article.from_record(record, path=PATH).text == "Two shells fell."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": ""}, "text: the text is empty"),
        ({"text": " \n\t "}, "text: the text is empty"),
        ({"text": "a\r\nb"}, "text: the text holds a carriage return"),
        ({"text": "a\x00b"}, "text: the text holds a NUL character"),
        ({"text": "a\ud800b"}, "text: "),
        ({"text": "x" * (MAX_CHARACTERS + 1)}, "text: String should have at most 2000000 characters"),
        ({"text": 5}, "text: Input should be a valid string"),
        ({"id": ""}, "id: "),
        ({"id": "two words"}, "id: "),
        ({"id": "bell\x07"}, "id: "),
        ({"id": "x" * 201}, "id: "),
        ({"titel": "x"}, "titel: "),
        ({"published": "yesterday"}, "published: "),
        ({"metadata": {"desk": 4}}, "metadata.desk: "),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Article.from_record({"id": "a1", "text": "Some words."} | change, path=PATH, line=3)
    assert str(caught.value).startswith(f"articles.jsonl:3: {says}")
    assert "\n" not in str(caught.value)


def test_further_mistakes_are_counted() -> None:
    with pytest.raises(BadInput, match=r"^articles.jsonl:1: id: Field required \(and 1 more\); correct that field$"):
        Article.from_record({}, path=PATH, line=1)


def test_an_article_is_frozen() -> None:
    article = Article(id="a1", text="Some words.")
    with pytest.raises(ValidationError, match="frozen"):
        article.text = "Others."  # type: ignore[misc]


def test_the_record_given_is_left_alone() -> None:
    record = {"id": "a1", "text": "Some words.", "text_sha256": sha256("Some words.")}
    Article.from_record(record, path=PATH)
    assert "text_sha256" in record
