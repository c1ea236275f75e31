"""All imitations share books, faults, holds, limits and control. Shown on Forager's dearest lookup."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from sandbox.faults import KINDS
from tests.contract.sandbox_client import Answer, Client, client_of

PHONES = "/api/42/datastorage/person_contacts_lookup/phone_numbers/"
ROUTE = "/api/{account_id}/datastorage/person_contacts_lookup/phone_numbers/"


@pytest.fixture(name="client")
async def forager_client() -> AsyncIterator[Client]:
    async with client_of("forager", records=40, companies=10) as client:
        yield client


@pytest.fixture(name="slugs")
def slugs_with_phones(client: Client) -> Iterator[str]:
    return iter([person.slug for person in client.vendor.world.people if person.forager.phones])


async def ask(client: Client, slug: str) -> Answer:
    return await client.post(PHONES, linkedin_public_identifier=slug)


async def test_books_hold_every_request_and_charge_in_order(client: Client, slugs: Iterator[str]) -> None:
    first, second = next(slugs), next(slugs)
    await ask(client, first)
    await ask(client, "nobody")
    await ask(client, second)
    books = await client.control("GET", "books")
    assert [(one["key"], one["status"], one["credits"]) for one in books["requests"]] == [
        (first, 200, 15), ("nobody", 200, 0), (second, 200, 15)
    ]  # fmt: skip
    assert [one["identity"] for one in books["charges"]] == [first, second]
    assert books["charges"][0]["request"] == books["requests"][0]["seq"]
    later = await client.control("GET", f"books?kind=requests&since={books['requests'][0]['seq']}&route={ROUTE}")
    assert [one["key"] for one in later["requests"]] == ["nobody", second]
    summary = await client.control("GET", "summary")
    assert summary["routes"] == {f"POST {ROUTE}": {"200": 3}}
    assert summary["credits_by_operation"] == {"person_phone_number_lookup": 30}
    assert summary["balance"] == client.vendor.options.credits - 30


async def test_reset_books_keeps_the_balance_and_the_numbering(client: Client, slugs: Iterator[str]) -> None:
    await ask(client, next(slugs))
    last = client.vendor.books.charges[-1].seq
    await client.control("POST", "reset-books")
    await ask(client, next(slugs))
    assert len(client.vendor.books.requests) == 1
    assert client.vendor.books.requests[0].seq > last
    assert client.vendor.balance == client.vendor.options.credits - 30


async def test_books_can_be_bounded() -> None:
    async with client_of("forager", records=20, companies=5, books_kept=3) as client:
        for _ in range(5):
            await ask(client, "nobody")
        assert len(client.vendor.books.requests) == 3


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_fault_strikes_once_and_charges_as_it_says(client: Client, slugs: Iterator[str], kind: str) -> None:
    params = {"field": "phone_number"} if kind in {"missing_field", "null_field"} else {}
    await client.control("POST", "faults", {"kind": kind, "route": ROUTE, "params": params})
    if kind == "hang":
        waiting = asyncio.create_task(ask(client, next(slugs)))
        await client.vendor.holds.until(1)
        assert len(client.charged) == 1
        waiting.cancel()
    else:
        seen = await outcome(ask(client, next(slugs)))
        assert seen == EXPECTED[kind]
        assert len(client.charged) == int(KINDS[kind])
    assert client.vendor.books.requests[0].fault == kind
    after = await ask(client, next(slugs))
    assert (after.status, list(after.json[0])) == (200, ["phone_number"])


EXPECTED: dict[str, Any] = {
    "status": (500, "empty"),
    "redirect": (301, "empty"),
    "close": "disconnected",
    "reset": "disconnected",
    "cut_body": "cut",
    "reset_mid_body": "cut",
    "gzip_bomb": (200, "broken"),
    "truncated_json": (200, "broken"),
    "garbled_status": "garbled",
    "html": (200, "broken"),
    "content_type": (200, "phone_number", "text/plain"),
    "extra_field": (200, "phone_number", "unheard_of"),
    "missing_field": (200,),
    "odd_value": (200, "odd"),
    "steering_texts": (200, "phone_number"),
    "null_field": (200, "phone_number", "null"),
    "empty_body": (200, "empty"),
}


async def outcome(call: Any) -> Any:
    try:
        answer: Answer = await call
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        return "disconnected"
    except aiohttp.ClientPayloadError:
        return "cut"
    except aiohttp.ClientResponseError:
        return "garbled"
    if not answer.text:
        return answer.status, "empty"
    try:
        row = json.loads(answer.text)[0]
    except (ValueError, KeyError):
        return answer.status, "broken"
    if not isinstance(row, dict):
        return answer.status, "odd"
    seen: list[Any] = [answer.status, *row]
    if None in row.values():
        seen.append("null")
    if "json" not in answer.headers["Content-Type"]:
        seen.append(answer.headers["Content-Type"].split(";")[0])
    return tuple(seen)


@pytest.mark.parametrize("kind", ["hang", "close", "reset"])
async def test_a_broken_call_can_be_free(client: Client, slugs: Iterator[str], kind: str) -> None:
    client.vendor.faults.add(kind, effect=False)
    call = asyncio.create_task(ask(client, next(slugs)))
    if kind == "hang":
        await client.vendor.holds.until(1)
        call.cancel()
    else:
        with pytest.raises(aiohttp.ClientError):
            await call
    assert client.charged == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Retry-After": "7"}, 429), ({"Retry-After": "Fri, 20 Nov 2026 09:00:00 GMT"}, 503), ({}, 429)],
)
async def test_a_status_fault_carries_body_and_headers(client: Client, headers: dict[str, str], status: int) -> None:
    params = {"status": status, "headers": headers, "body": {"detail": "later"}}
    await client.control("POST", "faults", [{"kind": "status", "params": params}])
    answer = await ask(client, "nobody")
    assert (answer.status, answer.json, answer.headers.get("Retry-After")) == (
        status, {"detail": "later"}, headers.get("Retry-After")
    )  # fmt: skip


async def test_a_fault_chooses_by_method_text_and_times(client: Client) -> None:
    client.vendor.faults.add("status", route="*/phone_numbers/", method="POST", match="unlucky", times=2)
    statuses = [(await ask(client, slug)).status for slug in ("unlucky", "other", "unlucky", "unlucky")]
    assert statuses == [500, 200, 500, 200]


async def test_a_random_fault_is_the_same_for_the_same_seed(client: Client) -> None:
    runs = []
    for _ in range(2):
        client.vendor.faults.clear()
        client.vendor.faults.add("status", times=None, probability=0.5, seed=7)
        runs.append([(await ask(client, "nobody")).status for _ in range(12)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


async def test_cleared_faults_strike_no_more_and_an_unknown_kind_is_refused(client: Client) -> None:
    await client.control("POST", "faults", {"kind": "status", "times": None})
    assert (await ask(client, "nobody")).status == 500
    await client.control("DELETE", "faults")
    assert (await ask(client, "nobody")).status == 200
    url = f"{client.vendor.origin}/_sandbox/faults"
    async with client.session.post(url, json={"kind": "earthquake"}) as answer:
        assert answer.status == 400


async def test_a_held_request_is_charged_and_answered_when_released(client: Client, slugs: Iterator[str]) -> None:
    await client.control("POST", "hold", {"route": ROUTE, "count": 2})
    calls = [asyncio.create_task(ask(client, next(slugs))) for _ in range(2)]
    await client.vendor.holds.until(2)
    assert (await client.control("GET", "held"))["held"] == 2
    assert len(client.charged) == 2
    assert not any(call.done() for call in calls)
    assert (await ask(client, "nobody")).status == 200
    assert (await client.control("POST", "release"))["released"] == 2
    assert [(await call).status for call in calls] == [200, 200]
    assert [one.held for one in client.vendor.books.requests] == [True, True, False]


async def test_a_held_request_is_forgotten_when_its_client_goes_away(client: Client, slugs: Iterator[str]) -> None:
    await client.control("POST", "hold", {"count": 1})
    call = asyncio.create_task(ask(client, next(slugs)))
    await client.vendor.holds.until(1)
    call.cancel()
    await client.vendor.holds.until_none()
    assert (await client.control("GET", "held"))["held"] == 0
    assert len(client.charged) == 1
    assert not client.vendor.books.requests[0].answered


async def test_a_hold_before_the_effect_charges_only_after_release(client: Client, slugs: Iterator[str]) -> None:
    await client.control("POST", "hold", {"effect": False})
    call = asyncio.create_task(ask(client, next(slugs)))
    await client.vendor.holds.until(1)
    assert client.charged == []
    await client.control("POST", "release")
    assert (await call).status == 200
    assert len(client.charged) == 1


async def test_limits_and_clock_can_be_set(client: Client) -> None:
    window = {"name": "minute", "allowed": 2, "seconds": 60}
    await client.control("POST", "limits", {"windows": [window]})
    answers = [await ask(client, "nobody") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "60"
    await client.control("POST", "clock", {"advance": 61})
    assert (await ask(client, "nobody")).status == 200


async def test_several_windows_hold_at_once(client: Client) -> None:
    windows = [{"name": "second", "allowed": 2, "seconds": 1}, {"name": "hour", "allowed": 3, "seconds": 3600}]
    await client.control("POST", "limits", {"windows": windows})
    statuses = [(await ask(client, "nobody")).status for _ in range(3)]
    await client.control("POST", "clock", {"advance": 1.1})
    statuses += [(await ask(client, "nobody")).status for _ in range(2)]
    assert statuses == [200, 200, 429, 200, 429]


async def test_latency_can_be_set(client: Client) -> None:
    await client.control("POST", "latency", {"median_s": 0.05, "sigma": 0.0})
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await ask(client, "nobody")
    assert loop.time() - begun >= 0.05


async def test_the_world_is_told_in_full(client: Client) -> None:
    told = await client.control("GET", "world")
    world = client.vendor.world
    assert [person["work_email"] for person in told["people"]] == [person.work_email for person in world.people]
    assert len(told["companies"]) == len(world.companies)
    assert {crm: len(rows) for crm, rows in told["rows"].items()} == {"hubspot": 40, "salesforce": 40}


async def test_control_requests_are_not_in_the_books(client: Client) -> None:
    await client.control("GET", "summary")
    await client.control("POST", "balance", {"credits": 5})
    assert not client.vendor.books.requests


async def test_an_unknown_switch_is_refused(client: Client) -> None:
    url = f"{client.vendor.origin}/_sandbox/switches"
    for wrong in ({"colour": "red"}, {"misses": "never"}):
        async with client.session.post(url, json=wrong) as answer:
            assert answer.status == 400
