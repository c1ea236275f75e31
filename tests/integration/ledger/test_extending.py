"""Leases of running visits are extended, and a visit is ended only if it has surely lost its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from structlog.testing import capture_logs

from tests.harness.clock import Clock
from tests.harness.until import until
from tests.integration.ledger.work_steps import OWNER, READ, add
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import LEASE_MS, AllWork, Lease, Work
from worker.visits.runner import Line, Visits


async def visiting(
    scripts: Scripts, work: Work, story: Callable[[Lease], Awaitable[None]]
) -> tuple[Visits, asyncio.Task[int]]:
    """Returns the visits of a process that has begun with one record, and the job that ends with it."""
    await add(work, "1")
    visits = Visits(OWNER, 5, AllWork(scripts), asyncio.Event())
    filling = asyncio.create_task(visits.fill(Line("acme_hubspot.contact", work, 5, story)))
    await until(lambda: len(visits) == 1, look_s=0.001)
    return visits, filling


async def test_visit_that_ends_while_leases_are_extended_comes_to_its_end(scripts: Scripts, work: Work) -> None:
    settled, over, ended = asyncio.Event(), asyncio.Event(), list[str]()

    async def story(lease: Lease) -> None:
        await work.settle(lease, READ)
        settled.set()
        await over.wait()
        ended.append(lease.id)

    visits, filling = await visiting(scripts, work, story)
    await settled.wait()
    with capture_logs() as logs:
        await visits.extend()
    over.set()
    await filling
    assert ended == ["1"]
    assert not logs


async def test_visit_whose_record_somebody_else_has_taken_is_ended(scripts: Scripts, work: Work, clock: Clock) -> None:
    async def story(_: Lease) -> None:
        await asyncio.Event().wait()

    visits, filling = await visiting(scripts, work, story)
    clock.pass_ms(LEASE_MS + 1)
    await AllWork(scripts).reap()
    assert await work.claim("worker-2", 1)
    with capture_logs() as logs:
        await visits.extend()
        assert len(visits) == 1
        await visits.extend()
    await filling
    assert [(one["event"], one["lost"]) for one in logs] == [("visit.cancelled", True)]
