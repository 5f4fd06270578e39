"""Evaluate: an engine, or a file of annotations, against gold."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from curation.annotation import Annotation
from curation.article import Article, Value
from curation.engines import Engine
from curation.errors import BadInput
from curation.files import see_that_it_can_be_written, whole_file
from curation.jobs.engines import engine_recipe
from curation.jobs.gold import Gold, read_gold
from curation.review.effort import defaults
from curation.review.evaluate import Compared, Evaluation, Evaluator
from curation.review.mapping import Mapping, mapping_to, own_names
from curation.review.page import SHOWN_ARTICLES, page
from curation.schema import LabelSchema
from curation.settings import Settings
from curation.store import AnnotationFile
from curation.validation import validate

SHOWN = 20
"""How many problems a report spells out; all are counted."""


class Throughput(Value):
    """What an engine needed, in one process, its loading not counted."""

    articles: int
    seconds: float
    documents_per_second: float


class EvaluateReport(Evaluation):
    """The figures, and what was measured on what.

    `failed` articles have no annotation, for the reason given in `problems`, and count as all missed. `findings`
    counts items that do not fit article or schema (they count as wrong where they are). `unused` counts gold that has
    no article. `problems` spells out the first of all these, one line each.
    """

    measured: str
    gold: str
    failed: int
    findings: int
    unused: int
    problems: tuple[str, ...]
    throughput: Throughput | None
    html: str | None


class _Said(NamedTuple):
    """What was said of an article: an annotation, or why there is none."""

    article: Article
    gold: Annotation
    annotation: Annotation | str


def evaluate(
    project: Settings,
    *,
    gold: Path | None = None,
    engine: str | None = None,
    model: str | None = None,
    options: dict[str, Any] | None = None,
    annotations: Path | None = None,
    mapping: str | None = None,
    conventions: bool = True,
    limit: int | None = None,
    examples: int = 3,
    html: Path | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> EvaluateReport:
    """Measure an engine (default: the project's) or the annotations in a file against gold (default: the project's).

    An article on which the engine fails is counted, named and scored as all missed, and the rest go on.

    Args:
        project: whose schema, and for gold without texts whose articles, are used.
        gold: a folder of inline files, a .jsonl of annotations, or a .jsonl of the neutral form.
        engine: name of the engine.
        model: its model: a name or a folder.
        options: what else the engine is told.
        annotations: measure these instead of an engine.
        mapping: the ontology whose names the gold uses, where it is not the project's schema.
        conventions: whether what was said is marked as the gold's corpus marks, by NAME.mapping.yaml beside the schema.
        limit: only so many articles, the first.
        examples: how many examples of each kind of mistake to give.
        html: also write a page there.
        on_progress: told how many articles are done.

    Raises:
        EngineError: the engine or its model is not there.
        BadInput: the gold, the mapping or the file of annotations cannot be used.
        CurationError: the page cannot be written.
    """
    if html:
        see_that_it_can_be_written(html)
    schema = project.load_schema()
    place = gold or project.gold
    if place is None:
        raise BadInput("no gold given", way_out="name it with --gold, or in curation.toml as project.gold")
    found = read_gold(project, place)
    there = _mapping(found, mapping, schema, project.schema_path.parent if conventions else None)
    evaluator = Evaluator(mapping=there, defaults=defaults(schema), examples=examples)
    watch = _Watch()
    said: Iterator[_Said]
    if annotations is not None:
        file = AnnotationFile(annotations)
        measured = str(annotations)
        said = (_Said(article, reference, file.of(article)) for article, reference in islice(found.documents, limit))
    else:
        habit = there.habit.options if there else {}
        told = {**habit.get(engine or project.engine.name, {}), **(options or {})}
        annotate = engine_recipe(project, engine, model, told).load()
        measured = annotate.annotator.key
        said = _run(annotate, islice(found.documents, limit), watch)
    failed, findings = 0, 0
    problems: list[str] = []
    shown: list[Compared] = []
    for article, reference, annotation in said:
        if isinstance(annotation, str):
            failed += 1
            problems.append(f"{article.id}: {annotation}")
            compared = evaluator.add(article, reference, None)
        else:
            strange = validate(annotation, article, schema)
            findings += len(strange)
            problems += [f"{article.id}: {finding.item or 'annotation'}: {finding.message}" for finding in strange]
            compared = evaluator.add(article, reference, annotation)
        del problems[SHOWN:]
        if html and len(shown) < SHOWN_ARTICLES:
            shown.append(compared)
        watch.articles += 1
        on_progress(watch.articles)
    if not watch.articles:
        reason = f": {found.unused[0]}" if found.unused else ""
        raise BadInput(f"no gold for any article{reason}", path=place, way_out="name gold of the project's articles")
    report = EvaluateReport(
        **dict(evaluator.result()),
        measured=measured,
        gold=str(place),
        failed=failed,
        findings=findings,
        unused=0 if limit else len(found.unused),
        problems=tuple((problems + ([] if limit else found.unused))[:SHOWN]),
        throughput=watch.throughput() if annotations is None else None,
        html=str(html) if html else None,
    )
    if html:
        with whole_file(html) as out:
            out.write(page(report, shown, measured=measured, gold=place.name))
    return report


class _Watch:
    """Seconds spent in the engine: what it takes to read the gold is not the engine's."""

    def __init__(self) -> None:
        self.articles = 0
        self.seconds = 0.0

    def throughput(self) -> Throughput:
        rate = self.articles / self.seconds if self.seconds else 0.0
        return Throughput(articles=self.articles, seconds=round(self.seconds, 3), documents_per_second=round(rate, 2))


def _run(engine: Engine, documents: Iterable[tuple[Article, Annotation]], watch: _Watch) -> Iterator[_Said]:
    """What the engine says of each article. It may read ahead; its answers come in the order of the articles."""
    waiting: deque[tuple[Article, Annotation]] = deque()

    def articles() -> Iterator[Article]:
        source = iter(documents)
        while True:
            began = perf_counter()
            document = next(source, None)
            watch.seconds -= perf_counter() - began
            if document is None:
                return
            waiting.append(document)
            yield document[0]

    answers = engine.pipe(articles())
    while True:
        began = perf_counter()
        answer = next(answers, None)
        watch.seconds += perf_counter() - began
        if answer is None:
            return
        article, gold = waiting.popleft()
        yield _Said(article, gold, answer if isinstance(answer, Annotation) else answer.reason)


def _mapping(gold: Gold, name: str | None, schema: LabelSchema, folder: Path | None) -> Mapping | None:
    if gold.form == "neutral":
        return mapping_to(name, schema, folder) if name else own_names(schema)
    if name:
        what = f"this gold is in the project's own labels, not in those of {name}"
        raise BadInput(what, field="mapping", way_out="leave --mapping out")
    return None
