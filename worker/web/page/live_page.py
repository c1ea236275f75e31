"""Shows the journal as it is written: lines come by themselves while somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from config.settings import Settings
from worker.decide.journal_line import JournalFilter
from worker.ledger.ledger import Ledger
from worker.ledger.scripts import LedgerUnavailableError
from worker.reports.journal_pages import back_from, key_in
from worker.visits.journal_entries import line_of
from worker.web.page.door import Door
from worker.web.page.headers import ALWAYS
from worker.web.page.shell import Shell
from worker.web.page.visitor import PageVisitor

SHOWN = 30
LOOK_S, ALIVE_S = 1.0, 15.0
LASTS_S = 600.0  # then the browser asks again, and is checked again
MOST = 20  # looked on at a time
AT_ONCE = 100  # lines of one look; of a burst the newest


def live_routes(door: Door, shell: Shell, ledger: Ledger, settings: Settings, draining: asyncio.Event) -> list[Route]:
    """Returns the routes of the page and of its stream."""
    looking = 0

    async def show(request: Request, visitor: PageVisitor) -> Response:
        page = await back_from(ledger.journal, JournalFilter(), "", SHOWN)
        last = page.lines[0].key if page.lines else "0-0"
        return shell.page(request, "live", visitor, lines=page.lines, last=last, crms=settings.crm)

    async def stream(request: Request, visitor: PageVisitor) -> Response:
        after = key_in(request.headers.get("last-event-id", "")) or key_in(request.query_params.get("after", ""))
        if looking >= MOST:
            return door.refusal(request, visitor, 503, f"{MOST} browsers are watching already. Close one and reload.")
        return StreamingResponse(events(after or "0-0"), media_type="text/event-stream", headers=STREAM)

    async def events(after: str) -> AsyncIterator[str]:
        nonlocal looking
        looking += 1
        try:
            began = sent = monotonic()
            while not draining.is_set() and monotonic() - began < LASTS_S:
                try:
                    entries = await ledger.journal.latest(AT_ONCE, after=after)
                except LedgerUnavailableError:
                    entries = []
                if entries:
                    after, sent = entries[0].key, monotonic()
                    yield event(after, shell.fragment("live_lines", lines=map(line_of, entries), crms=settings.crm))
                elif monotonic() - sent > ALIVE_S:
                    sent = monotonic()
                    yield ": alive\n\n"
                await asyncio.sleep(LOOK_S)
        finally:
            looking -= 1

    return [door.look("/live", show), door.look("/live/stream", stream)]


STREAM = ALWAYS | {"cache-control": "no-store", "x-accel-buffering": "no"}


def event(key: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"id: {key}\n{lines}\n"
