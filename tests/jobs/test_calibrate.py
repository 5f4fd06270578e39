"""`curation calibrate`, and `curation preannotate --calibration` with what it wrote, from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curation.annotation import read_annotations
from curation.errors import CurationError
from curation.jobs.calibrate import calibrate
from curation.jobs.ensemble import ensemble
from curation.jobs.evaluate import evaluate
from curation.metrics.score_calibration import load_calibration
from curation.project import Project

ROOT = Path(__file__).resolve().parents[2]
GOLD = {
    "kel-1": (
        "[[Kelmar](GPE #e1) troops](ArmedGroup #e2 mention=nominal) "
        "[shelled](Attack #v1 attacker=e2 target=e3 time=e4) [Torvan](GPE #e3) on [Monday](Time #e4).\n"
    ),
    "kel-2": "[Torvan](GPE #e1) [warned](Warning #v1 communicator=e1 recipient=e2) [Kelmar](GPE #e2) again.\n",
    "kel-3": "[Kelmar](GPE #e1) [shelled](Attack #v1 attacker=e1 target=e2) [Torvan](GPE #e2) again.\n",
}
TEXTS = {
    "kel-1": "Kelmar troops shelled Torvan on Monday.\n",
    "kel-2": "Torvan warned Kelmar again.\n",
    "kel-3": "Kelmar shelled Torvan again.\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, texts, suffix in (("articles", TEXTS, ".txt"), ("gold", GOLD, ".ann.txt")):
        (tmp_path / name).mkdir()
        for article, text in texts.items():
            (tmp_path / name / f"{article}{suffix}").write_text(text, encoding="utf-8")
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "small"\narticles = ["articles"]\ngold = "gold"\n'
        f"schema = {json.dumps(str(ROOT / 'schemas' / 'conflict-news.yaml'))}\n",
        encoding="utf-8",
    )
    return tmp_path


def curation(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "curation", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=240)


def test_what_is_fitted_is_applied(project: Path) -> None:
    fitted = curation(project, "calibrate", "--json")
    assert fitted.returncode == 0, fitted.stderr
    told: dict[str, Any] = json.loads(fitted.stdout)
    file = project / "work" / "calibration" / "spacy.json"
    confidence = load_calibration(file)
    assert (told["articles"], told["folds"], told["out"]) == (3, 3, str(file))
    assert told["engine"] == confidence.engine
    assert told["figures"]["entities"] == confidence.figures["entities"].model_dump()
    assert "entities" in fitted.stderr
    assert "ECE" in fitted.stderr

    assert curation(project, "preannotate").returncode == 0
    made = curation(project, "preannotate", "--calibration", str(file), "--out", "calibrated.jsonl", "--json")
    assert made.returncode == 0, made.stderr
    plain = {one.article_id: one for one in read_annotations(project / "work" / "preannotations" / "spacy.jsonl")}
    calibrated = {one.article_id: one for one in read_annotations(project / "calibrated.jsonl")}
    assert set(calibrated) == set(plain) == set(TEXTS)
    for article, one in plain.items():
        other = calibrated[article]
        assert other.annotator.key == f"{one.annotator.key}.c{confidence.digest}" == json.loads(made.stdout)["engine"]
        for before, after in zip(one.entities, other.entities, strict=True):
            entry = confidence.of("entities", before.type)
            assert entry is not None
            assert before.score is not None
            assert after.score == pytest.approx(entry(before.score), abs=1e-4)

    again = curation(project, "calibrate", "--annotations", "work/preannotations/spacy.jsonl", "--out", "again.json")
    assert again.returncode == 0, again.stderr
    assert (project / "again.json").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "job",
    [
        lambda project, out: calibrate(project, engine="none-such", out=out),
        lambda project, out: evaluate(project, engine="none-such", html=out),
        lambda project, out: ensemble(project, members=[("none-such", None), ("another", None)], out=out),
    ],
)
def test_a_place_that_takes_no_file_is_seen_before_the_work(project: Path, job: Callable[[Project, Path], Any]) -> None:
    with pytest.raises(
        CurationError, match="gold: cannot be written: Is a directory; correct that or pick another place"
    ):
        job(Project.open(project / "curation.toml"), project / "gold")


def test_what_cannot_be_used_is_one_line(project: Path) -> None:
    curation(project, "preannotate")
    made = project / "work" / "preannotations" / "spacy.jsonl"
    file = project / "c.json"
    assert curation(project, "calibrate", "--annotations", str(made), "--out", str(file)).returncode == 0
    other = curation(
        project, "preannotate", "--engine", "annotations", "--model", str(made), "--calibration", str(file)
    )
    assert other.returncode == 1
    assert "c.json: is of engine:spacy@" in other.stderr
    assert "calibrate this engine" in other.stderr
    (project / "neutral.jsonl").write_text(
        json.dumps({"id": "d", "corpus": "c", "text": "Kelmar.", "entities": [], "events": []}) + "\n", encoding="utf-8"
    )
    foreign = curation(project, "calibrate", "--gold", "neutral.jsonl")
    assert foreign.returncode == 1
    assert "in the project's own labels" in foreign.stderr
    (project / "gold" / "kel-1.ann.txt").unlink()
    (project / "gold" / "kel-2.ann.txt").unlink()
    few = curation(project, "calibrate")
    assert few.returncode == 1
    assert "two corrected articles" in few.stderr
    for shown in (other, foreign, few):
        assert "Traceback" not in shown.stderr
