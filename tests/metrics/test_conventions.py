"""What was said, marked as a corpus with other habits would mark it."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.article import sha256
from curation.errors import BadInput
from curation.metrics.conventions import Conventions, apply_conventions, load_conventions
from curation.schema import LabelSchema, load_schema

TEXT = "Minister Melk met the two rebels of the Hill Guard. They said the Guard fired 40 rockets at the depot."
DEFAULTS = {"mention": "name", "modality": "asserted"}


@pytest.fixture(scope="module")
def schema() -> LabelSchema:
    return load_schema(Path(__file__).parents[2] / "schemas" / "conflict-news.yaml")


def said() -> Annotation:
    def entity(name: str, words: str, type_: str, mention: str = "name") -> dict[str, object]:
        start = TEXT.index(words)
        attributes = {} if mention == "name" else {"mention": mention}
        return {
            "id": name,
            "start": start,
            "end": start + len(words),
            "type": type_,
            "attributes": attributes,
            "score": 0.9,
        }

    met, fired = TEXT.index("met"), TEXT.index("fired")
    record = {
        "id": "x",
        "article_id": "a1",
        "text_sha256": sha256(TEXT),
        "schema": "conflict-news@1.0.0",
        "annotator": {"kind": "engine", "name": "spacy"},
        "entities": [
            entity("melk", "Melk", "Person"),
            entity("rebels", "two rebels", "ArmedGroup", "nominal"),
            entity("guard", "Hill Guard", "ArmedGroup"),
            entity("they", "They", "ArmedGroup", "pronoun"),
            entity("count", "40", "Quantity"),
            entity("rockets", "40 rockets", "Weapon", "nominal"),
            entity("depot", "depot", "Facility", "nominal"),
        ],
        "events": [
            {
                "id": "met",
                "start": met,
                "end": met + 3,
                "type": "Meeting",
                "score": 0.4,
                "arguments": [{"role": "participant", "filler": "rebels"}],
            },
            {
                "id": "fired",
                "start": fired,
                "end": fired + 5,
                "type": "Attack",
                "score": 0.9,
                "arguments": [
                    {"role": "instrument", "filler": "rockets"},
                    {"role": "target", "filler": "depot"},
                    {"role": "attacker", "filler": "met"},
                ],
            },
        ],
    }
    return Annotation.from_record(record, path=Path("x"))


def marked(**habit: object) -> list[tuple[str, str, str]]:
    found = apply_conventions(said(), TEXT, Conventions.model_validate(habit), DEFAULTS)
    return [(item.id, TEXT[item.start : item.end], item.type) for item in found.items()]


def test_without_habits_all_stays_as_it_was_said() -> None:
    assert apply_conventions(said(), TEXT, Conventions(), DEFAULTS) == said()


def test_borders_move_by_mention_and_by_the_words_around() -> None:
    nominal = {"where": {"mention": ["nominal"]}}
    found = {name: words for name, words, _ in marked(spans=[{**nominal, "last_word": True}])}
    assert (found["rebels"], found["rockets"], found["guard"]) == ("rebels", "rockets", "Hill Guard")
    rule = {**nominal, "leave_out": ["#", "two"], "take_in": ["the"]}
    found = {name: words for name, words, _ in marked(spans=[rule])}
    assert (found["rebels"], found["rockets"], found["depot"]) == ("rebels", "rockets", "the depot")
    found = {name: words for name, words, _ in marked(spans=[{"types": ["Person"], "take_in": ["Minister"]}])}
    assert found["melk"] == "Minister Melk"


def test_a_word_comes_in_only_before_what_is_named() -> None:
    rule = {"types": ["ArmedGroup"], "take_in": ["the"]}
    for before, words in (([], "the two rebels"), (["of"], "the two rebels"), (["in"], "two rebels")):
        assert ("rebels", words, "ArmedGroup") in marked(spans=[{**rule, "before": before}])
    assert ("guard", "the Hill Guard", "ArmedGroup") in marked(spans=[{**rule, "before": ["in"]}])  # a stop follows


def test_types_change_by_the_last_word() -> None:
    rule = {"types": ["ArmedGroup"], "words": ["*s"], "type": "Person"}
    found = {name: type_ for name, _, type_ in marked(becomes=[rule])}
    assert (found["rebels"], found["guard"], found["they"]) == ("Person", "ArmedGroup", "ArmedGroup")


def test_what_is_not_kept_goes_and_its_arguments_with_it() -> None:
    habit = Conventions.model_validate(
        {
            "keep": [
                {"types": ["Quantity", "Facility", "Weapon"], "fills": True},
                {"types": ["Meeting", "Attack"], "least": 0.5},
                {"where": {"mention": ["pronoun"]}, "words": ["he"]},
            ]
        }
    )
    found = apply_conventions(said(), TEXT, habit, DEFAULTS)
    assert [item.id for item in found.items()] == ["melk", "rebels", "guard", "rockets", "depot", "fired"]
    assert [argument.filler for argument in found.events[0].arguments] == ["rockets", "depot"]
    only = Conventions.model_validate({"keep": [{"types": ["Attack"], "only": {"modality": ["planned"]}}]})
    assert [event.id for event in apply_conventions(said(), TEXT, only, DEFAULTS).events] == ["met"]
    roles = Conventions.model_validate({"keep": [{"types": ["Attack", "Meeting"], "roles": ["target"]}]})
    assert [event.id for event in apply_conventions(said(), TEXT, roles, DEFAULTS).events] == ["fired"]


def test_what_becomes_alike_stands_once_and_keeps_its_arguments() -> None:
    habit = Conventions.model_validate(
        {
            "becomes": [{"types": ["Quantity"], "type": "Weapon"}],
            "spans": [{"types": ["Weapon"], "leave_out": []}, {"types": ["Quantity"], "take_in": ["fired"]}],
        }
    )
    first = apply_conventions(said(), TEXT, habit, DEFAULTS)
    assert [TEXT[one.start : one.end] for one in first.entities if one.type == "Weapon"] == ["fired 40", "40 rockets"]
    alike = said()
    twin = alike.entities[5].model_copy(update={"id": "twin"})
    alike = alike.model_copy(update={"entities": (twin, *alike.entities)})
    found = apply_conventions(alike, TEXT, habit, DEFAULTS)
    assert [one.id for one in found.entities if one.type == "Weapon"] == ["twin", "count"]
    assert found.events[1].arguments[0].filler == "twin"


@pytest.mark.parametrize("name", ["re3d", "wikievents", "m2e2"])
def test_the_files_beside_the_schema_fit_it(schema: LabelSchema, name: str) -> None:
    path = Path(__file__).parents[2] / "schemas" / f"{name}.mapping.yaml"
    assert load_conventions(path, schema).description


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("entities: {Ship: [VEH]}\n", "entities.Ship"),
        ("events: {Party: []}\n", "events.Party"),
        ("roles: {Attack: {host: [Host]}}\n", "roles.Attack.host"),
        ("keep:\n  - types: [Ship]\n", "keep.0.types"),
        ("keep:\n  - least: 3\n", "keep.0.least"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_its_field(
    tmp_path: Path, schema: LabelSchema, text: str, field: str
) -> None:
    path = tmp_path / "there.mapping.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as raised:
        load_conventions(path, schema)
    assert raised.value.field == field
    assert load_conventions(tmp_path / "none.mapping.yaml", schema) == Conventions()
