"""Looks at rows that deliveries wait for: one that has changed brings its deliveries back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import structlog
from msgspec import Struct

from connectors.models import Fate, Found
from connectors.ports import Crm, Watched
from worker.ledger.intake.deliveries import OBJECT, Deliveries
from worker.ledger.rates.cursors import Cursors
from worker.ledger.scripts import Scripts
from worker.ledger.work.all_work import AllWork
from worker.ledger.work.record_state import place
from worker.ledger.work.work import Work

CALLS = 10  # batches of rows that one look reads at the most; the next look goes on with the others
Row = tuple[str, str]
log = structlog.get_logger(__name__)


class Awaiting(Struct, frozen=True):
    """Wakes the deliveries of one CRM that wait for a change of rows."""

    vendor: Crm
    work: Work
    scripts: Scripts
    deliveries: Deliveries
    all_work: AllWork
    cursors: Cursors

    async def look(self, run: str) -> int:
        """Bring back deliveries if one of their rows has changed; returns their number.

        Raises:
            ConnectorError: the rows could not be read; their deliveries wait on.
        """
        crm, back = self.work.crm, 0
        waiting = await self._next(await self.deliveries.awaited(crm))
        found = await self._read({(kind, id) for rows in waiting.values() for kind, id, _ in rows})
        for key, rows in waiting.items():
            if any(_has_changed(found.get((kind, id)), stamp) for kind, id, stamp in rows):
                await self._bring_back(key, run)
                back += 1
        if back:
            log.info("delivery.woken", crm=crm, deliveries=back)
        return back

    async def _next(self, waiting: Mapping[str, list[tuple[str, str, int]]]) -> dict[str, list[tuple[str, str, int]]]:
        """Returns as many of them as one look may read, each in its turn."""
        most, name = CALLS * self.vendor.batch, f"awaited:{self.work.crm}"
        if sum(map(len, waiting.values())) <= most:
            return dict(waiting)
        after = await self.cursors.get(name)
        keys = sorted(waiting, key=lambda key: (key <= after, key))
        part: dict[str, list[tuple[str, str, int]]] = {}
        for key in keys:
            if sum(map(len, part.values())) + len(waiting[key]) > most:
                break
            part[key] = waiting[key]
            after = key
        await self.cursors.set(name, after)
        return part

    async def _read(self, rows: Iterable[Row]) -> dict[Row, Found]:
        by_object: dict[str, list[str]] = defaultdict(list)
        for kind, id in sorted(rows):
            by_object[kind].append(id)
        found: dict[Row, Found] = {}
        for kind, ids in by_object.items():
            for start in range(0, len(ids), self.vendor.batch):
                read = await self.vendor.read(Watched(kind, ()), ids[start : start + self.vendor.batch])
                found |= {(kind, id): one for id, one in read.items()}
        return found

    async def _bring_back(self, key: str, run: str) -> None:
        """Handles a dead letter, too: its other problems are a person's, who finds it in its new state."""
        crm = self.work.crm
        stands = await place(self.scripts, crm, OBJECT, key)
        if stands is None:  # settled or dropped meanwhile
            await self.deliveries.wait_for(crm, key, ())
        elif stands.state == "dead":
            await self.work.replay(key, run)
        else:
            await self.all_work.wake([(crm, OBJECT, key)])


def _has_changed(found: Found | None, stamp: int) -> bool:
    if found is None or found.fate is Fate.UNKNOWN:
        return False
    return found.fate is not Fate.FOUND or found.record is None or found.record.modified != stamp
