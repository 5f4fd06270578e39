"""Work that goes on in another thread while this one is at something else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def ahead(pool: Executor, make: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """What `make` gives for each item in turn; the next is made in `pool` while one is used."""
    waiting: Future[U] | None = None
    for item in items:
        coming = pool.submit(make, item)
        if waiting:
            yield waiting.result()
        waiting = coming
    if waiting:
        yield waiting.result()
