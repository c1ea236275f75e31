"""Shows the configuration as this process has loaded it."""

from __future__ import annotations

from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.reports.configuration import configured
from worker.web.page.door import Door
from worker.web.page.shell import Shell
from worker.web.page.visitor import PageVisitor


def configuration_routes(door: Door, shell: Shell, settings: Settings) -> list[Route]:
    async def show(request: Request, visitor: PageVisitor) -> Response:
        rows = configured(settings)
        tables = {name: list(found) for name, found in groupby(rows, key=lambda row: _table_of(row[0]))}
        warnings = (*settings.warnings, *settings.exposed)
        return shell.page(request, "configuration", visitor, tables=tables, warnings=warnings)

    return [door.look("/configuration", show)]


def _table_of(key: str) -> str:
    """Returns the table of a key: ``crm.acme`` of ``crm.acme.mode``."""
    parts = key.split(".")
    return ".".join(parts[:2]) if parts[0] in {"crm", "providers"} and len(parts) > 2 else parts[0]
