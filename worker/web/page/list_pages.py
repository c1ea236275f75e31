"""Shows pages without forms: uncertain lookups, and the workers with their schedule."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.ledger.ledger import Ledger
from worker.web.page.door import Door
from worker.web.page.shell import Shell
from worker.web.page.visitor import PageVisitor

SHOWN = 100


def list_routes(door: Door, shell: Shell, ledger: Ledger) -> list[Route]:
    """Returns the routes of pages that are only looked at."""

    async def uncertain(request: Request, visitor: PageVisitor) -> Response:
        rows, count = await ledger.desk.uncertain_list(SHOWN), await ledger.desk.uncertain_count()
        return shell.page(request, "uncertain", visitor, rows=rows, count=count)

    async def workers(request: Request, visitor: PageVisitor) -> Response:
        beats, tasks = await ledger.timetable.alive(), await ledger.timetable.last()
        return shell.page(request, "workers", visitor, beats=beats, tasks=tasks)

    return [door.look("/uncertain", uncertain), door.look("/workers", workers)]
