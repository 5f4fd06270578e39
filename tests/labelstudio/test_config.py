"""The labelling config: whole, escaped, valid for Label Studio, and compared by meaning."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from curation.errors import LabelStudioError
from curation.labelstudio.config import Difference, config_differences, instructions, labelling_config
from curation.schema import Attribute, Choice, EntityType, EventType, LabelSchema, Role

HOSTILE = """<script>alert(1)</script> & "quoted" 'single' ]]> {{x}} \x07\x1b[31m\ud800"""


@pytest.fixture
def tiny() -> LabelSchema:
    return LabelSchema(
        name="tiny",
        version="1.0.0",
        title="Tiny",
        description="Two types.",
        entity_types=(EntityType(name="Person", definition="Who.", hotkey="1", colour="#3090D0"),),
        event_types=(
            EventType(
                name="Raid",
                definition="An attack.",
                colour="#C00018",
                roles=(Role(name="attacker", definition="Who does it.", fillers=("Person",)),),
            ),
        ),
        attributes=(
            Attribute(
                name="modality",
                of="events",
                definition="Did it happen?",
                values=(Choice(name="asserted", definition="Yes."), Choice(name="denied", definition="No.")),
                default="asserted",
            ),
        ),
    )


@pytest.mark.parametrize("which", ["schema", "recalls"])
def test_label_studio_takes_it(which: str, request: pytest.FixtureRequest) -> None:
    schema: LabelSchema = request.getfixturevalue(which)
    interface = LabelInterface(labelling_config(schema))
    interface.validate()
    controls = {control.name: control for control in interface.controls}
    assert controls["entity"].labels == list(schema.entity_names)
    assert controls["trigger"].labels == list(schema.event_names)
    for attribute in schema.attributes:
        control = controls[f"attribute-{attribute.name}"]
        assert control.labels == list(attribute.names)
        assert control.attr["perRegion"] == "true"
        assert control.attr["whenTagName"] == ("entity" if attribute.of == "entities" else "trigger")
    assert len(controls) == 2 + len(schema.attributes)


def test_everything_of_the_schema_is_there(schema: LabelSchema) -> None:
    page = ET.fromstring(labelling_config(schema))
    assert {one.get("value") for one in page.iter("Relation")} == set(schema.role_names)
    labels = {one.get("value"): one for one in page.iter("Label")}
    for label in (*schema.entity_types, *schema.event_types):
        assert labels[label.name].get("background") == label.colour
        assert labels[label.name].get("hotkey") == label.hotkey
    (text,) = page.iter("Text")
    assert (text.get("name"), text.get("value"), text.get("granularity")) == ("text", "$text", "symbol")


def test_every_type_has_its_look(schema: LabelSchema) -> None:
    style = ET.fromstring(labelling_config(schema)).findtext(".//Style") or ""
    looks = {}
    for name, look in re.findall(r'\[data-label\$=":(\w+)"\]:not\(\.__active\) { (.*) }', style):
        looks[name] = "underlined" if "border-bottom" in look else "filled"
    assert looks == dict.fromkeys(schema.entity_names, "filled") | dict.fromkeys(schema.event_names, "underlined")
    assert style.count("{") == style.count("}")


def test_no_key_of_the_page_is_used_twice(schema: LabelSchema, recalls: LabelSchema) -> None:
    for one in (schema, recalls):
        page = ET.fromstring(labelling_config(one))
        keys = [label.get("hotkey") for label in page.iter("Label") if label.get("hotkey")]
        assert len(keys) == len(set(keys))
        # Label Studio gives a free letter to every choice that has no key.
        assert {choice.get("hotkey") for choice in page.iter("Choice")} == {"f19"}


def test_without_events_there_is_no_empty_control(tiny: LabelSchema) -> None:
    config = labelling_config(tiny.model_copy(update={"event_types": (), "attributes": ()}))
    interface = LabelInterface(config)
    interface.validate()
    assert [control.name for control in interface.controls] == ["entity"]
    assert "<Relations" not in config


def test_hostile_text_stays_text(tiny: LabelSchema) -> None:
    hostile = tiny.model_copy(
        update={
            "title": HOSTILE,
            "description": HOSTILE,
            "guidelines": (HOSTILE,),
            "entity_types": (tiny.entity_types[0].model_copy(update={"definition": HOSTILE}),),
        }
    )
    config, guide = labelling_config(hostile), instructions(hostile)
    (hint,) = [one.get("hint") or "" for one in ET.fromstring(config).iter("Label") if one.get("value") == "Person"]
    assert "<script>alert(1)</script>" in hint
    assert "<script" not in config + guide
    assert guide.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4
    (config + guide).encode("utf-8")
    LabelInterface(config).validate()


def test_instructions_hold_what_annotators_need(schema: LabelSchema) -> None:
    guide = html.unescape(re.sub(r"</?code>", "`", instructions(schema)))
    told = " ".join(re.sub(r"<[^>]+>", " ", guide).split())
    for line in schema.guidelines:
        assert " ".join(line.split()) in told
    for label in (*schema.entity_types, *schema.event_types):
        assert label.name in told
        for example in (*label.examples.positive, *label.examples.negative):
            assert " ".join(example.split()) in told
    for event_type in schema.event_types:
        for role in event_type.roles:
            assert " ".join(role.definition.split()) in told


def test_a_config_does_not_differ_from_itself(schema: LabelSchema) -> None:
    assert config_differences(labelling_config(schema), labelling_config(schema)) == []


def test_looks_are_no_difference(tiny: LabelSchema) -> None:
    there = labelling_config(tiny)
    changed = there.replace("#3090D0", "#000000").replace('hotkey="1"', 'hotkey="9"')
    changed = re.sub(r"<Style>.*?</Style>", "", changed, flags=re.S).replace('value="Entities"', 'value="Things"')
    changed = changed.replace("single-radio", "single")
    assert changed != there
    assert config_differences(changed, there) == []


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda c: c.replace("<Label ", '<Label value="Place"/><Label ', 1), ("removed", "label Place of entity")),
        (lambda c: c.replace('value="Person"', 'value="Human"'), ("added", "label Person of entity")),
        (lambda c: c.replace('<Relation value="attacker" />', ""), ("added", "relation attacker")),
        (
            lambda c: c.replace('<Choice value="denied"', '<Choice value="no"'),
            ("added", "choice denied of attribute-modality"),
        ),
        (lambda c: c.replace('"symbol"', '"word"'), ("changed", "granularity of object text from word to symbol")),
        (lambda c: c.replace('"$text"', '"$body"'), ("changed", "value of object text from $body to $text")),
        (
            lambda c: c.replace('perRegion="true"', 'perRegion="false"'),
            ("changed", "perRegion of control attribute-modality from false to true"),
        ),
        (
            lambda c: c.replace("</View>", '<TextArea name="note" toName="text"/></View>', 1),
            ("removed", "control note"),
        ),
        (
            lambda c: re.sub(r'<Labels (name="trigger".*?)</Labels>', r"<Taxonomy \1</Taxonomy>", c),
            ("changed", "kind of control trigger from Taxonomy to Labels"),
        ),
    ],
)
def test_each_difference_is_told(tiny: LabelSchema, edit: Callable[[str], str], expected: tuple[str, str]) -> None:
    wanted = re.sub(r">\s+<", "><", labelling_config(tiny))
    there = edit(wanted)
    assert there != wanted
    told = config_differences(there, wanted)
    assert Difference(*expected) in told  # type: ignore[arg-type]
    assert all(str(one) == f"{one.kind}: {one.what}" for one in told)


def test_a_larger_schema_only_adds(tiny: LabelSchema) -> None:
    person = tiny.entity_types[0]
    larger = tiny.model_copy(
        update={"entity_types": (person, person.model_copy(update={"name": "Place", "hotkey": "2"}))}
    )
    assert config_differences(labelling_config(tiny), labelling_config(larger)) == [
        Difference("added", "label Place of entity")
    ]
    assert config_differences(labelling_config(larger), labelling_config(tiny)) == [
        Difference("removed", "label Place of entity")
    ]


def test_an_alias_is_what_annotations_hold(tiny: LabelSchema) -> None:
    wanted = labelling_config(tiny)
    there = wanted.replace('value="Person"', 'value="Human being" alias="Person"')
    assert config_differences(there, wanted) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "is not XML"),
        ("<View>", "is not XML"),
        ("<View/>\x00", "is not XML"),
        ("<View a='\ud800'/>", "is not XML"),
        ("not xml at all", "is not XML"),
        ('<!DOCTYPE v [<!ENTITY a "b">]><View>&a;</View>', "DOCTYPE"),
        ('<!DOCTYPE v SYSTEM "file:///etc/passwd"><View/>', "DOCTYPE"),
        ("<View>" + " " * 2_000_000 + "</View>", "longer than"),
    ],
)
def test_what_is_no_config_is_refused_in_one_line(tiny: LabelSchema, config: str, message: str) -> None:
    with pytest.raises(LabelStudioError, match=message) as error:
        config_differences(config, labelling_config(tiny))
    assert "\n" not in str(error.value)


def test_a_deep_config_is_read(tiny: LabelSchema) -> None:
    deep = "<View>" * 20_000 + "</View>" * 20_000
    assert all(one.kind == "added" for one in config_differences(deep, labelling_config(tiny)))


@given(st.text(alphabet=st.sampled_from("<>/View LabelsTxt name=\"'&;![]-?\n\x00é"), max_size=200))
def test_any_text_is_compared_or_refused(config: str) -> None:
    try:
        config_differences(config, "<View/>")
    except LabelStudioError as error:
        assert str(error)
