"""How the command line leaves: exit codes, one plain line on failure, nothing secret, nothing on stdout but JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def curation(*words: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("LABEL_STUDIO", "CURATION_", "HF_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "curation", *map(str, words)],
        cwd=cwd, env={**clean, **env}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_help_and_version() -> None:
    shown = curation("--help")
    assert shown.returncode == 0
    for command in ("preannotate", "push", "pull", "publish", "status", "studio", "doctor", "init"):
        assert f"  {command} " in shown.stdout
    groups = shown.stdout.partition("\nWork:\n")[2]
    assert all(f"\n{group}:\n" in groups for group in ("Quality", "Data", "Upkeep"))
    assert "..." not in groups  # the first sentence of each fits on its line
    assert curation("--version").stdout.strip() == "0.1.0"


def test_help_stays_light() -> None:
    heavy = "spacy datasets pyarrow httpx pydantic rich"
    code = f"import sys, curation.cli; print(sorted(set({heavy!r}.split()) & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("begun", ["typer", "curation.jobs.status"])
def test_ctrl_c_while_the_command_is_loaded(begun: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {begun!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Finder())\n",
        encoding="utf-8",
    )
    shown = curation("status", PYTHONPATH=str(tmp_path))
    assert (shown.returncode, shown.stderr.count("\n")) == (130, 1)
    assert shown.stderr.startswith("interrupted; ")


@pytest.mark.parametrize(
    "words", [["nonsense"], ["push", "--nonsense"], ["agreement", "one-set"], ["studio", "start", "--port", "x"]]
)
def test_wrong_usage_is_2(words: list[str]) -> None:
    assert curation(*words).returncode == 2


def test_no_project(tmp_path: Path) -> None:
    shown = curation("status", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stderr.count("\n") == 1
    assert "no curation.toml here or above" in shown.stderr
    assert "curation init" in shown.stderr
    assert "Traceback" in curation("status", "--debug", cwd=tmp_path).stderr


def test_scripts_are_the_same_commands() -> None:
    for job in ("preannotate", "push", "pull", "publish"):
        shown = subprocess.run(
            [sys.executable, f"scripts/{job}.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert shown.stdout == curation(job, "--help").stdout


def test_init_makes_a_project_that_works(tmp_path: Path) -> None:
    shown = curation("init", "mine", "--json", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "curation.toml" in json.loads(shown.stdout)["files"]
    (tmp_path / "mine" / "corpus" / "articles" / "a.txt").write_text(
        "Kelmar troops shelled Torvan.\n", encoding="utf-8"
    )
    made = curation("preannotate", "--json", cwd=tmp_path / "mine")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["annotated"] == 1
    assert (tmp_path / "mine" / "work" / "preannotations" / "spacy.jsonl").exists()
    again = curation("init", "mine", cwd=tmp_path)
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_init_here_and_what_it_says_of_the_project(tmp_path: Path) -> None:
    here = tmp_path / "Kelmar Watch!"
    (here / ".curation-init-killed" / "schemas").mkdir(parents=True)  # what a killed run leaves
    assert curation("init", ".", cwd=here).returncode == 0
    assert not list(here.glob(".curation-init-*"))
    settings = tomllib.loads((here / "curation.toml").read_text(encoding="utf-8"))
    assert settings["project"]["name"] == "kelmar-watch"
    assert settings["labelstudio"]["title"] == "Kelmar watch"
    assert settings["release"] == {"title": "Kelmar watch"}  # nobody publishes under a licence they did not choose
    assert "gold" not in settings["project"]
    (tmp_path / "file").touch()
    assert "is a file" in curation("init", "file", cwd=tmp_path).stderr
    assert curation("init", "whole", "--sample", cwd=tmp_path).returncode == 0
    assert (tmp_path / "whole" / "curation.toml").read_text(encoding="utf-8") == (ROOT / "curation.toml").read_text(
        encoding="utf-8"
    )


def test_preannotate_names_bad_articles_and_writes_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Kelmar troops shelled Torvan.\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("", encoding="utf-8")
    (tmp_path / "c.txt").write_bytes(b"caf\xe9")
    out = tmp_path / "out.jsonl"
    shown = curation("preannotate", "--articles", tmp_path, "--out", out, "--json")
    assert shown.returncode == 3
    counts = json.loads(shown.stdout)
    assert (counts["articles"], counts["annotated"], counts["refused"]) == (3, 1, 2)
    assert "b.txt" in shown.stderr
    assert "c.txt" in shown.stderr
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1


def test_preannotate_with_nothing_usable_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    shown = curation("preannotate", "--articles", tmp_path, "--out", out)
    assert shown.returncode == 1
    assert "the text is empty" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.txt"]


def test_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Kelmar troops shelled Torvan. " * 200, encoding="utf-8")
    out = tmp_path / "out.jsonl"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from curation.cli import main; main(sys.argv[1:])"
    )
    words = ["preannotate", "--articles", str(tmp_path / "a.txt"), "--out", str(out)]
    shown = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 1
    assert str(tmp_path / "out.parts") in shown.stderr
    assert "Traceback" not in shown.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt"]


@pytest.mark.parametrize("command", ["push", "pull"])
def test_no_label_studio_is_one_line_without_the_key(command: str, tmp_path: Path) -> None:
    secret = "s3cret" * 6
    (tmp_path / "preannotations").mkdir()
    (tmp_path / "preannotations" / "spacy.jsonl").touch()
    shown = curation(
        command, CURATION_WORK=str(tmp_path), LABEL_STUDIO_URL="http://127.0.0.1:9", LABEL_STUDIO_API_KEY=secret
    )
    assert shown.returncode == 1
    assert len(shown.stderr.splitlines()) == 1
    assert "127.0.0.1:9" in shown.stderr
    assert secret not in shown.stderr + shown.stdout


def test_publish_without_a_snapshot(tmp_path: Path) -> None:
    shown = curation("publish", CURATION_WORK=str(tmp_path))
    assert shown.returncode == 1
    assert "curation pull" in shown.stderr
