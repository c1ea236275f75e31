"""Looks for records on behalf of a run: the polls, the deliveries, and the walk over everything."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice

import structlog
from msgspec import Struct

from config.counts import counted
from connectors.errors import RateLimitedError
from connectors.models import Page
from worker.ledger.journal.figures import RunFigures, WorkName
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.planned import PlannedFields
from worker.ledger.work.work import Due, Lane
from worker.service.jobs import unasked
from worker.service.runtime import Runtime
from worker.triggers.poll import due_rows, poll
from worker.visits.visit_notes import PASSED_OVER
from worker.visits.watch import Watch

ROOM_S = 0.25
log = structlog.get_logger(__name__)


class NotAsked(Struct, frozen=True):
    """Names a vendor that was not looked at, or not to the end, and why.

    The end of its pause, if it has one.
    """

    vendor: str
    object: str
    why: str
    until_ms: int | None = None


def passed_over(by_work: Mapping[WorkName, RunFigures]) -> list[NotAsked]:
    """Returns the providers that visits gave up waiting for, and settled records without."""
    counts: Counter[str] = Counter()
    for figures in by_work.values():
        for name, count in figures.tally.items():
            provider = name.removeprefix(PASSED_OVER)
            if provider != name:
                counts[provider] += count
    return [
        NotAsked(
            name, "", f"{counted(count, 'record')} went on without it: it was out of reach for longer than skip_after"
        )
        for name, count in sorted(counts.items())
    ]


@dataclass(slots=True)
class Look:
    """Looks once at everything that a pass covers. ``stuck`` are walks that wait for room in the work."""

    runtime: Runtime
    run: str
    patience_s: float
    not_asked: list[NotAsked] = field(default_factory=list)
    walking: set[tuple[str, str]] = field(default_factory=set)
    stuck: set[tuple[str, str]] = field(default_factory=set)
    task: asyncio.Task[None] | None = None

    async def is_on(self) -> bool:
        """Says whether records still come in: a walk that waits for room makes progress only through visits."""
        return self.task is not None and not self.task.done() and (not self.stuck or self.stuck != self.walking)

    async def record(self, crm: str, kind: str, id: str) -> None:
        """Bring in one record, regardless of its fingerprint."""
        await self.runtime.watches[crm, kind].work.add([Due(id)], lane=Lane.LIVE, run=self.run, forced=True)

    async def planned(self, rows: Iterable[PlannedFields]) -> None:
        """Bring in the records of a plan, in the backfill lane, as fast as the work has room."""
        for name, group in groupby(rows, key=lambda row: (row.crm, row.object)):
            watch = self.runtime.watches.get(name)
            if watch is None:
                await self._miss(name[0], name[1], f"{name[0]} cannot be opened: run refill check")
                continue
            while block := list(islice(group, watch.vendor.batch)):
                while await watch.work.room() < len(block):
                    self.walking.add(name)
                    self.stuck.add(name)
                    await asyncio.sleep(ROOM_S)
                self.stuck.discard(name)
                await self.runtime.ledger.planned.keep(self.run, block)
                await watch.work.add([Due(row.id) for row in block], lane=Lane.BACKFILL, run=self.run, forced=True)
            self.walking.discard(name)

    async def everywhere(self, *, full: bool) -> None:
        """Poll every watched object and pull deliveries; with ``full`` walk over every record after it.

        A vendor that fails does not keep the others from being asked.
        """
        runtime = self.runtime
        for crm in sorted(runtime.shut):
            await self._miss(crm, "", f"{crm} cannot be opened: run refill check")
        for crm, kind in sorted(runtime.refused):
            pauses = await runtime.ledger.pauses.of(f"{crm}.{kind}")
            why = next((one.why for one in pauses if one.why), "its opt-outs are not shown to us: run refill check")
            await self._miss(crm, kind, why)
        watches = list(runtime.watches.values())
        looks = [self._ask(one.crm, one.object, partial(self._poll, one)) for one in watches]
        looks += [self._ask(crm, "delivery", partial(one.look, self.run)) for crm, one in runtime.awaiting.items()]
        if runtime.collector is not None:
            looks.append(self._ask("openprospect", "", partial(runtime.collector.collect, self.run)))
        self.walking = {(one.crm, one.object) for one in watches} if full else set()
        await asyncio.gather(*looks)
        await asyncio.gather(*(self._ask(one.crm, one.object, partial(self._walk, one)) for one in watches if full))

    async def _ask(self, vendor: str, kind: str, asking: Callable[[], Awaitable[object]]) -> None:
        try:
            why = await unasked(self.runtime, vendor, partial(self._paced, asking))
        except LedgerUnavailableError:
            raise
        except Exception as error:  # a fault of ours at one vendor leaves the others to be looked at
            log.error("sync.look_failed", vendor=vendor, error=type(error).__name__, exc_info=error)
            why = f"because of a fault of Refill's own ({type(error).__name__}): see the log"
        if why:
            await self._miss(vendor, kind, why)

    async def _miss(self, vendor: str, kind: str, why: str) -> None:
        pauses = await self.runtime.ledger.pauses.of(vendor)
        until = max((one.until_ms for one in pauses), default=0)
        reason = next((one.why for one in pauses if one.why), "") if vendor in self.runtime.shut else ""
        missed = NotAsked(vendor, kind, reason or why, until or None)
        if missed not in self.not_asked:
            self.not_asked.append(missed)

    async def _paced(self, asking: Callable[[], Awaitable[object]]) -> None:
        """Runs ``asking`` and goes on after a rate limit of our own; a refusal by the vendor itself is noted."""
        while True:
            try:
                await asking()
            except RateLimitedError as error:
                if error.code != "rate" or (error.retry_after_s or 0) > self.patience_s:
                    raise
                await asyncio.sleep(error.retry_after_s or 1)
            else:
                return

    async def _poll(self, watch: Watch) -> None:
        lookback = int(self.runtime.settings.crm[watch.crm].lookback.total_seconds() * 1000)
        await poll(watch, self.runtime.ledger.cursors, run=self.run, lookback_ms=lookback)

    async def _walk(self, watch: Watch) -> None:
        """Walks every record, in the backfill lane, as fast as the work has room.

        A row that tells nothing new is dropped there.
        """
        name, room = (watch.crm, watch.object), 0
        async with aclosing(_pages(watch)) as walked:
            async for page in walked:
                while room < watch.vendor.batch and (room := await watch.work.room()) < watch.vendor.batch:
                    self.stuck.add(name)
                    await asyncio.sleep(ROOM_S)
                self.stuck.discard(name)
                rows = await due_rows(watch, page.records, news=True, closed=True)
                await watch.work.add(rows, lane=Lane.BACKFILL, run=self.run)
                room -= len(rows)
        self.walking.discard(name)


async def _pages(watch: Watch) -> AsyncGenerator[Page]:
    """Yields every record of a watched object, page by page; the next page is on its way while one is handled."""
    coming = asyncio.create_task(watch.vendor.walk(watch.watched, ""))
    try:
        while True:
            page = await coming
            if not page.done:
                coming = asyncio.create_task(watch.vendor.walk(watch.watched, page.cursor.id))
            yield page
            if page.done:
                return
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)  # the reader's error is told, not that of a page beside it
