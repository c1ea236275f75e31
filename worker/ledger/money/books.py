"""Keeps our side of a provider's books: spending by time and operation, its balances, the last comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from worker.ledger.money.charges import charges
from worker.ledger.scripts import Scripts

DAY_MS = 86_400_000
UNSEEN_MS = 130_000  # a charge shows in a provider's log two minutes after the call, and clocks differ
CALL_MS = 180_000  # no call is under way, nor its ticket open, for so long

Booking = tuple[int, str]  # UTC day since 1970, operation


class Ours(Struct, frozen=True):
    """Shows one provider's account as we keep it, at one instant.

    ``recent`` are credits its log need not show yet.
    """

    spent: int
    sent: int
    uncertain: int
    calls: int
    recent: int
    now_ms: int
    by_day: Mapping[Booking, int] = {}


class Instant(Struct, frozen=True):
    """Holds a balance from the provider, and our spending, while no call was in flight."""

    left: int
    spent: int
    at_ms: int


class Comparison(Struct, frozen=True):
    """Holds the state of the comparison with one provider's log.

    ``ours`` and ``theirs`` are credits before ``since_ms``.

    ``accepted`` is the drift that a person has seen and resumed on, ``held`` the one the provider was paused for.
    ``others`` are credits since then that are known to be other people's, by operation; ``held_by`` those of ``held``.
    """

    since_ms: int
    ours: int = 0
    theirs: int = 0
    accepted: int = 0
    held: int | None = None
    others: Mapping[str, int] = {}
    held_by: Mapping[str, int] = {}


class Books:
    """Reads the bookings of tickets, and keeps the state of comparisons."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def ours(self, provider: str) -> Ours:
        keys, now = self._scripts.keys, await self._scripts.now()
        totals, booked, calls, names = await self._scripts.calls(
            [
                ("HMGET", keys("credits", provider), "spent", "sent", "uncertain"),
                ("HGETALL", keys("books", provider)),
                ("HGET", keys("balance", provider), "calls"),
                ("HKEYS", keys("books", provider)),
            ]
        )
        operations = sorted({name.decode().partition("|")[2] for name in names})
        charged = await charges(self._scripts, provider, operations, now - UNSEEN_MS - CALL_MS)
        recent = sum(one.credits for one in charged if one.stored > now - UNSEEN_MS)
        spent, sent, uncertain = (int(value or 0) for value in totals)
        return Ours(spent, sent, uncertain, int(calls or 0), recent, now, _bookings(booked))

    async def by_day(self, provider: str) -> dict[Booking, int]:
        """Returns credits spent on calls by UTC day and operation."""
        return _bookings(await self._scripts.call("HGETALL", self._scripts.keys("books", provider)))

    async def instants(self, provider: str) -> tuple[Instant | None, Instant | None]:
        """Returns the instant of the balance to compare with, and the last one.

        Both are the same until there is another.
        """
        key = self._scripts.keys("balance", provider)
        found = await self._scripts.call("HMGET", key, "base_told", "base_spent", "base_at", "told", "spent", "at")
        return _instant(found[:3]), _instant(found[3:])

    async def note_balance(self, provider: str, left: int, calls: int) -> bool:
        """Notes the balance of a free read.

        Tells whether that proves something: no call was in flight or sent meanwhile.
        """
        return bool(await self._scripts.run("balance_told", provider=provider, left=left, calls=calls))

    async def rebase(self, provider: str, instant: Instant) -> None:
        """Compares with ``instant`` from now on, when it still is the last one."""
        await self._scripts.run("balance_base", provider=provider, at=instant.at_ms)

    async def comparison(self, provider: str) -> Comparison | None:
        """Returns the state of the comparison with the provider's log, once it was begun."""
        found = await self._scripts.call("HGET", self._scripts.keys("reconciled", provider), "state")
        return Comparison(**json.loads(found)) if found else None

    async def keep(self, provider: str, state: Comparison | None, report: Mapping[str, Any]) -> None:
        """Remember the state of the comparison, and its result."""
        kept = ["report", json.dumps(dict(report), separators=(",", ":"))]
        if state is not None:
            kept += ["state", json.dumps(asdict(state), separators=(",", ":"))]
        await self._scripts.call("HSET", self._scripts.keys("reconciled", provider), *kept)

    async def last(self, provider: str) -> dict[str, Any] | None:
        found = await self._scripts.call("HGET", self._scripts.keys("reconciled", provider), "report")
        return json.loads(found) if found else None


def _bookings(booked: Mapping[bytes, bytes]) -> dict[Booking, int]:
    found: dict[Booking, int] = {}
    for name, credits in sorted(booked.items()):
        day, _, operation = name.decode().partition("|")
        found[int(day), operation] = int(credits)
    return found


def _instant(found: list[bytes | None]) -> Instant | None:
    left, spent, at = found
    return None if left is None or spent is None or at is None else Instant(int(float(left)), int(spent), int(at))
