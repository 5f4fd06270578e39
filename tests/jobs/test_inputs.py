"""How jobs read the project's articles: the limit of their length, and warnings about their text."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from curation.jobs import push as push_job
from curation.jobs.doctor import doctor
from curation.jobs.inputs import project_articles, usable_articles
from curation.labelstudio import PushReport
from curation.project import Project

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "conflict-news.yaml"
TEXT = "Officials in Kelmar said on Monday that talks would go on. "


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of four articles, one over its limit, one with HTML."""
    texts = {"good": TEXT, "html": f"<p>{TEXT}</p>", "long": TEXT * 20, "more": TEXT}
    lines = (json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items())
    (tmp_path / "articles.jsonl").write_text("".join(lines))
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "made"\narticles = ["articles.jsonl"]\nschema = "{SCHEMA}"\nmax_characters = 500\n'
    )
    return Project.open(tmp_path)


def test_an_article_over_the_limit_is_set_aside(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    too_long: list[str] = []
    assert [one.id for one in usable_articles(project, too_long=too_long)] == ["good", "html", "more"]
    assert len(too_long) == 1
    assert "article long has 1,180 characters, the limit is 500" in too_long[0]
    assert [one.id for one in usable_articles(project)] == ["good", "html", "more"]
    assert "refused: " in caplog.text
    assert len(list(project_articles(project))) == 4


def test_push_leaves_out_an_article_over_the_limit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def push_tasks(client: Any, schema: Any, tasks: Any, **options: Any) -> PushReport:
        sent.extend(task.article.id for task in tasks)
        return PushReport(articles=len(sent), sent=len(sent), project_id=1, project_url="http://x")

    monkeypatch.setattr(push_job, "connect", lambda project: nullcontext())
    monkeypatch.setattr(push_job, "push_tasks", push_tasks)
    project.preannotations.parent.mkdir(parents=True)
    project.preannotations.touch()
    result = push_job.push(project)
    assert sent == ["good", "html", "more"]
    assert (result.too_long, result.exit_code) == (1, 3)
    assert result.problems[0].startswith("refused: ")
    assert "1 too long and not sent" in next(iter(result.show()))


def test_doctor_reports_doubtful_articles(project: Project) -> None:
    findings = [found for found in doctor(project.root).findings if found.name == "articles"]
    assert [(found.state, found.what.partition(":")[0]) for found in findings] == [
        ("ok", "3 readable"),
        ("bad", str(project.root / "articles.jsonl")),
        ("note", "1 article with HTML in the text"),
    ]
    assert findings[2].way_out is not None
    assert 'clean = "html"' in findings[2].way_out


def test_settings_of_the_text(project: Project) -> None:
    assert (project.max_characters, project.clean) == (500, None)
    made = Project(articles="a.txt", schema=SCHEMA, clean="html")
    assert (made.max_characters, made.clean) == (200_000, "html")
