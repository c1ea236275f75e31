"""Shares one OAuth connection among processes while its vendor hands out a new refresh token each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from config.load import load
from connectors.errors import AccessError, RateLimitedError, SignInUnavailableError
from connectors.hubspot.client import HubSpot
from connectors.hubspot.options import HubSpotOptions
from connectors.limits import NoLimiter
from connectors.salesforce.client import Salesforce
from connectors.salesforce.options import SalesforceOptions
from tests.harness.sandbox import Sandbox, Start, sandboxes
from tests.harness.until import until
from worker.ledger.intake.grants import Grants
from worker.ledger.scripts import LedgerUnavailableError, Scripts
from worker.service.refresh_tokens import RefreshTokens

PROCESSES = 4
Crm = Salesforce | HubSpot
Open = Callable[..., Crm]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    with sandboxes() as starting:
        yield starting


@pytest.fixture(params=["salesforce", "hubspot"])
def vendor(start: Start, request: pytest.FixtureRequest) -> Sandbox:
    """A vendor that rotates refresh tokens, and a connection that a person has just made."""
    sandbox = start(request.param, "--records", "4", "--companies", "2")
    sandbox.control("settings", {"rotate_refresh_tokens": True, "token_moods": []})
    sandbox.info["refresh_token"] = connected(sandbox)
    return sandbox


def connected(vendor: Sandbox) -> str:
    return str(vendor.control("connect", {})["refresh_token"])


class Away(Grants):
    """A Redis that does not take the next grants that are to be kept."""

    def __init__(self, scripts: Scripts, times: int) -> None:
        super().__init__(scripts)
        self.times = times

    async def keep(self, crm: str, fence: int, grant: str, *, sync: bool = True) -> bool:
        if self.times:
            self.times -= 1
            raise LedgerUnavailableError("ConnectionError")
        return await super().keep(crm, fence, grant, sync=sync)


class Rest:
    """Waits for nothing and keeps how long it should have."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
async def open_crm(vendor: Sandbox, redis: Redis, tmp_path: Path) -> AsyncIterator[Open]:
    """A connector as each process has one: its own client of Redis's scripts, its own memory."""
    (tmp_path / "refill.toml").write_text("")
    settings = load(tmp_path / "refill.toml", {})
    opened: list[Crm] = []

    def opener(grants: Grants | None = None, rest: Any = None, **more: str) -> Crm:
        values = {name: vendor.info[name] for name in ("base_url", "client_id", "client_secret", "refresh_token")}
        values |= more
        vault = RefreshTokens(grants or Grants(Scripts(redis)), settings)
        store = vault.store("acme", SecretStr(values["client_id"]), SecretStr(values["refresh_token"]))
        crm: Crm
        if vendor.name == "salesforce":
            options = SalesforceOptions.model_validate(values | {"auth": "refresh_token"})
            crm = Salesforce.opened("acme", options, NoLimiter(), grants=store, rest=rest or Rest())
        else:
            hubspot = HubSpotOptions.model_validate(values)
            crm = HubSpot.opened("acme", hubspot, NoLimiter(), grants=store, rest=rest or Rest())
        opened.append(crm)
        return crm

    yield opener
    for crm in opened:
        await crm.aclose()


def token_calls(vendor: Sandbox) -> list[int]:
    return [one["status"] for one in vendor.requests() if one["route"].endswith("/token")]


async def test_processes_that_start_together_spend_the_refresh_token_once(vendor: Sandbox, open_crm: Open) -> None:
    crms = [open_crm() for _ in range(PROCESSES)]
    await asyncio.gather(*(crm.properties("contact") for crm in crms for _ in range(3)))
    assert token_calls(vendor) == [200]


async def test_processes_over_an_expiry_spend_it_once_more(vendor: Sandbox, open_crm: Open) -> None:
    crms = [open_crm() for _ in range(PROCESSES)]
    for rounds in range(1, 4):
        await asyncio.gather(*(crm.properties("contact") for crm in crms))
        vendor.control("expire-tokens", {})
        await asyncio.gather(*(crm.properties("company") for crm in crms))
        assert token_calls(vendor) == [200] * (rounds + 1)


async def test_a_process_that_starts_later_spends_the_newest_token(vendor: Sandbox, open_crm: Open) -> None:
    await open_crm().properties("contact")
    vendor.control("expire-tokens", {})
    await open_crm().properties("contact")  # the configured token is dead since the first
    assert token_calls(vendor) == [200, 200]


async def test_a_connection_made_anew_counts_more_than_what_was_kept(vendor: Sandbox, open_crm: Open) -> None:
    await open_crm().properties("contact")
    vendor.control("expire-tokens", {"refresh": True})  # revoked: a person connects again and configures the new token
    with pytest.raises(AccessError):
        await open_crm().properties("contact")
    await open_crm(refresh_token=connected(vendor)).properties("contact")
    assert token_calls(vendor)[-1] == 200


async def test_a_new_token_that_is_not_kept_is_not_used(vendor: Sandbox, open_crm: Open, redis: Redis) -> None:
    crm = open_crm(Away(Scripts(redis), times=2))
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError):
            await crm.properties("contact")
    assert [one["route"] for one in vendor.requests() if not one["route"].endswith("/token")] == []
    await crm.properties("contact")
    assert token_calls(vendor) == [200]  # the token that was got is kept now, and no other is asked for
    await open_crm().properties("contact")
    assert token_calls(vendor) == [200]


async def test_a_renewal_goes_on_when_whoever_wanted_it_gives_up(vendor: Sandbox, open_crm: Open) -> None:
    vendor.control("hold", {"route": "*/token"})
    crm = open_crm()
    asking = asyncio.create_task(crm.properties("contact"))
    await until(lambda: vendor.control("held")["held"], "the token call")
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    vendor.control("release", {})
    await crm.aclose()  # a process that ends waits for it
    await open_crm().properties("contact")
    assert token_calls(vendor) == [200]


@pytest.mark.parametrize("moods", [["retry"], ["busy"], ["retry", "busy", "retry"]])
async def test_a_token_endpoint_that_wants_a_repeat_gets_it(vendor: Sandbox, open_crm: Open, moods: list[str]) -> None:
    vendor.control("settings", {"token_moods": moods})
    rest = Rest()
    await open_crm(rest=rest).properties("contact")
    assert token_calls(vendor) == [*[400] * len(moods), 200]
    assert rest.waits == [0.5, 1.0, 2.0][: len(moods)]


async def test_one_that_wants_it_without_end_is_told_from_a_refused_credential(vendor: Sandbox, open_crm: Open) -> None:
    vendor.control("settings", {"token_moods": ["retry"] * 40})
    with pytest.raises(SignInUnavailableError):
        await open_crm().properties("contact")
    assert len(token_calls(vendor)) <= 12
    vendor.control("settings", {"token_moods": []})
    await open_crm().properties("contact")


PAGE = "<html><head><title>Down for maintenance</title></head></html>"
PAGES = {
    "a page with 200": (200, PAGE, "text/html"),
    "a page with 401": (401, PAGE, "text/html"),
    "a firewall's page": (403, PAGE, "text/html"),
    "nothing": (200, "", "text/plain"),
    "no token": (200, "{}", "application/json"),
}


@pytest.mark.parametrize("answer", PAGES)
async def test_an_answer_that_no_token_endpoint_gives_blames_neither_record_nor_credential(
    vendor: Sandbox, open_crm: Open, answer: str
) -> None:
    status, body, kind = PAGES[answer]
    params = {"status": status, "body": body, "content_type": kind}
    vendor.fault("status", "*/token", params=params)
    with pytest.raises((SignInUnavailableError, RateLimitedError)):
        await open_crm(rest=Rest()).properties("contact")
    vendor.calm()
    await open_crm().properties("contact")
