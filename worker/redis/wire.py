"""Sends packed commands over one connection, one behind the other, and hands out their replies as they arrive.

redis-py opens the connection and signs in; from then on its socket is read here. Its own way to a reply takes a task, a
timer and a look at the socket for each, which is more than everything else that a step of the ledger costs the process.
Here a round trip costs a write and, with its reply, one wake-up. One timer watches over all of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis
from redis._parsers.base import BaseParser
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.typing import EncodableT

SILENT_S = 5.0  # of a connection that has no time-out of its own
OF_LATE = 0.2  # what one more round trip counts in what they take


class LostError(Exception):
    """Says that a round trip was sent, and that its connection ended before the whole of its reply had come."""


@dataclass(slots=True, eq=False)
class RoundTrip:
    """Holds packed commands that leave together. ``answered`` gets a reply for each, or why there are none.

    It is called once. It gets ``LostError`` where the commands may have been run, the error of the way to
    Redis where they surely were not.
    """

    packed: bytes
    count: int
    answered: Callable[[list[Any] | Exception], None]
    sent_s: float = 0.0
    replies: list[Any] = field(default_factory=list)


class Wire:
    """Keeps one connection of a client's pool, opened when it is needed and again when it was lost."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._connection: AbstractConnection | None = None
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._unsent: list[RoundTrip] = []
        self._sent: deque[RoundTrip] = deque()
        self._heard_s, self._silent_s = 0.0, SILENT_S
        self.took_s = 0.0  # what a round trip takes of late
        self._watch: asyncio.TimerHandle | None = None
        self._reader = _reader()
        self._leaving: set[asyncio.Task[None]] = set()  # connections on their way back to the pool

    def send(self, trip: RoundTrip) -> None:
        """Sends a round trip at once, or as soon as the connection stands."""
        if self._transport is not None and not self._transport.is_closing():
            self._write(self._transport, trip)
            return
        self._unsent.append(trip)
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())

    async def aclose(self) -> None:
        """Ends the connection; round trips that are away hear that it was lost."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
            self._unopened(RedisConnectionError("the client is closed"))
        if self._transport is not None:
            self._transport.abort()
            self._lost(RedisConnectionError("the client is closed"))
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _open(self) -> None:
        """Take a connection of the pool and read its socket from here on."""
        try:
            connection = cast("AbstractConnection", await self._client.connection_pool.get_connection())
            writer = cast("asyncio.StreamWriter", connection._writer)  # noqa: SLF001 - redis-py offers no way to it
            transport = cast("asyncio.Transport", writer.transport)
            transport.set_protocol(_Ear(self, transport, cast("asyncio.Protocol", transport.get_protocol())))
            self._connection, self._transport, self._reader = connection, transport, _reader()
            self._silent_s = connection.socket_timeout or SILENT_S
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            self._unopened(error)
        finally:
            self._opening = None
        unsent, self._unsent = self._unsent, []
        for trip in unsent:
            self.send(trip)

    def _unopened(self, error: Exception) -> None:
        """Tell whoever waits for the connection that there is none."""
        unsent, self._unsent = self._unsent, []
        for trip in unsent:
            trip.answered(error)

    def _write(self, transport: asyncio.Transport, trip: RoundTrip) -> None:
        loop = asyncio.get_running_loop()
        trip.sent_s = loop.time()
        self._sent.append(trip)
        transport.write(trip.packed)
        if self._watch is None:
            self._watch = loop.call_at(trip.sent_s + self._silent_s, self._look)

    def _look(self) -> None:
        """Give the connection up where it owes a reply and has been silent for too long."""
        loop = asyncio.get_running_loop()
        self._watch = None
        if not self._sent:
            return
        ends_s = max(self._heard_s, self._sent[0].sent_s) + self._silent_s
        if ends_s > loop.time():
            self._watch = loop.call_at(ends_s, self._look)
            return
        if self._transport is not None:
            self._transport.abort()
        self._lost(RedisTimeoutError("Timeout reading from socket"))

    def heard(self, transport: asyncio.Transport, data: bytes) -> None:
        """Take bytes that have arrived, and tell whoever waited for what is whole."""
        if transport is not self._transport:
            return
        self._heard_s = asyncio.get_running_loop().time()
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _NOT_YET:
                if isinstance(reply, RedisConnectionError):  # it is loading, or has too many clients
                    raise reply
                trip = self._sent[0]
                trip.replies.append(reply)
                if len(trip.replies) == trip.count:
                    self._sent.popleft()
                    took_s = self._heard_s - trip.sent_s
                    self.took_s += (OF_LATE if self.took_s else 1.0) * (took_s - self.took_s)
                    trip.answered(trip.replies)
        except (RedisConnectionError, InvalidResponse, IndexError) as error:
            transport.abort()
            self._lost(error)

    def ended(self, transport: asyncio.Transport, error: Exception | None) -> None:
        if transport is self._transport:
            self._lost(error or RedisConnectionError("Connection closed by server."))

    def _lost(self, error: Exception) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        connection, self._connection, self._transport = self._connection, None, None
        sent, self._sent = self._sent, deque()
        if connection is not None:
            task = asyncio.ensure_future(self._give_back(connection))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        lost = LostError(type(error).__name__)
        lost.__cause__ = error
        for trip in sent:
            trip.answered(lost)

    async def _give_back(self, connection: AbstractConnection) -> None:
        """Return a connection that has ended to the pool, which opens it anew for whoever is next."""
        await connection.disconnect(nowait=True)
        await self._client.connection_pool.release(connection)


_NOT_YET = object()


def _reader() -> hiredis.Reader:
    """Returns a reader of replies that tells errors apart as redis-py does."""
    return hiredis.Reader(protocolError=InvalidResponse, replyError=BaseParser.parse_error, notEnoughData=_NOT_YET)


def packed(values: Sequence[EncodableT]) -> bytes:
    try:
        return _pack(tuple(values))
    except TypeError:  # a kind of value that redis-py would turn into text
        return _pack(tuple(one if isinstance(one, bytes) else str(one) for one in values))


_pack = cast("Callable[[tuple[EncodableT, ...]], bytes]", hiredis.pack_command)  # its stub knows one value only


class _Ear(asyncio.Protocol):
    """Listens to a connection in the place of redis-py's stream, which only hears of its end."""

    def __init__(self, wire: Wire, transport: asyncio.Transport, stream: asyncio.Protocol) -> None:
        self._wire, self._transport, self._stream = wire, transport, stream

    def data_received(self, data: bytes) -> None:
        self._wire.heard(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells both that the connection has ended."""
        self._stream.connection_lost(exc)
        self._wire.ended(self._transport, exc)
