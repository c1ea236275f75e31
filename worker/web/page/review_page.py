"""Shows what visits propose, and takes a word on one record or on all that match."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import Proposal, Reviews, Stand
from worker.ledger.ledger import Ledger
from worker.reports.overview import works
from worker.upkeep.reviewing import decide_proposal
from worker.visits.runs import new_run
from worker.web.page.door import Door, Form, one
from worker.web.page.shell import Shell, told
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word

SHOWN = 50
FILTERS = ("crm", "id", "field", "provider", "company")
_WORDS = {"approve": Stand.APPROVED, "reject": Stand.REJECTED}


def review_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the routes of the list and of its form."""

    async def matching(wanted: Mapping[str, str]) -> list[tuple[WorkName, Proposal]]:
        names = sorted({*works(settings), *await ledger.all_work.works()})
        found = [(name, row) for name in names for row in await Reviews(ledger.scripts, *name).all()]
        return [(name, row) for name, row in found if row.stand == Stand.PROPOSED and _is_wanted(name, row, wanted)]

    async def show(request: Request, visitor: PageVisitor) -> Response:
        wanted = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        found = await matching(wanted)
        return shell.page(request, "review", visitor, wanted=wanted, rows=found[:SHOWN], count=len(found))

    async def decide(_: Request, visitor: PageVisitor, form: Form) -> Response:
        wanted, stand = {name: one(form, name) for name in FILTERS}, _WORDS.get(one(form, "word"))
        found, back = await matching(wanted), wanted | {"id": ""}
        if stand is None or str(len(found)) != one(form, "count"):
            return told(
                visitor, "/review", f"{len(found)} match now and not what was shown. Nothing was decided.", **back
            )
        fields = frozenset({wanted["field"]}) if wanted["field"] else frozenset[str]()
        run = new_run("review")
        for name, row in found:
            await journal_word(ledger, visitor, (*name, row.id), run, str(stand))
            await decide_proposal(ledger, name, row, stand, fields)
        return told(visitor, "/review", f"{len(found)} {stand}; the next visit carries it out.", **back)

    return [door.look("/review", show), door.act("/review/decide", decide, PageRole.OPERATOR)]


def _is_wanted(name: WorkName, row: Proposal, wanted: Mapping[str, str]) -> bool:
    held = {"crm": {name[0]}, "id": {row.id}, "company": {row.company}}
    held |= {"field": {line.field for line in row.changes}, "provider": {line.provider for line in row.changes}}
    return all(not text or text in held[part] for part, text in wanted.items())
