"""Requests held open after they took effect, until a test lets them go."""

import asyncio
from dataclasses import dataclass, field

from sandbox.calls import Call
from sandbox.faults import fits


@dataclass(slots=True)
class Hold:
    """Holds open the next `count` requests that fit; None holds all of them."""

    route: str = "*"
    method: str = "*"
    match: str = ""
    count: int | None = 1
    effect: bool = True
    """False: held before the request takes effect."""


@dataclass(slots=True)
class Holds:
    rules: list[Hold] = field(default_factory=list)
    held: dict[int, str] = field(default_factory=dict)
    """Sequence number of the request -> route, of all held now."""
    _gate: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def pick(self, call: Call) -> Hold | None:
        for rule in self.rules:
            if (rule.count is None or rule.count > 0) and fits(rule.route, rule.method, rule.match, call):
                if rule.count is not None:
                    rule.count -= 1
                return rule
        return None

    async def keep(self, call: Call) -> None:
        """Returns when released; ends with the connection."""
        self.held[call.entry.seq] = call.route.template
        call.entry.held = True
        gate = self._gate
        await self._tell()
        try:
            await gate.wait()
        finally:
            self.held.pop(call.entry.seq, None)
            await self._tell()

    async def until(self, count: int) -> None:
        """Returns when at least `count` requests are held."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.held) >= count)

    async def until_none(self) -> None:
        """Returns when no request is held any more."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.held)

    def release(self) -> int:
        """Lets all go and forgets the rules. How many were held."""
        self.rules.clear()
        gate, self._gate = self._gate, asyncio.Event()
        gate.set()
        return len(self.held)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
