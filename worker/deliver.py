"""Brings one delivered company and its people into one CRM: match, else create once, fill blanks, link.

A creation is a ticket: it holds the external id and every natural key, so that two rows naming one company, two
workers, or a crash between a create and its answer still make one row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import structlog
from pydantic import TypeAdapter

from connectors.batching import Batcher, twin
from connectors.errors import ConflictError, ConnectorError, OutcomeUnknownError, UnavailableError
from connectors.limits import Limiter, TicketSpentError
from connectors.models import Fate, Found, Grade, Property, Record, Write, WriteResult, Written
from connectors.openprospect import DeliveredCompany
from connectors.ports import Crm, Watched
from worker.batch_writer import BatchWriter, RowWrite, Wanted
from worker.decide import delivery
from worker.decide.delivery import Delivered
from worker.decide.gate import Verdict
from worker.decide.kept import cause_of
from worker.decide.reasons import Reason
from worker.decide.values.blanks import is_blank
from worker.decide.values.fields import PHONE_FIELDS, same_value
from worker.journal_entries import Intent, change_entry, created_entry, intent, scrubbed, signal_entry
from worker.ledger.creations import (
    BusyCreation,
    Claimed,
    Created,
    Creations,
    CreationTicket,
    UnknownCreation,
    external_key,
)
from worker.ledger.deliveries import Deliveries
from worker.ledger.signals import Signals
from worker.ledger.work import Due, Ending, Lane, Lease, Settlement, Work
from worker.matching import Match, Matcher

CREATE_MS = 100_000  # a creation's deadline: slot, connection and answer, with room to spare
DOUBT_MS = 30_000  # after a lost answer the row may still appear for this long
MOMENT_MS = 2_000
NOTE_MOST = 1_000  # letters of a dead letter's reason
_ROW: TypeAdapter[DeliveredCompany] = TypeAdapter(DeliveredCompany)
log = structlog.get_logger(__name__)


class _Deferred(Exception):  # noqa: N818 - no error: the way out of a nested step
    def __init__(self, until_ms: int, reason: str) -> None:
        super().__init__(reason)
        self.until_ms, self.reason = until_ms, reason


@dataclass(frozen=True, slots=True)
class Target:
    """Where deliveries of one CRM go.

    ``properties`` and ``schema`` are by object; ``properties`` maps canonical fields and leaves out those whose rule
    is ``never``, ``readable`` leaves out none. ``fill`` is the work created contacts join, ``None`` when nobody watches
    them.
    """

    crm: str
    vendor: Crm
    person: str
    external_id: str
    properties: Mapping[str, Mapping[str, str]]
    readable: Mapping[str, Mapping[str, str]]
    schema: Mapping[str, Mapping[str, Property]]
    accept: Mapping[str, frozenset[Grade]]
    default_region: str
    work: Work
    fill: Work | None


@dataclass(slots=True)
class _Story:
    lease: Lease
    entries: list[str] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)  # rows of people who opted out
    problems: list[str] = field(default_factory=list)  # what a person has to look at, each a sentence without names

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by


@dataclass(frozen=True, slots=True)
class _Blanks:
    """Values for one row, written where it is blank; by property, with the field they are of.

    A row that ``key`` led to is written only while it is still the one of ``person``.
    """

    object: str
    id: str
    values: Mapping[str, tuple[str, str]]
    person: Delivered | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class _Filled:
    """What became of a row's blanks: values written by property, and the CRM's word on those it refused.

    ``closed``: the person opted out, so nothing may be written; ``unsure`` says why nobody knows whether it was, and
    ``error`` stands where the calls failed. ``changed``: the row is somebody else's by now. ``seen`` are properties
    somebody else gave the same value meanwhile.
    """

    written: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, WriteResult] = field(default_factory=dict)
    closed: bool = False
    unsure: str = ""
    changed: bool = False
    seen: frozenset[str] = frozenset()
    error: ConnectorError | None = None


class Deliverer:
    """Handles the delivery leases of one CRM. ``clock`` gives ms."""

    def __init__(
        self,
        target: Target,
        deliveries: Deliveries,
        creations: Creations,
        signals: Signals,
        limiter: Limiter,
        owner: str,
        clock: Callable[[], int],
        *,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._target, self._deliveries, self._creations = target, deliveries, creations
        self._signals, self._owner, self._clock = signals, owner, clock
        self._writer = BatchWriter(target.crm, target.vendor, limiter, rest=rest)
        self._matcher = Matcher(
            target.vendor, target.external_id, target.readable, target.schema, target.default_region
        )
        self._fillers: dict[str, Batcher[_Blanks, _Filled]] = {}
        self._links: Batcher[tuple[str, str], bool] = Batcher(
            target.crm, "link", self._link, lambda pair: f"{pair[0]} {pair[1]}", target.vendor.batch
        )

    async def deliver(self, lease: Lease) -> None:
        """From the lease of one delivered row to its end.

        Raises:
            ConnectorError: the CRM failed; ``worker.attend`` says what becomes of the row.
        """
        row = await self._deliveries.row(lease.id)
        story = _Story(lease, intents=list(lease.intents))
        try:
            if row is not None:
                await self._bring(story, _ROW.validate_json(row.json))
        except _Deferred as deferred:
            # Its intents stay open: the next visit reads what became of them and tells the journal, once.
            await self._target.work.defer(lease, deferred.until_ms, deferred.reason)
            log.info("visit.deferred", reason=deferred.reason)
            return
        if story.problems:
            note = "; ".join(story.problems)[:NOTE_MOST]
            ending = await self._target.work.bury(
                lease, note, entries=story.entries, tally=story.counts, close_intents=True
            )
            log.error("visit.buried", reason="delivery", problems=len(story.problems), ending=ending)
            return
        if row is not None:
            await self._deliveries.settled(self._target.crm, lease.id, row.digest)
        settlement = Settlement(
            fingerprint=None, stamp=0, read_at=0, entries=tuple(story.entries), tally=story.counts, outcome="delivered"
        )
        if await self._target.work.settle(lease, settlement) is not Ending.LOST:
            log.info("visit.settled", **{name.replace(".", "_"): count for name, count in story.counts.items()})

    async def aclose(self) -> None:
        """Send what is gathered."""
        await self._matcher.aclose()
        for filler in self._fillers.values():
            await filler.aclose()
        await self._links.aclose()

    async def _bring(self, story: _Story, row: DeliveredCompany) -> None:
        target = self._target
        await self._close_open_intents(story)
        company = delivery.company(row.company, target.default_region)
        company_id = await self._company(story, company, row.company.id)
        if company_id:
            story.count("companies")
        people: list[str] = []
        for one in row.people:
            told = delivery.person(one, row.company, target.accept, target.default_region)
            person_id = await self._person(story, told, one.id)
            if person_id in story.closed:
                story.count("opted_out")
            elif person_id:
                people.append(person_id)
                story.count("contacts")
        if company_id:
            for person_id in people:
                await self._links.ask((person_id, company_id))
        if target.fill and people:
            rows = [Due(person_id) for person_id in dict.fromkeys(people)]
            await target.fill.add(rows, lane=Lane.LIVE, run=story.lease.run)

    # ---- one row -------------------------------------------------------------------------------------------------

    async def _company(self, story: _Story, told: Delivered, external_id: str) -> str:
        """The company's row, made where there is none; ``""`` when it cannot be made."""
        values = self._values(story, "company", told)
        if found := await self._matcher.company(told, external_id):
            await self._fill(story, "company", found, told, external_id)
            return found
        if not told.complete:
            story.count("incomplete")
            return ""
        match await self._claim("company", external_id, told.keys):
            case Claimed() as claim:
                return await self._create(story, "company", told, external_id, values, claim)
            case Created(id):
                return await self._made_before(story, "company", told, external_id, id)
            case doubt:
                return await self._doubted("company", doubt)

    async def _person(self, story: _Story, told: Delivered, external_id: str) -> str:
        """The person's row, made where there is none; ``""`` where nobody can tell whose a row is, or make one."""
        object = self._target.person
        values = self._values(story, object, told)
        match = await self._matcher.person(object, told, external_id)
        for other in dict.fromkeys(match.others.values()):
            await self._is_anothers(story, object, other, external_id)
        if match.id and match.sure:
            await self._fill(story, object, match.id, told, external_id, match)
            return match.id
        if match.id:
            return self._cannot_tell(story, object, match.id, external_id)
        if "" in match.others:  # it carries our id, which no second row can have
            return self._forbidden(story, object, match.others[""], external_id)
        if not told.complete:
            story.count("incomplete")
            return ""
        keys = delivery.apart(told.keys, match.others, told)
        for claimed in dict.fromkeys((keys, delivery.apart(told.keys, told.keys, told))):
            match await self._claim(object, external_id, claimed):
                case Claimed() as claim:
                    return await self._create(story, object, told, external_id, values, claim)
                case Created(id):
                    verdict = await self._matcher.judged(object, id, told)
                    if verdict is not Verdict.OTHER:
                        return await self._made_before(story, object, told, external_id, id)
                    await self._creations.void(self._target.crm, object, id, external_id, ())
                    await self._is_anothers(story, object, id, external_id)
                case doubt:
                    return await self._doubted(object, doubt)
        return self._forbidden(story, object, id, external_id)

    def _values(self, story: _Story, object: str, told: Delivered) -> dict[str, str]:
        """What a new row would hold; what may not be written is counted."""
        values, dropped = delivery.to_properties(
            told.values, self._target.properties[object], self._target.schema[object]
        )
        for reason, count in (*told.dropped.items(), *dropped.items()):
            story.count(f"dropped.{reason}", count)
        return values

    async def _claim(
        self, object: str, external_id: str, keys: Sequence[str]
    ) -> Claimed | Created | BusyCreation | UnknownCreation:
        return await self._creations.claim(self._target.crm, object, external_id, keys, self._owner, CREATE_MS)

    async def _is_anothers(self, story: _Story, object: str, id: str, external_id: str) -> None:
        """Tell that a row was found by the delivered person's address or profile and names somebody else."""
        story.count(Reason.WRONG_PERSON)
        values = {"external_id": external_id}
        entry = signal_entry(Reason.WRONG_PERSON, "openprospect", "", values, self._clock())
        what = f"{Reason.WRONG_PERSON}:{external_id}"
        if await self._signals.tell(self._target.crm, object, id, story.lease.run, what, entry):
            log.info("signal.told", signal=Reason.WRONG_PERSON, provider="openprospect")

    def _forbidden(self, story: _Story, object: str, id: str, external_id: str) -> str:
        """A row of somebody else keeps the person out: somebody has to look at both."""
        story.problems.append(
            f"{object} {id} names somebody else than prospect {external_id} and holds the prospect's id or address: "
            "correct one of the two, then replay"
        )
        return ""

    def _cannot_tell(self, story: _Story, object: str, id: str, external_id: str) -> str:
        """Nothing is written on a row that has no name and agrees in nothing else."""
        story.count("unsure_person")
        story.problems.append(
            f"{object} {id} may be prospect {external_id} and says too little to tell: name it, then replay"
        )
        return ""

    async def _create(
        self, story: _Story, object: str, told: Delivered, external_id: str, values: dict[str, str], claim: Claimed
    ) -> str:
        ticket = CreationTicket(self._creations, claim)
        intended = Intent.creation(object, external_id, story.lease.run, self._clock())
        story.intents.append(intended.text())
        if not await self._target.work.intend(story.lease, story.intents):
            await ticket.released("lost")
            raise _Deferred(0, "lost")
        try:
            made = await self._target.vendor.create(object, values | {self._target.external_id: external_id}, ticket)
        except ConflictError as conflict:
            if not conflict.existing_id:
                # A row that we cannot see holds the value: that may last, so it is tried less and less.
                raise UnavailableError(self._target.crm, "create", conflict.status, code="CONFLICT") from conflict
            story.intents.remove(intended.text())
            return await self._in_the_way(story, object, told, external_id, conflict.existing_id)
        except OutcomeUnknownError as unknown:
            raise _Deferred(self._clock() + DOUBT_MS, "creation") from unknown
        except TicketSpentError as spent:
            raise _Deferred(self._clock() + MOMENT_MS, "creation") from spent
        await self._creations.created(claim, made)
        story.entries.append(created_entry(object, made, external_id, self._clock()))
        story.intents.remove(intended.text())
        story.count(f"created.{object}")
        return made

    async def _in_the_way(self, story: _Story, object: str, told: Delivered, external_id: str, id: str) -> str:
        """The CRM refuses a second row beside this one: it is the one, or a person has to look."""
        if object == self._target.person:
            key = next((key for key in told.keys if key.startswith("email:")), "email:")
            verdict = await self._matcher.judged(object, id, told, key)
            if verdict is Verdict.OTHER:
                await self._is_anothers(story, object, id, external_id)
                return self._forbidden(story, object, id, external_id)
            if verdict is Verdict.UNSAID:
                return self._cannot_tell(story, object, id, external_id)
        await self._fill(story, object, id, told, external_id)
        return id

    async def _made_before(self, story: _Story, object: str, told: Delivered, external_id: str, id: str) -> str:
        """A row we made under one of the keys, unless it is gone by now."""
        watched = Watched(object, (self._target.external_id,))
        found = (await self._target.vendor.read(watched, [id]))[id]
        if found.fate is Fate.GONE:
            await self._creations.void(self._target.crm, object, id, external_id, told.keys)
            raise _Deferred(self._clock(), "void")
        if found.fate is Fate.UNKNOWN:
            raise _Deferred(self._clock() + MOMENT_MS, "unread")
        id = found.moved_to or (found.record.id if found.record else id)
        await self._creations.join(self._target.crm, object, id, external_id, told.keys)
        await self._fill(story, object, id, told, external_id)
        return id

    async def _doubted(self, object: str, doubt: BusyCreation | UnknownCreation) -> NoReturn:
        """Somebody makes the row now, or the answer to that was lost: look it up by its id, and match again."""
        if isinstance(doubt, BusyCreation):
            raise _Deferred(min(doubt.until_ms, self._clock() + MOMENT_MS), "creation")
        for key in doubt.keys:
            if key.startswith(external_key("")):
                ids = await self._matcher.by_external_id(object, key.removeprefix(external_key("")))
                if ids:
                    await self._creations.found(doubt.creation_id, ids[0])
                    raise _Deferred(self._clock(), "creation")
        if self._clock() < doubt.since_ms + DOUBT_MS:
            raise _Deferred(doubt.since_ms + DOUBT_MS, "creation")
        await self._creations.absent(doubt.creation_id)
        raise _Deferred(self._clock(), "creation")

    # ---- blanks of a matched row ---------------------------------------------------------------------------------

    async def _fill(
        self, story: _Story, object: str, id: str, told: Delivered, external_id: str, match: Match | None = None
    ) -> None:
        """Write what the row lacks, our external id with it, and nothing over a value that is there."""
        schema, properties = self._target.schema[object], self._target.properties[object]
        fields: dict[str, tuple[str, str]] = {}
        for name, value in told.values.items():
            fitted, _ = delivery.to_properties({name: value}, properties, schema)
            fields |= {property: (name, text) for property, text in fitted.items()}
        if self._target.external_id in schema:
            fields[self._target.external_id] = ("external_id", external_id)
        intents = {
            property: Intent.of_row(object, id, name, property, value, story.lease.run, self._clock())
            for property, (name, value) in fields.items()
        }
        held = [*story.intents, *(one.text() for one in intents.values())]
        if not await self._target.work.intend(story.lease, held):
            raise _Deferred(0, "lost")
        person, key = (told, match.key) if match else (None, "")
        filled = await self._filler(object).ask(_Blanks(object, id, fields, person, key))
        if filled.error is not None:
            raise twin(filled.error)
        if filled.changed:
            raise _Deferred(self._clock(), "changed")
        if filled.unsure:  # the next visit reads what became of it, and writes what is still blank
            raise UnavailableError(self._target.crm, "fill_blanks", code=filled.unsure)
        if filled.closed:
            story.closed.add(id)
        story.entries += [change_entry(intents[property], "confirmed") for property in filled.written]
        story.entries += [change_entry(intents[property], "seen") for property in sorted(filled.seen)]
        story.count("blanks", len(filled.written))
        for property, word in filled.refused.items():
            story.count(f"dropped.{word.kind}")
            story.entries.append(change_entry(intents[property], "refused", cause=cause_of(word)))

    def _filler(self, object: str) -> Batcher[_Blanks, _Filled]:
        if object not in self._fillers:
            self._fillers[object] = Batcher(
                self._target.crm, "fill_blanks", self._fill_blanks, lambda one: one.id, self._target.vendor.batch
            )
        return self._fillers[object]

    async def _fill_blanks(self, rows: Sequence[_Blanks]) -> dict[str, _Filled]:
        """What became of each row's blanks, by id."""
        object, asked = rows[0].object, {row.id: row for row in rows}
        named = self._matcher.read_for(object) if any(row.person for row in rows) else ()
        watched = Watched(object, tuple(sorted({property for row in rows for property in row.values} | set(named))))
        filled = {row.id: _Filled() for row in rows}

        async def read(ids: Sequence[str]) -> Mapping[str, Found]:
            return await self._target.vendor.read(watched, ids)

        async def compare(found: Mapping[str, Found], states: Mapping[str, RowWrite]) -> Mapping[str, Wanted]:
            wanted: dict[str, Wanted] = {}
            for id, one in found.items():
                if one.fate is Fate.UNKNOWN:
                    filled[id] = _Filled(unsure="unread")
                elif one.record is not None and not await self._is_still(asked[id], one.record):
                    filled[id] = _Filled(changed=True)
                elif one.record is not None and one.record.opted_out:
                    filled[id] = _Filled(closed=True)
                elif one.fate is Fate.FOUND and one.record is not None:
                    wanted[id] = _wanted(one.record, asked[id], states[id])
            return wanted

        states = await self._writer.write(object, list(asked), read, compare)
        return {id: _filled(filled[id], asked[id], states[id]) for id in asked}

    async def _is_still(self, row: _Blanks, record: Record) -> bool:
        """Whether a row that was matched to a person is still that person's."""
        return row.person is None or await self._matcher.judge(record, row.person, row.key) is Verdict.SAME

    async def _close_open_intents(self, story: _Story) -> None:
        """Tell the journal what became of what an earlier visit of this row was about to do.

        Of a row that is gone it is told without values: its person may have been erased meanwhile.
        """
        gone: set[tuple[str, str]] = set()
        held: dict[tuple[str, str], Mapping[str, str | None]] = {}
        changes: list[Intent] = []
        for one in [intent(text) for text in story.lease.intents]:
            if not one.is_creation():
                changes.append(one)
            elif ids := await self._matcher.by_external_id(one.object, one.after):
                story.entries.append(created_entry(one.object, ids[0], one.after, one.at))
                story.intents.remove(one.text())
        for object in dict.fromkeys(one.object for one in changes):
            mine = [one for one in changes if one.object == object]
            watched = Watched(object, tuple(dict.fromkeys(one.property for one in mine)))
            ids_ = list(dict.fromkeys(one.id for one in mine))
            for start in range(0, len(ids_), self._target.vendor.batch):
                found = await self._target.vendor.read(watched, ids_[start : start + self._target.vendor.batch])
                held |= {(object, id): one.record.values if one.record else {} for id, one in found.items()}
                gone |= {(object, id) for id, one in found.items() if one.fate is Fate.GONE}
        same = [
            one for one in changes if same_value(one.field, one.after, held[one.object, one.id].get(one.property) or "")
        ]
        ours: dict[tuple[str, str], frozenset[str]] = {}
        for object in dict.fromkeys(one.object for one in same):
            mine = [one for one in same if one.object == object]
            asked = (list(dict.fromkeys(one.id for one in mine)), sorted({one.property for one in mine}))
            told = await self._target.vendor.ours(object, *asked)
            ours |= {(object, id): names for id, names in told.items()}
        for one in changes:
            state = "unsent"
            if one in same:  # it may have been there before, by somebody else: then it is not ours to undo
                state = "confirmed" if one.property in ours.get((one.object, one.id), ()) else "seen"
            is_gone = (one.object, one.id) in gone
            story.entries.append(scrubbed(change_entry(one, "gone")) if is_gone else change_entry(one, state))
            story.intents.remove(one.text())

    # ---- batched calls -------------------------------------------------------------------------------------------

    async def _link(self, pairs: Sequence[tuple[str, str]]) -> dict[str, bool]:
        await self._target.vendor.link(self._target.person, pairs)
        return {f"{one} {other}": True for one, other in pairs}


def _wanted(record: Record, row: _Blanks, state: RowWrite) -> Wanted:
    """Returns what of the delivered values may be written; who is not to be called gets no number."""
    held = {name: record.values.get(name) or "" for name in row.values}
    blank = {
        name: value
        for name, (field_, value) in row.values.items()
        if is_blank(held[name]) and name not in state.refused and not (record.do_not_call and field_ in PHONE_FIELDS)
    }
    same = frozenset(name for name, (field_, value) in row.values.items() if same_value(field_, value, held[name]))
    return Wanted(Write(row.id, blank, record.modified), same)


def _filled(read: _Filled, row: _Blanks, state: RowWrite) -> _Filled:
    """Returns what became of a row's blanks: ``read`` is what its last read said, ``state`` what its writes did."""
    if state.error is not None:
        return _Filled(error=state.error)
    word = state.word
    refused = {name: told for name, told in state.refused.items() if name in row.values}
    if word is not None and word.outcome in {Written.LOCKED, Written.UNKNOWN, Written.CHANGED}:
        return _Filled(refused=refused, unsure=word.code or word.outcome)
    return replace(read, written=state.written, refused=refused, seen=frozenset(state.seen))
