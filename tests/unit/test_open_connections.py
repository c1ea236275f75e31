"""Connections from outside hold a bounded part of the descriptors, strangers half of it, and a flood is one line."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from worker.web.descriptors import MOST, most_connections
from worker.web.open_connections import OpenConnections
from worker.web.rarely import Rarely


class Peer:
    def __init__(self, open_connections: OpenConnections, *, proved: bool = False) -> None:
        self._open_connections, self.dropped = open_connections, False
        self.entered = open_connections.enter(self)
        if proved:
            open_connections.prove(self)

    def drop(self) -> None:
        self.dropped = True
        self._open_connections.leave(self)


@pytest.mark.parametrize(("soft", "most"), [(256, 128), (1_024, 512), (65_536, MOST), (8, 16)])
def test_half_of_the_descriptors_are_for_connections(soft: int, most: int) -> None:
    assert most_connections(soft) == most


def test_strangers_hold_half_of_the_places_and_the_longest_makes_room_for_the_newest() -> None:
    open_connections = OpenConnections(4)
    with capture_logs() as told:
        peers = [Peer(open_connections) for _ in range(10)]
    assert all(one.entered for one in peers)
    assert [one.dropped for one in peers] == [True] * 8 + [False] * 2
    assert [one["event"] for one in told] == ["web.crowded"]


def test_no_stranger_takes_the_place_of_a_proved_sender() -> None:
    open_connections = OpenConnections(4)
    senders = [Peer(open_connections, proved=True) for _ in range(3)]
    strangers = [Peer(open_connections) for _ in range(5)]
    assert not any(one.dropped for one in senders)
    assert [one.dropped for one in strangers] == [True] * 4 + [False]


def test_where_all_are_proved_the_next_is_turned_away_until_somebody_leaves() -> None:
    open_connections = OpenConnections(2)
    senders = [Peer(open_connections, proved=True) for _ in range(2)]
    assert not Peer(open_connections).entered
    open_connections.leave(senders[0])
    assert Peer(open_connections).entered


def test_a_sender_whose_next_request_proves_nothing_counts_as_a_stranger() -> None:
    open_connections = OpenConnections(4)
    senders = [Peer(open_connections, proved=True) for _ in range(3)]
    for one in senders:
        open_connections.doubt(one)
    assert [one.dropped for one in senders] == [True, False, False]


def test_what_strangers_bring_about_is_one_line_a_second_with_its_number() -> None:
    now = [0.0]
    rarely = Rarely(lambda: now[0])
    assert rarely.due("door", "signature") == 1
    assert [rarely.due("door", "signature") for _ in range(500)] == [0] * 500
    assert rarely.due("door", "too old") == 1  # of another kind
    now[0] += 1
    assert rarely.due("door", "signature") == 501
    assert rarely.due("door", "signature") == 0
