"""Corrections of a snapshot: which annotations are set against which prediction, and what is said of the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from curation.annotation import Annotation, Annotator, Entity
from curation.article import Article
from curation.cli.app import app
from curation.errors import BadInput
from curation.jobs.corrections import CorrectionsResult, corrections
from curation.labelstudio.constants import UNKNOWN
from curation.project import Project

TEXTS = ("Doran Melk spoke in Torva of salt.", "Nets were mended in Harl.", "A late frost took the pears.")
ARTICLES = [Article(id=f"kel-{number}", text=text) for number, text in enumerate(TEXTS, start=1)]
RULES = Annotator(kind="engine", name="rules", version="1.0.0")


def said(article: Article, who: str, type_: str = "Person", **fields: Any) -> Annotation:
    given: dict[str, Any] = {
        "id": f"{article.id}-{who}-{len(fields)}",
        "article_id": article.id,
        "text_sha256": article.text_sha256,
        "schema": "conflict-news@1.0.0",
        "annotator": RULES if who == "rules" else Annotator(kind="person", name=who),
        "state": "predicted" if who == "rules" else "submitted",
        "time": None if who == "rules" else datetime(2031, 3, 3, 8, tzinfo=UTC),
        "entities": (Entity(id="e1", start=0, end=5, type=type_),),
    }
    return Annotation(**given | fields)


SENT = [said(article, "rules", id=f"{article.id}-rules") for article in ARTICLES]


def run(project: Project, *words: str) -> tuple[int, str, dict[str, Any]]:
    command = ["corrections", *words, "--json", "--project", str(project.root / "curation.toml")]
    result = CliRunner().invoke(app, command)
    return result.exit_code, result.stderr, json.loads(result.stdout) if result.stdout else {}


def test_what_is_set_against_what(project_of: Any) -> None:
    one, two, three = ARTICLES
    first = said(one, "ls-1", "GPE", parent="kel-1-rules", lead_time=0.0)
    later = said(one, "ls-1", parent="kel-1-rules", lead_time=50.0, time=datetime(2031, 3, 4, tzinfo=UTC))
    decided = said(two, "ls-4", "Weapon", parent="kel-2-rules", state="reviewed")
    looked_again = said(two, "ls-5", "Weapon", parent="kel-2-rules")
    annotations = [
        first,
        later,
        # a copy of what another person made: it goes back to the same prediction
        said(one, "ls-2", "GPE", parent=later.id, lead_time=0.0),
        said(two, "ls-1", parent=None),
        said(two, UNKNOWN, parent="kel-2-rules", id="left-1", lead_time=3 * 86400.0),
        said(two, UNKNOWN, "Object", parent="kel-2-rules", id="left-2"),
        said(two, "ls-2", parent="sent-elsewhere"),
        decided,
        looked_again,
        said(three, "ls-1", parent="kel-3-rules", state="draft"),
        said(three, "ls-2", parent="kel-3-rules", state="skipped"),
    ]
    project = project_of(ARTICLES, annotations, SENT, reviews=[looked_again.id])
    report = corrections(project)
    assert report.corrections is not None
    found = report.corrections
    assert (report.submitted, report.from_nothing, report.unknown) == (6, 1, 1)
    assert report.unfinished == {"draft": 1, "skipped": 1}
    assert {name: (group.annotations, group.entities.kept) for name, group in found.by_annotator.items()} == {
        "person:ls-1": (1, 1),
        "person:ls-2": (1, 0),
        f"person:{UNKNOWN}": (2, 1),
    }
    assert set(found.by_engine) == {"engine:rules@1.0.0"}
    assert set(found.by_week) == {"2031-W10"}
    assert (found.all.times.timed, found.all.times.zero_times, found.all.times.long_times) == (1, 1, 1)
    assert CorrectionsResult.model_validate_json(report.model_dump_json()) == report
    assert report.to_frame().section.tolist() == ["entities", "triggers", "arguments"]
    code, words, told = run(project)
    assert code == 0
    for part in (
        "begun without a prediction: 1",
        "left out: 1, begun from a prediction that this work folder did not send",
        "by deleted accounts: 2",
        "lead times below a second: 1",
        "lead times above 4 hours: 1, the page was left open",
        "without a lead time: 1",
    ):
        assert part in words
    assert told["corrections"]["all"]["entities"]["acceptance"] == 0.5
    assert "accepted, by engine" in words
    assert "entities by type" not in words
    code, words, everything = run(project, "--all")
    assert (code, everything) == (0, told)
    assert "entities by type" in words


def test_an_older_prediction_is_read_in_the_labels_of_today(project_of: Any) -> None:
    """The schema's migrations are applied to both; here they say nothing, so the version alone differs."""
    older = said(ARTICLES[0], "rules", id="old", schema="conflict-news@0.9.0")
    report = corrections(project_of(ARTICLES, [said(ARTICLES[0], "ls-1", parent="old")], [older]))
    assert report.corrections is not None
    assert report.corrections.all.entities.acceptance == 1.0


def test_another_text_or_schema_is_left_out(project_of: Any) -> None:
    other = said(Article(id="kel-1", text="Quite another text."), "rules", id="other-text")
    foreign = said(ARTICLES[1], "rules", id="foreign", schema="gardens@1.0.0")
    annotations = [said(ARTICLES[0], "ls-1", parent="other-text"), said(ARTICLES[1], "ls-1", parent="foreign")]
    report = corrections(project_of(ARTICLES, annotations, [other, foreign]))
    assert report.corrections is None
    assert (report.submitted, report.unknown) == (2, 2)


@pytest.mark.parametrize(
    ("annotations", "sent", "words"),
    [
        ([], SENT, "nobody has submitted anything"),
        ([said(ARTICLES[0], "ls-1", state="draft")], SENT, "nobody has submitted anything (1 draft)"),
        (
            [said(ARTICLES[0], "ls-1", parent="kel-1-rules")],
            [],
            "nothing submitted (1 in all) started from a prediction that is known here: "
            "measure in the work folder that pushed them",
        ),
    ],
)
def test_nothing_to_measure(project_of: Any, annotations: list[Annotation], sent: list[Annotation], words: str) -> None:
    code, said_words, told = run(project_of(ARTICLES, annotations, sent))
    assert code == 1
    assert said_words.splitlines()[0] == words
    assert told["corrections"] is None


def test_no_snapshot(project_of: Any) -> None:
    project = project_of(ARTICLES, [])
    (project.work / "snapshots" / "20310302T000000Z" / "snapshot.json").unlink()
    with pytest.raises(BadInput, match="no snapshot yet; run `curation pull` first"):
        corrections(Project.open(project.root / "curation.toml"))
