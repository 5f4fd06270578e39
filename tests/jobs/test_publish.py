"""From a snapshot to a release: who counts, under which name, and what stays out."""

from __future__ import annotations

import json
import random
import runpy
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from curation.annotation import Annotation, Annotator, Entity
from curation.article import Article
from curation.cli.app import app
from curation.files import write_jsonl
from curation.labelstudio import read_snapshot
from curation.labelstudio.ledger import Ledger, Planned
from curation.labelstudio.snapshot import MANIFEST
from curation.project import Project
from curation.release import load_release

CREATED = "2031-03-01T00:00:00Z"
TEXTS = {
    "kel-1": "Doran Melk spoke in Torva about the price of salt.",
    "kel-2": "Fishermen of Harl mended nets until the evening came.",
    "kel-3": "A late frost took half of the pears in the valley.",
    "kel-4": "Two bakers opened a shop beside the old town gate.",
}
ARTICLES = {name: Article(id=name, text=text, licence="CC0-1.0") for name, text in TEXTS.items()}
ENGINE = Annotator(kind="engine", name="rules", version="1.0.0")


def annotation(article_id: str, who: str, **fields: Any) -> Annotation:
    article = ARTICLES[article_id]
    person = Annotator(kind="person", name=who)
    start = 6 if article_id == "kel-1" and who == "ls-7" else 0
    given: dict[str, Any] = {
        "id": f"{article_id}-{who}",
        "article_id": article_id,
        "text_sha256": article.text_sha256,
        "schema": "conflict-news@1.0.0",
        "annotator": ENGINE if who == "rules" else person,
        "state": "predicted" if who == "rules" else "submitted",
        "time": None if who == "rules" else datetime(2031, 3, 2, int(who[3:]), tzinfo=UTC),
        "entities": (Entity(id="e1", start=start, end=10, type="Person", origin=f"person:{who}"),),
    }
    return Annotation(**given | fields)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three said something of kel-1, one of kel-2; kel-3 was skipped, kel-4 nobody touched. All were pre-annotated."""
    schema = Path(__file__).resolve().parents[2] / "schemas" / "conflict-news.yaml"
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "made"\narticles = ["*.txt"]\nschema = "{schema}"\n[release]\nlicence = "CC0-1.0"\n'
    )
    project = Project.open(tmp_path / "curation.toml")
    ref = project.load_schema().ref
    said = [
        annotation("kel-1", "ls-7", schema=ref),
        annotation("kel-1", "ls-8", schema=ref, parent="kel-1-rules"),
        annotation("kel-1", "ls-9", schema=ref),
        annotation("kel-2", "ls-7", schema=ref, parent="kel-2-rules"),
        annotation("kel-3", "ls-7", schema=ref, state="skipped"),
    ]
    folder = project.work / "snapshots" / "20310302T000000Z"
    write_jsonl(folder / "articles.jsonl", [one.to_json() for one in ARTICLES.values()])
    write_jsonl(folder / "annotations.jsonl", [one.to_json() for one in said])
    manifest = {
        "time": CREATED,
        "url": "http://127.0.0.1:9",
        "project_id": 1,
        "project_title": "made",
        "project_created_at": CREATED,
        "schema": ref,
        "content": "0" * 64,
        "counts": {},
        "findings": {},
        "files": {},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with Ledger(project.work) as ledger:
        known = ledger.remember_project("http://127.0.0.1:9", 1, "made", ref, CREATED, "<View/>")
        sent = [annotation(name, "rules", schema=ref) for name in ARTICLES]
        ledger.record_sent(one.to_json() for one in sent)
        planned = [Planned(one.article_id, one.text_sha256, "annotate", one.id, "rules@1.0.0", "d") for one in sent]
        ledger.begin_import(known, "batch", planned)
    return project


def run(project: Any, *options: str) -> Result:
    return CliRunner().invoke(app, ["publish", "--json", "--project", str(project.root / "curation.toml"), *options])


def publish(project: Any, *options: str, code: int = 0) -> dict[str, Any]:
    """The release that was made. `code`: the exit code; 3 where articles are undecided."""
    return dict(published(project, *options, code=code)["release"])


def published(project: Any, *options: str, code: int = 3) -> dict[str, Any]:
    """All that publish prints as JSON."""
    result = run(project, *options)
    assert result.exit_code == code, result.output
    return dict(json.loads(result.stdout.strip().splitlines()[-1]))


def rows(project: Project, version: str = "0.1.0") -> dict[str, dict[str, Any]]:
    return {row["id"]: row for split in load_release(project.releases, version).values() for row in split}


def test_what_counts_and_under_which_name(project: Project) -> None:
    publish(project)
    found = rows(project)
    assert sorted(found) == ["kel-1", "kel-2"]
    assert (found["kel-1"]["annotation_id"], found["kel-1"]["chosen"]) == ("kel-1-ls-9", "agreed")
    assert (found["kel-2"]["annotation_id"], found["kel-2"]["chosen"]) == ("kel-2-ls-7", "latest")
    for row in found.values():
        assert row["entities"][0]["origin"] == row["annotator"]
        assert row["annotator"].startswith("person:")
    for path in (project.releases / "v0.1.0").rglob("*"):
        assert not path.is_file() or b"person:ls-" not in path.read_bytes()


def test_sentences_corrections_and_agreement(project: Project) -> None:
    publish(project)
    said = [row for split in load_release(project.releases, "0.1.0", "corrections").values() for row in split]
    assert sorted((row["id"], row["change"], row["engine"]) for row in said) == [
        ("kel-2", "kept", "engine:rules@1.0.0")
    ], "kel-1's annotation began from nothing"
    sentences = [row for split in load_release(project.releases, "0.1.0", "sentences").values() for row in split]
    assert sorted((row["id"], row["text"], row["zone"]) for row in sentences) == [
        ("kel-1", TEXTS["kel-1"], "body"),
        ("kel-2", TEXTS["kel-2"], "body"),
    ]
    page = (project.releases / "v0.1.0" / "README.md").read_text()
    assert "over 1 articles that two people or more annotated" in page
    assert "entities 0.333" in page


def test_engine_only_takes_what_nobody_touched(project: Project) -> None:
    publish(project, "--engine-only")
    found = rows(project)
    assert sorted(found) == ["kel-1", "kel-2", "kel-4"], "kel-3 was skipped by a person"
    assert (found["kel-4"]["annotator"], found["kel-4"]["state"]) == ("engine:rules@1.0.0", "predicted")
    assert found["kel-4"]["chosen"] == "engine"


def test_the_takedown_list_of_the_project(project: Project) -> None:
    publish(project)
    file = project.root / "curation.toml"
    file.write_text(file.read_text() + 'takedown = "takedown.txt"\n')
    result = CliRunner().invoke(app, ["publish", "--project", str(file)])
    assert result.exit_code == 1
    assert not (project.releases / "v0.2.0").exists()
    (project.root / "takedown.txt").write_text("kel-2 the source asked\n")
    report = publish(project)
    assert (report["version"], report["barred"]) == ("0.2.0", {"withdrawn": 1})
    assert sorted(rows(project, "0.2.0")) == ["kel-1"]
    assert "- kel-2: the source asked" in (project.releases / "v0.2.0" / "CHANGELOG.md").read_text()


def test_ids_on_the_takedown_list_that_nothing_has_are_named(project: Project) -> None:
    file = project.root / "curation.toml"
    file.write_text(file.read_text() + 'takedown = "takedown.txt"\n')
    (project.root / "kel-9.txt").write_text("Known to the project alone.\n")
    (project.root / "takedown.txt").write_text("kel-2 asked\nkel-02 misspelt\nkel-9\n")
    result = run(project)
    assert result.exit_code == 3, result.output
    found = json.loads(result.stdout)
    assert (found["unknown"], found["release"]["barred"]) == (["kel-02"], {"withdrawn": 1})
    assert "takedown list: 1 ids that no article, snapshot or release has" in result.stderr
    made = Path(found["release"]["folder"])
    assert all(b"kel-02" not in path.read_bytes() for path in made.rglob("*") if path.is_file())


def test_several_processes_make_the_same_bytes_as_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever changes from pull to pull."""
    rng = random.Random(5)
    ref = project.load_schema().ref
    settings = project.root / "curation.toml"
    folder = project.work / "snapshots" / "20310302T000000Z"
    said = {(name, who): annotation(name, who, schema=ref) for name in TEXTS for who in ("ls-7", "ls-8")}
    states = ("submitted", "submitted", "reviewed", "skipped", "draft")
    parents = (None, *(f"{name}-rules" for name in TEXTS), "late", *(one.id for one in said.values()))
    for step in range(8):
        for key in rng.sample(sorted(said), 2 if step != 4 else 0):
            more = {
                "state": rng.choice(states),
                "parent": rng.choice(parents),
                "entities": said[key].entities[step % 2 :],
            }
            said[key] = said[key].model_copy(update=more)
        if step == 3:
            # What it began from turns up in the ledger later.
            said["kel-1", "ls-8"] = said["kel-1", "ls-8"].model_copy(update={"state": "submitted"})
            said["kel-1", "ls-7"] = said["kel-1", "ls-7"].model_copy(update={"state": "reviewed", "parent": "late"})
        if step == 4:
            with Ledger(project.work) as ledger:
                ledger.record_sent([annotation("kel-1", "rules", schema=ref, id="late").to_json()])
        if step == 6:
            settings.write_text(settings.read_text() + '[review]\nannotators = ["ls-8"]\n')
        said["kel-2", "ls-8"] = said["kel-2", "ls-8"].model_copy(update={"state": "submitted"})
        folder = folder.rename(folder.with_name(f"20310302T{step + 1:06}Z"))
        ordered = sorted(said.values(), key=lambda one: (one.article_id, one.time, one.id))
        write_jsonl(folder / "annotations.jsonl", [one.to_json() for one in ordered])
        options = ["--engine-only"] if step > 4 else []
        options += ["--allow-shrink", "--version", f"1.{step}.0"]
        result = run(project, *options)
        assert result.exit_code in (0, 3), result.output
        made = Path(json.loads(result.stdout)["release"]["folder"])
        if step % 3:
            continue
        first = {path.relative_to(made): path.read_bytes() for path in made.rglob("*") if path.is_file()}
        shutil.rmtree(made)
        with monkeypatch.context() as patched:
            patched.setattr("curation.jobs.rows.FEW", -1)
            patched.setattr("curation.jobs.rows.SHARD", 1)
            patched.setattr("curation.jobs.publish.cpu_count", lambda: 2)
            publish(project, *options, code=result.exit_code)
        assert first == {path.relative_to(made): path.read_bytes() for path in made.rglob("*") if path.is_file()}, step


def test_lines_of_a_snapshot_may_be_written_in_any_way(project: Project) -> None:
    folder = project.work / "snapshots" / "20310302T000000Z"
    held = [*read_snapshot(folder).by_article()]
    for name in ("articles.jsonl", "annotations.jsonl"):
        records = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        write_jsonl(folder / name, ["\n" + json.dumps(dict(sorted(one.items()))) for one in records])
    assert [*read_snapshot(folder).by_article()] == held


def test_a_snapshot_in_which_nothing_counts_makes_no_release(project: Project) -> None:
    write_jsonl(project.work / "snapshots" / "20310302T000000Z" / "annotations.jsonl", [])
    result = CliRunner().invoke(app, ["publish", "--project", str(project.root / "curation.toml")])
    assert result.exit_code == 1
    assert "there is nothing to release" in str(result.exception)
    assert list(project.releases.glob("*v*.*.*")) == []


def test_a_missing_licence_is_named(project: Project) -> None:
    assert not any("no licence" in line for line in project.publish().messages())
    file = project.root / "curation.toml"
    file.write_text(file.read_text().replace('licence = "CC0-1.0"\n', ""))
    result = CliRunner().invoke(app, ["publish", "--project", str(file)])
    assert "the annotations have no licence" in result.stderr


def test_licences_are_options(project: Project) -> None:
    report = publish(project, "--licence", "cc0-1.0", "--licence", "MIT")
    assert (report["articles"], report["barred"]) == (2, {})
    result = CliRunner().invoke(app, ["publish", "--licence", "MIT", "--project", str(project.root / "curation.toml")])
    assert result.exit_code == 1


@pytest.mark.parametrize("name", ["preannotate", "publish"])
def test_worker_processes_may_import_the_script_that_starts_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [name, "--no-such-option"])
    runpy.run_path(str(Path(__file__).resolve().parents[2] / "scripts" / f"{name}.py"), run_name="__mp_main__")
