"""Calibrate: fit an engine's scores to corrected articles, and write the calibration that `preannotate` applies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import Failure
from curation.errors import BadInput, WrongUsage
from curation.files import ensure_writable, whole_file
from curation.jobs.inputs import engine_recipe, read_corrected
from curation.jobs.options import Counts, EngineModel, EngineName, EngineOptions, GoldFile, OnProgress, Option, silent
from curation.metrics.effort import defaults
from curation.metrics.matching import Part
from curation.metrics.rounding import decimal
from curation.metrics.score_calibration import Change, Corrected, EffortChange, SectionFigures, fit_calibration
from curation.result import Block, Table, TableResult
from curation.settings import Settings
from curation.store import AnnotationFile

SHOWN = 20
"""How many problems a result names; all are counted."""


class CalibrateResult(TableResult):
    """The fitted calibration, measured on articles that it was not fitted on. `failed` articles were left out.

    `limits`: section → label → the score below which its items will be left out.
    """

    engine: str
    gold: str
    out: str
    articles: int
    folds: int
    failed: int
    figures: dict[Part, SectionFigures]
    effort: EffortChange
    limits: dict[Part, dict[str, float]]
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """3 where articles were left out."""
        return 3 if self.failed else 0

    def records(self) -> list[dict[str, Any]]:
        """A row for each section and measure: its value before and after."""
        return [
            {"section": section, "items": figures.items, "right": figures.right, "measure": measure, **change}
            for section, figures in self.figures.items()
            for measure, change in figures.model_dump(include={"ece", "brier", "auroc"}).items()
        ]

    def show(self) -> Iterator[Block]:
        """Calibration before and after, the effort saved, and the limits."""
        yield f"{self.engine} on {self.articles} articles of {self.gold}; each figure is of articles not fitted on,"
        yield f"in {self.folds} parts: before → after"
        rows = [
            [section, figures.items, figures.right, *map(_change, (figures.ece, figures.brier, figures.auroc))]
            for section, figures in self.figures.items()
        ]
        yield Table(("", "items", "right", "ECE", "Brier", "AUROC"), rows)
        effort = self.effort
        yield f"correction effort: {effort.before} clicks and keys → {effort.after}; from blank {effort.blank}"
        for section, limits in self.limits.items():
            below = ", ".join(f"{label} below {limit:g}" if limit <= 1 else label for label, limit in limits.items())
            yield f"{section} that will be left out: {below or 'none'}"
        yield f"written to {self.out}; apply it with curation preannotate --calibration"

    def messages(self) -> Iterator[str]:
        """Articles that were left out."""
        yield from (f"left out: {problem}" for problem in self.problems)


def calibrate(
    project: Settings,
    *,
    gold: GoldFile = None,
    engine: EngineName = None,
    model: EngineModel = None,
    options: EngineOptions = None,
    annotations: Annotated[
        Path | None, Option("Earlier annotations of the engine (.jsonl), instead of running it.")
    ] = None,
    out: Annotated[Path | None, Option("The file; default: calibration/ENGINE.json in work.")] = None,
    on_progress: Annotated[OnProgress, Counts("articles read")] = silent,
) -> CalibrateResult:
    """Fit the calibration of an engine (default: the project's), or of whoever made the annotations in a file.

    Args:
        project: whose schema and articles are used.
        gold: a folder of inline files or a .jsonl of annotations (default: the project's gold).
        engine: name of the engine.
        model: its model: a name or a folder.
        options: options of the engine.
        annotations: earlier annotations of the engine, instead of running it.
        out: where to write (default: calibration/ENGINE.json in the work folder).
        on_progress: progress callback.

    Raises:
        WrongUsage: both an engine and annotations.
        EngineError: the engine or its model is not there.
        BadInput: the gold or the file cannot be used: it has other labels, no scores, too few articles.
        CurationError: `out` cannot be written.
    """
    if annotations is not None and (engine is not None or model is not None or options):
        raise WrongUsage("give --engine or --annotations, not both")
    place, found = read_corrected(project, gold, why="scores are calibrated in the project's own labels")
    schema = project.load_schema()
    out = out or project.work / "calibration" / f"{engine or project.engine.name}.json"
    ensure_writable(out)
    problems: list[str] = []

    def annotated() -> Iterator[tuple[Annotation, Annotation | str]]:
        if annotations is not None:
            file = AnnotationFile(annotations)
            yield from ((reference, file.of(article)) for article, reference in found.documents)
            return
        annotate = engine_recipe(project, engine, model, options).load()
        documents = list(found.documents)
        articles: list[Article] = [article for article, _ in documents]
        for (_, reference), made in zip(documents, annotate.pipe(articles), strict=True):
            yield reference, made.reason if isinstance(made, Failure) else made

    def corrected() -> Iterator[Corrected]:
        for reference, made in annotated():
            if isinstance(made, str):
                problems.append(f"{reference.article_id}: {made}")
            else:
                yield Corrected(reference, made)

    try:
        fitted = fit_calibration(corrected(), gold=place.name, defaults=defaults(schema), on_progress=on_progress)
    except ValueError as error:
        reason = f" ({problems[0]})" if problems else ""
        raise BadInput(f"{error}{reason}", path=annotations or place, way_out="give more corrected articles") from error
    with whole_file(out) as writing:
        writing.write(fitted.to_json())
    return CalibrateResult(
        engine=fitted.engine,
        gold=str(place),
        out=str(out),
        articles=fitted.articles,
        folds=fitted.folds,
        failed=len(problems),
        figures=fitted.figures,
        effort=fitted.effort,
        limits=fitted.limits,
        problems=tuple(problems[:SHOWN]),
    )


def _change(change: Change) -> str:
    return "–" if None in (change.before, change.after) else f"{decimal(change.before)} → {decimal(change.after)}"
