"""The proxy slows, cuts or resets one exchange, and tells nothing to a process that was struck in its middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from tests.chaos.plan import Toxic
from tests.chaos.proxy import Hooks, Proxy, Valve
from tests.harness.until import until

ANSWER = b"x" * 500
Told = list[bytes]
Opened = Callable[[Hooks], Awaitable[tuple[Proxy, Told]]]


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """``await opened(hooks)``: a proxy in front of somebody who answers everything, and what that one was told."""
    async with AsyncExitStack() as stack:

        async def open_(hooks: Hooks) -> tuple[Proxy, Told]:
            told: Told = []

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                while data := await reader.read(100):
                    told.append(data)
                    writer.write(ANSWER)
                    await writer.drain()
                writer.close()

            server = await stack.enter_async_context(await asyncio.start_server(answer, "127.0.0.1"))
            port = server.sockets[0].getsockname()[1]
            proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", port), hooks)
            stack.push_async_callback(proxy.close)
            await proxy.open()
            return proxy, told

        yield open_


def hooks(toxic: Toxic | None = None, struck: tuple[str, str] = ("", ""), valve: Valve | None = None) -> Hooks:
    return Hooks(step=lambda _: "step", struck=lambda *at: at == struck, toxic=lambda _: toxic, valve=valve or Valve())


async def asked(proxy: Proxy) -> bytes | None:
    """Returns what comes back for one question until the connection ends or is whole; ``None`` is an RST."""
    assert isinstance(proxy.address, int)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.address)
    writer.write(b"question")
    got = b""
    try:
        while len(got) < len(ANSWER) and (data := await reader.read(1_000)):
            got += data
    except ConnectionResetError:
        return None
    finally:
        writer.close()
    return got


@pytest.mark.parametrize("toxic", [None, Toxic("latency", 0.01), Toxic("slicer", 7), Toxic("bandwidth", 100_000)])
async def test_slow_exchange_is_whole(opened: Opened, toxic: Toxic | None) -> None:
    proxy, told = await opened(hooks(toxic))
    assert await asked(proxy) == ANSWER
    assert told == [b"question"]


async def test_cut_answer_ends_at_its_byte(opened: Opened) -> None:
    proxy, told = await opened(hooks(Toxic("cut", 42)))
    assert await asked(proxy) == ANSWER[:42]
    assert told == [b"question"]


@pytest.mark.parametrize(("kind", "heard"), [("reset_before", []), ("reset_after", [b"question"])])
async def test_reset_comes_before_or_after_the_other_has_heard(opened: Opened, kind: str, heard: list[bytes]) -> None:
    proxy, told = await opened(hooks(Toxic(kind, 0)))
    assert await asked(proxy) is None
    assert told == heard


@pytest.mark.parametrize(("side", "heard", "got"), [("before", [], 0), ("between", [b"question"], 0)])
async def test_who_is_struck_is_told_nothing(opened: Opened, side: str, heard: list[bytes], got: int) -> None:
    proxy, told = await opened(hooks(struck=("step", side)))
    assert len(await asked(proxy) or b"") == got
    assert told == heard


async def test_answers_held_when_the_server_dies_are_never_told(opened: Opened) -> None:
    valve = Valve()
    proxy, told = await opened(hooks(valve=valve))
    valve.shut()
    question = asyncio.create_task(asked(proxy))
    await until(lambda: told, "a question")
    await asyncio.sleep(0.05)  # the answer is at the valve
    valve.open(died=True)
    assert not await question


async def test_closed_proxy_refuses_and_opens_where_it_was(opened: Opened) -> None:
    proxy, _ = await opened(hooks())
    await proxy.close()
    with pytest.raises(ConnectionRefusedError):
        await asked(proxy)
    await proxy.open(proxy.address)
    assert await asked(proxy) == ANSWER
