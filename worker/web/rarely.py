"""Bounds the lines of the log that strangers can bring about as often as they like: one a second of each kind."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY_S = 1.0


class Rarely:
    """Counts what comes about; the next line includes what none reported within a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[tuple[object, ...], int] = {}
        self._said_at: dict[tuple[object, ...], float] = {}

    def due(self, *kind: object) -> int:
        """Counts one of a kind; returns how many to report now, 0 where a line was written within the second."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._clock() - self._said_at.get(kind, float("-inf")) < EVERY_S:
            return 0
        self._said_at[kind] = self._clock()
        return self._counts.pop(kind)
