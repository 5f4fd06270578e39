"""`curation preannotate` from outside: the same bytes from any number of workers, and after a kill."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from curation.jobs.preannotate import preannotate
from curation.project import Project

ROOT = Path(__file__).resolve().parents[2]
ARTICLES = 120
TEXT = (
    "Kelmar troops shelled Torvan on Monday. The attack killed {} rebels near Ostrel, officials in Kelmar said.\n\n"
    "Torvan warned Kelmar against another attack. Its commander told reporters that talks would go on.\n\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of some shards of articles, one of which is in another language."""
    with (tmp_path / "articles.jsonl").open("w", encoding="utf-8") as file:
        for number in range(ARTICLES):
            record = {
                "id": f"kel-{number}",
                "text": TEXT.replace("{}", str(number)),
                "language": "fr" if number == 40 else "en",
            }
            file.write(json.dumps(record) + "\n")
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "small"\narticles = ["articles.jsonl"]\n'
        f"schema = {json.dumps(str(ROOT / 'schemas' / 'conflict-news.yaml'))}\n",
        encoding="utf-8",
    )
    return tmp_path


def start(project: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "curation", "preannotate", "--json", *options]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(project: Path, *options: str) -> dict[str, Any]:
    process = start(project, *options)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 3, err  # one article is refused
    told: dict[str, Any] = json.loads(out)
    return told


def test_a_killed_run_goes_on_and_the_bytes_are_those_of_one_worker(project: Path) -> None:
    one = finish(project, "--out", "one.jsonl")
    assert (one["articles"], one["annotated"], one["refused"], one["kept"]) == (ARTICLES, ARTICLES - 1, 1, 0)
    assert one["reasons"] == {"is in fr, this engine reads en": 1}

    parts = project / "two.parts"
    killed = start(project, "--out", "two.jsonl", "--workers", "2")
    limit = time.monotonic() + 120
    while not list(parts.glob("[0-9a-f]*.jsonl")):
        assert time.monotonic() < limit
        assert killed.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(killed.pid).children(recursive=True)
    killed.kill()
    killed.communicate()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    finished = {path.name: path.stat().st_mtime_ns for path in parts.glob("[0-9a-f]*.jsonl")}
    assert finished
    assert not (project / "two.jsonl").exists()

    two = finish(project, "--out", "two.jsonl", "--workers", "2")
    assert 0 < two["kept"] < ARTICLES
    assert {**two, "kept": 0, "out": ""} == {**one, "out": ""}
    assert (project / "two.jsonl").read_bytes() == (project / "one.jsonl").read_bytes()
    assert not parts.exists()
    assert not (project / "one.parts").exists()


def test_progress_ends_at_the_total_with_nothing_left(project: Path) -> None:
    told: list[tuple[int, int, float | None]] = []
    preannotate(
        Project.open(project / "curation.toml"),
        on_progress=lambda count, total, left: told.append((count, total, left)),
    )
    counts = [count for count, _, _ in told]
    assert counts == sorted(counts)
    assert {total for _, total, _ in told} == {ARTICLES}
    assert told[-1][0] == ARTICLES
    assert told[-1][2] == 0
    assert all(left is not None and left >= 0 for _, _, left in told)


def test_doubtful_articles_are_counted_and_long_ones_refused(project: Path) -> None:
    german = "Die Regierung in Kelmar teilte am Montag mit, dass die Gespräche in der Provinz weitergehen. "
    texts = {"good": TEXT, "html": f"<p>{TEXT}</p>", "long": TEXT * 10, "german": german * 3, "certain": german * 12}
    lines = (json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items())
    (project / "articles.jsonl").write_text("".join(lines))
    settings = project / "curation.toml"
    settings.write_text(settings.read_text().replace("[project]", "[project]\nmax_characters = 1500"))
    result = preannotate(Project.open(project), workers=2)
    assert (result.articles, result.annotated, result.refused, result.exit_code) == (5, 3, 2, 3)
    assert list(result.reasons) == [
        f"article long has {len(TEXT) * 10:,} characters, the limit is 1,500",
        "is in de, not in en, the language of the schema",
    ]
    assert result.doubtful == {
        "with HTML in the text": 1,
        "probably in de, not in en, the language of the schema": 1,
    }
    assert any(line.startswith("doubtful: 1 article with HTML in the text: html; ") for line in result.messages())
