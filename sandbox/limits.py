"""Limits requests by rolling windows, several at once per bucket."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.clock import Clock


@dataclass(frozen=True, slots=True)
class Window:
    """Allows at most `allowed` requests in any `seconds`."""

    name: str
    allowed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class WindowState:
    window: Window
    remaining: int
    reset_s: float
    """Seconds until the window is empty again if nothing more comes."""
    retry_s: float
    """Seconds until one more request fits; 0 if one fits now."""


class Limits:
    """Buckets of windows. A refused request counts nowhere."""

    def __init__(self, clock: Clock, buckets: Mapping[str, Iterable[Window]]) -> None:
        self.clock = clock
        self._hits: dict[str, list[tuple[Window, deque[float]]]] = {}
        for bucket, windows in buckets.items():
            self.set(bucket, windows)

    def empty(self) -> None:
        """Forgets every request so far, so that each window starts again."""
        for windows in self._hits.values():
            for _, hits in windows:
                hits.clear()

    def set(self, bucket: str, windows: Iterable[Window]) -> None:
        """Replaces the windows of a bucket, starting empty. No window: unlimited."""
        self._hits[bucket] = [(window, deque()) for window in windows]

    def take(self, bucket: str, count: int = 1) -> WindowState | None:
        """Books `count` requests. The window that refuses, or None if all windows take them."""
        hits = self._hits.get(bucket)
        if not hits:
            return None
        now = self.clock.monotonic()
        refusing: WindowState | None = None
        for window, times in hits:
            state = _state(window, times, now)
            if state.remaining < count and (refusing is None or state.retry_s > refusing.retry_s):
                refusing = state
        if refusing is None:
            for _, times in hits:
                times.extend([now] * count)
        return refusing

    def states(self, bucket: str) -> list[WindowState]:
        now = self.clock.monotonic()
        return [_state(window, times, now) for window, times in self._hits.get(bucket, ())]

    def buckets(self) -> dict[str, list[Window]]:
        return {bucket: [window for window, _ in hits] for bucket, hits in self._hits.items()}


def _state(window: Window, times: deque[float], now: float) -> WindowState:
    gone = now - window.seconds
    while times and times[0] <= gone:
        times.popleft()
    remaining = max(0, window.allowed - len(times))
    reset_s = times[-1] + window.seconds - now if times else 0.0
    if remaining:
        return WindowState(window, remaining, reset_s, 0.0)
    retry_s = times[len(times) - window.allowed] + window.seconds - now if window.allowed else window.seconds
    return WindowState(window, 0, reset_s, retry_s)
