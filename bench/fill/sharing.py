"""Shares one provider key between two crms, with its rate as the limit, and shows each one's part of the calls (S8)."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import refill
from servers import redis_server
from spending import spent_by
from worlds import World

RATE, FAR = 50, 1_000_000  # calls a second; the second crm's people begin there


def measured(records: int) -> dict[str, Any]:
    """Returns the figures of one pass over both, each of `records`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refill-bench-")))
        first = stack.enter_context(World(records, {"provider": f"{RATE}/1", "split": FAR}).served())
        second = stack.enter_context(World(records, {"first-person": FAR}).served())
        counting = stack.enter_context(redis_server(folder / "redis"))
        also = {"other": second.told["hubspot"]}
        env = refill.configured(folder, first.told, counting.url, rate=f"{RATE}/second", also=also)
        spent = spent_by(refill.words("sync", "--full", "--json"), folder, env)
        refill.report(spent.output, spent.said, (0, 4), spent.code)
        books, other = first.books(), second.books()
        window = books["windows"]["provider"]
        return {
            "records": 2 * records, "filled": books["filled"] + other["filled"], "paid calls sent": books["asked"],
            "429": books["refused"],
            "share of the first crm in the first half of the calls": round(books["first_half"], 3),
            "share of the provider's rate used": round(window["calls"] / (RATE * window["seconds"]), 3),
            "CPU ms a paid call": round(1000 * spent.cpu_s / books["asked"], 2),
        }  # fmt: skip
