"""Ends visits: every way in which a record is settled, comes back later, waits for a provider or leaves the work."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import structlog
from msgspec.structs import replace

from connectors.models import Fate, Found, Record
from connectors.telemetry import note
from worker.decide import kept
from worker.decide.decision import Decision
from worker.decide.handles import personal
from worker.decide.kept import OurValue, own_texts
from worker.decide.leftovers import RECORD, closed_fields, pack_leftovers, unpack_leftovers
from worker.decide.mentions import mentions
from worker.decide.not_now import RetryAt, soonest
from worker.decide.reasons import Reason
from worker.decide.record import View
from worker.decide.retry import backoff_ms
from worker.decide.undo import Undoable, undoables
from worker.ledger.journal.erasures import Erasures
from worker.ledger.money.answers import Answers, Ref
from worker.ledger.money.handle_lists import AnotherKeyError
from worker.ledger.run import Run, RunKind
from worker.ledger.work.record_state import same_person
from worker.ledger.work.work import LastRead, Lease, Settlement, StepEnd, VisitProgress
from worker.visits.erased_answers import AnswerEraser
from worker.visits.journal_entries import IntentEntry, change_entry, intent, scrubbed, signal_entry
from worker.visits.purchase import Lookups
from worker.visits.push import PushEnd, WriteOutcome
from worker.visits.visit_notes import DRIFTED, VisitNotes
from worker.visits.watch import Watch

MOMENT_MS = 1_000
DAY_TAKES_OVER_MS = 600_000  # a record that a cap has cut goes on with the day's work after this, if nobody else asked
log = structlog.get_logger(__name__)


def undo_intent(one: Undoable, run: str, at: int) -> IntentEntry:
    """Returns the change that takes another back."""
    return IntentEntry(one.field, one.property, one.after, one.before, "", "", "", 0, one.rule, run, at)


def _ended(one: IntentEntry) -> str:
    """Returns what became of an open intent on a record that is gone: one that was to archive it has done so."""
    return change_entry(one, "archived" if one.is_archiving() else "gone")


class VisitEnds:
    """Ends the visits of one watched object. ``clock`` gives ms, ``chance`` [0, 1)."""

    def __init__(
        self,
        watch: Watch,
        lookups: Lookups,
        erasures: Erasures,
        clock: Callable[[], int],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._watch, self._lookups, self._erasures = watch, lookups, erasures
        self._clock, self._chance = clock, chance

    # ---- settled -------------------------------------------------------------------------------------------------

    async def settle(self, lease: Lease, notes: VisitNotes, settlement: Settlement) -> None:
        """Settle the record; what questions have brought is counted with it."""
        settlement = replace(settlement, yields=self._lookups.yields.take())
        note(outcome=settlement.outcome, filled=len(notes.filled), unfilled=len(settlement.unfilled))
        ending = await self._watch.work.settle(lease, settlement)
        if ending is StepEnd.LOST:
            log.warning("visit.lost")
        else:
            left = len(settlement.unfilled)
            log.info("visit.settled", filled=len(notes.filled), unfilled=left, outcome=settlement.outcome)

    def settlement(
        self,
        lease: Lease,
        notes: VisitNotes,
        view: View,
        unfilled: Mapping[str, str],
        *,
        remembered: bool,
        outcome: str = "settled",
    ) -> Settlement:
        """Makes the result that the visit leaves in the ledger."""
        open_ = {name: one.kept for name, one in notes.own.items() if one.kept and name in view.gaps}
        settled = {name: replace(one, kept=None) for name, one in notes.own.items() if one.kept and name not in open_}
        notes.own |= settled
        left = {name: str(reason) for name, reason in unfilled.items() if name not in notes.filled}
        closed = {name for name, why in left.items() if why == Reason.NO_ACCESS and name not in notes.dropped}
        waiting = [one for name, one in open_.items() if name not in closed]
        optionless = {name for name, one in open_.items() if self._watch.is_unfit(name, one)}
        part = notes.is_partial and not remembered  # the next visit finds the rest, whatever its stamp
        return Settlement(
            fingerprint=self._watch.mark(view) if remembered else None,
            stamp=0 if part else notes.record.modified,
            read_at=0 if part else notes.record.read_at,
            look_at=self._look_at(lease, notes, view, waiting, outcome) if remembered else 0,
            own=own_texts({name: one for name, one in notes.own.items() if one != OurValue()}),
            entries=tuple(notes.entries),
            filled=notes.filled,
            unfilled=left,
            tally=notes.tally,
            outcome=view.skip.value if view.skip else outcome,
            left=self._left(lease, notes, view, left, closed, outcome, optionless),
            day=self._day(lease) if part else "",
        )

    def _day(self, lease: Lease) -> str:
        return Run.of_day(lease.crm, self._lookups.budget_lines.zone, self._clock()).name

    def _left(
        self,
        lease: Lease,
        notes: VisitNotes,
        view: View,
        left: Mapping[str, str],
        closed: AbstractSet[str],
        outcome: str,
        optionless: AbstractSet[str],
    ) -> str:
        """Packs the gaps that stay blank and why, including those of an earlier visit that this one did not look at."""
        if view.skip:
            return pack_leftovers({RECORD: view.skip.value, **left})
        memory = lease.memory
        if memory and (notes.opened or outcome == "unchanged"):
            still = {name: why for name, why in unpack_leftovers(memory.left).items() if name not in notes.opened}
            # A property that is open and no gap any more is not waited for.
            closed = closed | {name for name in closed_fields(memory.left) - notes.opened if self._is_closed(name)}
            left = {**still, **left}
        return pack_leftovers(left, closed, optionless)

    def _is_closed(self, field: str) -> bool:
        rule = self._watch.policy.rule(field)
        return rule is not None and not self._watch.takes(rule.property)

    def _look_at(
        self, lease: Lease, notes: VisitNotes, view: View, refused: Sequence[kept.RefusedValue], outcome: str
    ) -> int:
        """Returns when the record is looked at again: at its recheck, or when a refusal or lock may end.

        A visit of some gaps leaves the time of the others as it is.
        """
        before = lease.memory.look_at if lease.memory else 0
        if outcome == "unchanged" and before:
            return before
        opens_ms = max(1, notes.opens_at - self._clock()) if notes.opens_at else 0
        waits = [one for one in (self._watch.policy.recheck_ms, kept.look_again_ms(refused), opens_ms) if one]
        look_at = self._clock() + min(waits) if waits and view.gaps else 0
        return min(look_at, before) if notes.opened and before and look_at else look_at

    # ---- out of the work -----------------------------------------------------------------------------------------

    async def leave(self, lease: Lease, found: Found, notes: VisitNotes | None = None) -> None:
        """Leaves a record that is merged, converted, gone, or unknown to the vendor; ``notes`` are from before that."""
        work, paid = self._watch.work, notes.paid if notes else []
        if lease.undo and found.fate in {Fate.GONE, Fate.MOVED}:
            paid = [*paid, *await self._lost(lease, found.fate)]
        if found.fate is Fate.GONE and Run.named(lease.run).kind is RunKind.PLANNED:
            paid = [*paid, signal_entry(DRIFTED, "", "", {}, self._clock())]
        if found.fate in {Fate.GONE, Fate.MOVED}:
            await self._watch.reviews.remove(lease.id)  # nobody can approve it any more, and it may name a person
        if found.fate is Fate.GONE:
            ends = notes.ends if notes else [_ended(intent(text)) for text in lease.intents]
            ending = await self.gone(lease, [*paid, *ends])
        elif found.fate is Fate.MOVED:
            target = found.moved_to or (found.record.id if found.record else "")
            ending = await work.move(lease, target, found.moved_object or lease.object, entries=paid)
        else:
            ending = await self._again(lease, "unread", paid)
        log.info("visit.left", fate=found.fate, ending=ending)

    async def _lost(self, lease: Lease, fate: Fate) -> list[str]:
        """Returns journal entries on what cannot be taken back any more; those of open intents are noted elsewhere."""
        open_ = {intent(text).property for text in lease.intents}
        undo = undoables([json.loads(text) for text in await self._watch.work.texts.journalled(lease.undo)])
        return [
            scrubbed(change_entry(undo_intent(one, lease.run, self._clock()), fate))
            for one in undo
            if one.property not in open_
        ]

    async def gone(self, lease: Lease, entries: list[str], record: Record | None = None) -> StepEnd:
        """Settles the record; if the vendor asked for erasure, erases everything kept of it before.

        ``record`` is a row that still exists and whose answers are somebody else's; for a deleted one there is none.
        """
        ref = (lease.crm, lease.object, lease.id)
        if not await self._erasures.is_asked(ref):
            return await self._watch.work.gone(lease, entries=entries)
        await self._erasures.erase(ref, scrubbed, await self._staying(ref, record))
        entries = [scrubbed(entry) for entry in entries]
        ending = await self._watch.work.gone(lease, entries=entries, outcome="erased")
        if ending is not StepEnd.LOST:
            await self._erasures.done(ref)
        return ending

    async def _staying(self, ref: Ref, record: Record | None) -> frozenset[str]:
        """Returns the questions asked for a record whose answers stay; nobody buys those again that go."""
        scripts, says = self._erasures.scripts, None
        if record is not None:
            says = mentions(personal(self._watch.handles(record)))
        eraser = AnswerEraser(Answers(scripts), self._lookups.suppressions)
        try:
            return await eraser.part(await same_person(scripts, ref), says, await scripts.now())
        except AnotherKeyError:  # then nobody is looked up
            return frozenset()

    # ---- later ---------------------------------------------------------------------------------------------------

    async def defer(self, lease: Lease, notes: VisitNotes, later: RetryAt) -> None:
        """Come back when somebody else's call, or a verdict, has decided."""
        ending = await self._watch.work.defer(lease, later.at_ms, later.reason, notes.progress())
        log.info("visit.deferred", reason=later.reason, ending=ending)

    async def wait(self, lease: Lease, notes: VisitNotes, view: View, decision: Decision) -> None:
        """Wait under every provider that is next for a gap; values found meanwhile are written already."""
        awaited = [notes.awaited[name] for name in decision.blocked if name in notes.awaited]
        now, providers = self._clock(), tuple(name for name in decision.blocked if name in notes.blocked)
        if not providers:
            await self.defer(lease, notes, soonest(awaited))
            return
        faulty = [name for name in providers if notes.blocked[name].fault]
        ends = [lease.places.get(name, now) + self._lookups.terms[name].skip_after_ms for name in faulty]
        ends += [one.at_ms for one in awaited]
        reason = "verdict" if awaited else notes.blocked[providers[0]].reason
        ending = await self._watch.work.wait(
            lease,
            providers,
            min(ends) if ends else None,
            reason,
            notes.progress(),
            seen=LastRead(self._watch.mark(view), notes.record.modified, notes.record.read_at),
            needs=notes.needs,
        )
        log.info("visit.waiting", providers=len(providers), reason=reason, ending=ending)

    async def cut(
        self, lease: Lease, notes: VisitNotes, view: View, unfilled: Mapping[str, str], *, why: str = "cap"
    ) -> None:
        """Leave the rest to the next run, because this one's cap is spent; values found are written already."""
        now = self._clock()
        settlement = self.settlement(lease, notes, view, unfilled, remembered=True)
        day = self._day(lease)
        ending = await self._watch.work.cut(lease, settlement, day=day, day_at_ms=now + DAY_TAKES_OVER_MS, why=why)
        log.info("visit.cut", reason=why, unfilled=len(settlement.unfilled), ending=ending)

    async def drifted(self, lease: Lease, notes: VisitNotes, view: View) -> None:
        """Leave alone a record that has changed since the plan of its run; the day's work may still want it."""
        notes.ends.append(signal_entry(DRIFTED, "", "", {}, self._clock()))
        await self.cut(lease, notes, view, {}, why=DRIFTED)

    async def unpushed(self, lease: Lease, notes: VisitNotes, pushed: WriteOutcome) -> None:
        """End a visit whose changes were not written as they were decided."""
        work, now = self._watch.work, self._clock()
        match pushed.ended:
            case PushEnd.LOST:
                log.warning("visit.lost")
            case PushEnd.AWAY if pushed.found is not None:
                await self.leave(lease, pushed.found, notes)
            case PushEnd.CHANGED:
                await work.defer(lease, now + MOMENT_MS, "changed", notes.progress(closes_intents=not pushed.unsure))
                log.info("visit.deferred", reason="changed")
            case _:
                # Leave the intents open: the next visit re-checks all of them.
                ending = await self._again(lease, pushed.cause or "locked", notes.paid)
                log.info("visit.again", reason=pushed.cause, attempt=lease.attempts + 1, ending=ending)

    async def _again(self, lease: Lease, reason: str, paid: Sequence[str]) -> StepEnd:
        """Waits if the CRM does not return the record, or has locked it.

        Waits grow, and what stays so becomes a dead letter.
        """
        after_ms = MOMENT_MS + backoff_ms(lease.attempts + 1, self._chance())
        return await self._watch.work.again(lease, reason, after_ms, VisitProgress(paid))
