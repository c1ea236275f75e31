"""Shows recent runs, and the results and cost of one of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.ledger import Ledger
from worker.reports.journal_pages import key_in
from worker.reports.run_story import by_field, run_story, runs, spent_by, totals
from worker.web.page.door import Door
from worker.web.page.shell import Shell, run_address
from worker.web.page.visitor import PageVisitor


def run_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the routes of the list and of one run."""

    async def listing(request: Request, visitor: PageVisitor) -> Response:
        if named := request.query_params.get("run", "").strip():
            return RedirectResponse(run_address(named), status_code=303)
        found = await runs(ledger, settings, await ledger.scripts.now())
        credits = await spent_by(ledger, settings, [name for name, _ in found])
        rows = [(name, (*totals(figures), credits[name])) for name, figures in found]
        return shell.page(request, "runs", visitor, runs=rows)

    async def show(request: Request, visitor: PageVisitor) -> Response:
        after = key_in(request.query_params.get("after", ""))
        found = await run_story(ledger, settings, request.path_params["run"], after)
        is_known = bool(found.figures or found.page.lines or found.open or after)
        return shell.page(
            request,
            "run",
            visitor,
            status=200 if is_known else 404,
            found=found,
            fields={work: by_field(figures) for work, figures in found.figures.items()},
            is_known=is_known,
            crms=settings.crm,
        )

    return [door.look("/runs", listing), door.look("/runs/{run}", show)]
