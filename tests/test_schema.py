"""The two label schemas hold what they promise, and every mistake in one is named with file, line and field."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from curation.article import added_field
from curation.engines.rules.lexicon import load_lexicon
from curation.errors import SchemaError
from curation.schema import EntityType, EventType, LabelSchema, load_schema, parse_version
from curation.yaml_file import MAX_BYTES

SCHEMAS = Path(__file__).parent.parent / "schemas"
NAMES = ("conflict-news", "product-recalls")
LOADED = {name: load_schema(SCHEMAS / f"{name}.yaml") for name in NAMES}

SMALL = """\
name: gardens
version: 1.2.0
title: Gardens
description: Who plants what.
groups:
  grower: [Gardener, Club]
attributes:
  - name: mood
    of: events
    definition: Whether it is so.
    default: real
    values:
      - {name: real, definition: It is.}
      - {name: wished, definition: It is hoped for.}
entity_types:
  - name: Gardener
    definition: One who plants.
    hotkey: g
    colour: "#112233"
  - name: Club
    definition: Several.
    hotkey: "2"
    colour: "#445566"
event_types:
  - name: Planting
    definition: A plant is put into the ground.
    hotkey: p
    colour: "#778899"
    roles:
      - name: planter
        definition: Who plants.
        fillers: [grower]
      - name: occasion
        definition: What it is planted for.
        fillers: [Event]
  - name: Show
    definition: Plants are shown.
    colour: "#AABBCC"
"""


def types(schema: LabelSchema) -> list[EntityType | EventType]:
    return [*schema.entity_types, *schema.event_types]


@pytest.fixture(params=NAMES)
def schema(request: pytest.FixtureRequest) -> LabelSchema:
    return LOADED[request.param]


# What the two files hold


def test_the_file_and_the_schema_have_one_name() -> None:
    assert [schema.ref for schema in LOADED.values()] == ["conflict-news@1.0.0", "product-recalls@1.0.0"]


def test_conflict_news_has_every_type_a_war_report_needs() -> None:
    schema = LOADED["conflict-news"]
    assert schema.entity_names == (
        *("Person", "Organization", "ArmedGroup", "GPE", "Location", "Facility", "Weapon", "Vehicle"),
        *("Nationality", "Time", "Quantity", "Object"),
    )
    assert schema.event_names == (
        *("Attack", "Offensive", "Clash", "Capture", "Movement", "Withdrawal", "Support", "Warning", "Demand"),
        *("Contact", "Meeting", "Negotiation", "Agreement", "Ceasefire", "Arrest", "Death", "Injury", "Damage"),
        *("Demonstration", "Sanction"),
    )
    assert {a.name: a.names for a in schema.attributes} == {
        "mention": ("name", "nominal", "pronoun"),
        "modality": ("asserted", "planned", "denied", "hypothetical"),
    }


def test_the_two_schemas_share_nothing() -> None:
    def words(schema: LabelSchema) -> set[str]:
        return {
            *schema.entity_names,
            *schema.event_names,
            *schema.role_names,
            *schema.groups,
            *(attribute.name for attribute in schema.attributes),
            *(value for attribute in schema.attributes for value in attribute.names),
        }

    one, two = (words(schema) for schema in LOADED.values())
    assert len(two) > 15
    assert {word.lower() for word in one} & {word.lower() for word in two} == set()


def test_each_schema_has_an_attribute_of_each_kind(schema: LabelSchema) -> None:
    assert len(schema.attributes_of("entities")) == len(schema.attributes_of("events")) == 1


def test_examples_mark_one_span_and_negatives_say_why(schema: LabelSchema) -> None:
    for label in types(schema):
        assert label.examples.positive, label.name
        assert label.examples.negative, label.name
        for example in (*label.examples.positive, *label.examples.negative):
            spans = re.findall(r"\[([^\[\]]*)\]", example)
            assert len(spans) == 1, example
            assert spans[0] == spans[0].strip() != "", example
            assert example.count("[") == example.count("]") == 1, example
        for example in label.examples.negative:
            sentence, dash, why = example.partition(" — ")
            assert dash, example
            assert "[" in sentence, example
            assert why, example


def test_every_type_has_a_key_that_label_studio_leaves_free(schema: LabelSchema) -> None:
    keys = [label.hotkey for label in types(schema)]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    # u: unselect; alt with r: relation, h: hide, l: lock, m: meta; see the keymap of Label Studio's editor
    assert not {"u", "alt+r", "alt+h", "alt+l", "alt+m"} & set(keys)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_are_unique_and_tell_entities_from_events(schema: LabelSchema) -> None:
    colours = [label.colour for label in types(schema)]
    assert len(set(colours)) == len(colours)
    for label in types(schema):
        red, green = int(label.colour[1:3], 16), int(label.colour[3:5], 16)
        blue = int(label.colour[5:7], 16)
        if label.name in schema.entity_names:
            assert red < max(green, blue), f"{label.name}: an entity is blue or green"
        else:
            assert red > green, f"{label.name}: an event is red or yellow"
        # neither lost on white nor on black
        assert 0.02 < luminance(label.colour) < 0.75, label.name


def test_fillers_resolve_to_types(schema: LabelSchema) -> None:
    known = {*schema.entity_names, *schema.event_names}
    assert set(schema.fillers) == {(e.name, r.name) for e in schema.event_types for r in e.roles}
    for (event, role), fillers in schema.fillers.items():
        assert fillers, (event, role)
        assert fillers <= known, (event, role)


def test_events_fill_the_roles_that_are_about_events() -> None:
    schema = LOADED["conflict-news"]
    for event, role in [
        *(("Warning", "topic"), ("Demand", "topic"), ("Contact", "topic"), ("Meeting", "topic")),
        *(("Negotiation", "topic"), ("Agreement", "topic"), ("Demonstration", "topic"), ("Sanction", "topic")),
        *(("Support", "purpose"), ("Ceasefire", "halted"), ("Arrest", "charge")),
        *(("Death", "cause"), ("Injury", "cause"), ("Damage", "cause")),
    ]:
        assert schema.fillers[event, role] >= set(schema.event_names), (event, role)
    assert not schema.fillers["Attack", "target"] & set(schema.event_names)


def test_every_group_is_used(schema: LabelSchema) -> None:
    used = {name for event in schema.event_types for role in event.roles for name in role.fillers}
    assert set(schema.groups) <= used


def test_names_elsewhere_are_of_known_ontologies(schema: LabelSchema) -> None:
    known = {"ace2005", "wikievents", "plover", "acled", "ontonotes", "re3d", "m2e2"}
    for label in (*types(schema), *(role for event in schema.event_types for role in event.roles)):
        assert set(label.elsewhere) <= known, label.name
        for ontology, names in label.elsewhere.items():
            assert names, (label.name, ontology)
            assert len(set(names)) == len(names), (label.name, ontology)


def test_an_ontonotes_label_means_one_type(schema: LabelSchema) -> None:
    """The default engine reads the mapping backwards."""
    labels = [name for label in schema.entity_types for name in label.elsewhere.get("ontonotes", ())]
    assert labels
    assert len(set(labels)) == len(labels)


def test_the_lexicon_beside_the_schema_fits_it(schema: LabelSchema) -> None:
    assert schema.lexicon is not None
    lexicon = load_lexicon(SCHEMAS / schema.lexicon, schema)
    assert set(lexicon.events) == set(schema.event_names)


# What a schema does


def small(tmp_path: Path, text: str) -> LabelSchema:
    path = tmp_path / "gardens.yaml"
    path.write_text(text, encoding="utf-8")
    return load_schema(path)


def test_a_small_schema_loads(tmp_path: Path) -> None:
    schema = small(tmp_path, SMALL)
    assert schema.ref == "gardens@1.2.0"
    assert schema.role_names == ("planter", "occasion")
    assert schema.fillers == {
        ("Planting", "planter"): {"Gardener", "Club"},
        ("Planting", "occasion"): {"Planting", "Show"},
    }
    gardener, planting = schema.entity_type("Gardener"), schema.event_type("Planting")
    assert gardener is not None
    assert gardener.hotkey == "g"
    assert planting is not None
    assert planting.roles[0].name == "planter"
    assert schema.entity_type("Planting") is None
    assert schema.event_type("Gardener") is None
    assert [a.name for a in schema.attributes_of("events")] == ["mood"]
    assert schema.attributes_of("entities") == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "says"),
    [
        (
            "fillers: [grower]", "fillers: [Club, Robot]", 32, "event_types.0.roles.0.fillers.1",
            "event type Planting: role planter: filler Robot is neither a type nor a group",
        ),
        (
            "[Gardener, Club]", "[Gardener, Robot]", 6, "groups.grower.1",
            "group grower names Robot, which is no type",
        ),
        ("grower: [", "Club: [", 6, "groups.Club", "Club is also a type"),
        ("grower: [", "Event: [", 6, "groups.Event", "Event is also a type"),
        ("name: Club", "name: Gardener", 20, "entity_types.1.name", "type Gardener is duplicated"),
        ("name: Show", "name: Club", 36, "event_types.1.name", "type Club is duplicated"),
        ("hotkey: p", "hotkey: g", 27, "event_types.0.hotkey", "hotkey g is duplicated"),
        ("name: occasion", "name: planter", 33,
         "event_types.0.roles.1.name", "role planter is duplicated"),
        ("name: wished", "name: real", 14, "attributes.0.values.1.name", "value real is duplicated"),
        (
            "entity_types:", "  - {name: mood, of: entities, definition: x, default: a, values: "
            "[{name: a, definition: a}, {name: b, definition: b}]}\nentity_types:",
            15, "attributes.1.name", "attribute mood is duplicated",
        ),
        ("default: real", "default: raw", 11,
         "attributes.0.default", "default raw is not among its values"),
        ("hotkey: p", "hotkey: p\n    hotkey: q", 28, None, "hotkey is duplicated"),
        ("hotkey: p", "hotkey: ctrl+p", 27, "event_types.0.hotkey", "match pattern"),
        ('"#445566"', "blue", 23, "entity_types.1.colour", "match pattern"),
        ("version: 1.2.0", "version: 1.2", 2, "version", "valid string"),
        ("version: 1.2.0", "version: 1.2.x", 2, "version", "match pattern"),
        ("name: gardens", "name: My Gardens", 1, "name", "match pattern"),
        ("name: Club", "name: 2nd club", 20, "entity_types.1.name", "match pattern"),
        ("hotkey: p", "hot_key: p", 27, "event_types.0.hot_key", "not permitted"),
        ("of: events", "of: roles", 9, "attributes.0.of", "'entities' or 'events'"),
        ("title: Gardens\n", "", 1, "title", "required"),
        ("fillers: [Event]", "fillers: []", 35, "event_types.0.roles.1.fillers", "at least 1"),
        ("description: Who", "lexicon: ../x.yaml\ndescription: Who", 4, "lexicon", "match pattern"),
        ("fillers: [grower]", "fillers: &a [grower]\n      - *a", 33, None, "aliases are not allowed"),
        ("title: Gardens", "title: Gardens: old", 3, None, "not valid YAML"),
        ("title: Gardens", "? [a, b]\n: c\ntitle: Gardens", 3, None, "a key must be a single word"),
        ("title: Gardens", "title: !!python/name:os.system x", 3, None, "could not determine"),
        ("title: Gardens", "title: 2031-13-45", None, None, "not valid YAML"),
        ("title: Gardens", "title: Gar\x07dens", None, None, "not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_and_field(
    tmp_path: Path, old: str, new: str, line: int | None, field: str | None, says: str
) -> None:
    assert SMALL.count(old) == 1
    with pytest.raises(SchemaError) as caught:
        small(tmp_path, SMALL.replace(old, new))
    error = caught.value
    assert error.path == tmp_path / "gardens.yaml"
    assert (error.line, error.field) == (line, field)
    assert says in str(error)
    assert str(error).startswith(f"{error.path}:{line}: " if line else f"{error.path}: ")
    assert "\n" not in str(error)
    assert error.way_out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(SMALL.replace("Gardens", "G\xe4rten").encode("latin-1"), "not UTF-8", id="not UTF-8"),
        pytest.param(b"#" * (MAX_BYTES + 1), "is larger than 2000000 bytes", id="too large"),
        pytest.param(b"", "contains no label schema", id="empty"),
        pytest.param(b"- a\n- b\n", "contains no label schema", id="a list"),
        pytest.param(b"just words", "contains no label schema", id="words"),
        pytest.param(b"a: " + b"[" * 5000, "not valid YAML", id="nested too deeply"),
        pytest.param(b"a: 1\n---\nb: 2\n", "not valid YAML", id="two documents"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8", id="binary"),
    ],
)
def test_a_file_that_is_no_schema_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "other.yaml"
    path.write_bytes(content)
    with pytest.raises(SchemaError, match=re.escape(says)) as caught:
        load_schema(path)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.yaml"
    with pytest.raises(SchemaError, match=r"nowhere\.yaml: cannot be read: No such file.*conflict-news\.yaml"):
        load_schema(path)
    with pytest.raises(SchemaError, match="cannot be read: Is a directory"):
        load_schema(tmp_path)


def test_a_schema_is_frozen_and_survives_json(schema: LabelSchema) -> None:
    assert LabelSchema.model_validate_json(schema.model_dump_json()) == schema
    with pytest.raises(ValueError, match="frozen"):
        schema.version = "2.0.0"  # type: ignore[misc]


@given(st.tuples(*itertools.repeat(st.integers(0, 10**6), 3)), st.sampled_from(["", "v"]))
def test_versions_parse(version: tuple[int, int, int], prefix: str) -> None:
    assert parse_version(prefix + ".".join(map(str, version))) == version


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.3.4", "1.2.x", "V1.2.3", " 1.2.3", "1.2.3\n"])
def test_other_versions_do_not(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        parse_version(text)


HASHED_AT_DEFAULT = {
    "LabelSchema": "name version title language description guidelines lexicon groups attributes entity_types"
    " event_types migrations",
    "Attribute": "name of definition values default",
    "Choice": "name definition",
    "EntityType": "name definition examples hotkey colour elsewhere",
    "EventType": "name definition examples hotkey colour elsewhere roles",
    "Examples": "positive negative",
    "Role": "name definition fillers required elsewhere",
    "Migration": "version entity_types event_types roles attributes values",
    "Case": "to when roles",
}
"""Fields of the first version of the format: dumps, and with them hashes, always have them."""


def models(model: type[BaseModel], found: dict[str, type[BaseModel]]) -> dict[str, type[BaseModel]]:
    """`model` and all models in its fields, by name."""

    def inside(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation.__name__ not in found:
            models(annotation, found)
        for part in get_args(annotation):
            inside(part)

    found[model.__name__] = model
    for field in model.model_fields.values():
        inside(field.annotation)
    return found


def test_a_new_optional_field_does_not_change_a_hash() -> None:
    """Each field beyond those of the first version is declared with `added_field`."""
    found = models(LabelSchema, {})
    assert found.keys() == HASHED_AT_DEFAULT.keys()
    for name, model in found.items():
        hashed = [key for key, field in model.model_fields.items() if field.exclude_if is None]
        assert sorted(hashed) == sorted(HASHED_AT_DEFAULT[name].split()), name


def test_an_added_field_is_dumped_only_if_it_is_set(schema: LabelSchema) -> None:
    class Later(LabelSchema):
        audience: str | None = added_field(None, max_length=20)

    later = Later.model_validate(schema.model_dump())
    assert later.model_dump() == schema.model_dump()
    assert later.model_dump_json() == schema.model_dump_json()
    other = Later.model_validate(schema.model_dump() | {"audience": "experts"})
    assert other.model_dump() == schema.model_dump() | {"audience": "experts"}
    assert Later.model_validate_json(other.model_dump_json()) == other
    with pytest.raises(ValueError, match="at most 20 characters"):
        Later.model_validate(schema.model_dump() | {"audience": "x" * 21})
