"""Shows that webhook posts survive a bad minute: a burst, and a Redis that is away while senders go on.

    python bench/webhooks_kept.py [--posts 5000] [--within 10] [--away 60] [--rate 50]

A burst: so many posts, one record each, all within so many seconds and every one sent once; the records in the work are
counted afterwards. An outage: Redis is killed for so long while posts go on coming at a fixed rate; senders come again,
as HubSpot does, until they hear 2xx. Every answer while Redis is away must be a 503 within a second, and every record
must be in the work in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from posting import Refill, event, print_table, redis_program, refill_web, signed

RETRY_S = (2.0, 10.0)  # sooner than HubSpot, which takes minutes


@dataclass(slots=True)
class Sent:
    """Holds what senders heard. ``waits`` are the seconds to each answer; ``away`` counts those of the outage."""

    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    away: Counter[int] = field(default_factory=Counter)
    longest_away: float = 0.0


async def send(http: aiohttp.ClientSession, refill: Refill, record: int, chance: random.Random, sent: Sent) -> int:
    """Sends one post about one record; gives the answer's status, 0 for none."""
    body, headers = signed([event(record, chance)])
    began = time.perf_counter()
    try:
        async with http.post(refill.url, data=body, headers=headers) as answer:
            await answer.read()
            status = answer.status
    except aiohttp.ClientError:
        status = 0
    sent.waits.append(time.perf_counter() - began)
    sent.statuses[status] += 1
    return status


async def burst(refill: Refill, posts: int, within_s: float, chance: random.Random) -> tuple[str, ...]:
    """Returns a row of the table."""
    sent, before = Sent(), refill.redis.due()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        began = time.perf_counter()

        async def one(record: int) -> None:
            await asyncio.sleep(chance.random() * within_s * 0.9)
            await send(http, refill, record, chance, sent)

        await asyncio.gather(*(one(1_000_000 + number) for number in range(posts)))
        took = time.perf_counter() - began
    kept = refill.redis.due() - before
    return (f"{posts} posts", f"{took:.1f}", told(sent.statuses), longest(sent.waits), f"{kept} of {posts}")


async def outage(refill: Refill, away_s: float, rate: float, chance: random.Random) -> list[tuple[str, ...]]:
    """Returns rows of the table: the outage, and all of it."""
    sent, before, records = Sent(), refill.redis.due(), 0
    down = asyncio.Event()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def one(record: int) -> None:
            while True:
                began_down = down.is_set()
                began = time.perf_counter()
                status = await send(http, refill, record, chance, sent)
                if began_down and down.is_set():
                    sent.away[status] += 1
                    sent.longest_away = max(sent.longest_away, time.perf_counter() - began)
                if 200 <= status < 300:
                    return
                await asyncio.sleep(chance.uniform(*RETRY_S))

        async def fate() -> None:
            await asyncio.sleep(2)
            await asyncio.to_thread(refill.redis.kill)
            down.set()
            await asyncio.sleep(away_s)
            down.clear()
            await asyncio.to_thread(refill.redis.start)

        began, end, tasks = time.perf_counter(), away_s + 6, []
        ending = asyncio.create_task(fate())
        while time.perf_counter() - began < end:
            tasks.append(asyncio.create_task(one(2_000_000 + records)))
            records += 1
            await asyncio.sleep(1 / rate)
        await asyncio.gather(ending, *tasks)
        took = time.perf_counter() - began
    kept = refill.redis.due() - before
    return [
        (f"Redis away {away_s:g} s", f"{away_s:.1f}", told(sent.away), f"{sent.longest_away * 1000:.0f}", ""),
        ("... with what came again", f"{took:.1f}", told(sent.statuses), longest(sent.waits), f"{kept} of {records}"),
    ]


def told(statuses: Counter[int]) -> str:
    return ", ".join(f"{count} x {status or 'none'}" for status, count in sorted(statuses.items()))


def longest(waits: list[float]) -> str:
    return f"{max(waits) * 1000:.0f}"


async def measured(refill: Refill, arguments: argparse.Namespace) -> list[tuple[str, ...]]:
    chance = random.Random(arguments.seed)
    first = await burst(refill, arguments.posts, arguments.within, chance)
    return [first, *await outage(refill, arguments.away, arguments.rate, chance)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=5000)
    parser.add_argument("--within", type=float, default=10.0)
    parser.add_argument("--away", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=50.0, help="new posts a second around the outage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis-server", help="default: one on the PATH, or the embedded one")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="refill-bench-"))
    try:
        with refill_web(redis_program(arguments.redis_server), folder) as refill:
            rows = asyncio.run(measured(refill, arguments))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table([("what", "seconds", "answers", "longest ms", "records in the work"), *rows])


if __name__ == "__main__":
    main()
