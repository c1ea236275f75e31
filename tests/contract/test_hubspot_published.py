"""Our connector's calls and the imitated portal's answers fit HubSpot's published OpenAPI files."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.errors import ConnectorError
from connectors.hubspot import refusals
from connectors.hubspot.client import HubSpot
from connectors.hubspot.operations import calls, token_call
from connectors.hubspot.options import HubSpotOptions
from connectors.hubspot.paths import PATHS
from connectors.hubspot.sign_in import asker
from connectors.limits import NoLimiter, Ticket
from connectors.models import Cursor, Reply, Write
from connectors.oauth import OAuth, OwnGrants
from connectors.operations import Operation
from connectors.ports import Watched
from connectors.transport import NoAuth, StaticAuth, Transport
from tests.contract import openapi
from tests.contract.wire import KeptTicket
from tests.harness.sandbox import Sandbox, Start

OBJECTS = {"contact": Watched("contact", ("email", "jobtitle")), "company": Watched("company", ("name", "domain"))}
LATE = 4_102_444_800_000  # the year 2100, in ms


@dataclass(frozen=True)
class Exchange:
    """One call as it went over the wire; ``path`` with its values filled in."""

    operation: Operation
    path: str
    json: Any
    reply: Reply


class Recording(Transport):
    """A transport that keeps every exchange, refused ones too."""

    seen: list[Exchange]

    async def send(self, operation: Operation, **more: Any) -> Reply:
        path = operation.target(more.get("path") or {}, {})
        self._last = (path, more.get("json"))
        return await super().send(operation, **more)

    async def run(
        self, operation: Operation, attempt: Callable[[], Awaitable[Reply]], *, ticket: Ticket | None = None
    ) -> Reply:
        path, json = self._last

        async def noted() -> Reply:
            reply = await attempt()
            self.seen.append(Exchange(operation, path, json, reply))
            return reply

        return await super().run(operation, noted, ticket=ticket)


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("hubspot", "--records", "6", "--companies", "4")


@pytest.fixture(params=PATHS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.asynccontextmanager
async def recorded(
    sandbox: Sandbox, version: str, *, oauth: bool = False
) -> AsyncIterator[tuple[HubSpot, list[Exchange]]]:
    info, seen = sandbox.info, list[Exchange]()
    values = {"base_url": info["base_url"], "api_version": version, "token": info["token"]}
    options = HubSpotOptions.model_validate(values)
    reading = refusals.reading("acme", 0.2)
    tokens = Recording("acme", info["base_url"], NoAuth(), NoLimiter())
    client_id, client_secret, refresh = (SecretStr(info[k]) for k in ("client_id", "client_secret", "refresh_token"))
    auth = (
        OAuth(asker(tokens, token_call(version), client_id, client_secret), OwnGrants(refresh))
        if oauth
        else StaticAuth("authorization", SecretStr(f"Bearer {info['token']}"))
    )
    transport = Recording("acme", info["base_url"], auth, NoLimiter(), reading=reading)
    tokens.seen = transport.seen = seen
    crm = HubSpot("acme", options, transport, also=(tokens,))
    yield crm, seen
    await crm.aclose()


async def everything(crm: HubSpot, object: str) -> None:
    """Every operation of one object, with what succeeds, what fails in part and what is refused."""
    watched = OBJECTS[object]
    await crm.properties(object)
    await crm.account_status()
    await crm.setup(object, ("openprospect_id", *crm.provenance.names))
    page = await crm.walk(watched, "")
    ids = [record.id for record in page.records][:2]
    await crm.read(watched, [*ids, "999999999"])
    await crm.history(object, ids, watched.properties)
    await crm.changed(watched, Cursor(start=1, end=LATE))
    name = watched.properties[1]
    await crm.write(object, [Write(ids[0], {name: "one"}), Write("999999999", {name: "two"})])
    await crm.write(object, [Write(ids[0], {"no_such_thing": "x"}), Write(ids[1], {name: "three"})])
    values = {"openprospect_id": f"op-{object}-{id(crm)}", "lastname" if object == "contact" else "name": "Ny"}
    made = await crm.create(object, values, KeptTicket())
    for wrong in (values, {"createdate": "x"}):
        with pytest.raises(ConnectorError):
            await crm.create(object, wrong, KeptTicket())
    await crm.find(object, "openprospect_id", [values["openprospect_id"]])
    if object == "contact":
        company = (await crm.walk(OBJECTS["company"], "")).records[0].id
        await crm.link("contact", [(made, company)])
        with pytest.raises(ConnectorError):
            await crm.link("contact", [("999999999", company)])
    if object == "company":
        assert (await crm.attached(ids))[ids[0]]
        await crm.attached([made])
    await crm.archive(object, [made])


def file_of(path: str, version: str) -> str:
    """The published file a path is in."""
    if "/associations" in path:
        return f"associations-{'v4' if version == 'v3' else version}"
    surface = "properties" if "/properties/" in path else path.split("/")[4] if "/objects/" in path else "oauth"
    return f"{surface}-{version}"


@pytest.mark.parametrize("object", OBJECTS)
async def test_what_we_send_and_what_comes_back_fit(sandbox: Sandbox, version: str, object: str) -> None:
    async with recorded(sandbox, version) as (crm, seen):
        await everything(crm, object)
    for one in seen:
        file, method = file_of(one.path, version), one.operation.method
        openapi.check(file, method, one.path, one.reply.status, one.reply.body)
        openapi.check_request(file, method, one.path, _as_published(one.json))
    ours = calls(version)[object]
    others = {"linked"} if object == "contact" else {"link", "property"}
    names = [name for name in ours.__struct_fields__ if name not in others]
    assert {getattr(ours, name) for name in names} <= {one.operation for one in seen}
    assert {200, 201, 400} <= {one.reply.status for one in seen}


def _as_published(body: Any) -> Any:
    """The files type a search's ``sorts`` as texts; the guides, and the portal, know them as objects."""
    if isinstance(body, dict) and "sorts" in body:
        return {**body, "sorts": [sort["propertyName"] for sort in body["sorts"]]}
    return body


async def test_a_login_fits(sandbox: Sandbox, version: str) -> None:
    async with recorded(sandbox, version, oauth=True) as (crm, seen):
        await crm.account_status()
    (login,) = [one for one in seen if one.operation.path.endswith("/token")]
    openapi.check_path(f"oauth-{version}", "POST", login.path)
    openapi.check("oauth-v3", "POST", "/oauth/v3/token", login.reply.status, login.reply.body)  # the dated one has none
