"""Puts the routes of the web process together. None but the page's answers names a record or a person."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from config.settings import Settings
from worker.ledger.ledger import Ledger
from worker.ledger.money.spool import Spool
from worker.ledger.scripts import LedgerUnavailableError
from worker.redis.connection import dangers_of, hasty
from worker.reports.overview import overview
from worker.web import metrics
from worker.web.bodies import RefusedError, prove
from worker.web.hosts import Hosts
from worker.web.inbox import is_bearer
from worker.web.page.orders import Orders
from worker.web.page.routes import page_routes
from worker.web.routes import CountingRouter, app_routes

PROBE_S = 0.9  # every probe gets an answer within a second
SCRAPE_S = 9.0  # Prometheus gives up after ten
HINT = "nothing is shown here: see /healthz, /readyz, /metrics, or refill status"


def web_app(ledger: Ledger, settings: Settings, draining: asyncio.Event, orders: Orders | None = None) -> Router:
    """Returns the application over an open ledger; ``draining`` is set while the process ends.

    ``orders`` carries out the page's orders; without it there is no page.
    """
    redis = hasty(ledger.scripts.redis)
    quick = Ledger.over(redis)
    spool = Spool(settings.data_dir)
    answered: Counter[tuple[str, int]] = Counter()

    async def readyz(_: Request) -> Response:
        if draining.is_set():
            return _status("draining", 503)
        shut: list[str] = []
        found = await _probed(lambda: _ready(quick, settings, shut))
        if found.status_code != 200:
            return found
        warnings = [f"{crm} is not open: run refill check" for crm in shut]
        warnings += await dangers_of(redis) if settings.redis.allow_unsafe else ()
        return JSONResponse({"status": "degraded" if shut else "ok", "warnings": warnings}) if warnings else found

    async def scrape(request: Request) -> Response:
        if settings.web.metrics_token:
            if not is_bearer(request, [settings.web.metrics_token]):
                return RefusedError(401, "token").response()
            prove(request)
        try:
            async with asyncio.timeout(SCRAPE_S):
                found = await overview(ledger, settings)
        except (LedgerUnavailableError, TimeoutError):
            return _status("redis does not answer", 503)
        spooled, broken = await asyncio.to_thread(lambda: (spool.pending(), spool.broken()))
        text = metrics.text(found, spooled=spooled, broken=broken, answered=answered, refused=outside.inbox.refusals)
        return Response(text, media_type=metrics.CONTENT_TYPE)

    hosts = Hosts(settings.web)
    outside = app_routes(quick, ledger, settings)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        yield
        await outside.inbox.aclose()
        await redis.aclose()

    routes = [
        *outside.routes,
        Route("/healthz", _healthz, methods=["GET"]),
        Route("/readyz", hosts.only(readyz), methods=["GET"]),
        Route("/metrics", scrape if settings.web.metrics_token else hosts.only(scrape), methods=["GET"]),
        *(page_routes(quick, ledger, settings, draining, orders) if orders else ()),
    ]
    # A redirect would repeat the Host header, and no sender follows one.
    return CountingRouter(
        routes, redirect_slashes=False, default=_missing, lifespan=lifespan, counts=answered, busy=outside.busy
    )


async def _healthz(_: Request) -> Response:
    return _status("ok", 200)  # this process answers; a restart would not fix the faults that /readyz shows


async def _missing(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"error": HINT}, status_code=404)(scope, receive, send)


async def _probed(probe: Callable[[], Awaitable[str]]) -> Response:
    """Returns 200 if ``probe`` finds nothing wrong, else 503 and its findings."""
    try:
        async with asyncio.timeout(PROBE_S):
            wrong = await probe()
    except (LedgerUnavailableError, TimeoutError):
        wrong = "redis does not answer, or takes no writes"
    return _status(wrong or "ok", 503 if wrong else 200)


async def _ready(ledger: Ledger, settings: Settings, shut: list[str]) -> str:
    """Names the missing conditions for work: a writable ledger, and a worker that has a crm open.

    The crms that no worker has open join ``shut``: the others are worked on, so that alone is no lack.
    """
    # Refused if a write would be (full, read-only, forbidden, no replica, disk failed); it writes nothing.
    await ledger.scripts.call("SETRANGE", ledger.scripts.keys("ready"), 0, "")
    beats = [beat for beat in await ledger.timetable.alive() if beat.serves_all]
    if not beats:
        return "no worker is alive"
    if all(beat.info.get("no_room") for beat in beats):
        return "no worker has room on its disk for paid replies: run refill check"
    if all(settings.crm.keys() <= set(beat.info.get("shut", ())) for beat in beats):
        return "no crm is open: run refill check"
    shut += sorted(crm for crm in settings.crm if all(crm in beat.info.get("shut", ()) for beat in beats))
    return ""


def _status(status: str, code: int) -> Response:
    return JSONResponse({"status": status}, status_code=code)
