"""The parts of an article."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.engines.article_zones import MAX_ZONE, zones


def kinds(text: str) -> list[tuple[str, str]]:
    return [(zone.kind, text[zone.start : zone.end]) for zone in zones(text)]


def test_an_article_falls_into_its_parts() -> None:
    text = (
        "Mirdan fires rockets at camp\n\n"
        "A photo taken on Monday shows a rocket near Harl. Doran Melk / Halcyon Wire\n\n"
        "PELLAS, Orvania (QNA) — Rockets hit a camp on Tuesday.\n"
        "“We heard nothing,” said a guard. “Nothing at all.”\n"
        "What comes next\n"
        "The army is silent.\n\n"
        "*Halcyon Wire\n"
    )
    assert kinds(text) == [
        ("headline", "Mirdan fires rockets at camp"),
        ("caption", "A photo taken on Monday shows a rocket near Harl."),
        ("credit", "Doran Melk / Halcyon Wire"),
        ("dateline", "PELLAS, Orvania"),
        ("credit", "QNA"),
        ("body", "Rockets hit a camp on Tuesday."),
        ("quotation", "“We heard nothing,” said a guard. “Nothing at all.”"),
        ("heading", "What comes next"),
        ("body", "The army is silent."),
        ("credit", "*Halcyon Wire"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One line.\nAnother line.", ["One line.", "Another line."]),
        ("a long line that was\nwrapped by hand.", ["a long line that was\nwrapped by hand."]),
        ("A caption without a stop\nThe next sentence.", ["A caption without a stop", "The next sentence."]),
        ("ends with a stop.\nthen goes on", ["ends with a stop.", "then goes on"]),
        ("a paragraph\n\nand the next", ["a paragraph", "and the next"]),
    ],
)
def test_a_line_break_ends_a_sentence_unless_it_was_made_to_fit_a_column(text: str, expected: list[str]) -> None:
    assert [piece for _, piece in kinds(text)] == expected


@pytest.mark.parametrize(
    "text", ["Talks: a new try is made.", "The sides met - at last.", "US - Mirdan ties are cold."]
)
def test_words_before_a_dash_or_a_colon_are_no_dateline_unless_they_shout(text: str) -> None:
    assert [kind for kind, _ in kinds(text)] == (["dateline", "body"] if text.startswith("US") else ["body"])


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=300))
def test_zones_are_in_order_apart_and_hold_all_that_is_not_white_space(text: str) -> None:
    found = zones(text)
    assert all(one.end <= two.start for one, two in pairwise(found))
    covered = set()
    for zone in found:
        piece = text[zone.start : zone.end]
        assert piece
        assert piece == piece.strip()
        covered.update(range(zone.start, zone.end))
    left = [char for index, char in enumerate(text) if index not in covered]
    assert all(char.isspace() or char in "()/—–-:" for char in left)


def test_a_paragraph_without_end_is_cut_at_spaces() -> None:
    text = ("word " * MAX_ZONE).strip()
    found = zones(text)
    assert max(zone.end - zone.start for zone in found) <= MAX_ZONE
    assert " ".join(text[zone.start : zone.end] for zone in found) == text
    unbroken = "x" * (3 * MAX_ZONE + 1)
    assert "".join(unbroken[zone.start : zone.end] for zone in zones(unbroken)) == unbroken


def test_what_says_that_a_picture_is_old_stands_apart_from_the_caption() -> None:
    assert kinds("Headline\nFILE - Doran Melk is seen in Harl.\n") == [
        ("headline", "Headline"),
        ("credit", "FILE -"),
        ("caption", "Doran Melk is seen in Harl."),
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "Mirdan Fires Rockets at Camp Near Harl TUNIS , Orvania — Guards saw them on Monday .",
            ["Mirdan Fires Rockets at Camp Near Harl", "TUNIS , Orvania", "Guards saw them on Monday ."],
        ),
        (
            "Guards of the Old Mill Freed The four guards of the mill at Harl were freed on Monday.",
            ["Guards of the Old Mill Freed", "The four guards of the mill at Harl were freed on Monday."],
        ),
    ],
)
def test_a_headline_that_runs_on_into_the_text_stands_apart(text: str, parts: list[str]) -> None:
    found = kinds(text)
    assert [piece for _, piece in found] == parts
    assert [found[0][0], found[-1][0]] == ["headline", "body"]


@pytest.mark.parametrize(
    "text",
    [
        "Mirdan’s guards fired rockets at The Camp on Monday.",
        "President Doran Melk of the Orvanian Union Party spoke at Harl Square on Monday.",
        "Doran Melk Of Pellas and Irena Voss of The Harl were freed.",
    ],
)
def test_a_sentence_with_many_capitals_is_no_headline(text: str) -> None:
    assert kinds(text) == [("body", text)]


@pytest.mark.parametrize("junk", [" ", "\t", "a\n", "Ab — ", "FILE - ", "Photo: a. A "])
def test_no_junk_takes_long(junk: str) -> None:
    text = (junk * 200_000)[:200_000] + "\nb"
    started = time.process_time()
    for whole in (text, f"a{text} A", f"A {text} A"):
        assert zones(whole)
    assert time.process_time() - started < 5  # blanks never ended
