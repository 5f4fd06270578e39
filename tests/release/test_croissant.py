"""The Croissant description names every Parquet file and every column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from made import ABOUT, SCHEMA, corpus

from curation.release import build_release
from curation.release.manifest import Manifest


def test_it_names_what_is_there(tmp_path: Path) -> None:
    folder = build_release(corpus(30), SCHEMA, tmp_path, about=ABOUT).folder
    described: dict[str, Any] = json.loads((folder / "croissant.json").read_text())
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert (described["name"], described["version"], described["license"]) == ("made-news", "0.1.0", "CC0-1.0")
    manifest = Manifest.read(folder)
    objects = {one["@id"]: one for one in described["distribution"] if one["@type"] == "cr:FileObject"}
    assert {name: one["sha256"] for name, one in objects.items()} == {
        name: fact.sha256 for name, fact in manifest.files.items() if name.endswith(".parquet")
    }
    for records in described["recordSet"]:
        config = records["@id"]
        names = pq.read_schema(folder / config / "train.parquet").names
        assert [field["@id"] for field in records["field"]] == [f"{config}/{name}" for name in names]
        for field in records["field"]:
            for one in field.get("subField", [field]):
                held = one.get("subField", [one])[0]
                assert held["source"]["fileSet"]["@id"] == f"{config}-files"
                assert held["source"]["extract"]["column"] == field["@id"].partition("/")[2]
    (entities,) = (one for one in described["recordSet"][0]["field"] if one["@id"] == "documents/entities")
    paths = {one["@id"]: one["source"]["transform"] for one in entities["subField"] if "source" in one}
    assert paths["documents/entities/start"] == [{"jsonPath": "start"}]
    (mention,) = entities["subField"][-1]["subField"]
    assert mention["source"]["transform"] == [{"jsonPath": "attributes"}, {"jsonPath": "mention"}]
