"""Defines the jobs a worker can be rung for.

Each is thin: what to do is in a flow, whether it is due in the ledger.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import structlog

from connectors.errors import AccessError, ConnectorError, UnavailableError
from worker.ledger.journal.audit_heads import AuditHeads
from worker.ledger.own_clock import clock
from worker.ledger.run import Run
from worker.ledger.work.work import Due, Lane
from worker.service.arq_queue import Doorbell, Job
from worker.service.runtime import Runtime
from worker.triggers.backfill import backfill, backfill_cursor
from worker.triggers.options import OptionRounds
from worker.triggers.poll import poll
from worker.triggers.sweep import sweep
from worker.upkeep.archive import archive
from worker.upkeep.audit import audit
from worker.upkeep.erase import erase_elsewhere
from worker.upkeep.reconcile import reconcile
from worker.upkeep.vendor_clocks import hear
from worker.upkeep.verdicts import judge
from worker.visits.runner import pause_refusing
from worker.visits.watch import Watch

FILL_S, LONG_S, SHORT_S = 240.0, 240.0, 30.0
TICK_S = 1
UPKEEP_MS = 5_000
REOPEN_MS, STANDING_MS, RECHECK_MS = 60_000, 600_000, 60_000
SWEEP_MS = 60_000  # a step of the pass under way; a pass begins once a day
ERASE_MS = ARCHIVE_MS = 3_600_000
CHECK_MS, SOON_MS, DAILY_MS = 30_000, 5_000, 86_400_000  # SOON_MS: if a person waits for it
RECHECK_BUCKETS = 256  # of 4,096: a round over all of them takes a quarter of an hour
FOR_A_PERSON = frozenset({"credentials", "operator"})
log = structlog.get_logger(__name__)


def run_of_day(runtime: Runtime, crm: str) -> str:
    """Returns the run for records that this process finds in a crm: a person's if it works for one."""
    return runtime.run or Run.of_day(crm, runtime.settings.budget_zone, clock()).name


# ---- the tick: ring for due records ----------------------------------------------------------------------------------


async def tick(runtime: Runtime, payload: Mapping[str, Any]) -> None:  # noqa: ARG001  # every job takes one
    """Ring every job that is due. Missed and doubled ticks change nothing."""
    ledger, bell = runtime.ledger, Doorbell(runtime.ledger.scripts.redis)
    for task in await ledger.timetable.due(periods(runtime)):
        job, _, key = task.partition(":")
        await bell.ring(job, key, {"name": task, "key": key})
    await admit(runtime)
    workers = max(1, sum(beat.serves_all for beat in await ledger.timetable.alive()))
    for name, line in tuple(runtime.lines.items()):  # a crm that opens meanwhile brings more
        due = await line.work.ready()
        for slot in range(min(workers, math.ceil(due / line.block))):
            await bell.ring("fill", f"{name}:{slot}", {"line": name})


async def keep(runtime: Runtime) -> None:
    """Do the periodic jobs that are due, in a process that no tick rings."""
    jobs = {job.name: job for job in JOBS}

    async def done(task: str) -> None:
        name, _, key = task.partition(":")
        async with asyncio.timeout(jobs[name].timeout_s):
            await jobs[name].run(runtime, {"name": task, "key": key})

    await asyncio.gather(*(done(task) for task in await runtime.ledger.timetable.due(periods(runtime))))


def periods(runtime: Runtime) -> dict[str, int]:
    """Returns every periodic job by ``<job>:<key>``, and its period in ms.

    A process that works for a person's run looks for records once, when the run begins; later ones are not its own.
    """
    found: dict[str, int] = {"upkeep:all": UPKEEP_MS, "erase:all": ERASE_MS, "archive:all": ARCHIVE_MS}
    if runtime.settings.journal.audit:
        found["audit:all"] = UPKEEP_MS
    found |= {f"reconcile:{name}": DAILY_MS for name in runtime.providers}
    if runtime.run:
        return found
    for crm, kind in runtime.watches:
        found[f"poll:{crm}.{kind}"] = int(runtime.settings.crm[crm].poll_every.total_seconds() * 1000)
        found[f"backfill:{crm}.{kind}"] = UPKEEP_MS
        found[f"recheck:{crm}.{kind}"] = RECHECK_MS
        found[f"sweep:{crm}.{kind}"] = SWEEP_MS
    for crm in runtime.awaiting:
        found[f"await:{crm}"] = int(runtime.settings.crm[crm].poll_every.total_seconds() * 1000)
    if runtime.collector and runtime.settings.providers.openprospect:
        found["collect:all"] = int(runtime.settings.providers.openprospect.poll_every.total_seconds() * 1000)
    return found


async def admit(runtime: Runtime) -> None:
    """Let waiting records go on, as many of each lane and crm as rate and budgets take now."""
    for name, terms in runtime.lookups.terms.items():
        count, budget_lines, now = 0, runtime.budget_lines, clock()
        if name not in runtime.lookups.unchecked and runtime.spool.has_room():
            count = await runtime.limiters[name].capacity(terms.offers[0].bucket)
        if count == 0:
            await runtime.ledger.all_work.admit(name, 0)
            continue
        lines_of = {
            "": budget_lines.provider_lines(name, now),
            **{crm: budget_lines.crm_lines(crm, now) for crm in budget_lines.crms},
        }
        rooms = await runtime.ledger.budgets.rooms(lines_of, terms.reserve)
        await runtime.ledger.all_work.admit(name, count, credits=rooms.pop(""), crms=rooms)


# ---- jobs ----------------------------------------------------------------------------------------------------------


async def fill(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Visit the due records of one line."""
    line = runtime.lines.get(str(payload.get("line")))
    if line is not None:
        await runtime.visits.fill(line)


async def poll_watch(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    watch = _watch(runtime, payload)
    if watch is None or runtime.visits.draining.is_set():
        return
    lookback = int(runtime.settings.crm[watch.crm].lookback.total_seconds() * 1000)
    run = run_of_day(runtime, watch.crm)
    if await _asked(runtime, watch.crm, partial(poll, watch, runtime.ledger.cursors, run=run, lookback_ms=lookback)):
        await runtime.ledger.timetable.done(str(payload["name"]))


async def walk_backfill(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Walk on one backfill, when one was started."""
    watch = _watch(runtime, payload)
    if watch is None or runtime.visits.draining.is_set():
        return
    if await is_full(runtime):
        return
    if await runtime.ledger.cursors.get(backfill_cursor(watch.crm, watch.object)):
        await _asked(runtime, watch.crm, partial(backfill, watch, runtime.ledger.cursors))
    await runtime.ledger.timetable.done(str(payload["name"]))


async def is_full(runtime: Runtime) -> bool:
    """Tells whether Redis is so full that only live records may still be added."""
    found = await runtime.ledger.redis_memory.now()
    if found is None or not found.is_full:
        return False
    log.warning("backfill.paused", reason="memory", used=found.used, limit=found.limit)
    return True


async def recheck(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Make settled records due whose recheck has come, or that wait for a property, a part of them each minute."""
    watch = _watch(runtime, payload)
    if watch is None or await is_full(runtime):
        return
    name = f"recheck:{watch.crm}:{watch.object}"
    first = int(await runtime.ledger.cursors.get(name) or 0)
    await runtime.closed[watch.crm, watch.object].look()
    rounds = OptionRounds(watch, runtime.ledger.cursors)
    opened = watch.letters_of_opened(await rounds.news(first))
    await watch.work.recheck(run_of_day(runtime, watch.crm), first=first, buckets=RECHECK_BUCKETS, opened=opened)
    following = (first + RECHECK_BUCKETS) % 4096
    await rounds.passed(following)
    await runtime.ledger.cursors.set(name, str(following))
    await runtime.ledger.timetable.done(str(payload["name"]))


async def sweep_watch(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Go on with the sweep of one watched object."""
    watch = _watch(runtime, payload)
    if watch is None or runtime.visits.draining.is_set():
        return
    ledger, run = runtime.ledger, run_of_day(runtime, watch.crm)
    going = partial(sweep, watch, ledger.cursors, ledger.intake, run=run, now_ms=clock())
    if await _asked(runtime, watch.crm, going):
        await ledger.timetable.done(str(payload["name"]))


async def erase(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Look again at records whose person is to be forgotten and that were not gone yet; let Redis forget the erased.

    A dead letter among them is erased at once: otherwise the person's data would stay as long as it does.
    """
    ledger = runtime.ledger
    for crm, kind, id in await ledger.erasures.pending(await ledger.scripts.now() - ERASE_MS):
        work, run = ledger.work(crm, kind), run_of_day(runtime, crm)
        if (await work.add([Due(id)], lane=Lane.LIVE, run=run)).ignored:
            await work.replay(id, run)
    await ledger.erasures.rewrite()
    await ledger.timetable.done(str(payload["name"]))


async def audit_journal(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Append new journal entries to the audit."""
    if await _audited(runtime):
        await runtime.ledger.timetable.done(str(payload["name"]))


async def _audited(runtime: Runtime) -> bool:
    """Says whether the audit, if one is kept, has all of the journal."""
    kept = runtime.settings.journal
    if not kept.audit or kept.archive_dir is None:
        return True
    try:
        await audit(runtime.ledger.journal, AuditHeads(runtime.ledger.scripts), kept.archive_dir)
    except (OSError, ValueError) as error:
        hint = "audit.jsonl cannot be written, or was altered: refill journal verify"
        log.error("journal.unaudited", error=type(error).__name__, hint=hint)
        return False
    return True


async def archive_journal(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Erase other data of erased people, archive old journal entries, note how full Redis is.

    In this order, and one after the other: see ``worker.upkeep.erase``.
    """
    ledger, kept = runtime.ledger, runtime.settings.journal
    now = await ledger.scripts.now()
    before_ms = now - int(kept.keep.total_seconds() * 1000)
    try:
        await erase_elsewhere(ledger.erasures, ledger.journal, kept.archive_dir, now)
    except (OSError, ValueError) as error:
        hint = "journal.archive_dir cannot be read or written, or holds lines of others: erased people may be in it"
        log.error("journal.unerased", error=type(error).__name__, hint=hint)
    try:
        if await _audited(runtime):
            await archive(runtime.ledger.journal, kept.archive_dir, before_ms)
    except (OSError, ValueError) as error:
        log.error("journal.unarchived", error=type(error).__name__, hint="journal.archive_dir cannot be written")
    await runtime.ledger.redis_memory.sample()
    await runtime.ledger.timetable.done(str(payload["name"]))


async def collect(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    if runtime.collector is None or runtime.visits.draining.is_set():
        return
    run = run_of_day(runtime, "openprospect")
    if await _asked(runtime, "openprospect", partial(runtime.collector.collect, run)):
        await runtime.ledger.timetable.done(str(payload["name"]))


async def look_at_awaited(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Bring back deliveries that wait for a change of rows of one crm."""
    crm = str(payload.get("key"))
    awaiting = runtime.awaiting.get(crm)
    if awaiting is None or runtime.visits.draining.is_set():
        return
    if await _asked(runtime, crm, partial(awaiting.look, run_of_day(runtime, crm))):
        await runtime.ledger.timetable.done(str(payload["name"]))


async def upkeep(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Keep the ledger tidy: ended leases and tickets, the spool, the vendors' clocks, verdicts."""
    ledger = runtime.ledger
    reaped = await ledger.all_work.reap()
    if reaped.returned or reaped.crashed:
        log.warning("lease.reaped", returned=reaped.returned, crashed=reaped.crashed)
    alive = {beat.owner for beat in await ledger.timetable.alive()} | {runtime.owner}
    tickets = await ledger.desk.reap(alive)
    await ledger.all_work.wake(tickets.waiters)
    await ledger.creations.reap(alive)
    if runtime.spool.pending():
        loaded = await runtime.spool.load(ledger.desk)
        await ledger.all_work.wake(loaded.waiters)
        log.info("spool.loaded", replies=loaded.replies)
    await hear(ledger.clocks, runtime.vendor_clocks)
    await judge(ledger, runtime.providers)
    await ledger.timetable.done(str(payload["name"]))


# ---- the providers' books ------------------------------------------------------------------------------------------


async def compare_books(runtime: Runtime, payload: Mapping[str, Any]) -> None:
    """Compare our ledger with one provider's books, once a day."""
    if await _compared(runtime, str(payload.get("key"))):
        await runtime.ledger.timetable.done(str(payload["name"]))


async def check_books(runtime: Runtime) -> None:
    """Compare what this process has not yet compared since its start; until then it buys nothing there."""
    for name in sorted(runtime.lookups.unchecked):
        if await _compared(runtime, name):
            runtime.lookups.unchecked.discard(name)


async def _compared(runtime: Runtime, name: str) -> bool:
    provider = runtime.providers.get(name)
    if provider is None:
        return True
    try:
        async with asyncio.timeout(LONG_S):  # nothing is bought there meanwhile, and everything else goes on
            await reconcile(runtime.ledger, runtime.settings, provider)
    except (ConnectorError, TimeoutError) as error:
        log.warning("books.unread", vendor=name, error=type(error).__name__)
        return False
    return True


async def check_epoch(runtime: Runtime) -> None:
    """Buy nothing more if Redis has forgotten paid calls; otherwise save the count seen to disk."""
    if await runtime.ledger.rollback_guard.behind() is not None:
        await runtime.lookups.restored()
    await runtime.ledger.rollback_guard.high_water.sync()


def _watch(runtime: Runtime, payload: Mapping[str, Any]) -> Watch | None:
    crm, _, kind = str(payload.get("key")).partition(".")
    return runtime.watches.get((crm, kind))


async def _asked(runtime: Runtime, vendor: str, asking: Callable[[], Awaitable[object]]) -> bool:
    """Await a flow that only reads; says whether it came to its end."""
    return not await unasked(runtime, vendor, asking)


async def unasked(runtime: Runtime, vendor: str, asking: Callable[[], Awaitable[object]]) -> str:
    """Await a flow that only reads; gives why it did not come to its end, ``""`` when it did.

    A refused credential pauses its vendor, anything else is left to the next time. A vendor that waits for a person is
    left alone: it was said once why.
    """
    for one in await runtime.ledger.pauses.of(vendor):
        if one.reason in FOR_A_PERSON:
            return one.why or f"it is paused ({one.reason}): refill resume {vendor}"
    try:
        await asking()
    except AccessError as error:
        why = await pause_refusing(runtime.ledger.pauses, vendor, error)
        log.error("vendor.paused", vendor=vendor, reason="credentials", status=error.status, code=error.code)
        return why
    except UnavailableError as error:
        log.warning("poll.failed", vendor=vendor, error=type(error).__name__, status=error.status)
        return error.hint or str(error)
    except ConnectorError as error:
        log.error("poll.failed", vendor=vendor, error=type(error).__name__, status=error.status, code=error.code)
        return error.hint or str(error)
    return ""


JOBS: tuple[Job[Runtime], ...] = (
    Job("tick", tick, SHORT_S),
    Job("fill", fill, FILL_S),
    Job("poll", poll_watch, LONG_S),
    Job("backfill", walk_backfill, LONG_S),
    Job("recheck", recheck, LONG_S),
    Job("sweep", sweep_watch, LONG_S),
    Job("erase", erase, LONG_S),
    Job("archive", archive_journal, LONG_S),
    Job("audit", audit_journal, LONG_S),
    Job("collect", collect, LONG_S),
    Job("await", look_at_awaited, LONG_S),
    Job("upkeep", upkeep, SHORT_S * 2),
    Job("reconcile", compare_books, LONG_S),
)
TICKS: Mapping[str, int] = {"tick": TICK_S}
