"""Chooses the budgets that one lookup is booked on: the provider's and the crm's day and month, the run's cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from config.counts import counted
from config.settings import Settings
from worker.ledger.money.budgets import Booked, BudgetLine
from worker.ledger.rates.cursors import Cursors
from worker.ledger.run import Run


def cap_line(run: str) -> str:
    """Names the budget line that holds the cap of a run a person started."""
    return f"run:{run}"


async def set_cap(cursors: Cursors, run: str, credits: int) -> None:
    """Sets a run's cap, for every worker to know."""
    await cursors.set(f"cap:{run}", str(credits))


async def cap_of(cursors: Cursors, run: str) -> int | None:
    """Returns a run's cap, ``None`` without one."""
    kept = await cursors.get(f"cap:{run}")
    return int(kept) if kept else None


def spent_line(run: str, provider: str) -> str:
    """Names the line that counts the spending of a run, also of a day's, at one provider."""
    return f"run:{run}:{provider}"


class Cap(Struct, frozen=True):
    """Limits the credits that may be spent; ``None`` sets no limit."""

    day: int | None = None
    month: int | None = None


class _Today(NamedTuple):
    """Holds a day and its month as lines name them, and when (ms) they begin and end."""

    day: str
    month: str
    begins_ms: int
    ends_ms: int
    month_begins_ms: int
    month_ends_ms: int


@dataclass(frozen=True, slots=True)
class BudgetLines:
    """Holds the configured budgets. Days and months begin in ``zone``; ``runs`` caps single runs.

    ``balances`` are credits left at a provider by its own count, and when (ms) it gave it: the lower of budget and
    balance counts.
    """

    zone: str
    providers: Mapping[str, Cap]
    crms: Mapping[str, Cap]
    runs: dict[str, int | None] = field(default_factory=dict)
    balances: dict[str, tuple[int, int]] = field(default_factory=dict)
    _todays: list[_Today] = field(default_factory=list, init=False, repr=False)

    def lines(self, provider: str, crm: str, run: str, now_ms: int) -> tuple[BudgetLine, ...]:
        """Returns every line a lookup at ``now_ms`` is booked on, the provider's own first."""
        lines = [
            *self.provider_lines(provider, now_ms),
            *self.crm_lines(crm, now_ms),
        ]
        if Run.named(run).by_person:  # a run that a person started has its own cap
            lines.append(BudgetLine(cap_line(run), _cap(self.runs.get(run))))
        if run:
            lines.append(BudgetLine(spent_line(run, provider), _cap(None)))
        return tuple(lines)

    def provider_lines(self, provider: str, now_ms: int) -> tuple[BudgetLine, ...]:
        """Returns the provider's own day and month, and its balance if known."""
        lines = self._of(provider, self.providers.get(provider, Cap()), now_ms)
        if provider in self.balances:
            read_ms, credits = self.balances[provider]
            lines.append(BudgetLine(f"{provider}:balance:{read_ms}", credits))
        return tuple(lines)

    def crm_lines(self, crm: str, now_ms: int) -> tuple[BudgetLine, ...]:
        """Returns the crm's day and month, over all providers."""
        return tuple(self._of(crm, self.crms.get(crm, Cap()), now_ms))

    def _of(self, name: str, cap: Cap, now_ms: int) -> list[BudgetLine]:
        today = self._today_at(now_ms)
        # Unlimited lines are booked too, so that ``status`` shows the spending with or without a limit.
        return [
            BudgetLine(f"{name}:day:{today.day}", _cap(cap.day), today.begins_ms, today.ends_ms),
            BudgetLine(f"{name}:month:{today.month}", _cap(cap.month), today.month_begins_ms, today.month_ends_ms),
        ]

    def _today_at(self, now_ms: int) -> _Today:
        """Returns the day and month of a time, reckoned once a day."""
        for kept in self._todays:
            if kept.begins_ms <= now_ms < kept.ends_ms:
                return kept
        self._todays[:] = [_today(self.zone, now_ms)]
        return self._todays[0]


def _today(zone: str, now_ms: int) -> _Today:
    now = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone))
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    month = day.replace(day=1)
    next_day = (day + timedelta(hours=30)).replace(hour=0)  # 30 h clears the longest day a clock change makes
    next_month = (month + timedelta(days=32)).replace(day=1)
    return _Today(f"{day:%Y-%m-%d}", f"{month:%Y-%m}", _ms(day), _ms(next_day), _ms(month), _ms(next_month))


def shortage(line: BudgetLine, booked: Booked, need: int, closed_share: float = 0.0) -> str:
    """Says by which figures a line is insufficient: its limit, the credits used, and those needed."""
    who, kind, _ = (*line.name.split(":"), "", "")[:3]
    words = {"day": "budget of the day", "month": "budget of the month", "balance": "balance"}
    whose = f"{who}'s {words[kind]}" if kind in words else "the cap of the run"
    kept = ", the rest of the day's is kept for live records" if closed_share and line.is_day else ""
    return (
        f"{whose}: limit {counted(line.open(closed_share), 'credit')}{kept}, "
        f"{booked.spent} spent, {booked.reserved} reserved, {need} needed"
    )


def _cap(credits: int | None) -> int:
    return 2**53 if credits is None else credits


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def budget_lines_of(settings: Settings) -> BudgetLines:
    return BudgetLines(
        zone=settings.budget_zone,
        providers={name: Cap(one.budget.day, one.budget.month) for name, one in settings.providers.paid.items()},
        crms={name: Cap(one.budget.day, one.budget.month) for name, one in settings.crm.items() if one.budget},
    )
