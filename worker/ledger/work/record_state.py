"""Tells the state of one record: due, leased, waiting, dead; ``None`` if it is not in the work."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from worker.ledger.money.answers import Ref, ref_of
from worker.ledger.scripts import Scripts

_FIELDS = ("s", "lane", "run", "note", "attempts", "crashes", "providers", "intents")  # others hold packed bytes


class Place(Struct, frozen=True):
    """Holds a record's state in the work.

    ``at_ms`` is when it is or was due, its lease ends, or it waits or is dead since.

    ``until_ms`` is when a waiting one goes on in any case, 0 for never.

    ``note`` is why its last visit ended unsettled; ``providers`` are those it waits for.
    """

    state: str
    at_ms: int
    lane: str
    run: str
    note: str = ""
    attempts: int = 0
    crashes: int = 0
    providers: tuple[str, ...] = ()
    intents: int = 0
    until_ms: int = 0


async def states(scripts: Scripts, crm: str, object: str, ids: Sequence[str]) -> dict[str, str]:
    """Returns the states of records in the work, in one round trip; others are left out."""
    found = await scripts.calls([("HGET", scripts.keys("record", crm, object, id), "s") for id in ids])
    return {id: state.decode() for id, state in zip(ids, found, strict=True) if state}


async def place(scripts: Scripts, crm: str, object: str, id: str) -> Place | None:
    """Read it, in two round trips."""
    keys = scripts.keys
    found: list[bytes | None] = await scripts.call("HMGET", keys("record", crm, object, id), *_FIELDS)
    row = {name: value.decode() for name, value in zip(_FIELDS, found, strict=True) if value is not None}
    if "s" not in row:
        return None
    lanes = ("live", "backfill", "alone") if row["s"] == "due" else ("live", "backfill")
    zsets = [keys("dead", crm, object)] if row["s"] == "dead" else [keys(row["s"], crm, object, lane) for lane in lanes]
    latest = ("ZSCORE", keys("latest"), f"{crm}:{object}:{id}")
    *scores, until = await scripts.calls([*(("ZSCORE", zset, id) for zset in zsets), latest])
    return Place(
        state=row["s"],
        at_ms=int(max((float(score) for score in scores if score is not None), default=0)),
        lane=row.get("lane", ""),
        run=row.get("run", ""),
        note=row.get("note", ""),
        attempts=int(row.get("attempts", 0)),
        crashes=int(row.get("crashes", 0)),
        providers=tuple(name for name in row.get("providers", "").split(",") if name),
        intents=len([line for line in row.get("intents", "").split("\n") if line]),
        until_ms=int(float(until)) if row["s"] == "waiting" and until else 0,
    )


async def same_person(scripts: Scripts, record: Ref) -> list[Ref]:
    """Returns the record and those that were merged into it, or into one of them."""
    found = [record]
    for one in found:
        merged: set[bytes] = await scripts.call("SMEMBERS", scripts.keys("merged", *one))
        refs = [ref_of(f"{record[0]}:".encode() + name) for name in sorted(merged)]
        found += [other for other in refs if other not in found]
    return found
