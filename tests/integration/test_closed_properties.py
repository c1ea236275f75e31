"""A property that is closed to us costs nothing, and its gaps are filled once it opens, though no record changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from sandbox.hubspot.properties import Option
from sandbox.hubspot.properties import Property as Described
from tests.harness.until import until
from tests.integration.deliveries.desk import Open as OpenDesk
from tests.integration.deliveries.desk import ada, open_desk
from tests.integration.scene import CRM, KIND, PROFILE, Scene, Worker
from tests.integration.scenery import Open, scene, stage
from worker.decide.leftovers import closed_fields, unpack_leftovers
from worker.ledger.work.work import Due, Lane
from worker.service.jobs import recheck
from worker.triggers.backfill import backfill, start_backfill
from worker.triggers.poll import poll

__all__ = ["open_desk", "scene", "stage"]
TITLES = """
fields.job_title = { property = "jobtitle", from = ["kaspr"] }
"""
MARKED = """
fields.work_email = { property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }
"""
LINE = f"{CRM}.{KIND}"
Later = Callable[[], None]
RUN = "day-acme_hubspot-x"
BOTH = """
fields.work_email = { property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }
fields.mobile_phone = { property = "mobilephone", from = ["kaspr"] }
"""


def close(scene: Scene, name: str = "email", *, closed: bool = True) -> None:
    """Somebody closes a property to integrations, or opens it again."""
    table = scene.portal.tables["contacts"]
    table.define(replace(table.properties[name], read_only=closed))


def with_marks(scene: Scene) -> None:
    """The portal has our marks, so no schema is read for them."""
    for mark, kind in (("refill_source", "string"), ("refill_checked_at", "datetime")):
        scene.portal.tables["contacts"].define(Described(mark, type=kind))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """``later()``: from now on it is always time to read a schema again."""
    return lambda: monkeypatch.setattr("worker.visits.closed_properties.AGAIN_MS", 0)


async def a_round(worker: Worker) -> None:
    """A quarter of an hour passes: the daemon goes over all that it remembers, and visits what that brings."""
    for _ in range(16):
        await recheck(worker.runtime, {"name": f"recheck:{LINE}", "key": LINE})
    await worker.visit()


def calls(scene: Scene, part: str) -> int:
    return sum(part in one.route for one in scene.vendors["hubspot"].books.requests)


def held(scene: Scene, id_: str, name: str) -> str:
    """Returns what a contact holds now."""
    return str(scene.portal.tables["contacts"].records[int(id_)].values.get(name) or "")


def without_mobile(scene: Scene) -> Described:
    """A portal with our marks, whose mobile number somebody deletes; gives what was deleted."""
    with_marks(scene)
    return scene.portal.tables["contacts"].properties.pop("mobilephone")  # type: ignore[no-any-return]  # a sandbox's


async def backfilled(scene: Scene, worker: Worker) -> None:
    """A look at the schema, and a backfill to its end."""
    await worker.runtime.closed[CRM, KIND].look()
    watch, cursors = worker.runtime.watches[CRM, KIND], scene.ledger.cursors
    await start_backfill(watch.work, cursors, run="backfill-1")
    await backfill(watch, cursors)
    await worker.visit()


async def looked(scene: Scene, worker: Worker, id_: str, *, forced: bool = False) -> None:
    await scene.ledger.work(CRM, KIND).add([Due(id_)], lane=Lane.LIVE, run=RUN, forced=forced)
    await worker.visit()


async def test_a_property_that_was_closed_at_the_start_is_filled_once_it_opens(scene: Scene, later: Later) -> None:
    close(scene)
    worker = await scene.worker()
    one, other = scene.ids(2)
    await worker.visit(one, other)
    assert (scene.bill(), scene.email(one), scene.email(other)) == (0, "", "")  # nothing is bought for nothing
    assert unpack_leftovers((await scene.memory(one)).left) == {"work_email": "no_access"}

    close(scene, closed=False)
    await a_round(worker)
    assert (scene.bill(), scene.email(one)) == (0, "")  # the schema is not read again yet

    later()
    with capture_logs(processors=[merge_contextvars]) as lines:
        await worker.visit(one)
    assert [(line["properties"], line.get("record_id")) for line in lines if line["event"] == "schema.opened"] == [
        (["email"], None)
    ]
    await a_round(worker)
    assert "@" in scene.email(one)
    assert "@" in scene.email(other)
    assert scene.bill() == 10
    assert (await scene.memory(one)).left == ""


async def test_a_property_that_stays_closed_costs_neither_credits_nor_reads(scene: Scene, later: Later) -> None:
    close(scene)
    worker, id_ = await scene.begin()
    await looked(scene, worker, id_)
    left_s = (await scene.memory(id_)).look_at / 1000 - time.time()
    assert left_s > 170 * 86_400  # no look of its own
    before, schemas = calls(scene, "batch/read"), calls(scene, "properties")
    for _ in range(3):
        await a_round(worker)
    assert calls(scene, "properties") == schemas
    later()
    await a_round(worker)
    assert calls(scene, "properties") > schemas
    assert (calls(scene, "batch/read"), scene.bill()) == (before, 0)


async def test_schemas_are_read_again_later_and_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    close(scene)
    worker = await scene.worker()
    closed = worker.runtime.closed[CRM, KIND]
    now, began = time.time() * 1000, calls(scene, "properties")
    minutes: list[int] = []
    for minute in range(1, 200):
        at = int(now + minute * 60_000)
        monkeypatch.setattr(closed, "_clock", lambda at=at: at)
        await closed.look()
        if calls(scene, "properties") > began + len(minutes):
            minutes.append(minute)
    assert [round(later - before, -1) for before, later in zip([0, *minutes], minutes, strict=False)] == [
        10, 20, 40, 60, 60,
    ]  # fmt: skip


async def test_a_value_bought_before_the_property_closed_is_kept_until_it_opens(scene: Scene, later: Later) -> None:
    worker, id_ = await scene.begin()
    close(scene)  # the worker does not know
    await looked(scene, worker, id_)
    assert (scene.bill(), scene.email(id_)) == (5, "")
    later()
    await looked(scene, worker, id_, forced=True)
    assert closed_fields((await scene.memory(id_)).left) == {"work_email"}

    written = calls(scene, "batch/update")
    for _ in range(10):  # many more looks than a refused value is tried
        await looked(scene, worker, id_, forced=True)
        await a_round(worker)
    assert (calls(scene, "batch/update"), scene.bill()) == (written, 5)

    close(scene, closed=False)
    await a_round(worker)
    assert "@" in scene.email(id_)
    assert scene.bill() == 5


async def test_a_property_that_opens_buys_nothing_for_the_other_gaps(stage: Open, later: Later) -> None:
    scene = await stage(fields=BOTH)
    later()
    close(scene)
    scene.fault("status", "kaspr", PROFILE, times=None, params={"status": 404, "body": {"message": "not found"}})
    worker, id_ = await scene.begin()
    await looked(scene, worker, id_)
    before = await scene.memory(id_)
    assert unpack_leftovers(before.left) == {"work_email": "no_access", "mobile_phone": "not_found"}
    asked = scene.asked("kaspr", "profile")
    assert asked == 1
    await scene.answers_lapse()

    close(scene, closed=False)
    await a_round(worker)
    assert "@" in scene.email(id_)
    assert scene.asked("kaspr", "profile") == asked
    after = await scene.memory(id_)
    assert unpack_leftovers(after.left) == {"mobile_phone": "not_found"}
    assert after.look_at == before.look_at  # the recheck of the other gap comes when it would have come


async def test_a_backfill_sees_a_property_that_opened(scene: Scene, later: Later) -> None:
    later()
    close(scene)
    worker, id_ = await scene.begin()
    await looked(scene, worker, id_)
    close(scene, closed=False)
    await backfilled(scene, worker)
    assert "@" in scene.email(id_)


async def test_a_restart_finds_what_opened_while_nobody_was_there(scene: Scene) -> None:
    close(scene)
    first, id_ = await scene.begin()
    await looked(scene, first, id_)
    await first.die()
    close(scene, closed=False)
    await a_round(await scene.worker())
    assert "@" in scene.email(id_)


async def test_a_write_refused_for_want_of_a_right_is_tried_with_growing_waits(scene: Scene, later: Later) -> None:
    later()
    worker, id_ = await scene.begin()
    body = {"category": "MISSING_SCOPES", "message": "This record is not yours."}
    row = {"status": "error", "category": "PERMISSION_DENIED", "message": "This record is not yours."}
    scene.fault("status", "hubspot", "*batch/update", times=None, params={"status": 400, "body": body | row})
    await looked(scene, worker, id_)
    written = calls(scene, "batch/update")
    for _ in range(3):
        await a_round(worker)
    assert calls(scene, "batch/update") == written  # the property is open all along: that is nothing new
    memory = await scene.memory(id_)
    assert unpack_leftovers(memory.left) == {"work_email": "no_access"}
    assert memory.look_at / 1000 - time.time() <= 600


async def test_an_option_that_nobody_lacks_has_no_schema_read(stage: Open, later: Later) -> None:
    later()
    scene = await stage(fields=TITLES)
    with_marks(scene)
    worker = await scene.worker()
    (id_,) = scene.known_to_kaspr(1)
    schemas = calls(scene, "properties")
    await looked(scene, worker, id_)
    await looked(scene, worker, id_, forced=True)
    assert calls(scene, "properties") == schemas


async def test_a_mark_that_was_closed_at_the_start_is_written_once_it_opens(stage: Open, later: Later) -> None:
    later()
    scene = await stage(fields=MARKED)
    table = scene.portal.tables["contacts"]
    table.define(Described("refill_source", read_only=True))
    worker = await scene.worker()
    one, other = scene.ids(2)
    await looked(scene, worker, one)
    assert ("@" in scene.email(one), held(scene, one, "refill_source")) == (True, "")

    close(scene, "refill_source", closed=False)
    await looked(scene, worker, other)
    assert "work_email forager" in held(scene, other, "refill_source")


async def test_a_mark_that_the_crm_refuses_is_tried_again_by_the_next_schema(stage: Open, later: Later) -> None:
    scene = await stage(fields=MARKED)
    table = scene.portal.tables["contacts"]
    table.define(Described("refill_source"))
    worker = await scene.worker()
    one, other, third = scene.ids(3)
    close(scene, "refill_source")  # the worker does not know
    await looked(scene, worker, one)
    assert ("@" in scene.email(one), held(scene, one, "refill_source")) == (True, "")

    close(scene, "refill_source", closed=False)
    await looked(scene, worker, other)
    assert ("@" in scene.email(other), held(scene, other, "refill_source")) == (True, "")
    later()
    await looked(scene, worker, third)
    assert "work_email forager" in held(scene, third, "refill_source")


def with_titles(hub: Any, *options: Option) -> None:
    """An administrator makes the title a choice of these."""
    table = hub.portal.tables["contacts"]
    chosen = (Option("Nobody", "nobody"), *options)
    table.define(replace(table.properties["jobtitle"], type="enumeration", field_type="select", options=chosen))


def with_title(hub: Any, *, closed: bool) -> None:
    table = hub.portal.tables["contacts"]
    table.define(replace(table.properties["jobtitle"], read_only=closed))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (partial(with_title, closed=True), partial(with_title, closed=False)),
        (with_titles, lambda hub: with_titles(hub, Option("Analyst", "Analyst"))),
    ],
    ids=["opened", "option added"],
)
async def test_a_delivery_goes_by_a_schema_that_is_read_again(
    open_desk: OpenDesk, later: Later, before: Callable[[Any], None], after: Callable[[Any], None]
) -> None:
    later()
    async with open_desk("hubspot", before=before) as desk:
        await desk.deliver(ada())
        ((id_, row),) = desk.rows().items()
        assert "title" not in row
        assert (await desk.tally())[f"dropped.{'no_access' if before is not with_titles else 'invalid_value'}"] == 1
        after(desk.vendors["hubspot"])
        await desk.deliver(ada(), source="order")
        assert desk.row(id_)["title"] == "Analyst"


async def waiting_for_an_option(scene: Scene) -> tuple[Worker, str, str]:
    """A record whose title was bought and is none of the options, and the title."""
    with_titles(scene)
    worker = await scene.worker()
    (id_,) = scene.known_to_kaspr(1)
    await looked(scene, worker, id_)
    assert unpack_leftovers((await scene.memory(id_)).left) == {"job_title": "invalid_value"}
    await scene.answers_lapse()
    titles = {scene.id(row): row.person.title for row in scene.vendors["hubspot"].world.rows["hubspot"]}
    return worker, id_, titles[id_]


async def test_an_option_that_appears_has_who_waits_for_it_filled_for_nothing(stage: Open, later: Later) -> None:
    later()
    scene = await stage(fields=TITLES)
    worker, id_, title = await waiting_for_an_option(scene)
    bill, asked = scene.bill("kaspr"), scene.asked("kaspr", "profile")
    await a_round(worker)
    with_titles(scene, Option("Somebody else", "other"))  # another one costs a look and nothing else
    await a_round(worker)
    assert held(scene, id_, "jobtitle") == ""

    with_titles(scene, Option(title, "code 7"))
    await a_round(worker)
    assert held(scene, id_, "jobtitle") == "code 7"
    assert (scene.bill("kaspr"), scene.asked("kaspr", "profile")) == (bill, asked)
    assert (await scene.memory(id_)).left == ""
    reads = calls(scene, "batch/read")
    for _ in range(2):
        await a_round(worker)
    assert calls(scene, "batch/read") == reads  # a round has come past everybody: that was all


async def test_an_option_that_appears_is_taken_by_a_forced_visit_for_nothing(stage: Open, later: Later) -> None:
    later()
    scene = await stage(fields=TITLES)
    worker, id_, title = await waiting_for_an_option(scene)
    bill = scene.bill("kaspr")
    with_titles(scene, Option(title, "code 7"))
    await looked(scene, worker, id_, forced=True)
    assert (held(scene, id_, "jobtitle"), scene.bill("kaspr")) == ("code 7", bill)


async def test_an_option_that_appears_while_nobody_is_there_is_found_by_the_next_worker(stage: Open) -> None:
    scene = await stage(fields=TITLES)
    worker, id_, title = await waiting_for_an_option(scene)
    await a_round(worker)
    await worker.die()
    with_titles(scene, Option(title, "code 7"))
    bill = scene.bill("kaspr")
    await a_round(await scene.worker())
    assert (held(scene, id_, "jobtitle"), scene.bill("kaspr")) == ("code 7", bill)


async def test_a_value_that_waits_for_an_option_is_neither_sent_nor_asked_for_again(stage: Open, later: Later) -> None:
    later()
    scene = await stage(fields=TITLES)
    worker, id_, _ = await waiting_for_an_option(scene)
    asked, written = scene.asked("kaspr", "profile"), calls(scene, "batch/update")
    scene.edit(id_, city="Somewhere else")
    await looked(scene, worker, id_, forced=True)
    assert (scene.asked("kaspr", "profile"), calls(scene, "batch/update")) == (asked, written)
    assert unpack_leftovers((await scene.memory(id_)).left) == {"job_title": "invalid_value"}


async def test_a_backfill_sees_an_option_that_appeared(stage: Open, later: Later) -> None:
    later()
    scene = await stage(fields=TITLES)
    worker, id_, title = await waiting_for_an_option(scene)
    with_titles(scene, Option(title, "code 7"))
    await backfilled(scene, worker)
    assert held(scene, id_, "jobtitle") == "code 7"


async def test_a_mark_that_is_made_meanwhile_is_written_and_adds_to_what_it_holds(stage: Open, later: Later) -> None:
    later()
    scene = await stage(fields=MARKED)
    worker = await scene.worker()
    one, other = scene.ids(2)
    await looked(scene, worker, one)
    scene.portal.tables["contacts"].define(Described("refill_source"))
    scene.edit(other, refill_source="of the customer's own")
    await looked(scene, worker, other)
    source = held(scene, other, "refill_source")
    assert source.startswith("work_email forager")
    assert source.endswith("; of the customer's own")


async def test_a_mark_that_is_deleted_keeps_no_value_back(stage: Open) -> None:
    scene = await stage(fields=MARKED)
    table = scene.portal.tables["contacts"]
    table.define(Described("refill_source"))
    worker, id_ = await scene.begin()
    del table.properties["refill_source"]  # the worker does not know
    worker.runtime.crms[CRM]._schemas.clear()  # what it knew is ten minutes old
    await looked(scene, worker, id_)
    assert "@" in scene.email(id_)


async def test_a_property_that_is_deleted_is_left_out_told_and_looked_at_again(stage: Open, later: Later) -> None:
    scene = await stage(fields=BOTH)
    later()
    worker = await scene.worker()
    one, other = scene.known_to_kaspr(2)
    deleted = without_mobile(scene)
    with capture_logs(processors=[merge_contextvars]) as lines:
        await looked(scene, worker, one)  # its write is refused, and so the worker looks
        bill = scene.bill("kaspr")
        await looked(scene, worker, other)
    assert [line["properties"] for line in lines if line["event"] == "schema.lost"] == [["mobilephone"]]
    assert "@" in scene.email(one)
    assert "@" in scene.email(other)
    paused = await scene.ledger.pauses.all()
    assert [(one.target, one.reason) for one in paused] == [(LINE, "property")]
    assert "mobilephone" in paused[0].why
    assert closed_fields((await scene.memory(other)).left) == {"mobile_phone"}
    assert scene.bill("kaspr") == bill  # nothing is bought for nothing

    scene.portal.tables["contacts"].define(deleted)
    await a_round(worker)
    assert held(scene, other, "mobilephone")
    assert not await scene.ledger.pauses.all()


async def test_a_search_by_a_property_that_is_gone_is_asked_again_without_it(stage: Open) -> None:
    scene = await stage(fields=BOTH)
    with_marks(scene)
    worker = await scene.worker()
    watch = worker.runtime.watches[CRM, KIND]
    deleted = scene.portal.tables["contacts"].properties.pop("mobilephone")  # what was read of it is believed

    async def polled() -> int:
        return (await poll(watch, scene.ledger.cursors, run=RUN, lookback_ms=10**12)).seen

    await until(polled, "rows that the index shows")
    await worker.runtime.closed[CRM, KIND].look()
    assert [one.reason for one in await scene.ledger.pauses.all()] == ["property"]
    scene.portal.tables["contacts"].define(deleted)


async def test_a_read_that_the_portal_refuses_buries_no_record_and_is_looked_at_again(scene: Scene) -> None:
    worker = await scene.worker()
    ids = scene.ids(3)
    body = {"status": "error", "category": "VALIDATION_ERROR", "message": "Invalid input JSON"}
    scene.fault("status", "hubspot", "*batch/read", times=None, params={"status": 400, "body": body})
    await worker.visit(*ids)
    counts = await scene.ledger.work(CRM, KIND).counts()
    assert (counts.dead, counts.due) == (0, 3)
    (paused,) = await scene.ledger.pauses.all()
    assert (paused.target, paused.reason) == (CRM, "credentials")
    assert "run refill check" in paused.why
    assert 0 < paused.until_ms - time.time() * 1000 <= 60_000


async def test_a_property_that_selects_records_and_is_gone_pauses_the_portal_until_it_is_back(stage: Open) -> None:
    scene = await stage(fields=MARKED + 'where.lifecyclestage = ["lead"]')
    worker, id_ = await scene.begin()
    deleted = scene.portal.tables["contacts"].properties.pop("lifecyclestage")
    worker.runtime.crms[CRM]._schemas.clear()  # what it knew is ten minutes old
    await looked(scene, worker, id_)
    (paused,) = await scene.ledger.pauses.all()
    assert (paused.target, scene.email(id_)) == (CRM, "")
    assert "lifecyclestage" in paused.why
    assert paused.until_ms
    scene.portal.tables["contacts"].define(deleted)


async def test_a_restart_leaves_out_what_is_gone_and_lifts_it_when_it_is_back(stage: Open, later: Later) -> None:
    scene = await stage(fields=BOTH)
    later()
    first = await scene.worker()
    one, other = scene.known_to_kaspr(2)
    deleted = without_mobile(scene)
    await looked(scene, first, one)
    await looked(scene, first, one, forced=True)
    await first.die()

    second = await scene.worker()
    await looked(scene, second, other)
    assert "@" in scene.email(other)
    assert not second.runtime.watches[CRM, KIND].takes("mobilephone")
    assert [(one.target, one.reason) for one in await scene.ledger.pauses.all()] == [(LINE, "property")]
    await second.die()

    scene.portal.tables["contacts"].define(deleted)
    third = await scene.worker()
    await a_round(third)
    assert held(scene, other, "mobilephone")
    assert not await scene.ledger.pauses.all()
