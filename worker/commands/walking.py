"""``backfill``: everything a CRM had before it was watched, in the lane that never delays fresh work."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.table import Table

from worker.backfills import backfill_state, start_backfill, stop_backfill
from worker.commands.names import known_watch
from worker.commands.running import DEAD_LETTERS, DONE
from worker.commands.session import err, opened_ledger, out, print_json, session, settings_of, working
from worker.commands.tables import table
from worker.engine import stop_on_signals
from worker.ledger.figures import RunFigures, together
from worker.ledger.work import Work
from worker.runtime import Runtime, clock
from worker.sync import PATIENCE_S, new_run, run_credits, set_cap
from worker.watch import Backfill

ALIVE_MS = 25_000  # a worker gives a sign of life every ten seconds; nobody waits here for one that was killed
LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Walk:
    """What is asked for: at most ``limit`` records with gaps, ``max_credits`` credits in all; ``None`` = no bound."""

    crm: str
    object: str
    limit: int | None = None
    max_credits: int | None = None


@dataclass(frozen=True, slots=True)
class Walked:
    """Where a backfill stands. ``open`` are its records due or leased."""

    state: Backfill
    open: int
    figures: RunFigures
    credits: dict[str, int]

    def as_json(self, dead: int) -> dict[str, Any]:
        """One object for scripts."""
        return {
            "run": self.state.run,
            "done": self.state.done,
            "stopped": self.state.stopped,
            "seen": self.state.seen,
            "open": self.open,
            "records": self.figures.records,
            "gaps": self.figures.gaps,
            "filled": sum(self.figures.filled.values()),
            "credits": self.credits,
            "dead": dead,
        }


async def run_stop(config: Path | None, crm: str, object: str) -> int:
    """Stop the walk where it is; what is in the work already is still visited."""
    settings = settings_of(config)
    known_watch(settings, crm, object)
    async with opened_ledger(settings) as ledger:
        state = await stop_backfill(ledger.work(crm, object), ledger.cursors)
    if state is None or state.done:
        _say(f"no backfill of {crm} {object} is under way")
    else:
        _say(_stopped(crm, object, state))
    return DONE


async def run_backfill(config: Path | None, walk: Walk, *, as_json: bool) -> int:
    """Begin the walk, or take it up where it was stopped, and follow it to its end or to Ctrl-C."""
    settings = settings_of(config)
    known_watch(settings, walk.crm, walk.object)
    stop = stop_on_signals()
    async with session(settings) as runtime:
        ledger = runtime.ledger
        work = ledger.work(walk.crm, walk.object)
        run, capped = new_run("backfill"), walk.max_credits is not None
        if walk.max_credits is not None:
            await set_cap(ledger.cursors, run, walk.max_credits)  # before anybody can claim a record of it
        state = await start_backfill(work, ledger.cursors, run=run, limit=walk.limit, renamed=capped)
        if capped and state.run != run:
            err.print("one is under way and keeps its own bounds: --stop it first to give it others", highlight=False)
        async with nullcontext() if await ledger.timetable.alive(ALIVE_MS) else working(runtime):
            last = await _followed(runtime, work, state, stop, shown=err.is_terminal and not as_json)
            if stop.is_set():
                last = dataclasses.replace(last, state=await stop_backfill(work, ledger.cursors) or last.state)
        dead = (await work.counts()).dead
    if as_json:
        print_json(last.as_json(dead))
    else:
        out.print(_summary(walk, last, dead))
        if last.state.stopped:
            _say(_stopped(walk.crm, walk.object, last.state))
    return DEAD_LETTERS if dead else DONE


async def _followed(runtime: Runtime, work: Work, state: Backfill, stop: asyncio.Event, *, shown: bool) -> Walked:
    """Until the walk is done and none of its records is due soon, or ``stop`` is set."""
    ledger = runtime.ledger
    before, moved = RunFigures(), clock()
    with Live("", console=err, refresh_per_second=4, transient=True) if shown else nullcontext() as live:
        while True:
            state = await backfill_state(work, ledger.cursors) or state
            figures = together((await ledger.figures.run(state.run)).values())
            if figures != before:
                before, moved = figures, clock()
            pending = await work.pending(state.run, moved + int(PATIENCE_S * 1000))
            found = Walked(state, pending, figures, await run_credits(runtime, state.run))
            if live is not None:
                live.update(_line(found))
            if stop.is_set() or state.stopped or (state.done and not pending):
                return found
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)


def _line(found: Walked) -> str:
    credits = ", ".join(f"{name} {count}" for name, count in found.credits.items() if count) or "none"
    return (
        f"walked {found.state.seen}  open {found.open}  visited {found.figures.records}  "
        f"filled {sum(found.figures.filled.values())}  credits: {credits}" + ("" if found.state.done else "  walking")
    )


def _summary(walk: Walk, found: Walked, dead: int) -> Table:
    rows: list[tuple[str, object]] = [
        ("records walked", found.state.seen),
        ("records visited", found.figures.records),
        ("gaps found", found.figures.gaps),
        ("filled", sum(found.figures.filled.values())),
        *((f"credits at {name}", count) for name, count in found.credits.items()),
        ("still open", found.open),
        ("dead letters", dead),
    ]
    return table(f"Backfill of {walk.crm} {walk.object}", ("", ""), rows, figures=1)


def _stopped(crm: str, object: str, state: Backfill) -> str:
    return f"stopped after {state.seen} records: refill backfill {crm} {object} goes on from there"


def _say(text: str) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)
