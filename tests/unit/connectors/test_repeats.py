from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.repeats import FLOOR, MOST, REFILL_S, SHARE, RepeatBudget


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def emptied(budget: RepeatBudget) -> int:
    count = 0
    while budget.spent():
        count += 1
    return count


def test_a_quiet_pool_may_repeat_a_few() -> None:
    assert emptied(RepeatBudget(Clock())) == FLOOR


def test_the_floor_comes_back_slowly_and_no_further() -> None:
    clock = Clock()
    budget = RepeatBudget(clock)
    emptied(budget)
    clock.now += 3 * REFILL_S
    assert emptied(budget) == 3
    clock.now += 1000 * REFILL_S
    assert emptied(budget) == FLOOR


def test_a_busy_hour_saves_up_no_storm() -> None:
    budget = RepeatBudget(Clock())
    for _ in range(100_000):
        budget.called()
    assert emptied(budget) == MOST


@given(st.lists(st.integers(min_value=0, max_value=5), max_size=300))
def test_repeats_are_a_fifth_of_the_calls_and_the_floor(tries: list[int]) -> None:
    budget, repeats = RepeatBudget(Clock()), 0
    for wanted in tries:
        budget.called()
        repeats += sum(budget.spent() for _ in range(wanted))
    assert repeats <= FLOOR + SHARE * len(tries) + 1e-6
