"""Text that is not clean prose: mark-up, emoji, invisible characters, tables. No item has noise at its edges."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import Engine, Failure
from curation.engines.rules.clean_text import clean, trimmed_span


def items(engine: Engine, text: str) -> list[str]:
    """The texts of the entities, then of the triggers."""
    (made,) = engine.pipe([Article(id="a", text=text)])
    assert isinstance(made, Annotation)
    return [text[item.start : item.end] for item in made.items()]


@pytest.mark.parametrize(
    ("text", "parsed", "tags"),
    [
        ("Nothing <here> & there, a < b > c, AT&T, R&D; 3&4", None, 0),
        ("<p>One.</p><p class='x'>Two<br/>three</p>", "\nOne.\n\nTwo\nthree\n", 5),
        ("The <strong>drone</strong> in Ankara.</p", "The  drone  in Ankara.\n", 3),
        ("strong>drone hit", " drone hit", 0),
        ("Caf&eacute; &mdash; AT&amp;T&#33; &nbsp;end", "Café — AT&T!  end", 0),
        ("Ky\u200biv, Khar\u00adkiv, \ufeffOdesa", "Kyiv, Kharkiv, Odesa", 0),
        ("Kyiv🇺🇦 and 😀rebels 👩‍👩‍👦 too", "Kyiv  and  rebels 👩‍👩‍👦 too", 0),
        ("Kyiv[2] fell.[12] He [sic] left [3 times]", "Kyiv  fell.  He [sic] left [3 times]", 0),
    ],
)
def test_the_parser_reads_text_without_mark_up(text: str, parsed: str | None, tags: int) -> None:
    found = clean(text)
    assert (found.text, found.tags) == (parsed or text, tags)
    assert len(found.starts) == len(found.ends) == len(found.text)
    kept = [place for place, char in enumerate(found.text) if text[found.starts[place]] == char]
    assert {found.ends[place] - found.starts[place] for place in kept if found.text[place].isalpha()} == {1}


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["Kyiv", " ", "<p>", "</b>", "&amp;", "\u200b", "🇺🇦", "[2]", "<", ">", "&", "\n"])))
def test_every_character_has_its_place_in_the_original(parts: list[str]) -> None:
    text = "".join(parts)
    found = clean(text)
    assert list(found.starts) == sorted(found.starts)
    assert list(found.ends) == sorted(found.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(found.starts, found.ends, strict=True))


def test_long_junk_is_cleaned_in_linear_time() -> None:
    started = time.process_time()
    for junk in ("<p " * 60_000, "&" * 200_000, "<!--" * 50_000, "[1" * 100_000, "\u200b" * 200_000, "p>\n" * 60_000):
        clean(junk)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("(Kyiv", "Kyiv"), ("Kyiv[", "Kyiv"), ("Kyiv)", "Kyiv"), ("Ministry (MoD)", "Ministry (MoD)"),
        ("#Kyiv", "Kyiv"),
        ("Melk /", "Melk"), ("$4 m", "$4 m"), ("U.S.", "U.S."), ("0%", "0%"), ("▶ 😀", ""), ("== Kyiv ==", "Kyiv"),
    ],
)  # fmt: skip
def test_noise_at_the_edges_of_a_span_does_not_belong_to_it(text: str, inner: str) -> None:
    start, end = trimmed_span(text, 0, len(text))
    assert text[start:end] == inner


@pytest.mark.parametrize(
    ("text", "expected", "never"),
    [
        (
            "<p>Rebels shelled <b>Kyiv</b> on Monday.</p><p>Three rebels fled to Ankara.</p",
            {"shelled", "Kyiv", "Monday", "Ankara", "Three rebels"},
            {"p", "b"},
        ),
        ("The <strong>drone</strong> hit Kyiv &mdash the capital.", {"drone", "hit", "Kyiv"}, {"&mdash", "strong"}),
        ("😀 rebels attacked Kyiv🇺🇦 on Monday.", {"rebels", "attacked", "Kyiv", "Monday"}, {"😀 rebels"}),
        ("Troops entered Kyiv[2] on Monday.[12]", {"Kyiv", "Monday"}, {"Kyiv[2"}),
        ("Rebels shelled Ky\u200biv on Monday. \ufeffKharkiv fell.", {"Ky\u200biv", "Kharkiv"}, {"Ky", "iv"}),
        ("The guards demanded **id** from the rebels.", {"demanded", "rebels"}, {"d", "i"}),
        ("Rebels\tshelled   Kyiv\n\n| Kyiv | 12 killed | Monday |", {"shelled", "Kyiv", "killed"}, {"|"}),
        ("• Rebels shelled Kyiv\n• Troops shelled Odesa", {"shelled", "Kyiv"}, {"•", "• Rebels"}),
    ],
)
def test_names_and_triggers_in_messy_text(engine: Engine, text: str, expected: set[str], never: set[str]) -> None:
    found = set(items(engine, text))
    assert expected <= found
    assert not never & found


PIECES = (
    "Rebels shelled Kyiv on Monday.", "General Doran Melk met the", "Mirdani Army (UC)", "drone strike", "id", "cannot",
    "<b>", "</p>", "&nbsp;", "&mdash", "😀", "🇺🇦", "[3]", "(", ")", "#", "@", "**", "\u200b", "\ufeff", "\t", "  ",
    "\n", "|", "•",
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12), st.sampled_from(["", " "]))
def test_no_item_has_half_a_word_or_noise_at_its_edges(engine: Engine, parts: list[str], between: str) -> None:
    text = between.join(parts)
    if not text.strip():
        return
    (made,) = engine.pipe([Article(id="a", text=text)])
    if isinstance(made, Failure):
        assert not re.search(r"\w", clean(text).text)
        return
    for item in made.items():
        inside = text[item.start : item.end]
        assert trimmed_span(text, item.start, item.end) == (item.start, item.end), inside
        for left, right in ((item.start - 1, item.start), (item.end - 1, item.end)):
            if left >= 0 and right < len(text) and clean(text).text == text:
                assert not (text[left].isalpha() and text[right].isalpha()), inside


def test_html_is_counted(engine: Engine) -> None:
    list(engine.pipe([Article(id="a", text="<p>Rebels shelled Kyiv.</p>"), Article(id="b", text="Rebels fled.")]))
    assert engine.left_out("a") == {"HTML tags, which are not text": 2}
    assert engine.left_out("b") == {}


@pytest.mark.parametrize("text", ["\u200b\ufeff\u200b", "…", "😀 🇺🇦", "<p></p>"])
def test_a_text_without_words_is_refused(engine: Engine, text: str) -> None:
    assert list(engine.pipe([Article(id="a", text=text)])) == [Failure("a", "has no words")]
