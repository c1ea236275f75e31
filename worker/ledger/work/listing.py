"""Lists the records of one work in one state, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from worker.ledger.scripts import Arg, Scripts
from worker.ledger.work.work_values import Lane

WorkLane = tuple[str, str, str]  # crm, object, lane
AGES_MS = (60_000, 600_000, 3_600_000)
STATES = ("due", "leased", "waiting", "dead")


class Placed(Struct, frozen=True):
    """Tells of one record in the work. ``at_ms`` is when it is due, its lease ends, or it waits or is dead since.

    ``note`` is why its last visit ended unsettled.
    """

    crm: str
    object: str
    id: str
    state: str
    at_ms: int
    run: str
    note: str


async def ages(scripts: Scripts, works: Sequence[tuple[str, str]], now_ms: int) -> dict[WorkLane, list[int]]:
    """Counts due records by (crm, object, lane) and age: up to each of ``AGES_MS``, and longer. One round trip.

    Records due later are not counted.
    """
    bounds = [now_ms, *(now_ms - age for age in AGES_MS)]
    asked = [(crm, kind, lane) for crm, kind in works for lane in (*Lane, "alone")]
    commands: list[tuple[Arg, ...]] = []
    for crm, kind, lane in asked:
        name = scripts.keys("due", crm, kind, lane)
        commands += [("ZCOUNT", name, f"({low}", high) for high, low in pairwise(bounds)]
        commands.append(("ZCOUNT", name, "-inf", bounds[-1]))
    found, width = await scripts.calls(commands), len(bounds)
    return {one: found[width * at : width * (at + 1)] for at, one in enumerate(asked)}


async def placed(scripts: Scripts, crm: str, object: str, state: str, start: int, count: int) -> list[Placed]:
    """Returns at most ``count`` records in a state of ``STATES``, live before backfill, without the first ``start``."""
    lanes = (*Lane, "alone") if state == "due" else tuple(Lane)
    names = [scripts.keys(state, crm, object, lane) for lane in lanes if state != "dead"]
    names = names or [scripts.keys(state, crm, object)]
    found: list[tuple[str, int]] = []
    for name, length in zip(names, await scripts.calls([("ZCARD", name) for name in names]), strict=True):
        if start < length and len(found) < count:
            last = start + count - len(found) - 1
            rows = await scripts.call("ZRANGE", name, start, last, "WITHSCORES")
            found += [(id.decode(), int(float(at))) for id, at in zip(rows[::2], rows[1::2], strict=True)]
        start = max(0, start - length)
    fields = await scripts.calls(
        [("HMGET", scripts.keys("record", crm, object, id), "s", "run", "note") for id, _ in found]
    )
    return [
        Placed(crm, object, id, state, at, (run or b"").decode(), (note or b"").decode())
        for (id, at), (held, run, note) in zip(found, fields, strict=True)
        if (held or b"").decode() == state
    ]
