"""A vendor's clock is read from its dated replies, and only from those that were quick."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from connectors.models import Reply
from connectors.replies import SLOW_S, VendorClock

NOW_S = 1_800_000_000


def reply(date: str | None) -> Reply:
    return Reply(200, {} if date is None else {"date": date}, b"")


class Seconds:
    """Our own clock; only the test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def clock(seconds: Seconds) -> VendorClock:
    return VendorClock(seconds)


def test_nothing_is_known_before_the_first_reply(clock: VendorClock) -> None:
    assert (clock.now(), clock.take()) == (None, None)


def test_reading_goes_on_with_our_own_time(clock: VendorClock, seconds: Seconds) -> None:
    clock.heard(reply(formatdate(NOW_S, usegmt=True)), began=99.0, ended=100.0)
    seconds.now = 160.0
    told = clock.now()
    assert told is not None
    assert abs(told - (NOW_S + 60.5) * 1000) <= 500  # the half second that a Date leaves out, and half of the call


def test_reading_is_taken_once(clock: VendorClock, seconds: Seconds) -> None:
    clock.heard(reply(formatdate(NOW_S, usegmt=True)), began=99.9, ended=100.0)
    assert clock.take() is not None
    assert clock.take() is None
    clock.heard(reply(formatdate(NOW_S + 1, usegmt=True)), began=101.0, ended=101.1)
    assert clock.take() is not None


@pytest.mark.parametrize("date", [None, "", "soon", "Thu, 99 Foo 2026 99:99:99 GMT", "\x00", "1" * 10_000])
def test_reply_without_a_date_says_nothing(clock: VendorClock, date: str | None) -> None:
    clock.heard(reply(date), began=99.9, ended=100.0)
    assert clock.now() is None


def test_slow_reply_says_nothing(clock: VendorClock) -> None:
    clock.heard(reply(formatdate(NOW_S, usegmt=True)), began=100.0 - SLOW_S - 0.1, ended=100.0)
    assert clock.now() is None
