"""Budgets of a whole installation: who runs out waits, nothing is lost, and released budget admits at once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from connectors.models import AccountStatus
from tests.integration.scene import CRM, KIND, Scene, Worker
from tests.integration.scenery import Open
from worker.ledger.work.work import Lane
from worker.service.jobs import admit
from worker.visits.budget_lines import Cap, set_cap

PHONES = """\
fields.work_email = { property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }
fields.mobile_phone = { property = "mobilephone", from = ["forager"], max_credits = 14 }"""


def forager(day: int, month: int = 10_000, **more: object) -> str:
    rest = "\n".join(f"{name} = {value}" for name, value in more.items())
    return f"budget = {{ day = {day}, month = {month} }}\nverify_person = false\n{rest}"


async def ticked(scene: Scene, worker: Worker) -> int:
    """One admission, a second after the last; gives how many records are due."""
    await scene.redis.delete("refill:wait:gates")
    await admit(worker.runtime)
    return (await scene.counts()).due


def raised(worker: Worker, **caps: Cap) -> None:
    """A worker whose configuration allows more."""
    purse = worker.runtime.budget_lines
    providers: Mapping[str, Cap] = {**purse.providers, **{k: v for k, v in caps.items() if k in purse.providers}}
    crms: Mapping[str, Cap] = {**purse.crms, **{k: v for k, v in caps.items() if k in purse.crms}}
    fresh = type(purse)(purse.zone, providers, crms, purse.runs, purse.balances)
    worker.runtime.budget_lines = worker.runtime.lookups.budget_lines = fresh


@pytest.mark.parametrize(("day", "month"), [(10, 10_000), (10_000, 10)])
async def test_a_providers_day_and_month_hold_and_who_runs_out_waits(stage: Open, day: int, month: int) -> None:
    scene = await stage(forager=forager(day, month))
    worker = await scene.worker()
    await worker.visit(*scene.ids(4))
    counts = await scene.counts()
    assert (scene.bill(), counts.waiting, counts.settled, counts.dead) == (10, 2, 2, 0)
    assert await ticked(scene, worker) == 0
    raised(worker, forager=Cap(1000, 1000))
    assert await ticked(scene, worker) == 2
    await worker.visit()
    assert ((await scene.counts()).settled, scene.bill()) == (4, 20)


async def test_a_crms_budget_holds_beside_the_providers_and_parks_only_its_own(stage: Open) -> None:
    scene = await stage(crm="budget = { day = 5 }")
    worker = await scene.worker()
    await worker.visit(*scene.ids(3))
    counts = await scene.counts()
    assert (scene.bill(), counts.waiting, counts.due, counts.settled) == (5, 2, 0, 1)
    assert await ticked(scene, worker) == 0  # the provider has room, the crm has not: nothing is read in vain
    raised(worker, acme_hubspot=Cap(10))
    assert await ticked(scene, worker) == 1
    await worker.visit()
    assert (scene.bill(), (await scene.counts()).waiting) == (10, 1)


async def test_budget_that_is_released_admits_the_same_day(stage: Open) -> None:
    scene = await stage(forager=forager(5))
    worker = await scene.worker()
    first, second = scene.ids(2)
    await scene.due(first)
    await worker.held_at(effect=False)
    await scene.due(second)
    await worker.runtime.lookups.ledger.all_work.reap()
    other = await scene.worker()
    await other.visit()
    assert ((await scene.counts()).waiting, await ticked(scene, other)) == (1, 0)
    scene.vendors["forager"].balance = 0  # the held call is refused, and not charged
    scene.release()
    await worker.tasks[0]
    scene.vendors["forager"].balance = 1000
    await scene.ledger.pauses.lift("forager", "credits")
    await ticked(scene, other)
    await other.visit()
    assert (scene.bill(), (await scene.counts()).waiting) == (5, 1)


async def test_what_is_left_and_too_little_for_the_price_admits_nobody(stage: Open) -> None:
    scene = await stage(forager=forager(8))
    worker = await scene.worker()
    await worker.visit(*scene.ids(3))
    assert (scene.bill(), (await scene.counts()).waiting) == (5, 2)
    reads = len(scene.vendors["hubspot"].books.requests)
    for _ in range(3):
        assert await ticked(scene, worker) == 0  # 3 credits are left, and a question costs 5
    assert len(scene.vendors["hubspot"].books.requests) == reads


async def test_a_price_no_budget_ever_reaches_is_counted_and_not_waited_for(stage: Open) -> None:
    scene = await stage(forager=forager(4))
    worker, id_ = await scene.begin()
    await scene.due(id_, run="sync-x")
    await worker.visit()
    (figures,) = (await scene.ledger.figures.of_run("sync-x")).values()
    assert figures.unfilled == {("work_email", "budget"): 1}
    assert ((await scene.counts()).waiting, scene.asked()) == (0, 0)


async def test_the_reserve_of_a_day_is_closed_to_backfill_and_backfill_alone_does_not_spin(stage: Open) -> None:
    scene = await stage(forager=forager(10, live_reserve=0.5))
    worker = await scene.worker()
    first, second, third = scene.ids(3)
    await scene.due(first, second, lane=Lane.BACKFILL, run="backfill-x")
    await worker.visit()
    assert (scene.bill(), (await scene.counts()).waiting) == (5, 1)
    reads = len(scene.vendors["hubspot"].books.requests)
    for _ in range(3):
        assert await ticked(scene, worker) == 0
    assert len(scene.vendors["hubspot"].books.requests) == reads
    await worker.visit(third)
    assert (scene.bill(), (await scene.counts()).waiting) == (10, 1)


async def test_a_runs_own_cap_ends_its_buying_and_its_records_are_looked_at_by_the_next(stage: Open) -> None:
    scene = await stage()
    worker = await scene.worker()
    ids = scene.ids(3)
    await set_cap(scene.ledger.cursors, "sync-a", 5)
    await scene.due(*ids, run="sync-a")
    await worker.visit()
    (figures,) = (await scene.ledger.figures.of_run("sync-a")).values()
    assert (scene.bill(), figures.unfilled, sum(figures.filled.values())) == (5, {("work_email", "budget"): 2}, 1)
    await scene.due(*ids, run="sync-b")
    await worker.visit()
    assert all(scene.email(one) for one in ids)
    assert scene.bill() == 15


async def test_max_credits_bounds_one_field_and_leaves_the_others(stage: Open) -> None:
    scene = await stage(fields=PHONES)
    worker = await scene.worker()
    await worker.visit(*scene.ids(2))
    assert {one.operation for one in scene.vendors["forager"].books.charges} == {"person_work_email_lookup"}


async def test_the_balance_counts_where_it_is_lower_than_the_budget(stage: Open) -> None:
    scene = await stage()
    worker = await scene.worker()
    scene.vendors["forager"].balance = 7
    await worker.runtime.refresh_standing()
    await worker.visit(*scene.ids(3))
    assert (scene.bill(), scene.asked(), (await scene.counts()).waiting) == (5, 1, 2)
    assert isinstance(await worker.runtime.providers["forager"].account_status(), AccountStatus)


async def test_reserved_credits_show_in_no_bill_and_every_record_is_somewhere(stage: Open) -> None:
    scene = await stage(forager=forager(10))
    worker = await scene.worker()
    ids = scene.ids(4)
    await worker.visit(*ids)
    states = [await scene.field(f"refill:work:{CRM}:{KIND}:record:{one}".encode(), "s") for one in ids]
    assert sorted(states) == ["", "", "waiting", "waiting"]
