"""Dies in rows 8 to 16 of the failure model, around one paid lookup, judged by the provider's own books."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.until import until
from tests.integration.scene import CRM, KIND, Scene
from tests.integration.scenery import Open
from worker.ledger.money.budgets import Totals


async def ends_with_one_call_and_one_write(
    scene: Scene, *, reserved: int = 0, asked: int = 1, written: int = 0, **death: str
) -> None:
    """A worker dies, having done so much, and another one goes on."""
    first, id_ = await scene.begin(**death)
    await first.visit(id_)
    assert first.life.over.is_set()
    await first.die()
    assert ((await scene.totals()).reserved, scene.asked(), scene.bill()) == (reserved, asked, 5 * asked)
    assert (len(scene.writes()), bool(scene.email(id_))) == (written, bool(written))
    await scene.time_passes()
    assert (await scene.totals()).reserved == 0
    await scene.successor()
    assert (scene.asked(), scene.bill(), await scene.totals()) == (1, 5, Totals(spent=5))
    assert ((await scene.counts()).settled, len(scene.writes()), bool(scene.email(id_))) == (1, 1, True)
    states = [one.entry for one in await scene.ledger.journal.entries(CRM, KIND, id_)]
    assert sum('"confirmed"' in one for one in states) == 1


async def test_crash_point_09_after_the_reservation_nothing_was_sent_and_the_next_worker_goes_on(scene: Scene) -> None:
    await ends_with_one_call_and_one_write(scene, after="ticket_reserve", reserved=5, asked=0)


async def test_crash_point_15_what_was_stored_is_written_by_the_next_worker_for_nothing(scene: Scene) -> None:
    await ends_with_one_call_and_one_write(scene, after="ticket_store")


async def test_crash_point_16_a_worker_that_dies_before_its_write_has_written_nothing(scene: Scene) -> None:
    await ends_with_one_call_and_one_write(scene, before="work_intend")


async def test_crash_point_16_a_worker_that_dies_after_its_write_leaves_one_effect(scene: Scene) -> None:
    await ends_with_one_call_and_one_write(scene, before="work_settle", written=1)


async def test_crash_point_10_a_ticket_that_was_sent_is_never_sent_again(scene: Scene) -> None:
    first, id_ = await scene.begin()
    await scene.due(id_)
    await first.held_at(effect=False)
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
    await first.held_at()
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
async def test_crash_point_11_a_lost_answer_is_uncertain_and_never_sent_again(
    scene: Scene, fault: dict[str, Any]
) -> None:
    worker, id_ = await scene.begin()
    scene.fault(**fault)
    await worker.visit(id_)
    totals = await scene.totals()
    assert (totals.uncertain, totals.spent, len(await scene.uncertain())) == (5, 0, 1)
    await scene.accounted()
    await worker.replay(id_)
    assert scene.asked() == 1


async def test_crash_point_11_a_call_that_surely_never_left_costs_nothing_and_is_made_later(stage: Open) -> None:
    scene = await stage(forager_url="http://127.0.0.1:9")
    worker, id_ = await scene.begin()
    await worker.visit(id_)
    assert ((await scene.counts()).waiting, await scene.totals()) == (1, Totals())


async def test_crash_point_12_a_reply_lost_with_its_process_is_listed_with_its_price(scene: Scene) -> None:
    ids = scene.ids(3)
    first = await scene.worker(before="ticket_store", data_dir="lost")
    await scene.due(*ids)
    visiting = await first.held_at(count=3)
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
    first, id_ = await scene.begin(before="ticket_store")
    await first.visit(id_)
    await first.die()
    assert first.runtime.spool.pending() == 1
    second = await scene.worker()
    await second.upkeep()
    assert (second.runtime.spool.pending(), (await scene.totals()).spent) == (0, 5)
    await scene.time_passes()
    await second.visit()
    assert (scene.email(id_) != "", scene.asked(), scene.bill()) == (True, 1, 5)


@pytest.mark.parametrize("kind", ["truncated_json", "html"])
async def test_crash_point_13_a_reply_nobody_can_read_is_kept_and_read_for_nothing(scene: Scene, kind: str) -> None:
    worker, id_ = await scene.begin()
    scene.fault(kind)
    await worker.visit(id_)
    await scene.accounted()
    kept = await scene.redis.keys("refill:answer:*")
    assert len(kept) == 1  # the bytes, whatever they are
    await worker.replay(id_)
    assert scene.asked() == 1


@pytest.mark.parametrize("charged", [False, True])
async def test_crash_point_14_uncertain_is_asked_again_once_when_the_books_show_no_charge_and_stays_a_miss_else(
    stage: Open, charged: bool
) -> None:
    scene = await stage(forager="budget = { day = 100 }\nverify_person = false")
    worker, id_ = await scene.begin()
    scene.fault("reset", effect=charged)
    await worker.visit(id_)
    (doubtful,) = await scene.uncertain()
    await scene.redis.zadd("refill:tickets:verdicts", {doubtful.ticket_id: 1})  # two minutes later
    await worker.verdicts()
    assert bool(await scene.uncertain()) is charged
    await worker.visit()
    assert (scene.asked(), scene.bill(), bool(scene.email(id_))) == ((1, 5, False) if charged else (2, 5, True))
    await scene.accounted()


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
