"""Ensemble: what the votes of several engines are worth, fitted on corrected articles, into a file for the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from curation.article import Article
from curation.engines import Engine, Failure, load_engine
from curation.engines.ensemble_fit import Voted, fit_ensemble
from curation.engines.ensemble_votes import Member, SectionMeasured
from curation.errors import BadInput, WrongUsage
from curation.executor import batches
from curation.files import ensure_writable, whole_file
from curation.jobs.inputs import read_corrected
from curation.jobs.options import Counts, GoldFile, OnProgress, Option, named_values, silent
from curation.metrics.matching import Part
from curation.metrics.rounding import decimal
from curation.result import Block, Table, TableResult
from curation.settings import Settings

SHOWN = 20
"""How many problems a result names; all are counted."""
AT_ONCE, CHARACTERS = 32, 200_000
"""How much all members annotate before the next is read."""


def _members(words: list[str]) -> list[tuple[str, str | None]]:
    return [(name, model or None) for name, _, model in (word.partition("=") for word in words)]


def _member_options(words: list[str]) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = {}
    for name, value in named_values(words, "ENGINE.NAME=VALUE").items():
        engine, dot, option = name.partition(".")
        if not dot:
            raise WrongUsage(f"{name!r} is not ENGINE.NAME", field="--option")
        options.setdefault(engine, {})[option] = value
    return options


class EnsembleResult(TableResult):
    """The fitted ensemble, measured on articles that it was not fitted on. `failed` articles were left out."""

    members: tuple[str, ...]
    gold: str
    out: str
    articles: int
    folds: int
    failed: int
    figures: dict[Part, SectionMeasured]
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """3 where articles were left out."""
        return 3 if self.failed else 0

    def records(self) -> list[dict[str, Any]]:
        """A row for each section: F1 of each member and of the ensemble, calibration of the ensemble."""
        return [
            {
                "section": section,
                **{member: scores.f1 for member, scores in zip(self.members, figures.members, strict=True)},
                "ensemble": figures.ensemble.f1,
                "ece": figures.ece,
                "auroc": figures.auroc,
            }
            for section, figures in self.figures.items()
        ]

    def show(self) -> Iterator[Block]:
        """F1 of each member and of the ensemble."""
        yield f"{self.articles} articles of {self.gold}, in {self.folds} parts; figures are of articles not fitted on"
        rows = [
            [
                section,
                *(decimal(scores.f1) for scores in (*figures.members, figures.ensemble)),
                *(decimal(figure) for figure in (figures.ece, figures.auroc)),
            ]
            for section, figures in self.figures.items()
        ]
        yield Table(("F1", *self.members, "ensemble", "ECE", "AUROC"), rows)
        yield f"written to {self.out}; use it with curation preannotate --engine ensemble --model {self.out}"

    def messages(self) -> Iterator[str]:
        """Articles that were left out."""
        yield from (f"left out: {problem}" for problem in self.problems)


def ensemble(
    project: Settings,
    members: Annotated[
        Sequence[tuple[str, str | None]],
        Option(
            "Ensemble member; repeat the option at least twice.",
            name="--member",
            metavar="ENGINE[=MODEL]",
            parse=_members,
        ),
    ],
    *,
    gold: GoldFile = None,
    options: Annotated[
        Mapping[str, Mapping[str, Any]] | None,
        Option(
            "An option of a member; may be repeated.",
            name="--option",
            metavar="ENGINE.NAME=VALUE",
            parse=_member_options,
        ),
    ] = None,
    out: Annotated[Path | None, Option("The file; default: ensemble.json in work.")] = None,
    on_progress: Annotated[OnProgress, Counts("articles read")] = silent,
) -> EnsembleResult:
    """Fit the file of an ensemble.

    Args:
        project: whose schema, lexicon and articles are used.
        members: engines by name, each with its model or None; two at least.
        gold: a folder of inline files or a .jsonl of annotations (default: the project's gold).
        options: options of the members, by the name of the engine.
        out: where to write (default: ensemble.json in the work folder).
        on_progress: progress callback.

    Raises:
        EngineError: a member is not there.
        BadInput: too few members, or the gold cannot be used: it has other labels, too few articles.
        CurationError: `out` cannot be written.
    """
    if len(members) < 2:
        raise BadInput("an ensemble needs two members", field="members", way_out="repeat --member")
    out = out or project.work / "ensemble.json"
    ensure_writable(out)
    place, found = read_corrected(project, gold, why="votes are weighed in the project's own labels")
    schema = project.load_schema()
    given = options or {}
    if unknown := sorted(set(given) - {name for name, _ in members}):
        raise BadInput(f"options for {unknown[0]}, which is no member", field="options", way_out="name a member")
    engines: list[Engine] = []
    made: list[Member] = []
    for name, model in members:
        own = dict(given.get(name, {}))
        engine = load_engine(name, schema, lexicon=project.lexicon, model=model, cache=project.cache, options=own)
        engines.append(engine)
        made.append(Member(name=name, model=model, options=own, key=engine.annotator.key))
    problems: list[str] = []

    def voted() -> Iterator[Voted]:
        documents = {article.id: (article, reference) for article, reference in found.documents}
        articles: Iterator[Article] = (article for article, _ in documents.values())
        for batch in batches(articles, AT_ONCE, CHARACTERS):
            each = [list(engine.pipe(batch)) for engine in engines]
            for article, answers in zip(batch, zip(*each, strict=True), strict=True):
                failure = next((one for one in answers if isinstance(one, Failure)), None)
                if failure:
                    problems.append(f"{article.id}: {failure.reason}")
                else:
                    yield Voted(documents[article.id][1], tuple(one for one in answers if not isinstance(one, Failure)))

    try:
        fitted = fit_ensemble(voted(), made, schema.fillers, gold=place.name, on_progress=on_progress)
    except ValueError as error:
        reason = f" ({problems[0]})" if problems else ""
        raise BadInput(f"{error}{reason}", path=place, way_out="give more corrected articles") from error
    with whole_file(out) as writing:
        writing.write(fitted.to_json())
    return EnsembleResult(
        members=tuple(member.key for member in made),
        gold=str(place),
        out=str(out),
        articles=fitted.articles,
        folds=fitted.folds,
        failed=len(problems),
        figures=fitted.figures,
        problems=tuple(problems[:SHOWN]),
    )
