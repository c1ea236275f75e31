"""Keeps what happens from time to time, once across all workers; and which workers are alive.

The schedule rings often and asks for due tasks: a missed or doubled ring changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from worker.ledger.scripts import Scripts

RETRY_MS = 600_000  # a task that was begun and not done, perhaps because its worker was killed, is begun again
ALIVE_MS = 60_000


class Ticked(Struct, frozen=True):
    """Tells when (ms, 0 = never) a task was last begun and last ended well."""

    begun_ms: int
    done_ms: int


class Beat(Struct, frozen=True):
    owner: str
    at_ms: int
    info: Mapping[str, Any]

    @property
    def serves_all(self) -> bool:
        """Tells whether it works for everybody, and not for one run that a person started."""
        return not self.info.get("run")


class Timetable:
    """Tells when periodic tasks are due, by name."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def due(self, periods: Mapping[str, int], *, again_ms: int = 0) -> list[str]:
        """Returns the names (with their periods in ms) that are due now; they are begun and due for nobody else.

        A task that was not ``done`` is due again after its period or ten minutes, whichever is shorter, or after
        ``again_ms``, if two may never be at it.
        """
        tasks = [(name, period, again_ms or min(period, RETRY_MS)) for name, period in periods.items()]
        begun = await self._scripts.run("timetable_due", tasks=tasks)
        return [name.decode() for name in begun]

    async def done(self, name: str) -> None:
        await self._scripts.call("HSET", self._scripts.keys("done"), name, await self._scripts.now())

    async def last(self) -> dict[str, Ticked]:
        """Returns every task that was ever begun."""
        begun, done = await self._scripts.calls(
            [("HGETALL", self._scripts.keys("begun")), ("HGETALL", self._scripts.keys("done"))]
        )
        return {
            name.decode(): Ticked(int(begun.get(name, 0)), int(done.get(name, 0))) for name in sorted({*begun, *done})
        }

    async def beat(self, owner: str, info: Mapping[str, Any]) -> None:
        """Gives a sign of life, with what ``status`` shows of the worker."""
        now = await self._scripts.now()
        beats, alive = self._scripts.keys("beats"), self._scripts.keys("alive")
        await self._scripts.calls(
            [("HSET", beats, owner, json.dumps(dict(info), separators=(",", ":"))), ("ZADD", alive, now, owner)]
        )

    async def leave(self, owner: str) -> None:
        """Notes that the worker stops in good order."""
        beats, alive = self._scripts.keys("beats"), self._scripts.keys("alive")
        await self._scripts.calls([("ZREM", alive, owner), ("HDEL", beats, owner)])

    async def alive(self, within_ms: int = ALIVE_MS) -> list[Beat]:
        """Returns workers that gave a sign of life in the last ``within_ms``; those silent for a day are forgotten."""
        rows = await self._scripts.run("timetable_alive", within_ms=within_ms)
        return [Beat(owner.decode(), int(at), json.loads(info)) for owner, at, info in rows]
