"""Takes HubSpot's webhooks: who may post, and which records are looked at because of it."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from config.crms import HubSpotSettings
from connectors.hubspot.events import events
from tests.integration.intake import senders
from tests.integration.intake.conftest import PUBLIC, Door, settings_in
from tests.integration.intake.senders import event, now_ms, posted, signed
from worker.ledger.intake.accounts import Accounts
from worker.ledger.work.work import Settlement
from worker.web.hubspot import Portal

PATH = "/webhooks/hubspot/acme_hubspot"


async def test_post_is_answered_2xx_once_its_records_are_in_the_work(door: Door) -> None:
    answer = await door.hubspot(posted(event(id=101), event("contact.creation", 102), event(id=101)))
    assert answer.status_code == 204
    assert sorted(await door.due()) == ["101", "102"]


async def test_both_secrets_count_during_rotation_and_no_other(door: Door) -> None:
    body = posted(event())
    assert (await door.hubspot(body, secret=senders.NEXT_SECRET)).status_code == 204
    assert (await door.hubspot(body, secret="another")).status_code == 401


@pytest.mark.parametrize(("ago_s", "status"), [(299, 204), (301, 401), (-299, 204), (-301, 401)])
async def test_timestamp_counts_within_five_minutes(door: Door, ago_s: int, status: int) -> None:
    body = posted(event())
    answer = await door.post(PATH, body, signed(PUBLIC + PATH, body, at_ms=now_ms() - ago_s * 1000))
    assert answer.status_code == status
    assert len(await door.due()) == (status == 204)


async def test_any_flipped_bit_of_body_timestamp_or_signature_is_refused_and_leaves_no_trace(door: Door) -> None:
    body = posted(event())
    headers = signed(PUBLIC + PATH, body)
    before = await door.digest()
    for at in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[at // 8] ^= 1 << at % 8
        assert (await door.post(PATH, bytes(flipped), headers)).status_code == 401
    for name in ("x-hubspot-signature-v3", "x-hubspot-request-timestamp"):
        for at, letter in enumerate(headers[name]):
            wrong = headers[name][:at] + chr(ord(letter) ^ 1) + headers[name][at + 1 :]
            assert (await door.post(PATH, body, {**headers, name: wrong})).status_code == 401
    assert await door.digest() == before


async def test_signature_over_another_address_is_refused(door: Door) -> None:
    body = posted(event())
    for wrong in (door.url + PATH, PUBLIC + PATH + "/", PUBLIC + "/webhooks/hubspot", "http" + PUBLIC[5:] + PATH):
        assert (await door.post(PATH, body, signed(wrong, body))).status_code == 401
    forwarded = {**signed("https://evil.test" + PATH, body), "x-forwarded-host": "evil.test", "host": "evil.test"}
    assert (await door.post(PATH, body, forwarded)).status_code == 401


async def test_query_string_is_part_of_what_is_signed(door: Door) -> None:
    body = posted(event())
    headers = signed(f"{PUBLIC}{PATH}?to=a:b", body)
    assert (await door.post(f"{PATH}?to=a%3Ab", body, headers)).status_code == 204
    assert (await door.post(f"{PATH}?to=a%3Ac", body, headers)).status_code == 401


async def test_body_that_was_written_anew_is_refused(door: Door) -> None:
    body = posted(event())
    headers = signed(PUBLIC + PATH, body)
    assert (await door.post(PATH, json.dumps(json.loads(body)).encode(), headers)).status_code == 401


async def test_older_schemes_alone_are_refused(door: Door) -> None:
    import hashlib

    body = posted(event())
    old = hashlib.sha256(senders.SECRET.encode() + body).hexdigest()
    headers = {"content-type": "application/json", "x-hubspot-signature": old, "x-hubspot-signature-version": "v1"}
    assert (await door.post(PATH, body, headers)).status_code == 401


@pytest.mark.parametrize("crm", ["nobody", "silent_hubspot", "acme_salesforce"])
async def test_endpoint_of_an_unknown_crm_or_without_a_secret_is_off(door: Door, crm: str) -> None:
    assert (await door.hubspot(posted(event()), crm=crm)).status_code == 404


# ---- which events count ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("email", True),  # mapped
        ("hs_linkedin_url", True),  # identity
        ("lastname", True),
        ("lifecyclestage", True),  # where
        ("do_not_enrich", True),  # skip_if
        ("hs_email_optout", True),  # known opt-out
        ("associatedcompanyid", True),
        ("hs_analytics_source", False),
        ("notes_last_updated", False),
    ],
)
async def test_change_of_a_property_counts_when_visits_decide_by_it(door: Door, name: str, counts: bool) -> None:
    assert (await door.hubspot(posted(event(propertyName=name)))).status_code == 204
    assert await door.due() == (["101"] if counts else [])


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        (event("contact.creation", 1), ["1"]),
        (event("contact.deletion", 1), ["1"]),
        (event("contact.privacyDeletion", 1), ["1"]),
        (event("contact.restore", 1), ["1"]),
        (event("contact.merge", 3, primaryObjectId=1, mergedObjectIds=[1, 2], newObjectId=3), ["1", "2", "3"]),
        (
            event(
                "contact.associationChange",
                objectId=None,
                fromObjectId=1,
                toObjectId=9,
                associationType="CONTACT_TO_COMPANY",
            ),
            ["1"],
        ),
        (
            event(
                "contact.associationChange",
                objectId=None,
                fromObjectId=9,
                toObjectId=1,
                associationType="COMPANY_TO_CONTACT",
            ),
            ["1"],
        ),
        (event("object.creation", 1, objectTypeId="0-1"), ["1"]),
        (event("object.propertyChange", 1, objectTypeId="0-1", propertyName="email"), ["1"]),
        (
            event("object.merge", 3, objectTypeId="0-1", primaryObjectId=1, mergedObjectIds=[2], newObjectId=3),
            ["1", "2", "3"],
        ),
        (event("company.creation", 1), []),
        (event("object.creation", 1, objectTypeId="0-2"), []),
        (event("object.creation", 1, objectTypeId="2-1234"), []),
        (event("deal.creation", 1), []),
        (event("contact.creation", 1, subscriptionType=None, eventType="contact.creation"), ["1"]),
        (event("contact.creation", "1"), ["1"]),  # type: ignore[arg-type]  # as a later version may write it
    ],
)
async def test_event_of_each_kind_names_its_records(door: Door, raw: dict[str, Any], ids: list[str]) -> None:
    assert (await door.hubspot(posted(raw))).status_code == 204
    assert sorted(await door.due()) == ids


async def test_own_echo_is_dropped_while_a_persons_edit_in_the_same_post_counts(door: Door) -> None:
    own = {"changeSource": "INTEGRATION", "sourceId": str(senders.APP)}
    await door.hubspot(posted(event(id=1, **own), event(id=2, **own), event(id=2), event("contact.creation", 3, **own)))
    assert await door.due() == ["2"]


async def test_echo_of_another_app_is_nobodys(door: Door) -> None:
    await door.hubspot(posted(event(id=1, changeSource="INTEGRATION", sourceId="555")))
    assert await door.due() == ["1"]


async def test_merge_counts_even_when_our_own_app_did_it(door: Door) -> None:
    own = {"changeSource": "INTEGRATION", "sourceId": str(senders.APP)}
    await door.hubspot(posted(event("contact.merge", 3, primaryObjectId=3, mergedObjectIds=[2], **own)))
    assert sorted(await door.due()) == ["2", "3"]


async def test_privacy_deletion_asks_for_an_erasure_which_no_other_event_does(door: Door) -> None:
    await door.hubspot(posted(event("contact.privacyDeletion", 1), event("contact.deletion", 2)))
    asked = await door.ledger.scripts.call("HKEYS", "refill:intake:erasures")
    assert asked == [b"acme_hubspot:contact:1"]


async def test_events_of_another_portal_are_not_ours(door: Door) -> None:
    assert (await door.hubspot(posted(event(id=1, portalId=78), event(id=2)))).status_code == 204
    assert await door.due() == ["2"]


async def test_one_app_on_many_portals_is_routed_by_portal(door: Door) -> None:
    answer = await door.hubspot(posted(event(id=1), event(id=2, portalId=77), event(id=3, portalId=78)), crm="")
    assert answer.status_code == 204
    assert (await door.due(), await door.due("second_hubspot")) == (["1"], ["2"])


async def test_secret_of_one_portal_opens_no_other(door: Door) -> None:
    body = posted(event(id=1), event(id=2, portalId=77))
    assert (await door.hubspot(body, crm="", secret=senders.NEXT_SECRET)).status_code == 204
    assert (await door.due(), await door.due("second_hubspot")) == (["1"], [])


async def test_signed_events_nobody_understands_are_taken_and_ignored(door: Door) -> None:
    odd: list[Any] = [1, None, {}, {"subscriptionType": 5}, event(id=0), event(objectId="x"), event(objectId=[1])]
    assert (await door.hubspot(json.dumps([*odd, event(id=7)]).encode())).status_code == 204
    assert await door.due() == ["7"]


@pytest.mark.parametrize("body", [b"{}", b"[", b'"x"', b"", b"\xff[]", b"[NaN]", posted(*[event()] * 101)])
async def test_signed_body_that_is_no_array_of_up_to_100_events_is_refused(door: Door, body: bytes) -> None:
    assert (await door.hubspot(body)).status_code == 400
    assert await door.due() == []


def test_what_events_have_in_common_is_not_remembered_at_any_length(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    crm = settings.crm["acme_hubspot"]
    assert isinstance(crm, HubSpotSettings)
    portal = Portal.of("acme_hubspot", crm, settings)
    tracemalloc.start()
    try:
        for at in range(50):
            told = events(posted(event(sourceId=f"{at}" + "x" * 100_000)))
            assert portal.seen(told).rows["acme_hubspot", "contact"][0].id == "101"
        del told
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


async def test_dead_letter_stays_dead_and_waits_for_a_person(door: Door) -> None:
    await door.hubspot(posted(event(id=1)))
    (held,) = await door.leases()
    await door.ledger.work("acme_hubspot", "contact").bury(held, "poison")
    assert (await door.hubspot(posted(event(id=1)))).status_code == 204
    assert (await door.ledger.work("acme_hubspot", "contact").counts()).dead == 1


async def test_merges_that_name_thousands_of_records_are_one_step_too(door: Door) -> None:
    merges = [
        event("contact.merge", 1 + at, primaryObjectId=1 + at, mergedObjectIds=[1_000 + at * 30 + n for n in range(30)])
        for at in range(100)
    ]
    assert (await door.hubspot(posted(*merges))).status_code == 204
    assert len(await door.due()) == 3_100


async def test_what_is_waiting_or_remembered_is_announced_by_the_same_rules_as_polled(door: Door) -> None:
    work = door.ledger.work("acme_hubspot", "contact")
    await door.hubspot(posted(*[event(id=at) for at in (1, 2, 3)]))
    leases = {one.id: one for one in await door.leases()}
    now = now_ms()
    await work.wait(leases["1"], ["forager"], None, "rate")
    await work.settle(leases["2"], Settlement("a1", stamp=now, read_at=now + 3_000))
    counts = await work.counts()
    assert (counts.waiting, counts.leased, counts.settled) == (1, 1, 1)
    assert (await door.hubspot(posted(event(id=1), event(id=2, occurredAt=now - 1), event(id=3)))).status_code == 204
    counts = await work.counts()
    assert (counts.due, counts.waiting, counts.leased, counts.settled) == (1, 0, 1, 1)
    assert (await door.hubspot(posted(event(id=2, occurredAt=now + 60_000)))).status_code == 204
    counts = await work.counts()
    assert (counts.due, counts.settled) == (2, 0)


async def test_portal_that_only_the_ledger_knows_is_held_to_it(door: Door) -> None:
    """A second installation with an equal crm name gets no record of its portal into the work of the first."""
    body = posted(event(id=1, portalId=78), event(id=2, portalId=79))
    await Accounts(door.ledger.scripts).pin({"unnamed_hubspot": "79"})
    assert (await door.hubspot(body, crm="unnamed_hubspot")).status_code == 204
    assert await door.due("unnamed_hubspot") == ["2"]
