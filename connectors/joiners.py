"""Knows who may still join a batch that is being gathered: one that nobody can join leaves at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

JOINER: ContextVar[Joiner | None] = ContextVar("joiner", default=None)
"""The one who asks batches in this context and in tasks that it starts; ``None``: counted by nobody."""


@dataclass(eq=False, slots=True)
class Joiner:
    """Stands for one who is at work and may ask batches.

    ``waits`` counts places in batches still gathered, ``rests`` those in any batch that is not back.
    """

    joiners: Joiners
    waits: int = 0
    rests: int = 0
    gone: bool = False

    def wait(self) -> None:
        """Count a place taken in a batch that is being gathered."""
        self.waits += 1
        if self.waits == 1 and not self.gone:
            self.joiners.busy -= 1
        self.joiners.look()

    def go_on(self) -> None:
        """Count a place whose batch has left."""
        self.waits -= 1
        if not self.waits and not self.gone:
            self.joiners.busy += 1

    def rest(self) -> None:
        """Count that nothing is done but to wait for a batch, until ``rise``."""
        self.rests += 1
        self.joiners.resting += self.rests == 1

    def rise(self) -> None:
        """Count one wait less."""
        self.rests -= 1
        self.joiners.resting -= not self.rests

    def leave(self) -> None:
        """Count the joiner out: its work is done."""
        if not self.waits and not self.gone:
            self.joiners.busy -= 1
        self.gone = True
        self.joiners.look()


class Joiners:
    """Counts those at work in one process. When all of them wait for batches to leave, the oldest batch leaves.

    The younger ones do not yet: whoever waited for the oldest may join them next. ``busy`` are those at work that
    wait for no batch being gathered: each could ask next. ``resting`` are those that wait for a batch to come back.
    """

    def __init__(self, slowness: Callable[[], float] = lambda: 1.0) -> None:
        """Take ``slowness``: how many times longer than usual it takes of late whoever is at work to get on."""
        self.slowness = slowness
        self.busy = self.resting = 0
        self._gathered: dict[object, Callable[[], None]] = {}
        self._is_due = False

    def enter(self) -> Joiner:
        """Count one more at work, until ``leave``."""
        self.busy += 1
        return Joiner(self)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Hold batches back meanwhile: more joiners may enter."""
        joiner = self.enter()
        try:
            yield
        finally:
            joiner.leave()

    def gather(self, batch: object, close: Callable[[], None]) -> None:
        """Call ``close`` when nobody can join ``batch`` any more, unless it is let go before."""
        self._gathered[batch] = close

    def let_go(self, batch: object) -> None:
        """Forget a batch: it has left."""
        self._gathered.pop(batch, None)

    def look(self) -> None:
        """Look at the end of this turn of the loop whether anybody can still join; tasks begun in it may."""
        if self._gathered and not self.busy and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._end_waits)

    def _end_waits(self) -> None:
        self._is_due = False
        while self._gathered and not self.busy:
            next(iter(self._gathered.values()))()
