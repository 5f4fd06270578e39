"""Annotations of many rows at once are those of the rows one by one."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import SCHEMA, corpus

from curation.release.annotations import annotations_of
from curation.release.canonical import canonical
from curation.release.coding import coded, named, parsed
from curation.release.documents import ANNOTATION, annotation_of, decode, features, row
from curation.release.labels import Labels

LABELS = Labels.of(SCHEMA)
COLUMNS = features(LABELS)
ROWS = [json.loads(canonical(row(one, SCHEMA, {}))) for one in corpus(6)]


@st.composite
def some_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = []
    for number in draw(st.lists(st.integers(0, len(ROWS) - 1), min_size=1, max_size=4)):
        one = json.loads(json.dumps(ROWS[number]))
        one["annotator"] = draw(st.sampled_from(["person:3", "engine:rules@1.0.0", "engine:rulés", 'person:"a\\b:c']))
        one["parent"] = draw(st.none() | st.text("abc-é", min_size=1))
        one["events"] = one["events"][: draw(st.integers(0, 2))]
        for item in (
            *one["entities"],
            *one["events"],
            *(each for event in one["events"] for each in event["arguments"]),
        ):
            item["score"] = draw(st.none() | st.floats(0, 1))
            item["origin"] = draw(st.none() | st.sampled_from(["person:3", "engine:ü@2"]))
        if not one["events"]:
            one["entities"] = one["entities"][: draw(st.integers(0, 2))]
        made.append(one)
    return made


@settings(max_examples=60, deadline=None)
@given(some_rows())
def test_all_at_once_or_one_by_one(rows: list[dict[str, Any]]) -> None:
    table = parsed([canonical(one) for one in rows], named(COLUMNS))
    assert table is not None
    held = coded(table, COLUMNS)
    expected = [annotation_of(decode(one, LABELS)) for one in held.to_pylist()]
    assert list(annotations_of(held.select(ANNOTATION), LABELS)) == expected


def test_an_integer_without_a_name_is_refused() -> None:
    table = coded(parsed([canonical(ROWS[0])], named(COLUMNS)), COLUMNS)
    fewer = Labels(**(LABELS.model_dump() | {"event_types": LABELS.event_types[:1]}))
    with pytest.raises(pa.ArrowIndexError):
        list(annotations_of(table, fewer))
