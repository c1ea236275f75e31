"""Takes a vendor, a CRM or Redis away for a while: nothing is lost, nothing is paid twice, the rest goes on."""

from __future__ import annotations

import asyncio
from functools import partial

from redis.exceptions import RedisError

from tests.e2e.conftest import RECORDS, Open, Undisturbed
from tests.e2e.right_numbers import differ_in_right_numbers_only
from tests.e2e.stage import WITHOUT_DELIVERIES, Stage
from tests.harness.redis import stop_redis
from tests.harness.until import until
from worker.ledger.rates.pauses import Pause

PROFILE = "/profile/profile"
NEXT_PROBE_S = 200.0  # the longer an outage was, the later its next probe, up to a minute


async def test_records_wait_for_a_provider_away_while_the_others_work(opened: Open, undisturbed: Undisturbed) -> None:
    expected = await undisturbed()
    stage = opened(WITHOUT_DELIVERIES, **RECORDS, apart=("kaspr",))
    stage.vendors.stop("kaspr")
    await stage.start(2)
    await until(stage.settled_but_for_the_waiting, "records that wait for nobody but the provider that is away")
    counts = (await stage.counts()).values()
    assert sum(one.waiting for one in counts) > 0
    assert sum(one.settled for one in counts) > 0
    assert len(stage.vendors["forager"].charges()) > 0

    stage.vendors.start("kaspr")
    await stage.finished()

    assert await stage.uncertain() == []
    assert stage.vendors.state() == expected
    await stage.bill_is_accounted_for()


async def test_a_provider_that_answers_503_is_asked_little_and_doubts_listed(
    opened: Open, undisturbed: Undisturbed
) -> None:
    expected = await undisturbed()
    # Few at a time: what is under way when the outage is noticed waits for nobody, and the rest does.
    stage = opened({**WITHOUT_DELIVERIES, "worker": {"concurrency": 4}}, **RECORDS)
    kaspr = stage.vendors["kaspr"]
    kaspr.fault("status", PROFILE, params={"status": 503})
    await stage.start(2)
    await until(stage.settled_but_for_the_waiting, "records that wait for nobody but the provider that fails")
    assert sum(one.waiting for one in (await stage.counts()).values()) > 0

    kaspr.control("faults", method="DELETE")
    await stage.finished(within_s=NEXT_PROBE_S)

    uncertain = await stage.uncertain()
    assert len(uncertain) == sum(one["fault"] == "status" for one in kaspr.requests(PROFILE))
    doubtful = await stage.touched_by_doubt()
    await differ_in_right_numbers_only(stage, {key: expected[key] for key in expected.keys() - doubtful})
    assert {row["request"] for row in kaspr.charges()} == {
        row["seq"] for row in kaspr.requests(PROFILE) if row["credits"]
    }
    await stage.bill_is_accounted_for()


async def test_losing_every_key_of_arq_again_and_again_loses_no_work(opened: Open, undisturbed: Undisturbed) -> None:
    expected = await undisturbed()
    stage = opened({**WITHOUT_DELIVERIES, "worker": {"concurrency": 4}}, **RECORDS)
    await stage.start(2)
    for charges in range(5, 45, 5):
        await until(partial(stage.vendors.charged, charges), "some more lookups")
        for key in await stage.redis.keys("arq:*"):
            await stage.redis.delete(key)
    await stage.finished()

    assert stage.vendors.state() == expected
    await stage.bill_is_accounted_for()


async def test_a_redis_that_is_killed_comes_back_and_the_work_goes_on(opened: Open, undisturbed: Undisturbed) -> None:
    expected = await undisturbed()
    stage = opened({**WITHOUT_DELIVERIES, "worker": {"concurrency": 4}}, **RECORDS)
    pair = await stage.start(2)
    await until(lambda: len(stage.vendors.charges()) >= 10, "some lookups")
    before = (await stage.redis.info("server"))["run_id"]
    stop_redis(stage.folder / "data")
    await until(lambda: came_back(stage, before), "another Redis")
    more = len(stage.vendors.charges()) + 5
    await until(lambda: len(stage.vendors.charges()) >= more, "more lookups after it")
    for worker in pair:  # a visit that lost Redis leaves its lease to run out: that takes longer than a test
        worker.terminate()
    for worker in pair:
        assert await worker.ended() == 0
    await stage.time_passes()
    await stage.played()

    doubtful = await stage.touched_by_doubt()
    await differ_in_right_numbers_only(stage, {key: expected[key] for key in expected.keys() - doubtful})
    await stage.bill_is_accounted_for()


async def came_back(stage: Stage, before: str) -> bool:
    try:
        return bool((await stage.redis.info("server"))["run_id"] != before)
    except (ConnectionError, OSError, RedisError):
        return False


async def test_sigterm_ends_in_good_order_with_every_answer_stored(opened: Open, undisturbed: Undisturbed) -> None:
    expected = await undisturbed()
    stage = opened(WITHOUT_DELIVERIES, **RECORDS, latency="demo")
    pair = await stage.start(2)
    await until(lambda: len(stage.vendors.charges()) >= 10, "some lookups")
    for worker in pair:
        worker.terminate()
    assert await asyncio.gather(*(worker.ended(within_s=20) for worker in pair)) == [0, 0]

    for provider in ("forager", "kaspr"):
        totals = await stage.ledger.budgets.totals(provider)
        assert (totals.spent, totals.sent, totals.uncertain) == (stage.vendors.bill(provider), 0, 0)
    assert sum(one.leased for one in (await stage.counts()).values()) == 0
    assert not await stage.idle()

    await stage.played()
    assert stage.vendors.state() == expected
    assert stage.vendors.charged_twice() == []


async def test_a_crm_that_refuses_us_is_paused_while_the_other_is_filled(
    opened: Open, undisturbed: Undisturbed
) -> None:
    expected = await undisturbed()
    stage = opened({**WITHOUT_DELIVERIES, "worker": {"concurrency": 4}}, **RECORDS)
    await stage.start(2)
    await until(lambda: len(stage.vendors.charges()) >= 5, "some lookups")
    stage.vendors["hubspot"].control("expire-tokens", {"static": True})
    await until(lambda: salesforce_is_done(stage), "the other crm's end")

    async def paused() -> list[Pause]:
        return [one for one in await stage.ledger.pauses.all() if one.target == "acme_hubspot"]

    (pause,) = await until(paused, "a pause of the crm that refuses us")
    assert pause.reason == "credentials"
    assert "acme_hubspot" in pause.why
    salesforce = {key: row for key, row in expected.items() if key[0] == "salesforce"}
    assert salesforce.items() <= stage.vendors.state().items()
    assert not await stage.idle()

    stage.vendors["hubspot"].control("expire-tokens", {"static": False})
    code, _, err = await stage.run("resume", "acme_hubspot")
    assert code == 0, err
    await stage.finished()
    assert stage.vendors.state() == expected
    assert sum(one.dead for one in (await stage.counts()).values()) == 0


async def test_a_crm_without_a_mapped_property_is_paused_until_it_is_mended(
    opened: Open, undisturbed: Undisturbed
) -> None:
    expected = await undisturbed()
    stage = opened(WITHOUT_DELIVERIES, **RECORDS)
    hubspot = stage.vendors["hubspot"]
    (mobile,) = [one for one in hubspot.control("properties/contacts") if one["name"] == "mobilephone"]
    hubspot.control("properties/contacts/mobilephone", method="DELETE")
    (worker,) = await stage.start()
    await until(lambda: salesforce_is_done(stage), "the other crm's end")

    # Between two tries to open it the pause is over for a moment.
    await until(lambda: is_paused_over(stage, "mobilephone"), "a sentence that names the property")
    assert [row for row in stage.vendors.our_writes() if row["crm"] == "hubspot"] == []
    await worker.drained()

    named = {
        "name": mobile["name"],
        "label": mobile["label"],
        "type": mobile["type"],
        "field_type": mobile["fieldType"],
    }
    hubspot.control("properties/contacts", named)
    code, _, err = await stage.run("resume", "acme_hubspot")
    assert code == 0, err
    await stage.played()
    assert stage.vendors.state() == expected


async def is_paused_over(stage: Stage, word: str) -> bool:
    """Whether HubSpot is paused with a sentence that says ``word``."""
    return any(one.target == "acme_hubspot" and word in one.why for one in await stage.ledger.pauses.all())


async def salesforce_is_done(stage: Stage) -> bool:
    polled = await stage.ledger.timetable.last()
    tasks = ("poll:acme_salesforce.contact", "poll:acme_salesforce.lead")
    if any(task not in polled or not polled[task].done_ms for task in tasks):
        return False
    counts = await stage.counts()
    return all(one.due + one.leased + one.waiting == 0 for (crm, _), one in counts.items() if crm == "acme_salesforce")
