"""Shows what OpenProspect delivers: its orders however they ended, and the rows on their way into the CRMs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.intake.orders import followed
from worker.ledger.journal.reviews import Reviews
from worker.ledger.ledger import Ledger
from worker.ledger.work.listing import STATES, placed
from worker.web.page.door import Door
from worker.web.page.shell import Shell
from worker.web.page.visitor import PageVisitor

SHOWN = 50  # rows of one crm in one state


def delivery_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    async def show(request: Request, visitor: PageVisitor) -> Response:
        following = await followed(ledger.cursors)
        status = request.query_params.get("status", "").strip().upper()
        orders = [(id, word) for id, word in following.orders.items() if status in {"", word}]
        crms = sorted({*settings.providers.deliver_to, *await delivered_to()})
        rows, counts, proposed = {}, {}, {}
        for crm in crms:
            counts[crm] = await ledger.work(crm, DELIVERY).counts()
            proposed[crm] = await Reviews(ledger.scripts, crm, DELIVERY).waiting()
            pages = [await placed(ledger.scripts, crm, DELIVERY, state, 0, SHOWN) for state in STATES]
            rows[crm] = [row for page in pages for row in page]
        return shell.page(
            request,
            "deliveries",
            visitor,
            orders=orders,
            wanted=status,
            fetched=following.fetched,
            known=following.orders,
            rows=rows,
            counts=counts,
            proposed=proposed,
            on_their_way=await ledger.deliveries.length(),
        )

    async def delivered_to() -> list[str]:
        return [crm for crm, kind in await ledger.all_work.works() if kind == DELIVERY]

    return [door.look("/deliveries", show)]
