"""Polls a CRM for what changed, and tells which rows of any page are due.

It only says "look at this record". A page's ids and the cursor behind it reach the ledger in one script, so a crash
repeats a page and never skips one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import structlog
from msgspec import Struct, structs

from connectors.models import Cursor, Record
from connectors.telemetry import step
from worker.ledger.rates.cursors import Cursors, newest_change
from worker.ledger.work.work import CursorMove, Due, Lane
from worker.visits.watch import Watch, is_due, ours

log = structlog.get_logger(__name__)


class Polled(Struct, frozen=True):
    """Counts the rows that one poll saw, and those of them that became work."""

    seen: int = 0
    added: int = 0


def poll_cursor(watch: Watch) -> str:
    """Returns the name under which the poll's cursor is kept."""
    return f"poll:{watch.crm}:{watch.object}"


def activation_cursor(watch: Watch) -> str:
    """Returns the name under which the vendor's time (ms) is kept from which on changes are followed."""
    return f"activated:{watch.crm}:{watch.object}"


async def poll(watch: Watch, cursors: Cursors, *, run: str, lookback_ms: int) -> Polled:
    """Bring everything that changed since the last poll into the work, page by page.

    The first poll of an object looks back ``lookback_ms`` on the vendor's clock.

    Raises:
        ConnectorError: the vendor could not be asked; the cursor stays at the end of its last stored page.
    """
    kept = await cursors.get(poll_cursor(watch))
    cursor = Cursor(*json.loads(kept)) if kept else Cursor(start=await watch.vendor.now() - lookback_ms)
    if not kept:  # only what happens from here on is followed; history is a backfill's
        await cursors.set(activation_cursor(watch), str(cursor.start))
    total = Polled()
    while True:
        with step("poll", crm=watch.crm, object=watch.object) as polling:
            page = await watch.vendor.changed(watch.watched, cursor)
            new = json.dumps(structs.astuple(page.cursor), separators=(",", ":"))
            move, rows = CursorMove(poll_cursor(watch), kept, new), await due_rows(watch, page.records)
            await watch.work.links.keep(watch.crm, watch.object, (row.id for row in rows), polling.name)
            added = await watch.work.add(rows, lane=Lane.LIVE, run=run, move=move)
            polling.note(seen=len(page.records), added=added.added)
        if not added.moved:
            log.info("poll.overtaken", crm=watch.crm, object=watch.object)  # another worker polls the same cursor
            return total
        if page.records:
            await _note_newest(watch, cursors, max(record.modified for record in page.records))
        total = Polled(total.seen + len(page.records), total.added + added.added)
        kept, cursor = move.new, page.cursor
        if page.done:
            return total


async def _note_newest(watch: Watch, cursors: Cursors, stamp: int) -> None:
    """Keep the newest change seen, for people to see; pages overlap, and late rows have old stamps."""
    name = newest_change(watch.crm, watch.object)
    if stamp > int(await cursors.get(name) or 0):
        await cursors.set(name, str(stamp))


async def due_rows(watch: Watch, records: Sequence[Record], *, closed: bool = False, news: bool = False) -> list[Due]:
    """Returns the rows that have an open gap, with the fingerprint they would settle with, if it is compared.

    The ledger drops a row whose fingerprint equals the stored one: that is how our own write, seen by
    the next poll, starts nothing.

    A walk over everything asks for ``news``: rows that are as their last visit left them are left out here, and the
    others get no stamp, because a changed policy changes no row and the ledger would take a stamped one for known. With
    ``closed`` it also gets rows whose blanks nobody may fill, such as an opted-out person's, unless a visit has said so
    before: their visits look nothing up and count the reason, so that the pass accounts for every row.
    """
    if not records:
        return []
    known = await watch.work.known([record.id for record in records])
    rows, compared = list[Due](), list[Record]()
    for record in records:
        held = known.get(record.id)
        own = ours(held.memory) if held else {}
        if not is_due(watch.openings(record, own), closed=closed):
            continue
        if held and held.is_compared:
            compared.append(record)
        else:  # as all of a backfill: who it is about, and whether it is suppressed, the visit will read
            rows.append(Due(record.id, record.modified, "", record.read_at))
    if not compared:
        return rows
    now = await watch.work.now()
    for record in await watch.complete(compared):
        memory = known[record.id].memory
        view = watch.view(record, ours(memory))
        if not is_due(view, closed=closed):
            continue
        if memory is None or not (news or closed):
            rows.append(Due(record.id, record.modified, watch.mark(view), record.read_at))
        elif view.skip:
            if not watch.was_skipped(view, memory.left):
                rows.append(Due(record.id))
        elif watch.opened(view, memory):
            rows.append(Due(record.id))
        elif not memory.knows(mark := watch.mark(view), now):
            rows.append(Due(record.id, fingerprint=mark))
    return rows
