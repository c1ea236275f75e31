"""Reads Redis' memory, and forecasts when its limit is reached at the pace of the last days."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from redis.exceptions import ResponseError

from worker.ledger.rates.cursors import Cursors
from worker.ledger.scripts import Scripts

FULL = 0.8  # from here on backfill pauses: the needs of a fresh event must still fit
_DAY_MS = 86_400_000
_SAMPLES = 15  # one a day
_NAME = "footprint"


class MemoryUse(Struct, frozen=True):
    """Holds sizes in bytes. ``limit`` is ``maxmemory``, else the machine's memory, 0 when neither is known.

    ``full_in_days`` is the forecast, ``None`` while there is no day to go by or nothing grows.
    """

    used: int
    limit: int
    full_in_days: float | None = None

    @property
    def share(self) -> float:
        """Returns the share of the limit, 0 if unknown."""
        return self.used / self.limit if self.limit else 0.0

    @property
    def is_full(self) -> bool:
        """Tells whether backfill pauses."""
        return self.share >= FULL

    def as_json(self) -> dict[str, Any]:
        return {"used": self.used, "limit": self.limit, "full_in_days": self.full_in_days}


class RedisMemory:
    """Samples Redis' own memory figures on each of the last days."""

    def __init__(self, scripts: Scripts, cursors: Cursors) -> None:
        self._scripts, self._cursors = scripts, cursors

    async def now(self) -> MemoryUse | None:
        """Returns the present figures; ``None`` if Redis does not tell."""
        try:
            info = await self._scripts.call("INFO", "memory")
        except ResponseError:
            return None
        used, limit = int(info["used_memory"]), int(info.get("maxmemory") or info.get("total_system_memory") or 0)
        return MemoryUse(used, limit, _full_in_days(await self._samples(), await self._scripts.now(), used, limit))

    async def sample(self) -> None:
        """Note today's; more than one a day is not kept."""
        samples, now = await self._samples(), await self._scripts.now()
        if samples and now - samples[-1][0] < _DAY_MS:
            return
        if (found := await self.now()) is not None:
            await self._cursors.set(_NAME, json.dumps([*samples, (now, found.used)][-_SAMPLES:]))

    async def _samples(self) -> list[tuple[int, int]]:
        return [(at, used) for at, used in json.loads(await self._cursors.get(_NAME) or "[]")]


def _full_in_days(samples: Sequence[tuple[int, int]], now: int, used: int, limit: int) -> float | None:
    if not samples or not limit or now - samples[0][0] < _DAY_MS:
        return None
    at, before = samples[0]
    grown = used - before
    return None if grown <= 0 else round(max(0, limit - used) / grown * (now - at) / _DAY_MS, 1)
