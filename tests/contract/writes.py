"""Writes as the product sends them, without anybody else at the records: each value is wanted until it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.limits import NoLimiter
from connectors.models import Fate, Found, Write
from connectors.ports import Crm, Watched
from worker.visits.batch_writer import AllowedWrite, BatchWriter, RowWrite


class Rest:
    """Waits for nothing and keeps how long it should have."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.now = 0.0

    async def __call__(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds

    def clock(self) -> float:
        return self.now


async def written(
    crm: Crm, object: str, writes: Sequence[Write], rest: Rest | None = None, properties: Sequence[str] = ()
) -> dict[str, RowWrite]:
    """Returns what becomes of ``writes`` on rows that are there."""
    rest = rest or Rest()
    by_id = {write.id: write for write in writes}
    watched = Watched(object, tuple(properties))

    async def read(ids: Sequence[str]) -> Mapping[str, Found]:
        return await crm.read(watched, ids)

    async def compare(found: Mapping[str, Found], rows: Mapping[str, RowWrite]) -> Mapping[str, AllowedWrite]:
        there = (key for key, one in found.items() if one.fate is Fate.FOUND)
        return {key: AllowedWrite(_left(by_id[key], rows[key])) for key in there}

    writer = BatchWriter("acme", crm, NoLimiter(), clock=rest.clock, rest=rest, chance=lambda: 1.0)
    return await writer.write(object, list(by_id), read, compare)


def _left(write: Write, row: RowWrite) -> Write:
    values = {name: value for name, value in write.values.items() if name not in row.refused}
    return Write(write.id, values, write.seen)
