"""Brings one delivered company and its people into one CRM: match, else create once, fill blanks, link.

What cannot be done for one of them stops none of the others: a person has to look at it, so it ends in a dead letter
that names it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from pydantic import TypeAdapter

from connectors.batching import Batcher
from connectors.errors import ConnectorError, ContractError, RateLimitedError, RejectedError, UnavailableError
from connectors.limits import Limiter
from connectors.models import Fate, RefusalKind
from connectors.openprospect.read import DeliveredCompany
from connectors.ports import Watched
from worker.decide import delivery
from worker.decide.delivery import Delivered
from worker.decide.gate import Verdict
from worker.decide.kept import REFUSED
from worker.decide.obstacles import Obstacle, next_look_ms
from worker.decide.reasons import Reason
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.journal.reviews import Proposed
from worker.ledger.ledger import Ledger
from worker.ledger.work.work import Due, Lane, Lease, Settlement, StepEnd, VisitProgress
from worker.visits.blank_filler import BlankFiller, stamp_to_compare
from worker.visits.closed_properties import ClosedProperties
from worker.visits.creating import MOMENT_MS, Creator, InTheWay, Made, MadeBefore, NewRow, Refused, refusal_cause
from worker.visits.delivery_notes import Deferred, DeliveryNotes
from worker.visits.delivery_preview import DeliveryPreview
from worker.visits.delivery_proposals import Proposer
from worker.visits.delivery_target import Target
from worker.visits.journal_entries import IntentEntry, linked_entry, signal_entry
from worker.visits.matching import Match, Matcher
from worker.visits.suppressed import without_bad

UNDONE = "undone"  # a row of ours that a person had us archive: it is not made again
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
        self._target, self._closed, self._deliveries, self._signals = target, closed, ledger.deliveries, ledger.signals
        self._clock, self._rest = clock, rest
        self._matcher = Matcher(target)
        self._filler = BlankFiller(target, self._matcher, limiter, clock, rest=rest)
        self._creator = Creator(target, ledger.creations, self._matcher, owner, clock)
        self._preview = DeliveryPreview(target, self._matcher)
        self._proposer = Proposer(self._preview, target.reviews) if target.reviews else None
        self._links: Batcher[tuple[str, str, bool], bool] = Batcher(
            target.crm, "link", self._link, _pair, target.vendor.batch
        )

    async def foresee(self, row: DeliveredCompany) -> tuple[Proposed, ...]:
        """Lists what a delivered row would make and write; reads only.

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
        """Bring a row, where a person approves first only what was approved."""
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
        target, until = self._target, self._clock() + BRINGING_MS
        company = delivery.company(row.company, target.default_region)
        people = [(one, delivery.person(one, row.company, target.accept, target.default_region)) for one in row.people]
        company, *found = await without_bad([company, *(one for _, one in people)], target.are_bad)
        people = [(one, delivered) for (one, _), delivered in zip(people, found, strict=True)]
        is_listed, *listed = await target.suppressed(
            [delivered.handles for delivered in (company, *(t for _, t in people))]
        )
        if is_listed:
            notes.count(Reason.SUPPRESSED, 1 + len(people))
            return
        if any(listed):
            notes.count(Reason.SUPPRESSED, sum(listed))
        people = [one for one, on in zip(people, listed, strict=True) if not on]
        company_id = await self._company(notes, company, row.company.id)
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
            try:
                object, id = await self._bring_person(notes, delivered, one.id, company_id, unlinked)
                brought.append((object, id, delivered, one.id))
                notes.done.add(one.id)
            except Deferred as deferred:
                left.append(deferred)
            except RejectedError as error:
                self._keep_back(notes, f"prospect {one.id} could not be brought in", error, target.person, one.id)
                notes.done.add(one.id)
            except (UnavailableError, ContractError) as error:
                if isinstance(error, RateLimitedError) or getattr(error, "retry_after_s", None) is not None:
                    raise  # the CRM wants to be left alone
                left.append(error)
                if notes.lease.attempts >= LAST_ATTEMPT:
                    notes.problems.append(f"prospect {one.id} could not be brought in ({error.code or _name(error)})")
        await self._link_all(notes, unlinked, company_id)
        await self._fill_later(notes, [(object, id) for object, id, *_ in brought[1:]])
        if not notes.is_part:  # else they are tried again with those whom this visit has not come to
            self._leave_for_later(notes, left)
        await self._creator.close_open_intents(notes)  # a row that came to light meanwhile
        await self._look_again(notes, [one for one in brought if (one[0], one[3]) in notes.fresh], company_id)

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
            place = company_id if external_id in notes.namesakes else ""  # who made it is gone, with whom it had seen
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
        object, id, at_company = await self._person(notes, delivered, external_id, company_id)
        if id in notes.closed:
            notes.count(notes.closed[id])
            return object, id
        if not id:
            return object, id
        notes.count("contacts")
        if object == "contact" and not at_company and notes.at_company.get(id) != company_id:
            unlinked.setdefault(id, external_id)
        return object, id

    async def _fill_later(self, notes: DeliveryNotes, people: Sequence[tuple[str, str]]) -> None:
        """Adds brought rows to the fill work: not before their links, which are part of what a visit goes by."""
        for object, work in self._target.fill.items():
            ids = dict.fromkeys(id for kind, id in people if kind == object and id and id not in notes.closed)
            if ids:
                await work.add([Due(id) for id in ids], lane=Lane.LIVE, run=notes.lease.run)

    async def _link_all(self, notes: DeliveryNotes, contacts: Mapping[str, str], company_id: str) -> None:
        """Link contacts to their company; one that cannot be linked stops no other."""
        if not company_id or not contacts:
            return
        run, at = notes.lease.run, self._clock()
        links = [IntentEntry.link("contact", one, company_id, run, at, contacts[one]) for one in contacts]
        if not await self._target.work.intend(notes.lease, [*notes.intents, *(one.text() for one in links)]):
            raise Deferred(0, "lost")
        asked = [self._links.ask((one, company_id, one in notes.made)) for one in contacts]
        for one, ended in zip(contacts, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(ended, RejectedError):
                what, rows = f"contact {one} could not be linked to company {company_id}", ("company", company_id)
                self._keep_back(notes, what, ended, "contact", contacts[one], (("contact", one), rows))
            elif isinstance(ended, BaseException):
                raise ended
            elif ended:
                notes.entries.append(linked_entry("contact", one, company_id, contacts[one], at))

    def _keep_back(
        self,
        notes: DeliveryNotes,
        what: str,
        refusal: RejectedError,
        object: str,
        external_id: str,
        rows: tuple[tuple[str, str], ...] = (),
    ) -> None:
        delivered = (what, refusal.kind, refusal_cause(refusal), self._clock(), rows)
        notes.keep_back(*delivered, object=object, external_id=external_id)

    def _leave_for_later(self, notes: DeliveryNotes, left: Sequence[Deferred | ConnectorError]) -> None:
        """Defers the whole row for those whom it could not bring in now."""
        failed = [one for one in left if isinstance(one, ConnectorError)]
        if failed and notes.lease.attempts < LAST_ATTEMPT:
            raise failed[0]
        deferred = [one for one in left if isinstance(one, Deferred)]
        if deferred:
            raise min(deferred, key=lambda one: one.retry.at_ms)

    # ---- one row -------------------------------------------------------------------------------------------------

    async def _company(self, notes: DeliveryNotes, delivered: Delivered, external_id: str) -> str:
        """Returns the company's row, made where there is none; ``""`` when it cannot be made."""
        row = self._new_row(notes, "company", delivered, external_id)
        try:
            found = await self._matcher.company(delivered, external_id)
        except RejectedError as error:
            self._keep_back(notes, f"company {external_id} could not be looked for", error, "company", external_id)
            return ""
        if found:
            await self._filler.fill(notes, "company", found, delivered, external_id)
            return found
        if not delivered.complete:
            notes.count("incomplete")
            notes.problems.append(f"company {external_id} has neither a name nor a domain")
            return ""
        match await self._creator.create(notes, row, delivered.keys):
            case Made(id):
                return id
            case MadeBefore(id):
                return await self._made_before(notes, "company", delivered, external_id, id)
            case InTheWay(existing, rule):
                return await self._company_in_the_way(notes, delivered, external_id, existing, rule)
            case Refused(cause, kind):
                what = f"company {external_id} could not be made"
                notes.keep_back(what, kind, cause, self._clock(), object="company", external_id=external_id)
        return ""

    async def _company_in_the_way(
        self,
        notes: DeliveryNotes,
        delivered: Delivered,
        external_id: str,
        existing: Sequence[tuple[str, str]],
        rule: str,
    ) -> str:
        """Decides when the CRM has a company like it: the same one where no other domain stands there."""
        for object, id in existing:
            if object == "company" and await self._matcher.is_company(id, delivered):
                await self._filler.fill(notes, "company", id, delivered, external_id)
                return id
        notes.problems.append(_kept_out("company", external_id, existing, rule))
        return ""

    async def _person(
        self, notes: DeliveryNotes, delivered: Delivered, external_id: str, company_id: str
    ) -> tuple[str, str, bool]:
        """Returns the person's row as (object, id), and whether it was made at the company.

        The id is ``""`` where nobody can tell whose a row is, or make one.
        """
        object = self._target.person
        row = self._new_row(notes, object, delivered, external_id, company_id)
        known = company_id if company_id not in notes.made else ""
        match = await self._matcher.person(delivered, external_id, known)
        for other in dict.fromkeys(match.others.values()):
            await self._is_anothers(notes, *other, external_id)
        if match.id and match.sure:
            await self._filler.fill(notes, match.object, match.id, delivered, external_id, match)
            return match.object, match.id, False
        if match.id:
            return await self._cannot_tell(notes, match, external_id)
        if "" in match.others:  # it carries our id, which no second row can have
            return self._forbidden(notes, *match.others[""], external_id)
        if not delivered.complete:
            notes.incomplete(object, external_id, self._clock())
            return object, "", False
        notes.namesakes[external_id] = match.namesakes
        natural = (*delivered.keys, delivered.named) if delivered.named else delivered.keys
        for keys in (delivery.apart(natural, match.others, delivered), delivery.apart(natural, natural, delivered)):
            match await self._creator.create(notes, row, keys):
                case Made(id, at_company):
                    return object, id, at_company
                case MadeBefore(id):
                    verdict = await self._matcher.judged_of_ours(object, id, delivered)
                    if verdict is not Verdict.OTHER:
                        return object, await self._made_before(notes, object, delivered, external_id, id), False
                    await self._creator.void(object, id, external_id, ())
                    await self._is_anothers(notes, object, id, external_id)
                case InTheWay(existing, rule):
                    return await self._person_in_the_way(notes, delivered, external_id, existing, rule)
                case Refused(cause, kind):
                    what = f"prospect {external_id} could not be made as a {object}"
                    notes.keep_back(what, kind, cause, self._clock(), object=object, external_id=external_id)
                    return object, "", False
        return self._forbidden(notes, object, id, external_id)

    async def _person_in_the_way(
        self,
        notes: DeliveryNotes,
        delivered: Delivered,
        external_id: str,
        existing: Sequence[tuple[str, str]],
        rule: str,
    ) -> tuple[str, str, bool]:
        """Decides when the CRM refuses a second row beside these: one is the person's, or somebody has to look."""
        if not existing and not rule:  # a row that we cannot see: that may last, so it is tried less and less
            raise UnavailableError(self._target.crm, "create", code="CONFLICT")
        key = next((key for key in delivered.keys if key.startswith("email:")), "email:")
        for named in existing:
            object, id = await self._matcher.survivor(*named) or named
            if object not in self._target.people:
                continue
            match await self._matcher.judged(object, id, delivered, key):
                case Verdict.SAME:
                    await self._filler.fill(notes, object, id, delivered, external_id, Match(id, object, key))
                    return object, id, False
                case Verdict.OTHER:
                    await self._is_anothers(notes, object, id, external_id)
        notes.problems.append(_kept_out("prospect", external_id, existing, rule))
        return self._target.person, "", False

    def _new_row(
        self, notes: DeliveryNotes, object: str, delivered: Delivered, external_id: str, company_id: str = ""
    ) -> NewRow:
        """Makes the content of a new row; what may not be written is counted."""
        properties, schema = self._target.properties[object], self._target.schema[object]
        values: dict[str, tuple[str, str]] = {}
        dropped = Counter(delivered.dropped)
        for name, value in delivered.values.items():
            fitted, refused = delivery.to_properties({name: value}, properties, schema)
            dropped.update(refused)
            if Reason.INVALID_VALUE in refused and schema[properties[name]].options:
                self._closed[object].doubt()  # it may be an option by now
            for property, text in fitted.items():
                values.setdefault(property, (name, text))
        for reason, count in dropped.items():
            notes.count(f"dropped.{reason}", count)
        values |= {name: ("", text) for name, text in self._target.constants.get(object, {}).items()}
        return NewRow(object, external_id, values, company_id, delivered.handles)

    async def _is_anothers(self, notes: DeliveryNotes, object: str, id: str, external_id: str) -> None:
        """Tell that a row was found by the delivered person's address or profile and names somebody else."""
        notes.count(Reason.WRONG_PERSON)
        values = {"external_id": external_id}
        entry = signal_entry(Reason.WRONG_PERSON, "openprospect", "", values, self._clock())
        what = f"{Reason.WRONG_PERSON}:{external_id}"
        if await self._signals.tell(self._target.crm, object, id, notes.lease.run, what, entry):
            log.info("signal.told", signal=Reason.WRONG_PERSON, provider="openprospect")

    def _forbidden(self, notes: DeliveryNotes, object: str, id: str, external_id: str) -> tuple[str, str, bool]:
        """Decides when a row of somebody else keeps the person out: somebody has to look at both."""
        notes.problems.append(
            f"{object} {id} names somebody else than prospect {external_id} and holds the prospect's id or address: "
            "correct one of the two, then replay"
        )
        return object, "", False

    async def _cannot_tell(self, notes: DeliveryNotes, match: Match, external_id: str) -> tuple[str, str, bool]:
        """Writes nothing on a row that no second fact proves, and makes no second one beside it.

        Where it is not surely theirs, somebody has to say whose it is: a dead letter asks, and the row's next change
        brings the delivery back.
        """
        notes.count(Reason.UNPROVED)
        if not match.theirs:
            found = (await self._target.vendor.read(Watched(match.object, ()), [match.id]))[match.id]
            row, what = (match.object, match.id), f"{match.object} {match.id} may be prospect {external_id}"
            notes.stamps[row] = stamp_to_compare(found.record) if found.record else 0
            cause = "it says too little to tell: write the person's name on it"
            notes.obstacles.append(Obstacle(what, RefusalKind.ROW, cause, (row,), asks=True))
        return match.object, "", False

    async def _made_before(
        self, notes: DeliveryNotes, object: str, delivered: Delivered, external_id: str, id: str
    ) -> str:
        """Returns a row we made under one of the keys, unless it is gone by now."""
        watched = Watched(object, (self._target.external_id,))
        found = (await self._target.vendor.read(watched, [id]))[id]
        if found.fate is Fate.GONE and await self._creator.is_archived(object, id):
            notes.closed[id] = UNDONE
            return id
        if found.fate is Fate.GONE:
            await self._creator.void(object, id, external_id, [*delivered.keys, delivered.named])
            raise Deferred(self._clock(), "void")
        if found.fate is Fate.UNKNOWN:
            raise Deferred(self._clock() + MOMENT_MS, "unread")
        id = found.moved_to or (found.record.id if found.record else id)
        await self._creator.join(object, id, external_id, delivered.keys)
        await self._filler.fill(notes, object, id, delivered, external_id)
        return id

    # ---- batched calls -------------------------------------------------------------------------------------------

    async def _link(self, pairs: Sequence[tuple[str, str, bool]]) -> dict[str, bool]:
        made = {one for one, _, is_made in pairs if is_made}
        linked = await self._target.vendor.link("contact", [(one, other) for one, other, _ in pairs], made)
        return {_pair(pair): pair[0] in linked for pair in pairs}


def _pair(pair: tuple[str, str, bool]) -> str:
    return f"{pair[0]} {pair[1]}"


def _name(error: ConnectorError) -> str:
    return type(error).__name__


def _kept_out(what: str, external_id: str, existing: Sequence[tuple[str, str]], rule: str) -> str:
    rows = ", ".join(f"{object or 'row'} {id}" for object, id in existing) or "a row that it does not name"
    by = f"rule {rule}" if rule else "a value that has to be unique"
    return f"{what} {external_id} was not made: by {by} the CRM takes it for {rows}"
