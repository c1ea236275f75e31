"""Holds what one visit of a record has come to know; its last step hands the ledger what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.models import Record
from worker.decide.decision import Decision, Next
from worker.decide.kept import OurValue
from worker.decide.not_now import RetryAt, WaitForProvider
from worker.decide.odds import Bought
from worker.decide.reasons import Reason
from worker.decide.record import View
from worker.decide.undo import UNDO
from worker.decide.values.fields import value_hash
from worker.visits.journal_entries import IntentEntry
from worker.visits.outlook import KnownAnswers

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
