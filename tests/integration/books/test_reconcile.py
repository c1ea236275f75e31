"""Compares our ledger with the providers' books: equal, explained, or reported and paused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.scene import Scene, Worker, minutes_later
from tests.integration.scenery import Open
from worker.ledger.ledger import Ledger
from worker.ledger.money.budgets import Totals
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import LedgerUnavailableError, Scripts, Value
from worker.service.jobs import check_books, compare_books
from worker.upkeep.reconcile import BooksReport, reconcile

SOLE = "budget = { day = 1000, month = 10000 }\nsole_user = true"
KASPR = 'fields.work_email = { property = "email", from = ["kaspr"], accept = ["valid", "risky", "unverified"] }'


async def compared(worker: Worker, scene: Scene, name: str = "forager", ledger: Ledger | None = None) -> BooksReport:
    provider = worker.runtime.providers[name]
    return await reconcile(ledger or scene.ledger, scene.settings, provider, detail=True)


async def paused(scene: Scene, name: str = "forager") -> list[str]:
    return [one.reason for one in await scene.ledger.pauses.of(name)]


async def begun(scene: Scene) -> Worker:
    """A worker that has compared the books, as every start does before the first paid call."""
    worker = await scene.worker()
    worker.runtime.lookups.unchecked.add("forager")
    await check_books(worker.runtime)
    assert not worker.runtime.lookups.unchecked
    return worker


async def test_what_others_spent_before_us_is_no_drift(scene: Scene) -> None:
    scene.vendors["forager"].act("charge", {"change_type": "person_phone_number_lookup", "credits": 15})
    worker = await begun(scene)
    await worker.visit(*scene.ids(2))
    report = await compared(worker, scene)
    assert (report.ours, report.theirs, report.drift, report.paused) == (10, 10, 0, False)
    assert {(line.operation, line.ours) for line in report.lines} == {("work_emails", 10), ("phone_numbers", 0)}


async def test_a_charge_nobody_asked_for_is_reported_and_stops_spending_until_a_person_resumes(scene: Scene) -> None:
    worker = await begun(scene)
    first, second, third = scene.ids(3)
    await worker.visit(first)
    scene.vendors["forager"].act("charge", {"change_type": "person_phone_number_lookup", "credits": 15})
    report = await compared(worker, scene)
    assert (report.ours, report.theirs, report.drift, report.paused) == (5, 20, 15, True)
    assert [(line.operation, line.theirs - line.ours) for line in report.lines if line.theirs != line.ours] == [
        ("phone_numbers", 15)
    ]
    (pause,) = await scene.ledger.pauses.of("forager")
    assert "15 credits more" in pause.why
    await worker.visit(second)
    assert (scene.asked(), (await scene.counts()).waiting) == (1, 1)
    await scene.ledger.pauses.lift("forager", "reconcile")
    assert not (await compared(worker, scene)).paused  # what a person has resumed on is accepted
    await worker.visit(third)
    assert (await compared(worker, scene)).drift == 15
    assert (scene.asked(), await paused(scene)) == (2, [])
    scene.vendors["forager"].act("charge", {"change_type": "person_phone_number_lookup", "credits": 15})
    assert (await compared(worker, scene)).paused


async def test_drift_within_the_tolerance_is_reported_only(stage: Open) -> None:
    scene = await stage(forager="budget = { day = 100 }\nreconcile_tolerance = 20")
    worker = await begun(scene)
    scene.vendors["forager"].act("charge", {"change_type": "person_phone_number_lookup", "credits": 15})
    report = await compared(worker, scene)
    assert (report.drift, report.tolerance, report.paused) == (15, 20, False)


async def test_calls_in_flight_and_in_doubt_explain_the_bill(scene: Scene) -> None:
    worker = await begun(scene)
    first, second = scene.ids(2)
    scene.fault("reset")
    await worker.visit(first)
    await scene.due(second)
    await worker.held_at()
    report = await compared(worker, scene)
    assert (report.ours, report.theirs, report.sent, report.uncertain, report.drift) == (0, 10, 5, 5, 0)
    scene.release()
    await worker.tasks[0]


async def test_a_log_that_lags_is_no_drift(scene: Scene) -> None:
    worker = await begun(scene)
    scene.vendors["forager"].act("log_lag", {"seconds": 120})
    await worker.visit(*scene.ids(2))
    report = await compared(worker, scene)
    assert (report.ours, report.theirs, report.drift) == (10, 0, 0)


async def test_uncertain_lookups_the_log_shows_are_spent_and_both_sides_are_equal(scene: Scene) -> None:
    worker = await begun(scene)
    scene.fault("reset", times=2)
    await worker.visit(*scene.ids(3))
    report = await compared(worker, scene, ledger=minutes_later(scene))
    assert (report.charged, report.uncharged, report.drift) == (2, 0, 0)
    assert (report.ours, report.theirs, report.uncertain) == (15, 15, 0)
    assert await scene.totals() == Totals(spent=15)
    await scene.ledger.work("acme_hubspot", "contact").replay(scene.ids(1)[0], "replay")
    await worker.visit()
    assert scene.asked() == 3


async def test_uncertain_lookups_the_log_does_not_show_give_credits_back_and_are_not_repeated(scene: Scene) -> None:
    worker = await begun(scene)
    scene.fault("reset", effect=False)
    (id_,) = scene.ids(1)
    await worker.visit(id_)
    report = await compared(worker, scene, ledger=minutes_later(scene))
    assert (report.charged, report.uncharged, report.drift, await scene.totals()) == (0, 1, 0, Totals())
    await worker.replay(id_)
    assert scene.asked() == 1  # on_uncertain = "never"


async def test_of_several_uncertain_lookups_the_bill_tells_how_many_and_none_is_asked_again(scene: Scene) -> None:
    worker = await begun(scene)
    scene.fault("reset")
    scene.fault("reset", effect=False)
    await worker.visit(*scene.ids(2))
    report = await compared(worker, scene, ledger=minutes_later(scene))
    assert (report.charged, report.uncharged, report.ours, report.theirs) == (1, 1, 5, 5)
    assert await scene.totals() == Totals(spent=5)


class Dying(Scripts):
    """Redis is gone for this process as soon as one lookup is settled."""

    settled = 0

    async def run(self, script: str, /, **named: Value) -> Any:
        if script in {"ticket_resolve", "ticket_verdict"}:
            self.settled += 1
            if self.settled > 1:
                raise LedgerUnavailableError("gone")
        return await super().run(script, **named)


@pytest.mark.parametrize("charged_first", [True, False])
async def test_death_between_two_verdicts_leaves_none_to_be_taken_for_uncharged(
    stage: Open, *, charged_first: bool
) -> None:
    scene = await stage(forager='budget = { day = 1000 }\nverify_person = false\non_uncertain = "once_if_uncharged"')
    worker = await begun(scene)
    ids = scene.ids(2)
    for id_, effect in zip(ids, (charged_first, not charged_first), strict=True):
        scene.fault("reset", effect=effect)
        await worker.visit(id_)
    ledger = minutes_later(scene)
    ledger.desk = Desk(Dying(scene.redis, clock=ledger.scripts._clock))
    with pytest.raises(LedgerUnavailableError):
        await compared(worker, scene, ledger=ledger)

    await compared(worker, scene, ledger=minutes_later(scene))
    assert await scene.totals() == Totals(spent=5)
    for id_ in ids:
        await worker.replay(id_)
    assert scene.asked() == 2


async def test_a_young_doubt_is_left_to_its_time(scene: Scene) -> None:
    worker = await begun(scene)
    scene.fault("reset", effect=False)
    await worker.visit(*scene.ids(1))
    report = await compared(worker, scene)
    assert (report.charged, report.uncharged, report.uncertain, report.drift) == (0, 0, 5, 0)


async def test_nothing_is_bought_before_the_books_were_compared(scene: Scene) -> None:
    worker = await scene.worker()
    worker.runtime.lookups.unchecked.add("forager")
    scene.fault("status", route="*balance_change_logs*", times=None, params={"status": 400})
    await check_books(worker.runtime)
    await worker.visit(*scene.ids(1))
    assert (scene.asked(), (await scene.counts()).waiting) == (0, 1)
    scene.vendors["forager"].faults.clear()
    await check_books(worker.runtime)
    await scene.ledger.all_work.admit("forager", 5, at_once=True)
    await worker.visit()
    assert scene.asked() == 1


async def test_the_daily_comparison_is_due_once_a_day(scene: Scene) -> None:
    from worker.service.jobs import periods

    worker = await scene.worker()
    assert periods(worker.runtime)["reconcile:forager"] == 86_400_000
    await compare_books(worker.runtime, {"name": "reconcile:forager", "key": "forager"})
    last = await scene.ledger.books.last("forager")
    assert last is not None
    assert (last["drift"], (await scene.ledger.timetable.last())["reconcile:forager"].done_ms > 0) == (0, True)
    assert "lines" in json.loads(json.dumps(last))


# ---- a provider that only tells what is left -------------------------------------------------------------------------


async def test_a_balance_proves_nothing_while_others_may_spend_it(stage: Open) -> None:
    scene = await stage(fields=KASPR)
    worker = await scene.worker()
    report = await compared(worker, scene, "kaspr")
    assert (report.drift, report.by) == (None, "balance")
    assert any("sole_user" in note for note in report.notes)


async def lone_calls(scene: Scene, worker: Worker, *ids: str) -> None:
    for id_ in ids:
        await worker.visit(id_)


async def test_balances_told_while_nothing_else_was_in_flight_are_compared_with_what_was_spent(stage: Open) -> None:
    scene = await stage(kaspr=SOLE, fields=KASPR)
    worker = await scene.worker()
    ids = scene.known_to_kaspr(5)
    await lone_calls(scene, worker, *ids[:2])
    report = await compared(worker, scene, "kaspr")
    assert (report.ours, report.theirs, report.drift, report.left) == (1, 1, 0, 100_000 - 2)
    scene.vendors["kaspr"].balance -= 7  # somebody else on the key
    await lone_calls(scene, worker, ids[2])
    report = await compared(worker, scene, "kaspr")
    assert (report.drift, report.paused) == (7, True)


async def test_a_balance_told_beside_another_call_proves_nothing(stage: Open) -> None:
    scene = await stage(kaspr=SOLE, fields=KASPR)
    worker = await scene.worker()
    ids = scene.known_to_kaspr(4)
    await lone_calls(scene, worker, ids[0])
    scene.hold("kaspr", "/profile/*", count=2)
    await scene.due(*ids[1:3])
    worker.visiting()
    await scene.held("kaspr", 2)
    scene.release("kaspr")
    await worker.tasks[0]
    base, last = await scene.ledger.books.instants("kaspr")
    assert base == last
    await lone_calls(scene, worker, ids[3])
    report = await compared(worker, scene, "kaspr")
    assert (report.ours, report.theirs, report.drift) == (3, 3, 0)


async def test_a_lost_call_of_the_only_user_is_judged_by_the_next_balance(stage: Open) -> None:
    scene = await stage(kaspr=SOLE, fields=KASPR)
    worker = await scene.worker()
    ids = scene.known_to_kaspr(4)
    await lone_calls(scene, worker, ids[0])
    scene.fault("reset", "kaspr", "/profile/*")
    await lone_calls(scene, worker, ids[1])
    await scene.redis.hset("refill:balance:kaspr", "doubted", 1)  # minutes ago
    await lone_calls(scene, worker, ids[2])
    report = await compared(worker, scene, "kaspr")
    assert (report.charged, report.drift, report.ours, report.theirs) == (1, 0, 2, 2)
    assert await scene.totals("kaspr") == Totals(spent=3)


async def test_credits_that_were_added_are_no_drift(stage: Open) -> None:
    scene = await stage(kaspr=SOLE, fields=KASPR)
    worker = await scene.worker()
    ids = scene.known_to_kaspr(4)
    await lone_calls(scene, worker, ids[0])
    scene.vendors["kaspr"].balance += 500
    await lone_calls(scene, worker, ids[1])
    assert not (await compared(worker, scene, "kaspr")).paused
    await lone_calls(scene, worker, ids[2])
    assert (await compared(worker, scene, "kaspr")).drift == 0


async def test_v2_tells_its_balance_by_a_free_read(stage: Open) -> None:
    scene = await stage(kaspr=SOLE + '\ndialect = "v2"', fields=KASPR)
    worker = await scene.worker()
    assert (await compared(worker, scene, "kaspr")).drift == 0
    await worker.visit(*scene.known_to_kaspr(2))
    report = await compared(worker, scene, "kaspr")
    assert (report.ours, report.drift) == (scene.bill("kaspr"), 0)
    assert report.ours > 0
