"""Tells how many calls to one vendor may be repeats: a fifth of the calls, and a small floor for quiet times.

One bucket per connection pool, so per process and vendor, as Finagle keeps its retry budget: a vendor that fails
everything gets a fifth more calls from us, not three times as many. Repeats of whole visits are not counted here: they
are spread over minutes by their own backoff, end after eight, and stop while the vendor is paused for an outage.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.2
FLOOR = 10.0  # repeats that a quiet pool may make at once
MOST = 100.0  # limits the repeats that a quiet hour saves up
REFILL_S = 10.0  # one repeat of the floor comes back in this time


class RepeatBudget:
    """Bounds repeats by a token bucket: every first attempt pays in a fifth of one. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens, self._since = FLOOR, clock()

    def called(self) -> None:
        self._tokens = min(MOST, self._tokens + SHARE)

    def spent(self) -> bool:
        """Take one repeat; ``False`` if there is none, and then nothing is repeated."""
        now = self._clock()
        if self._tokens < FLOOR:
            self._tokens = min(FLOOR, self._tokens + (now - self._since) / REFILL_S)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
