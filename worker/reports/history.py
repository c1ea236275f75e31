"""Shows the last days: the share of gaps that were filled, and the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from config.settings import Settings
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import RunFigures, together
from worker.ledger.ledger import Ledger
from worker.ledger.run import Run

DAYS = 30
_DAY_MS = 86_400_000


class History(Struct, frozen=True):
    """Holds figures by day, oldest first. ``days`` are dates of the budgets' zone, ``at_s`` their noon in UTC.

    ``rates`` are percents by field, ``None`` on a day without a gap; ``credits`` were spent by provider, by UTC day.
    """

    days: Sequence[str]
    at_s: Sequence[int]
    rates: Mapping[str, Sequence[int | None]]
    credits: Mapping[str, Sequence[int]]


async def history(ledger: Ledger, settings: Settings, now_ms: int, count: int = DAYS) -> History:
    """Returns the last ``count`` days, this one included, from the runs and our books.

    A run that a person started counts on the day on which it began.
    """
    zone = ZoneInfo(settings.budget_zone)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).replace(hour=12)
    noons = [today - timedelta(days=ago) for ago in reversed(range(count))]
    at_ms = [int(noon.timestamp() * 1000) for noon in noons]
    days = [f"{noon:%Y-%m-%d}" for noon in noons]
    day_of: dict[str, str] = {}
    for at, day in zip(at_ms, days, strict=True):
        day_of |= dict.fromkeys((Run.of_day(source, settings.budget_zone, at).name for source in settings.sources), day)
    for name in await ledger.figures.by_people(at_ms[0] - _DAY_MS):
        if began := Run.named(name).began(settings.budget_zone):
            day_of[name] = f"{began.astimezone(zone):%Y-%m-%d}"
    by_day: dict[str, list[RunFigures]] = {day: [] for day in days}
    for day, run in zip(day_of.values(), await ledger.figures.several(list(day_of)), strict=True):
        by_day.get(day, []).extend(figures for (_, kind), figures in run.items() if kind != DELIVERY)
    found = [together(by_day[day]) for day in days]
    fields = sorted({name for day in found for name, _ in (*day.filled, *day.unfilled)})
    last = now_ms // _DAY_MS
    return History(
        days=days,
        at_s=[int(noon.timestamp()) for noon in noons],
        rates={name: [_rate(day.filled, day.unfilled, name) for day in found] for name in fields},
        credits={
            name: await _spent(ledger, name, range(last - count + 1, last + 1)) for name in settings.providers.paid
        },
    )


def _rate(filled: Mapping[tuple[str, str], int], unfilled: Mapping[tuple[str, str], int], name: str) -> int | None:
    good = sum(count for (field, _), count in filled.items() if field == name)
    gaps = good + sum(count for (field, _), count in unfilled.items() if field == name)
    return round(100 * good / gaps) if gaps else None


async def _spent(ledger: Ledger, provider: str, days: range) -> list[int]:
    booked = await ledger.books.by_day(provider)
    return [sum(credits for (day, _), credits in booked.items() if day == wanted) for wanted in days]
