"""Map a function over items or shards of articles: in this process, in worker processes, or on a Ray cluster.

Results come in the order of the input and do not depend on the number of workers. `workers` returns them in memory.
`shard_executor` writes one file of JSON lines for each shard; an interrupted run continues after the finished shards.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from curation.article import Article
from curation.errors import BadInput, CurationError, DoubtfulArticle, WorkerError, one_line
from curation.files import is_url, json_object, read_jsonl, write_jsonl
from curation.locks import exclusive

T = TypeVar("T")
R = TypeVar("R")
Map = Callable[[Iterable[T]], Iterator[R]]
"""Applies a function to items; gives the results in order."""

SHARD_ARTICLES, SHARD_CHARACTERS = 32, 200_000
"""Limits of a shard, whichever is reached first: large enough to keep a model busy, small enough to repeat."""
CLUSTER_SHARD_ARTICLES, CLUSTER_SHARD_CHARACTERS = 256, 2_000_000
"""The same on a cluster, where each shard has a higher fixed cost."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Set to 1 in worker processes, which would otherwise compete for the cores."""

_AHEAD = 2
"""Items for each worker that are in work or waiting for it."""
_CONNECTION_ATTEMPTS = 3
"""Attempts to start a cluster on this machine: Ray waits 30 s for its processes, too little on a busy machine."""


# Functions over items, with results in memory


@contextmanager
def workers(function: Callable[[T], R], count: int | None = 1, *, ray: str | None = None) -> Iterator[Map[T, R]]:
    """Workers that apply `function` to items, as long as the block runs.

    `function` is pickled once for each worker. It may load what it needs at its first call, and keep it.

    Args:
        function: what to apply; 1 worker without Ray uses it in this process.
        count: number of workers. On a cluster the default is one for each CPU, without Ray 1.
        ray: address of a Ray cluster (`auto`, `host:6379`, `ray://host:10001`), or `local` to start one here. Items may
            then also be object references.

    Raises:
        WorkerError: a worker died, or there is no cluster at the address.
        Exception: whatever `function` raises; on a cluster, anything but a CurationError becomes a WorkerError.
    """
    if ray is not None:
        with _cluster(ray, count), _actors(function, count) as actors:
            yield partial(_map_on_cluster, actors)
    elif count in (None, 1):
        yield partial(map, function)
    else:
        context = multiprocessing.get_context("spawn")
        with _one_thread_each(), ProcessPoolExecutor(count, context, _begin_worker, (function,)) as pool:
            try:
                yield partial(_map_in_pool, pool, _AHEAD * (count or 1))
            except BrokenProcessPool as error:
                raise WorkerError(
                    "a worker died, perhaps for lack of memory; run again with fewer workers, finished shards are kept"
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)


def _map_in_pool(pool: ProcessPoolExecutor, ahead: int, items: Iterable[Any]) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(_apply, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_function: Callable[[Any], Any]


def _begin_worker(function: Callable[[Any], Any]) -> None:
    """Set up a worker process."""
    global _function
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent: shards in work are finished
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """End this worker when its parent is killed; otherwise it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _apply(item: Any) -> Any:
    return _function(item)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes inherit the environment when they start, before they load a library that reads it."""
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


# Shards of articles, with results in files


class ShardTask(Protocol):
    """The work on a shard of articles. It is pickled once for each worker, before its first call."""

    def about(self) -> dict[str, Any]:
        """Everything besides the articles that the lines depend on, fit for JSON. Loads what the task needs."""
        ...

    def lines(self, articles: list[Article], on_article: Callable[[Article], None]) -> Iterator[str]:
        """The results for `articles` as lines of JSON; calls `on_article` when an article is done."""
        ...


class Problem(NamedTuple):
    """An article that could not be read: the whole message, and the reason without file and line.

    With a `doubtful` id, it is only a warning about an article that is used: `reason`, and `hint` what to do.
    """

    what: str
    reason: str
    doubtful: str | None = None
    hint: str = ""


class Shard(NamedTuple):
    """A finished shard.

    url          path or address of its file; empty if it has no articles
    articles     number of its articles
    characters   length of their texts, in code points
    kept         whether an earlier run had finished it
    problems     articles that could not be read and warnings, between the previous shard and the end of this one
    """

    url: str
    articles: int
    characters: int
    kept: bool
    problems: tuple[Problem, ...]

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Line number and record of each line of the file."""
        if self.url and not is_url(self.url):
            yield from read_jsonl(Path(self.url))
        elif self.url:
            import fsspec

            with fsspec.open(self.url, "rb") as file:
                for number, line in enumerate(file, start=1):
                    yield number, json_object(line, path=Path(self.url), line=number)


class ShardExecutor:
    """Runs a `ShardTask`. `about` describes the task, as its workers see it."""

    def __init__(self, run: Map[Any, Any], stream: Callable[..., Iterator[Any]]) -> None:
        self._run, self._stream = run, stream
        self.about: dict[str, Any] = next(run([_ABOUT]))

    def shards(self, read: Callable[[], Iterable[Article | BadInput]], folder: str) -> Iterator[Shard]:
        """Work on all articles; gives the shards in order, each when it is finished. Only few are read ahead.

        Args:
            read: gives the articles; on a cluster it is called on one of the nodes.
            folder: path or address of the folder of shards. Hold it with `shard_folder`.

        Raises:
            WorkerError: a worker died.
            CurationError: the task fails as a whole, or a shard cannot be written.
        """
        key = hashlib.sha256(json.dumps(self.about, sort_keys=True).encode()).digest()
        return self._run(self._stream(read, folder, key))


@contextmanager
def shard_executor(
    task: ShardTask,
    *,
    count: int | None = None,
    ray: str | None = None,
    on_article: Callable[[Article], None] = lambda article: None,
) -> Iterator[ShardExecutor]:
    """An executor for `task`, as long as the block runs.

    Args:
        task: the work.
        count: number of workers; see `workers`.
        ray: address of a Ray cluster; see `workers`.
        on_article: called when an article is done, if the only worker is this process.

    Raises:
        WorkerError: a worker died, or there is no cluster at the address.
        CurationError: the task cannot be loaded.
    """
    here = ray is None and count in (None, 1)
    with workers(_ShardFunction(task, on_article if here else None), count, ray=ray) as run:
        yield ShardExecutor(run, _stream_from_node if ray is not None else _local_stream)


@contextmanager
def shard_folder(folder: str, job: str) -> Iterator[None]:
    """Hold the folder of shards while the block runs, and remove it if no shard is in it then.

    A folder on this machine is locked; for an address, the caller sees to it that one run at a time uses it.

    Raises:
        Busy: another run uses the folder.
        CurationError: the folder cannot be written.
    """
    if is_url(folder):
        yield
        return
    with exclusive(Path(folder) / ".lock", job, hint="name another place with --out"):
        try:
            yield
        finally:
            if not any(Path(folder).glob("*.jsonl")):
                remove_shards(folder)


def remove_shards(folder: str) -> None:
    """Remove the folder of shards, after their content was written elsewhere."""
    if not is_url(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return
    import fsspec

    system, path = fsspec.core.url_to_fs(folder)
    if system.exists(path):
        system.rm(path, recursive=True)


def write_lines(url: str, lines: Iterable[str]) -> None:
    """Write lines of JSON as a whole file at a path or an address. Raises CurationError if it cannot be written."""
    if not is_url(url):
        write_jsonl(Path(url), lines)
        return
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    try:
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with system.transaction, system.open(path, "wb") as file:
            for line in lines:
                file.write(line.encode() + b"\n")
    except OSError as error:
        reason = error.strerror or error
        raise CurationError(f"{url}: cannot be written: {reason}; check the permissions there") from error


def batches(articles: Iterable[Article], most: int, characters: int) -> Iterator[list[Article]]:
    """Batches of neighbouring articles: at most `most`; a batch ends with the article that fills `characters`."""
    batch: list[Article] = []
    length = 0
    for article in articles:
        batch.append(article)
        length += len(article.text)
        if len(batch) >= most or length >= characters:
            yield batch
            batch, length = [], 0
    if batch:
        yield batch


_ABOUT = "about"
"""The request to a worker that is not a shard."""


class _Item(NamedTuple):
    """A shard that is to be worked on."""

    url: str
    articles: list[Article]
    problems: tuple[Problem, ...]


class _ShardFunction:
    """The function of a worker: an item becomes a file and a `Shard`."""

    def __init__(self, task: ShardTask, on_article: Callable[[Article], None] | None) -> None:
        self._task, self._on_article = task, on_article

    def __call__(self, item: Any) -> Any:
        if item == _ABOUT:
            return self._task.about()
        kept = bool(item.url) and _exists(item.url)
        if item.url and not kept:
            write_lines(item.url, self._task.lines(item.articles, self._on_article or _ignore))
        characters = sum(len(article.text) for article in item.articles)
        return Shard(item.url, len(item.articles), characters, kept, item.problems)


def _ignore(article: Article) -> None: ...


def _local_stream(read: Callable[[], Iterable[Article | BadInput]], folder: str, key: bytes) -> Iterator[_Item]:
    return _items(read, folder, key, SHARD_ARTICLES, SHARD_CHARACTERS)


def _items(
    read: Callable[[], Iterable[Article | BadInput]], folder: str, key: bytes, most: int, characters: int
) -> Iterator[_Item]:
    """Shards of the articles. The name of a file is a hash of `key` and the articles."""
    problems: list[Problem] = []

    def usable() -> Iterator[Article]:
        for found in read():
            if isinstance(found, DoubtfulArticle):
                problems.append(Problem(str(found), found.what, found.article_id, found.hint))
            elif isinstance(found, BadInput):
                problems.append(Problem(str(found), found.what))
            else:
                yield found

    def item(url: str, batch: list[Article]) -> _Item:
        found = tuple(problems)
        problems.clear()
        return _Item(url, batch, found)

    for batch in batches(usable(), most, characters):
        name = hashlib.sha256(key)
        for article in batch:
            name.update(hashlib.sha256(article.to_json().encode()).digest())
        yield item(f"{folder}/{name.hexdigest()[:32]}.jsonl", batch)
    if problems:
        yield item("", [])


def _exists(url: str) -> bool:
    if not is_url(url):
        return Path(url).exists()
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    return bool(system.exists(path))


# Ray


@contextmanager
def _cluster(address: str, count: int | None) -> Iterator[None]:
    """Connect to a Ray cluster, or start one on this machine, unless this process is connected already."""
    import ray

    own = not ray.is_initialized()
    if own:
        _connect(address, count)
    try:
        yield
    finally:
        if own:
            ray.shutdown()


def _connect(address: str, count: int | None) -> None:
    import ray

    settings: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == "local":
        settings |= {"num_cpus": count, "include_dashboard": False}
    else:
        settings |= {"address": address}
    for left in range(_CONNECTION_ATTEMPTS - 1 if address == "local" else 0, -1, -1):
        try:
            ray.init(**settings)
            return
        except Exception as error:  # Ray raises many kinds if nothing answers, or if a busy machine is slow
            ray.shutdown()
            if not left:
                reason = one_line(f"{type(error).__name__}: {error}", 200)
                raise WorkerError(
                    f"no Ray cluster at {address!r} ({reason}); check the address, or use local"
                ) from error


class _Worker:
    """An actor that applies a function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def apply(self, item: Any) -> Any:
        return self._function(item)


@contextmanager
def _actors(function: Callable[[Any], Any], count: int | None) -> Iterator[list[Any]]:
    import ray

    # Restarts are limited: an article that kills workers would do so for ever.
    worker = ray.remote(num_cpus=1, max_restarts=2, max_task_retries=2)(_Worker)
    count = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
    actors = [worker.remote(function) for _ in range(count)]
    try:
        yield actors
    finally:
        for actor in actors:
            ray.kill(actor)


def _map_on_cluster(actors: list[Any], items: Iterable[Any]) -> Iterator[Any]:
    with _cluster_errors():
        yield from _in_order(actors, items)


def _in_order(actors: list[Any], items: Iterable[Any]) -> Iterator[Any]:
    import ray

    ahead = _AHEAD * len(actors)
    order: deque[Any] = deque()  # results that were not given yet
    running: dict[Any, int] = {}  # result that is in work → its actor
    for item in items:
        while len(running) >= ahead:
            for done in ray.wait(list(running), num_returns=1)[0]:
                del running[done]
        load = Counter(running.values())
        actor = min(range(len(actors)), key=lambda number: load[number])
        result = actors[actor].apply.remote(item)
        running[result] = actor
        order.append(result)
        while order and (len(order) > 2 * ahead or ray.wait([order[0]], timeout=0)[0]):
            yield ray.get(order.popleft())
    while order:
        yield ray.get(order.popleft())


def _stream_from_node(read: Callable[[], Iterable[Article | BadInput]], folder: str, key: bytes) -> Iterator[Any]:
    """References to shards that are read on a node, so that the articles do not pass through this process."""
    import ray

    options: dict[str, Any] = {"num_cpus": 0, "num_returns": "streaming", "_generator_backpressure_num_objects": 8}
    stream = ray.remote(**options)(_items)
    return iter(stream.remote(read, folder, key, CLUSTER_SHARD_ARTICLES, CLUSTER_SHARD_CHARACTERS))


@contextmanager
def _cluster_errors() -> Iterator[None]:
    """Errors on a node in one line, without its traceback."""
    import ray

    try:
        yield
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, CurationError):
            raise error.cause from error
        raise WorkerError(one_line(f"on the cluster: {type(error.cause).__name__}: {error.cause}")) from error
    except ray.exceptions.RayError as error:
        reason = one_line(f"{type(error).__name__}: {error}", 200)
        raise WorkerError(f"workers of the cluster died ({reason}); run again, finished shards are kept") from error
