"""Reads as much of a provider's log as a comparison needs: totals by day, and rows only of days that differ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from msgspec import Struct

from connectors.ports import KeepsLog
from worker.ledger.money.books import DAY_MS, Booking

ROWS_FOR = 20_000  # credits: a day that differs and holds more is compared as a whole, its rows would take too long
ALL = "all operations"


class Log(Struct, frozen=True):
    """Holds credits of a provider's log by UTC day and operation.

    ``whole`` unless a day is known by its total only.
    """

    by_day: Mapping[Booking, int]
    whole: bool = True


async def read_log(provider: KeepsLog, ours: Mapping[Booking, int], first: int, last: int) -> Log:
    """Returns the log of the days ``first`` to ``last``; a day whose total equals ours is assumed to match ours.

    Raises:
        ConnectorError: it could not be read.
    """
    days = range(first, last + 1)
    totals = await asyncio.gather(*(provider.billed(day * DAY_MS, (day + 1) * DAY_MS - 1_000) for day in days))
    found: dict[Booking, int] = {key: credits for key, credits in ours.items() if first <= key[0] <= last}
    whole = True
    for day, total in zip(days, totals, strict=True):
        if total == _of(found.items(), day):
            continue
        found = {key: credits for key, credits in found.items() if key[0] != day}
        if total > ROWS_FOR:
            found[day, ALL], whole = total, False
            continue
        rows = await provider.charges(day * DAY_MS, (day + 1) * DAY_MS)
        found |= {key: credits for key, credits in rows.items() if key[0] == day}
    return Log(found, whole)


def _of(booked: Iterable[tuple[Booking, int]], day: int) -> int:
    return sum(credits for key, credits in booked if key[0] == day)
