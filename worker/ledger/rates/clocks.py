"""Tells how far each vendor's clock is from the ledger's, and since when: what comparisons with its books rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.ledger.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Offset:
    """Compares a vendor's clock against the ledger's, in ms; positive = ahead.

    ``since_ms`` (ledger's) = it has held since.
    """

    ms: int
    since_ms: int


class Clocks:
    """Keeps clocks in Redis, since the process that judges a lookup need not be the one that sent it."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def heard(self, vendor: str, now_ms: int) -> Offset:
        """Note that the vendor's clock shows ``now_ms`` at this moment."""
        ms, since_ms = await self._scripts.run("clock_heard", vendor=vendor, time_ms=now_ms)
        return Offset(int(ms), int(since_ms))

    async def of(self, vendors: Sequence[str]) -> dict[str, Offset]:
        """Returns the offsets of those ``vendors`` whose clock was ever read."""
        keys = self._scripts.keys
        rows = await self._scripts.calls([("HMGET", keys("clock", vendor), "offset", "since") for vendor in vendors])
        return {vendor: Offset(int(ms), int(since)) for vendor, (ms, since) in zip(vendors, rows, strict=True) if ms}
