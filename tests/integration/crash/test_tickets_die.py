"""Rows 8 to 15 of the failure model: a worker dies around one paid lookup. Judged by the provider's own books."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.until import until
from tests.integration.scene import Scene
from tests.integration.scenery import Open
from worker.ledger.money.budgets import Totals


async def test_crash_point_09_after_the_reservation_nothing_was_sent_and_the_next_worker_goes_on(scene: Scene) -> None:
    (id_,) = scene.ids(1)
    first = await scene.worker(after="ticket_reserve")
    await scene.due(id_)
    await first.visit()
    assert first.life.over.is_set()
    assert (scene.asked(), (await scene.totals()).reserved) == (0, 5)
    await scene.time_passes()
    assert (await scene.totals()).reserved == 0
    second = await scene.worker()
    await second.visit()
    assert scene.email(id_)
    assert (scene.bill(), (await scene.totals()).spent) == (5, 5)


async def test_crash_point_10_a_ticket_that_was_sent_is_never_sent_again(scene: Scene) -> None:
    (id_,) = scene.ids(1)
    first = await scene.worker()
    await scene.due(id_)
    scene.hold(effect=False)
    first.visiting()
    await scene.held()  # the request left, and nobody can tell whether it was carried out
    await first.die()
    await scene.time_passes()
    (doubtful,) = await scene.uncertain()
    assert (doubtful.operation, doubtful.price, doubtful.ref) == ("work_emails", 5, ("acme_hubspot", "contact", id_))
    await scene.accounted()
    second = await scene.worker()
    await second.visit()
    assert (scene.asked(), scene.email(id_)) == (1, "")
    assert (await scene.counts()).settled == 1


async def test_crash_point_10_two_workers_with_one_question_send_it_once(scene: Scene) -> None:
    (id_,) = scene.ids(1)
    first, second = await scene.worker(), await scene.worker()
    await scene.due(id_)
    scene.hold()
    first.visiting()
    await scene.held()
    await scene.time_passes(95_000)  # longer than the lease, shorter than the ticket: the first one is only slow
    await second.visit()
    assert scene.asked() == 1
    scene.release()
    await first.tasks[0]
    await second.visit()
    assert (scene.asked(), scene.bill(), bool(scene.email(id_))) == (1, 5, True)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "close"},
        {"kind": "cut_body"},
        {"kind": "reset_mid_body"},
        {"kind": "garbled_status"},
        {"kind": "status", "params": {"status": 500}},
        {"kind": "status", "params": {"status": 503}, "effect": True},
        {"kind": "status", "params": {"status": 408}},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('params', {}).get('status', '')}",
)
async def test_crash_point_11_an_answer_that_is_lost_is_uncertain_and_never_sent_again(
    scene: Scene, fault: dict[str, Any]
) -> None:
    (id_,) = scene.ids(1)
    worker = await scene.worker()
    await scene.due(id_)
    scene.fault(**fault)
    await worker.visit()
    totals = await scene.totals()
    assert (totals.uncertain, totals.spent, len(await scene.uncertain())) == (5, 0, 1)
    await scene.accounted()
    await scene.ledger.work("acme_hubspot", "contact").replay(id_, "replay")
    await worker.visit()
    assert scene.asked() == 1


async def test_crash_point_11_a_call_that_surely_never_left_costs_nothing_and_is_made_later(stage: Open) -> None:
    scene = await stage(forager_url="http://127.0.0.1:9")
    (id_,) = scene.ids(1)
    worker = await scene.worker()
    await scene.due(id_)
    await worker.visit()
    assert ((await scene.counts()).waiting, await scene.totals()) == (1, Totals())


async def test_crash_point_12_a_reply_lost_with_its_process_is_listed_with_its_price(scene: Scene) -> None:
    ids = scene.ids(3)
    first = await scene.worker(before="ticket_store", data_dir="lost")
    await scene.due(*ids)
    scene.hold(count=3)
    visiting = first.visiting()
    await scene.held(count=3)
    scene.release()
    await visiting
    await first.die()
    await scene.time_passes()
    lost = await scene.uncertain()
    assert (len(lost), sum(one.price for one in lost), scene.bill()) == (3, 15, 15)
    await scene.accounted()
    second = await scene.worker()
    await second.visit()
    assert (scene.bill(), scene.asked(), (await scene.totals()).uncertain) == (15, 3, 15)


async def test_crash_point_12_a_reply_redis_could_not_take_is_loaded_by_the_next_worker(scene: Scene) -> None:
    (id_,) = scene.ids(1)
    first = await scene.worker(before="ticket_store")
    await scene.due(id_)
    await first.visit()
    await first.die()
    assert first.runtime.spool.pending() == 1
    second = await scene.worker()
    await second.upkeep()
    assert (second.runtime.spool.pending(), (await scene.totals()).spent) == (0, 5)
    await scene.time_passes()
    await second.visit()
    assert (scene.email(id_) != "", scene.asked(), scene.bill()) == (True, 1, 5)


@pytest.mark.parametrize("kind", ["truncated_json", "html"])
async def test_crash_point_13_a_whole_reply_nobody_can_read_is_kept_and_read_again_for_nothing(
    scene: Scene, kind: str
) -> None:
    (id_,) = scene.ids(1)
    worker = await scene.worker()
    await scene.due(id_)
    scene.fault(kind)
    await worker.visit()
    await scene.accounted()
    kept = await scene.redis.keys("refill:answer:*")
    assert len(kept) == 1  # the bytes, whatever they are
    await scene.ledger.work("acme_hubspot", "contact").replay(id_, "replay")
    await worker.visit()
    assert scene.asked() == 1


async def test_crash_point_14_uncertain_is_asked_again_once_when_the_books_show_no_charge(stage: Open) -> None:
    scene = await stage(forager="budget = { day = 100 }\nverify_person = false")
    (id_,) = scene.ids(1)
    worker = await scene.worker()
    await scene.due(id_)
    scene.fault("reset", effect=False)
    await worker.visit()
    (doubtful,) = await scene.uncertain()
    await scene.redis.zadd("refill:tickets:verdicts", {doubtful.ticket_id: 1})  # two minutes later
    await worker.verdicts()
    assert await scene.uncertain() == []
    await worker.visit()
    assert (scene.asked(), scene.bill(), bool(scene.email(id_))) == (2, 5, True)


async def test_crash_point_14_uncertain_stays_a_miss_when_the_books_show_a_charge(stage: Open) -> None:
    scene = await stage(forager="budget = { day = 100 }\nverify_person = false")
    (id_,) = scene.ids(1)
    worker = await scene.worker()
    await scene.due(id_)
    scene.fault("reset")
    await worker.visit()
    (doubtful,) = await scene.uncertain()
    await scene.redis.zadd("refill:tickets:verdicts", {doubtful.ticket_id: 1})
    await worker.verdicts()
    await worker.visit()
    assert (scene.asked(), scene.bill(), scene.email(id_)) == (1, 5, "")
    await scene.accounted()


async def test_crash_point_15_what_was_stored_is_written_by_the_next_worker_for_nothing(scene: Scene) -> None:
    (id_,) = scene.ids(1)
    first = await scene.worker(after="ticket_store")
    await scene.due(id_)
    await first.visit()
    await first.die()
    assert (scene.bill(), scene.email(id_)) == (5, "")
    await scene.time_passes()
    second = await scene.worker()
    await second.visit()
    assert (scene.bill(), scene.asked(), bool(scene.email(id_))) == (5, 1, True)
    assert (await scene.totals()).spent == 5


async def test_a_record_that_joined_a_call_hears_of_its_late_end_as_its_asker_does(scene: Scene) -> None:
    one, other = scene.ids(2)
    rows = scene.portal.tables["contacts"].records
    same = ("firstname", "lastname", "hs_linkedin_url")
    scene.edit(other, **{name: rows[int(one)].values[name] for name in same})
    worker = await scene.worker()
    await scene.due(one)
    scene.hold()
    scene.fault("status", params={"status": 504}, effect=True)
    visiting = worker.visiting()
    await scene.held()
    await scene.due(other)
    await until(lambda: joined(scene, other), "the other record's question")
    scene.release()
    await visiting
    assert (scene.asked(), (await scene.counts()).settled) == (1, 2)

    (doubtful,) = await scene.uncertain()
    await scene.ledger.desk.resolve(doubtful.ticket_id, ask_again=True, charged=False)
    assert (await scene.counts()).due == 2


async def joined(scene: Scene, id: str) -> bool:
    return bool(await scene.ledger.desk.questions_of(("acme_hubspot", "contact", id)))
