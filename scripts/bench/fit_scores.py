r"""Fit the weights of the default engine's scores: the file that the lexicon of the schema names.

    python scripts/bench/fit_scores.py [--write] corpus/gold re3d.jsonl:re3d wikievents.jsonl:wikievents \
        m2e2.jsonl:m2e2:events

A gold has the weight of the square root of its number of items, so that the largest dominates less; the first one has
twice that. The engine's precision differs between corpora, so each has a base of its own, and the first one's is kept.
`:events` leaves out entities that people did not annotate. The script first prints how well scores order the items of
articles that they were not fitted on: AUROC, each half of the articles with the weights of the other; and F1 of
triggers, each half marked as its corpus marks, with scores of the other. Needs scikit-learn.
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
from curation.engines.rules.lexicon import Weights, WeightTable, load_lexicon, load_weights
from curation.engines.rules.parsed_text import Parse
from curation.engines.rules.rule_engine import RuleEngine
from curation.engines.rules.scoring import ItemKind, Scorer
from curation.engines.spacy_engine import SpacyEngine
from curation.files import whole_file
from curation.jobs.inputs import read_gold
from curation.metrics.evaluation import Evaluator
from curation.metrics.label_mapping import Mapping as Ontology
from curation.metrics.label_mapping import mapped_only, mapping_to, translate, with_conventions
from curation.metrics.matching import FILLER, Pair, match, match_links
from curation.project import Project

KINDS: tuple[ItemKind, ...] = ("entities", "triggers", "arguments")
STRENGTH = 0.1
"""Inverse of the regularization strength."""
FEWEST = 12
"""Evidence of fewer items gets no weight."""
CORPUS = "corpus: "
LEAST = 0.03
"""Smaller weights are left out."""


class Gold(NamedTuple):
    """Articles of one corpus, parsed. `marked`: the ontology with its thresholds on scores."""

    name: str
    ontology: Ontology | None
    marked: Ontology | None
    engine: SpacyEngine
    rules: RuleEngine
    entities: bool
    documents: list[tuple[Article, Annotation, list[Parse]]]

    def predict(self, article: Article, parses: list[Parse]) -> Annotation:
        """The annotation of a parsed article by `rules`."""
        return self.engine.annotation(article, *self.rules.extract(article.text, parses, self.engine.annotator.key))


class Item(NamedTuple):
    """A predicted item: its evidence, whether it is right, its corpus, and the half of its article."""

    evidence: dict[str, float]
    right: bool
    corpus: str
    half: int


def main() -> None:
    """Print how well the scores order items, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gold", nargs="+", metavar="GOLD[:MAPPING[:events]]")
    parser.add_argument("--write", action="store_true", help="replace the weights file of the lexicon")
    options = parser.parse_args()
    golds = [_read(place) for place in options.gold]
    weights = golds[0].rules.weights or Weights(**dict.fromkeys(KINDS, WeightTable(base=0)))
    for kinds in (KINDS[:2], KINDS[2:]):  # the scores of triggers and fillers are evidence for arguments
        items = _collected(golds, kinds, weights)
        for kind in kinds:
            for half in (0, 1):
                print(kind, f"half {half} by the other:", _held_out(items[kind], half))
            if kind == "triggers":
                print("triggers, F1, each half by the other:", _f1_held_out(golds, items[kind], weights))
            weights = weights.model_copy(update={kind: _fitted(items[kind], golds[0].name)})
    if options.write:
        _write(weights)


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
    if ontology:  # thresholds on scores apply after the fit
        keep = tuple(rule.model_copy(update={"least": None}) for rule in ontology.habit.keep)
        ontology = dataclasses.replace(ontology, habit=ontology.habit.model_copy(update={"keep": keep}))
    lexicon = load_lexicon(project.lexicon, schema)
    rules = RuleEngine(schema, lexicon, load_weights(lexicon, project.lexicon), **options)
    documents = [(article, gold, engine.parses(article)) for article, gold in read_gold(project, Path(path)).documents]
    return Gold(name or path, ontology, marked, engine, rules, not only, documents)


def _collected(golds: Iterable[Gold], kinds: Sequence[ItemKind], weights: Weights) -> dict[str, list[Item]]:
    """Every predicted item of these kinds with its evidence."""
    recorded: list[dict[str, float]] = []

    class Recorder(Scorer):
        """Gives an item of `kinds` the number of its evidence as its score."""

        def probability(
            self, kind: ItemKind, evidence: Iterable[str], degrees: Mapping[str, float] | None = None
        ) -> float:
            if kind not in kinds:
                return super().probability(kind, evidence, degrees)
            recorded.append({**dict.fromkeys(evidence, 1.0), **(degrees or {})})
            return len(recorded) / 1e8

    items: dict[str, list[Item]] = {kind: [] for kind in kinds}
    for gold in golds:
        gold.rules.scorer, gold.rules.weights = Recorder, weights
        for article, reference, parses in gold.documents:
            for kind, pairs in _pairs(gold, article, reference, gold.predict(article, parses)).items():
                for pair in pairs:
                    if kind in items and pair.other is not None and pair.other.score:
                        evidence = recorded[round(pair.other.score * 1e8) - 1]
                        items[kind].append(Item(evidence, pair.kind == "same", gold.name, _half(article)))
        gold.rules.scorer = Scorer
    return items


def _pairs(
    gold: Gold, article: Article, reference: Annotation, predicted: Annotation
) -> dict[str, Sequence[Pair[Any]]]:
    mapped = reference
    if gold.ontology:
        predicted = translate(with_conventions(predicted, article.text, gold.ontology), reference, gold.ontology)
        mapped = mapped_only(reference, gold.ontology)
    named = [[entity for entity in annotation.entities if entity.type != FILLER] for annotation in (mapped, predicted)]
    return {
        "entities": match(*named) if gold.entities else (),
        "triggers": match(reference.events, predicted.events) if reference.events else (),
        "arguments": match_links(reference, predicted) if reference.events else (),
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


def _f1_held_out(golds: Sequence[Gold], items: Sequence[Item], weights: Weights) -> dict[str, float]:
    evaluators = {gold.name: Evaluator(mapping=gold.marked, examples=0) for gold in golds}
    for half in (0, 1):
        fitted = weights.model_copy(update={"triggers": _fitted(items, golds[0].name, (1 - half,))})
        for gold in golds:
            gold.rules.weights = fitted
            for article, reference, parses in gold.documents:
                if _half(article) == half:
                    evaluators[gold.name].add(article, reference, gold.predict(article, parses))
    found = {name: evaluator.result().triggers for name, evaluator in evaluators.items()}
    return {name: round(section.f1, 3) for name, section in found.items() if section and section.f1 is not None}


def _half(article: Article) -> int:
    return sha256(article.id.encode()).digest()[0] % 2


def _fitted(items: Sequence[Item], first: str, halves: tuple[int, ...] = (0, 1)) -> WeightTable:
    model, names, _ = _fit(items, halves)
    found = dict(zip(names.tolist(), model.coef_[0].tolist(), strict=True))
    base = float(model.intercept_[0]) + found.get(f"{CORPUS}{first}", 0.0)
    kept = {
        name: round(value, 2)
        for name, value in sorted(found.items())
        if not name.startswith(CORPUS) and abs(value) >= LEAST
    }
    return WeightTable(base=round(base, 2), evidence=kept)


def _write(weights: Weights) -> None:
    """Write the weights file that the project's lexicon names; its head of comments stays."""
    project = Project.open()
    lexicon = load_lexicon(project.lexicon, project.load_schema()) if project.lexicon else None
    if project.lexicon is None or lexicon is None or lexicon.weights is None:
        raise SystemExit("the lexicon names no file under `weights`")
    path = project.lexicon.with_name(lexicon.weights)
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    with whole_file(path) as out:
        out.writelines(f"{line}\n" for line in head)
        for kind in KINDS:
            table = getattr(weights, kind)
            out.write(f"{kind}:\n  base: {table.base}\n  evidence:\n")
            out.writelines(f"    {json.dumps(name)}: {value}\n" for name, value in table.evidence.items())


if __name__ == "__main__":
    main()
