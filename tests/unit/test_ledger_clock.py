"""Knows the ledger's clock as closely as the quickest reply showed it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.ledger.rates.limiter import LedgerClock

AHEAD_S = 1_800_000_000.25


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0.0001, 2), st.floats(0, 1)), min_size=1, max_size=30))
def test_true_offset_lies_within_the_bounds_whatever_replies_take(replies: list[tuple[float, float, float]]) -> None:
    clock, now_s, quickest = LedgerClock(), 1000.0, 3.0
    for idle_s, takes_s, share in replies:
        asked_s = now_s + idle_s
        now_s = asked_s + takes_s
        clock.heard(int(1000 * (asked_s + share * takes_s + AHEAD_S)), asked_s, now_s)
        quickest = min(quickest, takes_s)
        assert clock.least <= AHEAD_S + 1e-6
        assert clock.most >= AHEAD_S - 1e-6
        assert clock.most - clock.least <= quickest + 0.002 + 2e-4 * (now_s - 1000)


def test_clock_that_was_set_is_learnt_anew() -> None:
    clock = LedgerClock()
    clock.heard(5_000, 1.0, 1.001)
    clock.heard(65_000, 2.0, 2.001)
    assert 62.9 < clock.least <= clock.most < 63.1
