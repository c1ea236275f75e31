"""Tells from a provider's books which doubtful lookups were charged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.books_difference import Doubt, Verdicts, outside, verdicts

credits = st.integers(min_value=0, max_value=50)


def doubts(*prices: int) -> list[Doubt]:
    return [Doubt(str(at), price) for at, price in enumerate(prices)]


def test_within_what_ours_can_be_there_is_no_drift() -> None:
    assert [outside(theirs, 10, 15) for theirs in (9, 10, 12, 15, 17)] == [-1, 0, 0, 0, 2]


@pytest.mark.parametrize(
    ("extra", "prices", "said"),
    [
        (0, (5, 15), Verdicts({"0": False, "1": False})),
        (20, (5, 15), Verdicts({"0": True, "1": True})),
        (10, (5, 5, 5), Verdicts({"0": True, "1": True, "2": False}, mixed=True)),  # how many, and not which
        (7, (5, 15), Verdicts()),
        (25, (5, 15), Verdicts()),
        (-5, (5,), Verdicts()),
        (3, (5, 5), Verdicts()),
    ],
)
def test_credits_beyond_the_known_say_what_was_charged(extra: int, prices: tuple[int, ...], said: Verdicts) -> None:
    assert verdicts(extra, doubts(*prices)) == said


@given(credits, st.lists(st.integers(min_value=1, max_value=15), max_size=6))
def test_judged_credits_equal_the_bill(extra: int, prices: list[int]) -> None:
    asked = doubts(*prices)
    judged = verdicts(extra, asked)
    if judged.charged:
        assert sum(one.price for one in asked if judged.charged[one.ticket_id]) == extra
        assert judged.charged.keys() == {one.ticket_id for one in asked}
