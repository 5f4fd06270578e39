"""Splits that do not leak and do not move: near-duplicates stay together, and an article keeps its split for ever.

Two articles are near-duplicates when the Jaccard similarity of their sets of five-word shingles reaches a
threshold. MinHash finds candidates, exact sets confirm them. At the default threshold of 0.1 copies from a syndicate
(0.55 and more) and most updates of an earlier story (0.1 to 0.3) belong together; articles that merely share a subject
stay below 0.02. A pair at the threshold itself is found nine times in ten, one at 0.2 all but always.
"""

from __future__ import annotations

import csv
import hashlib
import heapq
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from curation.article import Value
from curation.errors import ReleaseError
from curation.files import whole_file

SPLITS = ("train", "validation", "test")
FRACTIONS = (0.8, 0.1, 0.1)
NEAR_DUPLICATE = 0.1
"""Jaccard similarity from which two articles are near-duplicates."""

_COLUMNS = ("article_id", "cluster", "split", "since_version")
_FORMULA = re.compile(r"'*[=+\-@]")
_SHINGLE = 5
_SLOTS = 512
_BANDS = _SLOTS // 2
_TRANSPOSED = 4096  # articles whose bands are transposed at a time
_CROWD = 64  # articles in one bucket, above which not every pair of them is compared
# Chinese and Japanese write without spaces: there each character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")

Pairs = NDArray[np.int64]


class Place(NamedTuple):
    """The split of an article, which never changes.

    `cluster` is the smallest id of its near-duplicates when it came; `since` is the first version with the article,
    None for the version that is being made.
    """

    cluster: str
    split: str
    since: str | None


class Edge(NamedTuple):
    """Two articles and the exact Jaccard similarity of their shingles."""

    one: str
    two: str
    similarity: float


class SetAside(Value):
    """An article left out because it resembles `near`, articles that are in different splits."""

    article_id: str
    near: tuple[str, ...]
    splits: tuple[str, ...]


class Assignment(NamedTuple):
    """The whole split table, articles of earlier releases included, and the articles that were set aside."""

    table: dict[str, Place]
    set_aside: tuple[SetAside, ...]


def shingles(text: str) -> set[str]:
    """The five-word shingles of a text, case folded; of a shorter text, all its words as one."""
    words = _WORD.findall(text.casefold()) or [text]
    return {" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))}


def sketch(text: str) -> bytes:
    """The MinHash signature of a text: 512 slots of 4 bytes, little-endian."""
    signature = RMinHash(_SLOTS, 1)
    signature.update(list(shingles(text)))
    return np.array(signature.digest(), dtype="<u4").tobytes()


class Sketches:
    """MinHash signatures of articles in a file in `folder`.

    A signature has 2 kB: 200 MB for 100,000 articles, the size this is for. `rensa.RMinHashLSH` would hold a hash table
    for each of the 256 bands in memory, with 25.6 million entries.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as this does
        self._count = 0

    def add(self, signature: bytes) -> None:
        """Add what `sketch` gives for the next article; articles are numbered from 0."""
        self._file.write(signature)
        self._count += 1

    def similar(
        self, ids: Sequence[str], text_of: Callable[[int], str], threshold: float = NEAR_DUPLICATE
    ) -> Iterator[Edge]:
        """Find pairs of similar articles.

        Args:
            ids: the articles' ids, in the order their signatures were added.
            text_of: gives the text of the n-th article again.
            threshold: Jaccard similarity of shingles from which two articles are near-duplicates.

        Yields:
            Pairs with their exact similarity, down to about half of `threshold`.
        """

        @lru_cache(maxsize=256)
        def known(number: int) -> set[str]:
            return shingles(text_of(number))

        self._file.flush()
        for left, right in self._candidates(ids, threshold).tolist():
            shared = len(known(left) & known(right))
            yield Edge(ids[left], ids[right], shared / (len(known(left)) + len(known(right)) - shared))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _candidates(self, ids: Sequence[str], threshold: float) -> Pairs:
        """Pairs of numbers, each in the order of the ids: equal in a band, and alike enough by their signatures."""
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
        codes = np.empty(0, dtype=np.int64)
        for band in self._bands():
            # Sorted by key, and within one key by id, so that the order of input changes nothing.
            keys = band[order]
            by_key = np.argsort(keys, kind="stable")
            keys = keys[by_key]
            starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.empty(0, np.int64)
            lengths = np.diff(np.r_[starts, len(keys)])
            found = [
                left * self._count + right
                for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True)
                for left, right in [_pairs(by_key[start : start + length])]
            ]
            if found:
                codes = np.union1d(codes, np.concatenate(found))
        pairs = np.stack([order[codes // max(1, self._count)], order[codes % max(1, self._count)]], axis=1)
        return pairs[self._estimates(pairs) >= threshold / 2]

    def _bands(self) -> Iterator[NDArray[np.uint64]]:
        """The keys of every article, band by band."""
        # Transposed on disk first: the file is ordered by article, and all of it would not fit into memory.
        with tempfile.TemporaryFile(dir=self._folder) as transposed:
            self._file.seek(0)
            done = 0
            while chunk := self._file.read(_TRANSPOSED * _SLOTS * 4):
                keys = np.frombuffer(chunk, dtype="<u8").reshape(-1, _BANDS)
                for band, column in enumerate(keys.T):
                    os.pwrite(transposed.fileno(), column.tobytes(), 8 * (band * self._count + done))
                done += len(keys)
            for band in range(_BANDS):
                held = os.pread(transposed.fileno(), 8 * self._count, 8 * band * self._count)
                yield np.frombuffer(held, dtype="<u8")

    def _estimates(self, pairs: Pairs) -> NDArray[np.float64]:
        """Share of equal slots of each pair, which is what MinHash takes for their similarity."""
        shares = np.empty(len(pairs))
        if len(pairs):
            signatures = np.memmap(self._file, dtype="<u4", mode="r", shape=(self._count, _SLOTS))
            for i in range(0, len(pairs), 4096):
                chunk = pairs[i : i + 4096]
                shares[i : i + 4096] = (signatures[chunk[:, 0]] == signatures[chunk[:, 1]]).mean(axis=1)
        return shares


def assign(
    ids: Collection[str],
    edges: Iterable[Edge],
    *,
    table: Mapping[str, Place] | None = None,
    settled: Collection[str] = (),
    fresh: Callable[[Sequence[str]], str] | None = None,
) -> Assignment:
    """Give every article a split.

    `fresh` gives the split of a new cluster from its ids; by default the hash of the smallest id decides. Articles in
    `table` keep their split, and new articles of their cluster join them. Where new articles link clusters of different
    splits, those that touch both are set aside.

    Args:
        ids: the articles of this release, in any order.
        edges: the near-duplicates among them.
        table: the split table of the release before.
        settled: the ids that were in the release before with the very same text; they are never set aside.
    """
    fresh = fresh or (lambda members: split_of(min(members)))
    known = dict(table or {})
    near: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        near[edge.one].add(edge.two)
        near[edge.two].add(edge.one)
    for article_id in ids:
        # Most articles resemble no other.
        if article_id not in near and article_id not in known:
            known[article_id] = Place(article_id, fresh([article_id]), None)
    set_aside: list[SetAside] = []
    placed: dict[str, Place] = {}
    for members in _components(sorted(article_id for article_id in ids if article_id in near), near):
        places = [known[member] for member in members if member in known]
        if len({place.split for place in places}) > 1:
            set_aside += _untangle(members, near, known, set(settled), placed, fresh)
            continue
        cluster = min((place.cluster for place in places), default=members[0])
        split = places[0].split if places else fresh(members)
        for member in members:
            placed[member] = Place(cluster, split, known[member].since if member in known else None)
    known.update(placed)
    return Assignment(known, tuple(sorted(set_aside, key=lambda article: article.article_id)))


def split_of(article_id: str, fractions: Sequence[float] = FRACTIONS) -> str:
    """The split that the hash of an id falls in."""
    digest = hashlib.sha256(f"curation-split-1:{article_id}".encode()).digest()
    point = int.from_bytes(digest[:8]) / 2**64
    if point < fractions[0]:
        return SPLITS[0]
    return SPLITS[1] if point < fractions[0] + fractions[1] else SPLITS[2]


def cuts_of(times: Iterable[datetime], fractions: Sequence[float] = FRACTIONS) -> tuple[datetime, datetime]:
    """The times from which articles are for validation and for test, so that the shares are as near as possible.

    Articles of the same time stay together.
    """
    ordered = sorted(times)

    def cut(place: int) -> datetime:
        return ordered[place] if place < len(ordered) else ordered[-1] + timedelta(microseconds=1)

    return cut(round(len(ordered) * fractions[0])), cut(round(len(ordered) * (fractions[0] + fractions[1])))


def split_at(time: datetime, cuts: tuple[datetime, datetime]) -> str:
    """The split of what was published at that time."""
    return SPLITS[sum(time >= cut for cut in cuts)]


def _pairs(members: Pairs) -> tuple[Pairs, Pairs]:
    """All pairs of the members of one bucket; of a crowd, each with the next and with the first."""
    members = np.sort(members)
    if len(members) <= _CROWD:
        left, right = np.triu_indices(len(members), k=1)
        return members[left], members[right]
    rest = members[1:]
    return np.r_[members[:-1], np.repeat(members[:1], len(rest))], np.r_[rest, rest]


def _components(order: Sequence[str], near: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Connected articles, each group sorted, the groups in the order of their smallest ids."""
    seen: set[str] = set()
    for start in order:
        if start in seen:
            continue
        seen.add(start)
        members, waiting = [], [start]
        while waiting:
            member = waiting.pop()
            members.append(member)
            unseen = near.get(member, set()) - seen
            seen |= unseen
            waiting += unseen
        yield sorted(members)


def _untangle(
    members: Sequence[str],
    near: Mapping[str, set[str]],
    known: Mapping[str, Place],
    settled: Collection[str],
    placed: dict[str, Place],
    fresh: Callable[[Sequence[str]], str],
) -> list[SetAside]:
    """Place the members of a group that links several splits.

    Adds to `placed`; returns the members that are set aside.
    """
    aside: set[str] = set()

    def neighbours(member: str) -> list[str]:
        return sorted(neighbour for neighbour in near[member] if neighbour in placed)

    def splits(member: str) -> set[str]:
        own = {known[member].split} if member in known else set()
        return own | {placed[neighbour].split for neighbour in neighbours(member)}

    placed.update((member, known[member]) for member in members if member in known and member in settled)
    for member in members:
        if member in known and member not in settled:
            if len(splits(member)) > 1:
                aside.add(member)
            else:
                placed[member] = known[member]
    # New articles next to placed ones join them in the order of their ids; each may bring others within reach.
    frontier = [member for member in members if member not in placed and member not in aside and neighbours(member)]
    heapq.heapify(frontier)
    while frontier:
        member = heapq.heappop(frontier)
        if member in placed or member in aside:
            continue
        if len(splits(member)) > 1:
            aside.add(member)
            continue
        joined = [placed[neighbour] for neighbour in neighbours(member)]
        placed[member] = Place(min(place.cluster for place in joined), joined[0].split, None)
        for neighbour in near[member] - aside:
            if neighbour not in placed:
                heapq.heappush(frontier, neighbour)
    rest = [member for member in members if member not in placed and member not in aside]
    inside = {member: near[member] & set(rest) for member in rest}
    for group in _components(rest, inside):
        split = fresh(group)
        placed.update((member, Place(group[0], split, None)) for member in group)
    return [
        SetAside(article_id=member, near=tuple(neighbours(member)), splits=tuple(sorted(splits(member))))
        for member in aside
    ]


def read_splits(path: Path) -> dict[str, Place]:
    """Read the split table of a release: article id → place.

    Raises:
        ReleaseError: it cannot be read; names the file and the line.
    """
    table: dict[str, Place] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            if tuple(next(lines, ())) != _COLUMNS:
                raise ReleaseError(f"{path}:1: the columns are not {', '.join(_COLUMNS)}; take the release's own file")
            for number, line in enumerate(lines, start=2):
                if len(line) != len(_COLUMNS) or line[2] not in SPLITS or _from_cell(line[0]) in table:
                    raise ReleaseError(f"{path}:{number}: not a line of a split table; take the release's own file")
                article_id, cluster, split, since = map(_from_cell, line)
                # Most texts are the same again and again: one object each keeps memory small.
                cluster = article_id if cluster == article_id else sys.intern(cluster)
                table[article_id] = Place(cluster, sys.intern(split), sys.intern(since))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; take the release's own file") from error
    return table


def write_splits(path: Path, table: Mapping[str, Place], version: str) -> None:
    """Write the split table, sorted by article id; new articles are in it since `version`."""
    with whole_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for article_id in sorted(table):
            place = table[article_id]
            cells = (article_id, place.cluster, place.split, place.since or version)
            writer.writerow(map(_to_cell, cells))


def _to_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: `=1+1` becomes `'=1+1`."""
    return f"'{text}" if _FORMULA.match(text) else text


def _from_cell(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell
