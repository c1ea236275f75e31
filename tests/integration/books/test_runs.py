"""Works for one run in a process: what it spends is the run's, what holds its records is told, and when it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.harness.until import until
from tests.integration.books.test_budgets import forager
from tests.integration.scene import CRM, KIND, Scene, Worker
from tests.integration.scenery import Open
from worker.ledger.journal.figures import together
from worker.ledger.money.answers import Yields
from worker.ledger.own_clock import clock
from worker.ledger.work.work import Lane
from worker.manual.follow import CLOSER_LOOK_MS, SHORTEST_PATIENCE_S, follow, run_credits
from worker.manual.left import Held
from worker.service.lifecycle import working_for
from worker.triggers.poll import due_rows
from worker.visits.budget_lines import set_cap

RUN = "sync-x"
E_MAIL_AND_TITLE = """\
fields.work_email = { property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }
fields.job_title = { property = "jobtitle", from = ["forager"] }"""


async def nothing_more() -> bool:
    return False


async def followed(
    scene: Scene,
    worker: Worker,
    *,
    patience_s: float = 8,
    run: str = RUN,
    looking: Callable[[], Awaitable[bool]] = nothing_more,
) -> Sequence[Held]:
    """The run to its end, in a process of its own."""
    async with working_for(worker.runtime, run):
        return await follow(worker.runtime, run, [scene.ledger.work(CRM, KIND)], patience_s=patience_s, looking=looking)


async def test_only_records_of_the_run_are_visited(scene: Scene) -> None:
    worker = await scene.worker()
    mine, days, theirs = scene.ids(3)
    await scene.due(mine, run=RUN)
    await scene.due(days)
    await scene.due(theirs, run="sync-y")
    assert await followed(scene, worker) == []
    assert (scene.bill(), bool(scene.email(mine)), scene.email(days), scene.email(theirs)) == (5, True, "", "")
    assert await run_credits(worker.runtime, RUN) == {"forager": 5, "kaspr": 0}


async def test_a_run_of_the_day_knows_what_it_has_spent(scene: Scene) -> None:
    worker, run = await scene.worker(), "day-acme_hubspot-2026-11-28"
    await scene.due(*scene.ids(2), run=run)
    await worker.visit()
    assert scene.bill() > 0
    assert await run_credits(worker.runtime, run) == {"forager": scene.bill(), "kaspr": 0}


async def test_what_questions_cost_and_brought_is_counted_with_the_visits(scene: Scene) -> None:
    worker = await scene.worker()
    ids = scene.ids(3)
    await scene.due(*ids, run=RUN)
    assert await followed(scene, worker) == []
    filled = sum(bool(scene.email(id_)) for id_ in ids)
    counted = await Yields(scene.ledger.scripts).counted()
    assert {name: count for name, count in counted.items() if "|in|" not in name} == {
        "forager|work_emails|asked": scene.asked(),
        "forager|work_emails|hits": 3,
        "forager|work_emails|credits": scene.bill(),
        "forager|work_emails|wanted|work_email": 3,
        "forager|work_emails|brought|work_email": filled,
    }
    asked = {name: count for name, count in counted.items() if name.startswith("forager|work_emails|in|")}
    by_country = sum(count for name, count in asked.items() if name.endswith("|asked"))
    assert 0 < by_country <= scene.asked()  # of some nobody knows the country


async def test_rate_alone_holds_nothing_up_for_good(stage: Open) -> None:
    scene = await stage(forager_rate='"1/second"')
    worker = await scene.worker()
    ids = scene.ids(8)
    await scene.due(*ids, run=RUN)
    assert await followed(scene, worker, patience_s=30) == []
    assert scene.asked() == 8 == len(ids)  # the slots of some were too far away to wait for in a visit


@pytest.mark.parametrize(
    ("parts", "why", "until_s"),
    [
        ({"forager_rate": '"7/hour"'}, "rate", 3_700),
        ({"forager": forager(10)}, "budget", 86_400),
        ({"crm": "budget = { day = 10 }"}, "budget", 86_400),
    ],
)
async def test_what_holds_records_up_is_told_at_once(
    stage: Open, parts: dict[str, str], why: str, until_s: int
) -> None:
    scene = await stage(**parts)
    worker = await scene.worker()
    await scene.due(*scene.ids(4), run=RUN)
    began = time.monotonic()
    (left,) = await followed(scene, worker)
    assert (left.why, left.waits_for) == (why, "forager")
    assert left.records == 4 - scene.asked() >= 1
    assert left.until_ms is not None
    assert clock() < left.until_ms <= clock() + until_s * 1000
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("target", ["forager", CRM])
async def test_a_pause_that_waits_for_a_person_is_told_at_once(scene: Scene, target: str) -> None:
    worker = await scene.worker()
    await scene.ledger.pauses.pause(target, "operator", why="a person said so")
    await scene.due(*scene.ids(2), run=RUN)
    (left,) = await followed(scene, worker)
    assert (left.records, left.why, left.waits_for, left.hint) == (2, "paused", target, "a person said so")


async def test_a_pause_that_ends_soon_is_waited_out(scene: Scene) -> None:
    worker = await scene.worker()
    await scene.ledger.pauses.pause("forager", "429", clock() + 2_000)
    await scene.due(*scene.ids(2), run=RUN)
    assert await followed(scene, worker) == []
    assert scene.bill() == 10


async def test_a_verdict_is_awaited_and_what_is_known_is_written_meanwhile(stage: Open) -> None:
    scene = await stage(
        forager='budget = { day = 1000, month = 10000 }\nverify_person = true\non_uncertain = "once_if_uncharged"',
        fields=E_MAIL_AND_TITLE,
    )
    worker = await scene.worker()
    id_ = next(scene.id(row) for row in scene.blank() if row.person.forager.detail)
    scene.edit(id_, jobtitle="")
    scene.fault("close", times=1, effect=False)
    await scene.due(id_, run=RUN)
    looks: list[int] = []

    async def looking() -> bool:
        looks.append(clock())
        return False

    passing = asyncio.create_task(followed(scene, worker, patience_s=0, looking=looking))

    async def is_asleep() -> bool:
        left = await scene.ledger.work(CRM, KIND).of_run.left(RUN)
        return [(one.state, one.note) for one in left] == [("due", "verdict")] and left[0].soonest_ms > clock() + 60_000

    await until(is_asleep, "a record that awaits a verdict")
    assert scene.portal.tables["contacts"].records[int(id_)].values.get("jobtitle")
    asleep = clock()

    async def is_looked_at_after_its_patience() -> bool:
        out_of_patience_ms = asleep + 1000 * SHORTEST_PATIENCE_S + 2 * CLOSER_LOOK_MS
        return passing.done() or looks[-1] > out_of_patience_ms

    await until(is_looked_at_after_its_patience, "a look at a run whose patience is over")
    assert not passing.done()
    (ticket,) = await scene.uncertain()
    await scene.redis.zadd("refill:tickets:verdicts", {ticket.ticket_id: 1})  # two minutes later
    assert await passing == []
    assert (scene.asked(), bool(scene.email(id_))) == (2, True)


# ---- caps ------------------------------------------------------------------------------------------------------------


async def test_a_cap_is_used_up_though_calls_under_way_reserve_more_than_they_cost(scene: Scene) -> None:
    worker = await scene.worker()
    await set_cap(scene.ledger.cursors, RUN, 9)
    scene.fault("status", times=1, params={"status": 404})  # a miss, and free
    await scene.due(*scene.ids(3), run=RUN)
    assert await followed(scene, worker) == []
    figures = together((await scene.ledger.figures.of_run(RUN)).values())
    assert (scene.bill(), scene.asked(), figures.tally) == (5, 2, {"cut": 1})


async def test_what_waits_is_not_let_in_one_by_one_for_a_cap_to_cut(stage: Open) -> None:
    scene = await stage(forager=forager(9))  # of lookups at 5 credits, it lets one in at a time
    worker = await scene.worker()
    await set_cap(scene.ledger.cursors, RUN, 4)
    await scene.ledger.pauses.pause("forager", "429", clock() + 2_000)
    await scene.due(*scene.ids(6), run=RUN)
    left = await followed(scene, worker)
    assert ([(one.why, one.records) for one in left], scene.asked()) == ([("cap", 6)], 0)


async def test_records_cut_by_a_cap_are_not_brought_back_by_what_was_written(stage: Open) -> None:
    scene = await stage(forager=forager(1000).replace("false", "true", 1), fields=E_MAIL_AND_TITLE)
    worker = await scene.worker()
    watch = worker.runtime.watches[CRM, KIND]
    ids = [scene.id(row) for row in scene.blank() if row.person.forager.detail and row.first_name and row.last_name][:2]
    for id_ in ids:
        scene.edit(id_, jobtitle="")
    await set_cap(scene.ledger.cursors, RUN, 2)  # enough for the details, and not for the e-mails
    await scene.due(*ids, run=RUN)
    await followed(scene, worker)
    assert scene.bill() == len(scene.writes()) == 2
    rows = [one.record for one in (await watch.vendor.read(watch.watched, ids)).values() if one.record]
    await watch.work.add(await due_rows(watch, rows), lane=Lane.LIVE, run="day-x")  # as a poll brings them in
    await worker.visit()
    assert (scene.bill(), (await scene.counts()).waiting) == (2, 2)
    await watch.work.of_run.own_all("sync-next")
    assert await followed(scene, worker, run="sync-next") == []
    assert all(scene.email(id_) for id_ in ids)


async def test_a_walked_record_that_a_cap_cuts_waits_for_the_next_walk(scene: Scene) -> None:
    worker = await scene.worker()
    await set_cap(scene.ledger.cursors, RUN, 5)
    await scene.due(*scene.ids(2), run=RUN, lane=Lane.BACKFILL)
    await followed(scene, worker)
    await worker.visit()
    assert (scene.bill(), (await scene.counts()).waiting) == (5, 1)
