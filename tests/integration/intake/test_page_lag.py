"""No look at a page holds up the event loop, which carries every visit and lease of the process, too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from connectors.forager import operations as forager
from connectors.kaspr import operations as kaspr
from connectors.operations import Repeat
from tests.integration.intake.conftest import settings_in
from worker.commands.page_orders import PageOrders
from worker.decide.odds import ENOUGH
from worker.ledger.ledger import Ledger

FIELDS = ("work_email", "personal_email", "mobile_phone", "phone", "job_title", "linkedin_url", "person", "slug")
MOST_S = 0.1  # of one turn's own work, however busy the machine is


@asynccontextmanager
async def turns() -> AsyncIterator[list[float]]:
    """Returns what each turn of the loop costs its thread, in seconds of CPU."""
    spent: list[float] = []

    async def watch() -> None:
        while True:
            begun = time.thread_time()
            await asyncio.sleep(0)
            spent.append(time.thread_time() - begun)

    watching = asyncio.create_task(watch())
    yield spent
    await asyncio.sleep(0)  # what the last turn cost is told in the next
    watching.cancel()


async def much_was_asked(redis: Redis) -> None:
    """Every paid operation was asked often enough to advise an order, and some bring more than others."""
    counted: dict[str, int] = {}
    for at, (provider, vendor) in enumerate({"forager": forager, "kaspr": kaspr}.items()):
        for one in (one for one in vendor.OPERATIONS if one.repeat is Repeat.PAID):
            name, asked = f"{provider}|{one.name}", ENOUGH * 5
            counted |= {f"{name}|asked": asked, f"{name}|credits": asked, f"{name}|hits": asked // (1 + at)}
            counted |= {f"{name}|wanted|{field}": asked for field in FIELDS}
            counted |= {f"{name}|brought|{field}": asked // (2 + (at + len(field)) % 5) for field in FIELDS}
    await redis.hset(Ledger.over(redis).scripts.keys("yields"), mapping=counted)  # type: ignore[misc]


async def test_scorecard_is_reckoned_beside_the_event_loop(redis: Redis, tmp_path: Path) -> None:
    settings = settings_in(
        tmp_path, REFILL_PROVIDERS__KASPR__API_KEY="kaspr-canary", REFILL_PROVIDERS__KASPR__BUDGET__DAY="500"
    )
    orders = PageOrders(settings, Ledger.over(redis))
    await orders.prepare()
    await much_was_asked(redis)
    begun = time.process_time()
    async with turns() as spent:
        told = await orders.scorecard()
    assert any("another order" in line or "the cheapest" in line for line in told.sentences), told.sentences
    assert time.process_time() - begun > MOST_S, "too little was asked to make this a test"
    assert max(spent) < MOST_S
