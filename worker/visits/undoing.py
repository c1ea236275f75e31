"""Takes back the changes of a record that a person named, if they are still there as we wrote them."""

from __future__ import annotations

import json
from collections.abc import Callable

import structlog

from connectors.limits import Limiter
from worker.decide.decision import Change
from worker.decide.undo import UndoVerdict, undoables
from worker.ledger.money.creations import Creations
from worker.ledger.work.work import Lease
from worker.visits.archiving import ARCHIVED, Archiver, ArchiveVerdict
from worker.visits.journal_entries import IntentEntry, change_entry, intent
from worker.visits.push import PendingWrite, PushEnd, Pusher
from worker.visits.visit_ends import VisitEnds, undo_intent
from worker.visits.visit_notes import VisitNotes
from worker.visits.watch import Watch

log = structlog.get_logger(__name__)


class Undoer:
    """Handles the leases of one watched object that take something back; nothing is looked up. ``clock`` gives ms."""

    def __init__(
        self,
        watch: Watch,
        pusher: Pusher,
        ends: VisitEnds,
        creations: Creations,
        limiter: Limiter,
        clock: Callable[[], int],
    ) -> None:
        self._watch, self._pusher, self._ends, self._clock = watch, pusher, ends, clock
        self._creations, self._archiver = creations, Archiver(watch, limiter)

    async def aclose(self) -> None:
        await self._archiver.aclose()

    async def undo(self, lease: Lease, notes: VisitNotes) -> None:
        """Take back the changes that may go back, journal the others, and settle."""
        entries = [json.loads(text) for text in await self._watch.work.texts.journalled(lease.undo)]
        row = (lease.object, lease.id)
        made = [one for one in entries if (one.get("made_object"), one.get("made_id")) == row]
        if made and await self._archive(lease, notes, str(made[-1].get("external_id") or "")):
            return
        undo = undoables(entries)
        changes = tuple(Change(one.field, one.property, one.before, "", None, "") for one in undo)
        intents = {one.property: undo_intent(one, lease.run, self._clock()) for one in undo}
        closed = {intent(text).property for text in lease.intents}
        if changes:
            view = self._watch.view(notes.record, notes.own)
            pending = PendingWrite(lease, view, notes.own, changes, tuple(intents.values()), undo)
            pushed = await self._pusher.push(pending)
            if pushed.ended is not PushEnd.PUSHED:
                await self._ends.unpushed(lease, notes, pushed)
                return
            for one in changes:
                intent_, word = intents[one.property], pushed.words.get(one.field)
                if one in pushed.written:
                    notes.ends.append(change_entry(intent_, "confirmed"))
                    notes.stands(intent_)
                elif word:
                    notes.ends.append(change_entry(intent_, "refused", cause=word.code))
                else:
                    found = pushed.undone.get(one.field, UndoVerdict.ALREADY)
                    if found is UndoVerdict.ALREADY and one.property in closed:
                        continue  # a visit that died took it back, and its intent was closed just now
                    notes.ends.append(change_entry(intent_, found if found is not UndoVerdict.BACK else "unsent"))
            notes.record = pushed.record or notes.record
            notes.tally["undone"] = len(pushed.written)
            log.info("visit.undone", fields=len(pushed.written), left=len(changes) - len(pushed.written))
        after = self._watch.view(notes.record, notes.own)
        settlement = self._ends.settlement(lease, notes, after, {}, remembered=False, outcome="undone")
        await self._ends.settle(lease, notes, settlement)

    async def _archive(self, lease: Lease, notes: VisitNotes, external_id: str) -> bool:
        """Take the row back, which we made; tells whether that ended the visit."""
        ref, going = (lease.crm, lease.object, lease.id), IntentEntry.archiving(lease.run, self._clock(), external_id)
        if not await self._watch.work.intend(lease, [going.text()]):
            log.warning("visit.lost")
            return True
        await self._creations.archiving(*ref)  # before it is gone: a delivery would make its like
        verdict = await self._archiver.archive(lease.id)
        if verdict is ArchiveVerdict.ARCHIVED:
            ending = await self._ends.gone(lease, [*notes.entries, change_entry(going, ARCHIVED)])
            log.info("visit.archived", ending=ending)
            return True
        await self._creations.archiving(*ref, undone=False)
        notes.ends.append(change_entry(going, verdict))
        log.info("visit.unarchived", verdict=verdict)
        return False
