"""The Python API: the methods of a project are the commands, and docs/python.md runs."""

from __future__ import annotations

import inspect
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curation import Project
from curation.cli.app import GROUPS
from curation.errors import BadInput
from curation.project import Verb, Verbs
from curation.result import Result, TableResult

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("corpus", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "curation.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_page_run(folder: Path, example: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CURATION_", "LABEL_STUDIO_"))}
    example = example.replace("/tmp/trial", str(folder / "trial"))
    done = subprocess.run([sys.executable, "-c", example], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_every_command_is_a_method() -> None:
    verbs = {name: verb for name, verb in vars(Verbs).items() if isinstance(verb, Verb)}
    without = {"init", "doctor", "studio"}  # not of a project that is open
    for commands in GROUPS.values():
        for command in commands:
            name = "import_" if command.name == "import" else command.name
            assert name in verbs or name in without, name
    declared = re.findall(r"^        (\w+) = _\w+$", inspect.getsource(Verbs), re.MULTILINE)
    assert declared == list(verbs)  # type checkers and the interpreter see the same methods
    for verb in verbs.values():
        assert verb.function().__doc__


def test_every_method_can_be_called(folder: Path) -> None:
    """No field of the settings hides a method, and each takes the arguments of its job but the project."""
    project = Project.open(folder)
    for name, verb in vars(Verbs).items():
        if isinstance(verb, Verb):
            method = getattr(project, name)
            assert callable(method), name
            first, *others = inspect.signature(verb.function()).parameters.values()
            assert first.name == "project"
            assert list(inspect.signature(method).parameters.values()) == others
    assert not set(Project.model_fields) & set(vars(Verbs))
    with pytest.raises(BadInput, match="no snapshot yet"):
        project.review()


def test_a_project_of_given_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATION_WORK", str(folder / "other"))
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "from-the-environment")
    project = Project(
        articles=folder / "corpus" / "articles", schema=folder / "schemas" / "conflict-news.yaml", work=folder / "w"
    )
    assert project.work == folder / "w"
    assert project.api_key is not None
    assert project.api_key.get_secret_value() == "from-the-environment"
    assert len(project.status().articles) == project.status().counts["new"] == 28
    assert project.model_copy(update={"work": folder / "v"}).status().counts["new"] == 28
    assert list(inspect.signature(project.status).parameters) == []
    with pytest.raises(BadInput, match=r"project\.name"):
        Project(articles="x", schema="y", name="Not A Name")


def test_results_are_tables_and_log_their_messages(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "corpus" / "articles" / "empty.txt").touch()
    project = Project.open(folder)
    with caplog.at_level(logging.INFO, logger="curation"):
        found = project.status()
    assert isinstance(found, TableResult)
    assert isinstance(found, Result)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "empty.txt" in caplog.text
    frame = found.to_frame()
    assert list(frame.columns) == ["article", "stage"]
    assert len(frame) == 28
    assert "<td>new</td><td>28</td>" in found._repr_html_()


def test_log_records_hold_no_secret(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_topsecret")
    with caplog.at_level(logging.INFO, logger="curation"):
        logging.getLogger("curation").info("the server said %s", "hf_topsecret")
    assert caplog.messages == ["the server said ***"]


def test_the_package_is_imported_in_no_time() -> None:
    heavy = {"pydantic", "rich", "typer", "spacy", "httpx", "numpy"}
    code = f"import sys, curation; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
