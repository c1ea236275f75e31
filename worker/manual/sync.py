"""Runs one pass over everything: adds changed records to the work, follows them to the end, and reports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from worker.decide.kept import REFUSED
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import RunFigures, together
from worker.ledger.run import Run, RunKind
from worker.ledger.work.work import Work
from worker.manual.endings import RunEnding
from worker.manual.follow import Show, follow, perhaps_charged, run_credits
from worker.manual.left import Held, cap_figures, left_behind
from worker.manual.look import Look, passed_over
from worker.manual.passes import Pass
from worker.manual.plan_file import saved_plan
from worker.reports.overview import proposals, works
from worker.service.jobs import admit
from worker.service.runtime import Runtime
from worker.visits.budget_lines import set_cap


class PassReport(Struct, frozen=True):
    """Holds the result of a pass: the one object that ``sync --json`` and ``demo --json`` end with.

    ``ending`` tells what is unfinished and why, and which vendors were not asked.
    """

    records: int
    gaps: int
    filled: int
    credits: Mapping[str, int]
    delivered: Mapping[str, int]
    not_filled: Mapping[str, int]
    refused: Mapping[str, int]
    waiting: int
    proposals: int
    dead: int
    seconds: float
    ending: RunEnding = field(default_factory=RunEnding)
    run: str = ""
    by_work: Mapping[tuple[str, str], RunFigures] = {}

    def as_json(self) -> dict[str, Any]:
        fields = asdict(self)
        return {name: fields[name] for name in fields if name not in {"by_work", "ending"}} | self.ending.as_json()


Working = Callable[[Runtime, str], AbstractAsyncContextManager[None]]


async def sync(
    runtime: Runtime,
    wanted: Pass,
    show: Show | None = None,
    worker: Working | None = None,
    stop: asyncio.Event | None = None,
) -> PassReport:
    """Carry out one pass. ``worker`` works for its run meanwhile; without it one must be running elsewhere.

    It owns the records in the work at its start, those it finds itself, and those its visits add. Waiting records
    are let in before that look; it ends when nothing of it can go on within ``patience_s`` of the last record that
    settled.
    """
    run, began = Run.new(RunKind.PLANNED if wanted.plan else RunKind.SYNC).name, time.monotonic()
    if wanted.max_credits is not None:
        await set_cap(runtime.ledger.cursors, run, wanted.max_credits)
    owned = _works(runtime, wanted)
    look = Look(runtime, run, wanted.patience_s)
    async with worker(runtime, run) if worker else nullcontext():
        if wanted.record is None and wanted.plan is None:
            for work in owned:
                await work.of_run.own_all(run)
            await admit(runtime)
        look.task = asyncio.create_task(_look(look, wanted))
        try:
            left = await follow(
                runtime, run, owned, patience_s=wanted.patience_s, looking=look.is_on, show=show, stop=stop
            )
            if look.task.done():
                await look.task
        finally:
            look.task.cancel()
            await asyncio.gather(look.task, return_exceptions=True)
    unwalked = [Held(crm, kind, 0, "walk") for crm, kind in sorted(look.walking)]
    ending = RunEnding(
        left=(*left, *unwalked),
        not_asked=tuple(look.not_asked),
        uncertain=await perhaps_charged(runtime, run),
        stopped=stop is not None and stop.is_set(),
    )
    return await _report(runtime, run, ending, wanted.max_credits, time.monotonic() - began)


async def _report(runtime: Runtime, run: str, ending: RunEnding, max_credits: int | None, seconds: float) -> PassReport:
    """Returns the result of a run from its figures, including how it ended."""
    by_work, credits = await runtime.ledger.figures.of_run(run), await run_credits(runtime, run)
    counts = [await runtime.ledger.work(*name).counts() for name in works(runtime.settings)]
    dead = sum(one.dead for one in counts)
    filling = together(figures for (_, kind), figures in by_work.items() if kind != DELIVERY)
    delivering = together(figures for (_, kind), figures in by_work.items() if kind == DELIVERY)
    reasons: dict[str, int] = {}
    for (_, reason), count in filling.unfilled.items():
        reasons[reason] = reasons.get(reason, 0) + count
    return PassReport(
        records=filling.records,
        gaps=filling.gaps,
        filled=sum(filling.filled.values()),
        credits=credits,
        delivered={name: delivering.tally.get(name, 0) for name in ("companies", "contacts")},
        not_filled=dict(sorted(reasons.items())),
        refused=_refused(by_work.values()),
        waiting=sum(one.waiting for one in counts),
        proposals=sum((await proposals(runtime.ledger, runtime.settings)).values()),
        dead=dead,
        seconds=round(seconds, 1),
        ending=replace(
            ending,
            left=left_behind(by_work, ending.left, cap_figures(max_credits, credits)),
            not_asked=(*ending.not_asked, *passed_over(by_work)),
            dead=dead,
        ),
        run=run,
        by_work=by_work,
    )


def _refused(figures: Iterable[RunFigures]) -> dict[str, int]:
    """Counts the CRMs' refusals of visits and deliveries, by reason."""
    tally = together(figures).tally
    return {name.removeprefix(REFUSED): tally[name] for name in sorted(tally) if name.startswith(REFUSED)}


def _works(runtime: Runtime, wanted: Pass) -> list[Work]:
    """Returns the work that the pass may own: of everything that is configured, or of the one record's kind."""
    names = [wanted.record[:2]] if wanted.record else works(runtime.settings)
    return [runtime.ledger.work(crm, kind) for crm, kind in names]


async def _look(look: Look, wanted: Pass) -> None:
    if wanted.plan is not None:
        await look.planned(saved_plan(wanted.plan))
    elif wanted.record is not None:
        await look.record(*wanted.record)
    else:
        await look.everywhere(full=wanted.full)
