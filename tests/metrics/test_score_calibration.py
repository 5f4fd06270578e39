"""ScoreCalibration: scores read off a rising curve, doubtful items left out with what hangs on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from curation.annotation import Annotation, Annotator
from curation.errors import BadInput
from curation.metrics.score_calibration import (
    Change,
    EffortChange,
    LabelCalibration,
    ScoreCalibration,
    apply,
    load_calibration,
    without,
)

HALF = LabelCalibration(points=((0.0, 0.0), (1.0, 0.5)), items=9, right=3)


def confidence(**entries: Any) -> ScoreCalibration:
    about: dict[str, Any] = {"engine": "engine:quick@1", "schema": "s@1.0.0", "gold": "g", "articles": 2, "folds": 2}
    parts: dict[str, Any] = {"entities": {}, "events": {}, "arguments": {}, "figures": {}}
    effort = EffortChange(blank=3, before=2, after=1)
    return ScoreCalibration.model_validate(about | parts | {"effort": effort} | entries)


@pytest.fixture
def scored(annotation: Annotation) -> Annotation:
    """The annotation with scores, by an engine: .2 for what is of type ArmedGroup, .8 for all else."""
    engine = Annotator(kind="engine", name="quick", version="1")
    return annotation.model_copy(
        update={
            "annotator": engine,
            "entities": tuple(
                one.model_copy(update={"score": 0.2 if one.type == "ArmedGroup" else 0.8, "origin": engine.key})
                for one in annotation.entities
            ),
            "events": tuple(
                one.model_copy(
                    update={
                        "score": 0.8,
                        "arguments": tuple(argument.model_copy(update={"score": 0.4}) for argument in one.arguments),
                    }
                )
                for one in annotation.events
            ),
        }
    )


def test_between_points_the_line_is_straight_and_level_outside() -> None:
    curve = LabelCalibration(points=((0.2, 0.1), (0.4, 0.3), (0.8, 0.3), (0.9, 1.0)), items=1, right=1)
    said = [curve(score) for score in (0.0, 0.2, 0.3, 0.4, 0.6, 0.8, 0.85, 0.9, 1.0)]
    assert said == pytest.approx([0.1, 0.1, 0.2, 0.3, 0.3, 0.3, 0.65, 1.0, 1.0])


@pytest.mark.parametrize("points", [[], [(0.5, 0.2), (0.5, 0.3)], [(0.5, 0.3), (0.6, 0.2)], [(0.5, 1.2)]])
def test_a_curve_that_does_not_rise_is_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValidationError):
        LabelCalibration.model_validate({"points": points, "items": 1, "right": 1})


def test_scores_are_those_of_the_label_or_of_any(scored: Annotation) -> None:
    quarter = LabelCalibration(points=((0.5, 0.25),), items=1, right=1)
    made = apply(confidence(entities={"GPE": HALF, "*": quarter}), scored)
    assert {entity.type: entity.score for entity in made.entities} == {
        "GPE": 0.4, "Weapon": 0.25, "ArmedGroup": 0.25, "Nationality": 0.25,
    }  # fmt: skip
    assert [event.score for event in made.events] == [0.8, 0.8]


def test_what_is_left_out_takes_its_arguments_along(scored: Annotation) -> None:
    limits = {"entities": {"ArmedGroup": HALF.model_copy(update={"drop_below": 0.3})}}
    made = apply(confidence(**limits), scored)
    assert [entity.id for entity in made.entities] == ["e1", "e2", "e4"]
    assert [argument.filler for argument in made.events[0].arguments] == ["e1", "e2"]
    assert Annotation.model_validate(made.model_dump()) == made

    made = without(scored, {"arguments": {"attacker": 0.5, "target": 0.4}})
    assert [argument.role for argument in made.events[0].arguments] == ["instrument", "target"]
    assert without(scored, {"events": {"Attack": 2.0}}).events == ()


def test_the_annotator_tells_that_scores_were_changed(scored: Annotation) -> None:
    one, two = confidence(), confidence(gold="other")
    made = apply(one, scored)
    assert made.annotator.key == f"engine:quick@1.c{one.digest}"
    assert {entity.origin for entity in made.entities} == {made.annotator.key}
    assert len({scored.id, made.id, apply(two, scored).id}) == 3


def test_a_file_of_another_engine_is_refused(annotation: Annotation) -> None:
    with pytest.raises(BadInput, match="is of engine:quick@1, this annotation by person:ls-1; calibrate this engine"):
        apply(confidence(), annotation)


def test_files_are_read_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    figures = {"items": 9, "right": 3, **dict.fromkeys(("ece", "brier", "auroc"), Change(before=0.2, after=None))}
    there = confidence(entities={"GPE": HALF}, figures={"entities": figures})
    file.write_text(there.to_json(), encoding="utf-8")
    assert load_calibration(file) == there
    file.write_text(there.to_json().replace('"drop_below": 0.0', '"drop_below": -1'), encoding="utf-8")
    with pytest.raises(BadInput, match=r"c\.json: entities\.GPE\.drop_below"):
        load_calibration(file)
    with pytest.raises(BadInput, match="make one with `curation calibrate`"):
        load_calibration(tmp_path / "none.json")
