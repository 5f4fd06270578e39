"""Pre-annotate: articles in, one engine annotation a line out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

from curation.article import Article
from curation.engines import AnnotateShards, Failure, LeftOut, read_shard
from curation.errors import BadInput, one_line
from curation.executor import Shard, remove_shards, shard_executor, shard_folder, write_lines
from curation.files import is_url
from curation.formats.article_text import DoubtCounts, screened
from curation.jobs.inputs import article_reader, engine_recipe, project_articles
from curation.jobs.options import (
    ArticleSources,
    Counts,
    EngineModel,
    EngineName,
    EngineOptions,
    OnProgress,
    Option,
    silent,
)
from curation.metrics.score_calibration import apply, load_calibration
from curation.result import Result
from curation.settings import Settings

SHOWN = 20
"""How many problems a result names; all are counted."""
REASONS = 50
"""How many reasons are counted separately; later ones count as `other`."""


class PreannotateResult(Result):
    """The counts of a run. `problems` names the first of the `refused` articles, one line each.

    `reasons`: why articles were refused, and how many for each. `left_out`: items that the engine found and could not
    use, counted by reason; `remarks` names the first articles with such items. `kept` articles were annotated by an
    earlier run that was interrupted. `dropped` entities and events were left out for their score, with their arguments,
    as the calibration defines. `doubtful`: articles that were used although their text looks like HTML, no prose or
    another language than declared, counted by kind; `doubts` has a line for each kind.
    """

    engine: str
    out: str
    articles: int
    annotated: int
    refused: int
    kept: int
    dropped: int
    entities: int
    events: int
    arguments: int
    problems: tuple[str, ...]
    reasons: dict[str, int]
    left_out: dict[str, int]
    remarks: tuple[str, ...]
    doubtful: dict[str, int]
    doubts: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """3 where articles were refused."""
        return 3 if self.refused else 0

    def show(self) -> Iterator[str]:
        """The counts, and the file."""
        if self.kept:
            yield f"{self.kept} articles were already annotated when an earlier run was interrupted"
        if self.dropped:
            yield f"{self.dropped} items left out, whose score is below the limit of their label"
        yield (
            f"{self.annotated} articles annotated by {self.engine}: {self.entities} entities, "
            f"{self.events} events, {self.arguments} arguments, in {self.out}"
        )

    def messages(self) -> Iterator[str]:
        """Articles that were refused, and items that were left out."""
        yield from (f"refused: {problem}" for problem in self.problems)
        if self.refused > len(self.problems):
            yield f"refused: {self.refused - len(self.problems)} more; all by reason:"
            yield from (f"  {count} {reason}" for reason, count in self.reasons.items())
        yield from (f"doubtful: {doubt}" for doubt in self.doubts)
        yield from (f"left out of {remark}" for remark in self.remarks)
        if self.left_out:
            yield "left out in all: " + ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())


def preannotate(
    project: Settings,
    *,
    articles: ArticleSources = None,
    engine: EngineName = None,
    model: EngineModel = None,
    options: EngineOptions = None,
    out: Annotated[
        str | Path | None, Option("JSON-lines file; default: preannotations/ENGINE.jsonl in work.", metavar="PATH")
    ] = None,
    calibration: Annotated[
        Path | None, Option("What `curation calibrate` wrote: calibrated scores, doubtful items left out.")
    ] = None,
    workers: Annotated[
        int | None,
        Option("Worker processes, default 1, on a cluster its CPUs; the result is the same.", min=1, max=4096),
    ] = None,
    ray: Annotated[
        str | None,
        Option(
            "Work on this Ray cluster (auto, HOST:PORT, or local to start one); --articles and --out may be "
            "addresses, such as s3://bucket/articles.",
            metavar="ADDRESS",
        ),
    ] = None,
    on_progress: Annotated[OnProgress, Counts("articles annotated")] = silent,
) -> PreannotateResult:
    """Annotate every article and write the annotations to `out` as one whole file.

    An article that cannot be used is counted and named, the others are annotated; `out` appears only at the end. A run
    that was interrupted leaves its finished shards in a folder beside `out`, and the next one continues from them.

    Args:
        project: whose schema, lexicon and articles are used.
        articles: files, folders or globs instead of the project's.
        engine: name of the engine instead of the project's.
        model: its model: a name or a folder.
        options: options of the engine.
        out: where to write instead of the project's work folder.
        calibration: what `curation calibrate` wrote for this engine: scores are changed, doubtful items left out.
        workers: processes to work in, one by default, of a cluster all its CPUs; the result is the same.
        ray: a Ray cluster to work on (`local` starts one here); `articles` and `out` may then be addresses that fsspec
            understands, such as s3://bucket/articles.
        on_progress: progress callback; the articles are then counted first.

    Raises:
        EngineError: the engine or its model is not there.
        WorkerError: a worker died, or there is no cluster at the address.
        BadInput: the calibration is of another engine.
        Busy: another run writes to the same place.
        CurationError: no article could be used, or `out` cannot be written.
    """
    sources = list(articles or project.articles)
    recipe = engine_recipe(project, engine, model, options)
    target = str(out or project.preannotations.with_name(f"{recipe.name}.jsonl"))
    parts = target.removesuffix(".jsonl") + ".parts"
    if ray is not None:  # nodes have working folders of their own
        target, parts, *sources = (
            place if is_url(place) else str(Path(place).absolute()) for place in (target, parts, *sources)
        )
    elif (address := next(filter(is_url, (*sources, target)), None)) is not None:
        raise BadInput("is an address", path=address, way_out="work on a cluster (--ray local starts one here)")
    counts = dict.fromkeys(("articles", "annotated", "kept", "dropped", "entities", "events", "arguments"), 0)
    problems = _Problems()
    keys: set[str] = set()
    confidence = load_calibration(calibration) if calibration else None
    estimate = None if on_progress is silent else _Estimate(project, sources, on_progress)

    def lines(shards: Iterable[Shard]) -> Iterator[str]:
        for shard in shards:
            counts["kept"] += shard.articles if shard.kept else 0
            counts["articles"] += shard.articles
            for problem in shard.problems:
                if problem.doubtful is not None:
                    problems.doubts.add(problem.doubtful, problem.reason, problem.hint)
                else:
                    counts["articles"] += 1
                    problems.refuse(problem.what, problem.reason)
            if estimate:
                estimate.add(shard)
            for result in read_shard(shard):
                if isinstance(result, LeftOut):
                    problems.leave_out(result)
                    continue
                if isinstance(result, Failure):
                    problems.refuse(f"{result.article_id}: {result.reason}", result.reason)
                    continue
                if confidence:
                    items = len(result.items())
                    result = apply(confidence, result)
                    counts["dropped"] += items - len(result.items())
                keys.add(result.annotator.key)
                counts["annotated"] += 1
                counts["entities"] += len(result.entities)
                counts["events"] += len(result.events)
                counts["arguments"] += sum(len(event.arguments) for event in result.events)
                yield result.to_json()
        if not counts["annotated"]:
            why = problems.lines[0] if problems.lines else f"{', '.join(sources)}: empty; give it at least one article"
            raise BadInput(f"no article could be annotated: {why}")

    # on a cluster, the articles are read on a node, which does not have our work folder
    reader = article_reader(project, sources, keep_originals=ray is None)
    read = partial(_screened, reader, recipe.schema.language, project.clean == "html")
    task = AnnotateShards(recipe, portable=ray is not None)
    on_article = estimate.tick if estimate else _ignore
    with (
        shard_executor(task, count=workers, ray=ray, on_article=on_article) as executor,
        shard_folder(parts, "preannotate"),
    ):
        if confidence and executor.about["engine"] != confidence.engine:
            what = f"is of {confidence.engine}, not {executor.about['engine']}"
            raise BadInput(what, path=calibration, way_out="calibrate this engine: curation calibrate")
        if estimate:
            estimate.begin()
        try:
            write_lines(target, lines(executor.shards(read, parts)))
        except BadInput:
            remove_shards(parts)  # a failure may be temporary
            raise
        remove_shards(parts)
    return PreannotateResult(engine=keys.pop(), out=target, **counts, **problems.fields())


def _screened(read: Callable[[], Iterable[Article | BadInput]], language: str, cleaned: bool) -> Iterator[Any]:
    return screened(read(), language, cleaned=cleaned)


def _ignore(article: Article) -> None: ...


class _Problems:
    """Refused articles and left-out items: the first of them in words, all of them counted."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._remarks: list[str] = []
        self._reasons: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self.doubts = DoubtCounts()

    def refuse(self, problem: str, reason: str) -> None:
        """An article is refused; `reason` is `problem` without what names the article."""
        _count(self._reasons, reason, 1)
        if len(self.lines) < SHOWN:
            self.lines.append(problem)

    def leave_out(self, found: LeftOut) -> None:
        """Something of an article could not be used."""
        for reason, count in found.left_out.items():
            _count(self._left_out, reason, count)
        if len(self._remarks) < SHOWN:
            counts = ", ".join(f"{count} {reason}" for reason, count in sorted(found.left_out.items()))
            self._remarks.append(f"{found.article_id}: {counts}")

    def fields(self) -> dict[str, Any]:
        """The fields of the result."""
        return {
            "refused": self._reasons.total(),
            "problems": tuple(self.lines),
            "reasons": dict(self._reasons.most_common()),
            "left_out": dict(self._left_out.most_common()),
            "remarks": tuple(self._remarks),
            "doubtful": self.doubts.counts(),
            "doubts": tuple(f"{what}; {hint}" for what, hint in self.doubts.lines()),
        }


def _count(counts: Counter[str], reason: str, more: int) -> None:
    reason = one_line(reason, 200)
    counts[reason if reason in counts or len(counts) < REASONS else "other"] += more


class _Estimate:
    """Seconds left, from the characters this run annotated: articles differ in length, kept shards cost nothing."""

    def __init__(self, project: Settings, sources: list[str], on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._articles = self._characters = 0
        for found in project_articles(project, sources):
            if isinstance(found, Article):
                self._articles += 1
                self._characters += len(found.text)
        self._done = self._passed = self._worked = 0  # articles; characters behind us; of these, by this run
        self._within: tuple[int, int] = (0, 0)  # articles and characters of the shard that is not done yet
        self._began = perf_counter()

    def begin(self) -> None:
        """The engine is loaded: the time counts from here."""
        self._began = perf_counter()

    def tick(self, article: Article) -> None:
        """One more article of a shard that is not done yet."""
        self._within = self._within[0] + 1, self._within[1] + len(article.text)
        self._show()

    def add(self, shard: Shard) -> None:
        """One more shard is done."""
        self._done += shard.articles
        self._passed += shard.characters
        self._worked += 0 if shard.kept else shard.characters
        self._within = 0, 0
        self._show()

    def _show(self) -> None:
        articles, characters = self._within
        worked, left = self._worked + characters, self._characters - self._passed - characters
        seconds = (perf_counter() - self._began) / worked * left if worked else None
        self._on_progress(self._done + articles, self._articles, seconds)
