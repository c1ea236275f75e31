"""Keeps changes for a person's word where the mode is ``review``, and reads what that person said."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from msgspec.structs import replace

from worker.decide.decision import Decision
from worker.decide.kept import OurValue
from worker.ledger.journal.reviews import Proposal, Proposed, Stand
from worker.ledger.work.work import Lease
from worker.visits.journal_entries import IntentEntry, change_entry
from worker.visits.visit_notes import VisitNotes
from worker.visits.watch import Watch

log = structlog.get_logger(__name__)


class ChangeReview:
    """Stands between the changes of one watched object and their push. ``clock`` gives ms."""

    def __init__(self, watch: Watch, clock: Callable[[], int]) -> None:
        self._watch, self._clock = watch, clock
        self.is_on = watch.policy.mode == "review"

    async def decided(self, lease: Lease, notes: VisitNotes) -> Proposal | None:
        """Reads what a person said of changes proposed earlier; rejected ones are refused for good."""
        if not self.is_on:
            return None
        proposal = await self._watch.reviews.get(lease.id)
        if proposal and proposal.stand is Stand.REJECTED:
            newly = (one for one in proposal.changes if not notes.own.get(one.field, OurValue()).rejected)
            notes.ends += [self._rejected(one, proposal) for one in newly]
            notes.own |= {one.field: replace(notes.of(one.field).cleared(), rejected=True) for one in proposal.changes}
        return proposal

    def _rejected(self, one: Proposed, proposal: Proposal) -> str:
        rule = self._watch.policy.rule(one.field)
        facts = (one.field, one.property, one.before, one.after, one.provider, one.grade)
        write = rule.write if rule else ""
        return change_entry(IntentEntry(*facts, "", 0, write, proposal.run, self._clock()), "rejected")

    async def approved(
        self, lease: Lease, notes: VisitNotes, decision: Decision, proposal: Proposal | None
    ) -> Decision:
        """Returns the decision with approved changes only; the others wait for a person's word."""
        if not self.is_on:
            return decision
        approved: set[tuple[str, str]] = set()
        if proposal and proposal.stand is Stand.APPROVED:
            approved = {(one.field, one.after) for one in proposal.changes}
        cleared = tuple(one for one in decision.changes if (one.field, one.value) in approved)
        waiting = tuple(one for one in decision.changes if one not in cleared)
        if waiting:
            held = notes.record.values
            lines = [
                Proposed(
                    one.field, one.property, held.get(one.property) or "", one.value, one.provider, one.grade or ""
                )
                for one in waiting
            ]
            company = decision.identity.domain
            proposed = Proposal(lease.id, tuple(lines), lease.run, self._clock(), company=company)
            await self._watch.reviews.propose(proposed, proposal)
            notes.tally["proposed"] = len(waiting)
            log.info("visit.proposed", fields=len(waiting))
        return replace(decision, changes=cleared)
