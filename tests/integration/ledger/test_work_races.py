"""Workers that know nothing of each other share the work: every record is held by one of them at a time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import READ, RUN, add
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import LEASE_MS, AllWork, CursorMove, Due, Lane, StepEnd, Work

RECORDS = 400


async def test_records_are_settled_once_though_workers_stall_and_lose_their_leases(
    redis_socket: Path, work: Work, all_work: AllWork, clock: Clock
) -> None:
    await add(work, *map(str, range(RECORDS)))
    settled: Counter[str] = Counter()
    holders: dict[str, str] = {}
    held_by: dict[str, list[str]] = {}
    lost = 0

    async def worker(name: str) -> None:
        nonlocal lost, holders
        fate = random.Random(name)
        client = Redis(unix_socket_path=str(redis_socket))
        mine = Work(Scripts(client, clock=clock), work.crm, work.object)
        while sum(settled.values()) < RECORDS:
            held = await mine.claim(name, 7)
            held_by[name] = [lease.token for lease in held]
            holders |= {lease.id: lease.token for lease in held}
            if held and not any(lease.crashes for lease in held) and fate.random() < 0.3:  # stalls past its leases
                clock.pass_ms(LEASE_MS)
                for healthy in held_by.keys() - {name}:
                    await all_work.extend(healthy, held_by[healthy])
                await all_work.reap()
            for lease in held:
                await asyncio.sleep(0)
                ending = await mine.settle(lease, READ)
                lost += ending is StepEnd.LOST
                if ending is StepEnd.DONE:
                    assert holders[lease.id] == lease.token
                    settled[lease.id] += 1
            await asyncio.sleep(0)
        await client.aclose()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(worker(f"worker-{number}"))
    assert set(settled.values()) == {1}
    assert len(settled) == RECORDS
    assert lost > 0


async def test_page_is_stored_by_one_of_many_pollers(work: Work, scripts: Scripts) -> None:
    page = [Due(str(number)) for number in range(50)]
    added = await asyncio.gather(
        *(work.add(page, lane=Lane.LIVE, run=RUN, move=CursorMove("poll", "", f"by-{number}")) for number in range(20))
    )
    assert sum(each.moved for each in added) == 1
    assert sum(each.added for each in added) == 50


async def test_admission_by_many_gives_each_record_once(work: Work, all_work: AllWork) -> None:
    await add(work, *map(str, range(50)))
    for lease in await work.claim("worker-1", 50):
        await work.wait(lease, ["kaspr", "forager"], None, "rate")
    admitted = await asyncio.gather(
        *(all_work.admit(provider, 10, at_once=True) for provider in ("kaspr", "forager") for _ in range(4))
    )
    assert sum(admitted) == 50
    assert (await work.counts()).due == 50


async def test_busy_crm_does_not_starve_a_quiet_one(work: Work, other: Work, all_work: AllWork) -> None:
    for busy, each in ((500, work), (5, other)):
        await add(each, *map(str, range(busy)))
        for lease in await each.claim("worker-1", busy):
            await each.wait(lease, ["kaspr"], None, "rate")
    assert await all_work.admit("kaspr", 10) == 10
    assert ((await work.counts()).due, (await other.counts()).due) == (5, 5)
