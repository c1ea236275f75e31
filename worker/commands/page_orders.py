"""Carries out what visitors of the page order, by the functions of the commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

from msgspec import Struct

from config.problems import ConfigError
from config.settings import Settings
from connectors.models import Offer
from worker.commands.advise import advised, sentences
from worker.commands.forget import counts, left, nobody_known
from worker.commands.journal import filter_of
from worker.commands.names import known_target, pausable
from worker.commands.pause import pause
from worker.commands.person import Somebody, somebody
from worker.commands.resume import lift
from worker.commands.suppress import ValueReading, entries_of, known, named
from worker.commands.undo_plan import UndoPlan, ask, found, look
from worker.decide.handles import personal
from worker.decide.journal_line import JournalFilter
from worker.decide.mentions import mentions
from worker.decide.odds import odds_of
from worker.decide.undo import UndoVerdict
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Ref, Yields
from worker.ledger.money.handle_lists import AnotherKeyError
from worker.service.opening import open_crms
from worker.service.refresh_tokens import secret_key, suppressions_of
from worker.service.runtime import Runtime, open_runtime
from worker.upkeep.forget import Eraser
from worker.upkeep.traces import traces
from worker.web.page.orders import Lifted, Note, PersonLook, PersonWish, Scorecard, UndoLook, UndoRow, UndoWish

PATIENCE_S = 20.0  # that somebody looks at a page for visits to end; the same order goes on where it stopped


class PageOrders(Struct, frozen=True):
    """Implements ``worker.web.page.orders.Orders``, each order with its own parts, as a command has."""

    settings: Settings
    ledger: Ledger
    _offers: list[Offer] = []

    async def prepare(self) -> None:
        """Prepares every vendor's part as the process starts, so that the first view of a page need not."""
        if self.settings.web.token is not None:
            with suppress(ConfigError):  # the page that needs it says so
                await self._learn_offers()

    async def _learn_offers(self) -> None:
        if not self._offers:  # they change with the configuration alone
            async with self._opened() as runtime:
                self._offers.extend(runtime.lookups.offers)

    def targets(self) -> Sequence[str]:
        """Returns the names that can be paused: crms and providers."""
        return pausable(self.settings)

    async def undo_look(self, asked: UndoWish) -> UndoLook:
        """Reads the state of the changes; changes nothing."""
        async with self._opened() as runtime:
            return _look_of(await self._plan(runtime, asked))

    async def undo(self, asked: UndoWish, seen: str, run: str, note: Note) -> UndoLook | None:
        """Asks visits of ``run`` to take back the changes shown; ``None`` if they have changed since."""
        async with self._opened() as runtime:
            plan = await self._plan(runtime, asked)
            now = _look_of(plan)
            if now.seen != seen:
                return None
            await note(now.records)
            await ask(runtime, plan, run)
            return now

    async def _plan(self, runtime: Runtime, asked: UndoWish) -> UndoPlan:
        if not (asked.run or asked.record):
            raise ConfigError(["say what to undo: a run, or a record"])
        await open_crms(runtime)
        wanted = filter_of(self.settings, JournalFilter(run=asked.run, record=asked.record))
        plan = await found(runtime, wanted)
        await look(runtime, plan)
        return plan

    async def suppress(self, text: str, why: str) -> bool:
        """Puts a person on the suppression list; ``False`` if they were on it."""
        secret_key(self.settings)  # refuses if there is none
        list_ = suppressions_of(self.settings, self.ledger.scripts)
        handle = known(text, ValueReading(), self.settings)
        entries = entries_of(list_, [handle], await self.ledger.scripts.now(), why)
        try:
            return bool(await list_.add(entries))
        except AnotherKeyError as error:
            raise ConfigError([str(error)]) from None

    async def suppress_record(self, record: Ref) -> int:
        """Puts on the list all that names the person of a record, and returns how much was new there."""
        secret_key(self.settings)  # refuses if there is none
        async with self._somebody(PersonWish(record=record)) as (runtime, who):
            if not (handles := personal(who.handles)):
                why = who.not_asked.get(record[0]) or "the record has no e-mail, phone or profile, or is gone"
                raise ConfigError([f"nothing to suppress: {why}"])
            list_ = runtime.lookups.suppressions
            now = await self.ledger.scripts.now()
            return await list_.add(entries_of(list_, sorted(handles), now, "from the page of a record"))

    async def unsuppress(self, text: str) -> bool:
        """Takes a person, or an entry by its hash, off the list; ``False`` if it was not on it."""
        list_ = suppressions_of(self.settings, self.ledger.scripts)
        entries = {one.hash for one in await list_.all()}
        return bool(await list_.remove(list(named(text, entries, list_, ValueReading(), self.settings))[:1]))

    async def person(self, asked: PersonWish) -> PersonLook:
        """Lists the data kept about a person; changes nothing."""
        async with self._somebody(asked) as (runtime, who):
            held = await traces(runtime.ledger, mentions(who.handles), self.settings.journal.archive_dir, who.refs)
            return PersonLook(sorted(held.records), counts(held), dict(who.not_asked))

    async def forget(self, asked: PersonWish, seen: str, note: Note) -> Sequence[str] | None:
        """Erases a person, and returns what is left to do; ``None``, with nothing done, if others are found."""
        secret_key(self.settings)  # refuses if there is none: the person would be bought again
        async with self._somebody(asked) as (runtime, who):
            if who.unknown:
                return [nobody_known(who)]
            says, archive = mentions(who.handles), self.settings.journal.archive_dir
            held = await traces(runtime.ledger, says, archive, who.refs)
            if PersonLook(sorted(held.records), {}, {}).seen != seen:
                return None
            await note(sorted(held.records))
            parts = (runtime.ledger, runtime.lookups.suppressions, runtime.spool, archive)
            ended = await Eraser(*parts, patience_s=PATIENCE_S).forget(who.handles, says, who.refs, who.questions)
            return list(left(who, ended))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Runtime]:
        try:
            async with open_runtime(self.settings, self.ledger.scripts.redis) as runtime:
                yield runtime
        except AnotherKeyError as error:
            raise ConfigError([str(error)]) from None

    @asynccontextmanager
    async def _somebody(self, asked: PersonWish) -> AsyncIterator[tuple[Runtime, Somebody]]:
        async with self._opened() as runtime:
            with _logs_kept():
                who = await somebody(runtime, asked.texts, ValueReading(), asked.record)
            yield runtime, who

    async def scorecard(self) -> Scorecard:
        """Returns each provider's yield and price; no vendor is asked."""
        await self._learn_offers()
        odds = odds_of(await Yields(self.ledger.scripts).counted())
        # A second of reckoning, which would hold up every visit and lease of the process.
        scores, advices = await asyncio.to_thread(advised, self.settings, odds, tuple(self._offers))
        return Scorecard(scores, [line for one in advices for line in sentences(*one)])

    async def pause(self, target: str, why: str) -> None:
        known_target(self.settings, target)
        await pause(self.ledger, target, why)

    async def resume(self, target: str) -> Lifted:
        lifted, stands = await lift(self.ledger, self.settings, target)
        return Lifted([f"{one.target}: {one.reason}" for one in lifted], [one.target for one in stands])


def _look_of(plan: UndoPlan) -> UndoLook:
    rows = [
        UndoRow(one.record, one.field, one.before, one.after, str(one.stands), one.stands == UndoVerdict.BACK)
        for one in plan.standing
    ]
    return UndoLook(rows, len(plan.unreached))


@contextmanager
def _logs_kept() -> Iterator[None]:
    """Keep the vendors' logs as loud as they were: the search for somebody is quiet, for a terminal."""
    logger = logging.getLogger("connectors")
    level = logger.level
    try:
        yield
    finally:
        logger.setLevel(level)
