"""Sends signed posts of 100 events at a steady rate while records are filled at HubSpot's published limits (S5)."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import refill
from posting import PORTAL, PUBLIC, SECRET, event, free_port, signed, up
from processes import Running
from servers import redis_server
from worlds import Served, World

POSTS_PER_S, SECONDS, WITHIN_S = 20, 20, 300.0
PATH = f"/webhooks/hubspot/{refill.PORTAL}"
FIRST_ID = 100_001


def measured(records: int) -> dict[str, Any]:
    """Returns the figures of one storm: how fast posts were answered, and that every record was filled.

    Polls bring nothing here. First each of `records` is announced once, which shows what calls a webhook's record
    takes; then the storm is about all and as many more, which are filled while it lasts.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-bench-")))
        served = stack.enter_context(World(2 * records, {"hubspot": "190/10", "search": "5/1"}).served())
        counting = stack.enter_context(redis_server(folder / "redis"))
        port = free_port()
        more = f"portal_id = {PORTAL}"
        env = refill.configured(folder, served.told, counting.url, more=more, lookback="1s", poll="1h")
        env |= {
            "REFILL_WEB__PORT": str(port), "REFILL_WEB__PUBLIC_URL": PUBLIC,
            f"REFILL_CRM__{refill.PORTAL.upper()}__WEBHOOK_SECRET": SECRET,
        }  # fmt: skip
        process, url = Running(folder, env, "up"), f"http://127.0.0.1:{port}{PATH}"
        try:
            up(port, process.process)
            asyncio.run(_announced(url, records))
            calls = filled(served, records)["crm_calls"]
            began = time.monotonic()
            waits, statuses = asyncio.run(_storm(url, 2 * records))
            stormed_s = time.monotonic() - began
            books = filled(served, 2 * records)
            filled_s = time.monotonic() - began
        finally:
            process.end()
        waits.sort()
        return {
            "records": 2 * records, "filled": books["filled"],
            "HubSpot calls for 1,000 records announced once": round(1000 * calls / records, 1),
            "posts": len(waits), "events": 100 * len(waits), "events/s": round(100 * len(waits) / stormed_s),
            "answers but 2xx": statuses, "p50 ms": round(1000 * waits[len(waits) // 2], 1),
            "p99 ms": round(1000 * waits[int(0.99 * len(waits))], 1), "people asked twice": books["asked_again"],
            "429": books["refused"], "fullest 10 s of HubSpot's 190": round(books["windows"]["hubspot"]["fullest"], 3),
            "seconds until all were filled": round(filled_s, 1), "CPU s": round(process.cpu_s, 1),
            "peak MB": round(process.peak_mb),
        }  # fmt: skip


def filled(served: Served, records: int) -> dict[str, Any]:
    """Returns the books, as soon as so many records are filled or the time is up."""
    began = time.monotonic()
    while (books := served.books())["filled"] < records and time.monotonic() - began < WITHIN_S:
        time.sleep(0.5)
    return books


async def _announced(url: str, records: int) -> None:
    chance = random.Random(2)
    async with aiohttp.ClientSession() as http:
        for start in range(0, records, 100):
            raw = [event(FIRST_ID + row, chance) for row in range(start, min(start + 100, records))]
            body, headers = signed(raw, PATH)
            async with http.post(url, data=body, headers=headers) as answer:
                answer.raise_for_status()


async def _storm(url: str, records: int) -> tuple[list[float], int]:
    """Waits in seconds, each from when its post was due, and how many answers were not 2xx."""
    chance, waits, bad = random.Random(1), list[float](), 0
    async with aiohttp.ClientSession() as http:

        async def post(due: float) -> None:
            nonlocal bad
            raw = [event(FIRST_ID + chance.randrange(records), chance) for _ in range(100)]
            body, headers = signed(raw, PATH)
            async with http.post(url, data=body, headers=headers) as answer:
                bad += not 200 <= answer.status < 300
            waits.append(time.perf_counter() - due)

        tasks, due = set[asyncio.Task[None]](), time.perf_counter()
        for _ in range(POSTS_PER_S * SECONDS):
            due += 1 / POSTS_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.add(asyncio.create_task(post(due)))
        await asyncio.gather(*tasks)
    return waits, bad
