"""Triggers: the words that make events, and those that only look like them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from curation.article import Article
from curation.engines import load_engine
from curation.engines.rules.verb_forms import finite_forms, gerunds
from curation.schema import LabelSchema

from ..conftest import LEXICON, Predicted

Predict = Callable[[str], Predicted]


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("The frigate fired four missiles at the camp.", [("Attack", "fired")]),
        ("Jets carried out a strike on rebels near Belmora.", [("Attack", "strike")]),
        ("The convoy came under attack near Belmora.", [("Attack", "attack")]),
        ("A bomb exploded in the market.", [("Attack", "exploded")]),
        ("Orvania’s offensive against the rebels began in May.", [("Offensive", "offensive")]),
        ("The army plans to go after the rebels in Syria.", [("Offensive", "go after")]),
        ("Troops clashed with rebels in the south.", [("Clash", "clashed")]),
        ("Patrols exchanged fire with militants.", [("Clash", "exchanged fire")]),
        ("Troops recaptured the town of Belmora.", [("Capture", "recaptured")]),
        ("The army drove out the rebels within a week.", [("Capture", "drove out")]),
        ("The army drove them out within a week.", [("Capture", "drove")]),
        ("Thousands of civilians fled to the border.", [("Movement", "fled")]),
        ("Troops pulled out of the zone.", [("Withdrawal", "pulled out")]),
        ("Russia has been providing weapons to the militia.", [("Support", "providing")]),
        ("The leader warned of a war.", [("Warning", "warned")]),
        ("The envoy called for restraint.", [("Demand", "called for")]),
        ("The general telephoned the president.", [("Contact", "telephoned")]),
        ("Syria notified its neighbours.", [("Contact", "notified")]),
        ("The president met the envoy in Geneva.", [("Meeting", "met")]),
        ("Turkey mediated between the army and the rebels.", [("Negotiation", "mediated")]),
        ("Russia and Turkey agreed on a plan.", [("Agreement", "agreed")]),
        ("The ceasefire began on Sunday.", [("Ceasefire", "ceasefire")]),
        ("The guns fell silent at noon.", [("Ceasefire", "fell silent")]),
        ("Police arrested two journalists.", [("Arrest", "arrested")]),
        ("He was captured at dawn.", [("Arrest", "captured")]),
        ("They headed to Geneva by truck.", [("Movement", "headed")]),
        ("Youths threw stones at the guards.", [("Attack", "threw")]),
        ("The gunman was shot dead by guards.", [("Death", "shot dead")]),
        ("Nobody was injured.", [("Injury", "injured")]),
        ("The missiles destroyed two depots.", [("Damage", "destroyed")]),
        ("Thousands marched in Paris.", [("Demonstration", "marched")]),
        ("The union imposed sanctions on Russia.", [("Sanction", "sanctions")]),
    ],
)
def test_every_type_has_words(predict: Predict, text: str, events: list[tuple[str, str]]) -> None:
    assert predict(text).events == events


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("The minister was fired on Monday.", "fired"),
        ("The firm fired twelve employees.", "fired"),
        ("The order was executed at dawn.", "executed"),
        ("The ministry released a statement.", "released"),
        ("The country is war-torn.", "war"),
        ("It was a hit song.", "hit"),
        ("The sides struck a deal over wheat.", "struck"),
        ("The Institute for War Studies counts birds.", "War"),
        ("The talks moved on to other questions.", "moved"),
        ("He shot a film about bees.", "shot"),
        ("Turkey withdrew from the treaty.", "withdrew"),
        ("They quoted the Harl Accord.", "Accord"),
        ("He carried out the wounded.", "wounded"),
        ("They crossed the surrounding hills.", "surrounding"),
    ],
)
def test_other_senses_make_no_event(predict: Predict, text: str, word: str) -> None:
    assert word not in {words for _, words in predict(text).events}


@pytest.mark.parametrize(
    "text",
    [
        "On Friday, the guards called it an accident.",
        "Her chief called her in for a talk.",
        "The court struck down two laws.",
        "He leads the mobile market with two firms.",
        "A school run by monks stands in Harl.",
        "A weapon of mass destruction was on show.",
        "Intelligence gathering goes on at the mill.",
        "The government targeted thirteen officials with new taxes.",
        "The driver was caught on video.",
        "Floods pose a threat to the valley.",
        "A team headed by Doran Melk was praised.",
        "*Halcyon Bombing Desk",
    ],
)
def test_senses_that_only_the_words_around_tell_apart(predict: Predict, text: str) -> None:
    assert predict(text).events == []


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("The gunman was shot dead by guards.", [("Attack", "shot"), ("Death", "dead")]),
        ("Guards opened fire on the gunmen.", [("Attack", "fire")]),
        ("The envoy called for restraint.", [("Demand", "called")]),
        ("Police rounded up two journalists.", [("Arrest", "rounded up")]),
        ("The bomb went off at noon.", [("Attack", "went off")]),
        ("The man blew himself up.", [("Attack", "blew")]),
        ("The wounded were taken to Harl.", [("Injury", "wounded")]),
        ("Two journalists were taken into custody.", [("Arrest", "custody")]),
    ],
)
def test_triggers_may_be_single_words(schema: LabelSchema, text: str, events: list[tuple[str, str]]) -> None:
    single = load_engine("spacy", schema, lexicon=LEXICON, options={"triggers": "words"})
    assert Predicted(text, single(Article(id="said", text=text))).events == events


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("A man knifed two guards outside the ministry.", [("Attack", "knifed")]),
        ("Gunmen sprayed a minibus with bullets.", [("Attack", "sprayed")]),
        ("Four hostages were decapitated.", [("Death", "decapitated")]),
        ("Two boys were trampled to death in Belmora.", [("Death", "trampled to death")]),
        ("Protesters were clubbed by riot police.", [("Injury", "clubbed")]),
        ("The statue was toppled by a crowd.", [("Damage", "toppled")]),
        ("Soldiers picked up three students on Thursday.", [("Arrest", "picked up")]),
        ("The rebels are holding six aid workers.", [("Arrest", "holding")]),
        ("Migrants boarded a train for Belmora.", [("Movement", "boarded")]),
        ("The rebel leader was whisked to the airport.", [("Movement", "whisked")]),
        ("Nurses walked out on Monday over pay.", [("Demonstration", "walked out")]),
        ("He shook hands with the king.", [("Meeting", "shook hands")]),
        ("Gangs blackmailed shopkeepers.", [("Warning", "blackmailed")]),
        ("The union petitioned the court to free him.", [("Demand", "petitioned")]),
        ("He was charged with the attempted murder of a guard.", [("Attack", "murder")]),
        ("It was the second attempt on his life.", [("Attack", "attempt")]),
        ("The clerk shredded documents.", [("Damage", "shredded")]),
        ("The roof of the school collapsed.", [("Damage", "collapsed")]),
        ("They carried contraband into the camp.", [("Movement", "carried")]),
        ("A call was placed from the inn on the 3rd.", [("Contact", "call")]),
        ("Militants were rearrested in Harl.", [("Arrest", "rearrested")]),
        ("Soldiers turned back a convoy of lorries.", [("Movement", "turned back")]),
        ("The column moved to within five miles of Harl.", [("Movement", "moved")]),
        ("Kavoria has brought home 40 soldiers.", [("Withdrawal", "brought home")]),
        ("The rebels received weapons from Mirdan.", [("Support", "received")]),
        ("The villagers were told by leaflet.", [("Contact", "told")]),
        ("The two sides exchanged shots for an hour.", [("Clash", "exchanged shots")]),
        ("The rebels laid down arms on Sunday.", [("Ceasefire", "laid down arms")]),
        ("A crowd stoned the embassy.", [("Attack", "stoned")]),
        ("Bosses pressured the clerks to sign.", [("Warning", "pressured")]),
        ("He spoke at a campaign rally.", [("Meeting", "rally")]),
        # the same words, meant otherwise
        ("He was freed from custody.", []),
        ("She carries around a notebook.", []),
        ("He received a letter.", []),
        ("The union brought back the clock.", []),
        ("The currency collapsed.", []),
        ("It was the second attempt on the record.", []),
        ("The challenger beat the president by two points.", []),
        ("The governor came under fire for his remarks.", []),
        ("The senator attacked his rival over taxes.", []),
        ("Doctors are fighting the outbreak.", []),
        ("Interest in the topic exploded.", []),
        ("The minister returned to the issue of pensions.", []),
    ],
)
def test_words_that_news_has_for_the_same_events(predict: Predict, text: str, events: list[tuple[str, str]]) -> None:
    assert predict(text).events == events


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("Students staged a sit-in at the ministry.", [("Demonstration", "sit-in")]),
        ("The rebels mounted two counter-attacks.", [("Attack", "counter-attacks")]),
        ("Guards tear-gassed the strikers.", [("Attack", "tear-gassed")]),
        ("Both sides agreed to a cease-fire.", [("Agreement", "agreed"), ("Ceasefire", "cease-fire")]),
        ("A state-run factory makes six-inch shells.", []),
    ],
)
def test_words_with_hyphens_are_one_trigger(predict: Predict, text: str, events: list[tuple[str, str]]) -> None:
    assert predict(text).events == events


def test_conditions_look_at_what_a_number_is_of(predict: Predict) -> None:
    assert predict("The rebels seized hundreds of hostages.").events == [("Arrest", "seized")]
    assert predict("The rebels seized hundreds of villages.").events == [("Capture", "seized")]


def test_a_verb_is_known_by_its_form_where_the_lemmatizer_guesses(predict: Predict) -> None:
    assert predict("The shelling gutted a warehouse.").events == [("Attack", "shelling"), ("Damage", "gutted")]
    assert "gutted" in finite_forms("gut")
    assert "fired" in finite_forms("fire")
    assert "firred" not in finite_forms("fire")


def test_a_strike_of_workers_is_a_demonstration(predict: Predict) -> None:
    assert predict("Dockers went on strike.").events == [("Demonstration", "strike")]
    assert predict("A strike by 200 dockers closed the port.").events == [("Demonstration", "strike")]


@pytest.mark.parametrize(
    ("headline", "trigger"),
    [
        ("Mirdan fires rockets at camp near Harl", ("Attack", "fires")),
        ("Police arrest two journalists", ("Arrest", "arrest")),
        ("Orvania bombs rebel base", ("Attack", "bombs")),
    ],
)
def test_headlines_have_verbs_that_look_like_nouns(predict: Predict, headline: str, trigger: tuple[str, str]) -> None:
    assert trigger in predict(f"{headline}\n\nNothing else is known.").events


def test_a_headline_is_read_by_the_order_of_its_words(predict: Predict) -> None:
    found = predict("Mirdan fires rockets at camp near Harl\n\nNothing else is known.")
    assert {("instrument", "rockets"), ("target", "camp"), ("attacker", "Mirdan")} <= found.roles("fires")


def test_a_noun_phrase_of_a_headline_begins_after_its_verb(predict: Predict) -> None:
    found = predict("Russia fires cruise missiles at militia targets from sea\n\nNothing else is known.")
    assert {("attacker", "Russia"), ("instrument", "cruise missiles")} <= found.roles("fires")


def test_no_trigger_stands_inside_a_name(predict: Predict) -> None:
    assert predict("The Battle Memorial Foundation was founded in 2020.").events == []


def test_a_headline_in_title_case_is_read_like_a_sentence(predict: Predict) -> None:
    found = predict("Mirdan Police Detain Harl Mayor\n\nPolice in Mirdan detained the mayor on Monday.")
    assert found.events == [("Arrest", "Detain"), ("Arrest", "detained")]
    assert predict("Orvanian Bridge Damaged In Blast\n\nA bridge was damaged.").events[0] == ("Damage", "Damaged")


def test_a_word_keeps_its_sense_when_it_comes_back(predict: Predict) -> None:
    told = [("Contact", "call"), ("Contact", "call")]
    assert predict("The two leaders spoke in a phone call on Friday. The call was long.").events[-2:] == told
    assert predict("The call was long.").events == []


def test_the_dead_are_counted(predict: Predict) -> None:
    found = predict("The blast left nine dead and 26 wounded.").events
    assert found == [("Attack", "blast"), ("Death", "dead"), ("Injury", "wounded")]
    assert predict("The wounded were in Harl.").events == []


def test_the_month_is_no_demonstration(predict: Predict) -> None:
    assert predict("It was founded in March.").events == []


def test_forms_of_verbs() -> None:
    assert set(finite_forms("shoot")) == {"shoot", "shoots", "shot"}
    assert set(finite_forms("deny")) == {"deny", "denies", "denied"}
    assert set(finite_forms("deploy")) == {"deploy", "deploys", "deployed"}
    assert set(finite_forms("seize")) == {"seize", "seizes", "seized"}
    assert set(finite_forms("clash")) == {"clash", "clashes", "clashed"}
    assert set(gerunds("mediate")) == {"mediating"}
    assert "stabbing" in set(gerunds("stab"))
    assert set(gerunds("die")) == {"dying"}
