"""Many articles, shard by shard: workers of their own processes, and a run that goes on where it was interrupted.

A shard is so many neighbouring articles. What the engine says of them is written to one file that appears whole, named
by a hash of engine, schema and articles: whoever runs the same again finds it and does not repeat it. Shards do not
depend on the number of workers, and so neither do results.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.engines.engine import Engine, Failure, batches, load_engine
from curation.errors import BadInput, EngineError
from curation.files import read_jsonl, write_jsonl
from curation.locks import exclusive
from curation.schema import LabelSchema

SHARD_ARTICLES, SHARD_CHARACTERS = 32, 200_000
"""How much a shard holds, whichever comes first: little enough to lose, enough to keep an engine busy."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Set to 1 in workers: threads of several workers would stand in each other's way."""


class Recipe(NamedTuple):
    """What it takes to make an engine, here or in another process; see `load_engine`."""

    name: str
    schema: LabelSchema
    lexicon: Path | None = None
    model: str | None = None
    cache: Path | None = None
    options: Mapping[str, Any] | None = None

    def load(self) -> Engine:
        """The engine. Raises what `load_engine` raises."""
        return load_engine(
            self.name,
            self.schema,
            lexicon=self.lexicon,
            model=self.model,
            cache=self.cache,
            options=self.options,
        )


class LeftOut(NamedTuple):
    """What of an article an engine could not use: how much, by reason. The article's annotation comes next."""

    article_id: str
    left_out: dict[str, int]


class Shard(NamedTuple):
    """A shard that is done. `kept` is one that an earlier run had finished."""

    path: Path
    articles: int
    characters: int
    kept: bool

    def read(self) -> Iterator[Annotation | Failure | LeftOut]:
        """The engine's result for each article, in their order. Raises BadInput where the file lacks some."""
        yield from whole_shard(
            (record_of(record, self.path, number) for number, record in read_jsonl(self.path)), self.path, self.articles
        )


def whole_shard(
    records: Iterable[Annotation | Failure | LeftOut], path: Path, articles: int
) -> Iterator[Annotation | Failure | LeftOut]:
    """The records of a shard, which have to be those of so many articles. Raises BadInput where some are missing."""
    found = 0
    for record in records:
        found += not isinstance(record, LeftOut)
        yield record
    if found != articles:
        raise BadInput(f"is damaged: {found} of {articles} articles", path=path, way_out="run again")


def record_of(record: dict[str, Any], path: Path, line: int) -> Annotation | Failure | LeftOut:
    """What a line of a shard says. Raises BadInput naming file, line and field."""
    if "reason" in record:
        return Failure(record["article_id"], record["reason"])
    if "left_out" in record:
        return LeftOut(record["article_id"], record["left_out"])
    return Annotation.from_record(record, path=path, line=line)


def shard_key(annotator: Annotator, recipe: Recipe) -> bytes:
    """What the names of all shards of a run hang on: the engine as it is, and the schema."""
    about = [annotator.key, recipe.model, recipe.options or {}, recipe.schema.model_dump_json(by_alias=True)]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).digest()


def shard_name(key: bytes, articles: Iterable[Article]) -> str:
    """The name of the file of a shard of these articles."""
    own = hashlib.sha256(key)
    for article in articles:
        own.update(hashlib.sha256(article.to_json().encode()).digest())
    return f"{own.hexdigest()[:32]}.jsonl"


class Crew(NamedTuple):
    """Who does the work: `start` takes a shard's articles and file, and gives what waits until the file is there."""

    annotator: Annotator
    start: Callable[[list[Article], Path], Callable[[], object]]
    ahead: int


@contextmanager
def crew(recipe: Recipe, workers: int, *, on_article: Callable[[Article], None] | None = None) -> Iterator[Crew]:
    """One worker works in this process, several in processes of their own, each with one thread and its own engine.

    Args:
        recipe: the engine to work with.
        workers: how many.
        on_article: called after each article, where the one worker is this process.

    Raises:
        EngineError: the engine or its model is not there, or a worker died.
        BadInput: the lexicon cannot be used.
    """
    if workers == 1:
        engine = recipe.load()
        yield Crew(
            engine.annotator, lambda articles, path: partial(_annotate, engine, articles, path, on_article), ahead=1
        )
        return
    context = multiprocessing.get_context("spawn")
    with _one_thread_each(), ProcessPoolExecutor(workers, context, _begin, (recipe,)) as pool:
        try:
            annotator = pool.submit(_annotator).result()
            yield Crew(annotator, lambda articles, path: pool.submit(_work, articles, path).result, ahead=2 * workers)
        except BrokenProcessPool as error:
            raise EngineError(
                "a worker died, perhaps for want of memory; run again with fewer --workers, finished shards are kept"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def annotate_shards(articles: Iterable[Article], recipe: Recipe, crew: Crew, parts: Path) -> Iterator[Shard]:
    """Have every article annotated; gives the shards in order, each when it is done. Little is read ahead.

    Args:
        articles: what to annotate.
        recipe: the engine, as `crew` was given it.
        crew: who annotates.
        parts: the folder of the shards' files. Hold it (`alone_in`) meanwhile; remove it when it is of no more use.

    Raises:
        EngineError: the engine fails as a whole, or a worker died.
        CurationError: a shard cannot be written.
    """
    key = shard_key(crew.annotator, recipe)
    waiting: deque[tuple[Shard, Callable[[], object]]] = deque()
    for batch in batches(articles, SHARD_ARTICLES, SHARD_CHARACTERS):
        path = parts / shard_name(key, batch)
        shard = Shard(path, len(batch), sum(len(article.text) for article in batch), kept=path.exists())
        waiting.append((shard, _nothing if shard.kept else crew.start(batch, path)))
        if len(waiting) >= crew.ahead:
            yield _done(*waiting.popleft())
    while waiting:
        yield _done(*waiting.popleft())


@contextmanager
def alone_in(parts: Path) -> Iterator[None]:
    """Hold the folder `parts`, which goes again if no shard is in it. Raises Busy where another run holds it."""
    with exclusive(parts / ".lock", "preannotate", hint="name another place with --out"):
        try:
            yield
        finally:
            if not any(parts.glob("*.jsonl")):
                remove(parts)


def remove(parts: Path) -> None:
    """Remove the folder of shards, once what they held stands elsewhere."""
    shutil.rmtree(parts, ignore_errors=True)


def _done(shard: Shard, wait: Callable[[], object]) -> Shard:
    wait()
    return shard


def _nothing() -> None: ...


def _annotate(
    engine: Engine, articles: list[Article], path: Path, on_article: Callable[[Article], None] | None
) -> None:
    write_jsonl(path, lines(engine, articles, on_article))


def lines(
    engine: Engine, articles: list[Article], on_article: Callable[[Article], None] | None = None
) -> Iterator[str]:
    """The lines of a shard: what the engine says of each article, as `Shard.read` reads it."""
    for article, made in zip(articles, engine.pipe(articles), strict=True):
        if left_out := engine.left_out(article.id):
            yield json.dumps(LeftOut(article.id, left_out)._asdict(), sort_keys=True)
        if isinstance(made, Failure):
            yield json.dumps(made._asdict(), ensure_ascii=True)
        else:
            yield made.to_json()
        if on_article:
            on_article(article)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers inherit the environment when they start, before they load any library that reads it."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_recipe: Recipe
_engine: Engine | None = None


def _begin(recipe: Recipe) -> None:
    """What a worker does first. The engine comes with the first task, so that its errors reach who asked."""
    global _recipe
    _recipe = recipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the parent's: what is begun is ended, and kept
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A parent that is killed tells nobody, and a worker would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _loaded() -> Engine:
    global _engine
    if _engine is None:
        _engine = _recipe.load()
    return _engine


def _annotator() -> Annotator:
    return _loaded().annotator


def _work(articles: list[Article], path: Path) -> None:
    _annotate(_loaded(), articles, path, None)
