"""Implements ``backfill``: everything a CRM had before it was watched, in the lane that never delays fresh work."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from config.counts import counted
from worker.commands.names import known_watch
from worker.commands.options import Config, CrmName, Json, MaxCredits, ObjectName, as_command, one_command
from worker.commands.progress import live, say, say_observed
from worker.commands.session import err, opened_ledger, out, print_json, report, session, settings_of
from worker.commands.tables import table
from worker.ledger.journal.figures import RunFigures, together
from worker.ledger.own_clock import clock
from worker.ledger.run import Run, RunKind
from worker.ledger.work.work import Work
from worker.manual.endings import RunEnding
from worker.manual.exit_codes import DONE
from worker.manual.follow import follow, perhaps_charged, run_credits
from worker.manual.left import Held, cap_figures, left_behind
from worker.manual.look import NotAsked, passed_over
from worker.manual.passes import PATIENCE_S
from worker.service.jobs import is_full, unasked
from worker.service.lifecycle import stop_on_signals, working_for
from worker.service.runtime import Runtime
from worker.triggers.backfill import Backfill, backfill, backfill_state, start_backfill, stop_backfill
from worker.visits.budget_lines import set_cap

ALIVE_MS = 25_000  # a worker gives a sign of life every ten seconds; waits no longer for one that was killed
ROOM = 200  # a page of either crm

app = one_command()


@dataclass(frozen=True, slots=True)
class Walked:
    """Says how far a backfill has come once it cannot go on.

    ``open`` are its records that are still in the work.
    """

    state: Backfill
    open: int
    figures: RunFigures
    credits: dict[str, int]
    ending: RunEnding = field(default_factory=RunEnding)

    def as_json(self) -> dict[str, Any]:
        facts = {
            "run": self.state.run,
            "done": self.state.done,
            "stopped": self.state.stopped,
            "seen": self.state.seen,
            "open": self.open,
            "records": self.figures.records,
            "gaps": self.figures.gaps,
            "filled": sum(self.figures.filled.values()),
            "credits": self.credits,
            "dead": self.ending.dead,
        }
        return self.ending.as_json() | facts


async def _stop(config: Path | None, crm: str, object: str, *, as_json: bool) -> int:
    """Stop the walk where it is; what is in the work already is still visited."""
    settings = settings_of(config)
    known_watch(settings, crm, object)
    async with opened_ledger(settings) as ledger:
        state = await stop_backfill(ledger.work(crm, object), ledger.cursors)
    stopped = state is not None and not state.done
    said = _where(crm, object, state) if state and stopped else f"no backfill of {crm} {object} is under way"
    report({"crm": crm, "object": object, "stopped": stopped}, said, as_json=as_json)
    return DONE


@as_command(app)
async def command(
    crm: CrmName,
    object: ObjectName,
    limit: Annotated[int | None, typer.Option(min=1, help="Visit this many records, then stop.")] = None,
    max_credits: MaxCredits = None,
    stops: Annotated[bool, typer.Option("--stop", help="Stop the one under way; the next one resumes it.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Walk over every record a crm has; the same command goes on after Ctrl-C.

    Ctrl-C stops it.
    """
    if stops:
        return await _stop(config, crm, object, as_json=as_json)
    settings = settings_of(config)
    known_watch(settings, crm, object)
    stop = stop_on_signals()
    async with session(settings) as runtime:
        ledger = runtime.ledger
        work = ledger.work(crm, object)
        run, capped = Run.new(RunKind.BACKFILL).name, max_credits is not None
        if max_credits is not None:
            await set_cap(ledger.cursors, run, max_credits)  # before anybody can claim a record of it
        is_served = any(beat.serves_all for beat in await ledger.timetable.alive(ALIVE_MS))
        state = await start_backfill(work, ledger.cursors, run=run, limit=limit, renamed=capped)
        if capped and state.run != run:
            err.say("one is under way with bounds of its own: --stop it first, then give others")
        await work.of_run.own_all(state.run, only_cut=True)
        walker = _Walker(runtime, work, state)
        async with nullcontext() if is_served else working_for(runtime, state.run, walker.step):
            with live(as_json=as_json) as show:
                left = await follow(
                    *(runtime, state.run, [work]),
                    patience_s=PATIENCE_S,
                    looking=walker.is_on,
                    show=show,
                    stop=stop,
                    served=is_served,
                )
            is_stuck = not (walker.state.done or walker.state.stopped)
            if is_stuck:
                walker.state = await stop_backfill(work, ledger.cursors) or walker.state
        found = await _walked(walker, left, max_credits=max_credits, is_stuck=is_stuck and not stop.is_set())
    if as_json:
        print_json(found.as_json())
    else:
        out.print(_summary(f"{crm} {object}", found))
        out.say(_where(crm, object, found.state))
    say(found.ending)
    say_observed(settings, [crm])
    return DONE if stop.is_set() else found.ending.code


@dataclass(slots=True)
class _Walker:
    """Follows the walk, by this process or another. ``why`` it could not go on, ``""`` while it can."""

    runtime: Runtime
    work: Work
    state: Backfill
    why: str = ""
    moved: int = field(default_factory=clock)

    async def step(self, runtime: Runtime) -> None:
        watch = runtime.watches.get((self.work.crm, self.work.object))
        if watch is not None and not await is_full(runtime):
            self.why = await unasked(runtime, watch.crm, partial(backfill, watch, runtime.ledger.cursors))

    async def is_on(self) -> bool:
        """Says whether it still walks: not while a person must act, no room comes free, or it has stood for long."""
        before, ledger = self.state, self.runtime.ledger
        self.state = await backfill_state(self.work, ledger.cursors) or before
        if self.state != before:
            self.moved = clock()
        if self.state.done or self.state.stopped or clock() - self.moved > PATIENCE_S * 1000:
            return False
        needs_a_person = any(not one.until_ms for one in await ledger.pauses.of(self.work.crm))
        return not needs_a_person and await self.work.room() >= ROOM


async def _walked(walker: _Walker, left: list[Held], *, max_credits: int | None, is_stuck: bool) -> Walked:
    runtime, work, state = walker.runtime, walker.work, walker.state
    by_work = await runtime.ledger.figures.of_run(state.run)
    credits = await run_credits(runtime, state.run)
    missed = passed_over(by_work)
    pauses = await runtime.ledger.pauses.of(work.crm)
    why = walker.why or next((one.why or one.reason for one in pauses), "")
    if is_stuck and why:
        missed.insert(0, NotAsked(work.crm, work.object, why))
    unwalked = [Held(work.crm, work.object, 0, "walk")] if is_stuck else []
    ending = RunEnding(
        left=left_behind(by_work, (*left, *unwalked), cap_figures(max_credits, credits)),
        not_asked=missed,
        uncertain=await perhaps_charged(runtime, state.run),
        dead=(await work.counts()).dead,
    )
    return Walked(state, sum(one.records for one in left), together(by_work.values()), credits, ending)


def _summary(what: str, found: Walked) -> Table:
    rows: list[tuple[str, object]] = [
        ("records walked", found.state.seen),
        ("records visited", found.figures.records),
        ("gaps found", found.figures.gaps),
        ("filled", sum(found.figures.filled.values())),
        *((f"credits at {name}", count) for name, count in found.credits.items()),
        ("still open", found.open),
        ("dead letters", found.ending.dead),
    ]
    return table(f"Backfill of {what}", ("", ""), rows, figures=1)


def _where(crm: str, object: str, state: Backfill) -> str:
    """Tells how far the walk has come, and how to go on."""
    if state.done:
        return (
            f"the walk over {crm} {object} is finished: {counted(state.seen, 'record')}, and the next one begins anew"
        )
    at_limit = " at its limit" if state.left == 0 else ""
    return f"stopped{at_limit} after {counted(state.seen, 'record')}: refill backfill {crm} {object} goes on from there"
