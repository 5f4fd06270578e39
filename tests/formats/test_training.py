"""The examples of docs/training.md run as they stand on the sample corpus, until they overfit ten articles.

Those that need torch run in the environment that `make trainers` sets up. Without it they are skipped, saying so; in CI
they fail.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def snippets(title: str) -> list[str]:
    """The Python under that heading."""
    section = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert section
    return re.findall(r"```python\n(.*?)```", section[1], re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample project with the exports that the page makes."""
    folder = tmp_path_factory.mktemp("training")
    for name in ("corpus", "schemas"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "curation.toml", folder)
    commands = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()
    assert len(commands) == 5
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "curation"
        subprocess.run([sys.executable, "-m", "curation", *words], cwd=folder, check=True, capture_output=True)
    return folder


def run(python: Path | str, code: str, folder: Path) -> str:
    """What the code prints, run in `folder` with nothing from any network, on one core: tests run beside it."""
    offline = {
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hf"),
        "TOKENIZERS_PARALLELISM": "false",
    }
    done = subprocess.run(
        [python, "-c", code], cwd=folder, env=os.environ | offline, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def last_f1(said: str) -> float:
    return float(said.strip().splitlines()[-1].rpartition(" ")[2])


def test_spacy_learns_entities(project: Path) -> None:
    (code,) = snippets("spaCy: entities")
    assert last_f1(run(sys.executable, code, project)) >= 0.95


def test_spacy_learns_spans_that_nest(project: Path) -> None:
    imports = snippets("spaCy: entities")[0].partition("docs = ")[0]
    (code,) = snippets("spaCy: spans that nest")
    assert last_f1(run(sys.executable, imports + code, project)) >= 0.95


def test_what_needs_torch(trainers: Path, project: Path) -> None:
    (transformers,), (gliner,), (gliner2,) = map(snippets, ("transformers: token classification", "GLiNER", "GLiNER2"))
    assert last_f1(run(trainers, transformers, project)) >= 0.95

    records = json.loads((project / "work/training/ten-gliner.json").read_text(encoding="utf-8"))
    spans = sum(len(record["ner"]) for record in records)
    assert run(trainers, gliner, project).splitlines()[-1] == f"{spans} spans to learn from, of {spans}"

    *_, valid, found = run(trainers, gliner2, project).splitlines()
    assert valid == "10 valid, 0 invalid"
    mentions, events = 0, 0
    for line in (project / "work/training/ten-gliner2.jsonl").read_text(encoding="utf-8").splitlines():
        output = json.loads(line)["output"]
        queries = {label: {(one["start"], one["end"]) for one in said} for label, said in output["entities"].items()}
        for structure in output.get("json_structures", []):
            events += 1
            ((label, fields),) = structure.items()
            for role, value in fields.items():
                held = queries.setdefault(f"{label}.{role}", set())
                held |= {(one["start"], one["end"]) for one in (value if isinstance(value, list) else [value])}
        mentions += sum(map(len, queries.values()))
    assert found == f"{mentions} spans and {events} events to learn from"
