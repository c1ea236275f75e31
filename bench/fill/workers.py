"""Fills one portal with one, two and four workers, whose visits wait for the vendors most of the time (S9)."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import refill
from processes import Running
from servers import redis_server
from storm import filled
from worlds import World

LATENCY = {"latency": "0.12,1.8"}  # a provider so slow that two cores carry four workers


def measured(records: int) -> dict[str, Any]:
    """Returns records a second by the number of workers, each over a new portal and Redis."""
    by_count = {count: _rate(records, count) for count in (1, 2, 4)}
    alone = by_count[1]["records/s"]
    return {
        "records": records,
        **{f"{name}, {count} workers": one for count, found in by_count.items() for name, one in found.items()},
        **{f"times one worker's, {count} workers": round(by_count[count]["records/s"] / alone, 2) for count in (2, 4)},
    }


def _rate(records: int, count: int) -> dict[str, float]:
    """Measures from a tenth of the records filled to nine tenths, so that starts and stragglers do not count."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-bench-")))
        served = stack.enter_context(World(records, LATENCY).served())
        counting = stack.enter_context(redis_server(folder / "redis"))
        env = refill.configured(folder, served.told, counting.url, portal_rate=refill.OPEN)
        workers = [Running(folder, env, "worker") for _ in range(count)]
        try:
            first, began = filled(served, records // 10)["filled"], time.monotonic()
            last, ended = filled(served, records * 9 // 10)["filled"], time.monotonic()
            redis = counting.figures()
        finally:
            for one in workers:
                one.end()
        return {
            "records/s": round((last - first) / (ended - began), 1),
            "share of Redis' core": round(redis["redis_cpu_s"] / (ended - began), 2),
        }
