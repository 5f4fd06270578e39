"""The JSON Schemas in schemas/ are those of the models, and say yes and no where the models do."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from curation.annotation import Annotation
from curation.article import Article, sha256

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "json_schemas.py"
OURS = ("article", "annotation", "label-schema", "lexicon", "weights", "project")
FORMATS = (*OURS, "mapping", "confidence", "ensemble", "snapshot", "snapshot-task", "release", "release-article")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def fits(name: str, value: Any) -> bool:
    validator = jsonschema.Draft202012Validator(schema(name))
    return bool(validator.is_valid(value))


def test_the_files_are_in_step_with_the_models() -> None:
    contents = runpy.run_path(str(SCRIPT))["contents"]()
    assert set(contents) == {f"{name}.schema.json" for name in FORMATS}
    for name, text in contents.items():
        assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == text, "run python scripts/json_schemas.py"
        assert text.endswith("}\n")


def test_check_finds_a_file_that_is_missing_or_changed_and_writes_nothing(tmp_path: Path) -> None:
    assert run("--check", str(tmp_path)).returncode == 1
    assert list(tmp_path.iterdir()) == []
    assert run(str(tmp_path)).returncode == 0
    assert len(list(tmp_path.iterdir())) == len(FORMATS)
    assert run("--check", str(tmp_path)).returncode == 0
    changed = tmp_path / "article.schema.json"
    changed.write_text(changed.read_text(encoding="utf-8").replace("2000000", "3"), encoding="utf-8")
    before = changed.read_bytes()
    found = run("--check", str(tmp_path))
    assert found.returncode == 1
    assert "article.schema.json" in found.stderr
    assert "annotation.schema.json" not in found.stderr
    assert changed.read_bytes() == before


@pytest.mark.parametrize("name", FORMATS)
def test_each_is_a_valid_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.yaml")), ids=lambda path: path.name)
def test_the_files_we_ship_fit(path: Path) -> None:
    kind = path.name.split(".")[-2]
    name = kind if kind in ("lexicon", "mapping", "weights") else "label-schema"
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema(name)).validate(value)
    assert not fits(name, value | {"extra": 1})


def test_a_line_of_each_kind_fits_and_a_wrong_one_does_not() -> None:
    article = json.loads(Article(id="a1", text="Jets bombed Belmora.", language="en").to_json())
    assert fits("article", article)
    assert not fits("article", article | {"text_sha256": "short"})
    assert not fits("article", article | {"id": "two words"})
    assert not fits("article", article | {"titel": "x"})

    record = {
        "id": "p1",
        "article_id": "a1",
        "text_sha256": sha256(article["text"]),
        "schema": "conflict-news@1.0.0",
        "annotator": {"kind": "engine", "name": "rules", "version": "1"},
        "entities": [{"id": "e1", "start": 0, "end": 4, "type": "Vehicle", "score": 0.5}],
        "events": [
            {"id": "v1", "start": 5, "end": 11, "type": "Attack", "arguments": [{"role": "instrument", "filler": "e1"}]}
        ],
    }
    line = json.loads(Annotation.from_record(record, path=Path("x")).to_json())
    assert fits("annotation", record)
    assert fits("annotation", line)
    assert not fits("annotation", line | {"schema": "conflict-news"})
    assert not fits("annotation", line | {"state": "done"})
    assert not fits("annotation", line | {"schema_ref": line["schema"]})
    assert not fits("annotation", {key: value for key, value in line.items() if key != "schema"})
