"""Pre-annotate: articles in, one engine annotation a line out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from curation.annotation import Annotator
from curation.article import Article, Value
from curation.confidence import apply, load_confidence
from curation.engines import Failure, LeftOut, Shard, alone_in, annotate_shards, crew, remove
from curation.errors import BadInput, one_line
from curation.files import write_jsonl
from curation.formats.articles import is_url, read_articles
from curation.jobs.engines import engine_recipe
from curation.settings import Settings

if TYPE_CHECKING:
    from curation.engines.ray_executor import RemoteShard

SHOWN = 20
"""How many problems a report spells out; all are counted."""


REASONS = 50
"""How many reasons are told apart; what comes later counts as `other`."""


class PreannotateReport(Value):
    """What the run did. `problems` spells out the first of the `refused` articles, one line each.

    `reasons`: why articles were refused, and how many for each. `left_out`: what engines found in articles and could
    not use, and how much, by reason; `remarks` spells out the first of these articles. `kept` articles were done by an
    earlier run that was interrupted. `dropped` entities and events were left out for their score, with their arguments,
    as the calibration has it.
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


class OnProgress(Protocol):
    """Told how many articles are done of how many, and the seconds left, as far as they can be told."""

    def __call__(self, count: int, total: int, seconds_left: float | None) -> None:
        """One more article, or one more shard, is done."""


def preannotate(
    project: Settings,
    *,
    articles: list[str] | None = None,
    engine: str | None = None,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    calibration: Path | None = None,
    workers: int | None = None,
    ray: str | None = None,
    on_progress: OnProgress | None = None,
) -> PreannotateReport:
    """Annotate every article and write the annotations to `out` as one whole file.

    An article that cannot be used is counted and named, and the rest go on; `out` appears only at the end. A run that
    was interrupted leaves the shards it had finished in a folder beside `out`, and the next one goes on from them.

    Args:
        project: whose schema, lexicon and articles are used.
        articles: files, folders or globs instead of the project's.
        engine: name of the engine instead of the project's.
        model: its model: a name or a folder.
        options: what else the engine is told.
        out: where to write instead of the project's work folder.
        calibration: what `curation calibrate` wrote for this engine: scores are changed, doubtful items left out.
        workers: processes to work in, one by default, of a cluster all its CPUs; the result is the same.
        ray: a Ray cluster to work on (`local` starts one here); `articles` and `out` may then be addresses that fsspec
            understands, such as s3://bucket/articles.
        on_progress: who wants to know; the articles are then counted first.

    Raises:
        EngineError: the engine or its model is not there.
        BadInput: the calibration is of another engine.
        Busy: another run writes to the same place.
        CurationError: no article could be used, or `out` cannot be written.
    """
    sources = articles or list(project.articles)
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
    told = _Told()
    keys: set[str] = set()
    confidence = load_confidence(calibration) if calibration else None
    estimate = _Estimate(sources, on_progress) if on_progress else None

    def usable() -> Iterator[Article]:
        for found in read_articles(sources):
            counts["articles"] += 1
            if isinstance(found, BadInput):
                told.refuse(str(found), found.what)
            else:
                yield found

    def lines(shards: Iterable[Shard | RemoteShard]) -> Iterator[str]:
        for shard in shards:
            counts["kept"] += shard.articles if shard.kept else 0
            if not isinstance(shard, Shard):
                counts["articles"] += shard.articles + len(shard.problems)
                for problem in shard.problems:
                    told.refuse(*problem)
            if estimate:
                estimate.add(shard)
            for made in shard.read():
                if isinstance(made, LeftOut):
                    told.leave_out(made)
                    continue
                if isinstance(made, Failure):
                    told.refuse(f"{made.article_id}: {made.reason}", made.reason)
                    continue
                if confidence:
                    items = len(made.items())
                    made = apply(confidence, made)
                    counts["dropped"] += items - len(made.items())
                keys.add(made.annotator.key)
                counts["annotated"] += 1
                counts["entities"] += len(made.entities)
                counts["events"] += len(made.events)
                counts["arguments"] += sum(len(event.arguments) for event in made.events)
                yield made.to_json()
        if not counts["annotated"]:
            why = told.problems[0] if told.problems else f"{', '.join(sources)}: empty; give it at least one article"
            raise BadInput(f"no article could be annotated: {why}")

    def ready(annotator: Annotator) -> None:
        if confidence and annotator.key != confidence.engine:
            raise BadInput(
                f"is of {confidence.engine}, not {annotator.key}",
                path=calibration,
                way_out="calibrate this engine: curation calibrate",
            )
        if estimate:
            estimate.begin()

    if ray is not None:
        from curation.engines.ray_executor import annotate_on, cluster, remove_at, write_at

        with cluster(recipe, ray, workers) as at:
            ready(at.annotator)
            try:
                write_at(target, lines(annotate_on(at, partial(_read, sources), recipe, parts)))
            except BadInput:
                remove_at(parts)  # what failed may go better another time
                raise
            remove_at(parts)
    else:
        folder = Path(parts)
        with (
            crew(recipe, workers or 1, on_article=estimate.tick if estimate else None) as working,
            alone_in(folder),
        ):
            ready(working.annotator)
            try:
                write_jsonl(Path(target), lines(annotate_shards(usable(), recipe, working, folder)))
            except BadInput:
                remove(folder)
                raise
            remove(folder)
    return PreannotateReport(engine=keys.pop(), out=target, **counts, **told.report())


def _read(sources: list[str]) -> Iterator[Article | BadInput]:
    """The articles, on whatever machine this runs."""
    return read_articles(sources)


class _Told:
    """What was refused and what was left out: the first of it in words, all of it in numbers."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._remarks: list[str] = []
        self._reasons: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def refuse(self, problem: str, reason: str) -> None:
        """An article is refused; `reason` is `problem` without what names the article."""
        _count(self._reasons, reason, 1)
        if len(self.problems) < SHOWN:
            self.problems.append(problem)

    def leave_out(self, found: LeftOut) -> None:
        """Something of an article could not be used."""
        for reason, count in found.left_out.items():
            _count(self._left_out, reason, count)
        if len(self._remarks) < SHOWN:
            said = ", ".join(f"{count} {reason}" for reason, count in sorted(found.left_out.items()))
            self._remarks.append(f"{found.article_id}: {said}")

    def report(self) -> dict[str, Any]:
        """The report's fields."""
        return {
            "refused": self._reasons.total(),
            "problems": tuple(self.problems),
            "reasons": dict(self._reasons.most_common()),
            "left_out": dict(self._left_out.most_common()),
            "remarks": tuple(self._remarks),
        }


def _count(counts: Counter[str], reason: str, more: int) -> None:
    reason = one_line(reason, 200)
    counts[reason if reason in counts or len(counts) < REASONS else "other"] += more


class _Estimate:
    """Seconds left, from the characters this run annotated: articles differ in length, kept shards cost nothing."""

    def __init__(self, sources: list[str], tell: OnProgress) -> None:
        self._tell = tell
        self._articles = self._characters = 0
        for found in _read(sources):
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
        self._say()

    def add(self, shard: Shard | RemoteShard) -> None:
        """One more shard is done."""
        self._done += shard.articles
        self._passed += shard.characters
        self._worked += 0 if shard.kept else shard.characters
        self._within = 0, 0
        self._say()

    def _say(self) -> None:
        articles, characters = self._within
        worked, left = self._worked + characters, self._characters - self._passed - characters
        seconds = (perf_counter() - self._began) / worked * left if worked else None
        self._tell(self._done + articles, self._articles, seconds)
