"""Dies in rows 5 to 8 and 15 to 23 of the failure model: records, the CRM's side, time and limits."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.until import until
from tests.integration.scene import CRM, KIND, Scene, Worker
from tests.integration.scenery import Open
from worker.ledger.money.budgets import Totals
from worker.ledger.work.work import Lane
from worker.service.jobs import poll_watch, tick

POLL = {"name": f"poll:{CRM}.{KIND}", "key": f"{CRM}.{KIND}"}


async def poll(worker: Worker) -> None:
    await poll_watch(worker.runtime, POLL)


async def test_crash_point_05_an_edit_during_its_visit_is_seen_by_another_visit(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    await scene.due(id_)
    visiting = await worker.held_at()
    scene.edit(id_, email="typed@by-a-person.example")
    await scene.due(id_)
    scene.release()
    await visiting
    await worker.visit_again(id_)
    counts = await scene.counts()
    assert (counts.due, counts.leased) == (0, 0)
    assert (scene.email(id_), scene.bill()) == ("typed@by-a-person.example", 5)
    reads = [one for one in scene.vendors["hubspot"].books.requests if one.route.endswith("batch/read")]
    assert len(reads) >= 3  # the first visit, its read before the write, the visit that the edit asked for


async def test_crash_point_06_a_doorbell_that_is_lost_is_rung_again(scene: Scene) -> None:
    worker = await scene.worker()
    await scene.due(*scene.ids(1))
    await tick(worker.runtime, {})
    assert await scene.redis.exists(f"arq:job:fill:{CRM}.{KIND}:0")
    for key in await scene.redis.keys("arq:*"):
        await scene.redis.delete(key)
    await tick(worker.runtime, {})
    assert await scene.redis.exists(f"arq:job:fill:{CRM}.{KIND}:0")
    assert (await scene.counts()).due == 1


@pytest.mark.parametrize("status", [500, 502, 429])
async def test_crash_point_07_a_read_that_fails_is_tried_again_within_bounds(scene: Scene, status: int) -> None:
    worker, id_ = await scene.begin()
    scene.fault("status", "hubspot", "*batch/read", times=12, params={"status": status})
    await worker.visit(id_)
    counts = await scene.counts()
    assert (counts.due, counts.settled, scene.asked()) == (1, 0, 0)
    scene.vendors["hubspot"].faults.clear()
    for one in await scene.ledger.pauses.of(CRM):
        await scene.ledger.pauses.lift(CRM, one.reason)
    await worker.visit_again(id_)
    assert bool(scene.email(id_))


async def test_crash_point_07_a_row_that_is_gone_settles_so_and_costs_nothing(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    scene.delete(id_)
    await worker.visit(id_)
    counts = await scene.counts()
    assert (counts.due, counts.leased, counts.dead, scene.asked()) == (0, 0, 0, 0)


async def test_crash_point_07_a_refused_credential_stops_the_crm_and_not_the_record(scene: Scene) -> None:
    worker = await scene.worker()
    scene.fault("status", "hubspot", "*batch/read", times=None, params={"status": 401})
    await worker.visit(*scene.ids(2))
    (pause,) = await scene.ledger.pauses.of(CRM)
    counts = await scene.counts()
    assert (pause.reason, counts.due, counts.dead, scene.asked()) == ("credentials", 2, 0, 0)
    await worker.visit_again(*scene.ids(2))
    assert (await scene.counts()).due == 2  # a paused crm's work is not claimed
    scene.vendors["hubspot"].faults.clear()
    await scene.ledger.pauses.lift(CRM, "credentials")
    await worker.visit()
    assert all(scene.email(one) for one in scene.ids(2))


async def test_crash_point_08_reserved_and_spent_never_exceed_the_budget_and_nothing_lapses(stage: Open) -> None:
    scene = await stage(forager="budget = { day = 10 }\nverify_person = false")
    workers = [await scene.worker(), await scene.worker()]
    ids = scene.ids(4)
    scene.hold(count=2)
    await scene.due(*ids)
    for worker in workers:
        worker.visiting()
    await scene.held(count=2)
    totals = await scene.totals()
    assert (totals.reserved + totals.sent, totals.spent) == (10, 0)
    open_ = [key for key in await scene.tickets() if await scene.field(key, "state") in {"reserved", "sent"}]
    assert [await scene.redis.ttl(key) for key in open_] == [-1, -1]
    scene.release()
    await asyncio.gather(*(task for worker in workers for task in worker.tasks))
    assert (scene.bill(), (await scene.counts()).waiting) == (10, 2)


async def test_crash_point_16_a_write_whose_answer_is_lost_has_one_effect(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    scene.fault("close", "hubspot", "*batch/update", effect=True)
    await worker.visit(id_)
    await worker.visit_again(id_)
    assert (bool(scene.email(id_)), [one.property for one in scene.writes()]) == (True, ["email"])
    assert ((await scene.counts()).settled, scene.bill()) == (1, 5)
    states = [one.entry for one in await scene.ledger.journal.entries(CRM, KIND, id_)]
    assert sum('"confirmed"' in one for one in states) == 1


async def test_crash_point_17_what_a_person_typed_before_the_read_of_the_write_is_not_overwritten(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    await scene.due(id_)
    visiting = await worker.held_at()
    scene.edit(id_, email="typed@by-a-person.example")
    scene.release()
    await visiting
    await worker.visit()
    assert (scene.email(id_), scene.writes()) == ("typed@by-a-person.example", [])


async def test_crash_point_17_a_persons_value_written_within_the_round_trip_is_seen_and_put_back(stage: Open) -> None:
    scene = await stage(crm="verify_writes = true")
    worker, id_ = await scene.begin()
    await scene.due(id_)
    visiting = await worker.held_at("hubspot", "*batch/update", effect=False)
    scene.edit(id_, email="typed@by-a-person.example")  # between our read and our write
    scene.release("hubspot")
    await visiting
    assert scene.email(id_) == "typed@by-a-person.example"


async def test_crash_point_18_one_row_that_is_gone_harms_no_other_of_its_batch(scene: Scene) -> None:
    ids = scene.ids(3)
    worker = await scene.worker()
    await scene.due(*ids)
    visiting = await worker.held_at("hubspot", "*batch/update", effect=False)
    scene.delete(ids[0])
    scene.release("hubspot")
    await visiting
    await worker.visit_again(*ids)
    counts = await scene.counts()
    assert (counts.due, counts.leased, counts.dead) == (0, 0, 0)
    assert all(scene.email(one) for one in ids[1:])


async def test_crash_point_19_our_own_write_starts_nothing_and_a_persons_edit_beside_it_does(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    await worker.visit(id_)
    assert bool(scene.email(id_))
    asked = len(scene.vendors["forager"].books.requests)
    await scene.ledger.cursors.set(f"poll:{CRM}:{KIND}", "")
    await poll(worker)
    assert not await scene.redis.exists(f"refill:work:{CRM}:{KIND}:record:{id_}")
    assert len(scene.vendors["forager"].books.requests) == asked
    scene.edit(id_, email="")
    await scene.ledger.cursors.set(f"poll:{CRM}:{KIND}", "")
    await poll(worker)
    await worker.visit()
    assert scene.email(id_) == ""  # a person cleared what we wrote: refused, and never written again
    slug = scene.blank()[0].person.slug
    assert sum(one.credits for one in scene.vendors["forager"].books.charges if one.identity == slug) == 5


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_point_20_a_poll_that_dies_at_its_page_skips_nothing(stage: Open, when: str) -> None:
    scene = await stage(crm='lookback = "3650d"')
    due, cursor = f"refill:work:{CRM}:{KIND}:due:live", f"poll:{CRM}:{KIND}"
    doomed = await scene.worker(**{when: "work_add", "holding": scene.ids(1)[0]})
    stood = ""

    async def polled() -> bool:
        nonlocal stood
        stood = await scene.ledger.cursors.get(cursor)
        await asyncio.gather(poll(doomed), return_exceptions=True)
        return bool(doomed.life.over.is_set())

    await until(polled, "the page with the rows")
    moved = await scene.ledger.cursors.get(cursor) != stood
    assert moved is (when == "after")
    assert bool(await scene.redis.exists(due)) is moved
    steady = await scene.worker()

    async def found() -> bool:  # a poll that the vendor's limits put off is made again
        await poll(steady)
        return set(scene.ids(3)) <= {id_.decode() for id_ in await scene.redis.zrange(due, 0, -1)}

    await until(found, "the rows of the page")


async def test_crash_point_21_a_record_that_kills_its_process_is_isolated_and_the_rest_goes_on(scene: Scene) -> None:
    poison, *others = scene.ids(3)
    await scene.due(poison)
    for _ in range(4):  # three times among others, once alone
        victim = await scene.worker(after="work_claim")
        await victim.visit()
        await victim.die()
        await scene.time_passes()
    (letter,) = await scene.ledger.work(CRM, KIND).letters.page()
    assert (letter.id, letter.reason) == (poison, "crashed")
    worker = await scene.worker()
    await worker.visit(*others)
    assert all(scene.email(one) for one in others)
    await worker.replay(poison)
    assert (bool(scene.email(poison)), scene.bill()) == (True, 15)


async def test_crash_point_22_a_429_pauses_for_everybody_as_long_as_it_says_and_is_not_charged(scene: Scene) -> None:
    ids = scene.ids(3)
    first, second = await scene.worker(), await scene.worker()
    scene.fault("status", times=1, params={"status": 429, "headers": {"Retry-After": "120"}})
    await first.visit(ids[0])
    await second.visit(*ids[1:])
    (pause,) = await scene.ledger.pauses.of("forager")
    now = await scene.ledger.scripts.now()
    assert pause.reason == "429"
    assert 100_000 < pause.until_ms - now <= 121_000
    assert (scene.asked(), await scene.totals(), (await scene.counts()).waiting) == (1, Totals(), 3)
    await scene.ledger.pauses.lift("forager", "429")
    await scene.ledger.all_work.admit("forager", 9, at_once=True)
    await second.visit()
    assert all(scene.email(one) for one in ids)


async def test_crash_point_22_an_outage_is_met_by_few_calls_and_ended_by_one_probe(stage: Open) -> None:
    scene = await stage(forager_url="http://127.0.0.1:9")
    workers = [await scene.worker(), await scene.worker()]
    ids = [scene.id(row) for row in scene.vendors["hubspot"].world.rows["hubspot"]]
    await scene.due(*ids)
    for worker in workers:
        worker.visiting()
    await asyncio.gather(*(task for worker in workers for task in worker.tasks))
    (pause,) = await scene.ledger.pauses.of("forager")
    assert (pause.reason, pause.probe) == ("outage", True)
    counts = await scene.counts()
    assert counts.waiting > 0
    assert counts.dead == counts.leased == 0
    assert await scene.totals() == Totals()


@pytest.mark.parametrize("skew_h", [-26, 26])
async def test_crash_point_23_a_clock_that_is_off_books_on_no_other_day(scene: Scene, skew_h: int) -> None:
    worker, id_ = await scene.begin()
    true = worker.runtime.lookups.clock
    worker.runtime.lookups.clock = lambda: true() + skew_h * 3_600_000
    await worker.visit(id_)
    assert (scene.asked(), await scene.redis.keys("refill:budget:*")) == (0, [])
    worker.runtime.lookups.clock = true
    await worker.visit_again(id_)
    assert (scene.asked(), bool(scene.email(id_))) == (1, True)


async def test_crash_point_23_leases_and_tickets_end_by_the_clock_of_redis(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    await scene.due(id_, lane=Lane.BACKFILL)
    visiting = await worker.held_at()
    (ticket,) = await scene.tickets()
    deadline, sent = int(await scene.field(ticket, "deadline")), int(await scene.field(ticket, "sent"))
    seconds, _ = await scene.redis.time()
    assert abs(deadline - sent - 100_000) < 5_000
    assert abs(sent / 1000 - seconds) < 5
    scene.release()
    await visiting
