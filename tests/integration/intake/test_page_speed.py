"""A page stays cheap at 100,000 journal entries and proposals, a million remembered and 10,000 dead letters."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from tests.harness.browsing import browsing
from tests.integration.intake.conftest import SECRETS
from tests.integration.intake.test_page import PAGES, WORK, house
from worker.ledger.journal.reviews import Proposal, Proposed, line_of
from worker.ledger.ledger import Ledger
from worker.ledger.work.memory import BUCKETS

DEAD, PROPOSALS, ENTRIES, REMEMBERED, AT_ONCE = 10_000, 100_000, 100_000, 1_000_000, 1_000
FIELDS = ("work_email", "mobile_phone", "job_title", "phone")
BOUND_S = 0.2


async def fill(redis: Redis) -> None:
    """Writes what a large and neglected installation holds, without the visits that take hours to make it."""
    ledger = Ledger.over(redis)
    keys, run = ledger.scripts.keys, "day-acme_hubspot-2026-11-28"
    await redis.sadd(keys("works"), ":".join(WORK))  # type: ignore[misc]
    for start in range(0, PROPOSALS, AT_ONCE):
        some = [_proposal(number, run) for number in range(start, start + AT_ONCE)]
        texts = {one.id: msgspec.json.encode(one) for one in some}
        await redis.hset(keys("reviews", *WORK), mapping=texts)  # type: ignore[misc]
        rows = [(id, text, line_of(one)) for one, (id, text) in zip(some, texts.items(), strict=True)]
        await ledger.scripts.run("review_lines", crm=WORK[0], object=WORK[1], rows=rows)
    for start in range(0, DEAD, AT_ONCE):
        pipe = redis.pipeline(transaction=False)
        for number in range(start, start + AT_ONCE):
            reason = f"refused, request 4f{number:06d}: rule {number % 7} of the portal"
            dead = {"s": "dead", "note": reason, "attempts": 8, "run": run, "lane": "live"}
            pipe.hset(keys("record", *WORK, f"d{number}"), mapping=dead)
            pipe.zadd(keys("dead", *WORK), {f"d{number}": 1_700_000_000_000 + number})
        await pipe.execute()
    change = {"kind": "change", "field": "work_email", "before": "", "after": "x", "provider": "kaspr"}
    text = json.dumps(change | {"state": "confirmed", "credits": 1})
    for start in range(0, ENTRIES, 100):
        run = f"sync-20261128T{start % 24:02d}0000-{start % 4_000:04x}"
        await ledger.journal.append(*WORK, str(start), run, [text] * 100, token=str(start))
    for at in BUCKETS:
        held = {f"m{at}-{number}": b"x" * 40 for number in range(REMEMBERED // len(BUCKETS))}
        await redis.hset(keys("memory", *WORK, at), mapping=held)  # type: ignore[misc]
    await redis.set(keys("settled", *WORK), REMEMBERED)


def _proposal(number: int, run: str) -> Proposal:
    changes = tuple(Proposed(name, name, "", f"{name}-{number}", "kaspr", "valid") for name in FIELDS)
    return Proposal(str(number), changes, run, number, company=f"acme{number % 50}.example")


@pytest.mark.slow
async def test_first_look_and_the_next_cost_at_most_the_bound(redis: Redis, tmp_path: Path) -> None:
    await fill(redis)
    gc.collect()
    gc.freeze()  # what the suite itself has loaded is not the web process'
    token = SECRETS["REFILL_WEB__TOKEN"]
    cost: dict[str, list[float]] = {}
    async with house(redis, tmp_path) as url, browsing(url, token) as browser:
        for place in (*PAGES, "/review?field=work_email&company=acme7.example", "/dead?cause=nothing"):
            for _ in range(2):
                begun = time.process_time()
                assert (await browser.get(place)).status_code in {200, 303, 404}
                cost.setdefault(place, []).append(time.process_time() - begun)
    gc.unfreeze()
    assert not {place: spent for place, spent in cost.items() if max(spent) > BOUND_S}
