"""Krippendorff's alpha: published examples, hand-counted texts, and the `krippendorff` package on every character."""

from __future__ import annotations

from collections import Counter

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from curation.annotation import Span
from curation.metrics.alpha import Coincidences, Units, alpha_of, by_pair, units
from curation.metrics.bootstrap import draws


class Mark(Span):
    """A typed span without an id."""

    type: str
    attributes: dict[str, str] = Field(default_factory=dict)


def coded(*observers: str) -> Units:
    """Units of a table: a row an observer, a letter a unit, a dot where the observer gave no value."""
    found: Units = Counter()
    for values in zip(*observers, strict=True):
        given_values = tuple((value,) for value in values if value != ".")
        if len(given_values) > 1:
            found[given_values] += 1
    return found


@pytest.mark.parametrize(
    ("observers", "published"),
    [
        # Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), sections A, B and C
        (("0100000010", "1110010000"), 0.095),
        (("aabbdcccedda", "babbbccceddd"), 0.692),
        (("12332141 2...".replace(" ", ""), "12332241 25.3".replace(" ", ""), ".333234 2251.".replace(" ", ""),
          "12332441 251.".replace(" ", "")), 0.743),
    ],
)  # fmt: skip
def test_published_examples(observers: tuple[str, ...], published: float) -> None:
    alpha = alpha_of(coded(*observers))
    assert alpha is not None
    assert round(alpha, 3) == published


def test_units_by_hand() -> None:
    """0123456789: one has A on 0–4 with B nested on 2–3; the other A on 0–3 and B on 6–7."""
    one = [Mark(start=0, end=5, type="A"), Mark(start=2, end=4, type="B")]
    two = [Mark(start=0, end=4, type="A"), Mark(start=6, end=8, type="B")]
    assert units([one, two], 10) == {
        (("A",), ("A",)): 2,
        (("A", "B"), ("A",)): 2,
        (("A",), ()): 1,
        ((), ("B",)): 2,
        ((), ()): 3,
    }
    # 20 values, of which 2 × 2 A and 2 × 3 nothing were given alike
    given_values = {"A": 2 + 2 + 2 + 1, "A+B": 2, "B": 2, "nothing": 1 + 2 + 6}
    assert sum(given_values.values()) == 20
    expected = 400 - sum(count**2 for count in given_values.values())
    assert alpha_of(units([one, two], 10)) == round(1 - 19 * (20 - 10) / expected, 4)


def test_spans_of_one_type_that_meet_or_repeat_are_one() -> None:
    twice = [Mark(start=0, end=4, type="A"), Mark(start=0, end=4, type="A"), Mark(start=4, end=6, type="A")]
    assert units([twice, [Mark(start=0, end=6, type="A")]], 8) == {(("A",), ("A",)): 6, ((), ()): 2}


def test_what_lies_beyond_the_text_does_not_count() -> None:
    assert units([[Mark(start=2, end=9, type="A")], [Mark(start=20, end=22, type="A")]], 4) == {
        ((), ()): 2,
        (("A",), ()): 2,
    }


def test_nothing_varies_nothing_said() -> None:
    assert alpha_of(units([[], []], 10)) is None
    assert alpha_of({}) is None


marks = st.lists(
    st.builds(
        lambda start, length, type_: Mark(start=start, end=start + length, type=type_),
        st.integers(0, 30),
        st.integers(1, 12),
        st.sampled_from("ABC"),
    ),
    max_size=7,
)


@given(st.lists(st.tuples(st.lists(marks, min_size=3, max_size=3), st.integers(2, 3)), min_size=1, max_size=4))
def test_the_package_says_the_same_of_every_character(articles: list[tuple[list[list[Mark]], int]]) -> None:
    """Articles by two or three annotators: who did not annotate one gave its characters no value."""
    length = 32
    coincidences = Coincidences()
    rows: list[list[str]] = [[], [], []]
    for place, (sides, people) in enumerate(articles):
        coincidences.add(place, units(sides[:people], length))
        for number, row in enumerate(rows):
            for at in range(length):
                covering = sorted({mark.type for mark in sides[number] if mark.start <= at < mark.end})
                row.append("+".join(covering) or "-" if number < people else "")
    domain = sorted({value for row in rows for value in row} - {""})
    if len(domain) == 1:
        assert coincidences.alpha() is None
        return
    table = [[domain.index(value) if value else np.nan for value in row] for row in rows]
    expected = krippendorff.alpha(
        reliability_data=table, value_domain=list(range(len(domain))), level_of_measurement="nominal"
    )
    assert coincidences.alpha() == pytest.approx(expected, abs=5.1e-5)


def test_pairs_and_the_interval() -> None:
    one, two, three = (
        [Mark(start=0, end=4, type="A")],
        [Mark(start=0, end=4, type="A")],
        [Mark(start=2, end=6, type="A")],
    )
    found = dict(by_pair(units([one, two, three], 10)))
    assert alpha_of(found[0, 1]) == 1.0
    assert found[0, 2] == found[1, 2] == {(("A",), ()): 2, (("A",), ("A",)): 2, ((), ("A",)): 2, ((), ()): 4}
    coincidences = Coincidences()
    coincidences.add(0, units([one, two], 10))
    coincidences.add(1, units([one, three], 10))
    drawn = [coincidences.resampled(weights) for weights in draws(2)]
    result = coincidences.result(drawn)
    # of two articles drawn twice: both the first, both the second, or one of each
    assert len(np.unique(np.concatenate(drawn).round(9))) == 3
    assert result.interval == (alpha_of(Counter({k: 2 * n for k, n in units([one, three], 10).items()})), 1.0)
    assert (result.articles, result.characters) == (2, 20)
