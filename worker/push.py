"""Writes changes to a CRM: intents first, then re-read, compare and write as one unit per batch.

What is written is what still holds on the re-read record: a gap that somebody closed meanwhile is left alone, and a
record whose identity or selection changed is handed back to be visited again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import structlog

from connectors.batching import Batcher
from connectors.limits import Limiter, slots_ahead
from connectors.models import Fate, Found, Marks, Record, Write, WriteResult, Written
from worker.decide import marks, pushing
from worker.decide.decision import Change
from worker.decide.record import Own, View
from worker.decide.values.fields import same_value
from worker.journal_entries import Intent
from worker.ledger.work import Lease
from worker.watch import complete
from worker.watches import Watch

FRESH_S = 2.0  # what was read longer ago is read again before it is written on
CALLS = 2  # one read and one write: both slots are taken before either
READ_AGAIN = 3  # and this often at most, when a vendor is that slow
log = structlog.get_logger(__name__)


class Ended(StrEnum):
    """What became of one record's changes."""

    PUSHED = "pushed"  # ``Pushed.written`` and ``Pushed.refused`` say which
    CHANGED = "changed"  # the record is another one now: visit it again
    AWAY = "away"  # merged, converted or gone: ``Pushed.found``
    AGAIN = "again"  # locked, or no word about it: the next visit looks what became of the intents
    FORBIDDEN = "forbidden"
    LOST = "lost"  # the lease is not ours any more: nothing was sent


@dataclass(frozen=True, slots=True)
class Errand:
    """The changes of one leased record. ``view`` is what they were decided on."""

    lease: Lease
    view: View
    own: Mapping[str, Own] = field(repr=False)
    changes: tuple[Change, ...]
    intents: tuple[Intent, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pushed:
    """How an errand ended. ``record`` is the row as it stands now, ``overtaken`` what a person was faster with."""

    ended: Ended
    record: Record | None = None
    found: Found | None = None
    written: tuple[Change, ...] = ()
    unsent: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    overtaken: tuple[Change, ...] = ()
    cause: str = ""


class Pusher:
    """Writes the changes of concurrent visits of one watched object in the vendor's batches."""

    def __init__(
        self, watch: Watch, limiter: Limiter, *, verify: frozenset[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._watch, self._limiter, self._verify, self._clock = watch, limiter, verify, clock
        self._marks = marks.usable(watch.vendor.marks, watch.schema)
        self._batch: Batcher[Errand, Pushed] = Batcher(
            watch.crm, "push", self._send, lambda errand: errand.lease.id, watch.vendor.batch
        )

    async def push(self, errand: Errand) -> Pushed:
        """Write one record's changes together with those of other visits.

        Raises:
            ConnectorError: the batch ended in it; the intents stay open and the next visit looks what became of them.
        """
        return await self._batch.ask(errand)

    async def aclose(self) -> None:
        """Send what is gathered."""
        await self._batch.aclose()

    async def _send(self, errands: Sequence[Errand]) -> Mapping[str, Pushed]:
        work = self._watch.work
        held = await asyncio.gather(*(work.intend(one.lease, [i.text() for i in one.intents]) for one in errands))
        results = {one.lease.id: Pushed(Ended.LOST) for one, ours in zip(errands, held, strict=True) if not ours}
        ours = [one for one in errands if one.lease.id not in results]
        if not ours:
            return results
        async with slots_ahead(self._limiter, [self._watch.crm] * CALLS):
            settled, errands_to_write = await self._reread(ours)
            results |= settled
            results |= await self._write(errands_to_write)
        return results

    async def _reread(self, errands: Sequence[Errand]) -> tuple[dict[str, Pushed], list[tuple[Errand, Pushed]]]:
        """The errands that end here, and the others with what may be written of them."""
        for _ in range(READ_AGAIN):
            began = self._clock()
            found = await self._watch.vendor.read(self._watch.watched, [one.lease.id for one in errands])
            settled: dict[str, Pushed] = {}
            writable: list[tuple[Errand, Pushed]] = []
            for one in errands:
                judged = await self._judge(one, found.get(one.lease.id, Found(Fate.UNKNOWN)))
                if judged.ended is Ended.PUSHED and judged.written:
                    writable.append((one, judged))
                else:
                    settled[one.lease.id] = judged
            if self._clock() - began <= FRESH_S:
                break
        return settled, writable

    async def _judge(self, errand: Errand, found: Found) -> Pushed:
        if found.fate is Fate.UNKNOWN:
            return Pushed(Ended.AGAIN, cause="unknown")
        if found.fate is not Fate.FOUND or found.record is None:
            return Pushed(Ended.AWAY, found=found)
        (record,) = await complete(self._watch, [found.record])
        view = self._watch.view(record, errand.own)
        push = pushing.push(errand.changes, errand.view, record, view, self._watch.policy, errand.own)
        if push.stale:
            return Pushed(Ended.CHANGED, record=record)
        unsent = tuple(one for one in errand.changes if one not in push.writes)
        return Pushed(Ended.PUSHED, record=record, written=push.writes, unsent=unsent)

    async def _write(self, errands: Sequence[tuple[Errand, Pushed]]) -> dict[str, Pushed]:
        if not errands:
            return {}
        answers = await self._sent([judged for _, judged in errands])
        results = {
            errand.lease.id: _ended(judged, answers.get(errand.lease.id, WriteResult(Written.UNKNOWN)))
            for errand, judged in errands
        }
        while rest := [(one, results[one.lease.id]) for one, _ in errands if _worth_repeating(results[one.lease.id])]:
            # The vendor named the bad values: the others of the record are still good. Each round has fewer.
            answers = await self._sent([judged for _, judged in rest])
            for errand, judged in rest:
                tried = replace(judged, cause="")
                results[errand.lease.id] = _ended(tried, answers.get(errand.lease.id, WriteResult(Written.UNKNOWN)))
        if self._verify:
            results |= await self._verified({key: one for key, one in results.items() if one.ended is Ended.PUSHED})
        return results

    async def _sent(self, rows: Sequence[Pushed]) -> Mapping[str, WriteResult]:
        """The vendor's word on every row. One that refuses our marks is sent without them, as is everything after."""
        vendor, object = self._watch.vendor, self._watch.object
        ours = {*self._marks.names}  # as they are sent now: another batch may give them up meanwhile
        answers = await vendor.write(object, [self._row(one) for one in rows])
        refused = {key for key, word in answers.items() if word.properties and ours.issuperset(word.properties)}
        if refused:
            self._marks = Marks()
            log.warning("push.marks_refused", crm=self._watch.crm, object=object)
            again = [self._row(one) for one in rows]
            answers = {**answers, **await vendor.write(object, [row for row in again if row.id in refused])}
        return answers

    def _row(self, judged: Pushed) -> Write:
        record = judged.record
        assert record is not None  # noqa: S101 - only records that were read come here
        values = {one.property: one.value for one in judged.written}
        beside = marks.beside(self._marks, self._watch.schema, record, judged.written)
        return Write(record.id, {**values, **beside}, record.modified)

    async def _verified(self, pushed: Mapping[str, Pushed]) -> dict[str, Pushed]:
        """Give back what a person wrote in the moment between our read and our write, where the vendor tells."""
        risky = self._verify
        properties = sorted(
            {one.property for result in pushed.values() for one in result.written if one.field in risky}
        )
        ids = [key for key, result in pushed.items() if any(one.field in risky for one in result.written)]
        if not ids:
            return dict(pushed)
        histories = await self._watch.vendor.history(self._watch.object, ids, properties)
        results, restores = dict(pushed), []
        for key in ids:
            result, theirs = pushed[key], {}
            before = result.record.values if result.record else {}
            for one in result.written:
                lines = histories.get(key, {}).get(one.property, ())
                if (
                    len(lines) > 1
                    and one.field in risky
                    and not same_value(one.field, lines[1][0], before.get(one.property) or "")
                ):
                    theirs[one.property] = lines[1][0]
            if theirs:
                overtaken = tuple(one for one in result.written if one.property in theirs)
                kept = tuple(one for one in result.written if one.property not in theirs)
                restores.append(
                    Write(key, theirs | marks.without(self._marks, self._watch.schema, result.record, kept))
                )
                results[key] = replace(result, written=kept, overtaken=overtaken)
        if restores:
            log.warning("push.overtaken", records=len(restores))
            await self._watch.vendor.write(self._watch.object, restores)
        return results


def _worth_repeating(result: Pushed) -> bool:
    """A refusal that named some values and left others."""
    return result.ended is Ended.PUSHED and bool(result.cause) and bool(result.written)


def _ended(judged: Pushed, word: WriteResult) -> Pushed:
    """What the vendor's word on one record means for its changes.

    After an ``INVALID`` that names properties, ``written`` holds what is still worth sending without them.
    """
    match word.outcome:
        case Written.DONE:
            return judged
        case Written.INVALID:
            named = tuple(one for one in judged.written if one.property in word.properties) or judged.written
            rest = tuple(one for one in judged.written if one not in named)
            return replace(judged, written=rest, refused=judged.refused + named, cause=word.code or "invalid")
        case Written.CHANGED | Written.GONE:  # the next visit reads what it has become
            return Pushed(Ended.CHANGED, record=judged.record)
        case Written.FORBIDDEN:
            return Pushed(Ended.FORBIDDEN, cause=word.code)
        case Written.LOCKED | Written.UNKNOWN:
            return Pushed(Ended.AGAIN, cause=word.outcome)
