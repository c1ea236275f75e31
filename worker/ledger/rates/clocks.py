"""Tells how far each vendor's clock is from the ledger's, and since when: what comparisons with its books rest on."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from worker.ledger.scripts import Scripts


class Offset(Struct, frozen=True):
    """Compares a vendor's clock against the ledger's, in ms; positive = ahead.

    ``since_ms`` (ledger's) = it has held since. ``stretch`` counts how often one of the two was set.
    """

    ms: int
    since_ms: int
    stretch: int = 0

    def held_since(self, sent_ms: int, stretch: int) -> bool:
        """Returns whether neither clock was set since a call was sent, in that ``stretch``."""
        return self.stretch == stretch and self.since_ms <= sent_ms


class Clocks:
    """Keeps clocks in Redis, since the process that judges a lookup need not be the one that sent it."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def heard(self, vendor: str, now_ms: int) -> Offset:
        """Note that the vendor's clock shows ``now_ms`` at this moment."""
        found = await self._scripts.run("clock_heard", vendor=vendor, time_ms=now_ms)
        return Offset(*map(int, found))

    async def of(self, vendors: Sequence[str]) -> dict[str, Offset]:
        """Returns the offsets of those ``vendors`` whose clock was ever read."""
        keys = self._scripts.keys
        rows = await self._scripts.calls(
            [("HMGET", keys("clock", vendor), "offset", "since", "stretch") for vendor in vendors]
        )
        return {
            vendor: Offset(*(int(one or 0) for one in row)) for vendor, row in zip(vendors, rows, strict=True) if row[0]
        }
