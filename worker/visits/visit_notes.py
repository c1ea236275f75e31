"""Holds what one visit of a record has come to know; its last step hands the ledger what is kept of it.

Where the mode is ``review``, changes wait here for a person's word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from connectors.models import Record
from worker.decide.decision import Decision, Next
from worker.decide.kept import OurValue
from worker.decide.not_now import RetryAt, WaitForProvider
from worker.decide.odds import Bought
from worker.decide.reasons import Reason
from worker.decide.record import View
from worker.decide.undo import UNDO
from worker.decide.values.fields import value_hash
from worker.ledger.journal.reviews import Proposal, Proposed, Stand
from worker.ledger.work.work import Lease, VisitProgress
from worker.visits.journal_entries import IntentEntry, change_entry
from worker.visits.outlook import KnownAnswers
from worker.visits.watch import Watch, own_texts

PASSED_OVER, TOO_DEAR, DRIFTED = "passed_over.", "too_dear", "drifted"  # counted of a run: by provider, and records


@dataclass(slots=True)
class VisitNotes:
    """Collects what a visit learns. ``paid`` are journal entries of lookups: written whatever the visit ends with."""

    record: Record
    own: dict[str, OurValue]
    known: KnownAnswers = field(default_factory=KnownAnswers)
    paid: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)  # of changes whose end is known: written once their intents close
    filled: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, Reason] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    cut: bool = False  # the cap of the run keeps a question from being asked
    blocked: dict[str, WaitForProvider] = field(default_factory=dict)
    awaited: dict[str, RetryAt] = field(default_factory=dict)  # by provider: word of a lookup that was perhaps charged
    bought: list[Bought] = field(default_factory=list)
    needs: dict[str, int] = field(default_factory=dict)  # credits the next question costs, by blocked provider
    tally: dict[str, int] = field(default_factory=dict)
    is_partial: bool = False  # a plan lets some of the gaps be filled
    opened: frozenset[str] = frozenset()  # the gaps that alone are looked at: their property was closed before
    opens_at: int = 0  # when (ms) the first field opens that a person's edit locks

    @property
    def entries(self) -> list[str]:
        """Returns everything for the journal."""
        return [*self.paid, *self.ends]

    def progress(self, *, close_intents: bool = True) -> VisitProgress:
        """Returns what is kept of the visit when it goes on later."""
        return VisitProgress(self.entries, self.filled, close_intents, own_texts(self.own))

    def of(self, field: str) -> OurValue:
        """Returns what is remembered of our value in a field."""
        return self.own.get(field, OurValue())

    def stands(self, written: IntentEntry) -> None:
        """Note what stands in the CRM by us: a value, or what was there before one that was taken back."""
        if written.rule == UNDO:
            self.own[written.field] = self.of(written.field).cleared()
            return
        self.own[written.field] = self.of(written.field).written(value_hash(written.field, written.after))
        if not written.is_undo():
            self.filled[written.field] = written.provider


def bought(step: Next, credits: int, view: View, decision: Decision, *, hit: bool) -> Bought:
    """Remembers a question until it is known what it brought; ``decision`` is the one that asked it."""
    filled = {change.field for change in decision.changes}
    gaps = frozenset(name for name in view.gaps if name not in filled)
    finds = not (decision.identity.slug or decision.identity.ids)
    return Bought(step.offer, step.question.key, credits, gaps, hit, finds=finds)


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
