"""Headlines in title case, read as sentences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curation.engines.article_zones import zones
from curation.engines.rules.headlines import as_sentences


def first(text: str, *common: str) -> str:
    return as_sentences(text, zones(text), frozenset(common))[0]


def test_words_of_the_article_are_no_names() -> None:
    text = "Mirdan Army Shells Harl Market\n\nThe army of Mirdan shells a market in Harl."
    assert first(text) == "Mirdan army shells Harl market"


def test_words_that_are_mostly_names_stay() -> None:
    text = "Rebels Take Hill Army Base\n\nThe Hill Army lost a base. The rebels say they take it. The army is silent."
    assert first(text, "hill") == "Rebels take Hill Army base"


def test_other_words_are_common_ones_or_stay() -> None:
    assert (
        first("Orvania Condemns Doran Melk Verdict\n\nNothing else.", "condemns")
        == "Orvania condemns Doran Melk Verdict"
    )


def test_lines_that_are_no_titles_stay() -> None:
    for text in (
        "Mirdan shells Harl market\n\nThe Market was shelled.",
        "The Battle Memorial Foundation was founded in a battle.",
        "",
        "MIRDAN SHELLS HARL MARKET AGAIN\n\nIt shells a market.",
    ):
        assert as_sentences(text, zones(text), frozenset(("shells", "battle"))) == [
            text[zone.start : zone.end] for zone in zones(text)
        ]


def test_a_title_may_run_on_into_the_first_sentence() -> None:
    text = "Mirdan Army Shells Harl Market As Talks Open in Orvania Soldiers fired shells at a market."
    assert "Mirdan Army shells Harl market" in first(text, "shells")


@given(st.text(st.sampled_from("Aa Bb İi ’'-.\n"), max_size=80))
def test_only_the_case_of_letters_changes(text: str) -> None:
    own = zones(text)
    made = as_sentences(text, own, frozenset(("a", "ab", "bb")))
    assert [part.lower() for part in made] == [text[zone.start : zone.end].lower() for zone in own]
    assert [len(part) for part in made] == [zone.end - zone.start for zone in own]


def test_lengths_stay() -> None:
    text = "İstanbul Görüşmeleri Talks Begin Today\n\nThe talks begin."
    assert [len(part) for part in as_sentences(text, zones(text), frozenset())] == [
        zone.end - zone.start for zone in zones(text)
    ]
