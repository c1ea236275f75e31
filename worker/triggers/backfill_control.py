"""Begins, stops and takes up the walk over everything a CRM had before; ``worker.triggers.poll.backfill`` walks it.

Every step moves the cursor only from where it was read, so that none undoes what a worker walked meanwhile.
"""

from __future__ import annotations

import dataclasses
import json

from worker.ledger.rates.cursors import Cursors
from worker.ledger.work.work import CursorMove, Lane, Work
from worker.triggers.poll import Backfill, backfill_cursor


async def backfill_state(work: Work, cursors: Cursors) -> Backfill | None:
    """Tells where the backfill of a work stands; ``None`` when there never was one."""
    return _read(await cursors.get(backfill_cursor(work.crm, work.object)))


async def start_backfill(
    work: Work, cursors: Cursors, *, run: str, limit: int | None = None, renamed: bool = False
) -> Backfill:
    """Begin one as ``run``; one that was stopped goes on where it stood, one under way stays as it is.

    It goes on under its own run unless ``renamed``: what a run may spend is known to workers and never changes.
    ``limit`` bounds the records that are visited; without one it has no bound but what an earlier one left of it.
    """
    name = backfill_cursor(work.crm, work.object)
    while True:
        kept = await cursors.get(name)
        state = _read(kept)
        if state is not None and not (state.done or state.stopped):
            return state
        if state is None or state.done:
            state = Backfill(run, left=-1 if limit is None else limit)
        else:
            left = limit if limit is not None else state.left or -1
            state = dataclasses.replace(state, run=run if renamed else state.run, stopped=False, left=left)
        if await _moved(work, name, kept, state):
            return state


async def stop_backfill(work: Work, cursors: Cursors) -> Backfill | None:
    """Walk no further; what is in the work already is visited. Gives where it stands then."""
    name = backfill_cursor(work.crm, work.object)
    while True:
        kept = await cursors.get(name)
        state = _read(kept)
        if state is None or state.done or state.stopped:
            return state
        state = dataclasses.replace(state, stopped=True)
        if await _moved(work, name, kept, state):
            return state


async def _moved(work: Work, name: str, old: str, state: Backfill) -> bool:
    new = json.dumps(dataclasses.asdict(state), separators=(",", ":"))
    return (await work.add([], lane=Lane.BACKFILL, run=state.run, move=CursorMove(name, old, new))).moved


def _read(kept: str) -> Backfill | None:
    return Backfill(**json.loads(kept)) if kept else None
