"""Kills the oldest of three workers every two seconds for a while, and reads the books at the end (S6)."""

from __future__ import annotations

import signal
import tempfile
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import refill
from processes import Running
from servers import redis_server
from worlds import World

WORKERS, EVERY_S, KILLS, WITHIN_S = 3, 2.0, 12, 420.0
RATE = 40  # calls a second, so that there is work to be killed at


def measured(records: int) -> dict[str, Any]:
    """Returns the figures of one storm of kills: double questions, double writes, blanks left."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-bench-")))
        served = stack.enter_context(World(records, {"latency": "0.02,0.1"}).served())
        counting = stack.enter_context(redis_server(folder / "redis"))
        env = refill.configured(folder, served.told, counting.url, rate=f"{RATE}/second", poll="5s")
        living, gone = deque[Running](), list[Running]()
        began = time.monotonic()
        try:
            while len(gone) < KILLS:
                while len(living) < WORKERS:
                    living.append(Running(folder, env, "worker"))
                while not gone and not served.books()["asked"]:
                    time.sleep(0.1)  # no kill before there is something to lose
                time.sleep(EVERY_S)
                gone.append(living.popleft())
                gone[-1].end(signal.SIGKILL)
            at_kills_end = served.books()["filled"]
            living.append(Running(folder, env, "worker"))
            while (books := served.books())["filled"] < records and time.monotonic() - began < WITHIN_S:
                time.sleep(0.5)
        finally:
            wall_s = time.monotonic() - began
            for one in living:
                one.end()
        return {
            "records": records, "kills": len(gone), "filled while killing": at_kills_end,
            "left blank": records - books["filled"], "paid calls sent": books["asked"],
            "people asked twice": books["asked_again"], "values written twice": books["rewrites"],
            "seconds": round(wall_s, 1), "CPU s, starts included": round(sum(r.cpu_s for r in (*gone, *living)), 1),
        }  # fmt: skip
