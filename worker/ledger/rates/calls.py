"""Keeps how vendor calls ended and how long they took, over all processes: for ``/metrics``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.call_figures import BOUNDS_S, CallEnd, CallName
from worker.ledger.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Called:
    """Holds the calls of one operation since the start: by end, by range of ``BOUNDS_S``, and seconds in all."""

    ends: Mapping[CallEnd, int] = field(default_factory=dict)
    ranges: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    seconds: float = 0.0


class VendorCalls:
    """Represents the counts in Redis: one hash, a few fields for each operation of a vendor."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def add(self, counts: Mapping[tuple[str, str, str], int]) -> None:
        """Add what one process has counted."""
        name = self._scripts.keys("calls")
        if counts:
            await self._scripts.calls([("HINCRBY", name, "|".join(what), count) for what, count in counts.items()])

    async def all(self) -> dict[CallName, Called]:
        """Returns every operation that was ever called, by (vendor, operation)."""
        found: dict[CallName, dict[str, int]] = {}
        for name, count in (await self._scripts.call("HGETALL", self._scripts.keys("calls"))).items():
            vendor, operation, what = name.decode().split("|")
            found.setdefault((vendor, operation), {})[what] = int(count)
        return {name: _called(counts) for name, counts in sorted(found.items())}


def _called(counts: Mapping[str, int]) -> Called:
    return Called(
        {end: counts[end] for end in CallEnd if end in counts},
        tuple(counts.get(f"le{place}", 0) for place in range(len(BOUNDS_S) + 1)),
        counts.get("ms", 0) / 1000,
    )
