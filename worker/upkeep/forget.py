"""Erases a person on request: everywhere at once, and so that nobody looks them up or creates them again.

The list comes first, and the erasure is noted before anything is deleted: if the process dies in between, the next
visit of each record finishes it, or the same command. Every step can be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from msgspec import Struct

from worker.decide.handles import Handle, of_record
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.notices import Notices
from worker.ledger.journal.reviews import Reviews
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Answers, Ref
from worker.ledger.money.handle_lists import FORGOTTEN, Suppressed, Suppressions
from worker.ledger.money.spool import Spool
from worker.ledger.run import Run, RunKind
from worker.ledger.work.record_state import place
from worker.upkeep.erase import LATE_MS, erase_elsewhere
from worker.upkeep.traces import Says, Traces, traces, without
from worker.visits.erased_answers import AnswerEraser
from worker.visits.journal_entries import scrubbed

PATIENCE_S = 150.0  # a visit is cancelled after 120 s
LOOK_S = 0.2
log = structlog.get_logger(__name__)


class Forgotten(Struct, frozen=True):
    """Holds the result of an erasure, and ``left``: what it could not erase now, which the same command does again.

    ``busy`` are records whose visit did not end, ``unarchived`` says why the archive could not be written, and
    ``unwritten`` that Redis has not rewritten its files.
    """

    found: Traces
    left: Traces
    busy: tuple[Ref, ...] = ()
    unarchived: str = ""
    unwritten: bool = False

    @property
    def is_done(self) -> bool:
        return not (self.left or self.busy or self.unarchived or self.unwritten)


@dataclass(slots=True)
class Eraser:
    """Erases from one ledger, the archive and this machine's spool."""

    ledger: Ledger
    suppressions: Suppressions
    spool: Spool
    archive: Path | None
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep
    patience_s: float = PATIENCE_S

    async def forget(
        self, handles: frozenset[Handle], says: Says, records: Iterable[Ref], questions: Iterable[str] = ()
    ) -> Forgotten:
        """Erase everybody whom ``says`` recognises, with everything kept under their records.

        ``questions`` would find them by the name and employer of a row without address or profile: neither those
        nor the erased ones are asked again.

        Raises:
            AnotherKeyError: the suppression list was made with another key; nothing is erased.
            LedgerUnavailableError: Redis is away: do it again.
        """
        ledger, theirs = self.ledger, frozenset(records)
        now = await ledger.scripts.now()
        await self._suppress({*handles, *(of_record(*one) for one in theirs)}, now)
        await self._answers.list_questions(questions, now)
        await ledger.bad.drop(handles)  # the suppression list keeps them away now
        if self.spool.pending():  # what Redis has taken is erased with the rest, and its credits are settled
            await ledger.all_work.wake((await self.spool.load(ledger.desk)).waiters)
        found = await traces(ledger, says, self.archive, theirs)
        await self._suppress({of_record(*one) for one in found.records - theirs}, now)
        await ledger.erasures.request(sorted(found.records))
        busy = await self._rows(found, handles, says)
        busy += [one for one in sorted(found.records) if not await self._work(one)]
        stay = await self._answers.part(found.records, says, now)
        for record in sorted(found.records - {*busy}):
            await self._record(record, stay)
        later = await traces(ledger, says, None, theirs)  # what visits left that were under way
        naming = {**found.answers, **later.answers}
        await self._answers.list_questions(naming, now)
        await Answers(ledger.scripts).drop(naming)
        for traced in (found, later):
            for (crm, kind), held in traced.claims.items():
                await ledger.creations.unclaim(crm, kind, held)
        await self._intents(later, says)
        unarchived = await self._elsewhere(later, sorted(found.records | later.records))
        unwritten = not await self._rewritten()
        log.info("person.forgotten", records=len(found.records), answers=len(found.answers), rows=len(found.rows))
        left = await traces(ledger, says, self.archive, found.records)
        return Forgotten(found, left, tuple(busy), unarchived, unwritten)

    async def _suppress(self, handles: Iterable[Handle], now: int) -> None:
        """Put them on the list: the records too, of which some bear nothing else to know them by."""
        listed = [(one.kind, name) for one in handles for name in self.suppressions.hashes([one])]
        await self.suppressions.add([Suppressed(name, kind, now, FORGOTTEN) for kind, name in listed])

    async def _rows(self, found: Traces, handles: frozenset[Handle], says: Says) -> list[Ref]:
        """Take the person out of delivered rows; gives the visits of those that do not end."""
        for row in found.rows:
            await self.ledger.deliveries.rewrite(without(row, handles, says))
        for crm, key in sorted(found.proposals):  # the next visit proposes the row without them
            await Reviews(self.ledger.scripts, crm, DELIVERY).remove(key)
            await self.ledger.work(crm, DELIVERY).replay(key, Run.new(RunKind.FORGET).name)
        keys = {row.key for row in found.rows} | {key for _, key in found.intents}
        crms = {crm for crm, kind in await self.ledger.all_work.works() if kind == DELIVERY}
        visits = [(crm, DELIVERY, key) for crm in sorted(crms) for key in sorted(keys)]
        return [one for one in visits if not await self._ended(one)]

    async def _work(self, record: Ref) -> bool:
        """Take a record out of the work; says whether no visit kept it there."""
        work = self.ledger.work(*record[:2])
        while not await work.forget(record[2]):
            if not await self._ended(record):
                return False
        return True

    async def _record(self, record: Ref, stay: Collection[str]) -> None:
        """Erase everything kept under a record, except answers to questions that ``stay``."""
        await Reviews(self.ledger.scripts, *record[:2]).remove(record[2])
        await Notices(self.ledger.scripts).unmark([record])
        await self.ledger.erasures.erase(record, scrubbed, stay)
        await self.ledger.erasures.done(record)

    @property
    def _answers(self) -> AnswerEraser:
        return AnswerEraser(Answers(self.ledger.scripts), self.suppressions)

    async def _ended(self, record: Ref) -> bool:
        """Wait for the end of a record's visit; says whether it came."""
        for _ in range(int(self.patience_s / LOOK_S)):
            found = await place(self.ledger.scripts, *record)
            if found is None or found.state != "leased":
                return True
            await self.rest(LOOK_S)
        return False

    async def _intents(self, found: Traces, says: Says) -> None:
        """Drop open changes of delivered rows that name the person: nobody goes on with them."""
        for (crm, key), text in found.intents.items():
            left = "\n".join(line for line in text.split("\n") if not says(line))
            await self.ledger.work(crm, DELIVERY).texts.unintend(key, text, left)

    async def _elsewhere(self, found: Traces, records: Sequence[Ref]) -> str:
        """Scrub the person's texts in the journal and the archive, now and once more after late visits have written.

        Gives why the archive could not be written, ``""`` when it was.
        """
        erasures = self.ledger.erasures
        await erasures.replace([(one, scrubbed(one.entry)) for one in found.entries])
        await erasures.again(records)
        wrong = await self._walked()
        await erasures.again(records)
        await erasures.changed()
        return wrong

    async def _walked(self) -> str:
        """Walk journal and archive; a worker that archives meanwhile is waited for."""
        ledger, wrong = self.ledger, ""
        for _ in range(int(self.patience_s / LOOK_S)):
            try:
                now = await ledger.scripts.now()
                await erase_elsewhere(ledger.erasures, ledger.journal, self.archive, now + LATE_MS + 1)
            except BlockingIOError:
                wrong = "a worker writes in it"
                await self.rest(LOOK_S)
            except (OSError, ValueError) as error:
                return type(error).__name__
            else:
                return ""
        return wrong

    async def _rewritten(self) -> bool:
        """Have Redis rewrite its files and wait for that; says whether it finished."""
        for _ in range(int(self.patience_s / LOOK_S)):
            await self.ledger.erasures.rewrite()
            if await self.ledger.erasures.is_rewritten():
                return True
            await self.rest(LOOK_S)
        return False
