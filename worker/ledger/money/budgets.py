"""Reads budgets: a line's limit and its bookings.

Only tickets book; caps come from the caller at every step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from worker.ledger.scripts import Scripts

Room = tuple[int, int]  # credits left in all, and of those to backfill
UNBOUND: Room = (2**53, 2**53)


class BudgetLine(Struct, frozen=True):
    """Allows at most ``cap`` credits, counted in [``start_ms``, ``end_ms``) of the ledger's time.

    ``end_ms`` 0 = no bounds.

    Names: ``forager:day:2026-11-20``, ``acme_hubspot:month:2026-11``, ``run:<id>``.
    """

    name: str
    cap: int
    start_ms: int = 0
    end_ms: int = 0

    @property
    def is_day(self) -> bool:
        """Tells whether it is the budget of one day, part of which may be closed to backfill."""
        return ":day:" in self.name

    def open(self, closed_share: float) -> int:
        """Returns credits that a lane may use to which ``closed_share`` of a day is closed."""
        return int(self.cap * (1 - closed_share) + 1e-9) if closed_share and self.is_day else self.cap

    def row(self, closed_share: float) -> tuple[str, int, int, int]:
        """Returns the line as scripts take it, with the cap of the lane: ``lines(name, cap, starts, ends)``."""
        return self.name, self.open(closed_share), self.start_ms, max(0, self.end_ms)


class Booked(Struct, frozen=True):
    """Counts credits of one line; ``reserved`` holds what is sent or uncertain too."""

    spent: int = 0
    reserved: int = 0


class Totals(Struct, frozen=True):
    """Counts credits of one provider since the start, by the states of their tickets."""

    spent: int = 0
    reserved: int = 0
    sent: int = 0
    uncertain: int = 0
    overrun: int = 0


class Budgets:
    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def booked(self, names: Sequence[str]) -> Mapping[str, Booked]:
        keys = self._scripts.keys
        rows = await self._scripts.calls([("HMGET", keys("budget", name), "spent", "reserved") for name in names])
        return {name: Booked(*(int(value or 0) for value in row)) for name, row in zip(names, rows, strict=True)}

    async def totals(self, provider: str) -> Totals:
        """Returns credits of ``provider`` since the start."""
        names = ("spent", "reserved", "sent", "uncertain", "overrun")
        row = await self._scripts.call("HMGET", self._scripts.keys("credits", provider), *names)
        return Totals(*(int(value or 0) for value in row))

    async def rooms(self, lines_of: Mapping[str, Sequence[BudgetLine]], closed_share: float) -> dict[str, Room]:
        """Returns credits left by the tightest line of each key, in all and to backfill.

        One round trip for all of them.
        """
        now = await self._scripts.now()
        booked = await self.booked([line.name for lines in lines_of.values() for line in lines])

        def left(lines: Sequence[BudgetLine], share: float) -> int:
            rests = [line.open(share) - booked[line.name].spent - booked[line.name].reserved for line in lines]
            stale = any(now < line.start_ms or 0 < line.end_ms <= now for line in lines)
            return 0 if stale else max(0, min(rests, default=UNBOUND[0]))

        return {name: (left(lines, 0.0), left(lines, closed_share)) for name, lines in lines_of.items()}
