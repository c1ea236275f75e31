"""Shows what an undo of a run or a record would take back, and has it taken back once that was seen."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.counts import counted
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Ref
from worker.ledger.run import Run, RunKind
from worker.web.page.door import Door, Form, one, record_in
from worker.web.page.orders import Orders, UndoWish
from worker.web.page.shell import Shell, run_address, with_notice
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word

SHOWN = 200
CHANGED = "Something has changed since you saw it. Nothing was undone."


def undo_routes(door: Door, shell: Shell, ledger: Ledger, orders: Orders) -> list[Route]:
    """Returns the routes of the look and of the order; the look asks the CRMs, so it is no address to be followed."""

    async def look(request: Request, visitor: PageVisitor, form: Form) -> Response:
        asked = _asked(form)
        found = await orders.undo_look(asked)
        return shell.page(request, "undo", visitor, asked=asked, found=found, most=SHOWN)

    async def undo(_: Request, visitor: PageVisitor, form: Form) -> Response:
        asked, run = _asked(form), Run.new(RunKind.UNDO).name

        async def note(records: Sequence[Ref]) -> None:
            for record in records:
                await journal_word(ledger, visitor, record, run, "undone")

        done = await orders.undo(asked, one(form, "seen"), run, note)
        if done is None:
            return with_notice(visitor, "/runs", CHANGED)
        gone = counted(done.going, "change goes", "changes go")
        return with_notice(visitor, run_address(run), f"{gone} back with the next visits.")

    return [
        door.act("/undo/look", look, PageRole.OPERATOR),
        door.act("/undo", undo, PageRole.OPERATOR),
    ]


def _asked(form: Form) -> UndoWish:
    return UndoWish(one(form, "run"), record_in(form))
