"""Status: what waits for people, and a project without articles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from curation.article import Article
from curation.cli.app import app
from curation.files import write_jsonl
from curation.jobs.report import report
from curation.jobs.status import status

ARTICLE = Article(id="kel-1", text="Kelmar shelled Torvan.")


def told(project: Any) -> str:
    return CliRunner().invoke(app, ["status", "--project", str(project.root / "curation.toml")]).output


def test_hostile_ids_are_shown_not_obeyed(project_of: Any) -> None:
    hostile = ("[/b]", "[link=https://x.invalid]kel[/link]", "kel\u009b31m", "\u202ekel")
    project = project_of([], [])
    lines = [Article(id=name, text="Kelmar shelled Torvan.").to_json() for name in hostile]
    write_jsonl(project.root / "hostile.jsonl", lines)
    file = project.root / "curation.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("*.txt", "hostile.jsonl"), encoding="utf-8")
    shown = CliRunner().invoke(app, ["status", "--all", "--project", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "[/b]" in shown.stdout
    assert "[link=https://x.invalid]kel[/link]" in shown.stdout
    assert not set("\x1b\x9b\u202e") & set(shown.output)


@pytest.mark.parametrize(
    ("purpose", "state", "open_"),
    [
        ("adjudicate", "untouched", 1),
        ("check-2", "draft", 1),
        ("adjudicate", "submitted", 0),
        ("check", "skipped", 0),
        ("annotate", "untouched", 0),
    ],
)
def test_tasks_to_decide_are_counted(project_of: Any, purpose: str, state: str, open_: int) -> None:
    project = project_of([ARTICLE], [])
    (tasks,) = project.work.glob("snapshots/*/tasks.jsonl")
    task = json.loads(tasks.read_text(encoding="utf-8"))
    write_jsonl(tasks, [json.dumps(task | {"purpose": purpose, "state": state})])
    assert status(project).to_decide == open_
    assert ("tasks to decide or to look at again: 1 open" in told(project)) == bool(open_)


def test_a_folder_without_articles_is_no_article_that_cannot_be_read(project_of: Any, tmp_path: Path) -> None:
    project = project_of([], [])
    found = status(project)
    assert (found.counts["unusable"], found.problems, len(found.empty)) == (0, (), 1)
    words = told(project)
    assert "*.txt: no articles there; name a file, a folder or a glob" in words
    assert "unusable" not in words
    page = tmp_path / "report.html"
    report(project, output=page, checks=False)
    assert "The project has no articles yet." in page.read_text(encoding="utf-8")
    assert "cannot be read" not in page.read_text(encoding="utf-8")
