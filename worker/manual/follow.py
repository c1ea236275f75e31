"""Follows a run that a person started until none of its records can go on without outside help."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from worker.ledger.journal.figures import RunFigures, together
from worker.ledger.own_clock import clock
from worker.ledger.work.work import Work
from worker.manual.left import Held, held
from worker.service.runtime import Runtime
from worker.visits.budget_lines import spent_line

LOOK_MS, CLOSER_LOOK_MS = 250, 1_000
LOOKED_SHARE = 10  # with a million waiting records, closer looks take no more than this part of the time
SHORTEST_PATIENCE_S = 2.0  # due records are expected to begin a visit within this


class Progress(Struct, frozen=True):
    """Describes the state of a run.

    ``open`` are its records due or leased, ``looking`` says that it still looks for more.
    """

    open: int
    waiting: int
    figures: RunFigures
    credits: Mapping[str, int]
    looking: bool


Show = Callable[[Progress], None]


async def follow(
    runtime: Runtime,
    run: str,
    works: Sequence[Work],
    *,
    patience_s: float,
    looking: Callable[[], Awaitable[bool]],
    show: Show | None = None,
    stop: asyncio.Event | None = None,
    served: bool = False,
) -> list[Held]:
    """Wait while records of the run come in or can go on within ``patience_s`` of the last that settled.

    Returns the records left, none if all is done. A verdict is always awaited; ``stop`` ends everything.
    ``served``: other processes work for the run.

    A closer look reads every record left, so none is made while records settle and more are due.
    """
    stop = stop or asyncio.Event()
    last, moved, look_at = RunFigures(), clock(), 0
    patience_ms = int(max(patience_s, SHORTEST_PATIENCE_S) * 1000)
    while True:
        is_looking, now = await looking(), clock()
        figures = together((await runtime.ledger.figures.of_run(run)).values())
        if is_looking or _settled(figures) != _settled(last):
            last, moved = figures, now
        if show is not None:
            show(await _progress(runtime, run, works, figures, looking=is_looking))
        is_settling = now - moved < CLOSER_LOOK_MS and await _pending(run, works, now) > 0
        if stop.is_set() or not (is_looking or is_settling or now < look_at):
            left = await held(runtime, run, works, served=served)
            if stop.is_set() or not any(one.goes_on_by(moved + patience_ms) for one in left):
                return left
            look_at = now + max(CLOSER_LOOK_MS, LOOKED_SHARE * (clock() - now))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_MS / 1000)


async def _pending(run: str, works: Sequence[Work], now: int) -> int:
    """Returns how many records of the run are due or leased."""
    return sum([await work.of_run.pending(run, now) for work in works])


def _settled(figures: RunFigures) -> tuple[object, ...]:
    """Returns how many records have settled; one that only waits again is not progress."""
    return figures.records, figures.filled, figures.unfilled, figures.outcomes, figures.tally


async def _progress(
    runtime: Runtime, run: str, works: Sequence[Work], figures: RunFigures, *, looking: bool
) -> Progress:
    now = clock()
    pending = await _pending(run, works, now)
    waiting = max(0, sum([await work.of_run.open(run) for work in works]) - pending)  # counted a moment later
    return Progress(pending, waiting, figures, await run_credits(runtime, run), looking)


async def run_credits(runtime: Runtime, run: str) -> dict[str, int]:
    """Returns the credits a run has spent by provider, including those of uncertain lookups."""
    booked = await _booked(runtime, run)
    return {name: spent + perhaps for name, (spent, perhaps) in booked.items()}


async def perhaps_charged(runtime: Runtime, run: str) -> dict[str, int]:
    """Returns the credits of uncertain lookups among them, by provider; empty if there are none."""
    return {name: perhaps for name, (_, perhaps) in (await _booked(runtime, run)).items() if perhaps}


async def _booked(runtime: Runtime, run: str) -> dict[str, tuple[int, int]]:
    names = {name: spent_line(run, name) for name in runtime.providers}
    booked = await runtime.ledger.budgets.booked(list(names.values()))
    return {name: (booked[line].spent, booked[line].reserved) for name, line in names.items()}
