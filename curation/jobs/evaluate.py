"""Evaluate: an engine, or a file of annotations, against gold."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, NamedTuple

from curation.annotation import Annotation
from curation.article import Article, Value
from curation.engines import Engine
from curation.errors import BadInput, WrongUsage
from curation.files import ensure_writable, whole_file
from curation.jobs.inputs import Gold, engine_recipe, read_gold
from curation.jobs.options import (
    Counts,
    EngineModel,
    EngineName,
    EngineOptions,
    GoldFile,
    OnProgress,
    Option,
    silent,
)
from curation.metrics.effort import defaults
from curation.metrics.error_examples import Example, Side
from curation.metrics.evaluation import Compared, Evaluation, Evaluator, Figures
from curation.metrics.label_mapping import Mapping, mapping_to, own_names
from curation.metrics.rounding import decimal, interval
from curation.report.evaluation_page import SHOWN_ARTICLES, evaluation_page
from curation.result import Block, Styled, Table, TableResult
from curation.schema import LabelSchema
from curation.settings import Settings
from curation.store import AnnotationFile
from curation.validation import validate

SHOWN = 20
"""How many problems a report spells out; all are counted."""


class Throughput(Value):
    """Time that an engine needed, in one process, without loading it."""

    articles: int
    seconds: float
    documents_per_second: float


class EvaluateResult(Evaluation, TableResult):
    """The figures, the engine or file that was `measured`, and the gold.

    `failed` articles have no annotation, for the reason given in `problems`, and count as all missed. `findings`
    counts items that do not fit article or schema (they count as wrong where they are). `unused` counts gold without
    an article; `invalid` counts gold that does not fit its article or the schema and was set aside, which the log
    names. `problems` names the first of all these, one line each.
    """

    measured: str
    gold: str
    failed: int
    findings: int
    unused: int
    invalid: int = 0
    problems: tuple[str, ...]
    throughput: Throughput | None
    html: str | None

    @property
    def exit_code(self) -> int:
        """3 where the engine failed on articles, or gold was set aside."""
        return 3 if self.failed or self.invalid else 0

    def records(self) -> list[dict[str, Any]]:
        """A row for each section and type or role, `type` is empty for the section as a whole."""
        rows: list[dict[str, Any]] = []
        for name, section in _sections(self):
            if section is not None:
                rows.append({"section": name, "type": "", **_record(section)})
                rows += [{"section": name, "type": label, **_record(one)} for label, one in section.by_type.items()]
        return rows

    def show(self) -> Iterator[Block]:
        """Precision, recall and F1 by section, measure and type; errors with examples; effort and speed."""
        yield from _tables(self)

    def messages(self) -> Iterator[str]:
        """Articles and items that count as wrong or not at all."""
        yield from self.problems
        more = self.failed + self.findings + self.unused - len(self.problems)
        if more > 0:
            yield f"… and {more} more like these"


class _Answer(NamedTuple):
    """The predicted annotation of an article, or why there is none."""

    article: Article
    gold: Annotation
    annotation: Annotation | str


def evaluate(
    project: Settings,
    *,
    gold: GoldFile = None,
    engine: EngineName = None,
    model: EngineModel = None,
    options: EngineOptions = None,
    annotations: Annotated[Path | None, Option("Measure the annotations in this .jsonl instead of an engine.")] = None,
    mapping: Annotated[
        str | None, Option("The gold is in the labels of this ontology, one of the schema's `elsewhere`.")
    ] = None,
    conventions: Annotated[
        bool, Option("Apply the annotation conventions of the gold's corpus (MAPPING.mapping.yaml beside the schema).")
    ] = True,
    limit: Annotated[int | None, Option("Only this many articles, the first.", min=1)] = None,
    examples: Annotated[int, Option("Examples of each kind of mistake.", min=0)] = 3,
    html: Annotated[Path | None, Option("Write a page with figures and texts there.", metavar="FILE")] = None,
    on_progress: Annotated[OnProgress, Counts("articles measured")] = silent,
) -> EvaluateResult:
    """Measure an engine (default: the project's) or the annotations in a file against gold (default: the project's).

    An article on which the engine fails is counted, named and scored as all missed, and the rest go on.

    Args:
        project: whose schema, and for gold without texts whose articles, are used.
        gold: a folder of inline files, a .jsonl of annotations, or a .jsonl of the neutral form.
        engine: name of the engine.
        model: its model: a name or a folder.
        options: options of the engine.
        annotations: measure these instead of an engine.
        mapping: the ontology whose names the gold uses, where it is not the project's schema.
        conventions: apply the annotation conventions of the gold's corpus (NAME.mapping.yaml beside the schema).
        limit: only this many articles, the first.
        examples: the number of examples of each kind of mistake.
        html: also write a page there.
        on_progress: progress callback.

    Raises:
        WrongUsage: both an engine and annotations.
        EngineError: the engine or its model is not there.
        BadInput: the gold, the mapping or the file of annotations cannot be used.
        CurationError: the page cannot be written.
    """
    if annotations is not None and (engine is not None or model is not None or options):
        raise WrongUsage("give --engine or --annotations, not both")
    if html:
        ensure_writable(html)
    schema = project.load_schema()
    place = gold or project.gold
    if place is None:
        raise BadInput("no gold given", way_out="name it with --gold, or in curation.toml as project.gold")
    found = read_gold(project, place)
    there = _mapping(found, mapping, schema, project.schema_path.parent if conventions else None)
    evaluator = Evaluator(mapping=there, defaults=defaults(schema), examples=examples)
    watch = _Watch()
    answers: Iterator[_Answer]
    if annotations is not None:
        file = AnnotationFile(annotations)
        measured = str(annotations)
        answers = (
            _Answer(article, reference, file.of(article)) for article, reference in islice(found.documents, limit)
        )
    else:
        habit = there.habit.options if there else {}
        engine_options = {**habit.get(engine or project.engine.name, {}), **(options or {})}
        annotate = engine_recipe(project, engine, model, engine_options).load()
        measured = annotate.annotator.key
        answers = _run(annotate, islice(found.documents, limit), watch)
    failed, findings = 0, 0
    problems: list[str] = []
    shown: list[Compared] = []
    for article, reference, annotation in answers:
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
        reason = next((f": {reason}" for reason in (*found.invalid, *found.unused)), "")
        raise BadInput(f"no gold for any article{reason}", path=place, way_out="name gold of the project's articles")
    result = EvaluateResult(
        **dict(evaluator.result()),
        measured=measured,
        gold=str(place),
        failed=failed,
        findings=findings,
        unused=0 if limit else len(found.unused),
        invalid=len(found.invalid),
        problems=tuple((problems + ([] if limit else found.unused))[:SHOWN]),
        throughput=watch.throughput() if annotations is None else None,
        html=str(html) if html else None,
    )
    if html:
        with whole_file(html) as out:
            out.write(evaluation_page(result, shown, measured=measured, gold=place.name))
    return result


class _Watch:
    """Seconds spent in the engine, without the time to read the gold."""

    def __init__(self) -> None:
        self.articles = 0
        self.seconds = 0.0

    def throughput(self) -> Throughput:
        rate = self.articles / self.seconds if self.seconds else 0.0
        return Throughput(articles=self.articles, seconds=round(self.seconds, 3), documents_per_second=round(rate, 2))


def _run(engine: Engine, documents: Iterable[tuple[Article, Annotation]], watch: _Watch) -> Iterator[_Answer]:
    """The engine's answer for each article. It may read ahead; answers come in the order of the articles."""
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
        yield _Answer(article, gold, answer if isinstance(answer, Annotation) else answer.reason)


def _mapping(gold: Gold, name: str | None, schema: LabelSchema, folder: Path | None) -> Mapping | None:
    if gold.form == "neutral":
        return mapping_to(name, schema, folder) if name else own_names(schema)
    if name:
        what = f"this gold is in the project's own labels, not in those of {name}"
        raise BadInput(what, field="mapping", way_out="leave --mapping out")
    return None


def _sections(result: EvaluateResult) -> Iterator[tuple[str, Any]]:
    for name in ("entities", "triggers", "arguments"):
        yield name, getattr(result, name)


def _record(figures: Figures) -> dict[str, Any]:
    names = ("precision", "recall", "f1", "tp", "fp", "fn")
    return {name: getattr(figures, name) for name in names}


def _tables(result: EvaluateResult) -> Iterator[Block]:
    mapped = f", in the labels of {result.mapping}" if result.mapping else ""
    yield f"{result.measured} against {result.gold}{mapped}: {result.articles} articles"
    if result.conventions:
        yield f"with the annotation conventions of that corpus: {result.conventions}"
    rows: list[list[str | Styled]] = []
    for name, section in _sections(result):
        if section is None:
            yield f"{name}: not scored, the gold has none"
            continue
        for place, (measure, figures) in enumerate(section.rows()):
            row = [f"{name}, {section.counted}" if place == 0 else "", measure, *_figures(figures)]
            rows.append([Styled(cell, "bold") for cell in row] if place == 0 else list(row))
    yield Table(
        ("", "measure", "precision", "recall", "F1", "95 %", "right", "too many", "missed"), rows, left=("measure",)
    )
    for name, section in _sections(result):
        if section is not None:
            yield ""
            yield from _section(name, section)
    yield ""
    if effort := result.effort:
        interval = "" if effort.ratio_interval is None else " ({:.2f}–{:.2f})".format(*effort.ratio_interval)
        parts = ", ".join(f"{name} {part:.2f}" for name, part in effort.sections.items() if part is not None)
        yield (
            f"correction effort {effort.ratio:.2f}{interval} of starting blank: {effort.cost} clicks and keys "
            f"instead of {effort.blank_cost}, {effort.counted}; {parts}"
        )
    if speed := result.throughput:
        yield f"{speed.documents_per_second:.1f} articles a second ({speed.seconds:.1f} s, one process)"
    if result.html:
        yield f"page: {result.html}"


def _section(name: str, section: Any) -> Iterator[Block]:
    by = "role" if name == "arguments" else "type"
    columns = (f"{name} by {by}, exact", "precision", "recall", "F1", "95 %", "right", "too many", "missed")
    yield Table(columns, [[label, *_figures(figures)] for label, figures in section.by_type.items()])
    yield f"{name}, errors: " + ", ".join(f"{count} {kind}" for kind, count in section.errors.items())
    if section.confusions:
        yield "  confused: " + ", ".join(f"{one.gold} as {one.said} {one.items}" for one in section.confusions)
    for example in section.examples:
        yield f"  {_example(example)}"
    if scores := section.calibration:
        auroc = "–" if scores.auroc is None else decimal(scores.auroc)
        yield f"{name}, scores: ECE {scores.ece:.3f}, Brier {scores.brier:.3f}, AUROC {auroc} over {scores.items}"


def _figures(figures: Figures) -> list[str]:
    shares = map(decimal, (figures.precision, figures.recall, figures.f1))
    return [*shares, interval(figures.f1_interval), *(f"{count:g}" for count in (figures.tp, figures.fp, figures.fn))]


def _example(example: Example) -> str:
    def side(name: str, item: Side | None) -> list[str]:
        return [] if item is None else [f"{name} “{item.text}” {item.type}"]

    sides = ", ".join(side("gold", example.gold) + side("predicted", example.said))
    of = f" of {example.trigger}" if example.trigger else ""
    return f"{example.kind}: {sides}{of}: …{example.before}[{example.text}]{example.after}… {example.article}"
