"""A TCP or unix proxy that spoils what goes through it: latency, bandwidth, slices, resets, cuts, hangs.

It sees both sides of every exchange, so it is also where a worker is struck at a step: before the request goes on,
when the answer is here and not yet handed over, or right after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.plan import Toxic

Reach = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
CHUNK = 65_536
_FLUSH_S = 2.0  # for the last bytes to reach somebody who still reads


class _CutError(Exception):
    """The connection ends here, with an RST or without."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class Valve:
    """While it is shut nobody is told anything; who was not told when the server died never is."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._deaths = 0

    def shut(self) -> None:
        self._open.clear()

    def open(self, *, died: bool) -> None:
        self._deaths += died
        self._open.set()

    async def passed(self) -> None:
        """Return when an answer that is here may go on."""
        if not self._open.is_set():
            deaths = self._deaths
            await self._open.wait()
            if self._deaths != deaths:
                raise _CutError(reset=False)


@dataclass(slots=True)
class Hooks:
    """Tells how one proxy looks at its exchanges. ``struck(step, side)``: the process that asked was just killed."""

    step: Callable[[bytes], str]
    struck: Callable[[str, str], bool]
    toxic: Callable[[int], Toxic | None] = lambda _: None
    rewritten: Callable[[bytes], bytes] = lambda data: data
    valve: Valve = field(default_factory=Valve)


@dataclass(slots=True)
class _Talk:
    """One connection. ``told``: the other side has answered since the last request began."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    there_reader: asyncio.StreamReader
    there_writer: asyncio.StreamWriter
    told: bool = True
    step: str = ""
    toxic: Toxic | None = None
    sent: int = 0


class Proxy:
    """Listens at ``address`` (a port or a path) from ``open`` to ``close``."""

    def __init__(self, reach: Reach, hooks: Hooks) -> None:
        self._reach, self.hooks = reach, hooks
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.exchanges = 0
        self.calm = False
        self.toxics: dict[str, int] = {}
        self.address: int | Path = 0

    async def open(self, address: int | Path = 0) -> None:
        """Take connections: at a path, a port, or any port."""
        if isinstance(address, Path):
            self._server = await asyncio.start_unix_server(self._serve, address)
            self.address = address
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", address)
            self.address = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections and end those there are; ``open(proxy.address)`` takes them again."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await asyncio.sleep(0)  # what is aborted is closed in the loop's next round

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        writers = [writer]
        try:
            there_reader, there_writer = await self._reach()
            writers.append(there_writer)
            await self._talked(_Talk(reader, writer, there_reader, there_writer))
            async with asyncio.timeout(_FLUSH_S):
                await asyncio.gather(*(one.wait_closed() for one in writers), return_exceptions=True)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the other side refuses, nobody reads any more, or ``close`` ends it
        finally:
            for one in writers:
                with contextlib.suppress(AttributeError):  # closed already: it has no loop any more
                    one.transport.abort()

    async def _talked(self, talk: _Talk) -> None:
        pumps = [asyncio.create_task(self._ask(talk)), asyncio.create_task(self._answer(talk))]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            ends = [pump.exception() for pump in done]
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        if any(isinstance(end, _CutError) and end.reset for end in ends):
            _reset(talk.writer)
        talk.writer.close()
        talk.there_writer.close()

    async def _ask(self, talk: _Talk) -> None:
        """From whoever asks to the other side."""
        with contextlib.suppress(OSError):
            while data := await talk.reader.read(CHUNK):
                if talk.told:
                    self._begin(talk, data)
                    if talk.step and self.hooks.struck(talk.step, "before"):
                        raise _CutError(reset=False)
                    if talk.toxic and talk.toxic.kind == "reset_before":
                        raise _CutError(reset=True)
                talk.there_writer.write(data)
                await talk.there_writer.drain()

    def _begin(self, talk: _Talk, data: bytes) -> None:
        self.exchanges += not self.calm
        talk.told, talk.sent, talk.step = False, 0, self.hooks.step(data)
        talk.toxic = None if self.calm else self.hooks.toxic(self.exchanges)
        if talk.toxic:
            self.toxics[talk.toxic.kind] = self.toxics.get(talk.toxic.kind, 0) + 1

    async def _answer(self, talk: _Talk) -> None:
        """From the other side to whoever asked."""
        with contextlib.suppress(OSError):
            while data := await talk.there_reader.read(CHUNK):
                first, talk.told = not talk.told, True
                await self.hooks.valve.passed()
                step = talk.step if first else ""
                if step and self.hooks.struck(step, "between"):
                    raise _CutError(reset=False)
                await self._hand_over(talk, self.hooks.rewritten(data))
                if step and self.hooks.struck(step, "after"):
                    raise _CutError(reset=False)

    async def _hand_over(self, talk: _Talk, data: bytes) -> None:
        kind, amount = (talk.toxic.kind, talk.toxic.amount) if talk.toxic else ("", 0.0)
        if kind == "latency" and talk.sent == 0:
            await asyncio.sleep(amount)
        elif kind in {"hang", "reset_after"}:
            await asyncio.sleep(amount)
            raise _CutError(reset=True)
        elif kind in {"cut", "cut_reset"} and talk.sent + len(data) >= amount:
            talk.writer.write(data[: int(amount) - talk.sent])
            await talk.writer.drain()
            await asyncio.sleep(0.01)  # an RST overtakes what is still here
            raise _CutError(reset=kind == "cut_reset")
        size = int(amount) if kind == "slicer" else 512 if kind == "bandwidth" else len(data)
        for start in range(0, len(data), size):
            talk.writer.write(data[start : start + size])
            await talk.writer.drain()
            if kind == "bandwidth":
                await asyncio.sleep(size / amount)
            elif kind == "slicer":
                await asyncio.sleep(0)
        talk.sent += len(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End with an RST."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.family == socket.AF_INET:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
