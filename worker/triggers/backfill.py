"""Walks over everything a CRM had before it was watched: begins, stops, takes up and walks.

Every step moves the cursor only from where it was read, so that none undoes another's progress. As with a poll,
a page's ids and the cursor behind it reach the ledger in one script.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct, structs

from connectors.models import Page, Record
from worker.ledger.rates.cursors import Cursors
from worker.ledger.work.work import CursorMove, Due, Lane, Work
from worker.triggers.poll import due_rows
from worker.visits.watch import Watch


class Backfill(Struct, frozen=True):
    """Tells how far a backfill has walked. ``left`` counts records still allowed in, -1 for no limit.

    ``stopped`` by a person or at its limit, it waits to be resumed; ``done`` it has seen everything.
    ``after`` is the vendor's word for the page, ``within`` the last record of it that was let in.
    """

    run: str
    after: str = ""
    left: int = -1
    seen: int = 0
    done: bool = False
    stopped: bool = False
    within: str = ""


def backfill_cursor(crm: str, object: str) -> str:
    """Returns the name under which a backfill's place is kept."""
    return f"backfill:{crm}:{object}"


async def backfill(watch: Watch, cursors: Cursors) -> Backfill | None:
    """Walk on for as long as the work has room for backfill ids; ``None`` when no backfill was started."""
    name = backfill_cursor(watch.crm, watch.object)
    kept = await cursors.get(name)
    state = Backfill(**json.loads(kept)) if kept else None
    while state is not None and not (state.done or state.stopped):
        if await watch.work.room() < watch.vendor.batch:
            return state
        page = await watch.vendor.walk(watch.watched, state.after)
        records = _behind(page.records, state.within)
        rows = await due_rows(watch, records, news=True)
        if 0 <= state.left < len(rows):
            rows = rows[: state.left]
        following = _walked(state, page, records, rows)
        move = CursorMove(name, kept, json.dumps(structs.asdict(following), separators=(",", ":")))
        added = await watch.work.add(rows, lane=Lane.BACKFILL, run=state.run, move=move)
        if not added.moved:
            return state  # another worker walks it, or it was stopped
        kept, state = move.new, following
        if added.ignored and state.left >= 0 and not state.done:  # they have used nothing of the limit up
            state = structs.replace(state, left=state.left + added.ignored, stopped=False)
            move = CursorMove(name, kept, json.dumps(structs.asdict(state), separators=(",", ":")))
            if not (await watch.work.add([], lane=Lane.BACKFILL, run=state.run, move=move)).moved:
                return state
            kept = move.new
    return state


def _behind(records: Sequence[Record], within: str) -> Sequence[Record]:
    """Returns the ids of a page after one of it; all of them if that one is no longer in it."""
    at = next((at for at, one in enumerate(records, 1) if one.id == within), 0) if within else 0
    return records[at:]


def _walked(state: Backfill, page: Page, records: Sequence[Record], rows: Sequence[Due]) -> Backfill:
    """Returns the backfill behind the page, or within it behind the last row that the limit lets in."""
    left = state.left - len(rows) if state.left >= 0 else -1
    if left != 0:
        seen = state.seen + len(records)
        return structs.replace(state, after=page.cursor.id, within="", left=left, seen=seen, done=page.done)
    seen = len(records) - len(_behind(records, rows[-1].id)) if rows else 0
    if seen == len(records):
        return structs.replace(
            state,
            after=page.cursor.id,
            within="",
            left=0,
            seen=state.seen + seen,
            done=page.done,
            stopped=not page.done,
        )
    within = rows[-1].id if rows else state.within
    return structs.replace(state, within=within, left=0, seen=state.seen + seen, stopped=True)


# ---- a person's word on it -----------------------------------------------------------------------------------------


async def backfill_state(work: Work, cursors: Cursors) -> Backfill | None:
    """Returns the progress of a work's backfill; ``None`` if there never was one."""
    return _read(await cursors.get(backfill_cursor(work.crm, work.object)))


async def start_backfill(
    work: Work, cursors: Cursors, *, run: str, limit: int | None = None, renamed: bool = False
) -> Backfill:
    """Begin one as ``run``; a stopped one is resumed, and one under way stays as it is.

    It goes on under its own run unless ``renamed``: workers know a run's cap, which never changes.
    ``limit`` bounds the records that are visited; without one only the rest of an earlier limit applies.
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
            state = structs.replace(state, run=run if renamed else state.run, stopped=False, left=left)
        if await _moved(work, name, kept, state):
            return state


async def stop_backfill(work: Work, cursors: Cursors) -> Backfill | None:
    """Walk no further; records in the work already are still visited. Returns the progress then."""
    name = backfill_cursor(work.crm, work.object)
    while True:
        kept = await cursors.get(name)
        state = _read(kept)
        if state is None or state.done or state.stopped:
            return state
        state = structs.replace(state, stopped=True)
        if await _moved(work, name, kept, state):
            return state


async def _moved(work: Work, name: str, old: str, state: Backfill) -> bool:
    new = json.dumps(structs.asdict(state), separators=(",", ":"))
    return (await work.add([], lane=Lane.BACKFILL, run=state.run, move=CursorMove(name, old, new))).moved


def _read(kept: str) -> Backfill | None:
    return Backfill(**json.loads(kept)) if kept else None
