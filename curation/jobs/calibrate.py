"""Calibrate: what an engine's scores are worth, fitted on corrected articles, into a file for `preannotate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from curation.annotation import Annotation
from curation.article import Article, Value
from curation.confidence import EffortChange, Section, SectionFigures
from curation.engines import Failure
from curation.errors import BadInput
from curation.files import see_that_it_can_be_written, whole_file
from curation.jobs.engines import engine_recipe
from curation.jobs.gold import read_corrected
from curation.review.confidence import Corrected, fit_confidence
from curation.review.effort import defaults
from curation.settings import Settings
from curation.store import AnnotationFile

SHOWN = 20
"""How many problems a report spells out; all are counted."""


class CalibrateReport(Value):
    """What was fitted and how good it is on articles it was not fitted on. `failed` articles were left out.

    `limits`: section → label → the score below which its items will be left out.
    """

    engine: str
    gold: str
    out: str
    articles: int
    folds: int
    failed: int
    figures: dict[Section, SectionFigures]
    effort: EffortChange
    limits: dict[Section, dict[str, float]]
    problems: tuple[str, ...]


def calibrate(
    project: Settings,
    *,
    gold: Path | None = None,
    engine: str | None = None,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
    annotations: Path | None = None,
    out: Path | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> CalibrateReport:
    """Fit the confidence file of an engine (default: the project's), or of whoever made the annotations in a file.

    Args:
        project: whose schema and articles are used.
        gold: a folder of inline files or a .jsonl of annotations (default: the project's gold).
        engine: name of the engine.
        model: its model: a name or a folder.
        options: what else the engine is told.
        annotations: what the engine said earlier, instead of running it.
        out: where to write (default: calibration/ENGINE.json in the work folder).
        on_progress: told how many articles are done.

    Raises:
        EngineError: the engine or its model is not there.
        BadInput: the gold or the file cannot be used: it has other labels, no scores, too few articles.
        CurationError: `out` cannot be written.
    """
    place, found = read_corrected(project, gold, why="scores are calibrated in the project's own labels")
    schema = project.load_schema()
    out = out or project.work / "calibration" / f"{engine or project.engine.name}.json"
    see_that_it_can_be_written(out)
    problems: list[str] = []

    def said() -> Iterator[tuple[Annotation, Annotation | str]]:
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
        for reference, made in said():
            if isinstance(made, str):
                problems.append(f"{reference.article_id}: {made}")
            else:
                yield Corrected(reference, made)

    try:
        fitted = fit_confidence(corrected(), gold=place.name, defaults=defaults(schema), on_progress=on_progress)
    except ValueError as error:
        more = f" ({problems[0]})" if problems else ""
        raise BadInput(f"{error}{more}", path=annotations or place, way_out="give more corrected articles") from error
    with whole_file(out) as writing:
        writing.write(fitted.to_json())
    return CalibrateReport(
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
