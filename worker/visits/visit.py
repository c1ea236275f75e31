"""Visits one record: read, decide, look up, decide, push, settle.

Each visit settles by itself. A step that the ledger refuses means that the lease is somebody else's now: the visit
stops there and sends nothing more. ``worker.visits.outlook`` decides, this acts on it, ``worker.visits.visit_ends``
ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog
from msgspec.structs import replace

from connectors.limits import Limiter
from connectors.models import Fate, Outcome, Record, RefusalKind
from connectors.telemetry import step
from worker.decide import kept, pushing
from worker.decide.decision import Change, Decision, Next
from worker.decide.handles import Handle, of_decision
from worker.decide.kept import OurValue, refused_name
from worker.decide.not_now import GiveUp, RetryAt, WaitForProvider, soonest
from worker.decide.odds import counts
from worker.decide.reasons import Reason, Skip
from worker.decide.record import View, country_of, with_values
from worker.decide.values.fields import value_hash
from worker.ledger.ledger import Ledger
from worker.ledger.run import Run, RunKind
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.planned import PlannedFields
from worker.ledger.work.work import Lease
from worker.visits.closed_properties import ClosedProperties
from worker.visits.journal_entries import IntentEntry, change_entry, intent, plain, signal_entry
from worker.visits.outlook import Decider, tells_nothing_new
from worker.visits.planned_runs import PlannedRuns
from worker.visits.purchase import Answered, Looked, Lookups, Miss
from worker.visits.push import PendingWrite, PushEnd, Pusher, WriteOutcome
from worker.visits.runner import CutShortError
from worker.visits.undoing import Undoer
from worker.visits.visit_ends import VisitEnds
from worker.visits.visit_notes import PASSED_OVER, TOO_DEAR, BadValues, ChangeReview, VisitNotes, bought
from worker.visits.watch import Watch, ours

log = structlog.get_logger(__name__)


class Visitor:
    """Handles the leases of one watched object. ``clock`` gives ms."""

    def __init__(
        self,
        watch: Watch,
        lookups: Lookups,
        pusher: Pusher,
        bad_values: BadValues,
        closed: ClosedProperties,
        ledger: Ledger,
        limiter: Limiter,
        clock: Callable[[], int],
    ) -> None:
        self._watch, self._lookups, self._pusher, self._clock = watch, lookups, pusher, clock
        self._signals, self._erasures = ledger.signals, ledger.erasures
        self._plans = PlannedRuns(watch, ledger.planned, ledger.journal)
        self._decider = Decider(watch, lookups)
        self._bad_values = bad_values
        self._closed = closed
        self._review = ChangeReview(watch, clock)
        self._ends = VisitEnds(watch, lookups, ledger.erasures, clock)
        self._undoer = Undoer(watch, pusher, self._ends, ledger.creations, limiter, clock)

    async def aclose(self) -> None:
        await self._undoer.aclose()

    async def visit(self, lease: Lease) -> None:
        """Handles a lease to its end.

        Raises:
            ConnectorError: the CRM failed; ``worker.visits.runner`` says what becomes of the record.
            LedgerUnavailableError: Redis is unavailable; the lease expires.
        """
        with step("read") as reading:
            found = await self._watch.reader.ask(lease.id)
            reading.note(fate=str(found.fate))
        if found.fate is not Fate.FOUND or found.record is None:
            await self._ends.leave(lease, found)
            return
        (record,) = await self._watch.complete([found.record])
        own = ours(lease.memory)
        if lease.reopened:
            own = self._reopened(record, own)
        notes = VisitNotes(record, own)
        try:
            await self._handle(lease, notes)
        except LedgerUnavailableError:
            raise
        except Exception as error:
            if notes.paid:
                raise CutShortError(error, notes.paid) from error
            raise

    async def _handle(self, lease: Lease, notes: VisitNotes) -> None:
        record, ends = notes.record, self._ends
        proposal = await self._review.decided(lease, notes)
        await self._close_open_intents(lease, notes)
        if lease.undo:
            await self._undoer.undo(lease, notes)
            return
        view = self._watch.view(record, notes.own)
        notes.own |= {name: notes.of(name).cleared() for name in view.refused}
        planned: PlannedFields | None = None
        if Run.named(lease.run).kind is RunKind.PLANNED:
            planned = await self._plans.of(lease, notes)
            if planned is None:
                await ends.drifted(lease, notes, view)
                return
        if view.skip:
            if proposal:
                await self._watch.reviews.remove(lease.id)
            if view.skip is Skip.SUPPRESSED and await self._erasures.is_asked((lease.crm, lease.object, lease.id)):
                await ends.gone(lease, notes.entries, record)
                return
            await ends.settle(lease, notes, ends.settlement(lease, notes, view, view.closed, remembered=False))
            return
        view = await self._bad_values.mark(lease, notes, view)
        await self._closed.look()
        is_asked_for = lease.forced or lease.intents
        if not is_asked_for and tells_nothing_new(self._watch, view, lease.memory, self._clock()):
            notes.opened = self._watch.opened(view, lease.memory)
            if not notes.opened:
                unchanged = ends.settlement(lease, notes, view, {}, remembered=True, outcome="unchanged")
                await ends.settle(lease, notes, unchanged)
                return
        outlook = await self._decider.outlook(record, view, notes.own)
        if outlook.locks.until:
            notes.opens_at = outlook.locks.first - record.read_at + self._clock()
        view = outlook.view
        chosen = planned.fields if planned else notes.opened or view.gaps
        open_ = outlook.only(chosen)
        notes.dropped |= dict.fromkeys(outlook.unfit.intersection(chosen), Reason.INVALID_VALUE)
        notes.is_partial = planned is not None and open_.gaps != outlook.open.gaps
        decision = await self._look_up(lease, notes, open_)
        if not isinstance(decision, RetryAt) and self._review.is_on and notes.awaited:
            decision = soonest(notes.awaited.values())  # a person is shown the whole of it, once
        if isinstance(decision, RetryAt):
            await ends.defer(lease, notes, decision)
            return
        if paid := [one for one in outlook.paid if one.field in chosen]:
            decision = replace(decision, changes=(*paid, *decision.changes))
        decision = await self._decider.unsuppressed(decision, view)
        decision = await self._review.approved(lease, notes, decision, proposal)
        if decision.changes and not await self._push(lease, notes, view, decision):
            return
        if proposal and "proposed" not in notes.tally:
            await self._watch.reviews.remove(lease.id)  # carried out, or nothing of it is left to decide
        after = self._watch.view_after(notes.record, notes.own, view)
        await self._end(lease, notes, after, decision)

    def _keep_unfit(self, notes: VisitNotes, view: View, decision: Decision) -> None:
        """Keep what was found and is none of a property's options, and have the schema read again: it may be by now."""
        for one in decision.unfit:
            if decision.unfilled.get(one.field) is Reason.INVALID_VALUE:
                held = kept.unfit(one, view.identity, notes.record.modified)
                notes.own[one.field] = replace(notes.of(one.field), kept=held)
                self._closed.doubt()

    async def _end(self, lease: Lease, notes: VisitNotes, after: View, decision: Decision) -> None:
        """Settle the record, or let it wait for what keeps a question from being asked."""
        ends = self._ends
        self._keep_unfit(notes, after, decision)
        if decision.blocked:
            await ends.wait(lease, notes, after, decision)
            return
        left = {**decision.unfilled, **notes.dropped}
        short = Reason.BUDGET in left.values()
        if short and notes.cut:
            await ends.cut(lease, notes, after, left)
            return
        too_dear = short and bool(notes.known.closed)
        if too_dear:
            notes.tally[TOO_DEAR] = 1
        # If no day's budget reaches the price, or a plan leaves a gap out, store no fingerprint: the next visit tries.
        remembered = not (too_dear or notes.is_partial)
        await ends.settle(lease, notes, ends.settlement(lease, notes, after, left, remembered=remembered))

    # ---- read ----------------------------------------------------------------------------------------------------

    async def _close_open_intents(self, lease: Lease, notes: VisitNotes) -> None:
        """Tell what became of the changes an earlier visit may have sent; writes nothing."""
        if not lease.intents:
            return
        intents_held = [intent(text) for text in lease.intents]
        notes.ends += [change_entry(one, "unsent") for one in intents_held if one.is_archiving()]  # the row is there
        intents = [one for one in intents_held if not one.is_archiving()]
        if not intents:
            return
        properties = tuple(dict.fromkeys(one.property for one in intents))
        ours = (await self._watch.vendor.ours(self._watch.object, [lease.id], properties)).get(lease.id, frozenset())
        fates = pushing.close_intents([plain(one) for one in intents], notes.record, ours.__contains__)
        for one, (_, fate) in zip(intents, fates, strict=True):
            notes.ends.append(change_entry(one, fate))
            if fate is pushing.IntentFate.CONFIRMED:
                notes.stands(one)

    def _reopened(self, record: Record, own: Mapping[str, OurValue]) -> dict[str, OurValue]:
        """Returns ``own`` without refused values, and without values of ours that are blank now.

        A person wants them back.
        """
        blank = {rule.field for rule in self._watch.policy.rules if not record.values.get(rule.property)}
        paid = {name: OurValue(kept=value.kept) for name, value in own.items() if value.kept}
        bad = {name: OurValue(bad=value.bad, reported=value.reported) for name, value in own.items() if value.bad}
        return bad | paid | {name: value for name, value in own.items() if name not in blank and not value.refused}

    # ---- look up -------------------------------------------------------------------------------------------------

    async def _look_up(self, lease: Lease, notes: VisitNotes, view: View) -> Decision | RetryAt:
        """Ask until nothing new can be learned now; ``RetryAt`` when somebody else's call decides."""
        watch, known = self._watch, notes.known
        about = watch.handles(notes.record)
        await self._decider.learn(view, known, (lease.crm, lease.object, lease.id))
        while True:
            decision = await self._decider.decided(view, known, frozenset({*notes.blocked, *notes.awaited}))
            if not decision.questions:
                self._lookups.yields.note(counts(notes.bought, decision, country_of(view)))
                await self._signal(lease, decision)
                return decision
            looked = await self._ask(lease, decision, about | of_decision(decision))
            laters = [
                later
                for one, result in zip(decision.questions, looked, strict=True)
                if (later := self._noted(lease, notes, view, decision, one, result))
            ]
            if laters:
                return soonest(laters)

    async def _ask(self, lease: Lease, decision: Decision, about: frozenset[Handle]) -> list[Looked]:
        if len(decision.questions) == 1:  # as most often: no task for it
            return [await self._lookups.ask(decision.questions[0].question, lease, about)]
        return await asyncio.gather(*(self._lookups.ask(one.question, lease, about) for one in decision.questions))

    def _noted(
        self, lease: Lease, notes: VisitNotes, view: View, decision: Decision, asked: Next, result: Looked
    ) -> RetryAt | None:
        """Note a question's result; returns what the whole visit has to wait for."""
        key, provider = asked.question.key, asked.question.provider
        match result:
            case Answered(answer, credits, entry):
                notes.known.answers[key], notes.prices[key] = answer, credits
                if entry:
                    notes.paid.append(entry)
                    notes.bought.append(bought(asked, credits, view, decision, hit=answer.outcome is Outcome.HIT))
            case Miss(entry):
                notes.known.missed.add(key)
                notes.paid += [entry] if entry else []
            case GiveUp(reason, cut):
                notes.known.closed[provider] = reason
                notes.cut |= cut
            case WaitForProvider(fault=True) if self._out_of_patience(lease, provider):
                notes.known.missed.add(key)
                notes.tally[f"{PASSED_OVER}{provider}"] = 1
            case WaitForProvider():
                notes.blocked[provider] = result
                notes.needs[provider] = min(asked.question.price, notes.needs.get(provider, asked.question.price))
            case RetryAt(reason="verdict"):
                notes.awaited[provider] = result
            case RetryAt():
                return result
        return None

    async def _signal(self, lease: Lease, decision: Decision) -> None:
        """Tell the journal of a changed job, once; nothing is written because of it."""
        change = decision.job
        if change is None:
            return
        values = {"employer": change.company, "employer_domain": change.domain, "title": change.title}
        entry = signal_entry("job_change", change.provider, change.question_key, values, self._clock())
        what = f"job_change:{change.domain}"
        if await self._signals.tell(lease.crm, lease.object, lease.id, lease.run, what, entry):
            log.info("signal.told", signal="job_change", provider=change.provider)

    def _out_of_patience(self, lease: Lease, provider: str) -> bool:
        since = lease.places.get(provider)
        return since is not None and self._clock() - since >= self._lookups.terms[provider].skip_after_ms

    # ---- push ----------------------------------------------------------------------------------------------------

    async def _push(self, lease: Lease, notes: VisitNotes, view: View, decision: Decision) -> bool:
        """Write the changes; whether the visit goes on to its end."""
        intents = {one: self._intent(one, lease, notes) for one in decision.changes}
        pending = PendingWrite(lease, view, notes.own, decision.changes, tuple(intents.values()))
        with step("push", changes=len(pending.changes)) as pushing_:
            pushed = await self._pusher.push(pending)
            pushing_.note(ending=str(pushed.ended), written=len(pushed.written), refused=len(pushed.refused))
        if pushed.ended is not PushEnd.PUSHED:
            await self._ends.unpushed(lease, notes, pushed)
            return False
        states = (
            ("confirmed", pushed.written),
            ("unsent", pushed.unsent),
            ("refused", pushed.refused),
            ("overtaken", pushed.overtaken),
            ("seen", pushed.seen),
        )
        for state, changes in states:
            told = [intents[one] for one in changes if one.field not in pushed.words]
            request = pushed.request if state == "confirmed" else ""
            notes.ends += [change_entry(one, state, request=request) for one in told]
        notes.filled |= {one.field: one.provider for one in pushed.written}
        notes.own |= {
            one.field: notes.of(one.field).written(value_hash(one.field, one.value, view.countries))
            for one in pushed.written
        }
        written = {one.property: one.value for one in pushed.written}
        notes.record = with_values(pushed.record or notes.record, written)  # completed when it was compared
        self._keep_refused(notes, pushed, intents)
        log.info("visit.pushed", fields=len(written), refused=len(pushed.refused), overtaken=len(pushed.overtaken))
        return True

    def _keep_refused(self, notes: VisitNotes, pushed: WriteOutcome, intents: Mapping[Change, IntentEntry]) -> None:
        """Keep paid values that were refused, and journal the reason, once per different message."""
        if not pushed.refused:
            return
        identity = self._watch.view(notes.record, notes.own).identity
        for one in pushed.refused:
            word, before = pushed.words[one.field], notes.own.get(one.field, OurValue())
            held = kept.kept(one, word, identity, notes.record.modified, before.kept)
            if before.kept is None or (before.kept.value, before.kept.cause) != (held.value, held.cause):
                notes.ends.append(change_entry(intents[one], "refused", cause=held.cause, request=word.request))
            notes.own[one.field] = replace(before, kept=held)
            notes.dropped[one.field] = Reason(word.kind)
            if word.kind is RefusalKind.ACCESS:
                self._closed.doubt()
            name = refused_name(word)
            notes.tally[name] = notes.tally.get(name, 0) + 1
            log.warning("visit.refused", field=one.field, kind=word.kind, code=word.code, existing=word.existing_id)

    def _intent(self, change: Change, lease: Lease, notes: VisitNotes) -> IntentEntry:
        rule = self._watch.policy.rule(change.field)
        return IntentEntry(
            field=change.field,
            property=change.property,
            before=notes.record.values.get(change.property) or "",
            after=change.value,
            provider=change.provider,
            grade=change.grade or "",
            question=change.question_key,
            credits=notes.prices.get(change.question_key, 0),
            rule=rule.write if rule else "",
            run=lease.run,
            at=self._clock(),
        )
