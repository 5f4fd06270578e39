"""Near-duplicates are never in two splits, and an article never moves."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import ABOUT, SCHEMA, corpus, reviewed, words

from curation.errors import ReleaseError
from curation.release import build_release
from curation.release.splits import (
    SPLITS,
    Edge,
    Place,
    Sketches,
    assign,
    read_splits,
    shingles,
    sketch,
    split_of,
    write_splits,
)


def jaccard(one: str, two: str) -> float:
    left, right = shingles(one), shingles(two)
    return len(left & right) / len(left | right)


def similar(texts: dict[str, str], folder: Path, threshold: float = 0.1) -> dict[tuple[str, str], float]:
    sketches = Sketches(folder)
    for text in texts.values():
        sketches.add(sketch(text))
    held = list(texts.values())
    found = {(one, two): value for one, two, value in sketches.similar(list(texts), held.__getitem__, threshold)}
    sketches.close()
    return found


def family(rng: random.Random, number: int) -> list[str]:
    """A story, a shortened copy of it, one with another lead, and an update that keeps a third."""
    story = words(300, rng).split()
    return [
        " ".join(text)
        for text in (
            story,
            story[:200],
            words(60, rng).split() + story[40:],
            story[:100] + words(200 + number, rng).split(),
        )
    ]


def test_shingles_of_short_and_unspaced_texts() -> None:
    assert shingles("One two, THREE four; five six") == {"one two three four five", "two three four five six"}
    assert shingles("Just this.") == {"just this"}
    assert shingles("🔥!") == {"🔥!"}
    assert len(shingles("東京で大きな地震")) == 4, "without spaces, each character is a word"


def test_minhash_finds_what_exact_sets_find(tmp_path: Path) -> None:
    rng = random.Random(3)
    texts = {f"{n}-{k}": text for n in range(12) for k, text in enumerate(family(rng, n))}
    exact = {pair: jaccard(texts[pair[0]], texts[pair[1]]) for pair in itertools.combinations(texts, 2)}
    found = similar(texts, tmp_path)
    assert {pair for pair, value in exact.items() if value >= 0.15} <= found.keys()
    assert all(value == pytest.approx(exact[pair]) for pair, value in found.items())
    # Each story is found with its copies and its update, and no two stories have anything to do with each other.
    assert {(f"{n}-0", f"{n}-{k}") for n in range(12) for k in (1, 2, 3)} <= found.keys()
    assert all(one.split("-")[0] == two.split("-")[0] for one, two in found)


def test_the_order_of_the_texts_changes_nothing(tmp_path: Path) -> None:
    rng = random.Random(4)
    texts = {f"{n}-{k}": text for n in range(8) for k, text in enumerate(family(rng, n))}
    turned = dict(sorted(texts.items(), key=lambda one: one[1]))
    assert similar(texts, tmp_path) == similar(turned, tmp_path)


def test_a_crowd_of_copies_is_one_cluster(tmp_path: Path) -> None:
    text = words(100, random.Random(5))
    texts = {f"c-{n:03}": f"{text} {n}" for n in range(150)}
    edges = [Edge(*pair, value) for pair, value in similar(texts, tmp_path).items()]
    table = assign(texts, edges).table
    assert {place.cluster for place in table.values()} == {"c-000"}
    assert len({place.split for place in table.values()}) == 1


def test_few_or_no_texts(tmp_path: Path) -> None:
    assert similar({}, tmp_path) == {}
    assert similar({"a": "one text alone"}, tmp_path) == {}
    assert assign([], []).table == {}


class Revision(NamedTuple):
    id: str
    number: int


IDS = [f"n{n:02}" for n in range(14)]
REVISIONS = st.tuples(st.sampled_from(IDS), st.integers(0, 1)).map(lambda one: Revision(*one))
GRAPHS = st.frozensets(st.tuples(REVISIONS, REVISIONS).filter(lambda pair: pair[0].id < pair[1].id), max_size=30)
STEPS = st.lists(st.dictionaries(st.sampled_from(IDS), st.integers(0, 1), min_size=1), min_size=1, max_size=5)


@given(graph=GRAPHS, steps=STEPS)
def test_whatever_comes_and_goes_nobody_moves_and_nothing_leaks(
    graph: frozenset[tuple[Revision, Revision]], steps: list[dict[str, int]]
) -> None:
    """Each step is a release: which articles are in it, and which of two texts each has."""
    table: dict[str, Place] = {}
    last: set[Revision] = set()
    for step in steps:
        present = {Revision(*one) for one in step.items()}
        edges = [Edge(one.id, two.id, 0.5) for one, two in graph if one in present and two in present]
        settled = {one.id for one in present & last}
        made = assign(step, edges, table=table, settled=settled)
        aside = {one.article_id for one in made.set_aside}
        assert all(made.table[one].split == place.split for one, place in table.items()), "somebody moved"
        assert not aside & settled, "who was there already is never set aside"
        inside = set(step) - aside
        for one, two, _ in edges:
            if one in inside and two in inside:
                assert made.table[one].split == made.table[two].split, "near-duplicates in two splits"
        for one in made.set_aside:
            own = {table[one.article_id].split} if one.article_id in table else set()
            assert set(one.splits) == {made.table[other].split for other in one.near} | own
            assert len(one.splits) > 1
        # The same once more, on top of itself: the same table.
        again = assign(step, edges, table=made.table, settled=inside)
        assert (again.table, again.set_aside) == made
        table = dict(made.table)
        last = {one for one in present if one.id in inside}


def test_a_newcomer_between_two_splits_is_set_aside_and_one_beside_it_is_not() -> None:
    train = next(one for one in IDS if split_of(one) == "train")
    other = next(one for one in (f"m{n}" for n in range(200)) if split_of(one) == "test")
    first = assign([train, other], [])
    edges = [Edge(train, "x", 0.4), Edge(other, "x", 0.4), Edge(other, "y", 0.4), Edge("x", "y", 0.4)]
    made = assign([train, other, "x", "y"], edges, table=first.table, settled={train, other})
    (aside,) = made.set_aside
    assert (aside.article_id, aside.near, aside.splits) == ("x", tuple(sorted([train, other, "y"])), ("test", "train"))
    assert made.table["y"] == Place(other, "test", None)
    assert "x" not in made.table


def test_the_shares_are_about_those_asked_for() -> None:
    for fractions in ((0.8, 0.1, 0.1), (0.5, 0.2, 0.3), (1.0, 0.0, 0.0)):
        found = [split_of(f"id-{n}", fractions) for n in range(4000)]
        shares = [found.count(split) / len(found) for split in SPLITS]
        assert shares == pytest.approx(list(fractions), abs=0.025)


def test_the_table_reads_back_and_says_where_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    table = {'b,"x"': Place('b,"x"', "train", "0.1.0"), "a": Place("a", "test", None)}
    write_splits(path, table, "0.2.0")
    assert read_splits(path) == {'b,"x"': Place('b,"x"', "train", "0.1.0"), "a": Place("a", "test", "0.2.0")}
    path.write_text(path.read_text() + "c,c,exam,0.1.0\n")
    with pytest.raises(ReleaseError, match=r"splits\.csv:4: not a line"):
        read_splits(path)
    path.write_text("id,split\n")
    with pytest.raises(ReleaseError, match=r"splits\.csv:1: the columns"):
        read_splits(path)
    with pytest.raises(ReleaseError, match="cannot be read"):
        read_splits(tmp_path / "nothing.csv")


def test_a_corpus_that_grows_by_copies_and_updates_never_leaks(tmp_path: Path) -> None:
    """On real texts through whole releases: each step adds stories, and versions of what is there."""
    rng = random.Random(6)
    families = [family(rng, n) for n in range(24)]
    texts = {f"{n:02}-{k}": text for n, held in enumerate(families) for k, text in enumerate(held)}
    order = sorted(texts, key=lambda _: rng.random())
    previous, before = None, {}
    for count in (30, 55, 96):
        rows = [reviewed(one, texts[one]) for one in sorted(order[:count])]
        report = build_release(rows, SCHEMA, tmp_path, about=ABOUT, previous=previous)
        table = read_splits(report.folder / "splits.csv")
        assert all(table[one].split == split for one, split in before.items())
        aside = {one.article_id for one in report.set_aside}
        for one, two in itertools.combinations(sorted(set(order[:count]) - aside), 2):
            assert table[one].split == table[two].split or jaccard(texts[one], texts[two]) < 0.1
        assert report.leakage is None or report.leakage < 0.1
        previous, before = report.folder, {one: place.split for one, place in table.items()}


def test_who_is_set_aside_is_not_in_the_release_and_is_reported(tmp_path: Path) -> None:
    rng = random.Random(8)
    rows = corpus(40)
    first = build_release(rows, SCHEMA, tmp_path, about=ABOUT)
    table = read_splits(first.folder / "splits.csv")
    text = {row.article.id: row.article.text for row in rows}
    one = next(name for name, place in table.items() if place.split == "train")
    two = next(name for name, place in table.items() if place.split == "validation")
    both = reviewed("z-both", f"{text[one]} {text[two]}")
    fresh = reviewed("z-new", words(60, rng))
    report = build_release([*rows, both, fresh], SCHEMA, tmp_path, about=ABOUT, previous=first.folder)
    assert [(aside.article_id, aside.near) for aside in report.set_aside] == [("z-both", tuple(sorted((one, two))))]
    assert report.articles == 41
    assert "z-both" not in (report.folder / "splits.csv").read_text()
    assert "1 articles were set aside" in (report.folder / "README.md").read_text()


def test_no_cell_is_a_formula_for_a_spreadsheet(tmp_path: Path) -> None:
    ids = ["=1+1", "+49", "-x", "@a", "'=x", "''-y", "'quoted", "a=b"]
    table = {name: Place(name, "train", "0.1.0") for name in ids}
    path = tmp_path / "splits.csv"
    write_splits(path, table, "0.1.0")
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    assert all(cell[0] not in "=+-@" for line in lines for cell in line.split(","))
    assert "'quoted,'quoted,train,0.1.0" in lines and "'=1+1,'=1+1,train,0.1.0" in lines
    assert read_splits(path) == table
