"""`find` and `dismiss` on a project, and `curation check` from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from curation.annotation import Annotation, Annotator, Entity
from curation.article import Article
from curation.errors import BadInput
from curation.jobs.check import CheckResult, dismiss, find
from curation.project import Project

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("Orlan", "Pellas", "Quorra", "Sella", "Tarnow", "Umbra", "Vell", "Wistan")
GOOD = "[Rebels](ArmedGroup #e1 mention=nominal) [shelled](Attack #v1 attacker=e1 target=e2) [@](GPE #e2)."
WRONG = "[Rebels](ArmedGroup #e1 mention=nominal) [shelled](Attack #v1 attacker=e1 target=e2) [Harl](Weapon #e2)."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Nine articles, of which the last has a town that is called a weapon. The engine says that it is a town."""
    for folder in ("articles", "people", "rules"):
        (tmp_path / folder).mkdir()
    for name in (*PLACES, "Harl"):
        (tmp_path / "articles" / f"{name}.txt").write_text(f"Rebels shelled {name}.", encoding="utf-8")
        said = WRONG if name == "Harl" else GOOD.replace("@", name)
        (tmp_path / "people" / f"{name}.ann.txt").write_text(said, encoding="utf-8")
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "small"\narticles = ["articles"]\n'
        f"schema = {json.dumps(str(ROOT / 'schemas' / 'conflict-news.yaml'))}\n",
        encoding="utf-8",
    )
    return Project.open(tmp_path / "curation.toml")


def people(project: Project, **options: object) -> CheckResult:
    return find(project, project.root / "people", **options)  # type: ignore[arg-type]


def test_the_likeliest_comes_first_and_nothing_is_written(project: Project) -> None:
    before = sorted(project.root.rglob("*"))
    report = people(project)
    first = report.findings[0]
    assert (first.article_id, first.annotator, report.contexts[0].text) == ("Harl", "person:people", "Harl")
    assert [one.score for one in report.findings] == sorted((one.score for one in report.findings), reverse=True)
    assert (report.articles, report.found, sum(report.kinds.values())) == (9, len(report.findings), report.found)
    assert people(project) == report
    assert sorted(project.root.rglob("*")) == before


def test_only_the_strongest_are_kept(project: Project) -> None:
    every = people(project)
    assert every.found > 2
    few = people(project, limit=2)
    assert (few.findings, few.found, few.kinds) == (every.findings[:2], every.found, every.kinds)


def test_annotations_in_lines_are_checked_like_inline_files(project: Project, tmp_path: Path) -> None:
    assert find(project, _lines(project, tmp_path)).findings == people(project).findings
    assert people(project).to_frame().id.tolist() == [finding.id for finding in people(project).findings]


def test_a_second_opinion_raises_a_doubt(project: Project, tmp_path: Path) -> None:
    """An engine that is right elsewhere counts; its annotations of other texts do not."""
    from curation.jobs.agreement import read_set

    opinion = tmp_path / "rules.jsonl"
    with opinion.open("w", encoding="utf-8") as out:
        for annotation in read_set(project, project.root / "people"):
            record = json.loads(annotation.to_json())
            record["annotator"] = {"kind": "engine", "name": "rules", "version": "1"}
            for entity in record["entities"]:
                entity["type"] = entity["type"].replace("Weapon", "GPE")
            if annotation.article_id == "Orlan":
                record["text_sha256"] = "0" * 64
            out.write(json.dumps(record) + "\n")
    report = people(project, preannotations=opinion)
    assert report.second_opinion == "engine:rules@1"
    assert report.findings[0].article_id == "Harl"
    assert report.findings[0].score > people(project).findings[0].score
    first = report.findings[0]
    assert "engine" in {first.kind, *(other.kind for other in first.also)}


def test_dismissed_findings_stay_away(project: Project) -> None:
    first = people(project).findings[0]
    assert dismiss(project, first.ids, "it is a howitzer of that name", "ls-3") == len(first.ids)
    assert dismiss(project, first.ids) == 0, "known ones are not written again"
    report = people(project)
    assert not {name for one in report.findings for name in one.ids} & set(first.ids)
    assert report.dismissed == len(first.ids)
    lines = (project.work / "dismissed.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(first.ids)
    assert {json.loads(line)["why"] for line in lines} == {"it is a howitzer of that name"}


def test_a_dismissal_cut_short_by_a_kill_spoils_itself_alone(project: Project) -> None:
    one, two = (finding.id for finding in people(project).findings[:2])
    dismiss(project, [one])
    path = project.work / "dismissed.jsonl"
    path.write_bytes(path.read_bytes() + f'{{"id":"{two}","why":"lo'.encode())
    assert people(project).dismissed == 1
    dismiss(project, [two])
    assert people(project).dismissed == 2


def test_bad_input(project: Project, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no snapshot yet; run `curation pull` first"):
        find(project)
    with pytest.raises(BadInput, match="no annotations there"):
        find(project, tmp_path / "nowhere")
    with pytest.raises(BadInput, match="no kind of finding is called spelling; choose among filler-type"):
        people(project, kinds=["spelling"])
    with pytest.raises(BadInput, match="should match pattern"):
        dismiss(project, ["../../etc"])
    empty = tmp_path / "empty.jsonl"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match="no annotation to check"):
        find(project, empty)
    with pytest.raises(BadInput, match="no annotation to check"):
        find(project, empty, mapping="re3d")
    with pytest.raises(BadInput, match="leave --mapping out"):
        find(project, _lines(project, tmp_path), mapping="ace2005")
    project.work.mkdir()
    (project.work / "dismissed.jsonl").write_text('{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"dismissed\.jsonl:1: id: "):
        people(project)


def test_spans_beyond_the_text_are_told_and_passed_over(project: Project, tmp_path: Path) -> None:
    place = _lines(project, tmp_path)
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    lines[0]["entities"][0]["end"] = 9999
    place.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report = find(project, place)
    assert (report.articles, report.unused) == (8, 1)
    assert "ends at 9999" in report.problems[0]


def test_the_neutral_form_needs_no_schema_of_ours(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "neutral.jsonl"
    with place.open("w", encoding="utf-8") as out:
        for name in (*PLACES, "Harl"):
            entities = [{"start": 15, "end": 15 + len(name) - (name == "Harl"), "type": "City"}]
            record = {"id": name, "text": f"Rebels shelled {name}.", "entities": entities, "events": []}
            out.write(json.dumps(record) + "\n")
    first = find(project, place).findings[0]
    assert (first.article_id, first.kind, first.labels) == ("Harl", "border", ("City",))


def test_a_second_opinion_marks_as_the_corpus_does(project: Project, tmp_path: Path) -> None:
    """re3d takes in the determiner, and the engine does not: that is no doubt, but a gold span without it is one."""
    gold, engine = tmp_path / "gold.jsonl", tmp_path / "engine.jsonl"
    with gold.open("w", encoding="utf-8") as marked, engine.open("w", encoding="utf-8") as said:
        for name in (*PLACES, "Harl"):
            article = Article(id=name, text=f"Rain fell. The army left {name}.")
            span = {"start": 11 + 4 * (name == "Harl"), "end": 19, "type": "Organisation"}
            record = {"id": name, "text": article.text, "entities": [span], "events": []}
            marked.write(json.dumps(record) + "\n")
            army = Entity(id="e1", start=15, end=19, type="ArmedGroup", attributes={"mention": "nominal"})
            rules = Annotator(kind="engine", name="rules", version="1")
            found = Annotation(
                id=f"rules-{name}",
                article_id=name,
                text_sha256=article.text_sha256,
                schema=project.load_schema().ref,
                annotator=rules,
                entities=(army,),
            )
            said.write(found.to_json() + "\n")
    report = find(project, gold, preannotations=engine, mapping="re3d")
    assert report.second_opinion == "engine:rules@1"
    doubted = [one.article_id for one in report.findings for also in (one, *one.also) if also.kind == "engine"]
    assert doubted == ["Harl"]


def test_the_command(project: Project) -> None:
    """With --json findings for people on stderr, one object on stdout; hostile text is escaped."""
    (project.root / "articles" / "Harl.txt").write_text("Rebels shelled Harl. \x1b[31m[bold]", encoding="utf-8")
    marked = WRONG + " \x1b\\[31m\\[bold\\]"
    (project.root / "people" / "Harl.ann.txt").write_text(marked, encoding="utf-8")
    ran = _run(project, "people", "--top", "1", "--json")
    report = json.loads(ran.stdout)
    (finding,) = report["findings"]
    assert finding["article_id"] == "Harl"
    assert "\x1b" not in ran.stderr
    assert "[Harl]" in ran.stderr
    assert "[bold]" in ran.stderr
    told = re.search(r"(\d+) findings, (\d+) of them worth a look \(a score of 0\.1 or more\), 1 shown", ran.stderr)
    assert told is not None
    everything = json.loads(_run(project, "people", "--top", "1000", "--json").stdout)["findings"]
    worth = sum(finding["score"] >= 0.1 for finding in everything)
    assert [int(number) for number in told.groups()] == [report["found"], worth] == [len(everything), worth]
    assert 0 < worth < len(everything)

    gone = _run(project, "people", "--dismiss", finding["id"], "--why", "a gun of that name", "--json")
    assert json.loads(gone.stdout)["dismissed"] == 1
    again = json.loads(_run(project, "people", "--top", "1", "--json").stdout)
    assert again["dismissed"] == 1 + len(finding["also"])
    refused = _run(project, "people", "--dismiss", finding["id"], code=1)
    assert "is no finding here, or was dismissed before" in refused.stderr
    assert _run(project, "people", "--why", "so", code=2).stdout == ""


def _lines(project: Project, folder: Path) -> Path:
    from curation.jobs.agreement import read_set

    place = folder / "said.jsonl"
    place.write_text(
        "".join(annotation.to_json() + "\n" for annotation in read_set(project, project.root / "people")),
        encoding="utf-8",
    )
    return place


def _run(project: Project, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CURATION_")}
    command = [sys.executable, "-m", "curation", "check", *arguments]
    ran = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stderr
    return ran
