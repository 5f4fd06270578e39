"""Which articles are annotated twice or blind."""

from __future__ import annotations

import pytest

from curation.review.sampling import among, share

IDS = [f"kel-{number}" for number in range(4000)]


def test_a_share_is_a_percentage() -> None:
    assert [share(one) for one in ("10%", "0 %", "2.5%", "100%")] == [0.1, 0.0, 0.025, 1.0]


@pytest.mark.parametrize("wrong", ["10", "0.1", "-5%", "101%", "ten%", "", "1e1%", "%"])
def test_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="such as 10%"):
        share(wrong)


def test_a_share_is_about_that_many_and_grows_by_adding() -> None:
    small = {one for one in IDS if among(one, "overlap", 0.1, seed="kelmar")}
    large = {one for one in IDS if among(one, "overlap", 0.3, seed="kelmar")}
    assert small < large
    assert 330 < len(small) < 470  # four standard deviations round 400
    assert small == {one for one in reversed(IDS) if among(one, "overlap", 0.1, seed="kelmar")}


def test_the_cohorts_and_the_seeds_are_independent() -> None:
    overlap = {one for one in IDS if among(one, "overlap", 0.2, seed="kelmar")}
    blind = {one for one in IDS if among(one, "blind", 0.2, seed="kelmar")}
    other = {one for one in IDS if among(one, "overlap", 0.2, seed="torvan")}
    for both in (overlap & blind, overlap & other):
        assert 110 < len(both) < 210  # 160 expected


def test_none_and_all() -> None:
    assert not any(among(one, "blind", 0.0, seed="") for one in IDS)
    assert all(among(one, "blind", 1.0, seed="") for one in IDS)
