"""Counts the vendor calls of this process, how each ended and how long it took, until somebody takes the counts."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from enum import StrEnum
from time import time

from connectors.operations import Operation

BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the ranges that durations are counted in, in seconds; the last range has none."""

UNSENT = "unsent"
LAST = 100
"""Calls of a vendor that are kept at most."""

CallName = tuple[str, str]  # vendor, operation
CallMade = tuple[float, Operation, int | None, float]  # when (s), what, HTTP status, how long (s)


class CallEnd(StrEnum):
    """Names how a call ended."""

    OK = "ok"
    LIMITED = "429"
    REFUSED = "refused"  # any other 4xx
    FAILED = "failed"  # a 5xx
    LOST = "lost"  # no answer, or none that can be read


def end_of(status: int | None) -> CallEnd:
    """Returns how a call with this HTTP status ended; ``None`` = no answer."""
    if status is None:
        return CallEnd.LOST
    if status == 429:
        return CallEnd.LIMITED
    if status >= 500:
        return CallEnd.FAILED
    return CallEnd.REFUSED if status >= 400 else CallEnd.OK


class CallFigures:
    """Counts calls by (vendor, operation, what): an end, the place of a range, ``ms`` in all, or ``unsent``.

    Beside them the last calls of each vendor are kept.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._last: dict[str, deque[CallMade]] = {}

    def note(self, vendor: str, operation: Operation, status: int | None, seconds: float) -> None:
        """Count one call, and keep it among the last."""
        self._last.setdefault(vendor, deque(maxlen=LAST)).append((time(), operation, status, seconds))
        self._count(vendor, operation.name, status, seconds)

    def unsent(self, vendor: str, operation: Operation) -> None:
        """Count a write that was not sent, since the read it was decided on had taken too long."""
        self._counts[vendor, operation.name, UNSENT] += 1

    def last(self) -> dict[str, list[CallMade]]:
        """Returns the last calls of each vendor since this was asked, oldest first."""
        taken, self._last = self._last, {}
        return {vendor: list(calls) for vendor, calls in taken.items()}

    def _count(self, vendor: str, operation: str, status: int | None, seconds: float) -> None:
        self._counts[vendor, operation, end_of(status)] += 1
        self._counts[vendor, operation, f"le{bisect_left(BOUNDS_S, seconds)}"] += 1
        self._counts[vendor, operation, "ms"] += round(seconds * 1000)

    def take(self) -> dict[tuple[str, str, str], int]:
        """Returns the counts since the last time, and begins anew."""
        taken, self._counts = self._counts, Counter()
        return dict(taken)

    def give_back(self, counts: dict[tuple[str, str, str], int]) -> None:
        """Count again what was taken and could not be kept."""
        self._counts.update(counts)


CALLS = CallFigures()
"""The calls of this process, whichever transport made them."""
