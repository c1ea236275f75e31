from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.decide.books_difference import Doubt, Verdicts, outside, verdicts

credits = st.integers(min_value=0, max_value=50)


def doubts(*prices: int) -> list[Doubt]:
    return [Doubt(str(at), price) for at, price in enumerate(prices)]


def test_within_what_ours_can_be_there_is_no_drift() -> None:
    assert [outside(theirs, 10, 15) for theirs in (9, 10, 12, 15, 17)] == [-1, 0, 0, 0, 2]


def test_no_credit_beyond_what_is_known_says_that_none_was_charged() -> None:
    assert verdicts(0, doubts(5, 15)) == Verdicts({"0": False, "1": False})


def test_all_their_credits_say_that_each_was_charged() -> None:
    assert verdicts(20, doubts(5, 15)) == Verdicts({"0": True, "1": True})


def test_a_part_of_equal_prices_says_how_many_and_not_which() -> None:
    assert verdicts(10, doubts(5, 5, 5)) == Verdicts({"0": True, "1": True, "2": False}, mixed=True)


def test_what_no_sum_of_them_explains_says_nothing() -> None:
    assert verdicts(7, doubts(5, 15)) == verdicts(25, doubts(5, 15)) == verdicts(-5, doubts(5)) == Verdicts()
    assert verdicts(3, doubts(5, 5)) == Verdicts()


@given(credits, st.lists(st.integers(min_value=1, max_value=15), max_size=6))
def test_judged_credits_equal_the_bill(extra: int, prices: list[int]) -> None:
    asked = doubts(*prices)
    judged = verdicts(extra, asked)
    if judged.charged:
        assert sum(one.price for one in asked if judged.charged[one.ticket_id]) == extra
        assert judged.charged.keys() == {one.ticket_id for one in asked}
