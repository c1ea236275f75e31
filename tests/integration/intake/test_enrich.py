"""Asks for records by id, and follows them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from tests.harness.examples import examples
from tests.integration.intake import senders
from tests.integration.intake.conftest import Door, settings_in
from worker.decide.kept import OurValue, RefusedValue, own_texts
from worker.ledger.ledger import Ledger
from worker.ledger.work.work import Settlement
from worker.web.app import web_app
from worker.web.openapi import document

API = {"authorization": f"Bearer {senders.TOKEN}", "content-type": "application/json"}


async def ask(door: Door, body: Any, **headers: str) -> Any:
    return await door.post("/api/enrich", json.dumps(body).encode(), API | headers)


def asked(*ids: str) -> dict[str, Any]:
    return {"crm": "acme_hubspot", "object": "contact", "ids": list(ids)}


async def follow(door: Door, id: str) -> Any:
    answer = await door.http.get(f"{door.url}/api/enrich/{id}", headers=API)
    return answer.json() if answer.status_code == 200 else answer.status_code


async def test_records_asked_for_are_in_the_work_and_can_be_followed_to_their_end(door: Door) -> None:
    answer = await ask(door, asked("1", "2", "2", "3"))
    assert (answer.status_code, answer.json()["records"]) == (202, 3)
    id = answer.json()["id"]
    assert answer.headers["location"] == f"/api/enrich/{id}"
    assert sorted(await door.due()) == ["1", "2", "3"]

    work = door.ledger.work("acme_hubspot", "contact")
    leases = {one.id: one for one in await work.claim("worker-1", 10)}
    assert all(one.forced for one in leases.values())
    await work.settle(
        leases["1"],
        Settlement("a1", 1, 1, filled={"work_email": "forager"}, unfilled={"mobile_phone": "not_found"}),
    )
    await work.bury(leases["2"], "poison")
    told = await follow(door, id)
    assert (told["crm"], told["object"], told["done"], told["filled"]) == ("acme_hubspot", "contact", False, 1)
    assert told["records"] == {
        "1": {"state": "settled", "not_filled": {"mobile_phone": "not_found"}},
        "2": {"state": "dead", "reason": "poison"},
        "3": {"state": "leased"},
    }
    await work.settle(leases["3"], Settlement("a1", 1, 1))
    assert (await follow(door, id))["done"]


async def test_what_a_crm_refused_is_told_with_its_word(door: Door) -> None:
    id = (await ask(door, asked("1"))).json()["id"]
    work = door.ledger.work("acme_hubspot", "contact")
    (lease,) = await work.claim("worker-1", 1)
    kept = RefusedValue(
        "ada@acme.com", "forager", "valid", "q1", "duplicate", "CONTACT_EXISTS", "already there", "4711"
    )
    unfilled = {"work_email": "duplicate"}
    await work.settle(
        lease, Settlement("a1", 1, 1, own=own_texts({"work_email": OurValue(kept=kept)}), unfilled=unfilled)
    )
    told = (await follow(door, id))["records"]["1"]
    assert told["refused"] == {"work_email": "duplicate of 4711 (CONTACT_EXISTS: already there)"}
    assert "ada@acme.com" not in json.dumps(told)


async def test_same_key_gives_the_same_request_once(door: Door) -> None:
    first = await ask(door, asked("1"), **{"idempotency-key": "order-17"})
    (held,) = await door.leases()
    await door.ledger.work("acme_hubspot", "contact").settle(held, Settlement("a1", 5, 9_000))
    again = await ask(door, asked("1"), **{"idempotency-key": "order-17"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert await door.due() == []
    other = await ask(door, asked("1"), **{"idempotency-key": "order-18"})
    assert other.json()["id"] != first.json()["id"]


async def test_key_of_another_request_is_a_conflict(door: Door) -> None:
    await ask(door, asked("1"), **{"idempotency-key": "order-17"})
    assert (await ask(door, asked("2"), **{"idempotency-key": "order-17"})).status_code == 409
    assert await door.due() == ["1"]
    assert (await ask(door, asked("2"), **{"idempotency-key": "k" * 256})).status_code == 400


async def test_key_itself_is_not_kept(door: Door) -> None:
    await ask(door, asked("1"), **{"idempotency-key": "somebody@example.com"})
    assert not [key for key in await door.redis.keys("*") if b"somebody" in key]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer another", f"Basic {senders.TOKEN}", f"Bearer {senders.TOKEN}x", "Bearer é"]
)
async def test_without_the_token_nothing_is_said(door: Door, authorization: str) -> None:
    headers = {**API, "authorization": authorization}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await door.http.post(f"{door.url}/api/enrich", content=b"{}", headers=raw)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (await door.http.get(f"{door.url}/api/enrich/x", headers=raw)).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({}, 400),
        ({**asked("1"), "more": 1}, 400),
        (asked(), 400),
        (asked(*map(str, range(1, 1_002))), 400),
        (asked("x"), 400),
        (asked("1:2"), 400),
        (asked("-1"), 400),
        (asked("0"), 400),
        (asked("0101"), 400),  # HubSpot reads it as 101, which would be in the work twice
        (asked("\uff11"), 400),
        ({**asked("1"), "ids": [1]}, 400),
        ({**asked("1"), "ids": "1"}, 400),
        ({**asked("1"), "crm": "nobody"}, 404),
        ({**asked("1"), "object": "lead"}, 404),
        ({**asked("1"), "object": "delivery"}, 404),
        ({**asked("1"), "crm": None}, 400),
        ({"crm": "acme_salesforce", "object": "lead", "ids": ["1"]}, 400),
    ],
)
async def test_what_is_not_understood_is_refused_whole(door: Door, body: Any, status: int) -> None:
    assert (await ask(door, body)).status_code == status
    assert await door.due() == []


async def test_short_salesforce_ids_are_the_records_that_polls_name(door: Door) -> None:
    await ask(door, {"crm": "acme_salesforce", "object": "lead", "ids": ["00Q5g00000AbCdE", "00Q5g00000AbCdEEAV"]})
    assert await door.due("acme_salesforce", "lead") == ["00Q5g00000AbCdEEAV"]


async def test_unknown_request_is_not_found(door: Door) -> None:
    assert await follow(door, "0" * 32) == 404
    assert await follow(door, "../healthz") == 404


async def test_description_is_served_for_machines_and_people(door: Door) -> None:
    machine = await door.http.get(f"{door.url}/api/openapi.json")
    assert machine.json()["paths"].keys() == {"/api/enrich", "/api/enrich/{id}"}
    page = await door.http.get(f"{door.url}/api")
    assert "POST /api/enrich" in page.text
    assert "http" not in page.text.replace(document("https://refill.acme.test")["servers"][0]["url"], "")


# ---- any request is answered as described ------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_IDS = st.lists(st.from_regex(r"[0-9]{1,18}", fullmatch=True) | st.text(max_size=20), max_size=5)
_NEAR = st.fixed_dictionaries(
    {
        "crm": st.sampled_from(["acme_hubspot", "acme_salesforce", "nobody", ""]) | _JSON,
        "object": st.sampled_from(["contact", "lead", "company"]) | _JSON,
        "ids": _IDS | _JSON,
    },
    optional={"more": _JSON},
)
_BODIES = st.one_of(
    st.binary(max_size=200), _JSON.map(json.dumps).map(str.encode), _NEAR.map(json.dumps).map(str.encode)
)
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "authorization": st.sampled_from([API["authorization"], "Bearer x", "Bearer", ""]),
        "content-type": st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain", ""]),
        "idempotency-key": st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=300),
        "content-encoding": st.sampled_from(["gzip", "identity", ""]),
    },
)


def described(told: dict[str, Any], path: str, method: str, status: int, body: Any) -> None:
    """The answer is one that the description names, of the shape it gives."""
    answers = told["paths"][path][method]["responses"]
    assert str(status) in answers
    schema = answers[str(status)]["content"]["application/json"]["schema"]
    jsonschema.validate(body, {**schema, "components": told["components"]})


class Client:
    """The application without a port, on a loop of its own, so that hypothesis may call it many times."""

    def __init__(self, runner: asyncio.Runner, http: httpx.AsyncClient) -> None:
        self._runner, self._http = runner, http

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = API) -> httpx.Response:
        return self._runner.run(self._http.request(method, path, content=body, headers=dict(headers)))


@pytest.fixture(scope="module")
def client(redis_socket: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with asyncio.Runner() as runner:
        redis = Redis(unix_socket_path=str(redis_socket))
        settings_ = settings_in(tmp_path_factory.mktemp("api"))
        app = web_app(Ledger.over(redis), settings_, asyncio.Event())
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://refill")
        lifespan = app.lifespan_context(app)  # the transport begins and ends nothing by itself
        runner.run(lifespan.__aenter__())
        yield Client(runner, http)
        runner.run(http.aclose())
        runner.run(lifespan.__aexit__(None, None, None))
        runner.run(redis.aclose())


@examples(300)
@given(body=_BODIES, headers=_HEADERS)
def test_any_request_is_answered_as_described(client: Client, body: bytes, headers: dict[str, str]) -> None:
    told = document("https://refill.acme.test")
    answer = client.send("POST", "/api/enrich", body, {**API, **headers})
    described(told, "/api/enrich", "post", answer.status_code, answer.json())
    if answer.status_code == 202:
        found = client.send("GET", f"/api/enrich/{answer.json()['id']}")
        assert found.status_code == 200
        described(told, "/api/enrich/{id}", "get", 200, found.json())


@examples(100)
@given(
    id=st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF), min_size=1, max_size=40).filter(
        lambda text: text not in {".", ".."}  # of an address those are steps, and no client sends them
    )
)
def test_any_request_id_is_answered_as_described(client: Client, id: str) -> None:
    answer = client.send("GET", f"/api/enrich/{quote(id, safe='')}")
    assert answer.status_code in {404, 200}
