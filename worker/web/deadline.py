"""Bounds the time and size of requests in uvicorn's protocol.

Connections past a number and requests that do not arrive in time are dropped.

uvicorn waits for good for a head that never ends, and for a body for as long as its application does. Here a stranger
gets one request, two seconds from connecting to its end, and ten more to have read the answer; a sender that proved
itself gets ten for its body and keeps its connection.
"""

from __future__ import annotations

import asyncio
import logging
from weakref import ref

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from worker.web.bodies import SENDER
from worker.web.open_connections import OpenConnections

STRANGER_WITHIN_S = 2.0
ARRIVES_WITHIN_S = 10.0
MOST_HEAD_BYTES = 65_536
MOST_CONNECTIONS = 8_192  # by default


class _Sender:
    """Stands for the sender of one request.

    The answer to a stranger ends its connection, and says so: a proxy sends nothing more on that one.
    """

    __slots__ = ("_connection", "_cycle", "_is_kept", "is_proved")

    def __init__(self, connection: RequestDeadline) -> None:
        self._connection, self._is_kept, self.is_proved = connection, False, False

    def begin(self) -> None:
        """Lets the connection end with the answer, for now. uvicorn has just made a cycle for the request.

        The cycle holds the request's scope, and with it this sender: a strong reference back would leave each request
        to the garbage collector.
        """
        cycle = self._connection.cycle
        self._cycle, self._is_kept, cycle.keep_alive = ref(cycle), cycle.keep_alive, False

    def prove(self) -> None:
        """Says that the request carries what only a sender of ours can know."""
        self.is_proved = True
        cycle = self._cycle()
        if cycle is not None:
            cycle.keep_alive = self._is_kept and not self._connection.is_ending
        self._connection.prove()

    def drop(self) -> None:
        """Ends its connection."""
        self._connection.drop()


class _Quiet:
    """Replaces uvicorn's logger, which has a line for each malformed request."""

    def __init__(self, logger: logging.Logger, open_connections: OpenConnections) -> None:
        self.level, self.log, self.error = logger.level, logger.log, logger.error
        self._malformed = open_connections.malformed

    def warning(self, *_: object) -> None:
        """Counts it: every warning of uvicorn's protocol is of bytes that a stranger sent."""
        self._malformed()


class RequestDeadline(HttpToolsProtocol):
    """Times each request from its connection or its first byte."""

    stranger_within_s = STRANGER_WITHIN_S
    arrives_within_s = ARRIVES_WITHIN_S
    open_connections = OpenConnections(MOST_CONNECTIONS)
    _counted = False
    _until_s: float | None = None
    _timer: asyncio.TimerHandle | None = None  # looks at `_until_s`, which moves with every request
    _head = 0
    _whole = False
    _sender: _Sender | None = None
    is_ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        if not self.open_connections.enter(self):
            transport.abort()
            return
        self._counted = True
        super().connection_made(transport)
        self.logger = _Quiet(self.logger, self.open_connections)  # type: ignore[assignment]  # all of it that is used
        self._expect(self.stranger_within_s)

    def data_received(self, data: bytes) -> None:
        if not self._counted:
            return
        if self._until_s is None:  # what follows on a connection that is kept
            self._doubt()
        if self._head >= 0:
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES + len(data):
                self.drop()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._whole, self._sender = 0, False, _Sender(self)
        self.scope["state"][SENDER] = self._sender
        if self._until_s is None:
            self._doubt()

    def on_headers_complete(self) -> None:
        self._head = -1  # the rest is body, which the application counts
        super().on_headers_complete()
        if self._sender is not None:
            self._sender.begin()

    def on_message_complete(self) -> None:
        self._whole = True
        if self._sender is not None and self._sender.is_proved:
            self._calm()
        else:
            self._expect(self.arrives_within_s)  # the time that our answer takes is not the stranger's doing
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._counted:
            return
        self.open_connections.leave(self)
        self._calm()
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Ends the connection with the answer that is under way."""
        self.is_ending = True
        super().shutdown()

    def prove(self) -> None:
        """Takes the connection for a sender's until its next request begins."""
        self.open_connections.prove(self)
        if self._whole or self.transport.is_closing():
            self._calm()
        else:
            self._expect(self.arrives_within_s)

    def drop(self) -> None:
        self._calm()
        self.transport.abort()

    def _doubt(self) -> None:
        self._head = 0
        self.open_connections.doubt(self)
        self._expect(self.stranger_within_s)

    def _expect(self, within_s: float) -> None:
        self._until_s = self.loop.time() + within_s
        if self._timer is not None and self._timer.when() > self._until_s:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(self._until_s, self._look)

    def _look(self) -> None:
        """Drop the connection if its time is up, or look again when it will be."""
        self._timer = None
        if self._until_s is None:
            return
        if self._until_s > self.loop.time():
            self._timer = self.loop.call_at(self._until_s, self._look)
        else:
            self.drop()

    def _calm(self) -> None:
        self._until_s = None
