"""Replies reach the round trip that asked, whatever a connection does, or it is told that they are lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest
from redis.asyncio import Connection, ConnectionPool, Redis

from worker.redis.wire import LostError, RoundTrip, Wire, packed

Serve: TypeAlias = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PING = len(packed(["PING"]))


@asynccontextmanager
async def wire_to(serve: Serve, timeout_s: float = 5.0) -> AsyncIterator[Wire]:
    """Yields a wire to a server of one's own, which serves its connections by their number."""
    count = 0
    ended: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        task = asyncio.current_task()
        assert task is not None
        ended.add(task)
        try:
            await serve(count, reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    kwargs = {"host": "127.0.0.1", "port": port, "lib_name": None, "lib_version": None}
    pool = ConnectionPool(connection_class=Connection, socket_timeout=timeout_s, **kwargs)
    wire = Wire(Redis(connection_pool=pool))
    try:
        yield wire
    finally:
        await wire.aclose()
        await pool.disconnect()
        server.close()
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)


def sent(wire: Wire, pings: int = 1) -> asyncio.Future[list[Any]]:
    """Sends a round trip; what it is told is the future's."""
    told: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()

    def tell(replies: list[Any] | Exception) -> None:
        if isinstance(replies, Exception):
            told.set_exception(replies)
        else:
            told.set_result(replies)

    wire.send(RoundTrip(packed(["PING"]) * pings, pings, tell))
    return told


async def test_replies_in_pieces_reach_whoever_asked() -> None:
    async def serve(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(6 * PING)
        for byte in b"".join(b"$2\r\n%02d\r\n" % at for at in range(6)):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    async with wire_to(serve) as wire:
        found = await asyncio.gather(sent(wire), sent(wire, 3), sent(wire, 2))
    assert list(found) == [[b"00"], [b"01", b"02", b"03"], [b"04", b"05"]]


async def test_a_lost_connection_keeps_what_had_come_and_tells_the_others() -> None:
    async def serve(at: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if at == 1:
            await reader.readexactly(4 * PING)
            writer.write(b"+a\r\n+b\r\n+c\r\n")  # half of what the second asked
            await writer.drain()
            return
        await reader.readexactly(PING)
        writer.write(b"+new\r\n")
        await reader.read()

    async with wire_to(serve) as wire:
        first, second = sent(wire, 2), sent(wire, 2)
        assert await first == [b"a", b"b"]
        with pytest.raises(LostError):
            await second
        assert await sent(wire) == [b"new"]


def answers(first: bytes) -> Serve:
    """The first connection says this to a PING, and every later one its own."""

    async def serve(at: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(PING)
        writer.write(first if at == 1 else b"+own\r\n")
        await reader.read()

    return serve


async def test_a_reply_that_nobody_asked_for_is_nobodys() -> None:
    async with wire_to(answers(b"+asked\r\n+unasked\r\n")) as wire:
        assert await sent(wire) == [b"asked"]
        assert await sent(wire) == [b"own"]


@pytest.mark.parametrize("rubbish", [b"?\r\n", b"$-7\r\n", b"\x00\x01\x02\r\n", b""])
async def test_what_is_no_reply_and_silence_end_the_connection(rubbish: bytes) -> None:
    async with wire_to(answers(rubbish), timeout_s=5.0 if rubbish else 0.2) as wire:
        with pytest.raises(LostError):
            await sent(wire)
        assert await sent(wire) == [b"own"]


async def test_who_waits_for_a_connection_is_told_that_the_client_closes() -> None:
    async def serve(_: int, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with wire_to(serve) as wire:
        told = sent(wire)
        await asyncio.sleep(0)
        await wire.aclose()
        with pytest.raises(Exception, match="closed"):
            await asyncio.wait_for(told, 5)
