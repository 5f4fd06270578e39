"""Which split each row goes to, and what a release says about how that came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.errors import NothingToRelease, ReleaseError
from curation.release.arrays import those_in
from curation.release.before import Before
from curation.release.intake import Intake
from curation.release.manifest import SplitFacts
from curation.release.splits import SPLITS, Assignment, Edge, SetAside, assign, cuts_of, split_at, split_of
from curation.release.table import SplitTable

_MANY = 10_000
"""Articles that are looked at together."""


class Placement(NamedTuple):
    """Where every row goes, by its number: `split` has places in `SPLITS`, -1 for who is set aside.

    `order` are the numbers of the rows that go out, sorted by article id. `edges` are the pairs of articles that were
    found to resemble each other, `among` where all of these are.
    """

    split: NDArray[np.int8]
    order: NDArray[np.int64]
    table: SplitTable
    edges: list[Edge]
    among: Assignment

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Who was left out."""
        return self.among.set_aside

    def splits(self, numbers: NDArray[np.int64]) -> pa.StringArray:
        """The names of the splits of some rows that go out."""
        return pa.array(SPLITS).take(pa.array(self.split[numbers]))


def cuts_now(
    rows: Intake, before: Before | None, fractions: tuple[float, float, float]
) -> tuple[datetime, datetime] | None:
    """Where time is cut: where it ever was, else so that the shares come out. None without any article."""
    if before is not None:
        return before.manifest.splits.cuts
    return cuts_of(rows.published, fractions) if len(rows.published) else None


def place(
    rows: Intake,
    before: Before | None,
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: tuple[datetime, datetime] | None,
) -> Placement:
    """The split of every row. Raises ReleaseError where none goes out."""
    edges = list(rows.sketches.similar(rows.ids, rows.spool.text, near_duplicate))
    numbers = rows.numbers_of(sorted({one for edge in edges for one in edge[:2]}))

    def fresh(members: Sequence[str]) -> str:
        if cuts is None:
            return split_of(min(members), fractions)
        return split_at(min(rows.published[numbers[one]].as_py() for one in members), cuts)

    among = assign(
        numbers,
        [edge for edge in edges if edge.similarity >= near_duplicate],
        table={one: before.table[one] for one in numbers if one in before.table} if before else None,
        settled={one for one, n in numbers.items() if before and _settled(rows, before, one, n)},
        fresh=fresh,
    )
    # All others are alone, and there are too many of them for a dict.
    split = np.full(len(rows.ids), -1, np.int8)
    if before:
        where = pc.index_in(rows.ids, value_set=before.table.ids)
        held = pc.index_in(before.table.columns["split"], value_set=pa.array(SPLITS)).combine_chunks()
        split = held.take(where).fill_null(-1).to_numpy().astype(np.int8)
    split[list(numbers.values())] = len(SPLITS)
    new = np.flatnonzero(split < 0)
    for start in range(0, len(new), _MANY):
        some = pa.array(new[start : start + _MANY])
        if cuts is None:
            found = [split_of(one, fractions) for one in rows.ids.take(some).to_pylist()]
        else:
            found = [split_at(one, cuts) for one in rows.published.take(some).to_pylist()]
        split[new[start : start + _MANY]] = [SPLITS.index(one) for one in found]
    nothing = pa.nulls(len(new), pa.string())
    columns = [rows.ids.take(pa.array(new)), nothing, pa.array(SPLITS).take(pa.array(split[new])), nothing]
    table = SplitTable.of(among.table).columns
    tables = [table, pa.Table.from_arrays(columns, schema=table.schema)]
    if before:
        known = before.table.columns
        tables.append(
            known.filter(pc.invert(pc.is_in(known["article_id"], value_set=pa.array(list(among.table), pa.string()))))
        )
    aside = {one.article_id for one in among.set_aside}
    for one, n in numbers.items():
        split[n] = -1 if one in aside else SPLITS.index(among.table[one].split)
    order = rows.order[split[rows.order] >= 0]
    if not len(order):
        raise NothingToRelease(
            "no article has a reviewed annotation, so there is nothing to release; review some first"
        )
    return Placement(split, order, SplitTable(pa.concat_tables(tables)), edges, among)


def _settled(rows: Intake, before: Before, article_id: str, number: int) -> bool:
    """Whether an article was in the release before with the very same text."""
    then = before.known.number(article_id)
    return then is not None and before.known.at(then).text == rows.hashes(number).text


def splits_by(wanted: Literal["hash", "time"] | None, before: Before | None) -> Literal["hash", "time"]:
    """What splits go by: what they ever did."""
    if before is None:
        return wanted or "hash"
    then = before.manifest.splits.by
    if wanted not in (None, then):
        raise ReleaseError(
            f"version {before.manifest.version} was split by {then}, and an article never changes its split; "
            f"split by {then}, or begin a new dataset in another work folder"
        )
    return then


def split_facts(
    rows: Intake,
    placement: Placement,
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: tuple[datetime, datetime] | None,
) -> SplitFacts:
    """What the manifest says of the splits."""
    placed = rows.ids.take(pa.array(placement.order))
    # Most articles are alone in their cluster; a cluster is named after one of its own.
    table = placement.table.columns
    joined = table.filter(table["cluster"].is_valid())
    here = those_in(placed, joined["article_id"].to_pylist())
    pairs = zip(joined["article_id"].to_pylist(), joined["cluster"].to_pylist(), strict=True)
    counts = Counter(cluster for one, cluster in pairs if one in here)
    named = those_in(placed, counts)
    sizes = [count + (cluster in named) for cluster, count in counts.items()]
    split = {one: placement.among.table[one].split for one in those_in(placed, placement.among.table)}
    across = [
        edge.similarity
        for edge in placement.edges
        if edge.one in split and edge.two in split and split[edge.one] != split[edge.two]
    ]
    return SplitFacts(
        by="hash" if cuts is None else "time",
        cuts=cuts,
        fractions=fractions,
        near_duplicate=near_duplicate,
        clusters=sum(size > 1 for size in sizes),
        largest_cluster=max(sizes, default=1),
        leakage=round(max(across), 6) if across else None,
        leakage_floor=near_duplicate / 2,
        set_aside=placement.set_aside,
    )
