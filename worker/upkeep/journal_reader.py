"""Reads the journal as people do: entries of the archive and of Redis in one order, those that somebody asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from worker.decide.journal_line import JournalFilter, JournalLine, as_line
from worker.ledger.journal.journal import Journal, order
from worker.upkeep.archive import lines
from worker.visits.journal_entries import line_of

PAGE = 1_000


async def journal_lines(
    journal: Journal, wanted: JournalFilter, archive: Path | None = None
) -> AsyncIterator[JournalLine]:
    """Yields the lines that ``wanted`` takes, oldest first; entries left for the archive come before those in Redis."""
    if archive is not None:
        first = await journal.since(limit=1)
        for line in await asyncio.to_thread(_archived, archive, wanted, first[0].key if first else ""):
            yield line
    async for entry in journal.walk(wanted.since):
        line = line_of(entry)
        if wanted.takes(line):
            yield line


async def newer(
    journal: Journal, wanted: JournalFilter, after: str, *, look_s: float = 1.0
) -> AsyncIterator[JournalLine]:
    """Yields the lines after the entry ``after`` that ``wanted`` takes, for ever."""
    while True:
        page = await journal.since(after=after, limit=PAGE) if after else await journal.since(limit=PAGE)
        for entry in page:
            line = line_of(entry)
            if wanted.takes(line):
                yield line
        after = page[-1].key if page else after
        if not page:
            await asyncio.sleep(look_s)


def _archived(folder: Path, wanted: JournalFilter, first: str) -> list[JournalLine]:
    older = [one for one in lines(folder) if not first or order(one["key"]) < order(first)]
    found = (as_line(one["key"], (one["crm"], one["object"], one["id"]), one["run"], one["entry"]) for one in older)
    return [line for line in found if wanted.takes(line)]
