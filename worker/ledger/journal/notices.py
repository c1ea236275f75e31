"""Notes which people were informed that data about them was bought (GDPR, Art. 14)."""

from __future__ import annotations

from collections.abc import Sequence

from worker.ledger.money.answers import Ref, ref_of
from worker.ledger.scripts import Arg, Scripts
from worker.ledger.work.work_values import ref


class Notices:
    """Remembers the records whose person was informed, and when (ms)."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts, self._key = scripts, scripts.keys("notices")

    async def informed(self) -> dict[Ref, int]:
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._key)
        return {ref_of(name): int(at) for name, at in found.items()}

    async def mark(self, records: Sequence[Ref]) -> None:
        """Note that the people of these records were informed now; earlier dates stay."""
        at = await self._scripts.now()
        steps: list[Sequence[Arg]] = [("HSETNX", self._key, ref(*one), at) for one in records]
        await self._scripts.calls(steps)

    async def unmark(self, records: Sequence[Ref]) -> None:
        if records:
            await self._scripts.call("HDEL", self._key, *(ref(*one) for one in records))
