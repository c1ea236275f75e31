"""Measures three attacks that once stopped an installation: a busy provider's books, its verdicts, a message of names.

    python bench/edges.py [--charges 1000000] [--check]

Each prints its present cost beside that of 28 November 2026, before the fix. Goal: an installation with
a million charges in its provider's log buys within ten seconds of its start; ``--check`` exits 1 if it does not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import sys
import time
from collections import Counter

from posting import ROOT, print_table
from redis.asyncio import Redis

sys.path.insert(0, str(ROOT))

from connectors.salesforce.messages import outbound
from sandbox.forager.ledger import BalanceRow
from tests.harness.redis import running
from tests.integration.scene import opened
from worker.ledger.money.books import DAY_MS, Comparison
from worker.ledger.money.windows import widened
from worker.service import lifecycle

GOAL_S = 10.0
DAYS, CREDITS = 40, 5
HOUR_MS, RATE = 3_600_000, 10  # Forager's default rate of calls a second
NAMESPACE, TAGS = "u" * 500, 99_000


def bought(charges: int) -> float:
    """Returns seconds from a worker's start to its first paid answer, at a provider with so many charges in its log."""
    return asyncio.run(_bought(charges))


async def _bought(charges: int) -> float:
    with running() as server:
        client = Redis(unix_socket_path=str(server.socket))
        async with opened(server.socket, client) as scene:
            first = await scene.worker()  # the installation's first start, which the log begins with
            await lifecycle.start(first.runtime)
            now_s, each = time.time(), charges // DAYS
            rows, booked = scene.vendors["forager"].log.rows, Counter[int]()
            for day, at in itertools.product(reversed(range(DAYS)), range(each)):
                when_s = now_s - day * 86_400 - 3_600 + at % 3_600
                rows.append(BalanceRow(len(rows) + 1, when_s, "person_work_email_lookup", -CREDITS, {}))
                booked[int(when_s * 1000) // DAY_MS] += CREDITS
            for day, credits in booked.items():
                await client.hincrby("refill:books:forager", f"{day}|work_emails", credits)
            await client.hincrby("refill:credits:forager", "spent", booked.total())
            began_ms = int(now_s - (DAYS + 1) * 86_400) * 1000
            await scene.ledger.books.keep("forager", Comparison(began_ms), {})
            began = time.perf_counter()
            worker = await scene.worker()
            await lifecycle.start(worker.runtime)
            await scene.due(*scene.ids(1))
            await worker.visit()
            took_s = time.perf_counter() - began
            assert len(rows) > charges, "nothing was bought"
        with contextlib.suppress(Exception):
            await client.aclose()
    return took_s


def judged() -> float:
    """Returns seconds for the window of a verdict after an hour of paid calls, back to back."""
    step = 1000 // RATE
    calls = [(at, at + 2 * step) for at in range(0, HOUR_MS, step)]
    began = time.process_time()
    widened((HOUR_MS // 2, HOUR_MS // 2 + 1000), calls, (0, HOUR_MS), 10_000)
    return time.process_time() - began


def parsed() -> float:
    """Returns seconds for a message with one long name of a namespace over as many tags."""
    body = f'<a xmlns="{NAMESPACE}">{"<b></b>" * TAGS}</a>'.encode()
    began = time.process_time()
    with contextlib.suppress(ValueError):
        outbound(body)
    return time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--charges", type=int, default=1_000_000)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    books_s = bought(given.charges)
    rows = [
        ("first paid answer after a start", f"{given.charges:,} charges in the log", "never", f"{books_s:.1f} s"),
        ("window of a verdict", f"{RATE} calls a second over an hour", "15.7 s", f"{judged() * 1000:.0f} ms"),
        ("XML of one namespace", f"{TAGS:,} tags, under 1 MB", "66 s", f"{parsed() * 1000:.1f} ms"),
    ]
    print_table([("attack", "size", "before", "now"), *rows])
    return int(given.check and books_s > GOAL_S)


if __name__ == "__main__":
    sys.exit(main())
