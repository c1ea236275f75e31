"""Reads a vendor's clock from the ``Date`` of its replies."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from connectors.classify import server_time
from connectors.models import Reply

SLOW_S = 4.0  # a slower reply may have been dated at any moment of its wait, so it says too little


class VendorClock:
    """Keeps the newest reading of one vendor's clock.

    A reading is right to about two seconds: ``Date`` shows whole ones, and the reply took up to ``SLOW_S``. It rests
    on our monotonic clock, so that setting this machine's clock changes nothing.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._told_ms, self._at, self._taken = 0.0, float("-inf"), True

    def heard(self, reply: Reply, began: float, ended: float) -> None:
        """Take a reading from a reply; ``began`` and ``ended`` are its call's, in seconds of ``perf_counter``."""
        if ended - began > SLOW_S:
            return
        dated_ms = server_time(reply)
        if dated_ms:
            self._told_ms, self._at, self._taken = dated_ms + 500.0, (began + ended) / 2, False

    def now(self) -> int | None:
        """Returns the vendor's time (ms) by the newest reading; ``None`` before the first."""
        if not self._told_ms:
            return None
        return round(self._told_ms + (self._clock() - self._at) * 1000)

    def take(self) -> int | None:
        """Returns ``now`` once per reading, so that an old one is never taken for a new one."""
        if self._taken:
            return None
        self._taken = True
        return self.now()
