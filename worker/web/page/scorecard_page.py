"""Shows each provider's yield and price, and the order that would have been cheapest."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.web.page.door import Door
from worker.web.page.orders import Orders
from worker.web.page.shell import Shell
from worker.web.page.visitor import PageVisitor

COUNTRIES = 15


def scorecard_routes(door: Door, shell: Shell, orders: Orders) -> list[Route]:
    async def show(request: Request, visitor: PageVisitor) -> Response:
        found = await orders.scorecard()
        countries = sorted((one for one in found.scores if one.country), key=lambda one: -one.wanted)[:COUNTRIES]
        tables = {
            "Providers": ("", [one for one in found.scores if not one.field and not one.country]),
            "By field": ("field", [one for one in found.scores if one.field]),
            "By country": ("country", countries),
        }
        rows = {title: (by, [(one, one.as_json()) for one in scores]) for title, (by, scores) in tables.items()}
        return shell.page(request, "scorecard", visitor, tables=rows, sentences=found.sentences)

    return [door.look("/scorecard", show)]
