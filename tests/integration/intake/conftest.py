from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from config.load import load
from config.settings import Settings
from tests.integration.intake import senders
from tests.integration.intake.senders import signed
from worker.ledger.ledger import Ledger
from worker.ledger.work.work import Lease
from worker.web.app import web_app
from worker.web.server import listen, serve

PUBLIC = "https://refill.acme.test"
TOML = f"""
[web]
port = 0
public_url = "{PUBLIC}"

[providers.forager]
account_id = 42
budget = {{ day = 500 }}

[crm.acme_hubspot]
kind = "hubspot"
portal_id = {senders.PORTAL}
app_id = {senders.APP}

[crm.acme_hubspot.watch.contact]
identity.linkedin_url = "hs_linkedin_url"
where = {{ lifecyclestage = ["lead"] }}
skip_if = {{ do_not_enrich = "true" }}

[crm.second_hubspot]
kind = "hubspot"
portal_id = 77
app_id = {senders.APP}
watch.contact = {{}}

[crm.silent_hubspot]
kind = "hubspot"
watch.contact = {{}}

[crm.unnamed_hubspot]
kind = "hubspot"
watch.contact = {{}}

[crm.acme_salesforce]
kind = "salesforce"
base_url = "https://acme.my.salesforce.com"
org_id = "{senders.ORG}"
watch.contact = {{}}
watch.lead = {{}}
"""
SECRETS = {
    "REFILL_PROVIDERS__FORAGER__API_KEY": "forager-canary",
    "REFILL_CRM__ACME_HUBSPOT__TOKEN": "token-canary",
    "REFILL_CRM__SECOND_HUBSPOT__TOKEN": "token-canary",
    "REFILL_CRM__SILENT_HUBSPOT__TOKEN": "token-canary",
    "REFILL_CRM__UNNAMED_HUBSPOT__TOKEN": "token-canary",
    "REFILL_CRM__UNNAMED_HUBSPOT__WEBHOOK_SECRET": senders.SECRET,
    "REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET": f"{senders.SECRET},{senders.NEXT_SECRET}",
    "REFILL_CRM__SECOND_HUBSPOT__WEBHOOK_SECRET": senders.SECRET,
    "REFILL_CRM__ACME_SALESFORCE__CLIENT_ID": "client-canary",
    "REFILL_CRM__ACME_SALESFORCE__CLIENT_SECRET": "secret-canary",
    "REFILL_CRM__ACME_SALESFORCE__WEBHOOK_SECRET": f"{senders.PATH_SECRET},{senders.KEY}",
    "REFILL_WEB__TOKEN": senders.TOKEN,
}


def settings_in(folder: Path, *, without: tuple[str, ...] = (), **more: str) -> Settings:
    path = folder / "refill.toml"
    path.write_text(TOML, encoding="utf-8")
    return load(path, {name: value for name, value in (SECRETS | more).items() if name not in without})


class Door:
    """The web process in this process, over a real port."""

    def __init__(self, url: str, http: httpx.AsyncClient, redis: Redis) -> None:
        self.url, self.http, self.redis = url, http, redis
        self.ledger = Ledger.over(redis)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        return await self.http.post(self.url + path, content=body, headers=dict(headers))

    async def hubspot(self, body: bytes, *, crm: str = "acme_hubspot", secret: str = senders.SECRET) -> httpx.Response:
        path = f"/webhooks/hubspot/{crm}" if crm else "/webhooks/hubspot"
        return await self.post(path, body, signed(PUBLIC + path, body, secret=secret))

    async def due(self, crm: str = "acme_hubspot", kind: str = "contact") -> list[str]:
        """Returns what is in the work, without changing it."""
        return [one.decode() for one in await self.redis.zrange(f"refill:work:{crm}:{kind}:due:live", 0, -1)]

    async def leases(self, crm: str = "acme_hubspot", kind: str = "contact") -> list[Lease]:
        return await self.ledger.work(crm, kind).claim("worker-1", 1_000)

    async def digest(self) -> str:
        """Everything Redis holds, as one text."""
        return str(await self.redis.execute_command("DEBUG", "DIGEST"))  # type: ignore[no-untyped-call]


@pytest.fixture
async def door(redis: Redis, tmp_path: Path) -> AsyncIterator[Door]:
    settings = settings_in(tmp_path)
    stop = asyncio.Event()
    bound = listen(settings.web)
    app = web_app(Ledger.over(redis), settings, stop)
    serving = asyncio.create_task(serve(app, bound, stop, grace_s=1))
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        host, port = bound.getsockname()[:2]
        yield Door(f"http://{host}:{port}", http, redis)
    stop.set()
    await serving
