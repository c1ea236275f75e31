"""Tells how many records of one (crm, object) are where: the commands and how their replies are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worker.ledger.keys import Keys
from worker.ledger.scripts import Arg
from worker.ledger.work.work_values import Counts, Lane


def commands(keys: Keys, crm: str, object: str) -> list[tuple[Arg, ...]]:
    """Returns what to ask; one round trip together with others', not one instant."""
    cards = [keys(place, crm, object, lane) for place in ("due", "leased", "waiting") for lane in Lane]
    cards += [keys("due", crm, object, "alone"), keys("dead", crm, object)]
    oldest = [keys("due", crm, object, lane) for lane in (*Lane, "alone")]
    return [
        *(("ZCARD", key) for key in cards),
        ("GET", keys("settled", crm, object)),
        *(("ZRANGE", key, 0, 0, "WITHSCORES") for key in oldest),
    ]


def read(replies: Sequence[Any], now: int) -> Counts:
    """Returns the counts behind the replies to ``commands``."""
    due, due_backfill, leased, leased_backfill, waiting, waiting_backfill, alone, dead, settled, *oldest = replies
    first = min((int(float(row[1])) for row in oldest if row), default=0)
    return Counts(
        due=due + due_backfill + alone,
        due_backfill=due_backfill,
        leased=leased + leased_backfill,
        waiting=waiting + waiting_backfill,
        dead=dead,
        settled=int(settled or 0),
        oldest_due_ms=first if first <= now else 0,
    )
