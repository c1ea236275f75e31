"""Bounds the open connections, and keeps unproved clients from holding them.

Every client is a stranger until a request proves its sender. Strangers share half of the connections; when those are
taken, a new client replaces the stranger that has been connected longest, so that a flood of slow ones keeps no sender
out: a sender is proved a few milliseconds after it connects, long before it would be replaced.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from worker.web.rarely import Rarely

log = structlog.get_logger(__name__)


class Connection(Protocol):
    """Lets a connection be ended from outside."""

    def drop(self) -> None:
        """Ends it at once."""


class OpenConnections:
    """Keeps at most ``most`` connections open; says once in a while at the most that some were turned away."""

    def __init__(self, most: int) -> None:
        self._most, self.most_strangers = most, max(1, most // 2)
        self._strangers: dict[Connection, None] = {}  # the longest connected one first
        self._proved: set[Connection] = set()
        self._rarely = Rarely()

    def enter(self, connection: Connection) -> bool:
        """Accepts a new client as a stranger; refuses only if every place is a proved sender's."""
        if len(self._strangers) + len(self._proved) >= self._most and not self._strangers:
            self._turn_away()
            return False
        self._strangers[connection] = None
        self._make_room()
        return True

    def prove(self, connection: Connection) -> None:
        """Counts a stranger as a sender from now on."""
        if connection in self._strangers:
            del self._strangers[connection]
            self._proved.add(connection)

    def doubt(self, connection: Connection) -> None:
        """Counts a sender as a stranger again: its next request has yet to prove itself."""
        if connection in self._proved:
            self._proved.discard(connection)
            self._strangers[connection] = None
            self._make_room()

    def leave(self, connection: Connection) -> None:
        self._strangers.pop(connection, None)
        self._proved.discard(connection)

    def _make_room(self) -> None:
        room = min(self.most_strangers, self._most - len(self._proved))
        while len(self._strangers) > max(1, room):
            longest = next(iter(self._strangers))
            del self._strangers[longest]
            self._turn_away()
            longest.drop()

    def malformed(self) -> None:
        if requests := self._rarely.due("malformed"):
            log.warning("web.malformed", requests=requests)

    def _turn_away(self) -> None:
        if refused := self._rarely.due("crowded"):
            log.warning("web.crowded", connections=len(self._strangers) + len(self._proved), refused=refused)
