"""Writes changes to a CRM: intents first, then re-read, compare and write as one unit per batch.

What is written is what still holds on the re-read record: a gap that somebody closed meanwhile is left alone, and a
record whose identity or selection changed is handed back to be visited again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum

import structlog
from msgspec import Struct
from msgspec.structs import replace

from connectors.batching import Batcher, twin
from connectors.errors import AccessError, ConnectorError
from connectors.limits import Limiter
from connectors.models import Discreet, Fate, Found, Property, Provenance, Record, Write, WriteResult, Written
from worker.decide import pushing
from worker.decide.decision import Change
from worker.decide.kept import OurValue
from worker.decide.pushing import ChangeVerdict
from worker.decide.record import View, with_values
from worker.decide.undo import UNDO, Undoable, UndoVerdict, verdicts
from worker.decide.values.fields import same_value
from worker.ledger.work.work import Lease
from worker.visits.batch_writer import AllowedWrite, BatchWriter, RowWrite
from worker.visits.journal_entries import IntentEntry
from worker.visits.watch import Watch, spoilt

log = structlog.get_logger(__name__)
Lines = Mapping[str, tuple[tuple[str, str], ...]]


class PushEnd(StrEnum):
    """Tells what became of one record's changes."""

    PUSHED = "pushed"  # ``WriteOutcome.written`` and ``WriteOutcome.refused`` say which
    CHANGED = "changed"  # the record is another one now: visit it again
    AWAY = "away"  # merged, converted or gone: ``WriteOutcome.found``
    AGAIN = "again"  # locked, or no word about it: the next visit looks what became of the intents
    LOST = "lost"  # the lease is not ours any more: nothing more was sent
    FAILED = "failed"  # ``WriteOutcome.error``


class PendingWrite(Discreet, frozen=True):
    """Holds the changes of one leased record.

    ``view`` is the basis of the decision, ``undo`` the changes that they take back.
    """

    hidden = frozenset({"own", "intents", "undo"})
    lease: Lease
    view: View
    own: Mapping[str, OurValue]
    changes: tuple[Change, ...]
    intents: tuple[IntentEntry, ...]
    undo: tuple[Undoable, ...] = ()


class WriteOutcome(Struct, frozen=True):
    """Says how a write ended. ``record`` is the row as last read, ``overtaken`` the fields that a person wrote first.

    ``seen`` are values of ours that somebody else wrote meanwhile. ``undone`` is the verdict on each undone field.
    ``unsure``: something was sent, and only the next visit can tell the outcome. ``error`` is set if the calls failed.
    ``request`` is the vendor's own id of the call that wrote.
    """

    ended: PushEnd
    record: Record | None = None
    found: Found | None = None
    written: tuple[Change, ...] = ()
    unsent: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    words: Mapping[str, WriteResult] = {}  # of refused values, by field
    overtaken: tuple[Change, ...] = ()
    seen: tuple[Change, ...] = ()
    cause: str = ""
    unsure: bool = False
    undone: Mapping[str, UndoVerdict] = {}
    error: ConnectorError | None = None
    request: str = ""


class Pusher:
    """Writes the changes of concurrent visits of one watched object in the vendor's batches."""

    def __init__(
        self, watch: Watch, limiter: Limiter, *, verify: frozenset[str], doubt: Callable[[], None] = lambda: None
    ) -> None:
        self._watch, self._verify, self._doubt = watch, verify, doubt
        self._writer = BatchWriter(watch.crm, watch.vendor, limiter)
        self._refused: tuple[Property, ...] = ()  # marks, as the schema had them when the crm did not take them
        self._batch: Batcher[PendingWrite, WriteOutcome] = Batcher(
            watch.crm, "push", self._send, lambda pending: pending.lease.id, watch.vendor.batch
        )

    async def push(self, pending: PendingWrite) -> WriteOutcome:
        """Write one record's changes together with those of other visits.

        Raises:
            ConnectorError: the calls ended in it; the intents stay open and the next visit looks what became of them.
        """
        pushed = await self._batch.ask(pending)
        if pushed.error is not None:
            raise twin(pushed.error)
        return pushed

    async def aclose(self) -> None:
        await self._batch.aclose()

    async def _send(self, pending: Sequence[PendingWrite]) -> Mapping[str, WriteOutcome]:
        marks = pushing.usable_marks(self._watch.vendor.provenance, self._watch.schema, self._refused)
        batch = _PushBatch(self._watch, marks, {one.lease.id: one for one in pending})
        if undoing := [key for key, one in batch.pending.items() if one.undo]:
            names = sorted({one.property for key in undoing for one in batch.pending[key].undo})
            batch.ours |= await self._watch.vendor.ours(self._watch.object, undoing, names)
        rows = await self._writer.write(self._watch.object, list(batch.pending), batch.read, batch.compare)
        if batch.marks != marks:
            self._refused = tuple(self._watch.schema[name] for name in marks.names)
            self._doubt()
        results = {key: batch.result(rows[key]) for key in batch.pending}
        return results | await self._verified(batch, results)

    async def _verified(self, batch: _PushBatch, results: Mapping[str, WriteOutcome]) -> dict[str, WriteOutcome]:
        """Restore values that a person wrote between our read and our write, if the vendor shows them."""
        risky = {key: one for key, one in results.items() if any(c.field in self._verify for c in one.written)}
        if not risky:
            return {}
        check = _Check(self._watch, batch.marks, risky, self._verify)
        rows = await self._writer.write(self._watch.object, list(risky), check.read, check.compare)
        if check.overtaken:
            log.warning(
                "push.overtaken", crm=self._watch.crm, object=self._watch.object, record_ids=sorted(check.overtaken)
            )
        if lost := [key for key in check.overtaken if not rows[key].written]:
            log.error("push.unrestored", crm=self._watch.crm, object=self._watch.object, record_ids=sorted(lost))
        return {key: check.result(key) for key in check.overtaken}


class _PushBatch:
    """Holds the writes of one batch while they are read, compared and written; ``judged`` is the state of each."""

    def __init__(self, watch: Watch, names: Provenance, pending: Mapping[str, PendingWrite]) -> None:
        self.pending, self.marks, self.judged = pending, names, dict[str, WriteOutcome]()
        self._watch, self.ours = watch, dict[str, frozenset[str]]()

    async def read(self, ids: Sequence[str]) -> Mapping[str, Found]:
        """Returns the rows whose lease is still ours, with the changes about to be sent kept as intents."""
        pending = [self.pending[one] for one in ids]
        work = self._watch.work
        held = await work.intend_all([(one.lease, [i.text() for i in one.intents]) for one in pending])
        self.judged |= {one: WriteOutcome(PushEnd.LOST) for one, ours in zip(ids, held, strict=True) if not ours}
        ours = [one for one, is_held in zip(ids, held, strict=True) if is_held]
        return await self._read(ours, {name.property for id in ours for name in self.pending[id].undo}) if ours else {}

    async def _read(self, ids: Sequence[str], undone: AbstractSet[str]) -> Mapping[str, Found]:
        """Returns the rows with provenance on them; without any if the crm no longer shows those properties."""
        vendor, watch = self._watch.vendor, self._watch
        try:
            return await vendor.read(watch.reading(undone, self.marks.names), ids)
        except AccessError:
            if not self.marks.names:
                raise
            self.marks = Provenance()
            return await vendor.read(watch.reading(undone), ids)

    async def compare(self, found: Mapping[str, Found], rows: Mapping[str, RowWrite]) -> Mapping[str, AllowedWrite]:
        """Decides which changes may still be written on every row."""
        held = [one.record for one in found.values() if one.fate is Fate.FOUND and one.record is not None]
        completed, bad = await asyncio.gather(self._watch.complete(held), self._bad(found))
        records = {record.id: record for record in completed}
        wanted: dict[str, AllowedWrite] = {}
        for key, one in found.items():
            record = records.get(key) if one.fate is Fate.FOUND else None
            if record is None:
                ended = PushEnd.AGAIN if one.fate is Fate.UNKNOWN else PushEnd.AWAY
                self.judged[key] = WriteOutcome(ended, found=one, cause="unknown" if ended is PushEnd.AGAIN else "")
            elif bad[key] and not self.pending[key].undo:  # reported since the visit decided: the next one asks on
                self.judged[key] = WriteOutcome(PushEnd.CHANGED, record=record)
            elif want := self._compared(self.pending[key], record, rows[key], bad[key]):
                wanted[key] = want
        return wanted

    async def _bad(self, ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Returns by row the properties that would get a value which a CRM has called bad."""
        rows = {id: [(one.field, one.property, one.value) for one in self.pending[id].changes] for id in ids}
        return await spoilt(self._watch.are_bad, rows)

    def _compared(
        self, pending: PendingWrite, record: Record, row: RowWrite, bad: frozenset[str]
    ) -> AllowedWrite | None:
        if pending.undo:
            return self._undone(pending, record, row, bad)
        view = self._watch.view(_without_ours(record, row, pending), pending.own, pending.view)
        push = pushing.push(pending.changes, pending.view, record, view, self._watch.policy, pending.own)
        if push.stale:
            self.judged[pending.lease.id] = WriteOutcome(PushEnd.CHANGED, record=record)
            return None
        writes = tuple(one for one in push.writes if one.property not in row.refused)
        self.judged[pending.lease.id] = WriteOutcome(PushEnd.PUSHED, record=record, written=writes)
        same = frozenset(one.property for one in pending.changes if push.kept_back.get(one.field) is ChangeVerdict.SAME)
        if any(name in row.refused for name in self.marks.names):
            log.warning("push.marks_refused", crm=self._watch.crm, object=self._watch.object)
            self.marks = Provenance()
        values = {one.property: one.value for one in writes}
        beside = pushing.marks_beside(self.marks, self._watch.schema, record, writes)
        return AllowedWrite(Write(record.id, {**values, **beside}, record.modified), same, frozenset(beside))

    def _undone(self, pending: PendingWrite, record: Record, row: RowWrite, bad: frozenset[str]) -> AllowedWrite:
        """Takes back values that are still there as we wrote them."""
        countries = self._watch.view(record, pending.own).countries
        found_by = verdicts(pending.undo, record, self.ours.get(record.id, frozenset()), countries, bad)
        back = {name for name, found in found_by.items() if found is UndoVerdict.BACK and name not in row.refused}
        fields = {one.field: found_by[one.property] for one in pending.undo}
        writes = tuple(one for one in pending.changes if one.property in back)
        self.judged[pending.lease.id] = WriteOutcome(PushEnd.PUSHED, record=record, written=writes, undone=fields)
        taken = [one.field for one in pending.undo if one.property in back and one.rule == UNDO]
        beside = pushing.mark_undone(self.marks, self._watch.schema, record, taken)
        values = {one.property: one.value for one in writes}
        same = frozenset(name for name, found in found_by.items() if found is UndoVerdict.ALREADY)
        return AllowedWrite(Write(record.id, {**values, **beside}, record.modified), same, frozenset(beside))

    def result(self, row: RowWrite) -> WriteOutcome:
        """Tells how the pending of ``row`` ended."""
        if row.error is not None:
            return WriteOutcome(PushEnd.FAILED, error=row.error)
        judged, pending = self.judged[row.id], self.pending[row.id]
        if judged.ended is not PushEnd.PUSHED:
            return replace(judged, unsure=bool(row.doubt or row.written))
        match row.word.outcome if row.word else Written.DONE:
            case Written.CHANGED | Written.GONE:  # the next visit reads its new state
                return WriteOutcome(PushEnd.CHANGED, record=judged.record, unsure=bool(row.doubt or row.written))
            case Written.LOCKED | Written.UNKNOWN:
                return WriteOutcome(PushEnd.AGAIN, cause=row.word.outcome if row.word else "")
        changes = pending.changes
        written = tuple(one for one in changes if one.property in row.written)
        refused = tuple(one for one in changes if one.property in row.refused)
        seen = tuple(one for one in changes if one.property in row.seen)
        unsent = tuple(one for one in changes if one not in {*written, *refused, *seen})
        words = {one.field: row.refused[one.property] for one in refused}
        record = judged.record
        if record is not None and row.modified > record.modified:
            record = replace(record, modified=row.modified)
        judged = replace(judged, record=record, request=row.word.request if row.word else "")
        return replace(judged, written=written, refused=refused, words=words, seen=seen, unsent=unsent)


class _Check:
    """Checks values just written over others: their history shows what they replaced."""

    def __init__(
        self, watch: Watch, names: Provenance, pushed: Mapping[str, WriteOutcome], risky: frozenset[str]
    ) -> None:
        self._watch, self._marks, self._pushed, self._risky = watch, names, pushed, risky
        self.overtaken: dict[str, dict[str, str]] = {}  # by id: what stood under our value, by property

    async def read(self, ids: Sequence[str]) -> Mapping[str, Lines]:
        """Returns the history of the written properties, newest first."""
        properties = sorted({one.property for key in ids for one in self._pushed[key].written})
        return await self._watch.vendor.history(self._watch.object, ids, properties)

    async def compare(self, found: Mapping[str, Lines], rows: Mapping[str, RowWrite]) -> Mapping[str, AllowedWrite]:
        """Finds values to restore: somebody else's directly under ours."""
        wanted: dict[str, AllowedWrite] = {}
        for key in rows:
            pushed, theirs = self._pushed[key], dict[str, str]()
            before = pushed.record.values if pushed.record else {}
            for one in pushed.written:
                if one.field in self._risky:
                    lines = found.get(key, {}).get(one.property, ())
                    held = before.get(one.property) or ""
                    under = pushing.overtaken(one, lines, held, self._watch.vendor.is_ours)
                    if under is not None:
                        theirs[one.property] = under
            if theirs:
                self.overtaken.setdefault(key, {}).update(theirs)
                kept = [one for one in pushed.written if one.property not in self.overtaken[key]]
                beside = pushing.mark_without(self._marks, self._watch.schema, pushed.record, kept)
                wanted[key] = AllowedWrite(Write(key, theirs | beside))
        return wanted

    def result(self, key: str) -> WriteOutcome:
        """Returns the push without the fields that somebody else wrote first."""
        pushed, theirs = self._pushed[key], self.overtaken[key]
        return replace(
            pushed,
            record=with_values(pushed.record, theirs) if pushed.record else None,
            written=tuple(one for one in pushed.written if one.property not in theirs),
            overtaken=tuple(one for one in pushed.written if one.property in theirs),
        )


def _without_ours(record: Record, row: RowWrite, pending: PendingWrite) -> Record:
    """Returns ``record`` without values that we may have written ourselves: they do not make it another record."""
    mine = {
        one.property: pending.view.held.get(one.field, "")
        for one in pending.changes
        if (one.property in row.doubt or one.property in row.written)
        and same_value(one.field, one.value, record.values.get(one.property) or "")
    }
    return with_values(record, mine) if mine else record
