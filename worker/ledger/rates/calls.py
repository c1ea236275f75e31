"""Keeps how vendor calls ended and how long they took, over all processes: for ``/metrics``."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import asdict

from connectors.telemetry import BOUNDS_S, LAST, UNSENT, CallEnd, CallMade, CallName
from worker.ledger.scripts import Arg, Scripts


class Called(Struct, frozen=True):
    """Holds the calls of one operation since the start: by end, by range of ``BOUNDS_S``, and seconds in all.

    ``unsent`` are writes that were none, since the read they were decided on had taken too long.
    """

    ends: Mapping[CallEnd, int] = {}
    ranges: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    seconds: float = 0.0
    unsent: int = 0


class LastCall(Struct, frozen=True):
    """Describes one call. ``path`` is the contract's, with names in place of ids; ``credits`` is its worst price."""

    at_ms: int
    operation: str
    method: str
    path: str
    status: int | None
    ms: int
    credits: int


class VendorCalls:
    """Keeps the counts in Redis: one hash, a few fields for each operation of a vendor."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts, self._slots = scripts, itertools.count()

    async def add(self, counts: Mapping[tuple[str, str, str], int]) -> None:
        name = self._scripts.keys("calls")
        if counts:
            await self._scripts.calls([("HINCRBY", name, "|".join(what), count) for what, count in counts.items()])

    async def keep_last(self, calls: Mapping[str, Sequence[CallMade]]) -> None:
        """Put the last calls of one process in the place of older ones of every vendor, in one round trip."""
        commands: list[tuple[Arg, ...]] = []
        for vendor, made in calls.items():
            pairs = [part for one in made for part in (next(self._slots) % LAST, _packed(one))]
            commands.append(("HSET", self._scripts.keys("calls_last", vendor), *pairs))
        await self._scripts.calls(commands)

    async def last(self, vendor: str, count: int = LAST) -> list[LastCall]:
        """Returns the last calls of a vendor, newest first."""
        found = await self._scripts.call("HGETALL", self._scripts.keys("calls_last", vendor))
        calls = [LastCall(**json.loads(text)) for text in found.values()]
        return sorted(calls, key=lambda one: -one.at_ms)[:count]

    async def all(self) -> dict[CallName, Called]:
        """Returns every operation that was ever called, by (vendor, operation)."""
        found: dict[CallName, dict[str, int]] = {}
        for name, count in (await self._scripts.call("HGETALL", self._scripts.keys("calls"))).items():
            vendor, operation, what = name.decode().split("|")
            found.setdefault((vendor, operation), {})[what] = int(count)
        return {name: _called(counts) for name, counts in sorted(found.items())}


def _packed(call: CallMade) -> str:
    at_s, what, status, seconds = call
    made = LastCall(int(at_s * 1000), what.name, what.method, what.path, status, round(seconds * 1000), what.credits)
    return json.dumps(asdict(made), separators=(",", ":"))


def _called(counts: Mapping[str, int]) -> Called:
    return Called(
        {end: counts[end] for end in CallEnd if end in counts},
        tuple(counts.get(f"le{place}", 0) for place in range(len(BOUNDS_S) + 1)),
        counts.get("ms", 0) / 1000,
        counts.get(UNSENT, 0),
    )
