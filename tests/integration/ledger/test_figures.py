"""Counts runs, and tells where all the work stands."""

from __future__ import annotations

from msgspec import structs
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import OWNER, READ, add, lease
from worker.ledger.journal.figures import Figures, RunFigures, together
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import AllWork, Lane, VisitProgress, Work

LEFT = structs.replace(READ, unfilled={"phone": "not_found", "work_email": "budget"})


async def of_run(scripts: Scripts, work: Work, run: str) -> RunFigures:
    return (await Figures(scripts).of_run(run))[work.crm, work.object]


async def test_persons_run_counts_each_gap_as_its_records_last_visit_left_it(work: Work, scripts: Scripts) -> None:
    await work.settle(await lease(work, run="sync-1"), LEFT)
    second = structs.replace(READ, filled={"work_email": "kaspr"}, unfilled={"phone": "below_grade"})
    await work.settle(await lease(work, run="sync-1"), second)
    found = await of_run(scripts, work, "sync-1")
    assert (found.records, found.visits, found.gaps) == (1, 2, 2)
    assert found.filled == {("work_email", "kaspr"): 1}
    assert found.unfilled == {("phone", "below_grade"): 1}


async def test_gap_that_an_older_version_counted_counts_once(work: Work, scripts: Scripts, redis: Redis) -> None:
    await work.settle(await lease(work, run="sync-1"), LEFT)
    parts = [name async for name in redis.scan_iter("refill:run:sync-1:records:*")]
    await redis.delete(*parts)
    ref, left = f"{work.crm}:{work.object}:1", "phone|not_found|work_email|budget"
    await scripts.call("HSET", "refill:run:sync-1:records", ref, left)
    for _ in range(2):
        await work.settle(await lease(work, run="sync-1"), structs.replace(READ, unfilled={"phone": "below_grade"}))
    found = await of_run(scripts, work, "sync-1")
    assert (found.records, found.visits, found.unfilled) == (1, 3, {("phone", "below_grade"): 1})


async def test_runs_of_people_are_named_from_their_first_visit_on(work: Work, scripts: Scripts, clock: Clock) -> None:
    figures, began = Figures(scripts), clock.now
    for run in ("sync-1", "day-1", "sync-1", "backfill-1"):
        await work.settle(await lease(work, run=run), LEFT)
        clock.now += 1_000
    assert await figures.by_people(began) == ["backfill-1", "sync-1"]
    assert await figures.by_people(began + 1_000) == ["backfill-1"]


async def test_days_run_adds_up(work: Work, scripts: Scripts) -> None:
    for _ in range(2):
        await work.settle(await lease(work, run="day-1"), LEFT)
    found = await of_run(scripts, work, "day-1")
    assert (found.records, found.unfilled["phone", "not_found"]) == (2, 2)


async def test_value_written_before_a_wait_counts_once(work: Work, all_work: AllWork, scripts: Scripts) -> None:
    held = await lease(work, run="sync-1")
    await work.wait(held, ["kaspr"], None, "rate", VisitProgress(filled={"work_email": "forager"}))
    await all_work.admit("kaspr", 1)
    (held,) = await work.claim(OWNER, 1)
    await work.settle(held, structs.replace(READ, unfilled={"phone": "not_found"}, tally={"searches": 2}))
    found = await of_run(scripts, work, "sync-1")
    assert (found.records, found.visits, found.gaps) == (1, 2, 2)
    assert (found.outcomes, found.tally) == ({"settled": 1}, {"searches": 2})


async def test_visit_that_found_nothing_new_leaves_the_reasons_standing(work: Work, scripts: Scripts) -> None:
    await work.settle(await lease(work, run="sync-1"), LEFT)
    await work.settle(await lease(work, run="sync-1"), structs.replace(READ, outcome="unchanged"))
    found = await of_run(scripts, work, "sync-1")
    assert (found.records, found.visits, found.gaps) == (1, 2, 2)


async def test_figures_of_several_works_add_up(work: Work, other: Work, scripts: Scripts) -> None:
    await work.settle(await lease(work, run="sync-1"), LEFT)
    await other.settle(await lease(other, run="sync-1"), LEFT)
    await other.gone(await lease(other, "2", run="sync-1"))
    found = together((await Figures(scripts).of_run("sync-1")).values())
    assert (found.records, found.unfilled["phone", "not_found"]) == (3, 2)
    assert found.outcomes == {"settled": 2, "gone": 1}


async def test_merged_record_is_counted_as_such(work: Work, scripts: Scripts) -> None:
    await work.move(await lease(work, run="sync-1"), "2", "contact")
    assert (await of_run(scripts, work, "sync-1")).outcomes == {"merged": 1}


async def test_run_nobody_made_has_no_figures(scripts: Scripts) -> None:
    assert await Figures(scripts).of_run("sync-9") == {}


async def test_standing_shows_all_work_in_one_look(work: Work, other: Work, scripts: Scripts, clock: Clock) -> None:
    await work.settle(await lease(work), structs.replace(READ, filled={"phone": "kaspr"}, entries=("{}",)))
    await add(work, "b", lane=Lane.BACKFILL)
    clock.pass_ms(10)
    await add(work, "2")
    await other.wait(await lease(other), ["kaspr", "forager"], None, "rate")
    status = await Figures(scripts).work_status(["kaspr", "forager", "openprospect"])
    counts = status.work["acme_hubspot", "contact"]
    assert (counts.due, counts.due_backfill, counts.settled, counts.oldest_due_ms) == (2, 1, 1, clock.now - 10)
    assert status.work["acme_salesforce", "lead"].waiting == 1
    assert status.waiting == {"kaspr": 1, "forager": 1, "openprospect": 0}
    assert status.filled == {("acme_hubspot", "contact"): {("phone", "kaspr"): 1}}
    assert (status.journal, status.deliveries) == (1, 0)


async def test_deferred_record_is_not_overdue(work: Work, clock: Clock) -> None:
    await work.defer(await lease(work), clock.now + 1_000, "x")
    counts = await work.counts()
    assert (counts.due, counts.oldest_due_ms) == (1, 0)


async def test_standing_of_nothing_is_empty(scripts: Scripts) -> None:
    status = await Figures(scripts).work_status([])
    assert (status.work, status.waiting, status.filled) == ({}, {}, {})
