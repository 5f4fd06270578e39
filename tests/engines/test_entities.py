"""Entities: borders, types, nominals that fill roles, one type for one name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Said

Say = Callable[[str], Said]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The militia shelled Syria’s ports.", ("GPE", "Syria")),
        ("Three of the last six missiles hit a bridge.", ("Facility", "bridge")),
        ("The frigate fired four missiles at the camp.", ("Weapon", "four missiles")),
        ("The frigate fired about four missiles at the camp.", ("Weapon", "four missiles")),
        ("Their heavy weapons destroyed a bridge that was new.", ("Weapon", "heavy weapons")),
    ],
)
def test_borders_leave_out_determiners_possessives_and_clauses(say: Say, text: str, expected: tuple[str, str]) -> None:
    assert expected in say(text).entities


def test_nominals_stand_only_where_they_fill_a_role(say: Say) -> None:
    assert ("Weapon", "rockets") in say("Rebels fired rockets at a bridge.").entities
    assert not any(words == "rockets" for _, words in say("The museum owns rockets.").entities)


def test_names_times_and_quantities_always_stand(say: Say) -> None:
    found = say("In March 2031 some 300 people lived in Syria.").entities
    assert {("Time", "March 2031"), ("Quantity", "300"), ("GPE", "Syria")} <= found


def test_a_nominal_holds_the_names_and_numbers_in_it(say: Say) -> None:
    found = say("Two Syrian warships shelled a bridge.").entities
    assert {("Vehicle", "Two Syrian warships"), ("Quantity", "Two"), ("Nationality", "Syrian")} <= found
    assert ("Nationality", "Syrian") in say("The Syrian Defence Ministry denied it.").entities


def test_titles_stay_outside_names(say: Say) -> None:
    assert ("Person", "Doran Melk") in say("Navy Captain Doran Melk said so.").entities
    assert ("Person", "Doran Melk") in say("Gen. Doran Melk and Mr Tarn said so.").entities


def test_words_beside_a_name_tell_its_type(say: Say) -> None:
    assert ("GPE", "Ostrel") in say("Nobody lives in the village of Ostrel.").entities
    assert ("ArmedGroup", "Free Hill Army") in say("It was the Free Hill Army again.").entities
    assert ("Location", "Gulf of Sarn") in say("Ships crossed the Gulf of Sarn.").entities
    assert ("Organization", "Ministry of Trade") in say("It was the Ministry of Trade again.").entities


def test_once_a_name_is_a_group_it_is_one_everywhere(say: Say) -> None:
    text = "Rebels of the Upland Council (UC) hold a pass.\n\nThe UC denied it. Later the Upland Council spoke."
    found = [(entity.type, text[entity.start : entity.end]) for entity in say(text).annotation.entities]
    assert found.count(("ArmedGroup", "Upland Council")) == 2
    assert found.count(("ArmedGroup", "UC")) == 2


def test_a_last_name_alone_is_the_person(say: Say) -> None:
    text = "General Doran Melk spoke first.\n\nLater Melk left."
    found = [(entity.type, text[entity.start : entity.end]) for entity in say(text).annotation.entities]
    assert found == [("Person", "Doran Melk"), ("Person", "Melk")]


def test_an_adjective_is_known_by_the_state_beside_it(say: Say) -> None:
    found = say("Troops of Kelmar left. The Kelmari government stayed in Kelmar.").entities
    assert ("Nationality", "Kelmari") in found
    assert ("GPE", "Kelmar") in found


def test_datelines_hold_places_and_agencies(say: Say) -> None:
    found = say("HARL, Mirdan (QNA) — Rebels bombed the airport.").entities
    assert {("GPE", "HARL"), ("GPE", "Mirdan"), ("Organization", "QNA")} <= found


def test_credits_hold_people_and_agencies(say: Say) -> None:
    text = "A photo shows the bridge. Ilva Tarn / Halcyon Wire\n\nNothing else is known."
    assert {("Person", "Ilva Tarn"), ("Organization", "Halcyon Wire")} <= say(text).entities


def test_a_direction_makes_a_region_of_a_state(say: Say) -> None:
    found = say("The north is calm. They live in northern Syria.").entities
    assert {("Location", "northern Syria"), ("GPE", "Syria")} <= found


def test_a_date_and_a_time_of_day_are_one(say: Say) -> None:
    assert ("Time", "Friday morning") in say("The talks begin on Friday morning.").entities


@pytest.mark.parametrize("text", ["It was one of the worst days.", "They met daily.", "Melk, 42, is a baker."])
def test_words_that_only_look_like_amounts_are_left_out(say: Say, text: str) -> None:
    assert not {words for _, words in say(text).entities} & {"one", "daily", "42"}


def test_mentions_are_told_by_attribute(say: Say) -> None:
    said = say("The rebels drove them out of Syria.")
    assert said.attributes("rebels") == {"mention": "nominal"}
    assert said.attributes("them") == {"mention": "pronoun"}
    assert said.attributes("Syria") == {}


def test_a_given_name_tells_a_person(say: Say) -> None:
    said = say("Leopoldo Ardenne spoke. Ardenne was late.")
    assert {("Person", "Leopoldo Ardenne"), ("Person", "Ardenne")} <= said.entities


def test_titles_in_a_row_are_no_part_of_a_name(say: Say) -> None:
    assert ("Person", "Stephen J. Ardenne") in say("Lt. Gen. Stephen J. Ardenne spoke in Paris.").entities
