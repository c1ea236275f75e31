"""Indexes one object for search, which sees writes a while later."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable


class Index:
    def __init__(self, now: Callable[[], float], lag_s: float) -> None:
        self.lag_s = lag_s
        self._now = now
        self._pending: deque[tuple[float, int, dict[str, str] | None, int]] = deque()
        self._seen: dict[int, tuple[int, dict[str, str]]] = {}
        self._by_modified: list[tuple[int, int]] = []
        self._numbers: list[int] = []

    def note(self, number: int, values: dict[str, str] | None, modified: int) -> None:
        """Notes that a record changed, or is gone (None)."""
        self._pending.append((self._now() + self.lag_s, number, values, modified))

    def values(self, number: int) -> dict[str, str]:
        """Returns what search knows of a record; empty if nothing."""
        held = self._seen.get(number)
        return held[1] if held else {}

    def settle(self) -> None:
        self._advance(float("inf"))

    def since(self, low: int | None, past: int) -> list[tuple[int, dict[str, str]]]:
        """Yields (id, values) as search sees them, modified after `low`, or at `low` with an id above `past`."""
        self._advance(self._now())
        seen = self._seen
        if low is None or past:
            return [(number, seen[number][1]) for number in self._numbers[bisect_right(self._numbers, past) :]]
        order = self._by_modified
        return [(number, seen[number][1]) for _, number in order[bisect_left(order, (low, 0)) :]]

    def _advance(self, until: float) -> None:
        pending = self._pending
        while pending and pending[0][0] <= until:
            _, number, values, modified = pending.popleft()
            held = self._seen.pop(number, None)
            if held:
                self._by_modified.pop(bisect_left(self._by_modified, (held[0], number)))
                if values is None:
                    self._numbers.pop(bisect_left(self._numbers, number))
            if values is not None:
                self._seen[number] = (modified, values)
                insort(self._by_modified, (modified, number))
                if not held:
                    insort(self._numbers, number)
