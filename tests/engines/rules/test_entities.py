"""Entities: borders, types, nominals that fill roles, one type for one name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..conftest import Predicted

Predict = Callable[[str], Predicted]


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
def test_spans_exclude_determiners_possessives_and_clauses(
    predict: Predict, text: str, expected: tuple[str, str]
) -> None:
    assert expected in predict(text).entities


def test_nominals_stand_only_where_they_fill_a_role(predict: Predict) -> None:
    assert ("Weapon", "rockets") in predict("Rebels fired rockets at a bridge.").entities
    assert not any(words == "rockets" for _, words in predict("The museum owns rockets.").entities)


def test_names_times_and_quantities_always_stand(predict: Predict) -> None:
    found = predict("In March 2031 some 300 people lived in Syria.").entities
    assert {("Time", "March 2031"), ("Quantity", "300"), ("GPE", "Syria")} <= found


def test_a_nominal_holds_the_names_and_numbers_in_it(predict: Predict) -> None:
    found = predict("Two Syrian warships shelled a bridge.").entities
    assert {("Vehicle", "Two Syrian warships"), ("Quantity", "Two"), ("Nationality", "Syrian")} <= found
    assert ("Nationality", "Syrian") in predict("The Syrian Defence Ministry denied it.").entities


def test_titles_stay_outside_names(predict: Predict) -> None:
    assert ("Person", "Doran Melk") in predict("Navy Captain Doran Melk said so.").entities
    assert ("Person", "Doran Melk") in predict("Gen. Doran Melk and Mr Tarn said so.").entities


def test_words_beside_a_name_tell_its_type(predict: Predict) -> None:
    assert ("GPE", "Ostrel") in predict("Nobody lives in the village of Ostrel.").entities
    assert ("ArmedGroup", "Free Hill Army") in predict("It was the Free Hill Army again.").entities
    assert ("Location", "Gulf of Sarn") in predict("Ships crossed the Gulf of Sarn.").entities
    assert ("Organization", "Ministry of Trade") in predict("It was the Ministry of Trade again.").entities


def test_once_a_name_is_a_group_it_is_one_everywhere(predict: Predict) -> None:
    text = "Rebels of the Upland Council (UC) hold a pass.\n\nThe UC denied it. Later the Upland Council spoke."
    found = [(entity.type, text[entity.start : entity.end]) for entity in predict(text).annotation.entities]
    assert found.count(("ArmedGroup", "Upland Council")) == 2
    assert found.count(("ArmedGroup", "UC")) == 2


def test_a_last_name_alone_is_the_person(predict: Predict) -> None:
    text = "General Doran Melk spoke first.\n\nLater Melk left."
    found = [(entity.type, text[entity.start : entity.end]) for entity in predict(text).annotation.entities]
    assert found == [("Person", "Doran Melk"), ("Person", "Melk")]


def test_an_adjective_is_known_by_the_state_beside_it(predict: Predict) -> None:
    found = predict("Troops of Kelmar left. The Kelmari government stayed in Kelmar.").entities
    assert ("Nationality", "Kelmari") in found
    assert ("GPE", "Kelmar") in found


def test_datelines_hold_places_and_agencies(predict: Predict) -> None:
    found = predict("HARL, Mirdan (QNA) — Rebels bombed the airport.").entities
    assert {("GPE", "HARL"), ("GPE", "Mirdan"), ("Organization", "QNA")} <= found


def test_credits_hold_people_and_agencies(predict: Predict) -> None:
    text = "A photo shows the bridge. Ilva Tarn / Halcyon Wire\n\nNothing else is known."
    assert {("Person", "Ilva Tarn"), ("Organization", "Halcyon Wire")} <= predict(text).entities


def test_a_direction_makes_a_region_of_a_state(predict: Predict) -> None:
    found = predict("The north is calm. They live in northern Syria.").entities
    assert {("Location", "northern Syria"), ("GPE", "Syria")} <= found


def test_a_date_and_a_time_of_day_are_one(predict: Predict) -> None:
    assert ("Time", "Friday morning") in predict("The talks begin on Friday morning.").entities


@pytest.mark.parametrize("text", ["It was one of the worst days.", "They met daily.", "Melk, 42, is a baker."])
def test_words_that_only_look_like_amounts_are_left_out(predict: Predict, text: str) -> None:
    assert not {words for _, words in predict(text).entities} & {"one", "daily", "42"}


def test_mentions_are_told_by_attribute(predict: Predict) -> None:
    found = predict("The rebels drove them out of Syria.")
    assert found.attributes("rebels") == {"mention": "nominal"}
    assert found.attributes("them") == {"mention": "pronoun"}
    assert found.attributes("Syria") == {}


def test_a_given_name_tells_a_person(predict: Predict) -> None:
    found = predict("Leopoldo Ardenne spoke. Ardenne was late.")
    assert {("Person", "Leopoldo Ardenne"), ("Person", "Ardenne")} <= found.entities


def test_titles_in_a_row_are_no_part_of_a_name(predict: Predict) -> None:
    assert ("Person", "Stephen J. Ardenne") in predict("Lt. Gen. Stephen J. Ardenne spoke in Paris.").entities
