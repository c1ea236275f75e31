"""Starts the vendor imitations as processes, and writes the configuration that fits them.

For the demo and for trying things out.
"""

from __future__ import annotations

import asyncio
import json
import secrets as random
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VENDORS = ("forager", "kaspr", "openprospect", "hubspot", "salesforce")
START_S = 60.0
_HINT = "the sandbox did not start: run python -m sandbox to see why"


class TrialError(Exception):
    """Says that the imitations could not be started; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Served:
    """Tells of each running vendor its addresses, credentials and limits."""

    vendors: Mapping[str, Mapping[str, Any]] = field(repr=False)

    async def books(self, vendor: str) -> Mapping[str, Any]:
        """Returns the vendor's own sums: requests by route, charges, credits, writes."""
        url = f"{self.vendors[vendor]['control_url']}/summary"
        return await asyncio.to_thread(_get, url)

    async def control(self, vendor: str, path: str, body: Mapping[str, Any]) -> None:
        """Steers a vendor, as a person behind its back would."""
        await asyncio.to_thread(_post, f"{self.vendors[vendor]['control_url']}/{path}", body)

    async def writes(self) -> int:
        """Returns values that both CRMs have taken since they started."""
        return sum([int((await self.books(name))["writes"]) for name in ("hubspot", "salesforce")])

    async def credits(self) -> int:
        """Returns credits that both paid providers have charged since they started."""
        return sum([int((await self.books(name))["credits"]) for name in ("forager", "kaspr")])


@asynccontextmanager
async def serve(
    *, records: int, seed: int, latency: str, port_base: int = 0, faults: str = "none"
) -> AsyncIterator[Served]:
    """Yields every vendor in its own process on a loopback port; they share one seeded world.

    Raises:
        TrialError: one of them did not come up.
    """
    _refuse_taken(port_base)
    async with AsyncExitStack() as stack:
        started = [
            await stack.enter_async_context(_process(name, records, seed, latency, port_base, faults))
            for name in VENDORS
        ]
        vendors: dict[str, Mapping[str, Any]] = {}
        for process in started:
            vendors |= await _announced(process)
        yield Served(vendors)


def _refuse_taken(port_base: int) -> None:
    """Refuses ports that another program has.

    Raises:
        TrialError: the first of them.
    """
    for port in range(port_base, port_base + len(VENDORS)) if port_base else ():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                taken = f"port {port} cannot be used (another sandbox?)"
                raise TrialError(f"{taken}: name the first of five free ports with --port-base") from None


@asynccontextmanager
async def _process(
    vendor: str, records: int, seed: int, latency: str, port: int, faults: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    companies = max(4, round(records * 80 / 300))
    arguments = [
        *("--vendors", vendor, "--records", str(records), "--companies", str(companies), "--seed", str(seed)),
        *("--searches", "2", "--limits", "demo", "--latency", latency, "--faults", faults),
        *("--port-base", str(port), "--watch-stdin"),
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: they end when their standard input closes
    )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _announced(process: asyncio.subprocess.Process) -> dict[str, Mapping[str, Any]]:
    assert process.stdout is not None  # noqa: S101  # it was asked for
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        vendors: dict[str, Mapping[str, Any]] = json.loads(line)
    except (TimeoutError, ValueError) as error:
        raise TrialError(_HINT) from error
    return vendors


def _get(url: str) -> Mapping[str, Any]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own loopback process
        body: Mapping[str, Any] = json.load(answer)
    return body


def _post(url: str, body: Mapping[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310  # our own loopback process
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310  # as above
        pass


def playground(served: Served, web: str) -> dict[str, str]:
    """Returns the variables that let people try pages, webhooks and requests, with new secrets.

    ``web`` is where ``refill up`` serves the sandbox's configuration.
    """
    return {
        "REFILL_WEB__PUBLIC_URL": web,
        "REFILL_WEB__TOKEN": random.token_urlsafe(24),
        "REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET": served.vendors["hubspot"]["client_secret"],
        "REFILL_CRM__ACME_SALESFORCE__WEBHOOK_SECRET": random.token_hex(16),
        "REFILL_CRM__ACME_SALESFORCE__ORG_ID": served.vendors["salesforce"]["organization_id"],
    }


async def aim(served: Served, web: str, secret: str) -> None:
    """Lets both CRMs tell ``refill up`` of every change; ``secret`` is in the address that Salesforce calls."""
    await served.control("hubspot", "webhooks", {"url": f"{web}/webhooks/hubspot/acme_hubspot"})
    url = f"{web}/webhooks/salesforce/acme_salesforce/{secret}"
    await served.control("salesforce", "outbound", {"url": url})


def configuration(served: Served, data_dir: str, port: int) -> tuple[str, dict[str, str]]:
    """Returns a refill.toml for the running vendors, and the secrets that go with it into the environment."""
    vendors = served.vendors
    text = f"""\
data_dir = "{data_dir}"

[web]
port = {port}

[providers.forager]
base_url = "{vendors["forager"]["base_url"]}"
account_id = {vendors["forager"]["account_id"]}
rate = {_rate(vendors["forager"])}
budget = {{ day = 20000, month = 100000 }}

[providers.kaspr]
base_url = "{vendors["kaspr"]["base_url"]}"
rate = {_rate(vendors["kaspr"])}
budget = {{ day = 5000, month = 50000 }}

[providers.openprospect]
base_url = "{vendors["openprospect"]["base_url"]}"
rate = {_rate(vendors["openprospect"])}
deliver_to = ["acme_hubspot", "acme_salesforce"]

[crm.acme_hubspot]
kind = "hubspot"
base_url = "{vendors["hubspot"]["base_url"]}"
portal_id = {vendors["hubspot"]["portal_id"]}
app_id = {vendors["hubspot"]["app_id"]}
index_lag = "1s"

[crm.acme_hubspot.watch.contact]

[crm.acme_salesforce]
kind = "salesforce"
base_url = "{vendors["salesforce"]["base_url"]}"

[crm.acme_salesforce.watch.contact]
identity.linkedin_url = "LinkedIn_URL__c"

[crm.acme_salesforce.watch.lead]
identity.linkedin_url = "LinkedIn_URL__c"
"""
    secrets = {
        "REFILL_PROVIDERS__FORAGER__API_KEY": vendors["forager"]["api_key"],
        "REFILL_PROVIDERS__KASPR__API_KEY": vendors["kaspr"]["api_key"],
        "REFILL_PROVIDERS__OPENPROSPECT__API_KEY": vendors["openprospect"]["api_key"],
        "REFILL_CRM__ACME_HUBSPOT__TOKEN": vendors["hubspot"]["token"],
        "REFILL_CRM__ACME_SALESFORCE__CLIENT_ID": vendors["salesforce"]["client_id"],
        "REFILL_CRM__ACME_SALESFORCE__CLIENT_SECRET": vendors["salesforce"]["client_secret"],
    }
    return text, secrets


def write(folder: Path, text: str, secrets: Mapping[str, str]) -> Path:
    """Writes the configuration as refill.toml with the secrets in ``.env`` beside it; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "refill.toml"
    path.write_text(text, encoding="utf-8")
    env = folder / ".env"
    env.touch(mode=0o600)
    env.write_text("".join(f"{name}={value}\n" for name, value in secrets.items()), encoding="utf-8")
    return path


def _rate(vendor: Mapping[str, Any]) -> str:
    windows = [f"{one['allowed']}/{one['seconds']} seconds" for one in vendor["limits"]["default"]]
    return json.dumps(windows)
