"""Shows the last calls of each vendor: the operation without its person, the outcome, the duration."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.ledger import Ledger
from worker.web.page.door import Door
from worker.web.page.shell import Shell
from worker.web.page.visitor import PageVisitor


def inspector_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    vendors = [*settings.crm, *settings.providers.names]

    async def show(request: Request, visitor: PageVisitor) -> Response:
        wanted = request.query_params.get("vendor", "")
        shown = [wanted] if wanted in vendors else vendors
        calls = {vendor: await ledger.calls.last(vendor, 100 if wanted else 20) for vendor in shown}
        return shell.page(request, "inspector", visitor, calls=calls, vendors=vendors, wanted=wanted)

    return [door.look("/calls", show)]
