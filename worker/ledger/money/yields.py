"""Keeps what paid questions cost and brought, over all workers: counted as visits settle, read back now and then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from worker.ledger.scripts import Scripts


class Yields:
    """Keeps counters by name (``worker/decide/odds.py`` says which).

    They are estimates: what a crash loses is no loss.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._noted: Counter[str] = Counter()

    def note(self, counts: Mapping[str, int]) -> None:
        """Keep for the next visit of this process that settles."""
        self._noted.update(counts)

    def take(self) -> dict[str, int]:
        """Give what was noted since it was last taken, to be counted with a settlement."""
        noted, self._noted = dict(self._noted), Counter()
        return noted

    async def counted(self) -> dict[str, int]:
        """Returns everything that all workers have counted."""
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._scripts.keys("yields"))
        return {name.decode(): int(by) for name, by in found.items()}
