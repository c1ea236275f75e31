"""Sets up all but the schedule in this process: imitated vendors, a Redis, the web's port, and visits by hand."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from config.load import load
from tests.harness.config import laid_over, toml
from tests.harness.until import until
from tests.harness.vendors import Vendors
from worker.commands import trial
from worker.ledger.own_clock import clock
from worker.ledger.work.work import Work
from worker.reports.overview import overview
from worker.service.jobs import admit
from worker.service.opening import open_crms
from worker.service.runtime import Runtime, open_runtime
from worker.triggers.poll import Polled, activation_cursor, poll
from worker.triggers.sweep import Sweep, sweep
from worker.visits.watch import Watch
from worker.web.app import web_app
from worker.web.server import listen, serve

PUBLIC = "https://refill.acme.test"
PATH_SECRET = "outbound-path-canary"
RUN = "day-test"
HUBSPOT, SALESFORCE = "acme_hubspot", "acme_salesforce"


@dataclass(slots=True)
class Floor:
    """``watch`` names (crm, object). Nothing polls, sweeps or visits unless a test says so."""

    vendors: Vendors
    runtime: Runtime
    http: httpx.AsyncClient
    url: str
    _busy: set[asyncio.Task[Any]] = field(default_factory=set)

    def watch(self, crm: str = HUBSPOT, kind: str = "contact") -> Watch:
        return self.runtime.watches[crm, kind]

    def work(self, crm: str = HUBSPOT, kind: str = "contact") -> Work:
        return self.runtime.ledger.work(crm, kind)

    async def activate(self, crm: str = HUBSPOT, kind: str = "contact") -> None:
        """Follows what changes from now on. Vendors' clocks show whole seconds."""
        watch = self.watch(crm, kind)
        await self.time_passes(crm, 3)
        await self.runtime.ledger.cursors.set(activation_cursor(watch), str(await watch.vendor.now()))
        await self.time_passes(crm, 3)

    async def time_passes(self, crm: str, seconds: float) -> None:
        vendor = self.vendors[crm.removeprefix("acme_")]
        await asyncio.to_thread(vendor.control, "clock", {"advance": seconds})
        await self.runtime.crms[crm].account_status()  # the connector's idea of the vendor's time goes by answers

    async def poll(self, crm: str = HUBSPOT, kind: str = "contact", lookback_ms: int = 0) -> Polled:
        watch = self.watch(crm, kind)
        return await poll(watch, self.runtime.ledger.cursors, run=RUN, lookback_ms=lookback_ms)

    async def sweep(self, crm: str = HUBSPOT, kind: str = "contact", **terms: int) -> Sweep | None:
        terms = {"grace_ms": 0, "every_ms": 0, "pages": 10_000, "now_ms": clock()} | terms
        ledger = self.runtime.ledger
        return await sweep(self.watch(crm, kind), ledger.cursors, ledger.intake, run=RUN, **terms)

    async def swept(self) -> Sweep:
        """A pass that has begun."""
        found = await self.sweep()
        assert found is not None
        return found

    async def recovered(self, crm: str = HUBSPOT, kind: str = "contact") -> int:
        return (await self.runtime.ledger.intake.recovered()).get((crm, kind), 0)

    def visiting(self, crm: str = HUBSPOT, kind: str = "contact") -> asyncio.Task[int]:
        """Visits of one work as a task."""
        return asyncio.create_task(self.runtime.visits.fill(self.runtime.lines[f"{crm}.{kind}"]))

    async def visit_all(self, crm: str = HUBSPOT, kind: str = "contact") -> None:
        """Visit until nothing of the work is due, deferred, leased or waiting."""

        async def idle() -> bool:
            await admit(self.runtime)
            await self.runtime.visits.fill(self.runtime.lines[f"{crm}.{kind}"])
            counts = await self.work(crm, kind).counts()
            return counts.due + counts.leased + counts.waiting == 0

        await until(idle, "an idle work", 90)

    async def edit(self, vendor: str, object: str, id: str, /, **properties: str) -> None:
        body = {"object": object, "id": id, "properties": properties}
        await asyncio.to_thread(self.vendors[vendor].control, "edit", body)

    async def control(self, vendor: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(self.vendors[vendor].control, path, body)

    async def quiet(self, vendor: str) -> None:
        """Every event the vendor had to tell was told."""
        path = "webhooks" if vendor == "hubspot" else "outbound"

        async def told() -> bool:
            return not (await self.control(vendor, path))["waiting"]

        await until(told, "the sender's silence")

    async def due(self, crm: str = HUBSPOT, kind: str = "contact") -> set[str]:
        found = await self.runtime.ledger.scripts.call("ZRANGE", f"refill:work:{crm}:{kind}:due:live", 0, -1)
        return {one.decode() for one in found}

    async def newest(self, crm: str) -> int:
        """Returns the stamp (ms) of the newest change that polls have seen, as the overview shows it; 0 before any."""
        return (await overview(self.runtime.ledger, self.runtime.settings)).newest.get(crm, 0)


@contextlib.asynccontextmanager
async def opened(
    redis: Redis, folder: Path, config: Mapping[str, Any] | None = None, **options: object
) -> AsyncIterator[Floor]:
    """``config`` is laid over what fits the vendors; ``options`` are the sandbox's."""
    arguments = {"records": 30, "companies": 8, "searches": 1, "limits": "demo"}
    words = {**arguments, "seed": 1, **{name.replace("_", "-"): value for name, value in options.items()}}
    vendors = Vendors(*[word for name, value in words.items() for word in (f"--{name}", str(value))])
    try:
        text, secrets = trial.configuration(trial.Served(vendors.told), str(folder / "data"), 0)
        basis = {
            "web": {"public_url": PUBLIC},
            "providers": {"openprospect": None},
            "crm": {SALESFORCE: {"org_id": vendors.told["salesforce"]["organization_id"]}},
        }
        whole = laid_over(laid_over(tomllib.loads(text), basis), config or {})
        secrets |= {
            "REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET": vendors.told["hubspot"]["client_secret"],
            "REFILL_CRM__ACME_SALESFORCE__WEBHOOK_SECRET": PATH_SECRET,
            "REFILL_WEB__TOKEN": "api-token-canary",
        }
        settings = load(trial.write(folder, toml(whole), secrets), {})
        stop = asyncio.Event()
        bound = listen(settings.web)
        host, port = bound.getsockname()[:2]
        async with open_runtime(settings, redis) as runtime, httpx.AsyncClient(trust_env=False) as http:
            await runtime.refresh_standing()
            await open_crms(runtime)
            assert not runtime.shut
            serving = asyncio.create_task(serve(web_app(runtime.ledger, settings, stop), bound, stop, grace_s=1))
            try:
                yield Floor(vendors, runtime, http, f"http://{host}:{port}")
            finally:
                stop.set()
                await serving
    finally:
        vendors.close()


@pytest.fixture
async def floor(redis: Redis, tmp_path: Path) -> AsyncIterator[Floor]:
    """Both CRMs, as they are configured when nobody says otherwise."""
    async with opened(redis, tmp_path) as found:
        yield found
