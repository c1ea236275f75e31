"""Sends signed webhooks to Refill's web process, and the same posts to a bare Starlette endpoint, in one run.

    python bench/webhooks.py [--seconds 60] [--rounds 3] [--rate 500] [--redis-server redis-server]

Each server is a process of its own on uvicorn; Refill's writes to a Redis with ``appendfsync always``. The loads, in
rounds and interleaved: posts at a fixed rate, as they would arrive from outside (an answer is timed from when its post
was due, so a stall shows); flat out over 16 connections with 1 to 100 events a post, with 1, and with 100, and over 64
with 1 and with 100. Each post
is signed for a moment of its own: none is a replay of another. The bare endpoint checks the same signature and reads
the same JSON, and keeps nothing. Refill's CPU is its web process' and its Redis': on a busy machine the throughputs are
a matter of luck, CPU less so. Shares are medians of the rounds' own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp
from posting import (
    PATH,
    PUBLIC,
    SECRET,
    event,
    free_port,
    headers_of,
    print_table,
    quiet,
    redis_program,
    refill_web,
    up,
)

FEW, MANY = 16, 64  # connections: by default HubSpot sends ten posts of an account at a time
FLAT_OUT = (  # events of a post, connections
    ((1, 100), FEW, "1-100 events"), ((1, 1), FEW, "1 event"), ((100, 100), FEW, "100 events"),
    ((1, 1), MANY, f"1 event, {MANY} connections"), ((100, 100), MANY, f"100 events, {MANY} connections"),
)  # fmt: skip
TIMELY_MS = 240_000  # a signature is taken for five minutes
MOST_A_SECOND = {(1, 1): 20_000, (1, 100): 10_000, (100, 100): 6_000}  # more than either server answers
BARE = """
import base64, hashlib, hmac, json, sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def take(request):
    body = await request.body()
    stamp = request.headers["x-hubspot-request-timestamp"]
    source = b"POST" + sys.argv[2].encode() + body + stamp.encode()
    digest = base64.b64encode(hmac.new(sys.argv[3].encode(), source, hashlib.sha256).digest()).decode()
    good = hmac.compare_digest(digest, request.headers["x-hubspot-signature-v3"])
    json.loads(body)
    return Response(status_code=204 if good else 401)

app = Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="error", http="httptools", ws="none")
"""


@dataclass(slots=True)
class Load:
    """Holds the measurements of one load. ``waits`` are seconds from when a post was due to its answer."""

    name: str
    server: str
    posts: int = 0
    events: int = 0
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list, repr=False)
    statuses: Counter[int] = field(default_factory=Counter)
    rss_mb: tuple[float, float] = (0.0, 0.0)
    cpu_s: list[float] = field(default_factory=list)

    def share(self, part: float) -> float:
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000 if ordered else 0.0


def posts(counts: tuple[int, int], chance: random.Random, many: int) -> Iterator[tuple[int, bytes, dict[str, str]]]:
    """Returns so many posts, made beforehand, of so many events about random records; few bodies, all signed anew."""
    bodies = []
    for _ in range(300):
        count = chance.randint(*counts)
        raw = [event(chance.randrange(1, 200_000), chance) for _ in range(count)]
        bodies.append((count, json.dumps(raw, separators=(",", ":")).encode()))
    now_ms = time.time_ns() // 1_000_000
    chosen = enumerate(chance.choices(bodies, k=many))
    return iter([(count, body, headers_of(body, now_ms - at % TIMELY_MS)) for at, (count, body) in chosen])


def rss_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


async def steady(server: Server, rate: float, seconds: float, chance: random.Random, name: str) -> Load:
    """Sends posts of 1 to 100 events at random moments, ``rate`` a second, whether or not the last was answered."""
    load, tasks = Load(name, server.name), set[asyncio.Task[None]]()
    made = posts((1, 100), chance, int(rate * seconds * 1.5) + 100)
    first_rss, first_cpu = rss_mb(server.pids[0]), cpu_s(server.pids)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        began = due = time.perf_counter()
        while due - began < seconds:
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            count, body, headers = next(made)
            task = asyncio.create_task(_sent(http, server.url, body, headers, due, load))
            load.events += count
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        load.seconds = time.perf_counter() - began
    load.rss_mb = (first_rss, rss_mb(server.pids[0]))
    load.cpu_s = [after - before for after, before in zip(cpu_s(server.pids), first_cpu, strict=True)]
    return load


async def flat_out(
    server: Server, counts: tuple[int, int], connections: int, seconds: float, chance: random.Random, name: str
) -> Load:
    """Sends as many posts of so many events as the connections carry."""
    load = Load(name, server.name)
    made = posts(counts, chance, int(MOST_A_SECOND[counts] * seconds))
    first_rss, first_cpu = rss_mb(server.pids[0]), cpu_s(server.pids)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as http:
        began = time.perf_counter()

        async def sender() -> None:
            for count, body, headers in made:
                if time.perf_counter() - began >= seconds:
                    return
                await _sent(http, server.url, body, headers, time.perf_counter(), load)
                load.events += count

        await asyncio.gather(*(sender() for _ in range(connections)))
        load.seconds = time.perf_counter() - began
    load.rss_mb = (first_rss, rss_mb(server.pids[0]))
    load.cpu_s = [after - before for after, before in zip(cpu_s(server.pids), first_cpu, strict=True)]
    return load


async def _sent(
    http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str], due: float, load: Load
) -> None:
    try:
        async with http.post(url, data=body, headers=headers) as answer:
            await answer.read()
            load.statuses[answer.status] += 1
    except aiohttp.ClientError:
        load.statuses[0] += 1
    load.posts += 1
    load.waits.append(time.perf_counter() - due)


def cpu_s(pids: tuple[int, ...]) -> list[float]:
    """Returns the CPU seconds of each process so far."""
    ticks = [Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13] for pid in pids]
    return [(int(user) + int(system)) / os.sysconf("SC_CLK_TCK") for user, system in ticks]


@dataclass(frozen=True, slots=True)
class Server:
    """Names a server. ``pids`` are of all processes that work for it."""

    name: str
    port: int
    pids: tuple[int, ...]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"


@contextmanager
def served(redis_server: str, folder: Path) -> Iterator[list[Server]]:
    """Runs Refill and the bare endpoint."""
    with refill_web(redis_server, folder) as ours:
        port = free_port()
        bare = subprocess.Popen([sys.executable, "-c", BARE, str(port), PUBLIC + PATH, SECRET], **quiet(folder))
        try:
            up(port, bare)
            yield [
                Server("refill", ours.port, (ours.process.pid, ours.redis.pid)),
                Server("bare", port, (bare.pid,)),
            ]
        finally:
            bare.terminate()
            bare.wait(20)


async def measured(servers: list[Server], seconds: float, rate: float, seed: int) -> list[Load]:
    """Runs every load for every server, side by side."""
    chance, part = random.Random(seed), seconds / 16
    found = [await steady(one, rate, part * 3, chance, f"{rate:g} posts/s of 1-100 events") for one in servers]
    return found + [
        await flat_out(one, counts, connections, part, chance, f"flat out, {name}")
        for counts, connections, name in FLAT_OUT
        for one in servers
    ]


def together(rounds: Sequence[Load]) -> Load:
    """Returns what a load measured in all rounds."""
    first, last = rounds[0], rounds[-1]
    return Load(
        first.name,
        first.server,
        posts=sum(one.posts for one in rounds),
        events=sum(one.events for one in rounds),
        seconds=sum(one.seconds for one in rounds),
        waits=[wait for one in rounds for wait in one.waits],
        statuses=sum((one.statuses for one in rounds), Counter()),
        rss_mb=(first.rss_mb[0], last.rss_mb[1]),
        cpu_s=[sum(spent) for spent in zip(*(one.cpu_s for one in rounds), strict=True)],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="over all loads and rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=500.0, help="posts a second of the steady load")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis-server", help="default: one on the PATH, or the embedded one")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="refill-bench-"))
    try:
        with served(redis_program(arguments.redis_server), folder) as servers:
            part_s = arguments.seconds / arguments.rounds
            rounds = [
                asyncio.run(measured(servers, part_s, arguments.rate, arguments.seed + number))
                for number in range(arguments.rounds)
            ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows: list[tuple[str, ...]] = [
        ("load", "server", "posts/s", "events/s", "p50 ms", "p99 ms", "max ms", "non-2xx", "RSS MB", "CPU ms/post"),
    ]
    for load in map(together, zip(*rounds, strict=True)):
        refused = sum(count for status, count in load.statuses.items() if not 200 <= status < 300)
        rows.append(
            (
                load.name,
                load.server,
                f"{load.posts / load.seconds:.0f}",
                f"{load.events / load.seconds:.0f}",
                f"{load.share(0.5):.1f}",
                f"{load.share(0.99):.1f}",
                f"{load.share(1.0):.1f}",
                str(refused),
                f"{load.rss_mb[0]:.0f} -> {load.rss_mb[1]:.0f}",
                " + ".join(f"{spent * 1000 / max(1, load.posts):.2f}" for spent in load.cpu_s),
            )
        )
    print_table(rows)
    for at in range(2, len(rounds[0]), 2):
        pairs = [(one[at], one[at + 1]) for one in rounds]
        rate = median((ours.posts / ours.seconds) / (bare.posts / bare.seconds) for ours, bare in pairs)
        cpu = median((bare.cpu_s[0] / bare.posts) / (ours.cpu_s[0] / ours.posts) for ours, bare in pairs)
        name = rounds[0][at].name
        print(f"{name}: {rate:.0%} of the bare endpoint's throughput, {cpu:.0%} of it by CPU of the web process")
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = used.ru_utime + used.ru_stime
    print(f"sender's own CPU: {spent:.1f} s; {os.cpu_count()} cores; Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
