"""Leases of running visits are tended whatever Redis does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.work import Lane, Lease
from worker.visits.runner import Line, Visits


class AwayWork:
    """Redis is away for the first ``away`` rounds."""

    def __init__(self, away: int) -> None:
        self.away, self.rounds = away, 0
        self.extended = asyncio.Event()

    async def extend(self, owner: str, tokens: Sequence[str]) -> tuple[str, ...]:
        assert owner == "worker-1"
        self.rounds += 1
        if self.rounds <= self.away:
            raise LedgerUnavailableError("ConnectionError")
        self.extended.set()
        return ()


class Work:
    """One lease, and then none."""

    def __init__(self) -> None:
        self.left = [
            Lease(
                "acme",
                "contact",
                "1",
                "claim:acme:contact:1",
                "worker-1",
                Lane.LIVE,
                "day",
                0,
                0,
                0,
                False,
                None,
                (),
                "",
            )
        ]

    async def claim(self, _owner: str, _count: int, *, holding: int = 0) -> list[Lease]:
        assert holding >= 0
        return [self.left.pop()] if self.left else []


async def test_a_redis_that_is_away_for_a_round_does_not_end_the_tending_of_leases() -> None:
    all_work, over = AwayWork(away=2), asyncio.Event()

    async def story(_: Lease) -> None:
        await over.wait()

    visits = Visits("worker-1", 5, all_work, asyncio.Event())  # type: ignore[arg-type]  # only what is called
    filling = asyncio.create_task(visits.fill(Line("acme.contact", Work(), 5, story)))  # type: ignore[arg-type]
    tending = asyncio.create_task(visits.tend(0.001))
    async with asyncio.timeout(5):
        await all_work.extended.wait()
    assert not tending.done()
    over.set()
    await filling
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)
