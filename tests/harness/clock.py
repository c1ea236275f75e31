"""Moves time for a test: its own, and the one by which leases and tickets of workers end."""

from __future__ import annotations

from redis.asyncio import Redis

from worker.ledger.money.creations import Creations
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import Scripts
from worker.ledger.work.all_work import AllWork

GONE_MS = 120_000  # by then every lease and every ticket of somebody who is gone has ended


class Clock:
    """Tells a time in ms that only the test moves."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_ms(self, ms: int) -> None:
        self.now += ms


async def later(redis: Redis, ms: int = GONE_MS) -> Scripts:
    """Returns the ledger's scripts on a clock that is ahead of the server's."""
    seconds, _ = await redis.time()
    return Scripts(redis, clock=lambda: int(seconds) * 1000 + ms)


async def gone(scripts: Scripts) -> None:
    """End the leases, tickets and creations of workers that are gone, as the next one's upkeep does."""
    await AllWork(scripts).reap()
    await Desk(scripts).reap(())
    await Creations(scripts).reap(())
