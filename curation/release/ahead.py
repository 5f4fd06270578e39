"""Work that goes on in another thread while this one is at something else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def ahead(pool: Executor, make: Callable[[T], U], items: Iterable[T], many: int = 1) -> Iterator[U]:
    """What `make` gives for each item in turn; the next `many` are made in `pool` while one is used."""
    waiting: deque[Future[U]] = deque()
    for item in items:
        waiting.append(pool.submit(make, item))
        if len(waiting) > many:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
