"""The whole loop through the command line, as a user runs it, with both schemas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import annotator_api
import pytest
from datasets import load_dataset

from curation.annotation import Annotation, read_annotations
from curation.formats.articles import good_articles
from curation.labelstudio import read_snapshot
from curation.labelstudio.client import Client
from curation.labelstudio.local_server import Studio
from curation.metrics.matching import compare
from curation.project import Project

pytestmark = pytest.mark.live

TEXTS = {
    "conflict-news": [
        "Kelmar fires rockets at Torvan rebels\n\nPELLAS \u2014 Kelmar\u2019s navy fired rockets at rebel positions "
        "near Orrin on Monday, its defence ministry said \U0001f680.\n",
        "Torvan troops captured the town of Orrin on Friday.\n",
        "President Anna Velt warned Kelmar of an attack.\n",
        "Police arrested three protesters in Pellas.\n",
        "Rebels and government troops agreed to a ceasefire on Sunday.\n",
    ],
    "product-recalls": [
        "Brightway Toys recalled 4,000 Glow Bear night lights on Monday after the batteries overheated \U0001f525.\n",
        "Norrel Foods has recalled its Sunny Oat bars because of a risk of choking.\n",
        "The agency fined Norrel Foods. Customers were told to return the bars.\n",
        "A child was burned when a Glow Bear caught fire in Pellas.\n",
        "Harlen Motors will repair the brakes of its Swift vans free of charge.\n",
    ],
}


def run(folder: Path, *words: str, studio: Studio | None = None, ok: bool = True, **env: str) -> dict[str, Any]:
    """`curation *words --json` in the project in `folder`."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("LABEL_STUDIO", "CURATION_W", "HF_T"))
    }
    if studio is not None:
        clean |= {"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": studio.api_key}
    shown = subprocess.run(
        [sys.executable, "-m", "curation", *words, "--json"],
        cwd=folder, env=clean | env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (shown.returncode == 0) is ok, shown.stderr
    assert studio is None or studio.api_key not in shown.stdout + shown.stderr
    return json.loads(shown.stdout) if shown.stdout else {"stderr": shown.stderr}


def make(tmp_path: Path, schema: str) -> Path:
    """A project made by `curation init`, with five articles."""
    folder = tmp_path / "mine"
    run(tmp_path, "init", str(folder))
    settings = folder / "curation.toml"
    text = settings.read_text(encoding="utf-8").replace("schemas/conflict-news.yaml", f"schemas/{schema}.yaml")
    settings.write_text(text.replace('"Conflict news"', f'"Loop {uuid.uuid4().hex[:8]}"'), encoding="utf-8")
    for number, words in enumerate(TEXTS[schema]):
        (folder / "corpus" / "articles" / f"a{number}.txt").write_text(words, encoding="utf-8")
    return folder


def without_arguments(said: Annotation) -> Annotation:
    """What a person makes of `said` who removes every arrow and touches nothing else."""
    return said.model_copy(update={"events": tuple(one.model_copy(update={"arguments": ()}) for one in said.events)})


@pytest.mark.parametrize("schema", sorted(TEXTS))
def test_articles_become_a_dataset(schema: str, tmp_path: Path, studio: Studio, client: Client) -> None:
    folder = make(tmp_path, schema)
    made = run(folder, "preannotate")
    assert made["annotated"] == 5
    assert made["entities"] > 0
    assert made["events"] > 0
    pushed = run(folder, "push", studio=studio)
    assert (pushed["sent"], pushed["refused"]) == (5, 0)
    again = run(folder, "push", studio=studio)
    assert (again["sent"], again["already_there"]) == (0, 5)

    project = Project.open(folder / "curation.toml")
    labels = project.load_schema()
    predictions = {one.article_id: one for one in read_annotations(project.preannotations)}
    articles = {one.id: one for one in good_articles(project.articles)}
    tasks = {task.article_id: task for task in annotator_api.tasks(client, pushed["project_id"])}
    annotator_api.skip(client, tasks["a4"].id)
    for name in ("a0", "a1", "a2"):
        answer = without_arguments(predictions[name])
        annotator_api.submit(
            client, tasks[name].id, answer, articles[name], labels, prediction_id=tasks[name].prediction_id
        )

    back = run(folder, "pull", studio=studio)
    assert (back["tasks"], back["submitted"], back["skipped"], back["untouched"]) == (5, 3, 1, 1)
    for annotation in read_snapshot(Path(back["snapshot"])).annotations():
        if annotation.state == "submitted":
            said = predictions[annotation.article_id]
            assert compare(without_arguments(said), annotation).equal
            assert {item.origin for item in annotation.items()} <= {said.annotator.key}
            assert annotation.parent == said.id
    assert run(folder, "pull", studio=studio)["unchanged"]

    release = run(folder, "publish")["release"]
    assert (release["version"], release["articles"]) == ("0.1.0", 3)
    assert run(folder, "publish")["release"]["unchanged"]
    rows = [row for split in load_dataset(release["folder"], "documents").values() for row in split]
    assert {row["id"] for row in rows} == {"a0", "a1", "a2"}
    for row in rows:
        for item in (*row["entities"], *row["events"]):
            assert item["text"] == row["text"][item["start"] : item["end"]]
    assert run(folder, "verify", release["folder"])["problems"] == []
    stages = run(folder, "status")["articles"]
    assert stages == {"a0": "released", "a1": "released", "a2": "released", "a3": "open", "a4": "skipped"}


def test_doctor_sees_the_server_and_a_wrong_key(tmp_path: Path, studio: Studio) -> None:
    folder = make(tmp_path, "conflict-news")
    states = {one["name"]: one["state"] for one in run(folder, "doctor", studio=studio)["findings"]}
    assert states["label studio"] == "ok"
    wrong = run(folder, "doctor", ok=False, LABEL_STUDIO_URL=studio.url, LABEL_STUDIO_API_KEY="no-such-key")
    (finding,) = [one for one in wrong["findings"] if one["name"] == "label studio"]
    assert finding["state"] == "bad"
    assert "no-such-key" not in finding["what"]


def test_a_revised_article_is_a_new_task(tmp_path: Path, studio: Studio) -> None:
    folder = make(tmp_path, "conflict-news")
    run(folder, "preannotate")
    run(folder, "push", studio=studio)
    article = folder / "corpus" / "articles" / "a1.txt"
    article.write_text("Torvan troops captured Orrin and its port on Friday.\n", encoding="utf-8")
    assert run(folder, "status")["articles"]["a1"] == "new"
    run(folder, "preannotate")
    pushed = run(folder, "push", studio=studio)
    assert (pushed["sent"], pushed["already_there"], pushed["superseded"]) == (1, 4, 1)
    assert run(folder, "pull", studio=studio)["tasks"] == 6
