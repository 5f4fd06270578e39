"""Ensemble: what the votes of several engines are worth, fitted on corrected articles, into a file for the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from curation.article import Article, Value
from curation.confidence import Section
from curation.engines import Engine, Failure, load_engine
from curation.engines.engine import batches
from curation.ensemble import Member, SectionMeasured
from curation.errors import BadInput
from curation.files import see_that_it_can_be_written, whole_file
from curation.jobs.gold import read_corrected
from curation.review.ensemble import Voted, fit_ensemble
from curation.settings import Settings

SHOWN = 20
"""How many problems a report spells out; all are counted."""
AT_ONCE, CHARACTERS = 32, 200_000
"""How much all members annotate before the next is read."""


class EnsembleReport(Value):
    """What was fitted and how good it is on articles it was not fitted on. `failed` articles were left out."""

    members: tuple[str, ...]
    gold: str
    out: str
    articles: int
    folds: int
    failed: int
    figures: dict[Section, SectionMeasured]
    problems: tuple[str, ...]


def ensemble(
    project: Settings,
    members: Sequence[tuple[str, str | None]],
    *,
    gold: Path | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    out: Path | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> EnsembleReport:
    """Fit the file of an ensemble.

    Args:
        project: whose schema, lexicon and articles are used.
        members: engines by name, each with its model or None; two at least.
        gold: a folder of inline files or a .jsonl of annotations (default: the project's gold).
        options: what else engines are told, by their names.
        out: where to write (default: ensemble.json in the work folder).
        on_progress: told how many articles are done.

    Raises:
        EngineError: a member is not there.
        BadInput: too few members, or the gold cannot be used: it has other labels, too few articles.
        CurationError: `out` cannot be written.
    """
    if len(members) < 2:
        raise BadInput("an ensemble of one", field="members", way_out="name two engines or more with --member")
    out = out or project.work / "ensemble.json"
    see_that_it_can_be_written(out)
    place, found = read_corrected(project, gold, why="votes are weighed in the project's own labels")
    schema = project.load_schema()
    told = options or {}
    if unknown := sorted(set(told) - {name for name, _ in members}):
        raise BadInput(f"options for {unknown[0]}, which is no member", field="options", way_out="name a member")
    engines: list[Engine] = []
    made: list[Member] = []
    for name, model in members:
        own = dict(told.get(name, {}))
        engine = load_engine(name, schema, lexicon=project.lexicon, model=model, cache=project.cache, options=own)
        engines.append(engine)
        made.append(Member(name=name, model=model, options=own, key=engine.annotator.key))
    problems: list[str] = []

    def voted() -> Iterator[Voted]:
        documents = {article.id: (article, reference) for article, reference in found.documents}
        articles: Iterator[Article] = (article for article, _ in documents.values())
        for batch in batches(articles, AT_ONCE, CHARACTERS):
            each = [list(engine.pipe(batch)) for engine in engines]
            for article, said in zip(batch, zip(*each, strict=True), strict=True):
                failure = next((one for one in said if isinstance(one, Failure)), None)
                if failure:
                    problems.append(f"{article.id}: {failure.reason}")
                else:
                    yield Voted(documents[article.id][1], tuple(one for one in said if not isinstance(one, Failure)))

    try:
        fitted = fit_ensemble(voted(), made, schema.fillers, gold=place.name, on_progress=on_progress)
    except ValueError as error:
        more = f" ({problems[0]})" if problems else ""
        raise BadInput(f"{error}{more}", path=place, way_out="give more corrected articles") from error
    with whole_file(out) as writing:
        writing.write(fitted.to_json())
    return EnsembleReport(
        members=tuple(member.key for member in made),
        gold=str(place),
        out=str(out),
        articles=fitted.articles,
        folds=fitted.folds,
        failed=len(problems),
        figures=fitted.figures,
        problems=tuple(problems[:SHOWN]),
    )
