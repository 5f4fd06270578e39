"""docs/ml-engineers.md: its snippets run in their order, and it describes every column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made import ABOUT, SCHEMA, corpus

from curation.formats.tokens import tokenise
from curation.release import build_release
from curation.release.features import columns
from curation.release.rows import CONFIGS, Labels

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ml-engineers.md"


def test_the_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) == 7
    rows = [row._replace(sentences=tokenise(row.article).sentences) for row in corpus(30)]
    build_release(rows, SCHEMA, tmp_path / "work" / "releases", about=ABOUT)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(snippet, names)
    said = capsys.readouterr().out
    for line in (
        "'train': ",
        "Move ",
        "[('",
        "0 of 0 items",
        "by person:1 from pre-",
        "{'engine': 1, 'person': 1, 'unknown': 2}",
    ):
        assert line in said


def test_every_column_is_described() -> None:
    """Each column and nested field is named in the section of its config. Names of attributes are the schema's own."""
    headings = dict(zip(CONFIGS, ("What a row holds", "One row a sentence", "What people changed"), strict=True))
    sections = dict(
        re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    )
    missing = []
    for column in columns(Labels.of(SCHEMA)):
        config, _, path = column.rpartition("/")
        name = path.split(".attributes.")[0].rpartition(".")[2]
        if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", sections[headings[config or CONFIGS[0]]]):
            missing.append(column)
    assert missing == []
