"""A window of a provider's log is cut only where no call was under way, in linear time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.ledger.money.windows import Span, widened

TIMES = st.integers(0, 300)
CALLS = st.lists(st.tuples(TIMES, st.integers(0, 40)).map(lambda call: (call[0], call[0] + call[1])), max_size=12)


def by_trying(window: Span, calls: list[Span], bounds: Span, margin: int) -> Span:
    """The same by looking at every moment."""

    def quiet(moment: int) -> bool:
        return all(moment <= sent - margin or moment >= answered + margin for sent, answered in calls)

    start, end = window
    first, last = bounds
    return (
        next((moment for moment in range(start, first - 1, -1) if quiet(moment)), start),
        next((moment for moment in range(end, max(end, last) + 1) if quiet(moment)), end),
    )


@given(TIMES, st.integers(0, 60), CALLS, st.integers(0, 200), st.integers(0, 200), st.integers(1, 10))
def test_each_end_moves_to_the_nearest_moment_without_a_call(
    start: int, length: int, calls: list[Span], back: int, on: int, margin: int
) -> None:
    window, bounds = (start, start + length), (start - back, start + length + on)
    assert widened(window, calls, bounds, margin) == by_trying(window, calls, bounds, margin)


def test_an_hour_of_calls_at_ten_a_second_is_one_pass() -> None:
    calls = [(sent, sent + 450) for sent in range(0, 3_600_000, 100)]
    assert widened((1_000_000, 1_140_000), calls, (400_000, 3_570_000), 10_000) == (1_000_000, 1_140_000)
