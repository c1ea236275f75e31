"""Keeps what the workers that opened the CRMs stored about them; no post waits for it more than once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from worker.ledger.scripts import LedgerUnavailableError

KNOWN_MS, UNKNOWN_MS = 60_000, 1_000
READ_S = 0.1  # whoever posts hears within a second, whatever Redis does


class Remembered:
    """Remembers one text per crm for a minute, for a second while there is none. ``clock`` gives ms."""

    def __init__(self, read: Callable[[str], Awaitable[str]], clock: Callable[[], int]) -> None:
        self._read, self._clock = read, clock
        self._known: dict[str, str] = {}
        self._until: dict[str, int] = {}

    async def of(self, crm: str) -> str:
        """Returns the text of a crm; ``""`` while nobody has stored it, or Redis does not."""
        now = self._clock()
        if now >= self._until.get(crm, 0):
            self._until[crm] = now + UNKNOWN_MS  # others do not wait for the same read
            try:
                async with asyncio.timeout(READ_S):
                    self._known[crm] = await self._read(crm)
            except (LedgerUnavailableError, TimeoutError):
                return self._known.get(crm, "")
            if self._known[crm]:
                self._until[crm] = now + KNOWN_MS
        return self._known.get(crm, "")
