"""A read may be two seconds old when its write leaves, or as old as a slow crm takes for every read and a second."""

from __future__ import annotations

import pytest

from connectors.limits import BEYOND_S, FRESH_S, LAST_READS, SLOWEST_S, ReadPace


@pytest.mark.parametrize(
    ("took_s", "fresh_s"),
    [
        ([], FRESH_S),
        ([0.2] * LAST_READS, FRESH_S),
        ([5.0] * (LAST_READS - 1), FRESH_S),
        ([5.0] * LAST_READS, 5.0 + BEYOND_S),
        ([5.0] * (LAST_READS - 1) + [0.2], FRESH_S),
        ([0.2] + [5.0] * LAST_READS, 5.0 + BEYOND_S),
        ([1.9] * LAST_READS, FRESH_S),
        ([2.1] * LAST_READS, 2.1 + BEYOND_S),
        ([60.0] * LAST_READS, SLOWEST_S),
    ],
)
def test_only_a_crm_that_is_slow_in_all_its_last_reads_gets_more_time(took_s: list[float], fresh_s: float) -> None:
    pace = ReadPace()
    for one in took_s:
        pace.note(one)
    assert pace.fresh_s == fresh_s
