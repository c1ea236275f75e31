"""Pauses and resumes crms and providers, once somebody has seen what that means."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.counts import counted
from worker.ledger.ledger import Ledger
from worker.ledger.run import Run, RunKind
from worker.web.page.door import Door, Form, one
from worker.web.page.orders import Orders
from worker.web.page.shell import Shell, with_notice
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word, of_refill


def target_routes(door: Door, shell: Shell, ledger: Ledger, orders: Orders) -> list[Route]:
    """Returns the routes of the list of pauses and of its forms."""

    async def show(request: Request, visitor: PageVisitor) -> Response:
        pauses = await ledger.pauses.all()
        found = {
            name: [one for one in pauses if one.target == name or one.target.startswith((f"{name}:", f"{name}."))]
            for name in orders.targets()
        }
        return shell.page(request, "pauses", visitor, targets=found)

    async def pause(_: Request, visitor: PageVisitor, form: Form) -> Response:
        target = one(form, "target")
        await orders.pause(target, f"Paused on the page by {visitor.who}: {one(form, 'why')[:200]}".rstrip(": "))
        await journal_word(ledger, visitor, of_refill("pause", target), Run.new(RunKind.PAUSE).name, "paused")
        return with_notice(visitor, "/pauses", f"{target} is paused until it is resumed.")

    async def resume(_: Request, visitor: PageVisitor, form: Form) -> Response:
        target = one(form, "target")
        found = await orders.resume(target)
        await journal_word(ledger, visitor, of_refill("pause", target), Run.new(RunKind.RESUME).name, "resumed")
        stands = f" Still paused ({', '.join(found.stands)}) until refill reconcile has read the provider's books."
        lifted = f"Lifted {counted(len(found.lifted), 'reason')} of {target}."
        return with_notice(visitor, "/pauses", lifted + (stands if found.stands else ""))

    return [
        door.look("/pauses", show),
        door.act("/pauses/pause", pause, PageRole.OPERATOR),
        door.act("/pauses/resume", resume, PageRole.OPERATOR),
    ]
