"""Our own users in the CRMs, as the workers that opened them told the ledger; no post waits for it more than once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from worker.ledger.intake.users import Users
from worker.ledger.scripts import LedgerUnavailableError

KNOWN_MS, UNKNOWN_MS = 60_000, 1_000
READ_S = 0.1  # whoever posts hears within a second, whatever Redis does


class Ourselves:
    """Remembers what the ledger said, for a minute; for a second while it knows nobody. ``clock`` gives ms."""

    def __init__(self, users: Users, clock: Callable[[], int]) -> None:
        self._users, self._clock = users, clock
        self._known: dict[str, str] = {}
        self._until: dict[str, int] = {}

    async def user(self, crm: str) -> str:
        """Our user in a crm; ``""`` while nobody has told, or Redis does not."""
        now = self._clock()
        if now >= self._until.get(crm, 0):
            self._until[crm] = now + UNKNOWN_MS  # others do not wait for the same read
            try:
                async with asyncio.timeout(READ_S):
                    self._known[crm] = await self._users.of(crm)
            except (LedgerUnavailableError, TimeoutError):
                return self._known.get(crm, "")
            if self._known[crm]:
                self._until[crm] = now + KNOWN_MS
        return self._known.get(crm, "")
