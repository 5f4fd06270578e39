"""Lexicon files: read, fitted to their schema, refused with the place of the mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.engines.rules.lexicon import LexiconError, lexicon_files, load_lexicon, load_weights
from curation.schema import LabelSchema

ROOT = Path(__file__).resolve().parents[3]


def written(folder: Path, text: str) -> Path:
    path = folder / "words.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_lexicons_that_come_with_the_toolkit_fit_their_schemas(schema: LabelSchema, recalls: LabelSchema) -> None:
    for fits in (schema, recalls):
        assert fits.lexicon is not None
        lexicon = load_lexicon(ROOT / "schemas" / fits.lexicon, fits)
        assert set(lexicon.events) == set(fits.event_names)


def test_every_role_of_the_sample_schema_can_be_filled(schema: LabelSchema) -> None:
    lexicon = load_lexicon(ROOT / "schemas" / "conflict-news.lexicon.yaml", schema)
    named = {(name, role) for name, rules in lexicon.events.items() for rule in rules for role in rule.roles}
    shared = {(name, role) for name, role in schema.fillers if role in lexicon.roles}
    assert set(schema.fillers) - named - shared == set()


def test_words_such_as_on_and_no_are_words(tmp_path: Path, schema: LabelSchema) -> None:
    path = written(tmp_path, "roles: {place: [in, on, off]}\nlight: [no, yes]\n")
    lexicon = load_lexicon(path, schema)
    assert lexicon.roles["place"] == ("in", "on", "off")
    assert lexicon.light == ("no", "yes")


def test_the_digest_changes_with_the_words(tmp_path: Path, schema: LabelSchema) -> None:
    one = load_lexicon(written(tmp_path, "light: [make]\n"), schema).digest
    assert load_lexicon(written(tmp_path, "light: [make]  # the same\n"), schema).digest == one
    assert load_lexicon(written(tmp_path, "light: [take]\n"), schema).digest != one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "entities:\n  Ghost:\n    - heads: [ghost]\n",
            ":2: entities.Ghost: entity type Ghost is not in conflict-news@",
        ),
        ("events:\n  Party:\n    - verbs: [party]\n", ":2: events.Party: event type Party is not in conflict-news@"),
        (
            "events:\n  Attack:\n    - verbs: [raid]\n      roles:\n        host: [subject]\n",
            ":5: events.Attack.0.roles.host: Attack has no role host in conflict-news@",
        ),
        ("pronouns:\n  he: Nobody\n", ":2: pronouns.he: entity type Nobody is not in"),
        ("others:\n  Nothing: [object]\n", ":2: others.Nothing: entity type Nothing is not in"),
        ("roles:\n  mood: [in]\n", ":2: roles.mood: role mood is not in"),
        ("attributes:\n  events:\n    mood:\n      good: {}\n", ":3: attributes.events.mood: attribute mood is not in"),
        (
            "attributes:\n  events:\n    modality:\n      wished: {}\n",
            ":4: attributes.events.modality.wished: modality has no value wished in",
        ),
        ("events:\n  Attack:\n    - verb: [raid]\n", ":3: events.Attack.0.verb: Extra inputs are not permitted"),
        ("light: [' make']\n", ":1: light.0: String should match pattern"),
        ("light: make\n", ":1: light: Input should be a valid tuple"),
        ("- a\n", "contains no lexicon"),
        ("light: [make", ":1: not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_field(
    tmp_path: Path, schema: LabelSchema, text: str, message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(LexiconError) as error:
        load_lexicon(path, schema)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, schema: LabelSchema) -> None:
    with pytest.raises(LexiconError, match=r"none\.yaml: cannot be read: .*name a lexicon file"):
        load_lexicon(tmp_path / "none.yaml", schema)


def weighted(folder: Path, weights: str | None) -> Path:
    """A lexicon that names a file of weights, which is there unless it is None."""
    if weights is not None:
        (folder / "words.weights.yaml").write_text(weights, encoding="utf-8")
    return written(folder, "weights: words.weights.yaml\n")


def test_the_weights_that_a_lexicon_names_are_read(tmp_path: Path, schema: LabelSchema) -> None:
    table = "{base: 0.5, evidence: {one word: -1}}"
    path = weighted(tmp_path, f"entities: {table}\ntriggers: {table}\narguments: {table}\n")
    lexicon = load_lexicon(path, schema)
    weights = load_weights(lexicon, path)
    assert weights is not None
    assert (weights.entities.base, weights.triggers.evidence) == (0.5, {"one word": -1.0})
    assert lexicon.digest == load_lexicon(written(tmp_path, "{}\n"), schema).digest
    assert set(lexicon_files(weighted(tmp_path, None))) == {"words.yaml", "words.weights.yaml"}


def test_a_lexicon_without_weights_has_none(tmp_path: Path, schema: LabelSchema) -> None:
    path = written(tmp_path, "light: [make]\n")
    assert load_weights(load_lexicon(path, schema), path) is None
    assert set(lexicon_files(path)) == {"words.yaml"}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (None, r"words\.weights\.yaml: cannot be read: No such file"),
        ("entities: {base: 0}\ntriggers: {base: 0}\n", r"words\.weights\.yaml:1: arguments: Field required"),
        (
            "entities: {base: 0}\ntriggers:\n  base: 0\n  evidence:\n    one word: much\narguments: {base: 0}\n",
            r"words\.weights\.yaml:5: triggers\.evidence\.one word: Input should be a valid number",
        ),
        ("entities: {base: .nan}\ntriggers: {base: 0}\narguments: {base: 0}\n", r":1: entities\.base: Input should be"),
    ],
)
def test_wrong_weights_are_refused_with_their_place(
    tmp_path: Path, schema: LabelSchema, weights: str | None, message: str
) -> None:
    path = weighted(tmp_path, weights)
    with pytest.raises(LexiconError, match=message) as error:
        load_weights(load_lexicon(path, schema), path)
    assert "\n" not in str(error.value)
