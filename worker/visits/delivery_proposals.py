"""Shows a person what a delivered row would create and write, in a crm whose mode is ``review``.

Nothing is written before a person's word. The word is on values: a later visit works it out again, and brings the row
only if everything that it would write was approved.
"""

from __future__ import annotations

import structlog

from connectors.openprospect.read import DeliveredCompany
from worker.decide import delivery
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.journal.reviews import Proposal, Proposed, Reviews, Stand
from worker.visits.delivery_notes import DeliveryNotes
from worker.visits.delivery_preview import DeliveryPreview
from worker.visits.journal_entries import IntentEntry, change_entry

log = structlog.get_logger(__name__)


class Proposer:
    """Proposes the changes of deliveries in one CRM, and reads a person's decisions."""

    def __init__(self, preview: DeliveryPreview, reviews: Reviews) -> None:
        self._preview, self._reviews = preview, reviews

    async def may_bring(self, notes: DeliveryNotes, row: DeliveredRow, delivered: DeliveredCompany, at: int) -> bool:
        """Tells whether the row may be brought: nothing of it is to be written, or a person approved all of it.

        A row that waits for a word is proposed; a rejected one is journalled, and the row is done.
        """
        lines = await self._preview.lines(delivered)
        proposal = await self._reviews.get(row.key)
        stand = proposal.stand if proposal else Stand.PROPOSED
        known = {_what(one) for one in proposal.changes} if proposal else set()
        is_decided = {_what(one) for one in lines} <= known and stand is not Stand.PROPOSED
        if not lines or (is_decided and stand is Stand.APPROVED):
            return True
        if is_decided:
            notes.entries += [_rejected(one, notes.lease.run, at) for one in lines]
            notes.count("rejected", len(lines))
            await self._reviews.remove(row.key)
            return False
        if stand is not Stand.PROPOSED or {_what(one) for one in lines} != known:
            company = delivery.company(delivered.company).values.get("domain", "")
            await self._reviews.put(Proposal(row.key, lines, notes.lease.run, at, company=company))
        notes.count("proposed", len(lines))
        notes.is_proposed = True
        log.info("visit.proposed", fields=len(lines))
        return False

    async def done(self, key: str) -> None:
        """Delete the proposal: the row is brought in, or nobody needs it any more."""
        await self._reviews.remove(key)


def _what(one: Proposed) -> tuple[str, str, str]:
    return one.external_id, one.field, one.after


def _rejected(one: Proposed, run: str, at: int) -> str:
    intent = IntentEntry.of_row(one.object, one.row, one.field, one.property, one.after, run, at, one.external_id)
    return change_entry(intent, "rejected")
