"""Brings one delivered company and its people into one CRM: match, else create once, fill blanks, link.

A failure with one of them stops none of the others: a person has to look at it, so it ends in a dead letter
that names it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from pydantic import TypeAdapter

from connectors.errors import ConnectorError, ContractError, RateLimitedError, RejectedError, UnavailableError
from connectors.limits import Limiter
from connectors.models import Person
from connectors.openprospect.read import DeliveredCompany
from worker.decide import delivery
from worker.decide.delivery import Delivered
from worker.decide.kept import REFUSED
from worker.decide.obstacles import next_look_ms
from worker.decide.reasons import Reason
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.journal.reviews import Proposed
from worker.ledger.ledger import Ledger
from worker.ledger.work.work import Due, Lane, Lease, Settlement, StepEnd, VisitProgress
from worker.visits.blank_filler import BlankFiller
from worker.visits.closed_properties import ClosedProperties
from worker.visits.creating import Creator, keep_back, refusal_cause
from worker.visits.delivered_rows import UNDONE, DeliveredRows
from worker.visits.delivery_links import DeliveryLinks
from worker.visits.delivery_notes import Deferred, DeliveryNotes
from worker.visits.delivery_preview import DeliveryPreview
from worker.visits.delivery_proposals import Proposer
from worker.visits.delivery_target import Target
from worker.visits.matching import Matcher
from worker.visits.suppressed import without_bad

LAST_ATTEMPT = 7  # after so many failures the next one buries
BRINGING_MS = 45_000  # then a visit leaves the people it has not come to to the next: it is cancelled at 120 s
NOTE_MOST = 2_000  # letters of a dead letter's reason
_ROW: TypeAdapter[DeliveredCompany] = TypeAdapter(DeliveredCompany)
log = structlog.get_logger(__name__)


class Deliverer:
    """Handles the delivery leases of one CRM. ``clock`` gives ms."""

    def __init__(
        self,
        target: Target,
        closed: Mapping[str, ClosedProperties],
        ledger: Ledger,
        limiter: Limiter,
        owner: str,
        clock: Callable[[], int],
        *,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._target, self._closed, self._deliveries = target, closed, ledger.deliveries
        self._clock, self._rest = clock, rest
        self._matcher = Matcher(target)
        self._filler = BlankFiller(target, self._matcher, limiter, clock, rest=rest)
        self._creator = Creator(target, ledger.creations, self._matcher, owner, clock)
        self._preview = DeliveryPreview(target, self._matcher)
        self._proposer = Proposer(self._preview, target.reviews) if target.reviews else None
        self._links = DeliveryLinks(target, clock)
        parts = (self._matcher, self._filler, self._creator)
        self._rows = DeliveredRows(target, closed, ledger.signals, *parts, clock)

    async def foresee(self, row: DeliveredCompany) -> tuple[Proposed, ...]:
        """Lists what a delivered row would create and write; reads only.

        Raises:
            ConnectorError: the CRM could not be read.
        """
        return await self._preview.lines(row)

    async def deliver(self, lease: Lease) -> None:
        """Handles one delivered row from its lease to its end.

        Raises:
            ConnectorError: the CRM failed; ``worker.visits.runner`` says what becomes of the row.
        """
        for one in self._closed.values():
            await one.look()
        row = await self._deliveries.row(lease.id)
        notes = DeliveryNotes(lease, intents=list(lease.intents))
        try:
            if row is not None:
                await self._bring_approved(notes, row)
        except Deferred as deferred:
            # Its intents stay open: the next visit reads what became of them and tells the journal, once.
            await self._target.work.defer(lease, deferred.retry.at_ms, deferred.retry.reason)
            log.info("visit.deferred", reason=deferred.retry.reason)
            return
        await self._end(lease, notes, row)

    async def _bring_approved(self, notes: DeliveryNotes, row: DeliveredRow) -> None:
        """Bring in a row; if a person approves first, only the approved part."""
        delivered = _ROW.validate_json(row.json)
        await self._creator.close_open_intents(notes)
        await self._filler.close_open_intents(notes)
        if self._proposer is None:
            await self._bring(notes, delivered, row.digest)
            return
        if await self._proposer.may_bring(notes, row, delivered, self._clock()):
            await self._bring(notes, delivered, row.digest)
            if not notes.is_part:
                await self._proposer.done(row.key)

    async def _end(self, lease: Lease, notes: DeliveryNotes, row: DeliveredRow | None) -> None:
        """Settle the row, or let it wait for what keeps it back, or for a person."""
        work = self._target.work
        if row is not None and notes.is_part:
            progress = VisitProgress(notes.entries, open_intents=notes.intents, own=notes.part(row.digest))
            await work.defer(lease, self._clock(), "part", progress)
            log.info("visit.deferred", reason="part", done=len(notes.done))
            return
        await self._deliveries.wait_for(self._target.crm, lease.id, notes.awaited())
        wait_ms = next_look_ms(notes.obstacles, notes.tries, notes.looks, has_problems=bool(notes.problems))
        if wait_ms is not None:
            first = notes.obstacles[0]
            reason, until = f"{first.kind}: {first.cause}", self._clock() + wait_ms
            progress = VisitProgress(notes.entries, open_intents=notes.intents, own=notes.own)
            await work.defer(lease, until, reason, progress)
            log.warning("visit.deferred", reason=first.kind, kept_back=len(notes.obstacles), wait_s=wait_ms // 1000)
            return
        problems = [*(one.sentence for one in notes.obstacles), *notes.problems]
        if problems:
            note = "; ".join(problems)[:NOTE_MOST]
            progress = VisitProgress(notes.entries, open_intents=notes.intents, own={})
            ending = await work.bury(lease, note, progress, tally=notes.counts)
            log.error("visit.buried", reason="delivery", problems=len(problems), ending=ending)
            return
        if row is not None and not notes.is_proposed:
            await self._deliveries.settled(self._target.crm, lease.id, row.digest)
        settlement = Settlement(
            fingerprint=None,
            stamp=0,
            read_at=0,
            own={},
            entries=tuple(notes.entries),
            tally=notes.counts,
            outcome="proposed" if notes.is_proposed else "delivered",
        )
        if await work.settle(lease, settlement) is not StepEnd.LOST:
            counted = {name.replace(".", "_"): n for name, n in notes.counts.items() if not name.startswith(REFUSED)}
            log.info("visit.settled", **counted)

    async def aclose(self) -> None:
        await self._matcher.aclose()
        await self._filler.aclose()
        await self._links.aclose()
        await self._preview.aclose()

    async def _bring(self, notes: DeliveryNotes, row: DeliveredCompany, digest: str) -> None:
        until = self._clock() + BRINGING_MS
        company, people = await self._allowed(notes, row)
        if company is None:
            return
        company_id = await self._rows.company(notes, company, row.company.id)
        if taken_back := notes.closed.get(company_id) == UNDONE:  # its people come without it
            notes.count(UNDONE)
            company_id = ""
        brought = [("company", company_id, company, row.company.id)]
        if company_id:
            notes.count("companies")
        elif notes.obstacles and not notes.is_last:
            return  # the people come with their company
        elif people and not taken_back:
            ids = ", ".join(one.id for one, _ in people)
            notes.problems.append(f"without company {row.company.id} these are at no company: prospect {ids}")
        unlinked: dict[str, str] = {}
        left: list[Deferred | ConnectorError] = []
        notes.go_on(digest)
        earlier = frozenset(notes.done)
        for one, delivered in people:
            if one.id in earlier:
                continue
            if len(notes.done) > len(earlier) and self._clock() >= until:
                notes.is_part = True
                break
            failure = f"prospect {one.id} could not be brought in"
            try:
                object, id = await self._bring_person(notes, delivered, one.id, company_id, unlinked)
                brought.append((object, id, delivered, one.id))
                notes.done.add(one.id)
            except Deferred as deferred:
                left.append(deferred)
            except RejectedError as error:
                keep_back(notes, failure, error, self._clock(), (self._target.person, one.id))
                notes.done.add(one.id)
            except (UnavailableError, ContractError) as error:
                if isinstance(error, RateLimitedError) or error.retry_after_s is not None:
                    raise  # the CRM wants to be left alone
                left.append(error)
                if notes.lease.attempts >= LAST_ATTEMPT:
                    notes.problems.append(f"{failure} ({error.code or type(error).__name__})")
        await self._links.link(notes, unlinked, company_id)
        await self._fill_later(notes, [(object, id) for object, id, *_ in brought[1:]])
        if not notes.is_part:  # otherwise they are tried again with those that this visit has not reached
            self._leave_for_later(notes, left)
        await self._creator.close_open_intents(notes)  # a row that came to light meanwhile
        await self._look_again(notes, [one for one in brought if (one[0], one[3]) in notes.fresh], company_id)

    async def _allowed(
        self, notes: DeliveryNotes, row: DeliveredCompany
    ) -> tuple[Delivered | None, list[tuple[Person, Delivered]]]:
        """Returns the company and its people without bad values and without suppressed people, who are counted."""
        target = self._target
        company = delivery.company(row.company, target.default_region)
        people = [delivery.person(one, row.company, target.accept, target.default_region) for one in row.people]
        company, *people = await without_bad([company, *people], target.are_bad)
        is_listed, *listed = await target.suppressed([one.handles for one in (company, *people)])
        if is_listed:
            notes.count(Reason.SUPPRESSED, 1 + len(people))
            return None, []
        if any(listed):
            notes.count(Reason.SUPPRESSED, sum(listed))
        return company, [(one, theirs) for one, theirs, on in zip(row.people, people, listed, strict=True) if not on]

    async def _look_again(
        self, notes: DeliveryNotes, made: Sequence[tuple[str, str, Delivered, str]], company_id: str
    ) -> None:
        """Look for rows that somebody made just before ours, once any search shows them: a person has to merge them.

        A look before ours is made would leave a gap as long as the search's lag. Neither row is given up for the other.
        """
        if not made:
            return
        lag_ms = self._target.vendor.index_lag_ms
        left_ms = max(notes.fresh[object, external_id] for object, _, _, external_id in made) + lag_ms - self._clock()
        if left_ms > 0:
            await self._rest(left_ms / 1000)
        for object, id, delivered, external_id in made:
            before = notes.namesakes.get(external_id, frozenset()) | {one[1] for one in made if one[0] == object}
            place = company_id if external_id in notes.namesakes else ""  # its notes died with the visit
            what = f"{object} {id} was made for {'company' if object == 'company' else 'prospect'} {external_id}"
            try:
                twins = await self._matcher.twins(object, id, delivered, place, before)
            except RejectedError as error:
                asked = f"{what}, and the CRM does not say whether somebody else made it too ({refusal_cause(error)})"
                notes.problems.append(asked)
                continue
            for other in twins:
                notes.problems.append(f"{what} beside {object} {other}, which was made at the same time: merge the two")

    async def _bring_person(
        self, notes: DeliveryNotes, delivered: Delivered, external_id: str, company_id: str, unlinked: dict[str, str]
    ) -> tuple[str, str]:
        """Brings one person to their row (object, id), which joins ``unlinked`` when it may lack its company.

        ``unlinked`` names the person's external id by the row's.
        """
        object, id, at_company = await self._rows.person(notes, delivered, external_id, company_id)
        if id in notes.closed:
            notes.count(notes.closed[id])
        elif id:
            notes.count("contacts")
            if object == "contact" and not at_company and notes.at_company.get(id) != company_id:
                unlinked.setdefault(id, external_id)
        return object, id

    async def _fill_later(self, notes: DeliveryNotes, people: Sequence[tuple[str, str]]) -> None:
        """Adds brought rows to the fill work: only after their links, by which a visit decides, too."""
        for object, work in self._target.fill.items():
            ids = dict.fromkeys(id for kind, id in people if kind == object and id and id not in notes.closed)
            if ids:
                await work.add([Due(id) for id in ids], lane=Lane.LIVE, run=notes.lease.run)

    def _leave_for_later(self, notes: DeliveryNotes, left: Sequence[Deferred | ConnectorError]) -> None:
        """Defers the whole row because of people who could not be brought in now."""
        failed = [one for one in left if isinstance(one, ConnectorError)]
        if failed and notes.lease.attempts < LAST_ATTEMPT:
            raise failed[0]
        deferred = [one for one in left if isinstance(one, Deferred)]
        if deferred:
            raise min(deferred, key=lambda one: one.retry.at_ms)
