"""Finds the records that are due: the poll of what changed, and the backfill of what was there before.

Both only say "look at this record". A page's ids and the cursor behind it reach the ledger in one script, so a
crash repeats a page and never skips one.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from connectors.models import Cursor, Page, Record
from worker.ledger.rates.cursors import Cursors
from worker.ledger.work.work import CursorMove, Due, Lane
from worker.visits.watch import Watch, own_values

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Polled:
    """Counts what one poll saw: rows the vendor listed, and those of them that became work."""

    seen: int = 0
    added: int = 0


def poll_cursor(watch: Watch) -> str:
    """The name under which the poll's cursor is kept."""
    return f"poll:{watch.crm}:{watch.object}"


def activation_cursor(watch: Watch) -> str:
    """The name under which the vendor's time (ms) is kept from which on changes are followed."""
    return f"activated:{watch.crm}:{watch.object}"


def _text(cursor: Cursor) -> str:
    return json.dumps(dataclasses.astuple(cursor), separators=(",", ":"))


def _cursor(text: str) -> Cursor:
    return Cursor(*json.loads(text))


async def poll(watch: Watch, cursors: Cursors, *, run: str, lookback_ms: int) -> Polled:
    """Bring everything that changed since the last poll into the work, page by page.

    The first poll of an object looks back ``lookback_ms`` on the vendor's clock.

    Raises:
        ConnectorError: the vendor could not be asked; the cursor stands where its last stored page ended.
    """
    kept = await cursors.get(poll_cursor(watch))
    cursor = _cursor(kept) if kept else Cursor(start=await watch.vendor.now() - lookback_ms)
    if not kept:  # only what happens from here on is followed; history is a backfill's
        await cursors.set(activation_cursor(watch), str(cursor.start))
    total = Polled()
    while True:
        page = await watch.vendor.changed(watch.watched, cursor)
        move = CursorMove(poll_cursor(watch), kept, _text(page.cursor))
        added = await watch.work.add(await due_rows(watch, page.records), lane=Lane.LIVE, run=run, move=move)
        if not added.moved:
            log.info("poll.overtaken", crm=watch.crm, object=watch.object)  # another worker polls the same cursor
            return total
        total = Polled(total.seen + len(page.records), total.added + added.added)
        kept, cursor = move.new, page.cursor
        if page.done:
            return total


async def due_rows(watch: Watch, records: Sequence[Record], *, closed: bool = False, news: bool = False) -> list[Due]:
    """The rows that have an open gap, with the fingerprint they would settle with.

    With ``closed`` also those whose blanks nobody may fill, such as an opted-out person's: a visit looks nothing up
    for them and counts why, which a pass that accounts for everything wants.

    A row whose fingerprint equals the remembered one is dropped by the ledger: that is how our own write, seen by
    the next poll, starts nothing. With ``news`` it is left out here already.
    """
    if not records:
        return []
    memories, rows, now = await watch.work.memory([record.id for record in records]), [], await watch.work.now()
    for record in await complete(watch, records):
        memory = memories.get(record.id)
        view = watch.view(record, own_values(memory.own) if memory else {})
        counted = closed and view.blank and view.skip and view.skip.reason
        if counted or (view.gaps and not view.skip):
            mark = watch.mark(view)
            if not (news and memory and memory.knows(mark, now)):
                rows.append(Due(record.id, record.modified, mark, record.read_at))
    return rows


async def complete(watch: Watch, records: Sequence[Record]) -> list[Record]:
    """The records with the linked company's name and domain, where the vendor's row does not carry them."""
    lacking = [record.company_id for record in records if record.company_id and not record.company_domain]
    if not lacking:
        return list(records)
    companies = await watch.companies.of(lacking)
    return [with_company(record, companies.get(record.company_id)) for record in records]


def with_company(record: Record, company: object) -> Record:
    """``record`` with what its linked company tells, unless the row told it by itself."""
    name, domain = getattr(company, "name", ""), getattr(company, "domain", "")
    return dataclasses.replace(
        record, company_domain=record.company_domain or domain, company_name=record.company_name or name
    )


@dataclass(frozen=True, slots=True)
class Backfill:
    """Tells how far a backfill has walked. ``left`` counts records still allowed in, -1 for no limit.

    ``stopped``, by a person or at its limit, it waits to be taken up where it stands; ``done`` it has seen everything.
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
    """The name under which a backfill's place is kept."""
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
        move = CursorMove(name, kept, json.dumps(dataclasses.asdict(following), separators=(",", ":")))
        added = await watch.work.add(rows, lane=Lane.BACKFILL, run=state.run, move=move)
        if not added.moved:
            return state  # another worker walks it, or it was stopped
        kept, state = move.new, following
        if added.ignored and state.left >= 0 and not state.done:  # they have used nothing of the limit up
            state = dataclasses.replace(state, left=state.left + added.ignored, stopped=False)
            move = CursorMove(name, kept, json.dumps(dataclasses.asdict(state), separators=(",", ":")))
            if not (await watch.work.add([], lane=Lane.BACKFILL, run=state.run, move=move)).moved:
                return state
            kept = move.new
    return state


def _behind(records: Sequence[Record], within: str) -> Sequence[Record]:
    """Those of a page that come after one of it; all of them where that one is not in it any more."""
    at = next((at for at, one in enumerate(records, 1) if one.id == within), 0) if within else 0
    return records[at:]


def _walked(state: Backfill, page: Page, records: Sequence[Record], rows: Sequence[Due]) -> Backfill:
    """Behind the page, or within it behind the last row that the limit lets in."""
    left = state.left - len(rows) if state.left >= 0 else -1
    if left != 0:
        seen = state.seen + len(records)
        return dataclasses.replace(state, after=page.cursor.id, within="", left=left, seen=seen, done=page.done)
    seen = len(records) - len(_behind(records, rows[-1].id)) if rows else 0
    if seen == len(records):
        return dataclasses.replace(
            state,
            after=page.cursor.id,
            within="",
            left=0,
            seen=state.seen + seen,
            done=page.done,
            stopped=not page.done,
        )
    within = rows[-1].id if rows else state.within
    return dataclasses.replace(state, within=within, left=0, seen=state.seen + seen, stopped=True)
