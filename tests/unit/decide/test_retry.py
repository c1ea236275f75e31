"""A failed visit is tried again later and later, and not for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.decide import retry


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_stays_between_half_a_second_and_a_quarter_of_an_hour(attempt: int, chance: float) -> None:
    assert 500 <= retry.backoff_ms(attempt, chance) <= 15 * 60_000


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_the_window_grows_with_the_attempts(attempt: int, chance: float) -> None:
    assert retry.backoff_ms(attempt + 1, chance) >= retry.backoff_ms(attempt, chance)


def test_the_first_window_is_two_seconds_and_doubles() -> None:
    assert [retry.backoff_ms(attempt, 0.5) for attempt in (0, 1, 2, 3, 99)] == [1000, 1000, 2000, 4000, 450_000]
