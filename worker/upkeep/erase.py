"""Erases people from places other than their records: one walk for all who were erased since the last.

A delivery that was under way tells the journal of a row after its person was erased; the archive holds old entries of
anybody and has no index by record. So both are walked, at most once an hour and only when somebody was erased.
"""

from __future__ import annotations

import json
from pathlib import Path

import structlog

from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.erasures import Erasures
from worker.ledger.journal.journal import Entry, Journal
from worker.ledger.money.answers import Ref
from worker.upkeep.archive import erase_lines
from worker.visits.journal_entries import scrubbed, subject_of

LATE_MS = 600_000  # a delivery that was under way when its person was erased is in the journal by then
PAGE = 1_000
log = structlog.get_logger(__name__)


async def erase_elsewhere(erasures: Erasures, journal: Journal, folder: Path | None, now_ms: int) -> int:
    """Erase the remaining texts about everybody erased ten minutes ago or earlier; returns the number of people.

    The journal comes before the archive: what moves between the two is erased already. So nothing may be archived
    meanwhile, and one job does both. A failure leaves the records on the list, and is done again.

    Raises:
        OSError: as ``worker.upkeep.archive.erase_lines``.
        ValueError: the same.
    """
    records = frozenset(await erasures.elsewhere(now_ms - LATE_MS))
    if not records:
        return 0
    entries, after = 0, ""
    while page := await journal.since(after=after, limit=PAGE):
        entries += await erasures.replace([(one, scrubbed(one.entry)) for one in page if _is_of(one, records)])
        after = page[-1].key
    lines = await erase_lines(folder, records) if folder is not None else 0
    await erasures.done_elsewhere(sorted(records))
    log.info("erasure.ended", records=len(records), entries=entries, lines=lines)
    return len(records)


def _is_of(entry: Entry, records: frozenset[Ref]) -> bool:
    """Tells whether an entry is about one of the records: its own, or of the delivery that made or filled it."""
    if (entry.crm, entry.object, entry.id) in records:
        return True
    return entry.object == DELIVERY and (entry.crm, *subject_of(json.loads(entry.entry))) in records
