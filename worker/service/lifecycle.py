"""Runs a worker's life: open its crms, run jobs until asked to stop, drain.

And that of a process of one run.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial

import structlog

from connectors.ports import KeepsLog
from connectors.telemetry import CALLS
from worker.ledger.scripts import LedgerUnavailableError
from worker.service import arq_queue, heartbeat, rules
from worker.service.jobs import (
    CHECK_MS,
    JOBS,
    REOPEN_MS,
    SOON_MS,
    STANDING_MS,
    TICKS,
    admit,
    check_books,
    check_epoch,
    keep,
)
from worker.service.opening import open_crms
from worker.service.runtime import Runtime
from worker.upkeep.vendor_clocks import hear

BEAT_S = 10.0
BOOKS_S = 20.0  # how long a start waits for the books of a provider
REOPEN_S = 2.0
AGAIN_S = 1.0
TURN_S, LOOK_S = 1.0, 0.25
DRAIN_MARGIN_S = 5.0  # of the grace: the rest is for closing connections and signing off
log = structlog.get_logger(__name__)


async def work(runtime: Runtime, stop: asyncio.Event, alive: Callable[[], None] = lambda: None) -> None:
    """Works until ``stop`` is set; then claims and buys nothing more and lets what runs end within ``worker.grace``.

    ``alive`` is called again and again by what must not get stuck: by the queue once it runs.
    """
    async with _beside(_every(heartbeat.BEAT_S, partial(asyncio.to_thread, alive))):
        await start(runtime)
    grace_s = max(1.0, runtime.settings.worker.grace.total_seconds() - DRAIN_MARGIN_S)
    async with _beside(*loops(runtime), _drain(runtime, stop)):
        log.info("worker.started", lines=len(runtime.lines), shut=len(runtime.shut))
        await arq_queue.work(
            runtime,
            JOBS,
            TICKS,
            runtime.ledger.scripts.redis,
            stop=stop,
            grace_s=grace_s,
            process=arq_queue.QueueProcess(runtime.owner, alive=alive),
        )
        # The grace is over when visits still run here: the fill jobs that wait for theirs have ended or were cancelled.
        await runtime.visits.drained(DRAIN_MARGIN_S / 2)
    with contextlib.suppress(LedgerUnavailableError):
        await runtime.ledger.timetable.leave(runtime.owner)
    await runtime.ledger.rollback_guard.high_water.sync()
    log.info("worker.stopped")


async def start(runtime: Runtime) -> None:
    """Does what must happen before the first claim: spooled replies enter the ledger, prices are learnt."""
    if runtime.spool.pending():
        loaded = await runtime.spool.load(runtime.ledger.desk)
        log.info("spool.loaded", replies=loaded.replies)
    await tell(runtime)
    runtime.lookups.unchecked |= {name for name, one in runtime.providers.items() if isinstance(one, KeepsLog)}
    await check_epoch(runtime)
    await asyncio.gather(runtime.refresh_standing(), open_crms(runtime, REOPEN_S), _look_at_books(runtime))
    await hear(runtime.ledger.clocks, runtime.vendor_clocks)
    await tell(runtime)  # readiness depends on the crms that are open


@asynccontextmanager
async def working_for(runtime: Runtime, run: str, *also: Callable[[Runtime], Awaitable[object]]) -> AsyncIterator[None]:
    """Works for one run that a person started, for as long as the block runs, then lets what runs end.

    Only records of the run are visited, and nothing else is looked for: this process's spending is the run's and
    counts towards its cap. No job is taken from the queue, which rings for all. ``also`` is done once a second.
    """
    runtime.run = run
    try:
        await start(runtime)
        steps = [_every(TURN_S, partial(step, runtime)) for step in (admit, keep, *also)]
        grace_s = max(1.0, runtime.settings.worker.grace.total_seconds() - DRAIN_MARGIN_S)
        async with _beside(*loops(runtime, SOON_MS), *steps, _visiting(runtime)):
            try:
                yield
            finally:
                await runtime.visits.drained(grace_s)
    finally:
        runtime.visits.draining.clear()
        runtime.run = ""
        with contextlib.suppress(LedgerUnavailableError):
            await runtime.ledger.timetable.leave(runtime.owner)
        await runtime.ledger.rollback_guard.high_water.sync()


async def _visiting(runtime: Runtime) -> None:
    """Visit the due records of the run, in every open line."""
    tasks: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            for name, line in tuple(runtime.lines.items()):  # a crm that opens meanwhile brings more
                if name not in tasks or tasks[name].done():
                    tasks[name] = asyncio.create_task(_tried(partial(runtime.visits.fill, line, runtime.run)))
            await asyncio.sleep(LOOK_S)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def loops(runtime: Runtime, check_ms: int = CHECK_MS) -> tuple[Coroutine[None, None, None], ...]:
    """Lists the permanent duties of a worker besides its jobs, each to be run as its own task."""
    return (
        _every(BEAT_S, lambda: tell(runtime)),
        _reopen(runtime),
        _every(STANDING_MS / 1000, runtime.refresh_standing),
        _every(check_ms / 1000, lambda: _checked(runtime)),
        runtime.visits.tend(),
        runtime.lag.watch(),
    )


async def _look_at_books(runtime: Runtime) -> None:
    """Compare the books, but keep no start waiting for a provider that hangs: the loop asks it again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BOOKS_S):
            await check_books(runtime)


async def _checked(runtime: Runtime) -> None:
    await check_epoch(runtime)
    await check_books(runtime)
    await compare_rules(runtime)


async def compare_rules(runtime: Runtime) -> None:
    """Logs once that other workers have other rules, and again when the difference changes."""
    beats = [one for one in await runtime.ledger.timetable.alive() if one.owner != runtime.owner]
    found = rules.differing(rules.rules_of(runtime.settings), beats)
    if found and found != runtime.other_rules:
        log.warning("worker.rules_differ", hint=rules.sentence(found))
    runtime.other_rules = found


async def tell(runtime: Runtime) -> None:
    """Gives a sign of life, with this worker's rules for the others to compare."""
    room = runtime.spool.room
    info = {"visits": len(runtime.visits), "shut": sorted(runtime.shut)}
    info |= {"disk_free": room.free(), "no_room": not room.enough()}
    info |= {"run": runtime.run} if runtime.run else {}
    info |= {"lag_ms": runtime.lag.take_ms(), rules.KEY: rules.rules_of(runtime.settings)}
    await runtime.ledger.timetable.beat(runtime.owner, info)
    await _tell_calls(runtime)


async def _tell_calls(runtime: Runtime) -> None:
    counts = CALLS.take()
    try:
        await runtime.ledger.calls.add(counts)
    except LedgerUnavailableError:
        CALLS.give_back(counts)
        raise
    await runtime.ledger.calls.keep_last(CALLS.last())


async def _drain(runtime: Runtime, stop: asyncio.Event) -> None:
    await stop.wait()
    log.info("worker.draining", visits=len(runtime.visits))
    runtime.visits.draining.set()


async def _reopen(runtime: Runtime) -> None:
    """Open what could not be opened: soon, and with growing waits up to a minute."""
    wait_s = REOPEN_S
    while True:
        await asyncio.sleep(wait_s * 0.9)  # before the pause of the last try is over
        wait_s = min(wait_s * 2, REOPEN_MS / 1000) if runtime.shut or runtime.refused else REOPEN_S
        await _tried(partial(open_crms, runtime, wait_s))


async def _every(seconds: float, step: Callable[[], Awaitable[object]]) -> None:
    """Repeat for good; a Redis that is away for a round changes nothing."""
    while True:
        await asyncio.sleep(seconds)
        await _tried(step)


async def _tried(step: Callable[[], Awaitable[object]]) -> None:
    """Runs one round. There is a next one, however it ends.

    A loop that ends would otherwise go unnoticed until it matters.
    """
    try:
        await step()
    except LedgerUnavailableError as error:
        log.warning("upkeep.skipped", error=str(error))
    except Exception as error:  # the edge of a loop
        log.error("upkeep.failed", error=type(error).__name__, exc_info=error)


@asynccontextmanager
async def _beside(*loops: Awaitable[None]) -> AsyncIterator[None]:
    """Run ``loops`` while the block runs; an unexpected end of one is logged, never silent."""
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        left = set(tasks)
        while left:  # again if a cancellation was swallowed: see arq_queue
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=AGAIN_S)


def _log_failure(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("worker.loop_ended", error=type(error).__name__, exc_info=error)


def stop_on_signals() -> asyncio.Event:
    """Returns an event that SIGTERM and SIGINT set; only in the main thread."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        return stop
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
