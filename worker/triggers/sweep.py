"""Proves that nothing was missed: a slow walk over records changed since activation and those of backfills.

It covers only changes that polls have passed and webhooks have had time for. A record with gaps that is neither in the
work nor stored with its present fingerprint was never announced: it is added to the work, counted and logged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import structlog
from msgspec import Struct, structs, to_builtins

from connectors.models import Cursor, Record
from worker.ledger.intake.intake import Intake
from worker.ledger.rates.cursors import Cursors
from worker.ledger.work.work import CursorMove
from worker.triggers.backfill import Backfill, backfill_cursor
from worker.triggers.poll import activation_cursor, due_rows, poll_cursor
from worker.visits.watch import Watch

EVERY_MS = 86_400_000
GRACE_MS = 600_000  # a webhook is repeated within minutes, and a poll comes by every minute
NOWHERE = Cursor()
PAGES = 20  # of one step: a sweep is in no hurry, and others need the vendor's search
log = structlog.get_logger(__name__)


class Sweep(Struct, frozen=True):
    """Holds the progress of a pass. ``began`` is our ms; ``until`` the vendor's: the triggers handle later changes.

    First [``start``, ``until``] is walked by change, then the backfill's range by id; ``recovered`` counts finds.
    """

    began: int = 0
    until: int = 0
    cursor: Cursor = NOWHERE
    walking: bool = False
    after: str = ""
    seen: int = 0
    recovered: int = 0
    done: bool = True


def sweep_cursor(watch: Watch) -> str:
    """Returns the name under which a sweep's place is kept."""
    return f"sweep:{watch.crm}:{watch.object}"


async def sweep(
    watch: Watch,
    cursors: Cursors,
    intake: Intake,
    *,
    run: str,
    now_ms: int,
    grace_ms: int = GRACE_MS,
    every_ms: int = EVERY_MS,
    pages: int = PAGES,
) -> Sweep | None:
    """Go on with the pass under way, or begin one when it is time; ``None`` when nothing was to be done.

    Raises:
        ConnectorError: the vendor could not be asked; the pass goes on from its last page.
    """
    name = sweep_cursor(watch)
    kept = await cursors.get(name)
    state = _state(kept) if kept else Sweep()
    if state.done:
        if kept and now_ms - state.began < every_ms:
            return None
        begun = await _begun(watch, cursors, now_ms, grace_ms)
        if begun is None:
            return None
        state = begun
    walked = _backfill(await cursors.get(backfill_cursor(watch.crm, watch.object)))
    for _ in range(pages):
        rows, onward = await _page(watch, state, walked)
        due = await due_rows(watch, [row for row in rows if row.modified <= state.until])
        onward = structs.replace(onward, seen=state.seen + len(rows))
        # what this very page finds is counted by the ledger: the text that moves the cursor cannot hold it yet
        move = CursorMove(name, kept, _text(onward))
        recovered, moved = await intake.recover(watch.crm, watch.object, due, run=run, move=move)
        if not moved:
            return None  # another worker sweeps it
        kept, state = move.new, onward
        if recovered:
            counted = structs.replace(state, recovered=state.recovered + recovered)
            log.warning("events.recovered", crm=watch.crm, object=watch.object, records=recovered)
            following = CursorMove(name, kept, _text(counted))
            if (await intake.recover(watch.crm, watch.object, [], run=run, move=following))[1]:
                kept, state = following.new, counted
        if state.done:
            log.info("sweep.finished", crm=watch.crm, object=watch.object, seen=state.seen, recovered=state.recovered)
            break
    return state


async def _begun(watch: Watch, cursors: Cursors, now_ms: int, grace_ms: int) -> Sweep | None:
    """Returns a pass from activation up to the time that every trigger has covered.

    The first asking only notes the activation.
    """
    vendor_now = await watch.vendor.now()
    activated = await cursors.get(activation_cursor(watch))
    if not activated:
        polled = await cursors.get(poll_cursor(watch))
        since = _polled(polled) if polled else vendor_now
        await cursors.set(activation_cursor(watch), str(since))
        return None
    polled = await cursors.get(poll_cursor(watch))
    until = vendor_now - grace_ms
    if polled:
        until = min(until, _polled(polled))
    since = int(activated)
    if until <= since:
        return None
    window = Cursor(start=since, end=until, stamp=since)  # of both vendors: one orders it by ids, one by stamps
    return Sweep(began=now_ms, until=until, cursor=window, done=False)


async def _page(watch: Watch, state: Sweep, walked: Backfill | None) -> tuple[Sequence[Record], Sweep]:
    """Returns the next page, and the progress after it."""
    if not state.walking:
        page = await watch.vendor.changed(watch.watched, state.cursor)
        if not page.done:
            return page.records, structs.replace(state, cursor=page.cursor)
        return page.records, structs.replace(state, cursor=Cursor(), walking=walked is not None, done=walked is None)
    page = await watch.vendor.walk(watch.watched, state.after)
    over = page.done or walked is None or not _is_before(page.cursor.id, walked)
    rows = [row for row in page.records if walked is not None and _is_before(row.id, walked)]
    return rows, structs.replace(state, after=page.cursor.id, walking=not over, done=over)


def _is_before(id: str, walked: Backfill) -> bool:
    """Tells whether the backfill has walked past ``id``."""
    if walked.done:
        return True
    if id.isdigit() and walked.after.isdigit():
        return int(id) <= int(walked.after)
    return id <= walked.after


def _backfill(kept: str) -> Backfill | None:
    """Returns a backfill whose range is ours to check: begun, and not asked to leave records out."""
    state = Backfill(**json.loads(kept)) if kept else None
    return state if state is not None and state.left < 0 and (state.after or state.done) else None


def _polled(kept: str) -> int:
    """Returns up to when (vendor ms) the poll has seen everything."""
    return Cursor(*json.loads(kept)).start


def _text(state: Sweep) -> str:
    return json.dumps(to_builtins(state), separators=(",", ":"))


def _state(text: str) -> Sweep:
    fields = json.loads(text)
    return Sweep(**{**fields, "cursor": Cursor(**fields["cursor"])})
