"""Connections from outside hold a bounded part of the descriptors, and a flood of them is one line a second."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from worker.web.descriptors import MOST, most_connections
from worker.web.punctual import Crowd


@pytest.mark.parametrize(("soft", "most"), [(256, 128), (1_024, 512), (65_536, MOST), (8, 16)])
def test_half_of_the_descriptors_are_for_connections(soft: int, most: int) -> None:
    assert most_connections(soft) == most


def test_those_past_the_number_are_turned_away_until_somebody_leaves() -> None:
    crowd = Crowd(2)
    with capture_logs() as told:
        assert [crowd.enter() for _ in range(4)] == [True, True, False, False]
    assert [one["event"] for one in told] == ["web.crowded"]
    crowd.leave()
    assert crowd.enter()
