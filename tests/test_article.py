"""Articles: one normalisation, one hash, and errors that name the field."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
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
    with pytest.raises(BadInput, match=r"^articles.jsonl:7: text_sha256: does not match the text; "):
        Article.from_record(record, path=PATH, line=7)
    del record["text_sha256"]
    assert Article.from_record(record, path=PATH).text == "Two shells fell."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": ""}, "text: the text is empty"),
        ({"text": " \n\t "}, "text: the text is empty"),
        ({"text": "a\r\nb"}, "text: the text contains a carriage return"),
        ({"text": "a\x00b"}, "text: the text contains a NUL character"),
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


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2031", "2031-01-01T00:00:00"),
        (2031, "2031-01-01T00:00:00"),
        ("2031-05", "2031-05-01T00:00:00"),
        ("20310504", "2031-05-04T00:00:00"),
        (20310504, "2031-05-04T00:00:00"),
        (date(2031, 5, 4), "2031-05-04T00:00:00"),
        ("2031-05-04", "2031-05-04T00:00:00"),
        ("2031-05-04 10:00:00 UTC", "2031-05-04T10:00:00+00:00"),
        ("2031-05-04 10:00:00 +0200", "2031-05-04T10:00:00+02:00"),
        ("Sun, 04 May 2031 10:00:00 GMT", "2031-05-04T10:00:00+00:00"),
        ("Sun, 4 May 2031 10:00:00 +0530", "2031-05-04T10:00:00+05:30"),
        ("2031-05-04T10:00:00Z", "2031-05-04T10:00:00+00:00"),
    ],
)
def test_dates_are_read_as_they_are_written(written: object, read: str) -> None:
    article = Article.from_record({"id": "a", "text": "x", "published": written}, path=Path("a.jsonl"))
    assert article.published is not None and article.published.isoformat() == read
    assert Article.model_validate_json(article.model_dump_json()) == article


@pytest.mark.parametrize(
    "written",
    [1935655200, "1935655200", 1935655200000, 20310504.0, True, "-1", "1e9", "12", "20319999", "yesterday",
     "Sun, 04 May 2031 10:00:00 CET", "2031-05-04 25:00 UTC", 10**4000, [2031], ""],
)  # fmt: skip
def test_what_is_no_date_is_refused_with_the_field(written: object) -> None:
    with pytest.raises(BadInput, match=r"a\.jsonl:3: published: ") as raised:
        Article.from_record({"id": "a", "text": "x", "published": written}, path=Path("a.jsonl"), line=3)
    assert len(str(raised.value)) < 300
