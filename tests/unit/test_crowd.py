"""Connections from outside hold a bounded part of the descriptors, strangers half of it, and a flood is one line."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from worker.web.descriptors import MOST, most_connections
from worker.web.open_connections import Crowd


class Guest:
    def __init__(self, crowd: Crowd, *, proved: bool = False) -> None:
        self._crowd, self.dropped = crowd, False
        self.entered = crowd.enter(self)
        if proved:
            crowd.prove(self)

    def drop(self) -> None:
        self.dropped = True
        self._crowd.leave(self)


@pytest.mark.parametrize(("soft", "most"), [(256, 128), (1_024, 512), (65_536, MOST), (8, 16)])
def test_half_of_the_descriptors_are_for_connections(soft: int, most: int) -> None:
    assert most_connections(soft) == most


def test_strangers_hold_half_of_the_places_and_the_longest_makes_room_for_the_newest() -> None:
    crowd = Crowd(4)
    with capture_logs() as told:
        guests = [Guest(crowd) for _ in range(10)]
    assert all(one.entered for one in guests)
    assert [one.dropped for one in guests] == [True] * 8 + [False] * 2
    assert [one["event"] for one in told] == ["web.crowded"]


def test_no_stranger_takes_the_place_of_a_proved_sender() -> None:
    crowd = Crowd(4)
    senders = [Guest(crowd, proved=True) for _ in range(3)]
    strangers = [Guest(crowd) for _ in range(5)]
    assert not any(one.dropped for one in senders)
    assert [one.dropped for one in strangers] == [True] * 4 + [False]


def test_where_all_are_proved_the_next_is_turned_away_until_somebody_leaves() -> None:
    crowd = Crowd(2)
    senders = [Guest(crowd, proved=True) for _ in range(2)]
    assert not Guest(crowd).entered
    crowd.leave(senders[0])
    assert Guest(crowd).entered


def test_a_sender_whose_next_request_proves_nothing_counts_as_a_stranger() -> None:
    crowd = Crowd(4)
    senders = [Guest(crowd, proved=True) for _ in range(3)]
    for one in senders:
        crowd.doubt(one)
    assert [one.dropped for one in senders] == [True, False, False]
