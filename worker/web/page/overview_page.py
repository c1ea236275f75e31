"""Shows the present state of everything."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.ledger import Ledger
from worker.ledger.work.listing import ages
from worker.reports.health import alerts, forecast, standings
from worker.reports.history import history
from worker.reports.overview import Overview, fill_rate, overview
from worker.web.page.door import Door
from worker.web.page.shell import Shell
from worker.web.page.visitor import PageVisitor


async def _ages(ledger: Ledger, found: Overview) -> dict[tuple[str, str, str], list[int]]:
    return await ages(ledger.scripts, list(found.work), found.now_ms)


def _sums(found: Overview) -> dict[tuple[str, str, str], dict[str, int]]:
    """Returns the values written, by crm, object and field, then by provider."""
    sums: dict[tuple[str, str, str], dict[str, int]] = {}
    for work, pairs in found.filled.items():
        for (field, provider), count in pairs.items():
            sums.setdefault((*work, field), {})[provider] = count
    return sums


def overview_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the route of the first page."""

    async def show(request: Request, visitor: PageVisitor) -> Response:
        found = await overview(ledger, settings)
        today = datetime.fromtimestamp(found.now_ms / 1000, UTC).astimezone(ZoneInfo(settings.budget_zone))
        days = monthrange(today.year, today.month)[1]
        forecasts = {
            name: forecast(one.month, one.cap.month, today.day, days)
            for name, one in {**found.credits, **found.crm_credits}.items()
        }
        names = [*settings.crm, *settings.providers.paid]
        if settings.providers.openprospect:
            names.append("openprospect")
        calls = {name: await ledger.calls.last(name, 1) for name in names}
        return shell.page(
            request,
            "overview",
            visitor,
            found=found,
            called={name: last[0].at_ms for name, last in calls.items() if last},
            backlog={name: counts for name, counts in (await _ages(ledger, found)).items() if sum(counts)},
            balances={name: (await ledger.books.instants(name))[1] for name in settings.providers.paid},
            history=await history(ledger, settings, found.now_ms),
            standings=standings(found, settings),
            alerts=alerts(found, forecasts),
            forecasts=forecasts,
            sums=_sums(found),
            rates={name: fill_rate(one) for name, one in found.today.items()},
        )

    return [door.look("/", show)]
