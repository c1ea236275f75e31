"""Pulls what OpenProspect has for us: new deliveries of every search, and the results of completed orders.

A page's rows become ``delivery`` work of every crm in one script, and only the last page's script moves the watermark:
a crash repeats a pass and never skips a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import structlog
from pydantic import TypeAdapter

from connectors.errors import NotFoundError
from connectors.models import Person
from connectors.openprospect.client import OpenProspect
from connectors.openprospect.models import CompanyBody
from connectors.openprospect.read import DeliveredCompany, ListPage, delivered
from worker.ledger.intake.deliveries import DeliveredRow, Deliveries
from worker.ledger.intake.orders import FIRST_WAIT_MS, FollowedOrders, follow, followed
from worker.ledger.rates.cursors import Cursors
from worker.visits.suppressed import allowed
from worker.visits.watch import OnList

OVERLAP_MS = 300_000  # clocks differ and rows arrive while pages are read: repeats are dropped by their digest
NOBODY_MS = 86_400_000  # a search without a delivery is asked again after a day
LONGEST_WAIT_MS = 3_600_000
COMPLETED = "COMPLETED"
STATUSES = frozenset({COMPLETED, "RECEIVED", "ACCEPTED", "IN_PROGRESS", "CANCELLED", "REJECTED", "FAILED"})
_ROW: TypeAdapter[DeliveredCompany] = TypeAdapter(DeliveredCompany)
log = structlog.get_logger(__name__)


class Collector:
    """Reads OpenProspect for the crms its deliveries go to. ``clock`` gives ms."""

    def __init__(
        self,
        vendor: OpenProspect,
        deliveries: Deliveries,
        cursors: Cursors,
        *,
        crms: Sequence[str],
        delivery_ids: Sequence[str],
        discover: bool,
        suppressed: OnList,
        clock: Callable[[], int],
    ) -> None:
        self._vendor, self._deliveries, self._cursors = vendor, deliveries, cursors
        self.vendor_clock = vendor.clock
        self._crms, self._ids, self._discover, self._clock = tuple(crms), tuple(delivery_ids), discover, clock
        self._suppressed = suppressed

    async def collect(self, run: str) -> int:
        """Runs one round over all searches and orders; tells how many rows are new.

        Raises:
            ConnectorError: OpenProspect could not be asked; rows that were stored before stay.
        """
        new = 0
        ids = list(dict.fromkeys([*self._ids, *([one async for one in self._discovered()] if self._discover else [])]))
        nobody = 0
        for search in ids:
            try:
                new += await self._pull(search, run)
            except NotFoundError:
                nobody += 1
                await self._cursors.set(_nobody(search), str(self._clock() + NOBODY_MS))
        if ids and nobody == len(ids):
            log.error("collect.no_deliveries", searches=nobody, hint="set providers.openprospect.delivery_ids")
        return new + await self._orders(run)

    async def ahead(self) -> AsyncIterator[DeliveredCompany]:
        """Yields the rows that a round would bring, and stores nothing.

        Raises:
            ConnectorError: OpenProspect could not be asked.
        """
        ids = list(dict.fromkeys([*self._ids, *([one async for one in self._discovered()] if self._discover else [])]))
        for search in ids:
            since = max(0, int(await self._deliveries.watermark(search) or 0) - OVERLAP_MS)
            offset: int | None = 0
            while offset is not None:
                try:
                    page = await self._vendor.delivered_page(search, since, offset)
                except NotFoundError:
                    break
                rows = await self._rows(search, [delivered(raw, search) for raw in page.items])
                for row in await self._deliveries.new_of(search, rows):
                    yield _ROW.validate_json(row.json)
                offset = page.next_offset
        fetched = (await followed(self._cursors)).fetched
        async for order in self._vendor.orders():
            if order.status.upper() != COMPLETED or order.order_id in fetched:
                continue
            source, offset = f"order-{order.order_id}", 0
            while offset is not None and (results := await self._vendor.results_page(order.order_id, offset)):
                rows = await self._rows(source, [delivered(raw) for raw in results.items])
                for row in await self._deliveries.new_of(source, rows):
                    yield _ROW.validate_json(row.json)
                offset = results.next_offset

    async def _discovered(self) -> AsyncIterator[str]:
        async for search in self._vendor.searches():
            if int(await self._cursors.get(_nobody(search.id)) or 0) <= self._clock():
                yield search.id

    # ---- deliveries ----------------------------------------------------------------------------------------------

    async def _pull(self, search: str, run: str) -> int:
        """Runs one pass over a search with ``delivered_since`` fixed; the last page moves the watermark."""
        mark = int(await self._deliveries.watermark(search) or 0)
        since, offset, new, latest, began = max(0, mark - OVERLAP_MS), 0, 0, mark, 0
        while True:
            page = await self._vendor.delivered_page(search, since, offset)
            began = began or page.server_time or self._clock()
            rows = [delivered(raw, search) for raw in page.items]
            # A delivery from the future would move the mark past rows that are still to come.
            latest = max([latest, *(row.delivered_at for row in rows if row.delivered_at <= began)])
            last = page.next_offset is None
            watermark = str(latest if latest > mark else max(mark, began)) if last else None
            stored = await self._deliveries.store_page(
                search, await self._rows(search, rows), self._crms, run=run, watermark=watermark
            )
            new += stored.new
            _log_page("delivery", search, page, stored.new)
            if page.next_offset is None:
                return new
            offset = page.next_offset

    async def _rows(self, source: str, rows: Sequence[DeliveredCompany]) -> list[DeliveredRow]:
        """Returns the rows to be stored: nothing of anybody on the suppression list is kept, even for a while."""
        return [_row(source, row, people) for row, people in await allowed(rows, self._suppressed)]

    # ---- orders --------------------------------------------------------------------------------------------------

    async def _orders(self, run: str) -> int:
        """Follow orders through their lifecycle; fetch the results of those that are completed.

        While nothing changes the list is asked for less and less often, at least once an hour.
        """
        known, now = await followed(self._cursors), self._clock()
        if now < known.next_ms:
            return 0
        listed = {order.order_id: order.status.upper() async for order in self._vendor.orders()}
        if unknown := set(listed.values()) - set(known.orders.values()) - STATUSES:
            log.warning("order.status_unknown", statuses=sorted(unknown))
        new, fetched = 0, list(known.fetched)
        for order, status in listed.items():
            if status == COMPLETED and order not in known.fetched:
                count = await self._results(order, run)
                new += count or 0
                fetched += [] if count is None else [order]
        still = listed == dict(known.orders) and len(fetched) == len(known.fetched)
        wait = min(LONGEST_WAIT_MS, 2 * known.wait_ms) if still else FIRST_WAIT_MS
        following = FollowedOrders(listed, tuple(one for one in fetched if one in listed), wait, now + wait)
        await follow(self._cursors, following)
        return new

    async def _results(self, order: str, run: str) -> int | None:
        """Store an order's companies; ``None`` when they are not there yet."""
        source, offset, new = f"order-{order}", 0, 0
        while True:
            page = await self._vendor.results_page(order, offset)
            if page is None:
                return None
            rows = await self._rows(source, [delivered(raw) for raw in page.items])
            watermark = str(self._clock()) if page.next_offset is None else None
            stored = await self._deliveries.store_page(source, rows, self._crms, run=run, watermark=watermark)
            new += stored.new
            _log_page("order", order, page, stored.new)
            if page.next_offset is None:
                return new
            offset = page.next_offset


def _row(source: str, row: DeliveredCompany, people: tuple[Person, ...]) -> DeliveredRow:
    """Returns the row with those of its people who may be kept; its digest is the whole row's."""
    digest = hashlib.sha256(_ROW.dump_json(row)).hexdigest()[:16]
    return DeliveredRow(f"{source}/{row.company.id}", digest, _ROW.dump_json(replace(row, people=people)).decode())


def _nobody(search: str) -> str:
    return f"no_delivery:{search}"


def _log_page(kind: str, id: str, page: ListPage[CompanyBody], new: int) -> None:
    log.info("collect.page_stored", kind=kind, source=id, rows=len(page.items), new=new, broken=page.broken)
