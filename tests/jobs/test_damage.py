"""Damaged files of the work folder: every job that reads one says so, in one line, and makes nothing of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import simulated_project
from typer.testing import CliRunner

from curation.cli.app import app
from curation.errors import BadInput
from curation.project import Project

ROOT = Path(__file__).resolve().parents[2]
OF_SNAPSHOT = [["publish"], ["status"], ["report"], ["agreement"], ["corrections"], ["check"], ["review"]]
OF_SENT = [["publish"], ["report"], ["corrections"], ["check"]]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Project:
    articles = sorted((ROOT / "corpus" / "articles").glob("*.txt"))[:6]
    folder = tmp_path_factory.mktemp("sample")
    return simulated_project.make_project(folder, articles=str([str(path) for path in articles]))


@pytest.fixture
def project(sample: Project, tmp_path: Path) -> Project:
    shutil.copytree(sample.root, tmp_path / "p")
    return Project.open(tmp_path / "p" / "curation.toml")


def refused(project: Project, command: list[str]) -> str:
    result = CliRunner().invoke(app, [*command, "--project", str(project.root / "curation.toml")])
    assert isinstance(result.exception, BadInput), (command, result.exit_code, result.output, result.exception)
    return str(result.exception)


def drop_last_lines(path: Path, count: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    path.write_bytes(b"".join(lines[:-count]))


@pytest.mark.parametrize("command", OF_SNAPSHOT, ids=" ".join)
@pytest.mark.parametrize("name", ["annotations.jsonl", "articles.jsonl", "tasks.jsonl"])
def test_a_snapshot_without_its_last_lines(project: Project, command: list[str], name: str) -> None:
    (snapshot,) = (project.work / "snapshots").iterdir()
    drop_last_lines(snapshot / name, 2)
    message = refused(project, command)
    assert message.startswith(f"{snapshot / name}: is damaged") and "run `curation pull` again" in message
    assert not project.releases.exists()


@pytest.mark.parametrize("command", [["evaluate", "--gold"], ["check"], ["agreement"], ["export"]], ids=" ".join)
def test_a_file_of_a_snapshot_that_is_named(project: Project, command: list[str]) -> None:
    (snapshot,) = (project.work / "snapshots").iterdir()
    drop_last_lines(snapshot / "annotations.jsonl", 2)
    rest = {"agreement": [str(ROOT / "corpus" / "gold")], "export": ["--format", "jsonl", "--out", "x.jsonl"]}
    named = [*command, str(snapshot / "annotations.jsonl"), *rest.get(command[0], [])]
    assert refused(project, named).startswith(f"{snapshot / 'annotations.jsonl'}: is damaged")


@pytest.mark.parametrize("command", OF_SENT, ids=" ".join)
def test_what_was_sent_without_its_last_lines(project: Project, command: list[str]) -> None:
    sent = project.work / "labelstudio" / "sent.jsonl"
    drop_last_lines(sent, 1)
    message = refused(project, command)
    assert message.startswith(f"{sent}: is cut short") and "--rebuild-ledger" in message


@pytest.mark.parametrize("command", OF_SENT, ids=" ".join)
def test_a_line_of_what_was_sent_that_cannot_be_read(project: Project, command: list[str]) -> None:
    sent = project.work / "labelstudio" / "sent.jsonl"
    lines = sent.read_bytes().splitlines(keepends=True)
    sent.write_bytes(b"".join([*lines[:2], b"{" + b"x" * (len(lines[2]) - 2) + b"\n", *lines[3:]]))
    message = refused(project, command)
    assert message.startswith(f"{sent}:3: ") and "--rebuild-ledger" in message
