"""Measures the CPU per request of ``Transport`` against a bare httpx client on the same aiohttp engine.

    python bench/transport.py [--rounds 5] [--requests 1500] [--check]

Both send the same POST with a JSON body to a server in a process of its own and read the whole answer. Rounds are
interleaved (bare, ours, bare, ours, ...), so that the machine's other load affects both. ``--check`` fails above
the goal at 50 in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from httpx_aiohttp import AiohttpTransport

from config.logs import configure_logs
from connectors.limits import NoLimiter
from connectors.operations import Operation, Repeat
from connectors.transport import ConnectionTerms, NoAuth, Transport

CONCURRENCY = (1, 10, 50)
GOAL = 1.25
LONGEST_S = 120.0
QUESTION = {"linkedin_public_identifier": "ada-example-1a2b3c"}
ANSWER = json.dumps(
    {"id": 123, "full_name": "Ada Example", "roles": [{"id": n, "role_title": "VP Sales"} for n in range(24)]}
).encode()
OPERATION = Operation("bench", "POST", "/lookup/", Repeat.SAFE)
Send = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Returns the CPU per request (us) and requests per second of one contender in one round."""

    cpu_us: float
    rate: float


# ---- the server --------------------------------------------------------------------------------------------------


class Answering(asyncio.Protocol):
    """Gives the same answer to every request; reads just enough HTTP to find its end."""

    def __init__(self) -> None:
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            _, _, after = head.partition(b"content-length:")
            size = end + 4 + int(after.split(b"\r\n", 1)[0] or 0)
            if len(self._held) < size:
                return
            self._held = self._held[size:]
            assert self._transport is not None
            self._transport.write(REPLY)


REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the process that started it is gone


# ---- the contenders ----------------------------------------------------------------------------------------------


async def measured(send: Send, concurrency: int, requests: int) -> Measured:
    async def worker(count: int) -> None:
        for _ in range(count):
            await send()

    shares = [requests // concurrency] * concurrency
    gc.collect()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker(share) for share in shares))
    done = sum(shares)
    return Measured((time.process_time() - cpu) / done * 1e6, done / (time.perf_counter() - began))


async def compare(base: str, rounds: int, requests: int) -> dict[int, list[tuple[Measured, Measured]]]:
    """Rounds by concurrency: (bare, ours)."""
    ours = Transport("bench", base, NoAuth(), NoLimiter(), terms=ConnectionTerms(most=max(CONCURRENCY)))
    limits = httpx.Limits(max_connections=max(CONCURRENCY), max_keepalive_connections=max(CONCURRENCY))
    found: dict[int, list[tuple[Measured, Measured]]] = {concurrency: [] for concurrency in CONCURRENCY}
    async with httpx.AsyncClient(transport=AiohttpTransport(limits=limits), trust_env=False) as bare:

        async def send_bare() -> object:
            response = await bare.post(f"{base}/lookup/", json=QUESTION)
            return response.raise_for_status().content

        async def send_ours() -> object:
            return (await ours.send(OPERATION, json=QUESTION)).body

        assert await send_bare() == await send_ours() == ANSWER
        ends = time.monotonic() + LONGEST_S
        for _ in range(rounds):
            for concurrency in CONCURRENCY:
                pair = [await measured(send, concurrency, requests) for send in (send_bare, send_ours)]
                found[concurrency].append((pair[0], pair[1]))
            if time.monotonic() > ends:
                break
    await ours.aclose()
    return found


def report(found: dict[int, list[tuple[Measured, Measured]]]) -> float:
    """Print the medians; gives the ratio at the highest concurrency."""
    print(f"{'in flight':>9}  {'bare us':>8}  {'ours us':>8}  {'ratio':>6}  {'bare/s':>8}  {'ours/s':>8}")
    ratio = 0.0
    for concurrency, rounds in found.items():
        bare, ours = zip(*rounds, strict=True)
        ratio = statistics.median(mine.cpu_us / theirs.cpu_us for theirs, mine in rounds)
        cells = [statistics.median(one.cpu_us for one in side) for side in (bare, ours)]
        rates = [statistics.median(one.rate for one in side) for side in (bare, ours)]
        print(
            f"{concurrency:>9}  {cells[0]:>8.0f}  {cells[1]:>8.0f}  {ratio:>6.2f}  {rates[0]:>8.0f}  {rates[1]:>8.0f}"
        )
    print(f"goal: at most {GOAL} at {max(found)} in flight, {len(rounds)} rounds")
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1500, help="per contender, concurrency and round")
    parser.add_argument("--check", action="store_true", help="exit 1 above the goal")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return 0
    configure_logs(level=logging.WARNING)
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            ratio = report(asyncio.run(compare(f"http://127.0.0.1:{port}", arguments.rounds, arguments.requests)))
        finally:
            server.stdin.close()
    return 1 if arguments.check and ratio > GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
