"""Asks of the imitations what the contracts ask and no other test of them shows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import aiohttp
import pytest

from tests.contract.sandbox_client import Client, acknowledged, client_of, listening, org_of

V3, DATED, DATA = "/crm/v3/objects", "/crm/objects/2026-09", "/services/data/v66.0"
_NUMBERS = count(1)


@pytest.fixture
async def portal() -> AsyncIterator[Client]:
    async with client_of("hubspot", records=12, companies=4) as client:
        yield client


@pytest.fixture
async def org() -> AsyncIterator[Client]:
    async with org_of(records=12, companies=4) as client:
        yield client


async def contact(portal: Client, **properties: str) -> str:
    values = properties or {"email": f"somebody{next(_NUMBERS)}@acme.example"}
    return str((await portal.post(f"{V3}/contacts", properties=values)).json["id"])


# ---- HubSpot ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("contacts", {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}),
        ("companies", {"createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"}),
    ],
)
async def test_a_record_shows_default_properties_as_texts_or_null(portal: Client, kind: str, names: set[str]) -> None:
    properties = {"lastname": "Ek"} if kind == "contacts" else {"name": "Ek AB"}
    made = (await portal.post(f"{V3}/{kind}", properties=properties)).json["id"]
    for base in (V3, DATED):
        values = (await portal.get(f"{base}/{kind}/{made}")).json["properties"]
        assert set(values) == names
        assert all(value is None or isinstance(value, str) for value in values.values())
        asked = (await portal.get(f"{base}/{kind}/{made}?properties=phone,no_such_thing")).json["properties"]
        assert asked["phone"] is None
        assert "no_such_thing" not in asked


async def test_a_list_goes_by_ids_and_a_search_by_places(portal: Client) -> None:
    listed = (await portal.get(f"{V3}/contacts?limit=3")).json
    assert int(listed["paging"]["next"]["after"]) >= int(listed["results"][-1]["id"])
    found = (await portal.post(f"{V3}/contacts/search", limit=3)).json
    assert found["paging"]["next"]["after"] == "3"


async def test_the_day_has_a_limit_told_by_headers(portal: Client) -> None:
    window = {"name": "day", "allowed": 2, "seconds": 86_400}
    await portal.control("POST", "limits", {"bucket": "daily", "windows": [window]})
    answers = [await portal.get(f"{V3}/contacts?limit=1") for _ in range(3)]
    assert [one.headers["X-HubSpot-RateLimit-Daily"] for one in answers[:2]] == ["2", "2"]
    assert [one.headers["X-HubSpot-RateLimit-Daily-Remaining"] for one in answers[:2]] == ["1", "0"]
    assert (answers[2].status, answers[2].json["policyName"]) == (429, "DAILY")


async def test_every_write_moves_the_modified_date_and_two_may_share_one(portal: Client) -> None:
    one, other = await contact(portal), await contact(portal)
    before = (await portal.get(f"{V3}/contacts/{one}")).json["updatedAt"]
    await portal.control("POST", "clock", {"advance": 5})
    after = (await portal.ask("PATCH", f"{V3}/contacts/{one}", {"properties": {"city": "Rom"}})).json
    assert after["updatedAt"] == after["properties"]["lastmodifieddate"] > before
    await portal.control("POST", "same-stamp", {"object": "contacts", "ids": [one, other]})
    stamps = {(await portal.get(f"{V3}/contacts/{id}")).json["updatedAt"] for id in (one, other)}
    assert len(stamps) == 1


async def test_webhooks_come_in_arrays_of_a_hundred_twice_and_out_of_order(portal: Client) -> None:
    ids = [await contact(portal) for _ in range(130)]
    async with listening() as (hook, url):
        target = {"url": url, "properties": ["jobtitle"], "shuffled": True, "twice": 1.0, "batch_s": 0.1}
        await portal.control("POST", "webhooks", target)
        for n, one in enumerate(ids):
            edit = {"object": "contacts", "id": one, "properties": {"jobtitle": f"Head {n}"}}
            await portal.control("POST", "edit", edit)
        await hook.until(lambda: len(hook.events) >= 260)
    told = Counter(event["objectId"] for event in hook.events)
    assert set(told.values()) == {2}
    assert {str(id) for id in told} == set(ids)
    assert max(len(json.loads(body)) for body in hook.bodies) <= 100
    firsts = [event["objectId"] for event in hook.events]
    assert firsts != sorted(firsts)
    assert all(headers["X-HubSpot-Signature-Version"] == "v1" for headers in hook.headers)


async def test_a_merge_and_a_deletion_are_told_of(portal: Client) -> None:
    one, other, gone = await contact(portal), await contact(portal), await contact(portal)
    async with listening() as (hook, url):
        await portal.control("POST", "webhooks", {"url": url, "kinds": ["merge", "deletion"]})
        survivor = (await portal.control("POST", "merge", {"object": "contacts", "id": one, "other": other}))["id"]
        await portal.control("POST", "delete", {"object": "contacts", "id": gone})
        await hook.until(lambda: any(event.get("objectId") == int(gone) for event in hook.events))
    (merge,) = [event for event in hook.events if event["subscriptionType"] == "contact.merge"]
    assert merge["primaryObjectId"] == int(one)
    assert int(other) in merge["mergedObjectIds"]
    assert merge["newObjectId"] == int(survivor)
    assert "contact.deletion" in {event["subscriptionType"] for event in hook.events}


# ---- Salesforce ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/limits", "/limits/", "/sobjects/Contact/describe/", "/query/?q=SELECT+Id+FROM+Lead"]
)
async def test_neither_slashes_nor_the_case_of_headers_matter(org: Client, path: str) -> None:
    token = org.session.headers["Authorization"]
    for name in ("authorization", "AUTHORIZATION"):
        async with aiohttp.ClientSession(headers={name: token}) as session:
            answer = await Client(org.vendor, session).get(DATA + path)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
        assert answer.headers["Date"].endswith("GMT")
        assert answer.headers["Set-Cookie"].startswith("BrowserId=")


async def test_a_batch_of_rows_is_one_call_of_the_day(org: Client) -> None:
    def used(answer: Any) -> int:
        return int(answer.headers["Sforce-Limit-Info"].removeprefix("api-usage=").partition("/")[0])

    before = used(await org.get(f"{DATA}/limits"))
    records = [{"attributes": {"type": "Contact"}, "LastName": f"Ek{n}"} for n in range(50)]
    assert used(await org.post(f"{DATA}/composite/sobjects", records=records)) == before + 1
    asks = [
        {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": f"r{n}", "body": {"LastName": "Ek"}}
        for n in range(20)
    ]
    assert used(await org.post(f"{DATA}/composite", compositeRequest=asks)) == before + 2


async def test_an_outage_may_be_a_page_and_a_crowd_a_403(org: Client) -> None:
    page = {"kind": "html", "params": {"status": 503}}
    crowd = {"status": 403, "body": [{"message": "ConcurrentRequests", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]}
    await org.control("POST", "faults", [page, {"kind": "status", "params": crowd}])
    first, second, third = [await org.get(f"{DATA}/limits") for _ in range(3)]
    assert (first.status, first.headers["Content-Type"].partition(";")[0]) == (503, "text/html")
    assert (second.status, second.json[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert third.status == 200


async def test_outbound_messages_hold_up_to_a_hundred_rows_and_come_twice(org: Client) -> None:
    rows = [(await org.post(f"{DATA}/sobjects/Contact", LastName=f"Ek{n}")).json["id"] for n in range(120)]
    async with listening((200, acknowledged())) as (hook, url):
        await org.control("POST", "outbound", {"url": url, "twice": 1.0, "shuffled": True, "batch_s": 0.1})
        for one in rows:
            await org.control("POST", "edit", {"object": "Contact", "id": one, "properties": {"Title": "Head"}})
        await hook.until(lambda: sum(body.count(b"<Notification>") for body in hook.bodies) >= 240)
    assert max(body.count(b"<Notification>") for body in hook.bodies) <= 100
    assert set(Counter(hook.bodies).values()) == {2}
    assert all(b'<SessionId xsi:nil="true"/>' in body for body in hook.bodies)


# ---- providers -------------------------------------------------------------------------------------------------------


async def test_a_delivery_may_be_empty() -> None:
    async with client_of("openprospect", delivered_companies=0, delivered_prospects=0) as client:
        one, *_ = client.vendor.credentials()["delivery_ids"]
        told = (await client.get(f"/deliveries/{one}/companies")).json
        assert (told["items"], told["total"], told["has_more"]) == ([], 0, False)
