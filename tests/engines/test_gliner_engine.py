"""The engines gliner and gliner2 on tiny models that the test trains: they find what they learned, anywhere in a text.

Everything that needs torch runs in the environment of `make trainers`, in two processes: training, then all runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from curation.annotation import Annotation, read_annotations
from curation.article import Article
from curation.engines.model_engine import prompts_for, words_of
from curation.formats.articles import good_articles
from curation.schema import LabelSchema, load_schema
from curation.validation import validate

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = """
name: tiny
version: 1.0.0
title: Tiny
description: What the tiny models know.
entity_types:
  - {name: GPE, definition: A state or a city., colour: "#112233"}
  - {name: Person, definition: A person by name., colour: "#223344"}
  - {name: Weapon, definition: A weapon., colour: "#334455"}
event_types:
  - name: Attack
    definition: Somebody fires at somebody.
    colour: "#445566"
    roles:
      - {name: attacker, definition: Who fires., fillers: [GPE, Person]}
      - {name: target, definition: What is fired at., fillers: [GPE]}
      - {name: instrument, definition: What is fired., fillers: [Weapon]}
"""
STILL = "Nothing happened on Monday , officials said .\n"
END = "Officials in Pellas met Ida Halloran ."
PAGES, PAGE = 400, 250
"""Pages of the long text, and words of a page."""
TEXTS = {
    "marks": "\U0001f680\U0001f680 Officials in Pellas met Ida\u00a0Halloran .\r\n"
    "Doran\u2009Melk said rockets hit Torvan .",
    "attack": "Kelmar troops shelled Torvan on Monday .",
    "long": STILL * (PAGES * PAGE // 8) + END,
    "middle": STILL * 12 + END,
    "endless": "Officials in " + "x" * 90 + " met Ida Halloran in Pellas .",
}
RUN = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from gliner import GLiNER
from gliner2 import AutoExtractor, Schema
from curation.errors import CurationError
from curation.jobs.preannotate import preannotate
from curation.project import Project

told = {}
for name, given in json.loads(sys.stdin.read()).items():
    out = Path(f"{name}-said.jsonl")
    try:
        told[name] = preannotate(Project.open(Path("curation.toml")), out=out, **given).model_dump(mode="json")
    except CurationError as error:
        told[name] = str(error)
texts = {one["id"]: one["text"].replace("\\r\\n", "\\n") for one in map(json.loads, open("articles.jsonl"))}
labels = ["GPE", "person", "weapon"]
for name in ("gliner", "short"):
    model = GLiNER.from_pretrained(name)
    told[f"{name} itself"] = {
        one: model.predict_entities(texts[one], labels, flat_ner=False) for one in ("marks", "attack", "middle")
    }
model = AutoExtractor.from_pretrained("gliner2")
entities, events = Schema().entities(["GPE", "Person", "Weapon"]), Schema()
structure = events.structure("Attack").field("trigger", dtype="str")
for role in ("attacker", "target", "instrument"):
    structure.field(role)
events.build()
more = {"include_spans": True, "include_confidence": True}
told["gliner2 itself"] = {
    one: {**model.extract(texts[one], entities, overlap_policy="nested", **more),
          "events": model.extract(texts[one], events, overlap_policy="nested", **more)["Attack"]}
    for one in ("marks", "attack")
}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def tiny(trainers: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A project with the models beside it, and what was told of each run."""
    folder = tmp_path_factory.mktemp("tiny")
    records = [{"id": name, "text": text, "language": "en"} for name, text in TEXTS.items()]
    records.append({"id": "foreign", "text": "Rien.", "language": "fr-CA"})
    lines = [json.dumps(record) + "\n" for record in records]
    (folder / "articles.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "short.jsonl").write_text("".join(line for line in lines if len(line) < 2000), encoding="utf-8")
    (folder / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    project = {"name": "tiny", "articles": ["articles.jsonl"], "schema": "schema.yaml", "max_characters": 1_000_000}
    toml = "[project]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in project.items())
    (folder / "curation.toml").write_text(toml, encoding="utf-8")
    start(trainers, str(ROOT / "tests" / "engines" / "tiny_models.py"), ".", folder=folder)

    shutil.copytree(folder / "gliner", folder / "short")  # reads 64 pieces at once, labels and all
    config = json.loads((folder / "short" / "tokenizer_config.json").read_text())
    (folder / "short" / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": 64}))
    shutil.copytree(folder / "gliner", folder / "cramped")
    (folder / "cramped" / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": 24}))
    some = {"articles": ["short.jsonl"]}
    runs = {
        "gliner": {"engine": "gliner", "model": "gliner"},
        "short": {"engine": "gliner", "model": "short", "options": {"languages": ["fr", "en"]}, **some},
        "keen": {"engine": "gliner", "model": "short", "options": {"threshold": 0.999}, **some},
        "gliner2": {"engine": "gliner2", "model": "gliner2", "options": {"prompts": "labels"}},
        "nowhere": {"engine": "gliner", "model": "no/such-model", **some},
        "nowhere2": {"engine": "gliner2", "model": "no/such-model", **some},
        "cramped": {"engine": "gliner", "model": "cramped", **some},
        "nameless": {"engine": "gliner2"},
        "strange": {"engine": "gliner", "model": "gliner", "options": {"threshold": 7}},
    }
    return folder, json.loads(start(trainers, "-c", RUN, folder=folder, given=json.dumps(runs)))


def start(python: Path, *words: str, folder: Path, given: str = "") -> str:
    """What it prints, run in `folder` on one core with nothing from any network."""
    settings = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, *words],
        cwd=folder,
        env=os.environ | settings,
        input=given,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def said(folder: Path, name: str) -> dict[str, tuple[Article, Annotation]]:
    """Articles and annotations of a run, each checked against text and schema."""
    articles = {one.id: one for one in good_articles([folder / "articles.jsonl"])}
    schema = load_schema(folder / "schema.yaml")
    found = {}
    for one in read_annotations(folder / f"{name}-said.jsonl"):
        assert validate(one, articles[one.article_id], schema) == []
        assert all(item.score is not None and item.origin == one.annotator.key for item in one.items())
        found[one.article_id] = articles[one.article_id], one
    return found


def mentions(article: Article, annotation: Annotation) -> set[tuple[str, str]]:
    return {(article.text[one.start : one.end], one.type) for one in annotation.entities}


def test_it_finds_what_it_learned_at_the_right_places(tiny: tuple[Path, dict[str, Any]]) -> None:
    folder, told = tiny
    found = said(folder, "gliner")
    assert mentions(*found["marks"]) >= {
        ("Pellas", "GPE"),
        ("Ida\u00a0Halloran", "Person"),
        ("rockets", "Weapon"),
        ("Torvan", "GPE"),
    }
    assert {("Kelmar", "GPE"), ("Torvan", "GPE")} <= mentions(*found["attack"])
    for name in ("marks", "attack", "middle"):  # one window: just what GLiNER itself says
        labels = {"GPE": "GPE", "person": "Person", "weapon": "Weapon"}
        itself = {(one["start"], one["end"], labels[one["label"]]): one["score"] for one in told["gliner itself"][name]}
        ours = {(one.start, one.end, one.type): one.score for one in found[name][1].entities}
        assert ours == {key: pytest.approx(score, abs=1e-3) for key, score in itself.items()}


def test_nothing_is_cut_off(tiny: tuple[Path, dict[str, Any]]) -> None:
    folder, told = tiny
    found = said(folder, "gliner")
    article, annotation = found["long"]
    assert len(article.text.split()) > PAGES * PAGE
    last = len(article.text) - len(END)
    assert {(one.start - last, one.end - last, one.type) for one in annotation.entities if one.start >= last} == {
        (13, 19, "GPE"),
        (24, 36, "Person"),
    }
    # A tokenizer that takes 64 pieces: GLiNER itself does not get to the end of a hundred words, and does not say so.
    itself = {one["text"] for one in told["short itself"]["middle"]}
    assert "Ida Halloran" not in itself
    short = said(folder, "short")
    assert {("Pellas", "GPE"), ("Ida Halloran", "Person")} <= mentions(*short["middle"])
    assert told["short"]["left_out"] == {"words too long for the model to read": 1}
    assert told["short"]["remarks"] == ["endless: 1 words too long for the model to read"]
    assert {("Ida Halloran", "Person"), ("Pellas", "GPE")} <= mentions(*short["endless"])
    assert told["gliner"]["left_out"] == {}


def test_what_cannot_be_annotated_is_told_and_the_run_goes_on(tiny: tuple[Path, dict[str, Any]]) -> None:
    _, told = tiny
    assert (told["gliner"]["annotated"], told["gliner"]["refused"]) == (len(TEXTS), 1)
    assert told["gliner"]["reasons"] == {"is in fr-CA, this engine reads en": 1}
    assert told["short"]["refused"] == 0  # told to read fr as well
    for name, library in (("nowhere", "GLiNER"), ("nowhere2", "GLiNER2")):
        assert f"there is no {library} model 'no/such-model' that can be used here" in told[name]
        assert "name a folder that `save_pretrained` wrote" in told[name]
    assert "pieces that cramped reads at once" in told["cramped"]
    assert told["nameless"] == "engine gliner2 needs a model; name a folder or one on the Hub with --model"
    assert told["strange"] == "threshold is 7; give a number between 0 and 1"


def test_options_change_what_is_said_and_who_says_it(tiny: tuple[Path, dict[str, Any]]) -> None:
    folder, told = tiny
    keys = [told[name]["engine"] for name in ("gliner", "short", "keen", "gliner2")]
    assert len(set(keys)) == len(keys)
    few, many = said(folder, "keen"), said(folder, "short")
    assert all(one.score is not None and one.score >= 0.999 for _, made in few.values() for one in made.entities)
    assert sum(len(made.entities) for _, made in few.values()) < sum(len(made.entities) for _, made in many.values())


def test_gliner2_gives_entities_and_events(tiny: tuple[Path, dict[str, Any]]) -> None:
    folder, told = tiny
    found = said(folder, "gliner2")
    assert {("Pellas", "GPE"), ("Ida\u00a0Halloran", "Person"), ("rockets", "Weapon")} <= mentions(*found["marks"])
    article, annotation = found["long"]
    last = len(article.text) - len(END)
    assert {(last + 13, last + 19, "GPE"), (last + 24, last + 36, "Person")} <= {
        (one.start, one.end, one.type) for one in annotation.entities
    }
    events = 0
    for name, itself in told["gliner2 itself"].items():
        article, made = found[name]
        theirs = {(one["start"], one["end"], type_) for type_, some in itself["entities"].items() for one in some}
        assert {(one.start, one.end, one.type) for one in made.entities} == theirs
        triggers = {(one["trigger"]["start"], one["trigger"]["end"]) for one in itself["events"] if one["trigger"]}
        assert {(one.start, one.end) for one in made.events} == triggers
        linked = {
            (role, span["start"], span["end"])
            for one in itself["events"]
            for role in ("attacker", "target", "instrument")
            for span in one[role]
            if one["trigger"]
        }
        items = {item.id: item for item in made.items()}
        for event in made.events:
            events += 1
            for argument in event.arguments:
                filler = items[argument.filler]
                assert any(
                    role == argument.role and start < filler.end and filler.start < end for role, start, end in linked
                )
    assert events


def test_labels_in_words(schema: LabelSchema) -> None:
    assert [words_of(name) for name in ("ArmedGroup", "GPE", "supply_route", "USState", "X")] == [
        "armed group",
        "GPE",
        "supply route",
        "US state",
        "x",
    ]
    told = prompts_for(schema.entity_types, "names", "gliner")
    assert told["armed group"][0] == "ArmedGroup"
    label = schema.entity_types[0].model_copy(update={"elsewhere": {"gliner": ("country", "city")}})
    assert {name for name, _ in prompts_for([label], "names", "gliner").values()} == {label.name}
    assert list(prompts_for([label], "names", "gliner")) == ["country", "city"]
    assert list(prompts_for([label], "labels", "gliner")) == [label.name]


@pytest.mark.skipif("gliner" in sys.modules, reason="GLiNER is installed here")
def test_without_the_library_the_way_out_is_told(tiny: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = tiny
    for engine in ("gliner", "gliner2"):
        command = [sys.executable, "-m", "curation", "preannotate", "--engine", engine, "--model", "gliner"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert f"which is not installed; pip install {engine}" in done.stderr
