"""Shows dead letters by the origin of their trouble, and replays those that are shown."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.counts import counted
from config.settings import Settings
from worker.decide.origins import TroubleOrigin
from worker.ledger.ledger import Ledger
from worker.ledger.run import Run, RunKind
from worker.reports.dead_groups import DeadLetters, all_seen
from worker.web.page.door import Door, Form, one
from worker.web.page.shell import Shell, with_notice
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word

SHOWN = 50  # of one cause
FILTERS = ("origin", "cause", "crm")
CHANGED = "The list has changed since you saw it. Nothing was replayed."


def dead_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the routes of the list and of its form."""
    letters = DeadLetters(ledger, settings)

    async def show(request: Request, visitor: PageVisitor) -> Response:
        wanted = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        groups = await letters.groups(wanted)
        origins = {one: [group for group in groups if group.origin is one] for one in TroubleOrigin}
        return shell.page(
            request,
            "dead",
            visitor,
            groups=groups,
            origins=origins,
            wanted=wanted,
            count=sum(len(group.rows) for group in groups),
            seen=all_seen(groups),
            unread=letters.unread,
            most=SHOWN,
        )

    async def replay(_: Request, visitor: PageVisitor, form: Form) -> Response:
        wanted = {name: one(form, name) for name in FILTERS}
        groups = await letters.groups(wanted)
        if one(form, "seen") not in {all_seen(groups), *(group.seen for group in groups if len(groups) == 1)}:
            return with_notice(visitor, "/dead", CHANGED)
        run, rows = Run.new(RunKind.REPLAY).name, [row for group in groups for row in group.rows]
        for name, letter in rows:
            await journal_word(ledger, visitor, (*name, letter.id), run, "replayed")
            await ledger.work(*name).replay(letter.id, run)
        return with_notice(visitor, "/dead", f"{counted(len(rows), 'record is', 'records are')} due again.")

    return [door.look("/dead", show), door.act("/dead/replay", replay, PageRole.OPERATOR)]
