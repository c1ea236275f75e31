"""Finds or creates the row of a delivered company or person; unclear cases are left to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from connectors.errors import RejectedError, UnavailableError
from connectors.models import Fate, RefusalKind
from connectors.ports import Watched
from worker.decide import delivery
from worker.decide.delivery import Delivered
from worker.decide.gate import Verdict
from worker.decide.obstacles import Obstacle
from worker.decide.reasons import Reason
from worker.ledger.journal.signals import Signals
from worker.visits.blank_filler import BlankFiller, stamp_to_compare
from worker.visits.closed_properties import ClosedProperties
from worker.visits.creating import MOMENT_MS, Creator, InTheWay, Made, MadeBefore, NewRow, Refused, keep_back
from worker.visits.delivery_notes import Deferred, DeliveryNotes
from worker.visits.delivery_target import Target
from worker.visits.journal_entries import signal_entry
from worker.visits.matching import Match, Matcher

UNDONE = "undone"  # a row of ours that a person had us archive: it is not made again
log = structlog.get_logger(__name__)


class DeliveredRows:
    """Brings one company or person of a delivery to a row of theirs. ``clock`` gives ms."""

    def __init__(
        self,
        target: Target,
        closed: Mapping[str, ClosedProperties],
        signals: Signals,
        matcher: Matcher,
        filler: BlankFiller,
        creator: Creator,
        clock: Callable[[], int],
    ) -> None:
        self._target, self._closed, self._signals, self._clock = target, closed, signals, clock
        self._matcher, self._filler, self._creator = matcher, filler, creator

    async def company(self, notes: DeliveryNotes, delivered: Delivered, external_id: str) -> str:
        """Returns the company's row, created if there is none; ``""`` if it cannot be created."""
        row = self._new_row(notes, "company", delivered, external_id)
        try:
            found = await self._matcher.company(delivered, external_id)
        except RejectedError as error:
            keep_back(
                notes, f"company {external_id} could not be looked for", error, self._clock(), ("company", external_id)
            )
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
        """Decides when the CRM has a similar company: it is the same one unless it has another domain."""
        for object, id in existing:
            if object == "company" and await self._matcher.is_company(id, delivered):
                await self._filler.fill(notes, "company", id, delivered, external_id)
                return id
        notes.problems.append(_kept_out("company", external_id, existing, rule))
        return ""

    async def person(
        self, notes: DeliveryNotes, delivered: Delivered, external_id: str, company_id: str
    ) -> tuple[str, str, bool]:
        """Returns the person's row as (object, id), and whether it was made at the company.

        The id is ``""`` if a row is unclear or cannot be created.
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
        """Decides when the CRM refuses a second row beside these: one is the person's, or a person has to look."""
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
        """Makes the content of a new row; values that may not be written are counted."""
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
        """Decides when a row of somebody else keeps the person out: a person has to look at both."""
        notes.problems.append(
            f"{object} {id} names somebody else than prospect {external_id} and holds the prospect's id or address: "
            "correct one of the two, then replay"
        )
        return object, "", False

    async def _cannot_tell(self, notes: DeliveryNotes, match: Match, external_id: str) -> tuple[str, str, bool]:
        """Writes nothing on a row that no second fact proves, and creates no second one beside it.

        If it is not surely theirs, a person must say whose it is: a dead letter asks, and the row's next change
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


def _kept_out(what: str, external_id: str, existing: Sequence[tuple[str, str]], rule: str) -> str:
    rows = ", ".join(f"{object or 'row'} {id}" for object, id in existing) or "a row that it does not name"
    by = f"rule {rule}" if rule else "a value that has to be unique"
    return f"{what} {external_id} was not made: by {by} the CRM takes it for {rows}"
