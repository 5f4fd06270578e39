"""Which version a difference calls for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made import ABOUT, SCHEMA, corpus

from curation.errors import ReleaseError
from curation.release import build_release, latest_release
from curation.release.manifest import Changes, Manifest
from curation.release.rows import Labels
from curation.release.versions import Reason, article_reasons, propose, schema_reasons, shape_reasons
from curation.schema import LabelSchema


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    report = build_release(corpus(3), SCHEMA, tmp_path_factory.mktemp("releases"), about=ABOUT, version="1.2.3")
    return Manifest.read(report.folder)


def altered(change: Any) -> LabelSchema:
    record = SCHEMA.model_dump(mode="json")
    change(record)
    return LabelSchema.model_validate(record)


TYPE = {"name": "Ship", "definition": "A ship.", "colour": "#556677"}


@pytest.mark.parametrize(
    ("change", "bump", "text"),
    [
        (lambda it: it.update(name="other"), "major", "the label schema is other, it was made"),
        (lambda it: it["entity_types"].append(TYPE), "minor", "entity type Ship is new"),
        (lambda it: it["event_types"].pop(), "major", "event type Report is gone"),
        (lambda it: it["event_types"][0]["roles"].pop(), "major", "role Move.goal is gone"),
        (lambda it: it["event_types"][0]["roles"][1].update(name="aim"), "minor", "role Move.aim is new"),
        (lambda it: it["attributes"].clear(), "major", "attribute entities.mention is gone"),
        (
            lambda it: it["attributes"][0]["values"].append({"name": "pronoun", "definition": "By pronoun."}),
            "minor",
            "attribute value entities.mention.pronoun is new",
        ),
        (lambda it: it["entity_types"][0].update(definition="Someone."), "patch", "the label schema's wording changed"),
    ],
)
def test_each_change_of_the_schema_has_its_bump(change: Any, bump: str, text: str) -> None:
    found = schema_reasons(SCHEMA, altered(change))
    assert any(one.bump == bump and one.text.startswith(text) for one in found), found


def test_the_same_schema_gives_no_reason() -> None:
    assert schema_reasons(SCHEMA, SCHEMA) == []


def test_lists_grow_at_their_ends_whatever_the_schema_s_order() -> None:
    before = Labels.of(SCHEMA)
    shuffled = altered(lambda it: it["entity_types"].reverse())
    assert Labels.of(shuffled, before) == before
    grown = Labels.of(altered(lambda it: it["entity_types"].insert(0, TYPE)), before)
    assert grown.entity_types == ("Person", "Place", "Ship")
    assert grown.moved(before) == []
    shrunk = Labels.of(altered(lambda it: it["event_types"].pop(0)), before)
    assert shrunk.event_types == ("Report",)
    assert shrunk.moved(before) == ["events.type", "events.arguments.role"]


def test_columns_that_go_change_or_come() -> None:
    labels = Labels.of(SCHEMA)
    before = {"id": "string", "text": "string", "score": "float64"}
    now = {"id": "string", "score": "int64", "title": "string"}
    assert shape_reasons(labels, labels, before, now) == [
        Reason("major", "column text is gone"),
        Reason("major", "column score is now int64, it was float64"),
        Reason("minor", "column title is new"),
    ]


def test_articles_that_come_go_or_differ() -> None:
    assert article_reasons(Changes()) == []
    assert [one.bump for one in article_reasons(Changes(added=1, left_out=2, revised=1, corrected=3))] == [
        "minor",
        "minor",
        "minor",
        "patch",
    ]


@pytest.mark.parametrize(
    ("reasons", "version"),
    [
        ([], "1.2.4"),
        ([Reason("patch", "p")], "1.2.4"),
        ([Reason("patch", "p"), Reason("minor", "m")], "1.3.0"),
        ([Reason("minor", "m"), Reason("major", "M"), Reason("patch", "p")], "2.0.0"),
    ],
)
def test_the_least_version_that_is_called_for(manifest: Manifest, reasons: list[Reason], version: str) -> None:
    proposal = propose(manifest, reasons, changed=True)
    assert proposal.version == version
    assert proposal.bump == proposal.needed
    assert propose(manifest, reasons, changed=True, wanted="3.0.0").bump == "major"


def test_nothing_changed_is_the_same_version(manifest: Manifest) -> None:
    assert propose(manifest, [], changed=False)[:2] == ("1.2.3", "none")
    assert propose(manifest, [], changed=False, wanted="v1.2.3")[:2] == ("1.2.3", "none")
    assert propose(manifest, [], changed=False, wanted="2.0.0")[:2] == ("2.0.0", "major")


def test_versions_that_do_not_fit(manifest: Manifest) -> None:
    minor = [Reason("minor", "3 articles new")]
    with pytest.raises(ReleaseError, match=r"1\.2\.4 is a patch release, but 3 articles new.*take 1\.3\.0"):
        propose(manifest, minor, changed=True, wanted="1.2.4")
    assert propose(manifest, minor, changed=True, wanted="1.2.4", force=True)[:3] == ("1.2.4", "patch", "minor")
    with pytest.raises(ReleaseError, match=r"1\.2\.2 is too low: the last release is 1\.2\.3.*1\.3\.0$"):
        propose(manifest, minor, changed=True, wanted="1.2.2", force=True)
    with pytest.raises(ReleaseError, match=r"next one 2\.0\.0, a major release, because type Ship is gone"):
        propose(manifest, [Reason("major", "type Ship is gone")], changed=True, wanted="1.2.2")
    with pytest.raises(ReleaseError, match=r"1\.2\.3 is there already.*next free one is 1\.4\.0"):
        propose(manifest, minor, changed=True, wanted="1.2.3", force=True, taken={(1, 3, 0)})
    with pytest.raises(ReleaseError, match="not a version"):
        propose(None, [], changed=True, wanted="one")


def test_the_first_version() -> None:
    assert propose(None, [], changed=True)[:2] == ("0.1.0", "first")
    assert propose(None, [], changed=True, wanted="2.0.0")[:2] == ("2.0.0", "first")


def test_the_latest_release_goes_by_number_and_must_be_whole(tmp_path: Path) -> None:
    assert latest_release(tmp_path / "nothing") is None
    for version in ("0.2.0", "0.10.0", "0.9.1"):
        build_release(corpus(3), SCHEMA, tmp_path, about=ABOUT, version=version)
    (tmp_path / "v1.0.0").mkdir()
    (tmp_path / "v1.x.0").mkdir()
    assert latest_release(tmp_path) == tmp_path / "v0.10.0"
