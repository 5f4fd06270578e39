"""Agreement of the people of a snapshot, and of sets of files: what is compared, what is left out, how it is said."""

from __future__ import annotations

import importlib.util
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from curation.annotation import Annotation, Annotator, Entity
from curation.article import Article
from curation.cli.app import app
from curation.errors import BadInput, CurationError
from curation.files import write_jsonl
from curation.jobs.agreement import AgreementResult, agreement
from curation.labelstudio.constants import UNKNOWN
from curation.project import Project

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("Doran Melk spoke in Torva of salt.", "Nets were mended in Harl.", "A late frost took the pears.")
ARTICLES = [Article(id=f"kel-{number}", text=text) for number, text in enumerate(TEXTS, start=1)]
NEWER = Article(id="kel-3", text="A late frost took most of the pears.")
REF = "conflict-news@1.0.0"


def said(article: Article, who: str, start: int = 0, **fields: Any) -> Annotation:
    given: dict[str, Any] = {
        "id": f"{article.id}-{who}-{start}-{fields.get('state')}",
        "article_id": article.id,
        "text_sha256": article.text_sha256,
        "schema": REF,
        "annotator": Annotator(kind="person", name=who),
        "state": "submitted",
        "time": datetime(2031, 3, 2, 8, tzinfo=UTC),
        "entities": (Entity(id="e1", start=start, end=start + 5, type="Person"),),
    }
    return Annotation(**given | fields)


def run(project: Project, *words: str) -> tuple[int, str, dict[str, Any]]:
    options = ["--json", "--project", str(project.root / "curation.toml")]
    result = CliRunner().invoke(app, ["agreement", *words, *options])
    return result.exit_code, result.stderr, json.loads(result.stdout) if result.stdout else {}


def test_who_is_compared_and_who_is_not(project_of: Any) -> None:
    one, two, three = ARTICLES
    later = said(one, "ls-2", 6, time=datetime(2031, 3, 3, 8, tzinfo=UTC))
    annotations = [
        said(one, "ls-1", 6),
        said(one, "ls-2", 0),
        later,
        said(one, "ls-3", 6, state="reviewed"),
        said(one, UNKNOWN, 0),
        said(two, "ls-1"),
        said(two, "ls-2", 0),
        said(two, "ls-3", state="skipped"),
        said(two, "ls-4", state="draft"),
        said(two, "ls-5", 3),
        said(three, "ls-1"),
        said(NEWER, "ls-2"),
    ]
    apart = next(one.id for one in annotations if one.annotator.name == "ls-5")
    project = project_of([*ARTICLES, NEWER], annotations, reviews=[apart])
    report = agreement(project)
    assert report.agreement is not None
    assert report.agreement.articles == 2
    assert report.agreement.annotators == ("person:ls-1", "person:ls-2")
    # on the first the later one of ls-2 counts, and it agrees
    assert (report.agreement.entities.exact.both, report.agreement.entities.exact.f1) == (2, 1.0)
    assert report.agreement.entities.alpha is not None
    assert report.agreement.entities.alpha.characters == len(TEXTS[0]) + len(TEXTS[1])
    assert report.annotated == {"person:ls-1": 3, "person:ls-2": 3}
    assert report.compared == {"person:ls-1": 2, "person:ls-2": 2}
    assert report.unfinished == {"draft": 1, "reviewed": 1, "skipped": 1}
    assert {(one.annotator, one.reason, one.articles) for one in report.left_out} == {
        (f"person:{UNKNOWN}", "nobody known", ("kel-1",)),
        ("person:ls-1", "other text", ("kel-3",)),
        ("person:ls-2", "other text", ("kel-3",)),
    }
    assert AgreementResult.model_validate_json(report.model_dump_json()) == report
    frame = report.to_frame()
    assert frame.loc[frame.measure == "entities", "f1"].tolist() == [1.0]
    code, words, told = run(project)
    assert code == 0
    assert "another revision of the text" in words
    assert "account is deleted" in words
    assert told["agreement"]["entities"]["exact"]["f1"] == 1.0
    assert "beyond chance" in words
    assert "entities by type" not in words
    code, words, everything = run(project, "--all")
    assert (code, everything) == (0, told)
    assert "entities by type, exact" in words


def test_one_annotator_only(project_of: Any) -> None:
    code, words, told = run(project_of(ARTICLES, [said(article, "ls-7") for article in ARTICLES]))
    assert code == 1
    assert words.strip() == (
        "only person:ls-7 has submitted anything (3 articles): agreement needs a second person on the same articles"
    )
    assert told["agreement"] is None
    assert told["annotated"] == {"person:ls-7": 3}


def test_two_people_on_other_articles(project_of: Any) -> None:
    code, words, _ = run(project_of(ARTICLES, [said(ARTICLES[0], "ls-7"), said(ARTICLES[1], "ls-8")]))
    assert code == 1
    assert words.strip() == ("no article was annotated by two people: person:ls-7, person:ls-8 each worked on others")


def test_nobody_finished(project_of: Any) -> None:
    unfinished = [said(ARTICLES[0], "ls-7", state="draft"), said(ARTICLES[1], "ls-7", state="skipped")]
    code, words, _ = run(project_of(ARTICLES, unfinished))
    assert code == 1
    assert words.strip() == "nobody has submitted anything that can be compared (1 draft, 1 skipped)"


def test_no_snapshot(tmp_path: Path) -> None:
    schema = ROOT / "schemas" / "conflict-news.yaml"
    (tmp_path / "curation.toml").write_text(f'[project]\nname = "made"\narticles = ["*"]\nschema = "{schema}"\n')
    with pytest.raises(BadInput, match="no snapshot yet; run `curation pull` first"):
        agreement(Project.open(tmp_path / "curation.toml"))


def test_sets_of_files(project_of: Any, tmp_path: Path) -> None:
    """Three files, with or without the project's texts at hand; names that clash are told in full."""
    project = project_of([], [])
    (tmp_path / "kel-1.txt").write_text(TEXTS[0])
    files = [tmp_path / "a" / "said.jsonl", tmp_path / "b" / "said.jsonl", tmp_path / "c" / "said.jsonl"]
    for file, start in zip(files, (0, 0, 6), strict=True):
        write_jsonl(file, [said(ARTICLES[0], "x", start).to_json(), said(ARTICLES[1], "x").to_json()])
    found = agreement(project, *files).agreement
    assert found is not None
    assert found.annotators == tuple(str(file) for file in files)
    assert found.articles == 2
    # the first two agree on both articles, the third with either on one
    assert (found.entities.exact.both, found.entities.exact.only_first) == (4, 2)
    assert found.entities.alpha is not None
    assert (found.entities.alpha.articles, found.entities.alpha.characters) == (1, len(TEXTS[0]))
    nothing = tmp_path / "d.jsonl"
    write_jsonl(nothing, [said(ARTICLES[2], "x").to_json()])
    with pytest.raises(BadInput, match="no article in common"):
        agreement(project, files[0], nothing)
    with pytest.raises(BadInput, match="is named twice"):
        agreement(project, files[0], files[0])
    write_jsonl(nothing, [said(ARTICLES[2], "x").to_json()] * 2)
    with pytest.raises(BadInput, match="article kel-3 is annotated twice"):
        agreement(project, files[0], nothing)


def test_gamma_needs_its_extra(project_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(ARTICLES, [said(ARTICLES[0], "ls-1"), said(ARTICLES[0], "ls-2")])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CurationError, match=r"not installed; pip install 'curation\[gamma\]'"):
        agreement(project, gamma=True, gamma_seconds=1)


@pytest.mark.full
@pytest.mark.skipif(not os.environ.get("CURATION_TEST_FULL"), reason="compiles for half a minute: make test-full")
def test_gamma(project_of: Any) -> None:
    """Two who mark the same have a gamma of 1, where one marked nothing there is none; no time, no figure."""
    one, two, _ = ARTICLES
    spans = tuple(Entity(id=f"e{at}", start=at, end=at + 3, type="Person") for at in (0, 6, 12, 20, 27))
    alike = [said(one, "ls-1", entities=spans), said(one, "ls-2", entities=spans)]
    project = project_of(ARTICLES, [*alike, said(two, "ls-1"), said(two, "ls-2", entities=())])
    gamma = agreement(project, gamma=True, gamma_seconds=120).gamma
    assert gamma is not None
    assert (gamma["entities"].gamma, gamma["entities"].articles, gamma["entities"].undefined) == (1.0, 1, 1)
    assert (gamma["triggers"].gamma, gamma["triggers"].undefined) == (None, 2)
    hasty = agreement(project, gamma=True, gamma_seconds=1e-6).gamma
    assert hasty is not None
    assert hasty["entities"].articles + hasty["entities"].undefined + hasty["entities"].not_reached == 2
    assert hasty["triggers"].not_reached > 0
