"""Pauses the crm by a refusal of ours, not of a record: it buries nothing, and the sentence names what to set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.harness.until import until
from tests.integration.triggers.floor import HUBSPOT, SALESFORCE, Floor, opened
from worker.decide.reasons import Skip
from worker.service.opening import open_crms
from worker.service.runtime import open_runtime

DAY_MS = 86_400_000


async def _due(floor: Floor, crm: str) -> None:
    if crm == HUBSPOT:
        await floor.control("hubspot", "settings", {"index_lag": 0})

    async def enough() -> bool:  # a portal's clock is told in whole seconds: the rows may be of this very one
        await floor.poll(crm, lookback_ms=DAY_MS)
        return len(await floor.due(crm)) >= 5

    await until(enough, "records that are due")


async def _visited(floor: Floor, crm: str) -> None:
    """Let everything that is due be tried, as often as its waits allow at once."""
    await floor.runtime.visits.fill(floor.runtime.lines[f"{crm}.contact"])


@pytest.mark.parametrize(
    ("crm", "settings", "healed", "todo"),
    [
        (SALESFORCE, {"retired_below": 67.0}, {"retired_below": 31.0}, "set crm.acme_salesforce.api_version"),
        (SALESFORCE, {"api_enabled": False}, {"api_enabled": True}, "API Enabled"),
        (SALESFORCE, {"always_unauthorized": True}, {"always_unauthorized": False}, "give the app the scope"),
        (HUBSPOT, {"retired": ["dated"]}, {"retired": []}, "set crm.acme_hubspot.api_version"),
        (HUBSPOT, {"scopes": []}, {}, "crm.objects.contacts.read"),
    ],
)
async def test_what_is_ours_to_mend_pauses_the_crm_and_buries_nothing(
    floor: Floor, crm: str, settings: dict[str, Any], healed: dict[str, Any], todo: str
) -> None:
    vendor = crm.removeprefix("acme_")
    await _due(floor, crm)
    before = (await floor.work(crm).counts()).due
    known = await floor.control(vendor, "settings", {})
    await floor.control(vendor, "settings", settings)
    await _visited(floor, crm)
    counts = await floor.work(crm).counts()
    assert (counts.dead, counts.due) == (0, before)
    (pause,) = await floor.runtime.ledger.pauses.of(crm)
    assert pause.reason == "credentials"
    assert todo in pause.why
    await floor.control(vendor, "settings", healed or {"scopes": known["scopes"]})
    await floor.runtime.ledger.pauses.lift(crm, "credentials")
    await floor.poll(crm, lookback_ms=DAY_MS)  # it would raise what it met before
    assert await floor.runtime.ledger.pauses.of(crm) == []


PERSON = "0055g0000000PER"  # who owns every record of the imitated org, in 15 characters


async def test_an_object_that_hides_consent_is_not_started_and_the_others_are(floor: Floor, redis: Redis) -> None:
    await floor.control("salesforce", "hide", {"object": "Contact", "field": "HasOptedOutOfEmail"})
    pauses = floor.runtime.ledger.pauses
    async with open_runtime(floor.runtime.settings, redis, owner="second") as second:
        await open_crms(second)
        assert (SALESFORCE, "contact") not in second.watches
        assert f"{SALESFORCE}.contact" not in second.lines
        assert (SALESFORCE, "lead") in second.watches
        assert not second.shut
    (pause,) = await pauses.of(f"{SALESFORCE}.contact")
    assert "HasOptedOutOfEmail" in pause.why
    assert f'crm.{SALESFORCE}.consent_unreadable = "accept"' in pause.why
    assert await pauses.of(SALESFORCE) == []
    await floor.control("salesforce", "hide", {"object": "Contact", "field": "HasOptedOutOfEmail", "hidden": False})
    async with open_runtime(floor.runtime.settings, redis, owner="third") as third:
        await open_crms(third)
        assert (SALESFORCE, "contact") in third.watches
    assert await pauses.of(f"{SALESFORCE}.contact") == []


async def test_an_object_whose_consent_is_shown_later_is_opened_without_a_start(floor: Floor, redis: Redis) -> None:
    hidden = {"object": "Contact", "field": "HasOptedOutOfEmail"}
    await floor.control("salesforce", "hide", hidden)
    pauses = floor.runtime.ledger.pauses
    async with open_runtime(floor.runtime.settings, redis, owner="second") as second:
        for _ in range(2):  # it is looked at again and stays out
            await open_crms(second)
            assert second.refused == {(SALESFORCE, "contact")}
            assert await pauses.of(f"{SALESFORCE}.contact")
        await floor.control("salesforce", "hide", {**hidden, "hidden": False})
        await open_crms(second)
        assert (SALESFORCE, "contact") in second.watches
        assert f"{SALESFORCE}.contact" in second.lines
        assert not second.refused
    assert await pauses.of(f"{SALESFORCE}.contact") == []


async def test_a_spent_day_pauses_the_org_with_what_was_used(floor: Floor) -> None:
    await _due(floor, SALESFORCE)
    body = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    params = {"status": 403, "body": body, "headers": {"Sforce-Limit-Info": "api-usage=100000/100000"}}
    await floor.control("salesforce", "faults", {"kind": "status", "route": "*", "times": None, "params": params})
    await _visited(floor, SALESFORCE)
    (pause,) = await floor.runtime.ledger.pauses.of(SALESFORCE)
    assert "the org has spent 100000 of 100000 API calls of its day" in pause.why
    assert 800_000 < pause.until_ms - await floor.runtime.ledger.scripts.now() <= 902_000
    assert (await floor.work(SALESFORCE).counts()).dead == 0


async def test_hidden_accounts_keep_an_org_shut_with_what_to_grant(floor: Floor, redis: Redis) -> None:
    await floor.control("salesforce", "hide", {"object": "Account", "field": "Website"})
    async with open_runtime(floor.runtime.settings, redis, owner="second") as second:
        await open_crms(second)
        assert second.shut == {SALESFORCE}
    (pause,) = await floor.runtime.ledger.pauses.of(SALESFORCE)
    assert "Website of the company is hidden from our user" in pause.why
    assert "grant read access" in pause.why


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ({"where": {"OwnerId": [PERSON]}}, True),
        ({"where": {"OwnerId": ["0055g0000000INT"]}}, False),
        ({"skip_if": {"OwnerId": PERSON}}, False),
        ({"skip_if": {"OwnerId": "0055g0000000INT"}}, True),
    ],
)
async def test_ids_of_15_characters_select_and_protect_as_those_of_18(
    redis: Redis, tmp_path: Path, selection: dict[str, Any], found: bool
) -> None:
    async with opened(redis, tmp_path, {"crm": {SALESFORCE: {"watch": {"contact": selection}}}}) as floor:
        polled = await floor.poll(SALESFORCE, lookback_ms=DAY_MS)
        assert (polled.added > 0) is found


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ({"where": {"Owner.Name": ["Pia Owner"]}}, True),
        ({"where": {"Owner.Name": ["Somebody Else"]}}, False),
        ({"skip_if": {"Owner.Name": "Pia Owner"}}, False),
        ({"where": {"RecordType.DeveloperName": ["Partner"]}}, True),
    ],
)
async def test_a_selection_by_what_a_relation_leads_to_holds_for_polls_and_visits(
    redis: Redis, tmp_path: Path, selection: dict[str, Any], found: bool
) -> None:
    async with opened(redis, tmp_path, {"crm": {SALESFORCE: {"watch": {"contact": selection}}}}) as floor:
        rows = await floor.control("salesforce", "records/Contact")
        chosen = next(row["id"] for row in rows if not row["properties"]["Email"])
        if "RecordType.DeveloperName" in str(selection):
            await floor.edit("salesforce", "Contact", chosen, RecordTypeId="0125g0000000001")
            await floor.time_passes(SALESFORCE, 3)  # a poll ends where the org's clock surely is
        polled = await floor.poll(SALESFORCE, lookback_ms=DAY_MS)
        assert (polled.added > 0) is found
        if "RecordType.DeveloperName" in str(selection):
            assert await floor.due(SALESFORCE) == {chosen}
        watch = floor.watch(SALESFORCE)
        walked = await watch.vendor.walk(watch.watched, "")
        assert (len(walked.records) > 0) is found
        read = (await watch.vendor.read(watch.watched, [chosen]))[chosen].record
        assert read is not None
        assert (watch.view(read, {}).skip is None) is found


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ({"where": {"lifecyclestage": ["Marketing Qualified Lead"]}}, True),
        ({"where": {"lifecyclestage": ["MARKETINGQUALIFIEDLEAD"]}}, True),
        ({"where": {"lifecyclestage": ["Opportunity"]}}, False),
        ({"skip_if": {"lifecyclestage": "Marketing Qualified Lead"}}, False),
        ({"skip_if": {"lifecyclestage": "Opportunity"}}, True),
    ],
)
async def test_an_option_selects_and_protects_by_its_label_as_by_its_value(
    redis: Redis, tmp_path: Path, selection: dict[str, Any], found: bool
) -> None:
    async with opened(redis, tmp_path, {"crm": {HUBSPOT: {"watch": {"contact": selection}}}}) as floor:
        watch = floor.watch()
        ids = [row["id"] for row in await floor.control("hubspot", "records/contacts")]
        rows = [one.record for one in (await watch.vendor.read(watch.watched, ids)).values() if one.record is not None]
        chosen = next(row.id for row in rows if watch.view(row, {}).blank and not row.opted_out)
        await floor.control("hubspot", "settings", {"index_lag": 0})
        await floor.edit("hubspot", "contacts", chosen, lifecyclestage="marketingqualifiedlead")
        await floor.control("hubspot", "clock", {"advance": 60})
        await watch.vendor.account_status()  # our idea of its clock goes by its answers
        await floor.poll(HUBSPOT, lookback_ms=DAY_MS)
        assert (chosen in await floor.due()) is found
        read = (await watch.vendor.read(watch.watched, [chosen]))[chosen].record
        assert read is not None
        assert (watch.view(read, {}).skip is None) is found


async def test_who_says_no_by_the_label_of_an_option_is_left_alone(redis: Redis, tmp_path: Path) -> None:
    crm = {"opt_out": {"contact": {"lifecyclestage": ["Other", "Evangelist"]}}}
    async with opened(redis, tmp_path, {"crm": {HUBSPOT: crm}}) as floor:
        rows = await floor.control("hubspot", "records/contacts")
        chosen = next(row["id"] for row in rows if not row["properties"].get("email"))
        await floor.edit("hubspot", "contacts", chosen, lifecyclestage="evangelist")
        watch = floor.watch()
        read = (await watch.vendor.read(watch.watched, [chosen]))[chosen].record
        assert read is not None
        assert watch.view(read, {}).skip is Skip.OPTED_OUT


async def _hide(floor: Floor, field: str, object: str = "Contact", *, hidden: bool = True) -> None:
    await floor.control("salesforce", "hide", {"object": object, "field": field, "hidden": hidden})


async def _noticed(floor: Floor, object: str = "contact") -> None:
    """Has the connector read the org's fields again, as it does every ten minutes."""
    await floor.runtime.crms[SALESFORCE].properties(object)


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_field_hidden_while_we_run_is_left_out_and_told_until_shown(floor: Floor, is_known: bool) -> None:
    await _due(floor, SALESFORCE)
    await _hide(floor, "MobilePhone")
    if is_known:
        await _noticed(floor)
    await _visited(floor, SALESFORCE)
    counts, pauses = await floor.work(SALESFORCE).counts(), floor.runtime.ledger.pauses
    assert (counts.dead, counts.due) == (0, 0)
    assert not floor.watch(SALESFORCE).takes("MobilePhone")
    await floor.runtime.closed[SALESFORCE, "contact"].look()
    (told,) = await pauses.all()
    assert (told.target, told.reason) == (f"{SALESFORCE}.contact", "property")
    assert "shows no contact property MobilePhone any more" in told.why
    await floor.poll(SALESFORCE, lookback_ms=DAY_MS)  # goes on
    await _hide(floor, "MobilePhone", hidden=False)
    await _noticed(floor)
    await floor.poll(SALESFORCE, lookback_ms=DAY_MS)
    await floor.runtime.closed[SALESFORCE, "contact"].look()
    assert floor.watch(SALESFORCE).takes("MobilePhone")
    assert await pauses.all() == []
    opened_gaps = floor.watch(SALESFORCE).letters_of_opened()
    assert await floor.work(SALESFORCE).recheck("day-x", buckets=4096, opened=opened_gaps) > 0


@pytest.mark.parametrize(
    ("object", "field"), [("Contact", "HasOptedOutOfEmail"), ("Contact", "LastName"), ("Account", "Website")]
)
async def test_what_nobody_is_to_be_written_without_pauses_the_org_when_it_is_hidden_while_we_run(
    floor: Floor, object: str, field: str
) -> None:
    await _due(floor, SALESFORCE)
    before = (await floor.work(SALESFORCE).counts()).due
    await _hide(floor, field, object)
    await _noticed(floor)
    floor.vendors["forager"].calm()
    await _visited(floor, SALESFORCE)
    counts = await floor.work(SALESFORCE).counts()
    assert (counts.dead, counts.due) == (0, before)
    assert not [one for one in floor.vendors["forager"].requests() if "email" in one["route"]]
    (pause,) = await floor.runtime.ledger.pauses.of(SALESFORCE)
    assert pause.until_ms  # it is looked at again
    await _hide(floor, field, object, hidden=False)
    await floor.runtime.ledger.pauses.lift(SALESFORCE, "credentials")
    await _visited(floor, SALESFORCE)
    assert (await floor.work(SALESFORCE).counts()).dead == 0
