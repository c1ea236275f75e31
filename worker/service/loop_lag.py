"""Measures how late the event loop runs its timers: what blocks it delays every visit and every lease."""

from __future__ import annotations

import asyncio

TICK_S = 0.25


class LoopLag:
    """Measures the longest delay of a timer since it was last asked for."""

    def __init__(self) -> None:
        self._worst_s = 0.0

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self._worst_s = max(self._worst_s, loop.time() - due)

    def take_ms(self) -> int:
        """Returns the longest delay in ms, and resets it."""
        worst, self._worst_s = self._worst_s, 0.0
        return round(worst * 1000)
