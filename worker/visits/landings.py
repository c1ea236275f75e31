"""Lets askers wait for the end of paid calls: what a call reserves at its worst price, its end mostly gives back."""

from __future__ import annotations

import asyncio
from collections import Counter, deque


class Landings:
    """Counts the paid calls under way by run, and wakes one asker of the run at the end of each, all at the last.

    One call frees room for about one other: waking all of them each time would ask Redis for each of them each time.
    """

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._askers: dict[str, deque[asyncio.Future[None]]] = {}

    def begin(self, run: str) -> None:
        """Notes that a call of ``run`` is on its way."""
        self._calls[run] += 1

    def end(self, run: str) -> None:
        """Notes that it is over."""
        self._calls[run] -= 1
        if not self._calls[run]:
            del self._calls[run]
        self._wake(run)

    def _wake(self, run: str) -> None:
        askers = self._askers.get(run, deque())
        while askers:
            asker = askers.popleft()
            if not asker.done():
                asker.set_result(None)
                if self._calls[run]:
                    return
        self._askers.pop(run, None)

    def next(self, run: str) -> asyncio.Future[None] | None:
        """Returns what is done when this asker's turn has come, ``None`` when no call is under way."""
        if not self._calls[run]:
            return None
        asker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._askers.setdefault(run, deque()).append(asker)
        return asker

    def leave(self, run: str, asker: asyncio.Future[None] | None) -> None:
        """Gives up an asker's turn: one that has come already is the next one's."""
        if asker is None:
            return
        if asker.done() and not asker.cancelled():
            self._wake(run)
        asker.cancel()
