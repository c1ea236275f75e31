"""Times single records that a webhook announces while a backfill of the whole portal is under way (S10)."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import refill
from posting import PORTAL, PUBLIC, SECRET, event, free_port, signed, up
from processes import Running
from servers import redis_server
from storm import FIRST_ID, PATH, filled
from worlds import World

COUNT, EVERY_S, LAST_S = 200, 0.2, 60.0


def measured(records: int) -> dict[str, Any]:
    """Returns how long it took from the post to the write; the records are the last that the backfill comes to."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-bench-")))
        served = stack.enter_context(World(records, {"hubspot": "190/10", "search": "5/1"}).served())
        counting = stack.enter_context(redis_server(folder / "redis"))
        port = free_port()
        env = refill.configured(
            folder, served.told, counting.url, more=f"portal_id = {PORTAL}", lookback="1s", poll="1h"
        )
        env |= {
            "REFILL_WEB__PORT": str(port), "REFILL_WEB__PUBLIC_URL": PUBLIC,
            f"REFILL_CRM__{refill.PORTAL.upper()}__WEBHOOK_SECRET": SECRET,
        }  # fmt: skip
        processes = [Running(folder, env, "up")]
        try:
            up(port, processes[0].process)
            processes.append(Running(folder, env, "backfill", refill.PORTAL, "contact"))
            filled(served, 500)  # the backfill is at its work
            before, began = served.books()["filled"], time.monotonic()
            posted = asyncio.run(_announced(f"http://127.0.0.1:{port}{PATH}", records))
            between, took_s = served.books()["filled"] - before, time.monotonic() - began
            refused = served.books()["refused"]
            waits = sorted(asyncio.run(_waits(served.told["hubspot"], posted)))
        finally:
            for one in reversed(processes):
                one.end()
        return {
            "records": records, "announced": len(posted), "written": len(waits),
            "429": refused, "records filled a second meanwhile": round(between / took_s),
            "p50 s": round(waits[len(waits) // 2], 2), "p95 s": round(waits[int(0.95 * len(waits))], 2),
            "longest s": round(waits[-1], 2),
        }  # fmt: skip


async def _announced(url: str, records: int) -> dict[int, float]:
    """Sends one event each time and returns when, by the record's id."""
    chance, posted = random.Random(3), dict[int, float]()
    async with aiohttp.ClientSession() as http:
        for row in range(records - COUNT, records):
            body, headers = signed([event(FIRST_ID + row, chance)], PATH)
            posted[FIRST_ID + row] = time.time()
            async with http.post(url, data=body, headers=headers) as answer:
                answer.raise_for_status()
            await asyncio.sleep(EVERY_S)
    return posted


async def _waits(portal: str, posted: dict[int, float]) -> list[float]:
    """Reads when each was written, by the portal's clock, which is this machine's."""
    waits, until = dict[int, float](), time.monotonic() + LAST_S
    async with aiohttp.ClientSession() as http:
        while len(waits) < len(posted) and time.monotonic() < until:
            for id, at in posted.items():
                if id not in waits:
                    async with http.get(f"{portal}/_bench/row/{id}") as answer:
                        row = await answer.json()
                    if row["email"]:
                        waits[id] = datetime.fromisoformat(row["lastmodifieddate"]).timestamp() - at
            await asyncio.sleep(1)
    return list(waits.values())
