"""Walks everything: a backfill keeps its place, and neither floods the work nor delays what is fresh."""

from __future__ import annotations

import asyncio
import json

from msgspec.structs import asdict

from config.load import load
from tests.e2e.conftest import Open
from tests.e2e.stage import ONLY_SYNC, WITHOUT_DELIVERIES
from tests.e2e.test_undisturbed import WATCHED
from tests.harness.config import laid_over
from worker.ledger.work.work import BACKFILL_ROOM, Due, Lane
from worker.service.opening import open_crms
from worker.service.runtime import open_runtime
from worker.triggers.backfill import Backfill, backfill, backfill_cursor

WATCH = ("acme_hubspot", "contact")


async def test_a_backfill_stops_at_its_room_goes_on_from_its_place_and_lets_fresh_records_pass(opened: Open) -> None:
    stage = opened(laid_over(ONLY_SYNC, WITHOUT_DELIVERIES), records=350, companies=40)
    async with open_runtime(load(stage.path, {}), stage.redis) as runtime:
        await open_crms(runtime)
        watch, cursors = runtime.watches[WATCH], runtime.ledger.cursors
        others = [Due(f"old-{number}") for number in range(BACKFILL_ROOM - 150)]
        for start in range(0, len(others), 1_000):
            await watch.work.add(others[start : start + 1_000], lane=Lane.BACKFILL, run="backfill-0")
        await cursors.set(backfill_cursor(*WATCH), json.dumps(asdict(Backfill("backfill-1"))))

        stopped = await backfill(watch, cursors)

        assert stopped is not None
        assert not stopped.done
        assert 0 < stopped.seen < 350
        assert (await watch.work.counts()).due_backfill <= BACKFILL_ROOM
        assert await watch.work.room() < watch.vendor.batch

        await watch.work.add([Due("fresh-1"), Due("fresh-2")], lane=Lane.LIVE, run="day")
        first = await watch.work.claim("somebody", 10)
        assert [lease.id for lease in first[:2]] == ["fresh-1", "fresh-2"]
        for lease in first:
            await watch.work.gone(lease)
        while leases := await watch.work.claim("somebody", 1_000):
            await asyncio.gather(*(watch.work.gone(lease) for lease in leases))

        ended = await backfill(watch, cursors)
        assert ended is not None
        assert ended.done
        assert ended.seen > stopped.seen
        people = stage.vendors.rows("hubspot", "contacts").values()
        assert ended.seen == sum(not set(WATCHED["hubspot", "contacts"]) <= row.keys() for row in people)


async def test_a_backfill_fills_what_no_poll_saw(opened: Open) -> None:
    stage = opened(laid_over(ONLY_SYNC, WITHOUT_DELIVERIES), records=40, companies=8)
    before = stage.vendors.state()
    await stage.played(2)
    assert stage.vendors.state() == before

    for crm, kind in (WATCH, ("acme_salesforce", "contact"), ("acme_salesforce", "lead")):
        code, _, err = await stage.run("backfill", crm, kind)
        assert code == 0, err
    await stage.backfills_end()
    await stage.finished()

    assert stage.vendors.overwritten() == []
    assert stage.vendors.charged_twice() == []
    assert len(stage.vendors.our_writes()) > 0
