"""Reads the journal as people do: entries of the archive and of Redis in one order, those that somebody asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from worker.decide.journal_line import JournalFilter, JournalLine, as_line
from worker.ledger.journal.journal import Journal
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
    after = ""
    while page := await journal.since(wanted.since, after=after, limit=PAGE):
        for entry in page:
            line = line_of(entry)
            if wanted.takes(line):
                yield line
        after = page[-1].key


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
    found = [_archived_line(one) for one in lines(folder) if not first or order(one["key"]) < order(first)]
    return [line for line in found if wanted.takes(line)]


def _archived_line(one: dict[str, Any]) -> JournalLine:
    return as_line(one["key"], (one["crm"], one["object"], one["id"]), one["run"], one["entry"])


def order(key: str) -> tuple[int, int]:
    """Returns what sorts an entry's key."""
    ms, _, place = key.partition("-")
    return int(ms), int(place or 0)
