"""`curation evaluate` from outside: every form of gold, figures as JSON, the page, and bad input in one line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

ARTICLES = {
    "kel-1": "Kelmar troops shelled Torvan on Monday.\n\nThe attack killed two rebels, officials in Kelmar said.\n",
    "kel-2": "Torvan warned Kelmar against another attack.\n",
}
GOLD = {
    "kel-1": (
        "[[Kelmar](GPE #e1) troops](ArmedGroup #e2 mention=nominal) "
        "[shelled](Attack #v1 attacker=e2 target=e3 time=e4) [Torvan](GPE #e3) on [Monday](Time #e4).\n\n"
        "The [attack](Attack #v2) [killed](Death #v3 cause=v2 victim=e5) "
        "[[two](Quantity #e6) rebels](ArmedGroup #e5 mention=nominal), officials in [Kelmar](GPE #e7) said.\n"
    ),
    "kel-2": (
        "[Torvan](GPE #e1) [warned](Warning #v1 communicator=e1 recipient=e2 topic=v2) [Kelmar](GPE #e2) against "
        "another [attack](Attack #v2 modality=hypothetical attacker=e2 target=e1).\n"
    ),
}
NEUTRAL: dict[str, Any] = {
    "id": "doc 1",
    "corpus": "invented",
    "text": "Kelmar troops shelled Torvan on Monday.",
    "entities": [{"start": 0, "end": 6, "type": "GPE"}, {"start": 22, "end": 28, "type": "GPE"}],
    "events": [
        {
            "start": 14, "end": 21, "type": "Conflict:Attack",
            "arguments": [{"start": 0, "end": 6, "role": "Attacker"}, {"start": 22, "end": 28, "role": "Target"}],
        },
        {"start": 0, "end": 6, "type": "Business:Merge-Org"},
    ],
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two articles with inline gold."""
    folder = tmp_path / "project"
    for name, texts, suffix in (("articles", ARTICLES, ".txt"), ("gold", GOLD, ".ann.txt")):
        (folder / name).mkdir(parents=True)
        for article, text in texts.items():
            (folder / name / f"{article}{suffix}").write_text(text, encoding="utf-8")
    (folder / "curation.toml").write_text(
        f'[project]\nname = "small"\narticles = ["articles"]\ngold = "gold"\n'
        f"schema = {json.dumps(str(ROOT / 'schemas' / 'conflict-news.yaml'))}\n",
        encoding="utf-8",
    )
    return folder


def curation(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("LABEL_STUDIO", "CURATION_", "HF_"))
    }
    command = [sys.executable, "-m", "curation", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=300)


def figures(shown: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def compiled(project: Path) -> Path:
    shown = curation("compile", "gold", "--out", "gold.jsonl", cwd=project)
    assert shown.returncode == 0, shown.stderr
    return project / "gold.jsonl"


def one_line(shown: subprocess.CompletedProcess[str], *says: str) -> None:
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert len(shown.stderr.splitlines()) == 1, shown.stderr
    for words in says:
        assert words in shown.stderr


@pytest.mark.parametrize("gold", ["gold", "gold.jsonl"])
def test_gold_against_itself(project: Path, gold: str) -> None:
    file = compiled(project)
    shown = curation("evaluate", "--annotations", file, "--gold", gold, "--json", cwd=project)
    assert shown.returncode == 0, shown.stderr
    report = figures(shown)
    for name, items in (("entities", 9), ("triggers", 5), ("arguments", 10)):
        assert [report[name][key] for key in ("precision", "recall", "f1", "tp")] == [1, 1, 1, items]
    assert (report["articles"], report["failed"], report["findings"], report["throughput"]) == (2, 0, 0, None)
    assert report["effort"]["cost"] == 0
    assert report["effort"]["blank_cost"] > 0
    assert report["mapping"] is None


def test_the_default_engine_on_the_projects_gold(project: Path) -> None:
    page = project / "out" / "page.html"
    shown = curation("evaluate", "--json", "--html", page, cwd=project)
    assert shown.returncode == 0, shown.stderr
    report = figures(shown)
    assert report["measured"].startswith("engine:spacy@")
    for name in ("entities", "triggers", "arguments"):
        assert 0 <= report[name]["f1"] <= 1
        low, high = report[name]["f1_interval"]
        assert 0 <= low <= high <= 1
        assert sum(one["tp"] for one in report[name]["by_type"].values()) == report[name]["tp"]
    assert {"span", "overlap", "partial", "all_gold"} <= report["entities"].keys()
    assert {"identification", "classification"} <= report["triggers"].keys()
    assert {"identification", "classification", "end_to_end", "overlap"} <= report["arguments"].keys()
    assert report["throughput"]["articles"] == 2
    assert report["throughput"]["documents_per_second"] > 0
    assert report["triggers"]["f1"] > 0
    assert "correction effort" in shown.stderr
    assert str(page) in shown.stderr
    assert "shelled" in page.read_text(encoding="utf-8")


def test_limit_and_examples(project: Path) -> None:
    blank = project / "blank.jsonl"
    lines = [json.loads(line) for line in compiled(project).read_text(encoding="utf-8").splitlines()]
    blank.write_text(
        "".join(json.dumps({**line, "entities": [], "events": []}) + "\n" for line in lines), encoding="utf-8"
    )
    words = ["evaluate", "--annotations", blank, "--json", "--examples", "1"]
    report = figures(curation(*words, "--limit", "1", cwd=project))
    assert report["articles"] == 1
    assert [one["kind"] for one in report["entities"]["examples"]] == ["missed"]
    assert report["entities"]["f1_interval"] is None
    report = figures(curation(*words, cwd=project))
    assert report["articles"] == 2
    assert (report["effort"]["ratio"], report["entities"]["f1"]) == (1, 0)


def test_gold_of_another_ontology(project: Path) -> None:
    gold, said = project / "there.jsonl", project / "said.jsonl"
    gold.write_text(json.dumps(NEUTRAL) + "\n", encoding="utf-8")
    annotation = {
        "id": "x",
        "article_id": "doc-1",
        "text_sha256": hashlib.sha256(NEUTRAL["text"].encode()).hexdigest(),
        "schema": "conflict-news@1.0.0",
        "annotator": {"kind": "engine", "name": "mine"},
        "entities": [
            {"id": "e1", "start": 0, "end": 13, "type": "ArmedGroup"},
            {"id": "e2", "start": 22, "end": 28, "type": "GPE"},
            {"id": "e3", "start": 32, "end": 38, "type": "Time"},
        ],
        "events": [
            {
                "id": "v1", "start": 14, "end": 21, "type": "Attack",
                "arguments": [
                    {"role": "attacker", "filler": "e1"},
                    {"role": "target", "filler": "e2"},
                    {"role": "time", "filler": "e3"},
                ],
            }
        ],
    }  # fmt: skip
    said.write_text(json.dumps(annotation) + "\n", encoding="utf-8")
    shown = curation("evaluate", "--annotations", said, "--gold", gold, "--mapping", "m2e2", "--json", cwd=project)
    assert shown.returncode == 0, shown.stderr
    report = figures(shown)

    def counts(figures: dict[str, Any]) -> list[int]:
        return [figures["tp"], figures["fp"], figures["fn"]]

    assert report["mapping"] == "m2e2"
    # of the entities, the time has no name there
    assert (report["entities"]["counted"], counts(report["entities"])) == ("types that map", [1, 1, 1])
    assert report["entities"]["errors"]["wrong type and border"] == 1
    # a merger of companies is beyond the schema
    assert (report["triggers"]["counted"], counts(report["triggers"])) == ("all gold", [1, 0, 1])
    assert counts(report["triggers"]["types_that_map"]) == [1, 0, 0]
    # the target is right, the attacker has another border
    assert counts(report["arguments"]) == [1, 1, 1]
    assert counts(report["arguments"]["overlap"]) == [2, 0, 0]


def test_an_engine_that_fails_on_an_article(project: Path) -> None:
    table = "file_name,language\nkel-1.txt,en\nkel-2.txt,fr\n"
    (project / "articles" / "metadata.csv").write_text(table, encoding="utf-8")
    shown = curation("evaluate", "--json", cwd=project)
    assert shown.returncode == 3
    report = figures(shown)
    assert (report["articles"], report["failed"]) == (2, 1)
    assert report["problems"] == ["kel-2: is in fr, this engine reads en"]
    assert "kel-2: is in fr" in shown.stderr
    assert report["triggers"]["by_type"]["Warning"]["fn"] == 1


def test_annotations_that_do_not_fit_are_counted(project: Path) -> None:
    lines = [json.loads(line) for line in compiled(project).read_text(encoding="utf-8").splitlines()]
    lines[0]["entities"][0] |= {"start": 5000, "end": 6000}
    lines[0]["entities"][1]["type"] = "Starship"
    lines[1]["text_sha256"] = "0" * 64
    bad = project / "bad.jsonl"
    bad.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    shown = curation("evaluate", "--annotations", bad, "--json", "--html", project / "page.html", cwd=project)
    assert shown.returncode == 3
    report = figures(shown)
    assert (report["failed"], report["articles"]) == (1, 2)
    assert report["findings"] >= 2
    assert any("another revision" in problem for problem in report["problems"])
    assert any("ends at 6000" in problem for problem in report["problems"])
    assert any("Starship is not in" in problem for problem in report["problems"])


def test_gold_without_an_article(project: Path) -> None:
    file = compiled(project)
    (project / "articles" / "kel-2.txt").unlink()
    for gold in ("gold", file):
        shown = curation("evaluate", "--annotations", file, "--gold", gold, "--json", cwd=project)
        assert shown.returncode == 0, shown.stderr
        report = figures(shown)
        assert (report["articles"], report["unused"]) == (1, 1)
        assert report["problems"] == ["kel-2: no such article in the project"]
    (project / "articles" / "kel-1.txt").write_text("Another text.\n", encoding="utf-8")
    shown = curation("evaluate", "--annotations", file, "--gold", file, cwd=project)
    one_line(shown, "no gold for any article: kel-1: was annotated in gold.jsonl on another revision of its text")


def test_gold_and_articles_that_cannot_be_used_are_set_aside(project: Path) -> None:
    file = compiled(project)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines[1]["entities"][0]["type"] = "Ship"
    bad = project / "bad.jsonl"
    bad.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (project / "articles" / "kel-3.txt").write_bytes("Señor".encode("cp1252"))
    (project / "gold" / "kel-2.ann.txt").write_text("[Torvan](GPE", encoding="utf-8")
    for gold, named in ((bad, "bad.jsonl: kel-2: e1: entity type Ship is not in"), ("gold", "kel-2.ann.txt")):
        shown = curation("evaluate", "--annotations", file, "--gold", gold, "--json", cwd=project)
        assert shown.returncode == 3, shown.stderr
        report = figures(shown)
        assert (report["articles"], report["invalid"]) == (1, 1)
        assert named in shown.stderr
        assert "kel-3.txt: not UTF-8" in shown.stderr
    shown = curation("export", bad, "--format", "jsonl", "--out", "out.jsonl", "--json", cwd=project)
    assert shown.returncode == 3, shown.stderr
    assert (figures(shown)["articles"], figures(shown)["invalid"]) == (1, 1)


def test_wrong_usage(project: Path) -> None:
    assert curation("evaluate", "--engine", "spacy", "--annotations", "x.jsonl", cwd=project).returncode == 2
    assert curation("evaluate", "--limit", "0", cwd=project).returncode == 2


def test_bad_input_is_one_line(project: Path) -> None:
    gold = compiled(project)
    one_line(curation("evaluate", "--gold", "nowhere", cwd=project), "nowhere: no gold there")
    one_line(curation("evaluate", "--annotations", "nowhere", cwd=project), "nowhere: cannot be read")
    one_line(curation("evaluate", "--engine", "oracle", cwd=project), "there is no engine 'oracle'")
    one_line(
        curation("evaluate", "--mapping", "m2e2", cwd=project), "mapping: this gold is in the project's own labels"
    )
    (project / "empty.jsonl").touch()
    one_line(curation("evaluate", "--gold", "empty.jsonl", cwd=project), "empty.jsonl: holds no gold")
    neutral = project / "there.jsonl"
    neutral.write_text(json.dumps(NEUTRAL) + "\n{\n", encoding="utf-8")
    one_line(curation("evaluate", "--gold", neutral, "--mapping", "gardens", cwd=project), "names nothing in 'gardens'")
    words = ["evaluate", "--annotations", gold, "--mapping", "m2e2", "--gold"]
    one_line(curation(*words, neutral, cwd=project), "there.jsonl:2: not JSON")
    gold.write_text(gold.read_text(encoding="utf-8") * 2, encoding="utf-8")
    one_line(curation("evaluate", "--annotations", gold, cwd=project), "article kel-1 is annotated twice")


def test_a_page_that_cannot_be_written(project: Path) -> None:
    gold = compiled(project)
    shown = curation("evaluate", "--annotations", gold, "--html", project / "gold", cwd=project)
    assert shown.returncode == 1
    assert "cannot be written" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_hostile_text_and_labels_reach_neither_page_nor_terminal(project: Path) -> None:
    text = "<script>alert(1)</script>\x1b]0;owned\x07 \u202eKelmar <img src=x onerror=alert(2)> [bold]shelled[/bold]"
    label = "</title><script>alert(3)</script>[red]\x1b[31m"
    start = text.index("Kelmar")
    document = {"id": "<b>", "text": text, "entities": [{"start": start, "end": start + 6, "type": label}]}
    gold, page = project / "there.jsonl", project / "page.html"
    gold.write_text(json.dumps(document) + "\n", encoding="utf-8")
    shown = curation("evaluate", "--gold", gold, "--html", page, "--json", cwd=project)
    assert shown.returncode == 0, shown.stderr
    assert figures(shown)["entities"]["all_gold"]["fn"] == 1
    assert not set("\x1b\x07\u202e") & set(shown.stderr)
    seen: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.add(tag)

    html = page.read_text(encoding="utf-8")
    Tags().feed(html)
    assert not seen & {"script", "img", "b"}
    assert not set("\x1b\x07\u202e") & set(html)
    assert "&lt;script&gt;alert(1)" in html
