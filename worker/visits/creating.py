"""Makes the row of a delivered company or person, once.

A creation is a ticket: it holds the external id and every natural key, so that two rows naming one company, two
workers, or a crash between a create and its answer still make one row. Values that the CRM refuses are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from msgspec import Struct

from connectors.errors import ConflictError, OutcomeUnknownError, RejectedError
from connectors.limits import TicketSpentError
from connectors.models import RefusalKind, WriteResult, Written
from connectors.refusal_kinds import plain_words
from worker.decide.handles import Handle
from worker.decide.kept import cause_of
from worker.decide.reasons import Reason
from worker.ledger.money.creations import (
    BusyCreation,
    Claimed,
    Created,
    Creations,
    CreationTicket,
    UnknownCreation,
    UnwantedCreation,
    external_key,
)
from worker.visits.delivery_notes import Deferred, DeliveryNotes
from worker.visits.delivery_target import Target
from worker.visits.journal_entries import IntentEntry, created_entry, last_creations, linked_entry
from worker.visits.matching import Matcher

CREATE_MS = 100_000  # a creation's deadline: slot, connection and answer, with room to spare
DOUBT_MS = 30_000  # after a lost answer the row may still appear for this long
MOMENT_MS = 2_000


@dataclass(frozen=True, slots=True)
class NewRow:
    """Describes a row to be made.

    ``values`` are by property with the canonical field they are of, ``""`` for a constant. ``about`` are the handles of
    whom it is, asked once more right before it is made.
    """

    object: str
    external_id: str
    values: Mapping[str, tuple[str, str]] = field(repr=False)
    company_id: str = ""
    about: frozenset[Handle] = field(default=frozenset(), repr=False)


class Made(Struct, frozen=True):
    """Says that the row is there now; ``at_company`` says that it was made at its company."""

    id: str
    at_company: bool


class MadeBefore(Struct, frozen=True):
    """Says that a row was made under one of the keys."""

    id: str


class InTheWay(Struct, frozen=True):
    """Says that the CRM refuses a second row beside these (object, id).

    ``rule`` is the CRM's name of the rule, if it has one.
    """

    existing: tuple[tuple[str, str], ...]
    rule: str


class Refused(Struct, frozen=True):
    """Says that the CRM takes no such row, for a reason that is not one of our values.

    ``cause`` is its word on that.
    """

    cause: str
    kind: RefusalKind


class Creator:
    """Creates rows in one CRM. ``clock`` gives ms."""

    def __init__(
        self, target: Target, creations: Creations, matcher: Matcher, owner: str, clock: Callable[[], int]
    ) -> None:
        self._target, self._creations, self._matcher = target, creations, matcher
        self._owner, self._clock = owner, clock

    async def create(
        self, notes: DeliveryNotes, row: NewRow, keys: Sequence[str]
    ) -> Made | MadeBefore | InTheWay | Refused:
        """Returns the row, made at most once; each round leaves out what the CRM named in the one before.

        Raises:
            Deferred: somebody is creating it now, or it is unknown whether it was created.
            ConnectorError: the CRM failed.
        """
        values, company_id = dict(row.values), row.company_id
        left_out: dict[str, RejectedError] = {}
        while True:
            claim = await self._claim(row, keys)
            if isinstance(claim, Created):
                return MadeBefore(claim.id)
            if not isinstance(claim, Claimed):
                await self._doubted(row.object, claim)
            texts = {name: text for name, (_, text) in values.items()} | {self._target.external_id: row.external_id}
            try:
                made = await self._send(notes, row, texts, company_id, claim)
            except ConflictError as conflict:
                return InTheWay(conflict.existing, conflict.rule)
            except RejectedError as refusal:
                named = values.keys() & set(refusal.fields)
                if not named and not company_id:
                    cause = refusal_cause(refusal, texts.values())
                    reason = f"{cause}: {', '.join(refusal.fields)}" if refusal.fields else cause
                    return Refused(reason, refusal.kind)
                if not named:
                    company_id = ""  # a link that cannot be made is not a reason to have no row
                left_out |= dict.fromkeys(named, refusal)
                values = {name: value for name, value in values.items() if name not in named}
                continue
            self._tell(notes, row, made, {name: _word(one, texts.values()) for name, one in left_out.items()})
            return Made(made, bool(company_id))

    async def close_open_intents(self, notes: DeliveryNotes) -> None:
        """Write rows to the journal that an earlier visit created before it died.

        One that came to bear our external id otherwise is not ours to take back.
        """
        for (object, external_id), one in last_creations(notes.intents).items():
            ids = await self._matcher.by_external_id(object, external_id)
            if ids and await self._creations.was_sent(self._target.crm, object, external_id):
                self._made(notes, one, ids[0], one.at)

    async def join(self, object: str, id: str, external_id: str, keys: Sequence[str]) -> None:
        """Makes a row that was made under one of the keys known by all of them."""
        await self._creations.join(self._target.crm, object, id, external_id, keys)

    async def is_archived(self, object: str, id: str) -> bool:
        """Tells whether a person had us archive the row."""
        return await self._creations.is_archived(self._target.crm, object, id)

    async def void(self, object: str, id: str, external_id: str, keys: Sequence[str]) -> None:
        """Frees these keys, which lead to the row no longer."""
        await self._creations.void(self._target.crm, object, id, external_id, keys)

    async def _claim(
        self, row: NewRow, keys: Sequence[str]
    ) -> Claimed | Created | BusyCreation | UnknownCreation | UnwantedCreation:
        whose = (self._target.crm, row.object, row.external_id)
        subjects = self._target.hashes(row.about)
        return await self._creations.claim(*whose, keys, self._owner, CREATE_MS, subjects)

    async def _send(
        self, notes: DeliveryNotes, row: NewRow, values: Mapping[str, str], company_id: str, claim: Claimed
    ) -> str:
        ticket = CreationTicket(self._creations, claim)
        written = {name: value for name, value in values.items() if name != self._target.external_id}
        run, at = notes.lease.run, self._clock()
        intended = IntentEntry.creation(row.object, row.external_id, run, at, written, company_id)
        notes.intents.append(intended.text())
        if not await self._target.work.intend(notes.lease, notes.intents):
            await ticket.released("lost")
            raise Deferred(0, "lost")
        try:
            made = await self._target.vendor.create(row.object, values, ticket, company_id)
        except RejectedError:
            notes.intents.remove(intended.text())
            raise
        except OutcomeUnknownError as unknown:
            raise Deferred(self._clock() + DOUBT_MS, "creation") from unknown
        except TicketSpentError as spent:
            raise Deferred(self._clock() + MOMENT_MS, "creation") from spent
        await self._creations.created(claim, made)
        self._made(notes, intended, made, self._clock())
        notes.made.add(made)
        return made

    @staticmethod
    def _made(notes: DeliveryNotes, creation: IntentEntry, id: str, at: int) -> None:
        """Tell the journal of a new row, once for all intents of it."""
        object, external_id = creation.object, creation.after
        notes.entries.append(created_entry(object, id, external_id, at, creation.values or {}))
        if creation.company_id:
            notes.entries.append(linked_entry(object, id, creation.company_id, external_id, at))
        notes.fresh[object, external_id] = at
        notes.intents = [one for one in notes.intents if (object, external_id) not in last_creations([one])]

    def _tell(self, notes: DeliveryNotes, row: NewRow, made: str, left_out: Mapping[str, WriteResult]) -> None:
        """Count the row, and note the values that were left out."""
        notes.count(f"created.{row.object}")
        for property, word in left_out.items():
            name, value = row.values[property]
            facts = (name, property, value, notes.lease.run, self._clock(), row.external_id)
            notes.refused(IntentEntry.of_row(row.object, made, *facts), word)

    async def _doubted(self, object: str, doubt: BusyCreation | UnknownCreation | UnwantedCreation) -> NoReturn:
        """Defers if somebody is creating the row now, or if that reply was lost.

        Look it up by its id, and match again.
        """
        if isinstance(doubt, UnwantedCreation):  # listed since the look: the next one leaves them out
            raise Deferred(self._clock(), Reason.SUPPRESSED)
        if isinstance(doubt, BusyCreation):
            raise Deferred(min(doubt.until_ms, self._clock() + MOMENT_MS), "creation")
        for key in doubt.keys:
            if key.startswith(external_key("")):
                ids = await self._matcher.by_external_id(object, key.removeprefix(external_key("")))
                if ids:
                    await self._creations.found(doubt.creation_id, ids[0])
                    raise Deferred(self._clock(), "creation")
        if self._clock() < doubt.since_ms + DOUBT_MS:
            raise Deferred(doubt.since_ms + DOUBT_MS, "creation")
        await self._creations.absent(doubt.creation_id)
        raise Deferred(self._clock(), "creation")


def refusal_cause(refusal: RejectedError, values: Iterable[str] = ()) -> str:
    """Returns the CRM's message about its refusal, without the parts that repeat ``values``."""
    return cause_of(_word(refusal, values))


def keep_back(
    notes: DeliveryNotes,
    what: str,
    refusal: RejectedError,
    at_ms: int,
    row: tuple[str, str],
    rows: tuple[tuple[str, str], ...] = (),
) -> None:
    """Notes the CRM's refusals; ``row`` is the object and external id of the person or company."""
    object, external_id = row
    notes.keep_back(what, refusal.kind, refusal_cause(refusal), at_ms, rows, object=object, external_id=external_id)


def _word(refusal: RejectedError, values: Iterable[str]) -> WriteResult:
    code, words = refusal.code or f"status {refusal.status}", plain_words(refusal.words, values)
    return WriteResult(Written.INVALID, code=code, kind=refusal.kind, words=words)
