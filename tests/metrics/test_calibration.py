"""Calibration figures against cases worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.metrics.calibration import Bin, calibration


def test_by_hand() -> None:
    found = calibration([0.2, 0.4, 0.6, 0.8], [False, True, False, True], bins=2)
    assert found is not None
    # two bins of two: means .3 and .7, half right each
    assert found.bins == (Bin(items=2, score=0.3, right=0.5), Bin(items=2, score=0.7, right=0.5))
    assert found.ece == pytest.approx(0.2)
    assert found.brier == pytest.approx((0.04 + 0.36 + 0.36 + 0.04) / 4)
    # of the four pairs of right and wrong, three are in order
    assert found.auroc == 0.75
    assert (found.items, found.right) == (4, 2)


def test_perfect_scores() -> None:
    found = calibration([0.0] * 7 + [1.0] * 5, [False] * 7 + [True] * 5)
    assert found is not None
    assert (found.ece, found.brier, found.auroc) == (0, 0, 1)


def test_one_score_for_all_is_calibrated_and_says_nothing() -> None:
    found = calibration([0.25] * 8, [True, True, *[False] * 6])
    assert found is not None
    assert (found.ece, found.auroc, len(found.bins)) == (0, 0.5, 1)
    assert found.brier == pytest.approx(0.1875)


def test_ties_count_half() -> None:
    found = calibration([0.5, 0.5, 0.9], [True, False, True])
    assert found is not None
    assert found.auroc == 0.75


def test_nothing_to_rank() -> None:
    assert calibration([], []) is None
    found = calibration([0.3, 0.7], [True, True])
    assert found is not None
    assert found.auroc is None


def test_bins_hold_equal_numbers() -> None:
    found = calibration([i / 1000 for i in range(1000)], [i % 3 == 0 for i in range(1000)])
    assert found is not None
    assert [part.items for part in found.bins] == [100] * 10


scored = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.35, 0.5, 0.8, 1.0]), st.booleans()), min_size=1, max_size=40)


@given(scored)
def test_order_plays_no_part_and_figures_hold(items: list[tuple[float, bool]]) -> None:
    def of(pairs: list[tuple[float, bool]]) -> object:
        return calibration([score for score, _ in pairs], [right for _, right in pairs])

    found = calibration([score for score, _ in items], [right for _, right in items])
    assert found is not None
    assert of(sorted(items)) == of(items) == of(sorted(items, reverse=True))
    assert sum(part.items for part in found.bins) == len(items)
    assert 0 <= found.ece <= 1
    assert found.brier == pytest.approx(sum((score - right) ** 2 for score, right in items) / len(items), abs=1e-4)
    pairs = [(a, b) for a, good in items if good for b, bad in items if not bad]
    if pairs:
        wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs)
        assert found.auroc == pytest.approx(wins / len(pairs), abs=1e-4)
    else:
        assert found.auroc is None
