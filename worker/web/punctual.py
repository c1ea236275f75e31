"""uvicorn's protocol with bounds: connections past a number and requests that do not arrive in time are dropped.

uvicorn waits for good for a head that never ends, and for a body for as long as its application does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ARRIVES_WITHIN_S = 10.0
MOST_HEAD_BYTES = 65_536
MOST_CONNECTIONS = 8_192  # where nobody says otherwise
SAY_EVERY_S = 1.0
log = structlog.get_logger(__name__)


class Crowd:
    """How many connections are open, of how many; says at most once in a while that some were turned away."""

    def __init__(self, most: int) -> None:
        self._most, self._open, self._turned, self._said_at = most, 0, 0, float("-inf")

    def enter(self) -> bool:
        """Counts one more in, unless there are too many."""
        if self._open >= self._most:
            self._turned += 1
            if time.monotonic() - self._said_at >= SAY_EVERY_S:
                log.warning("web.crowded", connections=self._open, refused=self._turned)
                self._said_at, self._turned = time.monotonic(), 0
            return False
        self._open += 1
        return True

    def leave(self) -> None:
        """Counts one out."""
        self._open -= 1


class Punctual(HttpToolsProtocol):
    """Times each request from its connection or its first byte to its last one."""

    arrives_within_s = ARRIVES_WITHIN_S
    crowd = Crowd(MOST_CONNECTIONS)
    _counted = False
    _deadline: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if not self.crowd.enter():
            transport.abort()
            return
        self._counted = True
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        if not self._counted:
            return
        if self._deadline is None:  # what follows on a connection that is kept
            self._expect()
        if self._head >= 0:
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES + len(data):
                self._drop()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._expect()

    def on_headers_complete(self) -> Any:
        self._head = -1  # the rest is body, which the application counts
        return super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arrived()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._counted:
            return
        self.crowd.leave()
        self._arrived()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._head = 0
        self._deadline = self.loop.call_later(self.arrives_within_s, self._drop)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _drop(self) -> None:
        self._arrived()
        if self.transport is not None:
            self.transport.abort()
