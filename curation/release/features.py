"""The columns of each config as `datasets` knows them, every label a ClassLabel.

The Arrow and Parquet schemas, the card's front matter, `croissant.json`, the manifest's `columns` and the proposed
version follow from this module. A new column also needs:

- its values: `rows.document_row`, `rows.correction_rows` or `sentences.sentence_rows`
- for a label, its names: `rows.Labels.of_config`
- if its values hardly ever repeat, its name in `parquet._DISTINCT` (no dictionary encoding)
- a description in docs/ml-engineers.md (tests/release/test_docs.py checks that) and in card.md.jinja
- new golden files: `python tests/golden/update.py`, and `LOGICAL` in tests/golden/test_compatibility.py

A new column changes the hash of every row of its config, and with them the logical hash of the release: the next
release of every dataset is a new minor version, even if no article changed. Releases made before keep their columns and
hashes. `curation.article.added_field` does not apply here: rows always have all columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from datasets import ClassLabel, Features, List, Value

from curation.release.rows import CONFIGS, CORRECTIONS, DOCUMENTS, SENTENCES, Labels


def features(config: str, labels: Labels) -> Features:
    """The columns of one config of a release with these labels."""
    return _COLUMNS[config](labels)


def columns(labels: Labels) -> dict[str, str]:
    """Every column and nested field of every config, by its dotted path → its kind.

    Those of `documents` have no prefix, those of other configs are `CONFIG/COLUMN`. Two releases with the same
    columns are read by the same code.
    """
    found: dict[str, str] = {}
    for config in CONFIGS:
        prefix = "" if config == DOCUMENTS else f"{config}/"
        found |= {f"{prefix}{path}": kind for path, kind in _kinds("", dict(features(config, labels)))}
    return found


def _kinds(path: str, feature: Any) -> Iterator[tuple[str, str]]:
    if isinstance(feature, List):
        inner = feature.feature
        yield path, "list" if isinstance(inner, dict) else f"list of {_kind(inner)}"
        yield from _kinds(path, inner) if isinstance(inner, dict) else ()
    elif isinstance(feature, dict):
        for name, field in feature.items():
            yield from _kinds(f"{path}.{name}" if path else name, field)
    else:
        yield path, _kind(feature)


def _kind(feature: Any) -> str:
    return "class label" if isinstance(feature, ClassLabel) else str(feature.dtype)


def _documents(labels: Labels) -> Features:
    def label(column: str) -> ClassLabel:
        return ClassLabel(names=list(labels.names[column]))

    def item(of: str, attributes: Mapping[str, object]) -> dict[str, Any]:
        place = {"start": Value("int64"), "end": Value("int64"), "type": label(f"{of}.type"), "text": Value("string")}
        held = {"id": Value("string"), **place, "score": Value("float64"), "origin": Value("string")}
        if attributes:  # a struct without fields cannot be written to Parquet
            held["attributes"] = {name: label(f"{of}.attributes.{name}") for name in attributes}
        return held

    argument = {
        "role": label("events.arguments.role"),
        "filler": Value("string"),
        "filler_kind": Value("string"),
        "score": Value("float64"),
        "origin": Value("string"),
    }
    return Features(
        {
            **{name: Value("string") for name in ("id", "text", "text_sha256", "title", "source")},
            "published": Value("timestamp[us, tz=UTC]"),
            **{name: Value("string") for name in ("language", "licence", "schema", "annotator", "state", "chosen")},
            **{name: Value("string") for name in ("annotation_id", "parent")},
            "annotated_types": List(Value("string")),
            "zones": List({"kind": Value("string"), "start": Value("int64"), "end": Value("int64")}),
            "sentences": List({"start": Value("int64"), "end": Value("int64")}),
            "entities": List(item("entities", labels.entity_attributes)),
            "events": List({**item("events", labels.event_attributes), "arguments": List(argument)}),
        }
    )


def _sentences(labels: Labels) -> Features:
    names = labels.of_config(SENTENCES)
    argument = {
        "role": ClassLabel(names=list(names["events.arguments.role"])),
        "first": Value("int32"),
        "behind": Value("int32"),
        "type": Value("string"),
        "kind": Value("string"),
        "text": Value("string"),
    }
    event = {
        "id": Value("string"),
        "type": ClassLabel(names=list(names["events.type"])),
        "first": Value("int32"),
        "behind": Value("int32"),
        "text": Value("string"),
        "arguments": List(argument),
    }
    return Features(
        {
            "id": Value("string"),
            "number": Value("int32"),
            "start": Value("int64"),
            "end": Value("int64"),
            "text": Value("string"),
            "zone": Value("string"),
            "tokens": List(Value("string")),
            "starts": List(Value("int64")),
            "ends": List(Value("int64")),
            "tags": List(ClassLabel(names=list(names["tags"]))),
            "trigger_tags": List(ClassLabel(names=list(names["trigger_tags"]))),
            "events": List(event),
        }
    )


def _corrections(labels: Labels) -> Features:
    # Labels are strings: an engine may have used some that the schema no longer has.
    def side(prefix: str) -> dict[str, Value]:
        places = {f"{prefix}{name}": Value("int64") for name in ("start", "end")}
        return places | {f"{prefix}{name}": Value("string") for name in ("type", "text")}

    return Features(
        {
            **{name: Value("string") for name in ("id", "annotation_id", "prediction_id", "annotator", "engine")},
            **{name: Value("string") for name in ("item", "change")},
            **side("predicted_"),
            "predicted_score": Value("float64"),
            **side(""),
            **{name: Value("int64") for name in ("trigger_start", "trigger_end")},
            "trigger_type": Value("string"),
            "attributes": List({name: Value("string") for name in ("name", "predicted", "value")}),
        }
    )


_COLUMNS: dict[str, Callable[[Labels], Features]] = {
    DOCUMENTS: _documents,
    SENTENCES: _sentences,
    CORRECTIONS: _corrections,
}
