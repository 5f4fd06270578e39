"""A small classifier: softmax regression over named features, enough to tell what is usual in a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

ROUNDS = 8
RATE = 0.3
BATCH = 256
PULL = 1.5
"""How hard weights are pulled towards zero, so that what was seen once does not count for certain."""

Features = npt.NDArray[np.int64]
"""One row a case, one column a template: hashes of `template=value`."""


def features(values: Sequence[str]) -> list[int]:
    """Hashes of the values of the templates, in their order. What begins with * counts alike in all templates."""
    return [
        crc32(value.encode() if value.startswith("*") else f"{place}={value}".encode())
        for place, value in enumerate(values)
    ]


class Softmax:
    """Weights of each class for each feature that stood in two cases or more. The same cases give the same weights."""

    def __init__(self, cases: Features, labels: Sequence[str]) -> None:
        self.classes = sorted(set(labels))
        self.place = {name: place for place, name in enumerate(self.classes)}
        known, counts = np.unique(cases, return_counts=True)
        self.known = known[counts > 1]
        self.weights = np.zeros((len(self.known) + 1, len(self.classes)), dtype=np.float32)
        if len(self.classes) > 1:
            self._fit(self._columns(cases), np.array([self.place[label] for label in labels]))

    def __call__(self, cases: Features) -> npt.NDArray[np.float32]:
        """The probability of each class, one row a case."""
        return _softmax(self.weights[self._columns(cases)].sum(axis=1))

    def _columns(self, cases: Features) -> npt.NDArray[np.int64]:
        """Rows of `weights`; what is not known goes to the last, which stays zero."""
        if not len(self.known):
            return np.zeros(cases.shape, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.known, cases), len(self.known) - 1)
        return np.where(self.known[found] == cases, found, len(self.known))

    def _fit(self, columns: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> None:
        batches = list(_batches(columns, len(self.known)))
        touched = np.zeros(len(self.known) + 1, dtype=np.float32)
        for batch in batches:
            touched[batch.named] += 1
        speed = np.zeros_like(self.weights)
        for _ in range(ROUNDS):
            for batch in batches:
                missed = _softmax(self.weights[columns[batch.rows]].sum(axis=1))
                missed[np.arange(len(batch.rows)), labels[batch.rows]] -= 1
                weights = self.weights[batch.named]
                slope = np.add.reduceat(missed[batch.owner], batch.first, axis=0)
                slope += weights * (PULL / touched[batch.named])[:, None]
                speed[batch.named] += slope**2
                self.weights[batch.named] = weights - RATE * slope / (np.sqrt(speed[batch.named]) + 1e-3)


class _Batch(NamedTuple):
    """Some cases, and which features they have: of each in `named`, the cases are `owner[first:]` up to the next."""

    rows: npt.NDArray[np.int64]
    named: npt.NDArray[np.int64]
    owner: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]


def _batches(columns: npt.NDArray[np.int64], unknown: int) -> Iterator[_Batch]:
    """The cases in batches, in an order that is mixed and always the same."""
    rows, width = columns.shape
    mixed = np.random.default_rng(0).permutation(rows)
    for start in range(0, rows, BATCH):
        chosen = mixed[start : start + BATCH]
        flat = columns[chosen].ravel()
        order = np.argsort(flat, kind="stable")
        order = order[: np.searchsorted(flat[order], unknown)]  # unknown features stay at zero
        if len(order):
            named, first = np.unique(flat[order], return_index=True)
            yield _Batch(chosen, named, order // width, first)


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    power = np.exp(logits - logits.max(axis=1, keepdims=True))
    share: npt.NDArray[np.float32] = power / power.sum(axis=1, keepdims=True)
    return share
