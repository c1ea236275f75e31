"""Tells the vendors' time, which a test can move forward instead of waiting."""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime

MADE_S = 60.0  # age of a CRM's rows at its start: it is a race whether a poll sees those of its own moment


class Clock:
    """Tells wall and monotonic seconds, both shifted by `ahead`."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def wall(self) -> float:
        """Returns epoch seconds."""
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds

    @contextlib.contextmanager
    def before_the_start(self) -> Iterator[None]:
        """Stamps everything made inside as older than this vendor."""
        self.advance(-MADE_S)
        yield
        self.advance(MADE_S)

    def stamp(self) -> float:
        """Returns epoch seconds in whole milliseconds, equal to those read back from `iso`."""
        return whole_ms(self.wall())

    def iso(self, *, seconds_ago: float = 0.0) -> str:
        """Returns the present as `2026-11-20T09:00:00.123Z`."""
        return iso(self.wall() - seconds_ago)


def whole_ms(epoch_s: float) -> float:
    """Returns the moment without the fraction that `iso` does not show."""
    return int(epoch_s * 1000) / 1000


def iso(epoch_s: float) -> str:
    """Returns an epoch in seconds as `2026-11-20T09:00:00.123Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
