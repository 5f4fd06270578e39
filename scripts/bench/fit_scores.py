r"""Fit what each piece of evidence weighs in the default engine's scores: curation/engines/rules/weights.py.

    python scripts/bench/fit_scores.py [--write] corpus/gold re3d.jsonl:re3d wikievents.jsonl:wikievents \
        m2e2.jsonl:m2e2:events

A gold counts as the square root of how many items it has, so that the largest has the most to say and not all, and the
first one twice that. How often the engine is right at all differs from corpus to corpus, so each has a base of its own,
and the first one's is kept. `:events` leaves out entities that were not made by people. First it
says how well scores order the items of articles that they were not fitted on: AUROC, each half of the articles by the
other; and F1 of triggers, each half marked as its corpus marks by scores of the other. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from curation.annotation import Annotation
from curation.article import Article
from curation.compare import FILLER, Pair, match, match_links
from curation.engines.rules import scoring, weights
from curation.engines.rules.lexicon import load_lexicon
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.rules import Rules
from curation.engines.spacy_engine import SpacyEngine
from curation.files import whole_file
from curation.jobs.gold import read_gold
from curation.project import Project
from curation.review.evaluate import Evaluator
from curation.review.mapping import Mapping as Ontology
from curation.review.mapping import as_they_mark, mapping_to, that_map, translate

KINDS = ("ENTITIES", "TRIGGERS", "ARGUMENTS")
STRENGTH = 0.1
"""Of the fit, against a pull of all weights towards nothing."""
FEWEST = 12
"""Items that must have a piece of evidence before it is weighed."""
CORPUS = "corpus: "
LEAST = 0.03
"""Smaller weights are left out."""
_weigh = scoring._weigh


class Gold(NamedTuple):
    """Articles of one corpus, parsed. `marked`: with what its conventions leave out for its score."""

    name: str
    ontology: Ontology | None
    marked: Ontology | None
    rules: Rules
    entities: bool
    documents: list[tuple[Article, Annotation, list[Parse]]]


class Item(NamedTuple):
    """An item that was said: its evidence, whether it is right, its corpus, and the half its article is in."""

    evidence: dict[str, float]
    right: bool
    corpus: str
    half: int


def main() -> None:
    """Print how well the scores order items, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gold", nargs="+", metavar="GOLD[:MAPPING[:events]]")
    parser.add_argument("--write", action="store_true", help="replace curation/engines/rules/weights.py")
    options = parser.parse_args()
    golds = [_read(place) for place in options.gold]
    fitted: dict[str, dict[str, float]] = {}
    for kinds in (KINDS[:2], KINDS[2:]):  # what is known of triggers and fillers is evidence for arguments
        items = _collected(golds, kinds)
        for kind in kinds:
            for half in (0, 1):
                print(kind.lower(), f"half {half} by the other:", _held_out(items[kind], half))
            if kind == "TRIGGERS":
                print("triggers, F1, each half by the other:", _f1_held_out(golds, items[kind]))
            fitted[kind] = _weights(items[kind], golds[0].name)
            getattr(weights, kind).clear()
            getattr(weights, kind).update(fitted[kind])
    if options.write:
        _write(fitted)


def _read(place: str) -> Gold:
    path, name, only = (*place.split(":"), "", "")[:3]
    project = Project.open()
    schema = project.load_schema()
    engine = SpacyEngine(schema, lexicon=project.lexicon, model=project.engine.model)
    if project.lexicon is None:
        raise SystemExit(f"{schema.ref} has no lexicon")
    ontology = mapping_to(name, schema, project.schema_path.parent) if name else None
    options = ontology.habit.options.get("spacy", {}) if ontology else {}
    marked = ontology
    if ontology:  # what is left out for its score is left out after the fit
        keep = tuple(rule.model_copy(update={"least": None}) for rule in ontology.habit.keep)
        ontology = dataclasses.replace(ontology, habit=ontology.habit.model_copy(update={"keep": keep}))
    rules = Rules(schema, load_lexicon(project.lexicon, schema), **options)
    documents = [(article, gold, engine.parses(article)) for article, gold in read_gold(project, Path(path)).documents]
    return Gold(name or path, ontology, marked, rules, not only, documents)


def _collected(golds: Iterable[Gold], kinds: Sequence[str]) -> dict[str, list[Item]]:
    """Every item that was said, with its evidence: while this runs, a score is the number of its evidence."""
    wanted = {id(getattr(weights, kind)) for kind in kinds}
    told: list[dict[str, float]] = []

    def numbered(table: Mapping[str, float], evidence: Iterable[str], sure: Mapping[str, float] | None = None) -> float:
        if id(table) not in wanted:
            return _weigh(table, evidence, sure or {})
        told.append({**dict.fromkeys(evidence, 1.0), **(sure or {})})
        return len(told) / 1e8

    items: dict[str, list[Item]] = {kind: [] for kind in kinds}
    scoring._weigh = numbered
    try:
        for gold in golds:
            for article, reference, parses in gold.documents:
                said = gold.rules.annotate(article, parses, reference.annotator)
                for kind, pairs in _pairs(gold, article, reference, said).items():
                    for pair in pairs:
                        if kind in items and pair.other is not None and pair.other.score:
                            evidence = told[round(pair.other.score * 1e8) - 1]
                            items[kind].append(Item(evidence, pair.kind == "same", gold.name, _half(article)))
    finally:
        scoring._weigh = _weigh
    return items


def _pairs(gold: Gold, article: Article, reference: Annotation, said: Annotation) -> dict[str, Sequence[Pair[Any]]]:
    mapped = reference
    if gold.ontology:
        said = translate(as_they_mark(said, article.text, gold.ontology), reference, gold.ontology)
        mapped = that_map(reference, gold.ontology)
    named = [[one for one in annotation.entities if one.type != FILLER] for annotation in (mapped, said)]
    return {
        "ENTITIES": match(*named) if gold.entities else (),
        "TRIGGERS": match(reference.events, said.events) if reference.events else (),
        "ARGUMENTS": match_links(reference, said) if reference.events else (),
    }


def _fit(items: Sequence[Item], halves: tuple[int, ...]) -> tuple[Any, Any, Any]:
    seen = Counter(name for item in items for name in item.evidence)
    table = DictVectorizer()
    columns = table.fit_transform(
        {
            **{name: value for name, value in item.evidence.items() if seen[name] >= FEWEST},
            f"{CORPUS}{item.corpus}": 1.0,
        }
        for item in items
    )
    sizes = Counter(item.corpus for item in items)
    first = items[0].corpus
    counts = np.array([(2 if item.corpus == first else 1) * sizes[item.corpus] ** -0.5 for item in items])
    kept = np.array([item.half in halves for item in items])
    model = LogisticRegression(C=STRENGTH, max_iter=5000)
    model.fit(columns[kept], np.array([item.right for item in items])[kept], (counts / counts.mean())[kept])
    return model, table.get_feature_names_out(), columns


def _held_out(items: Sequence[Item], half: int) -> dict[str, float]:
    model, names, columns = _fit(items, (1 - half,))
    sums = columns @ (model.coef_[0] * np.array([not name.startswith(CORPUS) for name in names]))
    found = {}
    for corpus in dict.fromkeys(item.corpus for item in items):
        here = np.array([item.corpus == corpus and item.half == half for item in items])
        right = np.array([item.right for item in items])[here]
        if 0 < right.sum() < len(right):
            found[corpus] = round(float(roc_auc_score(right, sums[here])), 3)
    return found


def _f1_held_out(golds: Sequence[Gold], items: Sequence[Item]) -> dict[str, float]:
    evaluators = {gold.name: Evaluator(mapping=gold.marked, examples=0) for gold in golds}
    for half in (0, 1):
        weights.TRIGGERS.clear()
        weights.TRIGGERS.update(_weights(items, golds[0].name, (1 - half,)))
        for gold in golds:
            for article, reference, parses in gold.documents:
                if _half(article) == half:
                    said = gold.rules.annotate(article, parses, reference.annotator)
                    evaluators[gold.name].add(article, reference, said)
    found = {name: evaluator.result().triggers for name, evaluator in evaluators.items()}
    return {name: round(section.f1, 3) for name, section in found.items() if section and section.f1 is not None}


def _half(article: Article) -> int:
    return sha256(article.id.encode()).digest()[0] % 2


def _weights(items: Sequence[Item], first: str, halves: tuple[int, ...] = (0, 1)) -> dict[str, float]:
    model, names, _ = _fit(items, halves)
    found = dict(zip(names.tolist(), model.coef_[0].tolist(), strict=True))
    base = float(model.intercept_[0]) + found.get(f"{CORPUS}{first}", 0.0)
    kept = {
        name: round(value, 2)
        for name, value in sorted(found.items())
        if not name.startswith(CORPUS) and abs(value) >= LEAST
    }
    return {"": round(base, 2), **kept}


def _write(fitted: Mapping[str, Mapping[str, float]]) -> None:
    path = Path(weights.__file__)
    head = path.read_text(encoding="utf-8").partition("\nENTITIES")[0]
    with whole_file(path) as out:
        out.write(head)
        for kind, table in fitted.items():
            lines = "".join(f"    {json.dumps(name)}: {value},\n" for name, value in table.items())
            out.write(f"\n{kind}: dict[str, float] = {{\n{lines}}}\n")


if __name__ == "__main__":
    main()
