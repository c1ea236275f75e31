"""Provides one visit of one record: read, decide, look up, decide, push, settle.

Each visit settles by itself. A step that the ledger refuses means that the lease is somebody else's now: the visit
stops there and sends nothing more.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from connectors.models import Answer, Fate, Found, Offer, Record
from worker.decide import kept, pushing
from worker.decide.decision import Change, Decision, Next
from worker.decide.handles import of_decision, of_identity
from worker.decide.odds import Bought, counts
from worker.decide.plan import candidates, decide
from worker.decide.reasons import Reason, Skip
from worker.decide.record import OurValue, View, handles, with_values
from worker.decide.retry import backoff_ms
from worker.decide.signals import job_change
from worker.decide.undo import UNDO, Undoable, UndoVerdict, undoables
from worker.decide.values.fields import value_hash
from worker.ledger.journal.erasures import Erasures
from worker.ledger.journal.reviews import Proposal, Proposed, Stand
from worker.ledger.journal.signals import Signals
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.work import Lease, Settlement, StepEnd
from worker.visits.failures import CutShortError
from worker.visits.journal_entries import IntentEntry, change_entry, intent, plain, scrubbed, signal_entry
from worker.visits.locks import locked
from worker.visits.purchase import Answered, Blocked, Closed, Later, Lookups, Miss
from worker.visits.push import PendingWrite, PushEnd, Pusher, WriteOutcome
from worker.visits.runs import day_run, refused_name
from worker.visits.watch import Watch, own_texts, own_values

PASSED_OVER, TOO_DEAR = "passed_over.", "too_dear"  # counted of a run: by provider, and records
MOMENT_MS = 1_000
DAY_TAKES_OVER_MS = 600_000  # a record that a cap has cut goes on with the day's work after this, if nobody else asked
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class VisitNotes:
    """Holds what one visit has come to know; its last step hands the ledger what is kept of it."""

    record: Record
    own: dict[str, OurValue]
    paid: list[str] = field(default_factory=list)  # journal entries of lookups: written whatever the visit ends with
    ends: list[str] = field(default_factory=list)  # of changes whose end is known: written once their intents close
    filled: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, Reason] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    missed: set[str] = field(default_factory=set)
    prices: dict[str, int] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # the cap of the run keeps a question from being asked
    blocked: dict[str, Blocked] = field(default_factory=dict)
    awaited: dict[str, Later] = field(default_factory=dict)  # by provider: word of a lookup that was perhaps charged
    bought: list[Bought] = field(default_factory=list)
    needs: dict[str, int] = field(default_factory=dict)  # credits the next question costs, by blocked provider
    tally: dict[str, int] = field(default_factory=dict)
    opens_at: int = 0  # when (ms) the first field opens that a person's edit locks

    @property
    def entries(self) -> list[str]:
        """Returns everything for the journal."""
        return [*self.paid, *self.ends]


class Visitor:
    """Handles the leases of one watched object. ``clock`` gives ms."""

    def __init__(
        self,
        watch: Watch,
        lookups: Lookups,
        pusher: Pusher,
        clock: Callable[[], int],
        signals: Signals,
        erasures: Erasures,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._watch, self._lookups, self._pusher, self._clock = watch, lookups, pusher, clock
        self._signals, self._erasures, self._chance = signals, erasures, chance

    async def visit(self, lease: Lease) -> None:
        """Handles a lease to its end.

        Raises:
            ConnectorError: the CRM failed; ``worker.visits.failures`` says what becomes of the record.
            LedgerUnavailableError: Redis is away; the lease ends by itself.
        """
        found = await self._watch.reader.ask(lease.id)
        if found.fate is not Fate.FOUND or found.record is None:
            await self._leave(lease, found)
            return
        (record,) = await self._watch.complete([found.record])
        own = own_values(lease.memory.own if lease.memory else {})
        if lease.reopened:
            own = self._reopened(record, own)
        story = VisitNotes(record, own)
        try:
            await self._handle(lease, story)
        except LedgerUnavailableError:
            raise
        except Exception as error:
            if story.paid:
                raise CutShortError(error, story.paid) from error
            raise

    async def _handle(self, lease: Lease, story: VisitNotes) -> None:
        record = story.record
        proposal = await self._decided(lease, story)
        await self._close_open_intents(lease, story)
        if lease.undo:
            await self._undo(lease, story)
            return
        view = self._watch.view(record, story.own)
        story.own |= {name: OurValue(refused=True) for name in view.refused}
        if view.skip:
            if proposal:
                await self._watch.reviews.remove(lease.id)
            if view.skip is Skip.SUPPRESSED and await self._erasures.is_asked((lease.crm, lease.object, lease.id)):
                await self._gone(lease, story.entries)
                return
            await self._settle(lease, story, self._settlement(lease, story, view, view.closed, remembered=False))
            return
        if self._nothing_new(lease, view):
            unchanged = self._settlement(lease, story, view, {}, remembered=True, outcome="unchanged")
            await self._settle(lease, story, unchanged)
            return
        locks = await locked(self._watch, record, view, story.own)
        if locks.until:
            story.opens_at = locks.first - record.read_at + self._clock()
            view = locks.on(view)
        held = {name: one.kept for name, one in story.own.items() if one.kept}
        paid = kept.changes(held, view.gaps, view.identity, self._watch.policy)
        known = {one.field for one in paid}  # nothing is asked for what was paid for and refused
        decision = await self._look_up(
            lease, story, replace(view, gaps=tuple(name for name in view.gaps if name not in known))
        )
        if not isinstance(decision, Later) and self._watch.policy.mode == "review" and story.awaited:
            decision = _soonest(story.awaited.values())  # a person is shown the whole of it, once
        if isinstance(decision, Later):
            await self._defer(lease, story, decision)
            return
        decision = await self._unsuppressed(replace(decision, changes=(*paid, *decision.changes)), view)
        if self._watch.policy.mode == "review":
            decision = await self._reviewed(lease, story, decision, proposal)
        if decision.changes and not await self._push(lease, story, view, decision):
            return
        if proposal and "proposed" not in story.tally:
            await self._watch.reviews.remove(lease.id)  # carried out, or nothing of it is left to decide
        after = self._watch.view(story.record, story.own)
        if decision.blocked:
            await self._wait(lease, story, after, decision)
        else:
            left = {**decision.unfilled, **story.dropped}
            short = Reason.BUDGET in left.values()
            if short and story.cut:
                await self._cut(lease, story, after, left)
                return
            too_dear = short and bool(story.closed)
            if too_dear:
                story.tally[TOO_DEAR] = 1
            # If no day's budget reaches the price, store no fingerprint: the next visit tries again.
            await self._settle(lease, story, self._settlement(lease, story, after, left, remembered=not too_dear))

    async def _unsuppressed(self, decision: Decision, view: View) -> Decision:
        """Returns the decision, without its changes where whoever was found is on the suppression list."""
        learned = of_decision(decision) - of_identity(view.identity)
        if not learned or not any(await self._watch.suppressed([learned])):
            return decision
        return replace(decision, changes=(), blocked={}, unfilled=dict.fromkeys(view.blank, Reason.SUPPRESSED))

    def _nothing_new(self, lease: Lease, view: View) -> bool:
        if lease.forced or lease.intents or lease.memory is None:
            return False
        due = lease.memory.look_at and lease.memory.look_at <= self._clock()
        return not due and lease.memory.fingerprint == self._watch.mark(view)

    # ---- read ----------------------------------------------------------------------------------------------------

    async def _leave(self, lease: Lease, found: Found, story: VisitNotes | None = None) -> None:
        """Leaves a record that is merged, converted, gone, or unknown to the vendor; ``story`` is what came before."""
        work, paid = self._watch.work, story.paid if story else []
        if lease.undo and found.fate in {Fate.GONE, Fate.MOVED}:
            paid = [*paid, *await self._lost(lease, found.fate)]
        if found.fate in {Fate.GONE, Fate.MOVED}:
            await self._watch.reviews.remove(lease.id)  # nobody can approve it any more, and it may name a person
        if found.fate is Fate.GONE:
            ends = story.ends if story else [change_entry(intent(text), "gone") for text in lease.intents]
            ending = await self._gone(lease, [*paid, *ends])
        elif found.fate is Fate.MOVED:
            target = found.moved_to or (found.record.id if found.record else "")
            ending = await work.move(lease, target, found.moved_object or lease.object, entries=paid)
        else:
            ending = await self._again(lease, "unread", paid)
        log.info("visit.left", fate=found.fate, ending=ending)

    async def _lost(self, lease: Lease, fate: Fate) -> list[str]:
        """Returns journal entries on what cannot be taken back any more; those of open intents are told elsewhere."""
        told = {intent(text).property for text in lease.intents}
        undo = undoables([json.loads(text) for text in await self._watch.work.journalled(lease.undo)])
        return [
            scrubbed(change_entry(self._undo_intent(one, lease.run), fate)) for one in undo if one.property not in told
        ]

    async def _again(self, lease: Lease, reason: str, paid: Sequence[str]) -> StepEnd:
        """Waits where the CRM has no word of the record, or has locked it.

        Waits grow, and what stays so becomes a dead letter.
        """
        return await self._watch.work.again(
            lease, reason, MOMENT_MS + backoff_ms(lease.attempts + 1, self._chance()), entries=paid
        )

    async def _gone(self, lease: Lease, entries: list[str]) -> StepEnd:
        """Settles the record; where the vendor said to forget the person, forgets everything kept of it before."""
        ref = (lease.crm, lease.object, lease.id)
        if not await self._erasures.is_asked(ref):
            return await self._watch.work.gone(lease, entries=entries)
        await self._erasures.erase(ref, scrubbed)
        entries = [scrubbed(entry) for entry in entries]
        ending = await self._watch.work.gone(lease, entries=entries, outcome="erased")
        if ending is not StepEnd.LOST:
            await self._erasures.done(ref)
        return ending

    async def _close_open_intents(self, lease: Lease, story: VisitNotes) -> None:
        """Tell what became of the changes an earlier visit may have sent; writes nothing."""
        if not lease.intents:
            return
        intents = [intent(text) for text in lease.intents]
        properties = tuple(dict.fromkeys(one.property for one in intents))
        ours = (await self._watch.vendor.ours(self._watch.object, [lease.id], properties)).get(lease.id, frozenset())
        fates = pushing.close_intents([plain(one) for one in intents], story.record, ours.__contains__)
        for one, (_, fate) in zip(intents, fates, strict=True):
            story.ends.append(change_entry(one, fate))
            if fate is pushing.IntentFate.CONFIRMED:
                self._stands(story, one)

    @staticmethod
    def _stands(story: VisitNotes, written: IntentEntry) -> None:
        """Note what stands in the CRM by us: a value, or what was there before one that was taken back."""
        if written.rule == UNDO:
            story.own[written.field] = OurValue(refused=True)
            return
        story.own[written.field] = OurValue(value_hash(written.field, written.after))
        if not written.is_undo():
            story.filled[written.field] = written.provider

    def _reopened(self, record: Record, own: Mapping[str, OurValue]) -> dict[str, OurValue]:
        """Returns ``own`` without what was refused, and without values of ours that are blank now.

        A person wants them back.
        """
        blank = {rule.field for rule in self._watch.policy.rules if not record.values.get(rule.property)}
        paid = {name: OurValue(kept=value.kept) for name, value in own.items() if value.kept}
        return paid | {name: value for name, value in own.items() if name not in blank and not value.refused}

    # ---- look up -------------------------------------------------------------------------------------------------

    async def _look_up(self, lease: Lease, story: VisitNotes, view: View) -> Decision | Later:
        """Ask until nothing new can be learned now; ``Later`` when somebody else's call decides."""
        await self._lookups.renew_odds()
        watch, ref = self._watch, (lease.crm, lease.object, lease.id)
        known = handles(story.record, watch.policy)
        offers = [offer for offer in self._lookups.offers if offer.provider in watch.policy.providers]
        while kept := await self._kept(candidates(view, watch.policy, offers, story.answers, story.missed), story, ref):
            story.answers |= kept
        while True:
            decision = decide(
                view,
                watch.policy,
                offers,
                story.answers,
                missed=story.missed,
                closed=story.closed,
                blocked=frozenset({*story.blocked, *story.awaited}),
                odds=self._lookups.odds,
                schema=watch.schema,
            )
            if not decision.questions:
                self._lookups.yields.note(counts(story.bought, decision))
                await self._signal(lease, story, view, offers)
                return decision
            about = known | of_decision(decision)
            looked = await asyncio.gather(
                *(self._lookups.ask(one.question, lease, about) for one in decision.questions)
            )
            later: Later | None = None
            for one, result in zip(decision.questions, looked, strict=True):
                key, provider = one.question.key, one.question.provider
                match result:
                    case Answered(answer, credits, entry):
                        story.answers[key], story.prices[key] = answer, credits
                        if entry:
                            story.paid.append(entry)
                            story.bought.append(_bought(one, credits, view, decision))
                    case Miss(entry):
                        story.missed.add(key)
                        story.paid += [entry] if entry else []
                    case Closed(reason, cut):
                        story.closed[provider] = reason
                        story.cut |= cut
                    case Blocked(fault=True) if self._out_of_patience(lease, provider):
                        story.missed.add(key)
                        story.tally[f"{PASSED_OVER}{provider}"] = 1
                    case Blocked():
                        story.blocked[provider] = result
                        story.needs[provider] = min(one.question.price, story.needs.get(provider, one.question.price))
                    case Later(reason="verdict"):
                        story.awaited[provider] = result
                    case Later():
                        later = result if later is None else _soonest([later, result])
            if later:
                return later

    async def _signal(self, lease: Lease, story: VisitNotes, view: View, offers: Sequence[Offer]) -> None:
        """Tell the journal of a changed job, once; nothing is written because of it."""
        change = job_change(view, self._watch.policy, offers, story.answers, story.missed)
        if change is None:
            return
        values = {"employer": change.company, "employer_domain": change.domain, "title": change.title}
        entry = signal_entry("job_change", change.provider, change.question_key, values, self._clock())
        what = f"job_change:{change.domain}"
        if await self._signals.tell(lease.crm, lease.object, lease.id, lease.run, what, entry):
            log.info("signal.told", signal="job_change", provider=change.provider)

    async def _kept(
        self, questions: tuple[object, ...], story: VisitNotes, ref: tuple[str, str, str]
    ) -> Mapping[str, Answer]:
        found = await self._lookups.kept(questions, ref) if questions else {}  # type: ignore[arg-type]
        return {key: answer for key, answer in found.items() if key not in story.answers}

    def _out_of_patience(self, lease: Lease, provider: str) -> bool:
        since = lease.places.get(provider)
        return since is not None and self._clock() - since >= self._lookups.terms[provider].skip_after_ms

    # ---- review --------------------------------------------------------------------------------------------------

    async def _decided(self, lease: Lease, story: VisitNotes) -> Proposal | None:
        """Reads what a person said of changes proposed earlier; rejected ones are refused for good."""
        if self._watch.policy.mode != "review":
            return None
        proposal = await self._watch.reviews.get(lease.id)
        if proposal and proposal.stand is Stand.REJECTED:
            newly = (one for one in proposal.changes if not story.own.get(one.field, OurValue()).rejected)
            story.ends += [self._rejected(one, proposal) for one in newly]
            story.own |= {one.field: OurValue(refused=True, rejected=True) for one in proposal.changes}
        return proposal

    def _rejected(self, one: Proposed, proposal: Proposal) -> str:
        rule = self._watch.policy.rule(one.field)
        facts = (one.field, one.property, one.before, one.after, one.provider, one.grade)
        write = rule.write if rule else ""
        return change_entry(IntentEntry(*facts, "", 0, write, proposal.run, self._clock()), "rejected")

    async def _reviewed(
        self, lease: Lease, story: VisitNotes, decision: Decision, proposal: Proposal | None
    ) -> Decision:
        """Returns the decision with approved changes only; the others wait for a person's word."""
        approved: set[tuple[str, str]] = set()
        if proposal and proposal.stand is Stand.APPROVED:
            approved = {(one.field, one.after) for one in proposal.changes}
        cleared = tuple(one for one in decision.changes if (one.field, one.value) in approved)
        waiting = tuple(one for one in decision.changes if one not in cleared)
        if waiting:
            held = story.record.values
            lines = [
                Proposed(
                    one.field, one.property, held.get(one.property) or "", one.value, one.provider, one.grade or ""
                )
                for one in waiting
            ]
            company = decision.identity.domain
            await self._watch.reviews.put(Proposal(lease.id, tuple(lines), lease.run, self._clock(), company=company))
            story.tally["proposed"] = len(waiting)
            log.info("visit.proposed", fields=len(waiting))
        return replace(decision, changes=cleared)

    # ---- push ----------------------------------------------------------------------------------------------------

    async def _push(self, lease: Lease, story: VisitNotes, view: View, decision: Decision) -> bool:
        """Write the changes; whether the visit goes on to its end."""
        intents = {one: self._intent(one, lease, story) for one in decision.changes}
        pending = PendingWrite(lease, view, story.own, decision.changes, tuple(intents.values()))
        pushed = await self._pusher.push(pending)
        if pushed.ended is not PushEnd.PUSHED:
            await self._unpushed(lease, story, pushed)
            return False
        ends = (
            ("confirmed", pushed.written),
            ("unsent", pushed.unsent),
            ("refused", pushed.refused),
            ("overtaken", pushed.overtaken),
            ("seen", pushed.seen),
        )
        for state, changes in ends:
            story.ends += [change_entry(intents[one], state) for one in changes if one.field not in pushed.words]
        story.filled |= {one.field: one.provider for one in pushed.written}
        story.own |= {one.field: OurValue(value_hash(one.field, one.value, view.countries)) for one in pushed.written}
        written = {one.property: one.value for one in pushed.written}
        story.record = with_values(pushed.record or story.record, written)
        (story.record,) = await self._watch.complete([story.record])
        self._keep_refused(story, pushed, intents)
        log.info("visit.pushed", fields=len(written), refused=len(pushed.refused), overtaken=len(pushed.overtaken))
        return True

    def _keep_refused(self, story: VisitNotes, pushed: WriteOutcome, intents: Mapping[Change, IntentEntry]) -> None:
        """Keep what was paid for and refused, and tell the journal why, once for each different word on it."""
        identity = self._watch.view(story.record, story.own).identity
        for one in pushed.refused:
            word, before = pushed.words[one.field], story.own.get(one.field, OurValue())
            held = kept.kept(one, word, identity, story.record.modified, before.kept)
            if before.kept is None or (before.kept.value, before.kept.cause) != (held.value, held.cause):
                story.ends.append(change_entry(intents[one], "refused", cause=held.cause))
            story.own[one.field] = replace(before, kept=held)
            story.dropped[one.field] = Reason(word.kind)
            name = refused_name(word)
            story.tally[name] = story.tally.get(name, 0) + 1
            log.warning("visit.refused", field=one.field, kind=word.kind, code=word.code, existing=word.existing_id)

    async def _undo(self, lease: Lease, story: VisitNotes) -> None:
        """Take back the changes that a person named, where they still stand as we wrote them; look nothing up."""
        texts = await self._watch.work.journalled(lease.undo)
        undo = undoables([json.loads(text) for text in texts])
        changes = tuple(Change(one.field, one.property, one.before, "", None, "") for one in undo)
        intents = {one.property: self._undo_intent(one, lease.run) for one in undo}
        closed = {intent(text).property for text in lease.intents}
        if changes:
            view = self._watch.view(story.record, story.own)
            pending = PendingWrite(lease, view, story.own, changes, tuple(intents.values()), undo)
            pushed = await self._pusher.push(pending)
            if pushed.ended is not PushEnd.PUSHED:
                await self._unpushed(lease, story, pushed)
                return
            for one in changes:
                intent_, word = intents[one.property], pushed.words.get(one.field)
                if one in pushed.written:
                    story.ends.append(change_entry(intent_, "confirmed"))
                    self._stands(story, intent_)
                elif word:
                    story.ends.append(change_entry(intent_, "refused", cause=word.code))
                else:
                    found = pushed.undone.get(one.field, UndoVerdict.ALREADY)
                    if found is UndoVerdict.ALREADY and one.property in closed:
                        continue  # a visit that died took it back, and its intent was closed just now
                    story.ends.append(change_entry(intent_, found if found is not UndoVerdict.BACK else "unsent"))
            story.record = pushed.record or story.record
            story.tally["undone"] = len(pushed.written)
            log.info("visit.undone", fields=len(pushed.written), left=len(changes) - len(pushed.written))
        after = self._watch.view(story.record, story.own)
        await self._settle(lease, story, self._settlement(lease, story, after, {}, remembered=False, outcome="undone"))

    def _undo_intent(self, one: Undoable, run: str) -> IntentEntry:
        facts = (one.field, one.property, one.after, one.before, "", "", "", 0, one.rule, run, self._clock())
        return IntentEntry(*facts)

    async def _unpushed(self, lease: Lease, story: VisitNotes, pushed: WriteOutcome) -> None:
        work, now = self._watch.work, self._clock()
        match pushed.ended:
            case PushEnd.LOST:
                log.warning("visit.lost")
            case PushEnd.AWAY if pushed.found is not None:
                await self._leave(lease, pushed.found, story)
            case PushEnd.CHANGED:
                await work.defer(
                    lease,
                    now + MOMENT_MS,
                    "changed",
                    entries=story.entries,
                    filled=story.filled,
                    close_intents=not pushed.unsure,
                    own=own_texts(story.own),
                )
                log.info("visit.deferred", reason="changed")
            case _:
                # Its intents stay open, so the next visit closes those that this one closed once more.
                ending = await self._again(lease, pushed.cause or "locked", story.paid)
                log.info("visit.again", reason=pushed.cause, attempt=lease.attempts + 1, ending=ending)

    def _intent(self, change: Change, lease: Lease, story: VisitNotes) -> IntentEntry:
        rule = self._watch.policy.rule(change.field)
        return IntentEntry(
            field=change.field,
            property=change.property,
            before=story.record.values.get(change.property) or "",
            after=change.value,
            provider=change.provider,
            grade=change.grade or "",
            question=change.question_key,
            credits=story.prices.get(change.question_key, 0),
            rule=rule.write if rule else "",
            run=lease.run,
            at=self._clock(),
        )

    # ---- end -----------------------------------------------------------------------------------------------------

    async def _defer(self, lease: Lease, story: VisitNotes, later: Later) -> None:
        """Come back when somebody else's call, or a verdict, has decided."""
        ending = await self._watch.work.defer(
            lease,
            later.until_ms,
            later.reason,
            entries=story.entries,
            filled=story.filled,
            close_intents=True,
            own=own_texts(story.own),
        )
        log.info("visit.deferred", reason=later.reason, ending=ending)

    async def _wait(self, lease: Lease, story: VisitNotes, view: View, decision: Decision) -> None:
        """Wait under every provider that is next for a gap; what was found meanwhile is written already."""
        awaited = [story.awaited[name] for name in decision.blocked if name in story.awaited]
        now, providers = self._clock(), tuple(name for name in decision.blocked if name in story.blocked)
        if not providers:
            await self._defer(lease, story, _soonest(awaited))
            return
        faulty = [name for name in providers if story.blocked[name].fault]
        ends = [lease.places.get(name, now) + self._lookups.terms[name].skip_after_ms for name in faulty]
        ends += [one.until_ms for one in awaited]
        reason = "verdict" if awaited else story.blocked[providers[0]].reason
        ending = await self._watch.work.wait(
            lease,
            providers,
            min(ends) if ends else None,
            reason,
            entries=story.entries,
            filled=story.filled,
            close_intents=True,
            own=own_texts(story.own),
            fingerprint=self._watch.mark(view),
            stamp=story.record.modified,
            read_at=story.record.read_at,
            needs=story.needs,
        )
        log.info("visit.waiting", providers=len(providers), reason=reason, ending=ending)

    async def _cut(self, lease: Lease, story: VisitNotes, view: View, unfilled: Mapping[str, str]) -> None:
        """Leave the rest to the next run: the cap of this one is spent; what was found is written already."""
        now = self._clock()
        settlement = self._settlement(lease, story, view, unfilled, remembered=True)
        day = day_run(lease.crm, self._lookups.budget_lines.zone, now)
        ending = await self._watch.work.cut(lease, settlement, day=day, day_at_ms=now + DAY_TAKES_OVER_MS)
        log.info("visit.cut", unfilled=len(settlement.unfilled), ending=ending)

    async def _settle(self, lease: Lease, story: VisitNotes, settlement: Settlement) -> None:
        settlement = replace(settlement, yields=self._lookups.yields.take())
        ending = await self._watch.work.settle(lease, settlement)
        if ending is StepEnd.LOST:
            log.warning("visit.lost")
        else:
            left = len(settlement.unfilled)
            log.info("visit.settled", filled=len(story.filled), unfilled=left, outcome=settlement.outcome)

    def _settlement(
        self,
        lease: Lease,
        story: VisitNotes,
        view: View,
        unfilled: Mapping[str, str],
        *,
        remembered: bool,
        outcome: str = "settled",
    ) -> Settlement:
        """Makes what the visit leaves in the ledger."""
        open_ = {name: one.kept for name, one in story.own.items() if one.kept and name in view.gaps}
        story.own = {name: one if name in open_ else replace(one, kept=None) for name, one in story.own.items()}
        return Settlement(
            fingerprint=self._watch.mark(view) if remembered else None,
            stamp=story.record.modified,
            read_at=story.record.read_at,
            look_at=self._look_at(lease, view, list(open_.values()), outcome, story.opens_at) if remembered else 0,
            own=own_texts({name: one for name, one in story.own.items() if one != OurValue()}),
            entries=tuple(story.entries),
            filled=story.filled,
            unfilled={name: str(reason) for name, reason in unfilled.items() if name not in story.filled},
            tally=story.tally,
            outcome=view.skip.value if view.skip else outcome,
        )

    def _look_at(
        self, lease: Lease, view: View, refused: Sequence[kept.RefusedValue], outcome: str, opens_at: int
    ) -> int:
        """Tells when the record is looked at again by itself: at its recheck, or when a refusal or lock may end."""
        if outcome == "unchanged" and lease.memory and lease.memory.look_at:
            return lease.memory.look_at
        opens_ms = max(1, opens_at - self._clock()) if opens_at else 0
        waits = [wait for wait in (self._watch.policy.recheck_ms, kept.look_again_ms(refused), opens_ms) if wait]
        return self._clock() + min(waits) if waits and view.gaps else 0


def _soonest(laters: Iterable[Later]) -> Later:
    return min(laters, key=lambda one: one.until_ms)


def _bought(step: Next, credits: int, view: View, decision: Decision) -> Bought:
    """Remembers a question until it is known what it brought; ``decision`` is the one that asked it."""
    filled = {change.field for change in decision.changes}
    gaps = frozenset(name for name in view.gaps if name not in filled)
    finds = not (decision.identity.slug or decision.identity.ids)
    return Bought(step.offer, step.question.key, credits, gaps, finds=finds)
