"""Fills the blanks of rows that a delivered company or person has already: read, compare and write as one unit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from connectors.batching import Batcher, twin
from connectors.errors import ConnectorError, UnavailableError
from connectors.limits import Limiter
from connectors.models import Edit, Fate, Found, Record, Write, WriteResult, Written
from connectors.ports import Watched
from worker.decide import delivery
from worker.decide.delivery import Delivered
from worker.decide.gate import Verdict
from worker.decide.handles import Handle, of_record, of_values
from worker.decide.kept import cause_of, own_values
from worker.decide.obstacles import is_kept_back
from worker.decide.reasons import Reason
from worker.decide.record import locked_blanks, says_no
from worker.decide.undo import UNDO
from worker.decide.values.blanks import is_blank
from worker.decide.values.fields import PHONE_FIELDS, same_value
from worker.visits.batch_writer import AllowedWrite, BatchWriter, RowWrite
from worker.visits.delivery_notes import Deferred, DeliveryNotes
from worker.visits.delivery_target import Target
from worker.visits.journal_entries import IntentEntry, change_entry, intent, last_creations, linked_entry, scrubbed
from worker.visits.matching import Match, Matcher
from worker.visits.watch import spoilt

WHOLE_SECOND_MS = 1_000


class _Blanks(Struct, frozen=True):
    """Holds values for one row, to be written into its blanks; by property, with the field they are of.

    A row that ``key`` led to is written only while it is still the one of ``person``.
    """

    object: str
    id: str
    values: Mapping[str, tuple[str, str]]
    person: Delivered | None = None
    key: str = ""


class _Filled(Struct, frozen=True):
    """Holds what became of a row's blanks: values written by property, and the CRM's word on those it refused.

    ``closed`` says why nothing may be written on the person; ``unsure`` why nobody knows whether it was, and
    ``error`` is set if the calls failed. ``changed``: the row is somebody else's by now. ``seen`` are properties
    somebody else gave the same value meanwhile, ``company_id`` and ``stamp`` tell where the row was when it was read,
    and when it had changed last. ``away``: it is merged, converted or gone.
    """

    written: Mapping[str, str] = {}
    refused: Mapping[str, WriteResult] = {}
    closed: str = ""
    unsure: str = ""
    changed: bool = False
    away: bool = False
    seen: frozenset[str] = frozenset()
    company_id: str = ""
    stamp: int = 0
    error: ConnectorError | None = None


class BlankFiller:
    """Fills rows of one CRM. ``clock`` gives ms, ``rest`` waits seconds."""

    def __init__(
        self,
        target: Target,
        matcher: Matcher,
        limiter: Limiter,
        clock: Callable[[], int],
        *,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._target, self._matcher, self._clock = target, matcher, clock
        self._writer = BatchWriter(target.crm, target.vendor, limiter, rest=rest)
        self._fillers: dict[str, Batcher[_Blanks, _Filled]] = {}
        self._edits: dict[str, Batcher[str, Mapping[str, Edit]]] = {}

    async def aclose(self) -> None:
        for filler in self._fillers.values():
            await filler.aclose()
        for editors in self._edits.values():
            await editors.aclose()

    async def fill(
        self,
        notes: DeliveryNotes,
        object: str,
        id: str,
        delivered: Delivered,
        external_id: str,
        match: Match | None = None,
    ) -> None:
        """Write the values that the row lacks, with our external id, and never over an existing value."""
        schema, properties = self._target.schema[object], self._target.properties[object]
        fields: dict[str, tuple[str, str]] = {}
        for name, value in delivered.values.items():
            fitted, _ = delivery.to_properties({name: value}, properties, schema)
            fields |= {property: (name, text) for property, text in fitted.items()}
        if self._target.external_id in schema:
            fields[self._target.external_id] = ("external_id", external_id)
        for property in await self._locked(object, id, fields):
            del fields[property]
            notes.count("locked")
        intents = {
            property: IntentEntry.of_row(object, id, name, property, value, notes.lease.run, self._clock(), external_id)
            for property, (name, value) in fields.items()
        }
        texts = {one.text() for one in intents.values()}
        notes.intents += sorted(texts)
        if not await self._target.work.intend(notes.lease, notes.intents):
            raise Deferred(0, "lost")
        person, key = (delivered, match.key) if match else (None, "")
        filled = await self._filler(object).ask(_Blanks(object, id, fields, person, key))
        if filled.error is not None:
            raise twin(filled.error)
        if filled.changed:
            raise Deferred(self._clock(), "changed")
        if filled.away:  # a search may show it for a while yet, so the next visits come later and later
            raise UnavailableError(self._target.crm, "fill_blanks", code="gone")
        if filled.unsure:  # the next visit reads the outcome, and writes values that are still blank
            raise UnavailableError(self._target.crm, "fill_blanks", code=filled.unsure)
        notes.intents = [text for text in notes.intents if text not in texts]
        if filled.closed:
            notes.closed[id] = filled.closed
        notes.at_company[id], notes.stamps[object, id] = filled.company_id, filled.stamp
        notes.entries += [change_entry(intents[property], "confirmed") for property in filled.written]
        notes.entries += [change_entry(intents[property], "seen") for property in sorted(filled.seen)]
        notes.count("blanks", len(filled.written))
        for property, word in filled.refused.items():
            notes.refused(intents[property], word)
        for word in {one.kind: one for one in filled.refused.values() if is_kept_back(one)}.values():
            whom = f"{'company' if object == 'company' else 'prospect'} {external_id}"
            what = f"{object} {id} does not take what was delivered of {whom}"
            named = {"object": object, "external_id": external_id}
            notes.keep_back(what, word.kind, cause_of(word), self._clock(), ((object, id),), **named)

    async def _locked(self, object: str, id: str, fields: Iterable[str]) -> list[str]:
        """Returns the properties that a person has edited lately; those that hold a value are left alone anyway."""
        lock_ms = {name: ms for name, ms in self._target.locks.get(object, {}).items() if name in fields}
        if not lock_ms:
            return []
        edits = await self._editors(object).ask(id)
        return sorted(locked_blanks(edits, lock_ms, await self._target.vendor.now()))

    def _editors(self, object: str) -> Batcher[str, Mapping[str, Edit]]:
        if object not in self._edits:
            properties, vendor = sorted(self._target.locks[object]), self._target.vendor

            async def edited(ids: Sequence[str]) -> Mapping[str, Mapping[str, Edit]]:
                return await vendor.edits(object, ids, properties)

            self._edits[object] = Batcher(self._target.crm, "edits", edited, str, vendor.batch)
        return self._edits[object]

    def _filler(self, object: str) -> Batcher[_Blanks, _Filled]:
        if object not in self._fillers:
            self._fillers[object] = Batcher(
                self._target.crm, "fill_blanks", self._fill_blanks, lambda one: one.id, self._target.vendor.batch
            )
        return self._fillers[object]

    async def _fill_blanks(self, rows: Sequence[_Blanks]) -> dict[str, _Filled]:
        """Fills blanks and tells what became of each row's, by id."""
        object, asked = rows[0].object, {row.id: row for row in rows}
        named = self._matcher.read_for(object) if any(row.person for row in rows) else ()
        opt_out = self._target.opt_out.get(object, {})
        needed = {*named, *opt_out, *self._target.consent.get(object, ())}
        offered = {property for row in rows for property in row.values}
        optional = frozenset(offered - needed - {self._target.external_id})
        watched = Watched(object, tuple(sorted(offered | needed)), optional=optional)
        filled = {row.id: _Filled() for row in rows}

        async def read(ids: Sequence[str]) -> Mapping[str, Found]:
            return await self._target.vendor.read(watched, ids)

        async def compare(found: Mapping[str, Found], states: Mapping[str, RowWrite]) -> Mapping[str, AllowedWrite]:
            wanted: dict[str, AllowedWrite] = {}
            rows = {id: one.record for id, one in found.items() if one.record is not None}
            listed = dict(
                zip(rows, await self._target.suppressed([self._handles(one) for one in rows.values()]), strict=True)
            )
            shut = await self._shut(object, list(rows))
            texts = {id: [(name, name, text) for name, text in asked[id].values.values()] for id in rows}
            bad = await spoilt(self._target.are_bad, texts)
            for id, one in found.items():
                if one.fate is Fate.UNKNOWN:
                    filled[id] = _Filled(unsure="unread")
                elif one.fate is not Fate.FOUND:
                    filled[id] = _Filled(away=True)
                elif one.record is not None and not await self._is_still(asked[id], one.record):
                    filled[id] = _Filled(changed=True)
                elif listed.get(id):
                    filled[id] = _Filled(closed=Reason.SUPPRESSED)
                elif one.record is not None and (one.record.opted_out or says_no(one.record, opt_out)):
                    filled[id] = _Filled(closed=Reason.OPTED_OUT)
                elif one.record is not None:
                    filled[id] = _Filled(company_id=one.record.company_id, stamp=stamp_to_compare(one.record))
                    closed = shut.get(id, frozenset()) | bad.get(id, frozenset())
                    open_ = replace(asked[id], values=_but(asked[id].values, closed))
                    wanted[id] = _wanted(one.record, open_, states[id], self._target.blank_values)
            return wanted

        states = await self._writer.write(object, list(asked), read, compare)
        return {id: _filled(filled[id], asked[id], states[id]) for id in asked}

    async def _shut(self, object: str, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Returns by row the fields whose value of ours was undone, cleared or rejected: only a replay opens them.

        An undo under way has left its intent before it writes. Intents are read before what is remembered, so that
        one that settles in between is seen there.
        """
        work = self._target.memory.get(object)
        if work is None:
            return {}
        under_way = await work.texts.open_intents(ids)
        memories = await work.memory(ids)
        shut = {
            id: {name for name, value in own_values(memory.own).items() if value.refused}
            for id, memory in memories.items()
        }
        for id, texts in under_way.items():
            undone = {one.field for one in map(intent, texts) if one.rule == UNDO}
            shut[id] = shut.get(id, set()) | undone
        return {id: frozenset(names) for id, names in shut.items()}

    def _handles(self, record: Record) -> frozenset[Handle]:
        """Returns the handles in the properties read of a row."""
        names = self._target.readable[record.object]
        held = {field: text for field, name in names.items() if (text := record.values.get(name))}
        known = of_values(held, (self._target.default_region,) if self._target.default_region else ())
        return known | {of_record(self._target.crm, record.object, record.id)}

    async def _is_still(self, row: _Blanks, record: Record) -> bool:
        """Tells whether a row that was matched to a person is still that person's."""
        return row.person is None or await self._matcher.judge(record, row.person, row.key) is Verdict.SAME

    async def _close_links(self, notes: DeliveryNotes, links: Sequence[IntentEntry]) -> None:
        """Write links to the journal that an earlier visit made before it died."""
        ids = list(dict.fromkeys(one.id for one in links))
        found: dict[str, Found] = {}
        for start in range(0, len(ids), self._target.vendor.batch):
            found |= await self._target.vendor.read(
                Watched("contact", ()), ids[start : start + self._target.vendor.batch]
            )
        for one in {(one.id, one.company_id): one for one in links}.values():
            record = found[one.id].record
            if record is not None and record.company_id == one.company_id:
                notes.entries.append(linked_entry(one.object, one.id, one.company_id, one.external_id, one.at))
        notes.intents = [text for text in notes.intents if not intent(text).is_link()]

    def _came_with_creation(self, one: IntentEntry, creation: IntentEntry | None) -> bool:
        """Tells whether a value has been on its row since we created the row: no later change of ours wrote it."""
        return creation is not None and one.property in {self._target.external_id, *(creation.values or {})}

    def _is_anothers(self, one: IntentEntry, held: Mapping[tuple[str, str], Mapping[str, str | None]]) -> bool:
        """Tells whether a row bears what another delivery is known by: its creation may have brought the values."""
        bears = held[one.object, one.id].get(self._target.external_id)
        return bool(bears) and bears != one.external_id

    async def close_open_intents(self, notes: DeliveryNotes) -> None:
        """Tell the journal what became of the values and links that an earlier visit of this row was about to write.

        Of a row that is gone the journal gets no values: its person may have been erased meanwhile.
        """
        gone: set[tuple[str, str]] = set()
        held: dict[tuple[str, str], Mapping[str, str | None]] = {}
        intents = [intent(text) for text in notes.lease.intents]
        await self._close_links(notes, [one for one in intents if one.is_link()])
        changes = [one for one in intents if not one.is_creation() and not one.is_link()]
        creations = {key: one for key, one in last_creations(notes.lease.intents).items() if key in notes.fresh}
        for object in dict.fromkeys(one.object for one in changes):
            mine = [one for one in changes if one.object == object]
            known_by = {self._target.external_id} & self._target.schema.get(object, {}).keys()
            watched = Watched(object, tuple(dict.fromkeys([*(one.property for one in mine), *known_by])))
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
            names_of = await self._target.vendor.ours(object, *asked)
            ours |= {(object, id): names for id, names in names_of.items()}
        for one in changes:
            state = "unsent"
            if one in same:  # it may have been there before, by somebody else: then it is not ours to undo
                is_made = self._came_with_creation(one, creations.get((one.object, one.external_id)))
                is_ours = one.property in ours.get((one.object, one.id), ()) and not self._is_anothers(one, held)
                state = "confirmed" if is_ours and not is_made else "seen"
            is_gone = (one.object, one.id) in gone
            notes.entries.append(scrubbed(change_entry(one, "gone")) if is_gone else change_entry(one, state))
            notes.intents.remove(one.text())


def _but(values: Mapping[str, tuple[str, str]], shut: frozenset[str]) -> dict[str, tuple[str, str]]:
    return {property: (name, text) for property, (name, text) in values.items() if name not in shut}


def _wanted(record: Record, row: _Blanks, state: RowWrite, blank_values: tuple[str, ...] = ()) -> AllowedWrite:
    """Returns the delivered values that may be written; people who must not be called get no number."""
    held = {name: record.values.get(name) or "" for name in row.values}
    blank = {
        name: value
        for name, (field_, value) in row.values.items()
        if is_blank(held[name], blank_values)
        and name not in state.refused
        and not (record.do_not_call and field_ in PHONE_FIELDS)
    }
    same = frozenset(name for name, (field_, value) in row.values.items() if same_value(field_, value, held[name]))
    return AllowedWrite(Write(row.id, blank, record.modified), same)


def stamp_to_compare(record: Record) -> int:
    """Returns the stamp that any later change differs from; 0 if one within the same second could have it too."""
    is_whole = record.modified % WHOLE_SECOND_MS == 0  # Salesforce's stamps always are
    return 0 if is_whole and record.read_at - record.modified < WHOLE_SECOND_MS else record.modified


def _filled(read: _Filled, row: _Blanks, state: RowWrite) -> _Filled:
    """Returns what became of a row's blanks: ``read`` is what its last read said, ``state`` what its writes did."""
    if state.error is not None:
        return _Filled(error=state.error)
    word = state.word
    refused = {name: word for name, word in state.refused.items() if name in row.values}
    if word is not None and word.outcome is Written.GONE:
        return _Filled(away=True)
    if word is not None and word.outcome in {Written.LOCKED, Written.UNKNOWN, Written.CHANGED}:
        return _Filled(refused=refused, unsure=word.code or word.outcome)
    return replace(read, written=state.written, refused=refused, seen=frozenset(state.seen))
