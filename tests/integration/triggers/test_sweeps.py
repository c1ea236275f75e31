"""Sweeps the other range with patience, and records that are only to be looked at again."""

from __future__ import annotations

import json

from msgspec import structs
from redis.asyncio import Redis

from tests.integration.triggers.floor import HUBSPOT, RUN, Floor
from worker.ledger.own_clock import clock
from worker.ledger.work.work import Settlement
from worker.triggers.backfill import Backfill, backfill, backfill_cursor
from worker.triggers.poll import activation_cursor, due_rows

DAY_MS = 86_400_000


async def _backfilled(floor: Floor) -> set[str]:
    """Everything was walked and is in the work."""
    cursors = floor.runtime.ledger.cursors
    await floor.activate()
    begun = Backfill("backfill-1")
    await cursors.set(backfill_cursor(HUBSPOT, "contact"), json.dumps(structs.asdict(begun)))
    walked = await backfill(floor.watch(), cursors)
    assert walked is not None
    assert walked.done
    found = await floor.runtime.ledger.scripts.call("ZRANGE", f"refill:work:{HUBSPOT}:contact:due:backfill", 0, -1)
    return {one.decode() for one in found}


async def test_sweep_finds_what_was_lost_of_a_backfills_range(floor: Floor, redis: Redis) -> None:
    ids = await _backfilled(floor)
    await floor.visit_all()
    read = await floor.watch().vendor.read(floor.watch().watched, sorted(ids))
    still = await due_rows(floor.watch(), [one.record for one in read.values() if one.record is not None])
    lost = min(row.id for row in still)  # its gaps could not be filled
    for key in await redis.keys("refill:memory:*"):  # as if Redis had forgotten one of them
        await redis.hdel(key, lost)  # type: ignore[misc]  # redis-py types both its clients at once
    await floor.time_passes(HUBSPOT, 30)
    found = await floor.swept()
    assert (found.done, found.recovered) == (True, 1)
    assert await floor.due() == {lost}
    await floor.visit_all()
    assert floor.vendors.charged_twice() == []


async def test_sweep_leaves_to_the_recheck_what_is_only_to_be_looked_at_again(floor: Floor) -> None:
    ids = await _backfilled(floor)
    for lease in await floor.work().claim("worker-1", 1_000):
        await floor.work().settle(lease, Settlement("a1", stamp=clock() * 2, read_at=clock() * 3, look_at=1))
    found = await floor.swept()
    assert (found.recovered, await floor.due()) == (0, set())
    brought = sum([await floor.work().recheck(RUN, first=first) for first in range(0, 4096, 256)])
    assert brought == len(ids)
    await floor.visit_all()
    assert floor.vendors.charged_twice() == []


async def test_pass_begins_once_a_day_and_looks_at_nothing_younger_than_its_grace(floor: Floor) -> None:
    await floor.activate()
    (row, *_) = await floor.control("hubspot", "records/contacts")
    await floor.edit("hubspot", "contacts", row["id"], hs_email_optout="false")
    await floor.time_passes(HUBSPOT, 60)
    now = clock()
    assert await floor.sweep(every_ms=DAY_MS, now_ms=now, grace_ms=600_000) is None  # all of it is too young
    await floor.time_passes(HUBSPOT, 900)
    first = await floor.sweep(every_ms=DAY_MS, now_ms=now, grace_ms=600_000)
    assert first is not None
    assert first.done
    assert await floor.sweep(every_ms=DAY_MS, now_ms=now + DAY_MS - 1, grace_ms=600_000) is None
    assert await floor.sweep(every_ms=DAY_MS, now_ms=now + DAY_MS, grace_ms=600_000) is not None


async def test_sweep_waits_for_a_poll_that_is_behind(floor: Floor) -> None:
    await floor.time_passes(HUBSPOT, 60)
    await floor.poll()
    assert await floor.runtime.ledger.cursors.get(activation_cursor(floor.watch()))
    for row in await floor.control("hubspot", "records/contacts"):
        await floor.edit("hubspot", "contacts", row["id"], hs_email_optout="false")
    await floor.time_passes(HUBSPOT, 7_200)  # the crm was paused: nobody polled since
    assert await floor.sweep(grace_ms=600_000) is None
    assert await floor.recovered() == 0


async def test_dropped_dead_letter_is_brought_back_by_a_change_and_not_by_a_sweep(floor: Floor) -> None:
    ids = await _backfilled(floor)
    for lease in await floor.work().claim("worker-1", 1_000):
        await floor.work().bury(lease, "poison")
        assert await floor.work().letters.drop(lease.id)
    found = await floor.swept()
    assert (found.recovered, await floor.due()) == (0, set())
    await floor.time_passes(HUBSPOT, 3_600)
    one = min(ids)
    await floor.edit("hubspot", "contacts", one, hs_email_optout="false")
    await floor.time_passes(HUBSPOT, 3)
    await floor.poll(lookback_ms=60_000)
    assert await floor.due() == {one}
