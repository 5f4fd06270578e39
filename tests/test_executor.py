"""Functions and tasks give the same results, in the same order, for any number of workers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from curation.article import Article
from curation.errors import BadInput, Busy, CurationError, WorkerError
from curation.executor import (
    SHARD_ARTICLES,
    SHARD_CHARACTERS,
    Problem,
    Shard,
    batches,
    remove_shards,
    shard_executor,
    shard_folder,
    workers,
    write_lines,
)


def articles(count: int, text: str = "yes") -> Iterator[Article]:
    return (Article(id=f"a{number}", text=text) for number in range(count))


class Square:
    """Loads something once for each worker, and is slower for some items than for others."""

    loaded: str | None = None

    def __call__(self, item: int) -> tuple[int, str]:
        self.loaded = self.loaded or f"{os.getpid()} {time.monotonic()}"
        if item == -1:
            raise BadInput("is negative", path="numbers", line=1)
        if item == -2:
            os._exit(9)
        time.sleep(0.002 * (item % 3))
        return item * item, self.loaded


class Upper:
    """A task for shards: the text of each article in capitals."""

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def about(self) -> dict[str, Any]:
        return {"version": self.version}

    def lines(self, articles: list[Article], on_article: Callable[[Article], None]) -> Iterator[str]:
        for article in articles:
            yield f'{{"id": "{article.id}", "text": "{article.text.upper()}"}}'
            on_article(article)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_order_and_each_worker_loads_once(count: int) -> None:
    with workers(Square(), count) as run:
        found = list(run(range(50)))
    assert [square for square, _ in found] == [item * item for item in range(50)]
    assert len({loaded for _, loaded in found}) <= count


@pytest.mark.parametrize("count", [1, 2])
def test_few_items_are_read_ahead(count: int) -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for item in range(100):
            read += 1
            yield item

    with workers(Square(), count) as run:
        for number, _ in enumerate(run(items()), start=1):
            assert read <= number + 2 * count


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_of_the_function_is_raised_as_it_is(count: int) -> None:
    with workers(Square(), count) as run, pytest.raises(BadInput, match="numbers:1: is negative"):
        list(run([1, 2, -1, 3]))


def test_a_worker_that_dies_is_reported() -> None:
    with (
        pytest.raises(WorkerError, match="a worker died, perhaps for lack of memory; run again with fewer workers"),
        workers(Square(), 2) as run,
    ):
        list(run([1, -2, 3]))


def test_batches_end_at_so_many_articles_or_characters() -> None:
    long = "x" * (SHARD_CHARACTERS // 2)
    source = [*articles(SHARD_ARTICLES + 1), *articles(3, long), *articles(1)]
    sizes = [len(batch) for batch in batches(source, SHARD_ARTICLES, SHARD_CHARACTERS)]
    assert sizes == [SHARD_ARTICLES, 3, 2]


def shards(folder: Path, source: list[Article | BadInput], count: int = 1, version: int = 1) -> list[Shard]:
    with shard_executor(Upper(version), count=count) as executor:
        assert executor.about == {"version": version}
        return list(executor.shards(lambda: source, str(folder)))


def test_shards_are_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    source: list[Article | BadInput] = list(articles(2 * SHARD_ARTICLES + 5))
    one, two = shards(tmp_path / "one", source), shards(tmp_path / "two", source, 2)
    assert [(shard.articles, shard.characters) for shard in one] == [(32, 96), (32, 96), (5, 15)]
    assert [shard._replace(url="") for shard in one] == [shard._replace(url="") for shard in two]
    for left, right in zip(one, two, strict=True):
        assert Path(left.url).name == Path(right.url).name
        assert Path(left.url).read_bytes() == Path(right.url).read_bytes()
    assert [record for _, record in one[2].records()][-1] == {"id": "a68", "text": "YES"}


def test_finished_shards_are_kept_for_the_same_task_and_articles(tmp_path: Path) -> None:
    source: list[Article | BadInput] = list(articles(2 * SHARD_ARTICLES))
    first = shards(tmp_path, source)
    assert not any(shard.kept for shard in first)
    Path(first[1].url).unlink()
    assert [shard.kept for shard in shards(tmp_path, source, 2)] == [True, False]
    assert [shard.kept for shard in shards(tmp_path, source, version=2)] == [False, False]
    assert [shard.kept for shard in shards(tmp_path, source[1:])] == [False, False]


def test_articles_that_cannot_be_read_are_named_with_the_shard_after_them(tmp_path: Path) -> None:
    bad = BadInput("is empty", path="x.txt", line=3)
    source: list[Article | BadInput] = [bad, *articles(SHARD_ARTICLES), *articles(1), bad, bad]
    first, second = shards(tmp_path, source)
    assert first.problems == (Problem("x.txt:3: is empty", "is empty"),)
    assert len(second.problems) == 2
    (alone,) = shards(tmp_path, [bad])
    assert (alone.articles, len(alone.problems), list(alone.records())) == (0, 1, [])


def test_progress_is_reported_for_each_article_in_this_process(tmp_path: Path) -> None:
    done: list[str] = []
    with shard_executor(Upper(), on_article=lambda article: done.append(article.id)) as executor:
        list(executor.shards(lambda: articles(3), str(tmp_path)))
    assert done == ["a0", "a1", "a2"]


def test_a_folder_is_used_by_one_run_and_removed_if_it_has_no_shard(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    with shard_folder(str(folder), "test"), pytest.raises(Busy, match="another test is running"):
        shard_folder(str(folder), "test").__enter__()
    assert not folder.exists()
    with shard_folder(str(folder), "test"):
        shards(folder, list(articles(1)))
    assert len(list(folder.glob("*.jsonl"))) == 1
    remove_shards(str(folder))
    assert not folder.exists()


def test_lines_are_written_to_an_address_as_a_whole(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "{}"
        raise KeyError

    where = f"file://{tmp_path}/out/lines.jsonl"
    with pytest.raises(KeyError):
        write_lines(where, broken())
    assert not (tmp_path / "out" / "lines.jsonl").exists()
    write_lines(where, ["{}", "[]"])
    assert (tmp_path / "out" / "lines.jsonl").read_text() == "{}\n[]\n"
    with pytest.raises(CurationError, match="cannot be written"):
        write_lines(f"file://{tmp_path}/out/lines.jsonl/below", ["{}"])


def test_a_cluster_gives_the_same_results_and_the_errors_of_its_nodes() -> None:
    pytest.importorskip("ray")
    with workers(Square(), 2, ray="local") as run:
        found = list(run(range(20)))
        assert [square for square, _ in found] == [item * item for item in range(20)]
        assert str(os.getpid()) not in {loaded.split()[0] for _, loaded in found}
        with pytest.raises(BadInput, match=r"^numbers:1: is negative$"):
            list(run([1, -1]))
        with pytest.raises(WorkerError, match=r"^on the cluster: TypeError: "):
            list(run(["a"]))  # type: ignore[list-item]
