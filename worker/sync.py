"""One pass over everything: bring what changed into the work, follow it to its end, and say what was done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import structlog

from connectors.errors import ConnectorError
from worker.ledger.cursors import Cursors
from worker.ledger.deliveries import OBJECT as DELIVERY
from worker.ledger.figures import RunFigures, together
from worker.ledger.work import Due, Lane, Work
from worker.runtime import Runtime, clock
from worker.watch import due_rows, poll
from worker.watches import Watch

PATIENCE_S = 150.0  # longer than a lease and longer than a verdict
LOOK_S = 0.25
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass is asked to do. ``record`` is (crm, object, id) of the only record to look at."""

    full: bool = False
    record: tuple[str, str, str] | None = None
    max_credits: int | None = None
    patience_s: float = PATIENCE_S


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a pass stands. ``open`` are its records due or leased, ``walking`` says that it still looks for more."""

    open: int
    waiting: int
    figures: RunFigures
    credits: Mapping[str, int]
    walking: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a pass did: the one object that ``sync --json`` and ``demo --json`` end with."""

    records: int
    gaps: int
    filled: int
    credits: Mapping[str, int]
    delivered: Mapping[str, int]
    not_filled: Mapping[str, int]
    waiting: int
    dead: int
    seconds: float
    run: str = ""
    by_work: Mapping[tuple[str, str], RunFigures] = field(default_factory=dict)
    left: int = 0  # records still due though nobody takes them: their crm is paused, or there is no worker

    def as_json(self) -> dict[str, Any]:
        """The stable keys."""
        told = asdict(self)
        return {name: told[name] for name in told if name not in {"run", "by_work", "left"}}


def new_run(kind: str) -> str:
    """A run that a person starts, named by what and when."""
    return f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(2)}"


async def sync(
    runtime: Runtime,
    wanted: Pass,
    watch: Callable[[Progress], None] | None = None,
    worker: AbstractAsyncContextManager[None] | None = None,
) -> Report:
    """Carry out one pass. ``worker`` is entered once the polls are done; without it one must be running elsewhere.

    It owns what is in the work at its start, what its polls find and what its visits add, and ends when none of that
    is leased or due within ``patience_s`` of the last progress. That a worker of its own begins after the polls keeps
    that worker's polls from finding the same rows first.
    """
    run, began = new_run("sync"), time.monotonic()
    if wanted.max_credits is not None:
        await set_cap(runtime.ledger.cursors, run, wanted.max_credits)
    works, polled, left = _works(runtime), asyncio.Event(), 0
    looking = asyncio.create_task(_look(runtime, wanted, run, works, polled))
    looking.add_done_callback(lambda _: polled.set())
    try:
        await polled.wait()
        async with worker or nullcontext():
            left = await _followed(runtime, run, works, looking, wanted, watch)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    return replace(await _report(runtime, run, works, time.monotonic() - began), left=left)


async def set_cap(cursors: Cursors, run: str, credits: int) -> None:
    """What a run may spend at most, for every worker to know."""
    await cursors.set(f"cap:{run}", str(credits))


def _works(runtime: Runtime) -> list[Work]:
    return [line.work for line in runtime.lines.values()]


# ---- looking for records -----------------------------------------------------------------------------------------


async def _look(runtime: Runtime, wanted: Pass, run: str, works: Sequence[Work], polled: asyncio.Event) -> None:
    if wanted.record is not None:
        crm, kind, id_ = wanted.record
        await runtime.watches[crm, kind].work.add([Due(id_)], lane=Lane.LIVE, run=run, forced=True)
        return
    for work in works:
        await work.own_all(run)
    looks: list[Awaitable[object]] = [_poll(runtime, watch, run) for watch in runtime.watches.values()]
    if runtime.collector is not None:
        looks.append(runtime.collector.collect(run))
    await _all(looks)
    polled.set()
    if wanted.full:
        await _all([_walk(watch, run) for watch in runtime.watches.values()])
    for work in works:  # what a worker's own poll found meanwhile
        await work.own_all(run)


async def _all(looks: Sequence[Awaitable[object]]) -> None:
    """Look everywhere; one vendor that fails keeps nobody else from being looked at."""
    for result in await asyncio.gather(*looks, return_exceptions=True):
        if isinstance(result, ConnectorError):
            log.error("sync.look_failed", error=str(result), hint=result.hint)
        elif isinstance(result, Exception):
            log.error("sync.look_failed", error=type(result).__name__, exc_info=result)


async def _poll(runtime: Runtime, watch: Watch, run: str) -> None:
    lookback = int(runtime.settings.crm[watch.crm].lookback.total_seconds() * 1000)
    await poll(watch, runtime.ledger.cursors, run=run, lookback_ms=lookback)


async def _walk(watch: Watch, run: str) -> None:
    """Every record, in the backfill lane, as fast as the work has room; what tells nothing new is dropped there."""
    after, done = "", False
    while not done:
        while await watch.work.room() < watch.vendor.batch:  # noqa: ASYNC110  # the room is in Redis
            await asyncio.sleep(LOOK_S)
        page = await watch.vendor.walk(watch.watched, after)
        rows = await due_rows(watch, page.records, closed=True)
        await watch.work.add(rows, lane=Lane.BACKFILL, run=run)
        after, done = page.cursor.id, page.done


# ---- following them ----------------------------------------------------------------------------------------------


async def _followed(
    runtime: Runtime,
    run: str,
    works: Sequence[Work],
    looking: asyncio.Task[None],
    wanted: Pass,
    watch: Callable[[Progress], None] | None,
) -> int:
    """Until nothing of the run is open; how many records stayed due because nobody took them for so long."""
    last, moved = RunFigures(), clock()
    while True:
        walking = not looking.done()
        if not walking:
            await looking
        figures = together((await runtime.ledger.figures.run(run)).values())
        if figures != last:
            last, moved = figures, clock()
        horizon = moved + int(wanted.patience_s * 1000)
        pending = sum([await work.pending(run, horizon) for work in works])
        if watch is not None:
            waiting = sum([(await work.counts()).waiting for work in works])
            watch(Progress(pending, waiting, figures, await run_credits(runtime, run), walking))
        if not walking and not pending:
            return 0
        if not walking and clock() > horizon and not sum([await work.pending(run, 0) for work in works]):
            log.warning("sync.left", records=pending)
            return pending
        await asyncio.sleep(LOOK_S)


async def run_credits(runtime: Runtime, run: str) -> dict[str, int]:
    """Credits a run has spent by provider, perhaps charged ones included."""
    names = {name: f"run:{run}:{name}" for name in runtime.providers}
    booked = await runtime.ledger.budgets.booked(list(names.values()))
    return {name: booked[line].spent + booked[line].reserved for name, line in names.items()}


async def _report(runtime: Runtime, run: str, works: Sequence[Work], seconds: float) -> Report:
    by_work = await runtime.ledger.figures.run(run)
    filling = together(figures for (_, kind), figures in by_work.items() if kind != DELIVERY)
    delivering = together(figures for (_, kind), figures in by_work.items() if kind == DELIVERY)
    counts = [await work.counts() for work in works]
    reasons: dict[str, int] = {}
    for (_, reason), count in filling.unfilled.items():
        reasons[reason] = reasons.get(reason, 0) + count
    return Report(
        records=filling.records,
        gaps=filling.gaps,
        filled=sum(filling.filled.values()),
        credits=await run_credits(runtime, run),
        delivered={name: delivering.tally.get(name, 0) for name in ("companies", "contacts")},
        not_filled=dict(sorted(reasons.items())),
        waiting=sum(one.waiting for one in counts),
        dead=sum(one.dead for one in counts),
        seconds=round(seconds, 1),
        run=run,
        by_work=by_work,
    )
