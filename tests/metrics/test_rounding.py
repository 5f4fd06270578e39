"""Less than everything is never shown as everything."""

from __future__ import annotations

import pytest

from curation.metrics.rounding import decimal, percent, rounded


@pytest.mark.parametrize(
    ("value", "two", "three", "whole"),
    [
        (1.0, "1.00", "1.000", "100"),
        (0.9999, "0.99", "0.999", "99"),
        (0.995, "0.99", "0.995", "99"),
        (0.99999999, "0.99", "0.999", "99"),
        (0.914, "0.91", "0.914", "91"),
        (0.0, "0.00", "0.000", "0"),
        (1.4, "1.40", "1.400", "140"),
    ],
)
def test_less_than_one_is_never_shown_as_one(value: float, two: str, three: str, whole: str) -> None:
    assert (decimal(value, 2), decimal(value, 3), percent(value)) == (two, three, whole)


def test_figures_in_json_stay_below_one_too() -> None:
    assert rounded(0.99999) == 0.9999
    assert rounded(0.5) == 0.5
    assert percent(0.99996, 1) == "99.9"
