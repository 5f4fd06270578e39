"""Which split each row goes to, and what a release says about how that came."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from curation.errors import ReleaseError
from curation.release.before import Before
from curation.release.intake import Intake
from curation.release.manifest import SplitFacts
from curation.release.splits import Assignment, Edge, assign, cuts_of, split_at, split_of


def cuts_now(
    rows: Intake, before: Before | None, fractions: tuple[float, float, float]
) -> tuple[datetime, datetime] | None:
    """Where time is cut: where it ever was, else so that the shares come out. None without any article."""
    if before is not None:
        return before.manifest.splits.cuts
    times = [time for time in rows.published if time]
    return cuts_of(times, fractions) if times else None


def place(
    rows: Intake,
    before: Before | None,
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: tuple[datetime, datetime] | None,
) -> tuple[Assignment, list[Edge]]:
    """The split of every row, and the pairs of articles that were found to resemble each other."""
    published = dict(zip(rows.ids, rows.published, strict=True)) if cuts else {}

    def fresh(members: Sequence[str]) -> str:
        if cuts is None:
            return split_of(min(members), fractions)
        return split_at(min(time for one in members if (time := published[one])), cuts)

    edges = list(rows.sketches.similar(rows.ids, rows.spool.text, near_duplicate))
    among = {one for edge in edges for one in edge[:2]}
    settled = {
        one
        for n, one in enumerate(rows.ids)
        if before and one in among and one in before.known and before.known[one].text == rows.hashes(n).text
    }
    assignment = assign(
        rows.ids,
        [edge for edge in edges if edge.similarity >= near_duplicate],
        table=before.table if before else None,
        settled=settled,
        fresh=fresh,
    )
    return assignment, edges


def in_order(rows: Intake, assignment: Assignment) -> Sequence[int]:
    """The numbers of the rows that go out, sorted by article id."""
    aside = {one.article_id for one in assignment.set_aside}
    order = sorted((n for n, one in enumerate(rows.ids) if one not in aside), key=rows.ids.__getitem__)
    if not order:
        raise ReleaseError("no article has a reviewed annotation, so there is nothing to release; review some first")
    return array("q", order)


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
    placed: Sequence[str],
    assignment: Assignment,
    edges: Sequence[Edge],
    fractions: tuple[float, float, float],
    near_duplicate: float,
    cuts: tuple[datetime, datetime] | None,
) -> SplitFacts:
    """What the manifest says of the splits; `placed` are the sorted ids of the articles that are in one."""
    # Most articles are alone in their cluster, and need no place in memory. A cluster is named after one of its own.
    joined = Counter(cluster for one in placed if (cluster := assignment.table[one].cluster) != one)
    sizes = [count + _holds(placed, cluster) for cluster, count in joined.items()]
    among = {one for edge in edges for one in edge[:2] if _holds(placed, one)}
    split = {one: assignment.table[one].split for one in among}
    across = [
        edge.similarity
        for edge in edges
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
        set_aside=assignment.set_aside,
    )


def _holds(ordered: Sequence[str], one: str) -> bool:
    place = bisect_left(ordered, one)
    return place < len(ordered) and ordered[place] == one
