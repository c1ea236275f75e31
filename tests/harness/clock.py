"""Time that only a test moves."""

from __future__ import annotations


class Clock:
    """Time in ms that only the test moves."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_ms(self, ms: int) -> None:
        self.now += ms
