"""All five connectors against a vendor, or somebody in its place, that means them harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from connectors.errors import (
    AccessError,
    ConflictError,
    ConnectorError,
    ContractError,
    CreditsError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.forager import client as forager
from connectors.forager import operations as forager_operations
from connectors.forager import read as forager_read
from connectors.forager.client import Forager
from connectors.forager.options import ForagerOptions
from connectors.forager.queries import RoleQuery
from connectors.http_engine import LINE_CAP
from connectors.hubspot.client import HubSpot
from connectors.hubspot.options import HubSpotOptions
from connectors.kaspr import client as kaspr
from connectors.kaspr import read as kaspr_read
from connectors.kaspr.client import Kaspr
from connectors.kaspr.options import KasprOptions
from connectors.limits import NoLimiter
from connectors.models import Question
from connectors.openprospect import client as openprospect
from connectors.openprospect.client import OpenProspect
from connectors.openprospect.options import OpenProspectOptions
from connectors.ports import Watched
from connectors.salesforce.client import Salesforce
from connectors.salesforce.options import SalesforceOptions
from connectors.transport import BODY_CAP
from tests.contract.wire import Act, KeptTicket, Wire, answers, closes, resets, says, wire
from tests.harness.hostile import addresses

SECRET = "canary-s3cret-0000"
PERSON = "mara.canary@quist-example.se"
WATCHED = {"hubspot": Watched("contact", ("email",)), "salesforce": Watched("contact", ("Email",))}
Ask = Callable[[Any], Awaitable[object]]


@dataclass(frozen=True)
class Vendor:
    """Opens one connector at an address, and names a read of it that may be repeated and a call that may not."""

    name: str
    opened: Callable[[str], Any]
    read: Ask
    once: Ask


def _forager(url: str) -> Forager:
    options = ForagerOptions(api_key=SecretStr(SECRET), base_url=url, account_id=42)
    return Forager(forager.open_transport(options, NoLimiter(), 5), options)


def _kaspr(url: str) -> Kaspr:
    options = KasprOptions(api_key=SecretStr(SECRET), base_url=url)
    return Kaspr(kaspr.open_transport(options, NoLimiter(), 5), options)


def _openprospect(url: str) -> OpenProspect:
    options = OpenProspectOptions(api_key=SecretStr(SECRET), base_url=url)
    return OpenProspect(openprospect.open_transport(options, NoLimiter(), 5), options)


def _hubspot(url: str) -> HubSpot:
    options = HubSpotOptions(base_url=url, token=SecretStr(SECRET))
    return HubSpot.opened("acme", options, NoLimiter(), read_s=5)


def _salesforce(url: str) -> Salesforce:
    options = SalesforceOptions(base_url=url, client_id=SecretStr("id"), client_secret=SecretStr(SECRET))
    return Salesforce.opened("acme", options, NoLimiter(), read_s=5)


async def _by_email(client: Any) -> object:
    question = client.question(forager_operations.BY_EMAIL, {"email": PERSON})
    return forager_read.person(forager_operations.BY_EMAIL, await client.ask(question, KeptTicket()))


async def _profile(client: Any) -> object:
    question = Question("kaspr", "main", "profile", {"id": "mara"}, 3, PERSON, frozenset({"work_email"}))
    return kaspr_read.profile(await client.ask(question, KeptTicket()))


VENDORS = (
    Vendor("forager", _forager, lambda c: c.current_user(), _by_email),
    Vendor("kaspr", _kaspr, lambda c: c.verify_key(), _profile),
    Vendor("openprospect", _openprospect, lambda c: c.search("1"), lambda c: c.create_blacklist(PERSON)),
    Vendor(
        "hubspot",
        _hubspot,
        lambda c: c.properties("contact"),
        lambda c: c.create("contact", {"email": PERSON, "lastname": "Ny"}, KeptTicket()),
    ),
    Vendor(
        "salesforce",
        _salesforce,
        lambda c: c.account_status(),
        lambda c: c.create("contact", {"Email": PERSON, "LastName": "Ny"}, KeptTicket()),
    ),
)
EACH = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)


def say(body: object, status: int = 200, headers: str = "") -> Act:
    return answers(status, json.dumps(body).encode(), f"content-type: application/json\r\n{headers}")


async def token(served: Wire, writer: Any) -> None:
    """Salesforce's login: a token for the very host it was asked at."""
    body = {"access_token": SECRET, "instance_url": served.url, "id": f"{served.url}/id/00Dx/005x"}
    await say(body)(served, writer)


DESCRIBED = say({"fields": [{"name": name, "type": "string", "updateable": True} for name in ("Id", "Name", "Email")]})


@asynccontextmanager
async def meeting(vendor: Vendor, *acts: Act, first: tuple[Act, ...] = (token,)) -> AsyncIterator[tuple[Any, Wire]]:
    """The connector and a server that plays its vendor; for Salesforce ``first`` are the answers before ``acts``."""
    before = first if vendor.name == "salesforce" else ()
    async with wire(*before, *acts) as served:
        client = vendor.opened(served.url)
        yield client, served
        await client.aclose()


# ---- led elsewhere ---------------------------------------------------------------------------------------------------

NAMES = addresses("h", "e").keys()


@EACH
@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("address", NAMES)
async def test_a_redirect_leads_nobody_elsewhere(vendor: Vendor, status: int, address: str) -> None:
    async def act(served: Wire, writer: Any) -> None:
        to = addresses(served.url.removeprefix("http://"), evil.url.removeprefix("http://"))[address]
        await answers(status, headers=f"location: {to}\r\n")(served, writer)

    async with wire(answers(200)) as evil, meeting(vendor, act) as (client, served):
        with pytest.raises(AccessError):
            await vendor.read(client)
        assert not evil.requests
        assert len(served.requests) <= 2


@pytest.mark.parametrize("address", NAMES)
async def test_a_next_page_of_salesforce_is_on_its_own_host_or_an_error(address: str) -> None:
    async def page(served: Wire, writer: Any) -> None:
        to = addresses(served.url.removeprefix("http://"), evil.url.removeprefix("http://"))[address]
        rows = [{"Id": "001000000000001AAA", "Name": "Quist"}]
        await say({"done": False, "nextRecordsUrl": to, "records": rows})(served, writer)

    async with (
        wire(answers(200)) as evil,
        meeting(VENDORS[4], page, first=(token, DESCRIBED)) as (client, served),
    ):
        with pytest.raises(ContractError, match="nextRecordsUrl"):
            await client.companies(["001000000000001AAA"])
        assert not evil.requests
        assert len(served.requests) == 3


@pytest.mark.parametrize("address", NAMES)
async def test_a_next_page_of_hubspot_is_a_value_and_no_address(address: str) -> None:
    def row(id: str) -> dict[str, Any]:
        return {"id": id, "properties": {"email": None}, "createdAt": "", "updatedAt": "", "archived": False}

    async def page(served: Wire, writer: Any) -> None:
        to = addresses(served.url.removeprefix("http://"), evil.url.removeprefix("http://"))[address]
        await say({"results": [row("1")], "paging": {"next": {"after": to or "2", "link": to}}})(served, writer)

    schema = say({"results": [{"name": "email", "label": "", "type": "string", "fieldType": "text"}]})
    async with wire(answers(200)) as evil, meeting(VENDORS[3], schema, page) as (client, served):
        first = await client.walk(WATCHED["hubspot"], "")
        await client.walk(WATCHED["hubspot"], f"{first.cursor.id} ")
        assert not evil.requests
        assert all(one.startswith(b"GET /crm/objects/2026-09/contacts?") for one in served.requests[1:])


async def test_a_login_that_names_another_host_gets_no_token() -> None:
    for address in addresses("h.example", "evil.example").values():

        async def login(served: Wire, writer: Any, address: str = address) -> None:
            await say({"access_token": SECRET, "instance_url": address})(served, writer)

        async with meeting(VENDORS[4], first=(login,)) as (client, served):
            with pytest.raises(AccessError):
                await client.account_status()
            assert len(served.requests) == 1


# ---- what is asked ---------------------------------------------------------------------------------------------------


@EACH
async def test_nothing_of_the_environment_goes_along(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with meeting(vendor, say({}, 403)) as (client, served):
        with pytest.raises(ConnectorError):
            await vendor.read(client)
        asked = served.requests[-1].lower()
    assert b"user-agent: refill/" in asked
    assert b"basic " not in asked
    assert SECRET.encode() in asked


# ---- too much of an answer -------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize(
    "act",
    [
        answers(200, b"0" * (BODY_CAP + 1)),
        answers(200, b"{}", f"x-long: {'x' * (8 * LINE_CAP)}\r\n"),
        answers(200, b"{}", "".join(f"x-{n}: {'x' * 1000}\r\n" for n in range(2000))),
        answers(200, b"[" * 100_000, "content-type: application/json\r\n"),
    ],
    ids=["body", "one header", "many headers", "nested"],
)
async def test_too_much_of_an_answer_is_a_typed_error(vendor: Vendor, act: Act) -> None:
    async with meeting(vendor, act) as (client, _):
        with pytest.raises(ConnectorError):
            await vendor.read(client)


# ---- no end ----------------------------------------------------------------------------------------------------------

ROW = {"id": "7", "properties": {"email": None}, "createdAt": "", "updatedAt": "", "archived": False}
SCHEMA = say({"results": [{"name": "email", "label": "", "type": "string", "fieldType": "text"}]})
MORE = "/services/data/v66.0/query/01gD0000002HU6KIAW-2000"


async def _forager_roles(client: Any) -> object:
    def asked(question: Any) -> Awaitable[Any]:
        reply: Awaitable[Any] = client.ask(question, KeptTicket())
        return reply

    return [row async for row in client.roles(RoleQuery(), asked)]


async def _forager_log(client: Any) -> object:
    return [row async for row in client.balance_change_logs()]


async def _forager_suggestions(client: Any) -> object:
    return [row async for row in client.suggestions("industries", "a")]


async def _orders(client: Any) -> object:
    return [row async for row in client.orders()]


async def _walks(client: Any) -> object:
    page = await client.walk(WATCHED["hubspot"], "7")
    return [page]


ENDLESS: dict[str, tuple[Vendor, Ask, tuple[Act, ...]]] = {
    "forager roles": (
        VENDORS[0],
        _forager_roles,
        (say({"search_results": [{"id": 1, "person": {}, "organization": {}}], "total_search_results": 500}),),
    ),
    "forager log": (VENDORS[0], _forager_log, (say({"results": [{"id": 1}], "next": 1, "count": 9}),)),
    "forager suggestions": (
        VENDORS[0],
        _forager_suggestions,
        (say({"results": [{"id": "1", "text": "a"}], "pagination": {"more": True}}),),
    ),
    "openprospect orders": (VENDORS[2], _orders, (say({"items": [{"order_id": "1"}], "total": 9, "has_more": True}),)),
    "hubspot walk": (VENDORS[3], _walks, (SCHEMA, say({"results": [ROW], "paging": {"next": {"after": "7"}}}))),
    "hubspot find": (
        VENDORS[3],
        lambda c: c.find("contact", "lastname", ["Quist"]),
        (SCHEMA, say({"total": 99, "results": [ROW], "paging": {"next": {"after": "1"}}})),
    ),
    "salesforce rows": (
        VENDORS[4],
        lambda c: c.companies(["001000000000001AAA"]),
        (DESCRIBED, say({"done": False, "nextRecordsUrl": MORE, "records": [{"Id": "001000000000001AAA"}]})),
    ),
}


@pytest.mark.parametrize(("vendor", "ask", "acts"), ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_list_that_repeats_itself_ends(vendor: Vendor, ask: Ask, acts: tuple[Act, ...]) -> None:
    async with meeting(vendor, *acts) as (client, served), asyncio.timeout(10):
        with contextlib.suppress(ContractError):
            told = await ask(client)
            assert len(told) <= 1  # type: ignore[arg-type]  # lists and mappings
        assert len(served.requests) <= 5


# ---- secrets and people ----------------------------------------------------------------------------------------------

LEAKY = {"message": f"{SECRET} {PERSON}", "detail": [SECRET, PERSON], "errors": [{"message": PERSON, "code": SECRET}]}
FAILURES: dict[str, Act] = {
    **{str(status): say(LEAKY, status) for status in (300, 302, 400, 401, 402, 403, 404, 408, 409, 412, 422, 423, 429)},
    **{str(status): say(LEAKY, status) for status in (477, 500, 502, 503)},
    "list": say([{"message": f"{SECRET} {PERSON}", "errorCode": "SOME_THING", "fields": [PERSON]}], 400),
    "text": answers(400, f"{SECRET} {PERSON}".encode()),
    "no json": answers(200, f'{{"{SECRET}": "{PERSON}'.encode()),
    "other json": say([LEAKY]),
    "wrong kinds": say(dict.fromkeys(("results", "records", "id", "accounts", "user", "profile", "items"), SECRET)),
    "closes": closes,
    "resets": resets,
    "no http": says(f"{SECRET} {PERSON}\r\n\r\n".encode()),
}


@EACH
@pytest.mark.parametrize("act", FAILURES.values(), ids=FAILURES.keys())
async def test_no_failure_tells_a_secret_or_a_person(vendor: Vendor, act: Act) -> None:
    told: list[str] = []
    with structlog.testing.capture_logs() as events:
        for ask in (vendor.read, vendor.once):
            async with meeting(vendor, act) as (client, _):
                told += [repr(client), repr(vars(client))]
                try:
                    await ask(client)
                except ConnectorError as error:
                    told += ["".join(traceback.format_exception(error)), repr(vars(error))]
    told += [repr(event) for event in events]
    assert any("vendor.request.finished" in text for text in told)
    assert not [text for text in told if SECRET in text or PERSON in text or "quist-example" in text]


async def test_every_class_of_error_was_seen_to_keep_quiet() -> None:
    kinds = set[type]()
    for vendor in VENDORS:
        for act in FAILURES.values():
            for ask in (vendor.read, vendor.once):
                async with meeting(vendor, act) as (client, _):
                    try:
                        await ask(client)
                    except ConnectorError as error:
                        kinds.add(type(error))
    assert {AccessError, CreditsError, ConflictError, ContractError, NotFoundError, OutcomeUnknownError} <= kinds
    assert {RateLimitedError, RejectedError, UnavailableError} <= kinds
