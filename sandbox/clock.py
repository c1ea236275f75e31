"""Time as the vendors see it; it can be moved forward so that a test waits for nothing."""

import time
from datetime import UTC, datetime


class Clock:
    """Wall and monotonic seconds, both shifted by `ahead`."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def wall(self) -> float:
        """Epoch seconds."""
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds

    def stamp(self) -> float:
        """Epoch seconds in whole milliseconds, equal to what is read back from `iso`."""
        return whole_ms(self.wall())

    def iso(self, *, seconds_ago: float = 0.0) -> str:
        """Now as `2026-11-20T09:00:00.123Z`."""
        return iso(self.wall() - seconds_ago)


def whole_ms(epoch_s: float) -> float:
    """The same moment without what `iso` does not show."""
    return int(epoch_s * 1000) / 1000


def iso(epoch_s: float) -> str:
    """An epoch in seconds as `2026-11-20T09:00:00.123Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
