"""Leases of running visits are tended whatever Redis does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from connectors.batching import Batcher
from tests.harness.until import until
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.work import Lane, Lease
from worker.visits.runner import AHEAD, CROWD, Line, Visits


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
                "acme", "contact", "1", "claim:acme:contact:1", "worker-1", Lane.LIVE, "day", 0, 0, 0, False, None, (),
                "",
            )
        ]  # fmt: skip

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


class ManyLeases(Work):
    """As many leases as anybody wants, up to a hundred."""

    def __init__(self) -> None:
        super().__init__()
        self.left = [replace(self.left[0], id=str(at), token=f"claim:acme:contact:{at}") for at in range(100)]

    async def claim(self, _owner: str, count: int, *, holding: int = 0) -> list[Lease]:
        assert holding >= 0
        return [self.left.pop() for _ in range(min(count, len(self.left)))]


async def test_visits_that_wait_for_a_batch_leave_their_place_to_others() -> None:
    gate = asyncio.Event()

    async def read(items: Sequence[str]) -> dict[str, str]:
        await gate.wait()
        return {item: item for item in items}

    reader: Batcher[str, str] = Batcher("acme", "read", read, str, 4, linger_s=0.001)

    async def story(lease: Lease) -> None:
        await reader.ask(lease.id)

    work = ManyLeases()
    visits = Visits("worker-1", 4, AwayWork(0), asyncio.Event())  # type: ignore[arg-type]  # only what is called
    filling = asyncio.create_task(visits.fill(Line("acme.contact", work, 4, story)))  # type: ignore[arg-type]
    await until(lambda: len(visits) == CROWD * 4, look_s=0.001)
    assert len(work.left) == 100 - CROWD * 4  # and no more than that
    gate.set()
    await filling
    assert not work.left


async def test_visits_are_claimed_before_a_place_among_the_calls_is_free() -> None:
    over, work = asyncio.Event(), ManyLeases()

    async def story(_: Lease) -> None:
        await over.wait()

    visits = Visits("worker-1", 4, AwayWork(0), asyncio.Event())  # type: ignore[arg-type]  # only what is called
    filling = asyncio.create_task(visits.fill(Line("acme.contact", work, 4, story)))  # type: ignore[arg-type]
    await until(lambda: len(visits) == AHEAD * 4, look_s=0.001)
    assert len(work.left) == 100 - AHEAD * 4
    over.set()
    await filling
    assert not work.left
