"""Shows dead letters by their reason, and has all of a reason looked at again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.journal.figures import WorkName
from worker.ledger.ledger import Ledger
from worker.ledger.work.work import DeadLetter
from worker.reports.overview import works
from worker.upkeep.dead_letters import letters
from worker.visits.runs import new_run
from worker.web.page.door import Door, Form, one
from worker.web.page.shell import Shell, told
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word

SHOWN = 50  # of one reason


def dead_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the routes of the list and of its form."""

    async def all_letters() -> dict[str, list[tuple[WorkName, DeadLetter]]]:
        by_reason: dict[str, list[tuple[WorkName, DeadLetter]]] = {}
        for name in sorted({*works(settings), *await ledger.all_work.works()}):
            for letter in await letters(ledger.work(*name)):
                by_reason.setdefault(letter.reason, []).append((name, letter))
        return dict(sorted(by_reason.items(), key=lambda row: -len(row[1])))

    async def show(request: Request, visitor: PageVisitor) -> Response:
        return shell.page(request, "dead", visitor, groups=await all_letters(), most=SHOWN)

    async def replay(_: Request, visitor: PageVisitor, form: Form) -> Response:
        found = (await all_letters()).get(one(form, "reason"), [])
        if str(len(found)) != one(form, "count"):
            return told(visitor, "/dead", f"There are {len(found)} now and not what was shown. Nothing was changed.")
        run = new_run("replay")
        for name, letter in found:
            await journal_word(ledger, visitor, (*name, letter.id), run, "replayed")
            await ledger.work(*name).replay(letter.id, run)
        return told(visitor, "/dead", f"{len(found)} due again.")

    return [door.look("/dead", show), door.act("/dead/replay", replay, PageRole.OPERATOR)]
