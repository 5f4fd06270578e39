"""Arguments: from whom to whom, whatever way the sentence says it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..conftest import Predicted

Predict = Callable[[str], Predicted]


@pytest.mark.parametrize(
    ("text", "trigger", "expected"),
    [
        # subject, object, prepositions, time
        (
            "Syrian troops shelled rebel positions near Aleppo on Wednesday.",
            "shelled",
            {("attacker", "Syrian troops"), ("target", "rebel positions"), ("place", "Aleppo"), ("time", "Wednesday")},
        ),
        # passive and agent
        (
            "Two soldiers were killed by rebels near Aleppo.",
            "killed",
            {("victim", "Two soldiers"), ("killer", "rebels"), ("place", "Aleppo")},
        ),
        # control: who is told moves
        ("Russia told the militia to leave the zone.", "leave", {("mover", "militia"), ("origin", "zone")}),
        (
            "Russia told the militia to leave the zone.",
            "told",
            {("communicator", "Russia"), ("recipient", "militia"), ("topic", "leave")},
        ),
        ("Rebels threatened to attack the bridge.", "attack", {("attacker", "Rebels"), ("target", "bridge")}),
        # what somebody is left or found
        ("The shooting left two people dead.", "dead", {("victim", "two people")}),
        ("Six people were found dead in Belmora.", "dead", {("victim", "Six people"), ("place", "Belmora")}),
        # two verbs with one object
        ("Police shot and killed a gunman.", "shot", {("attacker", "Police"), ("target", "gunman")}),
        # the fire of "opened fire" is no target
        ("Rebels opened fire on a convoy.", "opened fire", {("attacker", "Rebels"), ("target", "convoy")}),
        # "took place" acts on nothing, and a clause has its own time
        ("The explosion took place at noon.", "explosion", {("time", "noon")}),
        (
            "The suspect, who was arrested on Friday, fled to Paris last year.",
            "fled",
            {("mover", "suspect"), ("destination", "Paris"), ("time", "last year")},
        ),
        # who is assassinated
        ("The general’s assassination shocked Belmora.", "assassination", {("target", "general")}),
        # coordination
        (
            "Police arrested two journalists and jailed a lawyer in Paris.",
            "jailed",
            {("agent", "Police"), ("detainee", "lawyer"), ("place", "Paris")},
        ),
        (
            "Russia and Turkey signed a pact on Monday.",
            "signed",
            {("participant", "Russia"), ("participant", "Turkey"), ("topic", "pact"), ("time", "Monday")},
        ),
        # relative clauses
        ("The rebels who bombed the bridge shelled a camp.", "bombed", {("attacker", "rebels"), ("target", "bridge")}),
        ("The soldiers killed in the raid were young.", "killed", {("victim", "soldiers"), ("cause", "raid")}),
        # possessives, compounds, what a noun is against
        (
            "Russia’s offensive against the rebels began in May.",
            "offensive",
            {("attacker", "Russia"), ("target", "rebels"), ("time", "May")},
        ),
        ("Russian airstrikes on the camp went on.", "airstrikes", {("attacker", "Russian"), ("target", "camp")}),
        ("A drone strike on the convoy followed.", "strike", {("instrument", "drone"), ("target", "convoy")}),
        # light verbs
        (
            "Jets carried out a strike against the rebels near Aleppo.",
            "strike",
            {("attacker", "Jets"), ("target", "rebels"), ("place", "Aleppo")},
        ),
        ("The convoy came under attack near Aleppo.", "attack", {("target", "convoy"), ("place", "Aleppo")}),
        # participles
        (
            "Syrian-backed rebels seized the bridge.",
            "backed",
            {("supporter", "Syrian"), ("recipient", "Syrian-backed rebels")},
        ),
        # numbers and groups stand for what they are of
        ("Dozens of civilians were injured.", "injured", {("victim", "civilians")}),
        (
            "Soldiers of the Hill Brigade entered the base.",
            "entered",
            {("mover", "Hill Brigade"), ("destination", "base")},
        ),
        # events that fill roles
        (
            "The shelling killed three civilians in Aleppo.",
            "killed",
            {("cause", "shelling"), ("victim", "three civilians"), ("place", "Aleppo")},
        ),
        # what an attack acts on, and who answers for it
        (
            "An explosion destroyed a bridge near Aleppo.",
            "explosion",
            {("target", "bridge"), ("place", "Aleppo")},
        ),
        (
            "The Taliban claimed responsibility for the bombing.",
            "bombing",
            {("attacker", "Taliban")},
        ),
        # the place of the clause above, a place after an adverb
        (
            "A bomb exploded at a station on Monday, injuring six soldiers.",
            "injuring",
            {
                ("cause", "exploded"),
                ("instrument", "bomb"),
                ("place", "station"),
                ("time", "Monday"),
                ("victim", "six soldiers"),
            },
        ),
        ("The minister flew back to Paris.", "flew", {("mover", "minister"), ("destination", "Paris")}),
        # the name of a group stands for it
        (
            "The Hezbollah militant group attacked a bridge.",
            "attacked",
            {("attacker", "Hezbollah"), ("target", "bridge")},
        ),
        ("The army will lift the siege of Aleppo.", "lift", {("participant", "army"), ("halted", "siege")}),
    ],
)
def test_fillers(predict: Predict, text: str, trigger: str, expected: set[tuple[str, str]]) -> None:
    assert predict(text).roles(trigger) == expected


def test_whoever_moves_something_is_not_the_one_who_moves(predict: Predict) -> None:
    assert predict("Russia sent tanks to the border.").roles("sent") == {
        ("mover", "tanks"),
        ("agent", "Russia"),
        ("destination", "border"),
    }
    assert ("mover", "Tanks") in predict("Tanks entered Aleppo.").roles("entered")


def test_a_pronoun_gives_way_to_the_name_in_its_sentence(predict: Predict) -> None:
    found = predict("Russia said it had notified Turkey.")
    assert ("communicator", "Russia") in found.roles("notified")
    assert "it" not in {words for _, words in found.entities}


def test_a_pronoun_without_a_name_fills_the_role_itself(predict: Predict) -> None:
    found = predict("The rebels drove them out of Syria.")
    assert found.roles("drove") == {("captor", "rebels"), ("loser", "them"), ("territory", "Syria")}


def test_a_time_belongs_to_its_own_clause(predict: Predict) -> None:
    found = predict("Rebels bombed a bridge on Monday and troops shelled a camp on Friday.")
    assert ("time", "Monday") in found.roles("bombed")
    assert ("time", "Friday") in found.roles("shelled")
    assert ("time", "Friday") not in found.roles("bombed")
    assert ("time", "Monday") not in found.roles("shelled")


def test_the_schema_decides_what_may_fill_a_role(predict: Predict) -> None:
    assert not any(role == "victim" for role, _ in predict("The plan killed the bridge.").roles("killed"))


def test_a_pronoun_takes_the_type_of_what_it_may_stand_for(predict: Predict) -> None:
    found = predict("Militants left Aleppo. Syrian troops drove them out of the town.")
    assert ("ArmedGroup", "them") in found.entities
