"""`curation ensemble` from outside: weights fitted on one half of a made set make the ensemble better on the other."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, read_annotations
from curation.article import Article
from curation.engines.ensemble_fit import fit_logistic
from curation.engines.ensemble_votes import SectionEnsemble, candidates, chosen
from curation.formats.articles import good_articles
from curation.metrics.counts import Counts
from curation.metrics.matching import compare
from curation.schema import LabelSchema
from curation.validation import validate

ROOT = Path(__file__).resolve().parents[2]
ARTICLES = 60
GOOD = {"one": {"GPE", "Attack", "attacker"}, "two": {"Weapon", "Meeting", "participant"}}
"""What each engine is good at; at the rest it is poor."""
TYPES = {"Attack": ("Weapon", "attacker", "instrument"), "Meeting": ("GPE", "participant", "place")}


def made(schema: LabelSchema) -> dict[str, list[Any]]:
    """Articles of short words, the truth about them, and what two engines say of them."""
    dice = random.Random(7)
    found: dict[str, list[Any]] = {"articles": [], "gold": [], "one": [], "two": []}
    for number in range(ARTICLES):
        words = [f"w{dice.randrange(900):03}" for _ in range(60)]
        article = Article(id=f"a{number:02}", text=" ".join(words))
        labels = {place: dice.choice(("GPE", "Weapon", "Attack", "Meeting", "", "")) for place in range(60)}
        found["articles"].append(article)
        found["gold"].append(annotation(article, labels, schema, Annotator(kind="person", name="gold"), None))
        for name, good in GOOD.items():
            said = {}
            for place, label in labels.items():
                keen = label in good
                if label and dice.random() < (0.95 if keen else 0.55):
                    said[place] = label
                elif not label and dice.random() < 0.35:
                    said[place] = dice.choice(
                        [one for one in ("GPE", "Weapon", "Attack", "Meeting") if one not in good]
                    )
            annotator = Annotator(kind="engine", name=name, version="1")
            found[name].append(annotation(article, said, schema, annotator, dice, labels))
    return found


def annotation(
    article: Article,
    labels: dict[int, str],
    schema: LabelSchema,
    annotator: Annotator,
    dice: random.Random | None,
    truth: dict[int, str] | None = None,
) -> Annotation:
    """Every event takes what stands nearest before it; engines miss and invent, surer where they are right."""

    def score(place: int, label: str) -> dict[str, float]:
        if dice is None or truth is None:
            return {}
        return {"score": round(dice.uniform(0.4, 1.0) if truth[place] == label else dice.uniform(0.2, 0.8), 3)}

    def item(place: int, label: str) -> dict[str, Any]:
        return {"type": label, "start": place * 5, "end": place * 5 + 4, **score(place, label)}

    entities = [
        Entity(id=f"e{place}", **item(place, label))
        for place, label in sorted(labels.items())
        if label in ("GPE", "Weapon")
    ]
    events = []
    for place, label in sorted(labels.items()):
        if label not in TYPES:
            continue
        arguments = []
        before = [entity for entity in entities if entity.start < place * 5][-2:]
        for entity, role in zip(reversed(before), TYPES[label][1:], strict=False):
            keen = role in GOOD.get(annotator.name, ())
            if (dice is None or dice.random() < (0.95 if keen else 0.5)) and entity.type in schema.fillers[label, role]:
                arguments.append(Argument(role=role, filler=entity.id))
        events.append(Event(id=f"v{place}", arguments=tuple(arguments), **item(place, label)))
    return Annotation(
        id=f"{annotator.name}-{article.id}",
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=annotator,
        entities=tuple(entities),
        events=tuple(events),
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, schema: LabelSchema) -> Path:
    """The made set as a project; the gold holds the first half."""
    folder = tmp_path_factory.mktemp("ensemble")
    for name, values in made(schema).items():
        lines = [value.to_json() for value in values]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    lines = (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "half.jsonl").write_text("".join(lines[: ARTICLES // 2]), encoding="utf-8")
    (folder / "curation.toml").write_text(
        '[project]\nname = "small"\narticles = ["articles.jsonl"]\ngold = "half.jsonl"\n'
        f"schema = {json.dumps(str(ROOT / 'schemas' / 'conflict-news.yaml'))}\n",
        encoding="utf-8",
    )
    return folder


def run(project: Path, *words: str, code: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "curation", *words, "--json"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = json.loads(done.stdout) if code == 0 else {"error": done.stderr}
    return told


def f1(project: Path, said: Path) -> dict[str, float]:
    """Exact F1 on the half that was no part of the fit."""
    gold = {one.article_id: one for one in read_annotations(project / "gold.jsonl")}
    counts = {section: Counts() for section in ("entities", "events", "arguments")}
    for one in read_annotations(said):
        if int(one.article_id[1:]) < ARTICLES // 2:
            continue
        found = compare(gold[one.article_id], one)
        for section, pairs in (("entities", found.entities), ("events", found.events)):
            for pair in pairs:
                right = pair.kind == "same"
                counts[section].add(
                    right, pair.other is not None and not right, pair.reference is not None and not right
                )
        counts["arguments"].add(len(found.arguments_same), len(found.arguments_spurious), len(found.arguments_missed))
    return {section: one.f1 for section, one in counts.items()}


def test_the_ensemble_beats_both_on_articles_it_was_not_fitted_on(project: Path, schema: LabelSchema) -> None:
    members = ("--member", "annotations=one.jsonl", "--member", "annotations=two.jsonl")
    told = run(project, "ensemble", *members, "--out", "weights.json")
    assert (told["articles"], told["folds"], told["failed"]) == (ARTICLES // 2, 5, 0)
    for figures in told["figures"].values():
        assert figures["ensemble"]["f1"] > max(one["f1"] for one in figures["members"]) + 0.05
        assert figures["ece"] < 0.08
    run(project, "ensemble", *members, "--out", "again.json")
    assert (project / "again.json").read_bytes() == (project / "weights.json").read_bytes()

    report = run(project, "preannotate", "--engine", "ensemble", "--model", "weights.json", "--out", "said.jsonl")
    assert (report["annotated"], report["refused"]) == (ARTICLES, 0)
    together = f1(project, project / "said.jsonl")
    for name in GOOD:
        alone = f1(project, project / f"{name}.jsonl")
        assert all(together[section] > alone[section] + 0.05 for section in together), (name, alone, together)
    articles = {one.id: one for one in good_articles([project / "articles.jsonl"])}
    for one in read_annotations(project / "said.jsonl"):
        assert validate(one, articles[one.article_id], schema) == []
        assert all(item.score is not None for item in one.items())


def test_a_file_that_does_not_fit_any_more_says_so(project: Path) -> None:
    members = ("--member", "annotations=one.jsonl", "--member", "annotations=two.jsonl")
    run(project, "ensemble", *members, "--out", "old.json")
    lines = (project / "two.jsonl").read_text(encoding="utf-8")
    (project / "two.jsonl").write_text(lines + "\n", encoding="utf-8")
    try:
        error = run(project, "preannotate", "--engine", "ensemble", "--model", "old.json", code=1)["error"]
    finally:
        (project / "two.jsonl").write_text(lines, encoding="utf-8")
    assert "members[1]: is engine:annotations@" in error
    assert "fit it again: curation ensemble" in error
    error = run(project, "ensemble", "--member", "annotations=one.jsonl", code=1)["error"]
    assert "an ensemble needs two members; repeat --member" in error
    record = json.loads((project / "old.json").read_text())
    record["sections"]["events"]["weights"]["*"] = [0.0]
    (project / "old.json").write_text(json.dumps(record))
    error = run(project, "preannotate", "--engine", "ensemble", "--model", "old.json", code=1)["error"]
    assert "old.json: sections.events: needs 9 weights for each label" in error


def test_what_the_members_say_of_a_span() -> None:
    def entity(start: int, end: int, type_: str, score: float | None = None) -> Entity:
        return Entity(id=f"e{start}{type_}", start=start, end=end, type=type_, score=score)

    one = [entity(0, 4, "GPE", 0.5), entity(10, 14, "GPE"), entity(20, 24, "GPE")]
    two = [entity(0, 4, "GPE", 0.9), entity(10, 18, "GPE"), entity(20, 24, "Person")]
    found = {(each.start, each.end, each.label): each.votes for each in candidates([one, two])}
    assert found[0, 4, "GPE"] == pytest.approx((1, 1, 0, 0, 0, 1, 2.1972, 0, 0), abs=1e-4)
    assert found[10, 14, "GPE"] == (1, 1, 0, 0, 0, 0, 0, 1, 0)
    assert found[10, 18, "GPE"] == (1, 0, 0, 1, 0, 1, 0, 0, 0)
    assert found[20, 24, "Person"] == (1, 0, 0, 0, 1, 1, 0, 0, 0)

    trusts_two = SectionEnsemble(threshold=0.5, weights={"*": (0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0)})
    said = chosen(candidates([one, two]), trusts_two)
    assert [(each.start, each.end, each.label) for each, _ in said] == [
        (0, 4, "GPE"),
        (10, 18, "GPE"),
        (20, 24, "Person"),
    ]
    assert [round(chance, 4) for _, chance in said] == [0.9526, 0.8808, 0.8808]
    nested = [entity(0, 9, "GPE"), entity(0, 4, "GPE")]
    assert len(chosen(candidates([nested, []]), trusts_two)) == 2  # who says both means both


def test_weights_are_those_of_a_logistic_model() -> None:
    """Against the slope of the penalised likelihood, which is nought at the weights."""
    dice = np.random.default_rng(3)
    votes = np.column_stack([np.ones(200), dice.integers(0, 2, 200), dice.normal(size=200)])
    right = (dice.random(200) < 1 / (1 + np.exp(-(votes @ np.array([-1.0, 2.0, 0.5]))))).astype(float)
    near = np.array([0.1, -0.2, 0.3])
    weights = fit_logistic(votes, right, 2.0, near)
    chance = 1 / (1 + np.exp(-votes @ weights))
    assert np.allclose(votes.T @ (right - chance), 2.0 * (weights - near), atol=1e-8)
    assert weights[1] > 1
