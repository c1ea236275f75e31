"""Keeps visits running: claims leases as visits end, extends them, and ends what ran too long.

One place decides about a record whose visit fails, so that all work fails alike (``attended``).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from structlog.contextvars import bind_contextvars

from connectors.batching import JOINER, PATIENT, Joiners
from connectors.errors import (
    LOST,
    STALE_READ,
    UNFIT,
    AccessError,
    ConnectorError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    SignInUnavailableError,
    StaleReadError,
    UnavailableError,
)
from connectors.telemetry import is_traced, step
from worker.decide.retry import backoff_ms
from worker.ledger.rates.pauses import Pauses
from worker.ledger.run import Run, RunKind
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.work import AllWork, Lease, VisitProgress, Work

CLAIMING_S = 45.0  # a job claims no longer than this, so that arq's lock on it stays short
EXTEND_S = 30.0  # leases last 90 s: two extensions may be missed
LONGEST_VISIT_S = 120.0
AHEAD = 2  # times the limit: so many are at work, since a vendor takes the limit, and the next ones read meanwhile
CROWD = 4  # times the limit: so many visits at most are under way, those included that wait for a batch or a step
LOOK_MS = 60_000  # a question that a CRM refuses, or a property that it lacks, is looked at again
LOOK_AGAIN_S = 0.5  # while visits run, new work is looked for this often
PASSES = frozenset({RunKind.SYNC, RunKind.PLANNED, RunKind.BACKFILL})  # over many records
log = structlog.get_logger(__name__)

Story = Callable[[Lease], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Line:
    """Describes one kind of work and how one of its leases is handled.

    ``story`` settles its lease by itself and never raises.
    """

    name: str
    work: Work
    block: int
    story: Story = field(repr=False)


@dataclass(slots=True)
class _Running:
    lease: Lease
    task: asyncio.Task[None]
    began: float
    is_lost: bool = False  # when its lease was extended the last time


class _Mine:
    """Counts the visits of one job, and wakes it when one ends: to watch each of them again would cost them all."""

    def __init__(self) -> None:
        self.under_way = self._ended = 0
        self._wake: asyncio.Future[None] | None = None

    def take(self) -> int:
        """Returns how many have ended since the last time."""
        ended, self._ended = self._ended, 0
        return ended

    async def one(self, within_s: float) -> None:
        """Return when one has ended, or time is over."""
        if self._ended:
            return
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        timer = loop.call_later(within_s, self._tell)
        try:
            await self._wake
        finally:
            timer.cancel()
            self._wake = None

    def end(self) -> None:
        self.under_way -= 1
        self._ended += 1
        self._tell()

    def _tell(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class Visits:
    """Runs the visits of this process, over all its jobs, at most ``limit`` at a time.

    A visit that waits for a batch of the CRM or a step of the ledger does nothing: others take its place meanwhile, so
    that batches fill and paid calls keep on.
    """

    def __init__(
        self,
        owner: str,
        limit: int,
        all_work: AllWork,
        draining: asyncio.Event,
        clock: Callable[[], float] = time.monotonic,
        joiners: Joiners | None = None,
    ) -> None:
        self.owner, self.draining = owner, draining
        self._limit, self._all_work, self._clock = limit, all_work, clock
        self._running: dict[str, _Running] = {}
        self._filling: set[str] = set()
        self._joiners = joiners or Joiners()

    def __len__(self) -> int:
        return len(self._running)

    async def fill(self, line: Line, run: str = "") -> int:
        """Claim and run visits of ``line`` until none is due, or claiming time is over; how many ended.

        With ``run`` only the records of that run are visited. A second call for the same line returns at once: the
        running one serves this process.
        """
        if line.name in self._filling:
            return 0
        self._filling.add(line.name)
        try:
            return await self._fill(line, run)
        finally:
            self._filling.discard(line.name)

    async def _fill(self, line: Line, run: str) -> int:
        claim = partial(line.work.claim, run=run) if run else line.work.claim
        until, mine, ended = self._clock() + CLAIMING_S, _Mine(), 0
        while True:
            claimed = 0
            free = self._free()
            if free > 0 and self._clock() < until and not self.draining.is_set():
                most, holding = min(free, line.block), len(self._running)
                with self._joiners.at_work():
                    leases = await claim(self.owner, most, holding=holding)
                    claimed = len(leases)
                    for lease in leases:
                        self._start(line, lease, mine)
            if claimed and claimed == min(free, line.block):
                await asyncio.sleep(0)
                continue
            if not mine.under_way:
                return ended + mine.take()
            await mine.one(LOOK_AGAIN_S)
            await asyncio.sleep(0)  # ended visits free their place: otherwise the last of them would end this as well
            ended += mine.take()

    def _free(self) -> int:
        running = len(self._running)
        return min(AHEAD * self._limit + self._joiners.resting, CROWD * self._limit) - running

    def _start(self, line: Line, lease: Lease, mine: _Mine) -> None:
        joiner = self._joiners.enter(PATIENT if Run.named(lease.run).kind in PASSES else 1)

        async def attended() -> None:
            JOINER.set(joiner)
            bind_contextvars(crm=lease.crm, object=lease.object, record_id=lease.id, run=lease.run)  # of this task
            await (self._shown(line, lease) if is_traced() else line.story(lease))

        def left(_: object) -> None:
            self._running.pop(lease.token, None)
            joiner.leave()
            mine.end()

        task = asyncio.create_task(attended(), name=f"visit:{lease.crm}:{lease.object}")
        self._running[lease.token] = _Running(lease, task, self._clock())
        task.add_done_callback(left)
        mine.under_way += 1

    @staticmethod
    async def _shown(line: Line, lease: Lease) -> None:
        """Visits as a step that is linked to the one that made the record due."""
        links = await line.work.links.of(lease.crm, lease.object, lease.id)
        about = {"crm": lease.crm, "object": lease.object, "record_id": lease.id, "run": lease.run}
        with step("visit", links, **about, lane=str(lease.lane), attempt=lease.attempts + 1):
            await line.story(lease)

    async def tend(self, every_s: float = EXTEND_S) -> None:
        """Extend every lease of this process permanently."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.extend()
            except LedgerUnavailableError as error:  # two rounds may be missed
                log.warning("lease.unextended", visits=len(self._running), error=str(error))

    async def extend(self) -> None:
        """Extends all leases once, and ends visits that run too long, or whose lease was lost the last time as well.

        Of a visit that ends while its lease is being extended, the ledger says the same; and where somebody else has
        taken a record, every step of the visit is refused anyway.
        """
        now = self._clock()
        overdue = [run for run in self._running.values() if now - run.began > LONGEST_VISIT_S]
        kept = [run for run in self._running.values() if run not in overdue]
        lost = set(await self._all_work.extend(self.owner, [run.lease.token for run in kept])) if kept else set()
        for run in overdue + [run for run in kept if run.is_lost and run.lease.token in lost]:
            log.warning("visit.cancelled", record_id=run.lease.id, crm=run.lease.crm, lost=run.is_lost)
            run.task.cancel()
        for run in kept:
            run.is_lost = run.lease.token in lost

    async def drained(self, within_s: float) -> bool:
        """Claim nothing more and wait for running visits; whether all of them ended in time."""
        self.draining.set()
        tasks = {run.task for run in self._running.values()}
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        return not self._running


SLOT_MS = 5_000


class CutShortError(Exception):
    """Says that a visit failed after it had paid for something.

    ``entries`` go to the journal together with the failure.
    """

    def __init__(self, error: Exception, entries: Sequence[str]) -> None:
        super().__init__(type(error).__name__)
        self.error, self.entries = error, tuple(entries)


def attended(
    visit: Callable[[Lease], Awaitable[None]],
    work: Work,
    pauses: Pauses,
    clock: Callable[[], int],
    chance: Callable[[], float] = random.random,
) -> Story:
    """Returns ``visit`` as a story that never raises: each failure ends in one step of the ledger.

    A limit defers, and so does a crm too slow to be written to; a failure of the vendor tries again with growing waits
    until it buries; a refused credential pauses the crm, and what cannot ever work for this record buries it at once.
    """

    async def story(lease: Lease) -> None:
        try:
            await visit(lease)
        except LedgerUnavailableError as error:
            log.warning("visit.abandoned", error=str(error))  # the lease expires and the record returns
        except asyncio.CancelledError:
            await _quietly(work.again(lease, "overdue", backoff_ms(lease.attempts + 1, chance())))
            raise
        except CutShortError as short:
            await _quietly(_end(short.error, lease, short.entries))
        except Exception as error:  # noqa: BLE001 - the edge of a visit: whatever it is, the record is kept
            await _quietly(_end(error, lease))

    async def _end(error: Exception, lease: Lease, entries: Sequence[str] = ()) -> None:
        match error:
            case RateLimitedError() | StaleReadError():
                wait = int((error.retry_after_s or 0) * 1000) or SLOT_MS
                reason = "slow_reads" if error.code == STALE_READ else "rate"
                await work.defer(lease, clock() + wait, reason, VisitProgress(entries))
                log.info("visit.deferred", reason=reason, wait_s=wait / 1000)
            case SignInUnavailableError():  # no fault of the record: however long that lasts, it buries nothing
                await work.defer(lease, clock() + SLOT_MS, "sign_in", VisitProgress(entries))
                log.warning("visit.deferred", reason="sign_in", status=error.status, code=error.code)
            case AccessError():
                await pause_refusing(pauses, lease.crm, error)
                await work.defer(lease, clock() + SLOT_MS, "credentials", VisitProgress(entries))
                log.error("crm.paused", reason="credentials", status=error.status, code=error.code)
            case RejectedError():
                await work.bury(lease, str(error), VisitProgress(entries))
                log.error("visit.buried", error=type(error).__name__, status=error.status, code=error.code)
            case ContractError():  # final only when it stays: a gateway's page must not bury a batch of records
                await _again(lease, str(error), error.status, entries)
            case UnavailableError() | OutcomeUnknownError() | ConnectorError():
                await _again(lease, type(error).__name__, error.status, entries)
            case _:
                log.error("visit.failed", error=type(error).__name__, exc_info=error)
                await _again(lease, type(error).__name__, None, entries)

    async def _again(lease: Lease, reason: str, status: int | None, entries: Sequence[str]) -> None:
        ending = await work.again(lease, reason, backoff_ms(lease.attempts + 1, chance()), VisitProgress(entries))
        log.warning("visit.again", reason=reason, status=status, attempt=lease.attempts + 1, ending=ending)

    return story


async def _quietly(step: Awaitable[object]) -> None:
    try:
        await step
    except LedgerUnavailableError as error:
        log.warning("visit.abandoned", error=str(error))


async def pause_refusing(pauses: Pauses, vendor: str, error: AccessError, *, key: str = "") -> str:
    """Pauses a vendor that refuses our credential until a person resumes it, and returns the sentence that says so.

    Of a provider, whose hints speak of its ``key`` alone, the sentence says who refuses it. A property that is gone may
    come back, and so may what a refused question was about: that is looked at again by itself.
    """
    way_out = f"refill resume {vendor}"
    refused = f"{vendor} refuses our credential"
    why = f"{refused}: {error.hint or f'check the {key}'}" if key else error.hint or f"{refused}: check it"
    why, looks_again = why.rstrip("."), not key and (error.code == LOST or error.status in UNFIT)
    if looks_again:
        why = f"{why}; it is looked at again every minute"
    elif way_out not in why:
        why = f"{why}; then run {way_out}"
    await pauses.pause(vendor, "credentials", await pauses.now() + LOOK_MS if looks_again else 0, why)
    return why
