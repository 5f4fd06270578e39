"""Text from HTML, and warnings about text that is HTML, no prose or in another language."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.article import Article
from curation.errors import DoubtfulArticle
from curation.formats import article_text
from curation.formats.article_text import (
    DoubtCounts,
    OtherLanguage,
    detect_language,
    doubts,
    looks_like_html,
    screened,
    text_of_html,
)
from curation.formats.articles import good_articles

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "articles"
ENGLISH = "Officials in Kelmar said on Monday that talks on the future of the northern province would go on. "
GERMAN = "Die Regierung in Kelmar teilte am Montag mit, dass die Gespräche über die Zukunft der Provinz weitergehen. "


def kinds(text: str, language: str | None = None, schema: str | None = "en") -> list[str]:
    return [found.what for found in doubts(Article(id="a", text=text, language=language), schema)]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Kelmar <b>shelled</b>\nTorvan.</p><p>Talks&nbsp;go on.</p>", "Kelmar shelled Torvan.\n\nTalks\xa0go on."),
        ("One<br>two<br/>three", "One\ntwo\nthree"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("First line.\n\nSecond <i>line</i> &amp; 3 < 5.", "First line.\n\nSecond line & 3 < 5."),
        ("<head><title>T</title></head><script>x</script><nav>Menu</nav><p>Text.</p>", "Text."),
        ("Kelmar &mdash; Torvan &#8211; Ostrel", "Kelmar — Torvan – Ostrel"),
        ("<p title='a>b'>Text</p", "Text"),
        ("<script>only</script>", ""),
        ("<div>" * 100_000 + "deep", ""),
    ],
)
def test_text_of_html(html: str, text: str) -> None:
    pytest.importorskip("selectolax")
    assert looks_like_html(html)
    assert text_of_html(html) == text


@pytest.mark.parametrize("text", ["AT&T and R&D;", "3 < 5 and 7 > 6", "an <unknown> word", "a_b <= c"])
def test_plain_text_is_not_html(text: str) -> None:
    assert not looks_like_html(text)


def test_the_sample_corpus_has_no_doubts() -> None:
    assert [str(found) for article in good_articles([CORPUS]) for found in doubts(article, "en")] == []


def test_no_part_of_the_sample_corpus_is_taken_for_another_language() -> None:
    length = 200
    for article in good_articles([CORPUS]):
        for start in range(0, len(article.text) - length, length):
            part = article.text[start : start + length]
            assert kinds(part) in ([], ["whose text is no prose"]), part


def test_another_language_is_a_warning_and_refused_only_in_a_long_text() -> None:
    assert detect_language(GERMAN)[0] == "de"
    assert kinds(GERMAN) == []  # too short to judge
    assert kinds(GERMAN * 3) == ["probably in de, not in en, the language of the schema"]
    assert kinds(GERMAN * 20) == ["is in de, not in en, the language of the schema"]
    assert kinds(ENGLISH * 20, "de-AT") == ["is in en, not in de-AT, as declared"]
    assert kinds(GERMAN * 20, "de-AT") == []
    assert kinds(GERMAN * 20, schema=None) == []
    assert kinds(ENGLISH * 20, "tlh") == []  # a language the detector does not know


def test_without_space_for_the_model_languages_are_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    article_text._identifier.cache_clear()
    try:
        assert kinds(GERMAN * 20) == []
        assert kinds(GERMAN * 20) == []
    finally:
        article_text._identifier.cache_clear()
    assert len(caplog.records) == 1
    assert "languages are not checked" in caplog.text


def test_similar_languages_are_not_distinguished() -> None:
    text = "Vlada je u utorak saopštila da će pregovori o budućnosti pokrajine biti nastavljeni u glavnom gradu. "
    for language in ("sr", "hr", "bs", "sh"):
        assert kinds(text * 20, language) == []


def test_html_and_tables_are_warnings() -> None:
    assert kinds(f"<p>{ENGLISH}</p>") == ["with HTML in the text"]
    assert kinds("12 34 56 | 78 90\n" * 30) == ["whose text is no prose"]
    assert kinds("Kelmar 2\nTorvan 1\n" * 10) == ["whose text is no prose"]
    assert kinds("\u200b\ufeff\u200b") == ["whose text is no prose"]
    assert kinds("हिन्दी में समाचार और लेख पढ़ें।") == []


def test_screened_articles_come_after_their_doubts() -> None:
    html, english, german = (
        Article(id=name, text=text) for name, text in (("h", f"<p>{ENGLISH}"), ("e", ENGLISH), ("g", GERMAN * 20))
    )
    doubt, *rest = screened([html, english, german], "en")
    assert isinstance(doubt, DoubtfulArticle)
    assert doubt.article_id == "h"
    assert rest[:2] == [html, english]
    assert isinstance(rest[2], OtherLanguage)
    assert str(rest[2]).startswith("g: is in de, not in en")
    assert list(screened([html], "en", cleaned=True)) == [html]


def test_doubts_are_counted_with_examples() -> None:
    counts = DoubtCounts()
    for number in range(5):
        counts.add(f"a-{number}", "with HTML in the text", "clean it")
    counts.add("b", "whose text is no prose", "leave it out")
    assert counts.counts() == {"with HTML in the text": 5, "whose text is no prose": 1}
    assert list(counts.lines()) == [
        ("5 articles with HTML in the text: a-0, a-1, a-2, …", "clean it"),
        ("1 article whose text is no prose: b", "leave it out"),
    ]
