"""Corrections: what an engine predicted against what a person made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made import ABOUT, SCHEMA, corpus

from curation.annotation import Annotator, Argument, Entity
from curation.errors import ReleaseError
from curation.release import ReviewedArticle, build_release, load_release, verify
from curation.release.manifest import Manifest

ENGINE = Annotator(kind="engine", name="rules", version="1.0.0")


def corrected(row: ReviewedArticle) -> ReviewedArticle:
    """A row whose engine had the person right, the place too short and of another type, one entity too many, no
    attribute, no report, and another role."""
    person, place = row.annotation.entities
    move = row.annotation.events[0]
    mover = Argument(role="mover", filler="e1", score=0.25)
    prediction = row.annotation.model_copy(
        update={
            "id": row.annotation.parent,
            "parent": None,
            "annotator": ENGINE,
            "state": "predicted",
            "entities": (
                person.model_copy(update={"attributes": {"mention": "nominal"}}),
                place.model_copy(update={"end": place.end - 1, "type": "Person", "score": 0.75}),
                Entity(id="e9", type="Place", start=move.start, end=move.end),
            ),
            "events": (move.model_copy(update={"arguments": (mover, Argument(role="mover", filler="e2"))}),),
        }
    )
    return row._replace(prediction=prediction)


def loaded(folder: Path) -> list[dict[str, Any]]:
    return [row for split in load_release(folder, "0.1.0", "corrections").values() for row in split]


def test_every_item_is_set_against_what_became_of_it(tmp_path: Path) -> None:
    rows = corpus(20)
    rows[0] = corrected(rows[0])
    report = build_release(rows, SCHEMA, tmp_path, about=ABOUT)
    found = loaded(tmp_path)
    assert [(one["item"], one["change"]) for one in found] == [
        ("entity", "attributes"),
        ("entity", "removed"),
        ("entity", "type and border"),
        ("event", "kept"),
        ("event", "added"),
        ("argument", "kept"),
        ("argument", "type and border"),
        ("argument", "added"),
    ]
    text = rows[0].article.text
    place = rows[0].annotation.entities[1]
    moved = found[2]
    assert (moved["predicted_start"], moved["predicted_end"]) == (place.start, place.end - 1)
    assert (moved["predicted_type"], moved["type"], moved["predicted_score"]) == ("Person", "Place", 0.75)
    assert (moved["predicted_text"], moved["text"]) == (
        text[place.start : place.end - 1],
        text[place.start : place.end],
    )
    assert (moved["engine"], moved["annotator"]) == ("engine:rules@1.0.0", "person:1")
    assert moved["attributes"] == [], "both are nominal"
    changed = next(one for one in found if one["change"] == "attributes")
    assert changed["attributes"] == [{"name": "mention", "predicted": "nominal", "value": "name"}]
    added = next(one for one in found if one["item"] == "argument" and one["change"] == "added")
    assert (added["predicted_start"], added["trigger_type"]) == (None, "Report")
    counts = Manifest.read(report.folder).counts
    assert counts.corrections["entity"] == {"attributes": 1, "type and border": 1, "removed": 1}
    card = (report.folder / "README.md").read_text()
    assert "| | predicted | corrected | kept, of the predicted | added, of the corrected |" in card
    assert "| entity | 3 | 2 | 0% | 0% |" in card
    assert verify(report.folder) == []


def test_without_predictions_the_config_is_there_and_empty(tmp_path: Path) -> None:
    folder = build_release(corpus(20), SCHEMA, tmp_path, about=ABOUT).folder
    assert loaded(folder) == []
    assert "config_name: corrections" not in (folder / "README.md").read_text()
    with pytest.raises(ReleaseError, match="no config words; take documents, sentences, corrections"):
        load_release(folder, "0.1.0", "words")


def test_agreement_is_measured_where_several_annotated(tmp_path: Path) -> None:
    rows = corpus(20)
    other = rows[0].annotation.model_copy(
        update={"annotator": Annotator(kind="person", name="2"), "entities": rows[0].annotation.entities}
    )
    less = other.model_copy(update={"events": other.events[:1]})
    rows[0] = rows[0]._replace(others=(other,), chosen="agreed")
    rows[1] = rows[1]._replace(others=(), chosen="latest")
    first = build_release(rows, SCHEMA, tmp_path / "one", about=ABOUT)
    agreement = Manifest.read(first.folder).agreement
    assert agreement is not None
    assert (agreement.articles, agreement.entities, agreement.triggers) == (1, 1.0, 1.0)
    rows[0] = rows[0]._replace(others=(less,), chosen="latest")
    second = build_release(rows, SCHEMA, tmp_path / "two", about=ABOUT)
    agreement = Manifest.read(second.folder).agreement
    assert agreement is not None
    assert (agreement.triggers, agreement.arguments) == (0.6667, 0.8)
    assert "triggers\n0.667, arguments 0.800" in (second.folder / "README.md").read_text()
    # What was adjudicated stands on the others: one other is no pair.
    rows[0] = rows[0]._replace(chosen="adjudicated")
    third = build_release(rows, SCHEMA, tmp_path / "three", about=ABOUT)
    assert Manifest.read(third.folder).agreement is None
