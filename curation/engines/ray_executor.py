"""The same shards on a cluster, by Ray Data: what is read, annotated and written never passes through this machine.

Articles are read on one node and streamed to workers on all; a worker writes each shard where all can reach it, under
the name it would have on one machine. What is there already is not repeated.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import ray
from fsspec.implementations.local import LocalFileSystem
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.engines.engine import Engine, Failure, batches
from curation.engines.local_executor import LeftOut, Recipe, lines, record_of, shard_key, shard_name, whole_shard
from curation.engines.rules.lexicon import lexicon_files
from curation.errors import BadInput, CurationError, EngineError, one_line
from curation.files import json_object, write_jsonl

SHARD_ARTICLES, SHARD_CHARACTERS = 256, 2_000_000
"""How much a shard holds, whichever comes first: a cluster has more to do for each than a process of one machine."""

STARTS = 3
"""How often a cluster on this machine is tried: Ray waits half a minute for its parts, too little on a busy one."""

Read = Callable[[], Iterator[Article | BadInput]]


class Problem(NamedTuple):
    """An article that could not be read: the whole problem, and the reason without what names the article."""

    what: str
    reason: str


class RemoteShard(NamedTuple):
    """A shard that is done, at an address. `kept` is one that an earlier run had finished.

    `problems` are of articles that could not be read on the way to it.
    """

    url: str
    articles: int
    characters: int
    kept: bool
    problems: tuple[Problem, ...]

    def read(self) -> Iterator[Annotation | Failure | LeftOut]:
        """The engine's result for each article, in their order. Raises BadInput where the file lacks some."""
        if self.articles:
            path = Path(self.url)
            with fsspec.open(self.url, "rb") as file:
                records = (
                    record_of(json_object(line, path=path, line=number), path, number)
                    for number, line in enumerate(file, start=1)
                )
                yield from whole_shard(records, path, self.articles)


class Cluster(NamedTuple):
    """A cluster that is at hand: whose annotations its workers make, and how many workers."""

    annotator: Annotator
    workers: int


@contextmanager
def cluster(recipe: Recipe, address: str, workers: int | None) -> Iterator[Cluster]:
    """Connect to a cluster, or start one on this machine, for as long as the block lasts.

    Args:
        recipe: the engine; its model is looked for on each node, its lexicon is sent along.
        address: where Ray is (`auto`, `host:6379`, `ray://host:10001`), or `local` to start it here.
        workers: how many, each with a CPU; default: as many as there are CPUs.

    Raises:
        EngineError: no cluster answers, or the engine or its model is not there.
    """
    own = not ray.is_initialized()
    if own:
        _connect(address, workers)
    try:
        with _told():
            made = ray.remote(num_cpus=1)(_annotator).remote(recipe, _lexicon(recipe))
            yield Cluster(ray.get(made), workers or max(1, int(ray.cluster_resources().get("CPU", 1))))
    finally:
        if own:
            ray.shutdown()


def _connect(address: str, workers: int | None) -> None:
    settings: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == "local":
        settings |= {"num_cpus": workers, "include_dashboard": False}
    else:
        settings |= {"address": address}
    for left in range(STARTS - 1 if address == "local" else 0, -1, -1):
        try:
            ray.init(**settings)
            return
        except Exception as error:  # whatever Ray raises where nothing answers, or where a busy machine is slow
            ray.shutdown()
            if not left:
                reason = one_line(f"{type(error).__name__}: {error}", 200)
                raise EngineError(
                    f"no Ray cluster at {address!r} ({reason}); check the address, or use local"
                ) from error


def annotate_on(at: Cluster, read: Read, recipe: Recipe, parts: str) -> Iterator[RemoteShard]:
    """Have every article annotated on the cluster; gives the shards in order, each when it is done.

    Args:
        at: the cluster, made for `recipe`.
        read: gives the articles, on whatever node it is called.
        recipe: the engine.
        parts: the address of the folder of shards.

    Raises:
        EngineError: the engine fails as a whole, or workers died.
        CurationError: a shard cannot be written.
    """
    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context.target_max_block_size = 1  # a block for each shard, to be worked on by itself
    context.target_min_block_size = 0
    with ray.data.DataContext.current(context), _told():
        source = _Shards(read, shard_key(at.annotator, recipe), parts)
        shards = ray.data.read_datasource(source, override_num_blocks=1, num_cpus=0)
        done = shards.map_batches(
            _Worker,
            fn_constructor_args=(recipe, _lexicon(recipe)),
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=at.workers),
            num_cpus=1,
            max_restarts=2,  # else a text that kills workers would do so for ever
            max_task_retries=2,
        )
        for row in done.iter_rows():
            if row["failed"]:
                raise EngineError(row["failed"])
            problems = tuple(Problem(*one) for one in json.loads(row["problems"]))
            yield RemoteShard(row["url"], int(row["articles"]), int(row["characters"]), bool(row["kept"]), problems)


def remove_at(parts: str) -> None:
    """Remove the folder of shards, once what they held stands elsewhere."""
    system, path = fsspec.core.url_to_fs(parts)
    if system.exists(path):
        system.rm(path, recursive=True)


def write_at(url: str, records: Iterable[str]) -> None:
    """Write ready-made JSON `records`, one a line, at an address, where they appear whole or not at all."""
    system, path = fsspec.core.url_to_fs(url)
    if isinstance(system, LocalFileSystem):
        write_jsonl(Path(path), records)
        return
    try:
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with system.transaction, system.open(path, "wb") as file:
            for record in records:
                file.write(record.encode() + b"\n")
    except OSError as error:
        raise CurationError(
            f"{url}: cannot be written: {error.strerror or error}; check what may write there"
        ) from error


class _Shards(Datasource):  # type: ignore[misc]
    """Articles cut into shards: a row for each, with its articles and what could not be read before it."""

    def __init__(self, read: Read, key: bytes, parts: str) -> None:
        self._read, self._key, self._parts = read, key, parts

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None) -> Any:
        metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(self._blocks, metadata)]

    def _blocks(self) -> Iterator[Any]:
        import pyarrow as pa

        problems: list[Problem] = []

        def usable() -> Iterator[Article]:
            for found in self._read():
                if isinstance(found, BadInput):
                    problems.append(Problem(str(found), found.what))
                else:
                    yield found

        def row(url: str, batch: list[Article], failed: str = "") -> Any:
            told = json.dumps(problems)
            problems.clear()
            articles = [article.to_json() for article in batch]
            characters = sum(len(article.text) for article in batch)
            return pa.table(
                {"url": [url], "texts": [json.dumps(articles)], "articles": [len(batch)], "characters": [characters],
                 "problems": [told], "failed": [failed]}
            )  # fmt: skip

        try:
            for batch in batches(usable(), SHARD_ARTICLES, SHARD_CHARACTERS):
                yield row(f"{self._parts}/{shard_name(self._key, batch)}", batch)
            yield row("", [])
        except Exception as error:
            yield row("", [], _reason(error))


class _Worker:
    """Annotates shards on a node, with an engine of its own that is made when the first one comes."""

    def __init__(self, recipe: Recipe, files: dict[str, str]) -> None:
        self._recipe, self._files = recipe, files
        self._engine: Engine | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        url, texts = str(batch["url"][0]), json.loads(batch.pop("texts")[0])
        kept = bool(texts) and _exists(url)
        if texts and not kept:
            try:
                self._engine = self._engine or _made(self._recipe, self._files)
                articles = [Article.from_record(json.loads(text), path=Path(url)) for text in texts]
                write_at(url, lines(self._engine, articles))
            except Exception as error:  # Ray would tell the traceback, and not the reason
                batch["failed"] = [_reason(error)]
        batch["kept"] = [kept]
        return batch


def _reason(error: Exception) -> str:
    known = isinstance(error, CurationError)
    return str(error) if known else one_line(f"on the cluster: {type(error).__name__}: {error}")


def _exists(url: str) -> bool:
    system, path = fsspec.core.url_to_fs(url)
    return bool(system.exists(path))


def _lexicon(recipe: Recipe) -> dict[str, str]:
    return lexicon_files(recipe.lexicon) if recipe.lexicon else {}


def _made(recipe: Recipe, files: dict[str, str]) -> Engine:
    """The engine on another node, where the lexicon's files do not exist yet and there is no cache folder."""
    if recipe.lexicon is None:
        return recipe._replace(cache=None).load()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
        return recipe._replace(lexicon=Path(folder) / recipe.lexicon.name, cache=None).load()


def _annotator(recipe: Recipe, files: dict[str, str]) -> Annotator:
    return _made(recipe, files).annotator


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong on a node, in one line and without its traceback."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        raise EngineError(_reason(error.cause)) from error
    except ray.exceptions.RayError as error:
        reason = one_line(f"{type(error).__name__}: {error}", 200)
        raise EngineError(f"workers of the cluster died ({reason}); run again, finished shards are kept") from error
