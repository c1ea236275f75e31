"""Shows what visits propose, and takes a word on one record or on all that match."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import NOTHING, Proposal, ProposalHead, Stand
from worker.ledger.ledger import Ledger
from worker.ledger.run import Run, RunKind
from worker.reports.proposals import Proposals
from worker.upkeep.reviewing import decide_proposal, of_part
from worker.web.page.door import Door, Form, one
from worker.web.page.shell import Shell, with_notice
from worker.web.page.visitor import PageRole, PageVisitor
from worker.web.page.word_journal import journal_word

SHOWN = 50
KEPT = 20  # filters whose matches are kept between looks
FILTERS = ("crm", "id", "field", "provider", "company")  # in this order
ONLY = ("only_crm", "only_object", "only_id")  # the record of a form that is about one
_Match = tuple[WorkName, ProposalHead]
_WORDS = {"approve": Stand.APPROVED, "reject": Stand.REJECTED}


def review_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings) -> list[Route]:
    """Returns the routes of the list and of its form."""
    proposals = Proposals(ledger, settings)

    kept: dict[tuple[str, ...], tuple[Sequence[_Match], list[_Match], str]] = {}

    async def matching(wanted: Mapping[str, str]) -> tuple[list[_Match], str]:
        """Returns what matches, and its fingerprint; what was found before stands while no proposal has changed."""
        rows, asked = await proposals.waiting(), tuple(wanted.values())
        if asked not in kept or kept[asked][0] is not rows:
            found = [one for one in rows if _matches(one, wanted)]
            if len(kept) >= KEPT:
                kept.clear()
            kept[asked] = rows, found, seen_of(found)
        return kept[asked][1:]

    async def show(request: Request, visitor: PageVisitor) -> Response:
        wanted = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        found, seen = await matching(wanted)
        shown = [(one[0], _part(one, wanted), seen_of([one])) for one in found[:SHOWN]]
        return shell.page(request, "review", visitor, wanted=wanted, rows=shown, count=len(found), seen=seen)

    async def decide(_: Request, visitor: PageVisitor, form: Form) -> Response:
        wanted, stand = {name: one(form, name) for name in FILTERS}, _WORDS.get(one(form, "word"))
        (found, seen), only = await matching(wanted), tuple(one(form, name) for name in ONLY)
        if any(only):
            found = [(name, row) for name, row in found if (*name, row.id) == only]
            seen = seen_of(found)
        if stand is None or seen != one(form, "seen"):
            return with_notice(
                visitor, "/review", "Something else matches now than was shown. Nothing was decided.", **wanted
            )
        run = Run.new(RunKind.REVIEW).name
        for name, row in found:
            await journal_word(ledger, visitor, (*name, row.id), run, str(stand))
            await decide_proposal(ledger, name, _part((name, row), wanted), stand)
        return with_notice(visitor, "/review", f"{len(found)} {stand}; the next visit carries it out.", **wanted)

    return [door.look("/review", show), door.act("/review/decide", decide, PageRole.OPERATOR)]


def _matches(found: _Match, wanted: Mapping[str, str]) -> bool:
    name, row = found
    crm, id, field, provider, company = (wanted[part] for part in FILTERS)
    if crm not in {"", name[0]} or id not in {"", row.id} or company not in {"", row.company}:
        return False
    return bool(_part(found, wanted).changes) if field or provider else row.changes != NOTHING


def _part(found: _Match, wanted: Mapping[str, str]) -> Proposal:
    """Returns the proposal with those of its changes that match: what is shown is what is decided on.

    A delivery is brought as a whole, so one with a change that matches is whole.
    """
    name, whole = found[0], found[1].proposal()
    fields, providers = ([wanted[part]] if wanted[part] else [] for part in ("field", "provider"))
    part = of_part(whole, fields, providers)
    return whole if part.changes and name[1] == DELIVERY else part


def seen_of(found: Iterable[_Match]) -> str:
    """Returns the fingerprint of records and values: a form decides on those that its page has shown, or on nothing."""
    digest = hashlib.sha256()
    for name, row in found:
        digest.update(f"{name[0]}\n{name[1]}\n{row.id}\n".encode())
        digest.update(row.changes)
    return digest.hexdigest()
