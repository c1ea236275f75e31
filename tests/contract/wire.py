"""A server that speaks bytes, for what no decent HTTP server does, and ledger stand-ins that write down their calls."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from connectors.limits import NoLimiter, Notice, SlotFirst
from connectors.models import Reply

Act = Callable[["Wire", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Wire:
    """A running server: its address and the requests it has read to the end."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def wire(*acts: Act) -> AsyncIterator[Wire]:
    """Serve: the n-th request meets the n-th act, the last act all further ones."""
    served = Wire()
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            while request := await _request(reader):
                served.requests.append(request)
                served.asked.set()
                act = acts[min(len(served.requests), len(acts)) - 1]
                await act(served, writer)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            handlers.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        for task in tuple(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


def answers(status: int, body: bytes = b"{}", headers: str = "", reason: str = "OK") -> Act:
    async def act(_served: Wire, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} {reason}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return act


def says(raw: bytes) -> Act:
    async def act(_served: Wire, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return act


async def closes(_served: Wire, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(_served: Wire, writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hangs(served: Wire, _writer: asyncio.StreamWriter) -> None:
    await served.go.wait()


@dataclass
class KeptTicket(SlotFirst):
    """A ticket that remembers its steps; ``fails`` names the step that raises."""

    is_sheltered: ClassVar[bool] = False
    steps: list[str] = field(default_factory=list)
    reply: Reply | None = None
    cause: str = ""
    fails: str = ""
    stored_now: asyncio.Event = field(default_factory=asyncio.Event)

    async def _step(self, name: str, cause: str = "") -> None:
        await asyncio.sleep(0)
        if name == self.fails:
            raise ConnectionError(name)
        self.steps.append(name)
        self.cause = cause or self.cause

    async def sent(self) -> None:
        await self._step("sent")

    async def stored(self, reply: Reply) -> None:
        self.reply = reply
        await self._step("stored")
        self.stored_now.set()

    async def released(self, cause: str) -> None:
        await self._step("released", cause)

    async def uncertain(self, cause: str) -> None:
        await self._step("uncertain", cause)


@dataclass
class HeardLimiter(NoLimiter):
    """A limiter that grants everything and writes down what it is told; ``refuse`` is raised by ``slot``."""

    told: list[tuple[str, str, float | None]] = field(default_factory=list)
    refuse: Exception | None = None

    async def slot(self, bucket: str, patience_s: float = 5.0) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.told.append(("slot", bucket, None))

    async def noticed(self, bucket: str, notice: Notice) -> None:
        self.told.append(("noticed", bucket, notice.reset_s))

    async def limited(self, bucket: str, retry_after_s: float | None, why: str = "") -> None:
        self.told.append(("limited", bucket, retry_after_s))

    async def failed(self, bucket: str) -> None:
        self.told.append(("failed", bucket, None))

    async def worked(self, bucket: str) -> None:
        self.told.append(("worked", bucket, None))

    @property
    def words(self) -> list[str]:
        return [word for word, _, _ in self.told]
