"""uvicorn's protocol with a deadline: a request that does not arrive whole, head and body, in time is dropped.

uvicorn waits for good for a head that never ends, and for a body for as long as its application does.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ARRIVES_WITHIN_S = 10.0
MOST_HEAD_BYTES = 65_536


class Punctual(HttpToolsProtocol):
    """Times each request from its connection or its first byte to its last one."""

    arrives_within_s = ARRIVES_WITHIN_S
    _deadline: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
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
