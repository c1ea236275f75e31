"""Delivered rows reach every crm once and are dropped when the last has them."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from tests.integration.ledger.work_steps import OWNER, READ
from worker.ledger.intake.deliveries import OBJECT, DeliveredRow, Deliveries, Stored
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Lease, StepEnd, Work

CRMS = ["acme_hubspot", "acme_salesforce"]
PAGE = [DeliveredRow("s1:1", "d1", '{"name":"Ünal"}'), DeliveredRow("s1:2", "d2", "{}")]


@pytest.fixture
def deliveries(scripts: Scripts) -> Deliveries:
    return Deliveries(scripts)


@pytest.fixture
def works(scripts: Scripts) -> list[Work]:
    return [Work(scripts, crm, OBJECT) for crm in CRMS]


async def claim(work: Work) -> list[Lease]:
    return sorted(await work.claim(OWNER, 99), key=lambda held: held.id)


async def test_page_is_work_of_every_crm(deliveries: Deliveries, works: list[Work]) -> None:
    assert await deliveries.store_page("s1", PAGE, CRMS, run="day-1") == Stored(2, 0)
    for work in works:
        assert [held.id for held in await claim(work)] == ["s1:1", "s1:2"]
    assert await deliveries.row("s1:1") == PAGE[0]


async def test_page_stored_again_changes_nothing(deliveries: Deliveries, works: list[Work], redis: Redis) -> None:
    await deliveries.store_page("s1", PAGE, CRMS, run="day-1", watermark="2026-11-20")
    before = {key: await redis.dump(key) for key in await redis.keys("*")}
    assert await deliveries.store_page("s1", PAGE, CRMS, run="day-1", watermark="2026-11-20") == Stored(0, 2)
    assert {key: await redis.dump(key) for key in await redis.keys("*")} == before


async def test_watermark_moves_with_the_last_page_only(deliveries: Deliveries) -> None:
    await deliveries.store_page("s1", PAGE[:1], CRMS, run="day-1")
    assert await deliveries.watermark("s1") == ""
    await deliveries.store_page("s1", PAGE[1:], CRMS, run="day-1", watermark="2026-11-20")
    assert await deliveries.watermark("s1") == "2026-11-20"
    assert await deliveries.watermark("s2") == ""


async def test_row_is_dropped_when_its_last_crm_has_it(deliveries: Deliveries, redis: Redis) -> None:
    await deliveries.store_page("s1", PAGE, CRMS, run="day-1")
    assert not await deliveries.settled("acme_hubspot", "s1:1", "d1")
    assert not await deliveries.settled("acme_hubspot", "s1:1", "d1")
    assert await deliveries.row("s1:1") is not None
    assert await deliveries.settled("acme_salesforce", "s1:1", "d1")
    assert await deliveries.row("s1:1") is None
    assert await deliveries.settled("acme_salesforce", "s1:1", "d1")
    assert await deliveries.length() == 1


async def test_delivered_row_that_comes_unchanged_is_not_due_again(deliveries: Deliveries, works: list[Work]) -> None:
    await deliveries.store_page("s1", PAGE[:1], CRMS[:1], run="day-1")
    (held,) = await claim(works[0])
    await deliveries.settled("acme_hubspot", "s1:1", "d1")
    await works[0].settle(held, READ)
    assert await deliveries.store_page("s1", PAGE[:1], CRMS[:1], run="day-1") == Stored(0, 1)
    assert await claim(works[0]) == []
    assert await deliveries.store_page("s1", [DeliveredRow("s1:1", "d9", "{}")], CRMS[:1], run="day-1") == Stored(1, 0)
    assert len(await claim(works[0])) == 1


async def test_row_changed_during_its_visit_is_delivered_as_it_is(deliveries: Deliveries, works: list[Work]) -> None:
    await deliveries.store_page("s1", PAGE[:1], CRMS[:1], run="day-1")
    (held,) = await claim(works[0])
    await deliveries.store_page("s1", [DeliveredRow("s1:1", "d9", "new")], CRMS[:1], run="day-1")
    assert not await deliveries.settled("acme_hubspot", "s1:1", "d1")
    assert await works[0].settle(held, READ) is StepEnd.AGAIN
    row = await deliveries.row("s1:1")
    assert row is not None
    assert (row.digest, row.json) == ("d9", "new")
    assert len(await claim(works[0])) == 1


async def test_row_for_no_crm_is_not_kept(deliveries: Deliveries) -> None:
    assert await deliveries.store_page("s1", PAGE, [], run="day-1") == Stored(2, 0)
    assert await deliveries.length() == 0
