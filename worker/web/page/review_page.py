"""Shows what visits propose, and takes a word on one record or on all that match."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import Proposal, Reviews, Stand, fingerprint_in, fingerprint_of, id_of, line_of
from worker.ledger.ledger import Ledger
from worker.ledger.run import Run, RunKind
from worker.reports.proposals import ProposalFilter, Proposals
from worker.upkeep.reviewing import decide_proposal, of_part
from worker.web.page.door import Door, Form, one
from worker.web.page.shell import Shell, with_notice
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word

SHOWN = 50
FILTERS = ("crm", "id", "field", "provider", "company")
_WORDS = {"approve": Stand.APPROVED, "reject": Stand.REJECTED}


def review_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the routes of the list and of its form."""
    proposals = Proposals(ledger, settings)

    async def show(request: Request, visitor: PageVisitor) -> Response:
        wanted = ProposalFilter(**{name: request.query_params.get(name, "").strip() for name in FILTERS})
        matches = await proposals.matching(wanted)
        rows = [
            (name, _part(name, whole, wanted), fingerprint_of(whole))
            for name, lines in matches.first(SHOWN).items()
            for whole in await Reviews(ledger.scripts, *name).of([id_of(line) for line in lines])
            if line_of(whole) in lines  # as it was counted: later changes are in the next view
        ]
        filled = {name: getattr(wanted, name) for name in FILTERS}
        return shell.page(
            request, "review", visitor, wanted=filled, rows=rows, count=matches.count, seen=matches.fingerprint
        )

    async def decide(_: Request, visitor: PageVisitor, form: Form) -> Response:
        filled, stand = {name: one(form, name) for name in FILTERS}, _WORDS.get(one(form, "word"))
        wanted, seen = ProposalFilter(**filled), one(form, "seen")
        only = one(form, "only_crm"), one(form, "only_object"), one(form, "only_id")  # of a form that is about one
        matches = await proposals.matching(wanted)
        chosen = matches.lines if matches.fingerprint == seen else {}
        if any(only):
            named = ProposalFilter(id=only[2]).of(matches.lines.get(only[:2], ()))
            chosen = {only[:2]: [line for line in named if fingerprint_in(line) == seen]}
        if stand is None or not any(chosen.values()):
            return with_notice(
                visitor, "/review", "The proposals have changed since you saw them. Nothing was decided.", **filled
            )
        run, decided = Run.new(RunKind.REVIEW).name, 0
        for name, lines in chosen.items():
            reviews = Reviews(ledger.scripts, *name)
            for line in lines:
                whole = await reviews.get(id_of(line))
                if whole is not None and line_of(whole) == line:
                    await journal_word(ledger, visitor, (*name, whole.id), run, str(stand))
                    await decide_proposal(ledger, name, _part(name, whole, wanted), stand)
                    decided += 1
        return with_notice(visitor, "/review", f"{decided:,} {stand}. The next visit carries it out.", **filled)

    return [door.look("/review", show), door.act("/review/decide", decide, PageRole.OPERATOR)]


def _part(name: WorkName, whole: Proposal, wanted: ProposalFilter) -> Proposal:
    """Returns the proposal with only its matching changes: the decision covers exactly what is shown.

    A delivery is brought as a whole, so one with a change that matches is whole.
    """
    fields, providers = ([part] if part else [] for part in (wanted.field, wanted.provider))
    return whole if name[1] == DELIVERY else of_part(whole, fields, providers)
