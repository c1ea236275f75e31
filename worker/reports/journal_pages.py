"""Reads the journal a page at a time, from the newest entry back or from a moment on; no look reads all of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from worker.decide.journal_line import JournalFilter, JournalLine
from worker.ledger.journal.journal import Entry, Journal
from worker.visits.journal_entries import line_of

MOST = 1_500  # entries that one look reads
_BLOCK = 500
_KEY = re.compile(r"\d{1,16}-\d{1,10}")


class JournalPage(Struct, frozen=True):
    """Holds the lines of a page. ``more`` is the key of the entry that the next one goes on behind; ``""`` at the end.

    ``at_ms`` is the time down or up to which everything was looked at.
    """

    lines: Sequence[JournalLine]
    more: str = ""
    at_ms: int = 0


async def back_from(journal: Journal, wanted: JournalFilter, before: str, count: int) -> JournalPage:
    """Returns at most ``count`` lines that are wanted, newest first, older than the entry ``before``."""
    found: list[JournalLine] = []
    looked, entry = 0, None
    while looked < MOST and len(found) < count:
        page = await journal.latest(_BLOCK, before=entry.key if entry else before)
        for entry in page:
            looked += 1
            found += _wanted(entry, wanted)
            if len(found) == count:
                break
        if len(page) < _BLOCK and len(found) < count:
            return JournalPage(found)
    return JournalPage(found, entry.key if entry else "", entry.at_ms if entry else 0)


async def on_from(journal: Journal, wanted: JournalFilter, after: str) -> JournalPage:
    """Returns the wanted lines among the next entries from ``wanted.since`` on, or behind the entry ``after``."""
    page = await journal.since(wanted.since, after=after, limit=MOST)
    found = [line for entry in page for line in _wanted(entry, wanted)]
    last = page[-1] if len(page) == MOST else None
    return JournalPage(found, last.key if last else "", last.at_ms if last else 0)


def key_in(text: str) -> str:
    """Returns an entry's key as it came in an address, ``""`` for anything else."""
    return text if _KEY.fullmatch(text) else ""


def _wanted(entry: Entry, wanted: JournalFilter) -> list[JournalLine]:
    """Returns the line of a wanted entry; its fields are checked before its text is read."""
    if wanted.run not in {"", entry.run} or wanted.crm not in {"", entry.crm}:
        return []
    line = line_of(entry)
    return [line] if wanted.takes(line) else []
