"""Speaks to OpenProspect: every operation as a typed method; its deliveries as pages of neutral companies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeVar

from pydantic import SecretStr, TypeAdapter

from connectors import replies
from connectors.bodies import Body
from connectors.errors import ContractError
from connectors.limits import Limiter, Ticket, Window
from connectors.models import AccountStatus, Reply
from connectors.openprospect import operations as op
from connectors.openprospect import read
from connectors.openprospect.models import (
    AddedEntries,
    Blacklist,
    BlacklistEntry,
    CompanyBody,
    JobBody,
    NewEntry,
    NewOrder,
    Order,
    Prospect,
    Search,
    SearchEdit,
    Webtech,
)
from connectors.openprospect.options import OpenProspectOptions
from connectors.openprospect.read import ListPage
from connectors.operations import Operation
from connectors.transport import ConnectionTerms, StaticAuth, Transport

B = TypeVar("B", bound=Body)
PAGE_MOST = 100
PAGES_MOST = 1000
ENTRIES_MOST = 10_000
_ORDER, _SEARCH, _BLACKLIST = TypeAdapter(Order), TypeAdapter(Search), TypeAdapter(Blacklist)
_COMPANY, _PROSPECT, _ENTRY = TypeAdapter(CompanyBody), TypeAdapter(Prospect), TypeAdapter(BlacklistEntry)
_JOB, _WEBTECH, _ADDED = TypeAdapter(JobBody), TypeAdapter(Webtech), TypeAdapter(AddedEntries)


def open_transport(options: OpenProspectOptions, limiter: Limiter, read_s: float = 30) -> Transport:
    """Returns the connection pool ``OpenProspect`` is built on."""
    return Transport(
        read.NAME,
        options.base_url,
        StaticAuth("authorization", SecretStr(f"Bearer {options.api_key.get_secret_value()}")),
        limiter,
        reading=read.READING,
        terms=ConnectionTerms(read_s=read_s, most=10, redirects=True),
    )


class OpenProspect:
    """Asks OpenProspect with one key. Offsets are rows; every list also exists page by page, to be stored so."""

    name = read.NAME

    def __init__(self, transport: Transport, options: OpenProspectOptions) -> None:
        self._transport = transport
        self.clock = transport.clock
        self.buckets: Mapping[str, tuple[Window, ...]] = MappingProxyType({transport.bucket(op.SEARCHES): options.rate})

    @classmethod
    def opened(cls, options: OpenProspectOptions, limiter: Limiter) -> OpenProspect:
        """Returns a client with its own transport."""
        return cls(open_transport(options, limiter), options)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def account_status(self) -> AccountStatus:
        """Returns the cheapest free reads: one row of the searches, and the key's scopes if they are known."""
        page = await self.searches_page(limit=1)
        notes = [] if page.items else ["the key sees no prospect search"]
        held = read.scopes(await self._transport.send(op.VALIDATE))
        lacking = [one for one in op.NEEDED_SCOPES if held and one not in held]
        if lacking:
            notes.append(f"the key lacks {', '.join(lacking)}: make one with these scopes, or deliveries stay behind")
        return AccountStatus("key accepted", notes=tuple(notes))

    # ---- orders (1-4) --------------------------------------------------------------------------------------------

    async def create_order(self, order: NewOrder, key: str, ticket: Ticket) -> Order:
        """Place an order; ``key`` is sent as Idempotency-Key and should be in the title too."""
        headers = {"idempotency-key": key}
        reply = await self._transport.send(op.ORDER_CREATE, json=order.body(), headers=headers, ticket=ticket)
        return replies.parsed(_ORDER, reply, self.name, op.ORDER_CREATE.name)

    async def orders_page(self, offset: int = 0, limit: int = PAGE_MOST, status: str = "") -> ListPage[Order]:
        query = {"status": status or None}
        return await self._page(op.ORDERS, _ORDER, ("orders",), offset, limit, query=query)

    def orders(self, status: str = "") -> AsyncIterator[Order]:
        return _walk(lambda offset: self.orders_page(offset, status=status), lambda row: row.order_id, op.ORDERS)

    async def order(self, order_id: str) -> Order | None:
        return await self._one(op.ORDER, _ORDER, order_id)

    async def results_page(
        self, order_id: str, offset: int = 0, limit: int = PAGE_MOST
    ) -> ListPage[CompanyBody] | None:
        """Returns companies with people of a completed order, ``None`` while there are none yet: ask later."""
        reply = await self._list(op.ORDER_RESULTS, {"id": order_id}, offset, limit)
        if reply.status in op.LATER:
            return None
        return read.page(_COMPANY, reply, op.ORDER_RESULTS.name, ("companies", "results"), offset, limit)

    # ---- blacklists (5-14) ---------------------------------------------------------------------------------------

    async def create_blacklist(self, name: str, description: str = "", ticket: Ticket | None = None) -> Blacklist:
        body = {"name": name, "description": description}
        reply = await self._transport.send(op.BLACKLIST_CREATE, json=body, ticket=ticket)
        return replies.parsed(_BLACKLIST, reply, self.name, op.BLACKLIST_CREATE.name)

    def blacklists(self) -> AsyncIterator[Blacklist]:
        names = ("blacklists",)
        return _walk(lambda at: self._page(op.BLACKLISTS, _BLACKLIST, names, at), lambda row: row.id, op.BLACKLISTS)

    async def blacklist(self, blacklist_id: str) -> Blacklist | None:
        return await self._one(op.BLACKLIST, _BLACKLIST, blacklist_id)

    async def edit_blacklist(
        self, blacklist_id: str, name: str | None = None, description: str | None = None
    ) -> Blacklist:
        body = {key: value for key, value in {"name": name, "description": description}.items() if value is not None}
        reply = await self._transport.send(op.BLACKLIST_EDIT, path={"id": blacklist_id}, json=body)
        return replies.parsed(_BLACKLIST, reply, self.name, op.BLACKLIST_EDIT.name)

    async def delete_blacklist(self, blacklist_id: str) -> bool:
        """Tells whether it was there; a second call finds nothing and is done too."""
        reply = await self._transport.send(op.BLACKLIST_DELETE, path={"id": blacklist_id})
        return reply.status != 404

    async def add_entries(self, blacklist_id: str, entries: Sequence[NewEntry]) -> AddedEntries:
        """Add up to 10,000 companies; sending the same again may double them.

        Raises:
            ValueError: none, or more than that.
        """
        if not 0 < len(entries) <= ENTRIES_MOST:
            raise ValueError(f"between 1 and {ENTRIES_MOST} entries at a time")
        body = {"entries": [entry.body() for entry in entries]}
        reply = await self._transport.send(op.ENTRIES_ADD, path={"id": blacklist_id}, json=body)
        return replies.parsed(_ADDED, reply, self.name, op.ENTRIES_ADD.name) if reply.body.strip() else AddedEntries()

    def entries(self, blacklist_id: str) -> AsyncIterator[BlacklistEntry]:
        path = {"id": blacklist_id}
        return _walk(
            lambda at: self._page(op.ENTRIES, _ENTRY, ("entries",), at, path=path), lambda row: row.id, op.ENTRIES
        )

    async def remove_entries(self, blacklist_id: str, entry_ids: Sequence[str]) -> None:
        body = {"entry_ids": list(entry_ids)}
        await self._transport.send(op.ENTRIES_REMOVE, path={"id": blacklist_id}, json=body)

    async def search_blacklists(self, search_id: str) -> tuple[Blacklist, ...]:
        page = await self._page(op.SEARCH_BLACKLISTS, _BLACKLIST, ("blacklists",), path={"id": search_id})
        return page.items

    async def set_search_blacklists(self, search_id: str, blacklist_ids: Sequence[str]) -> tuple[Blacklist, ...]:
        operation, body = op.SEARCH_BLACKLISTS_SET, {"blacklist_ids": list(blacklist_ids)}
        reply = await self._transport.send(operation, path={"id": search_id}, json=body)
        return read.page(_BLACKLIST, reply, operation.name, ("blacklists",), 0, PAGE_MOST).items

    # ---- searches (15-17) ----------------------------------------------------------------------------------------

    async def searches_page(self, offset: int = 0, limit: int = PAGE_MOST) -> ListPage[Search]:
        names = ("prospect_searches", "searches")
        return await self._page(op.SEARCHES, _SEARCH, names, offset, limit)

    def searches(self) -> AsyncIterator[Search]:
        return _walk(self.searches_page, lambda row: row.id, op.SEARCHES)

    async def search(self, search_id: str) -> Search | None:
        return await self._one(op.SEARCH, _SEARCH, search_id)

    async def edit_search(self, search_id: str, edit: SearchEdit) -> Search:
        """Change a search.

        Raises:
            ConflictError: it has a newer version than ``edit.version``.
            OutcomeUnknownError: read the search and compare; sending again proves nothing.
        """
        body = edit.body()
        body["update_mask"] = sorted(set(body) - {"version"})
        reply = await self._transport.send(op.SEARCH_EDIT, path={"id": search_id}, json=body)
        return replies.parsed(_SEARCH, reply, self.name, op.SEARCH_EDIT.name)

    # ---- companies and prospects (18-23) -------------------------------------------------------------------------

    def companies(
        self, search_id: str, min_match_score: float | None = None, review_status: str = "", text: str = ""
    ) -> AsyncIterator[CompanyBody]:
        """Yields a search's companies; ``review_status`` is accepted, rejected or pending."""
        query = {"prospect_search_id": search_id, "min_match_score": min_match_score}
        query |= {"review_status": review_status or None, "search": text or None}
        names = ("companies",)
        return _walk(
            lambda at: self._page(op.COMPANIES, _COMPANY, names, at, query=query), lambda row: row.id, op.COMPANIES
        )

    async def company(self, company_id: str) -> CompanyBody | None:
        return await self._one(op.COMPANY, _COMPANY, company_id)

    def company_jobs(self, company_id: str) -> AsyncIterator[JobBody]:
        path = {"id": company_id}
        return _walk(
            lambda at: self._page(op.COMPANY_JOBS, _JOB, ("jobs",), at, path=path), lambda row: row.id, op.COMPANY_JOBS
        )

    async def company_webtech(self, company_id: str) -> Webtech | None:
        return await self._one(op.COMPANY_WEBTECH, _WEBTECH, company_id)

    def prospects(self, search_id: str, company_id: str = "") -> AsyncIterator[Prospect]:
        """Yields a search's people, filtered by company when one is given."""
        query = {"prospect_search_id": search_id, "company_id": company_id or None}
        names = ("prospects",)
        return _walk(
            lambda at: self._page(op.PROSPECTS, _PROSPECT, names, at, query=query), lambda row: row.id, op.PROSPECTS
        )

    async def prospect(self, prospect_id: str) -> Prospect | None:
        return await self._one(op.PROSPECT, _PROSPECT, prospect_id)

    # ---- deliveries (24) -----------------------------------------------------------------------------------------

    async def delivered_page(
        self, delivery_id: str, since_ms: int = 0, offset: int = 0, limit: int = PAGE_MOST
    ) -> ListPage[CompanyBody]:
        """Returns companies delivered after ``since_ms``, with their people.

        Keep ``since_ms`` fixed for all pages of a pass.

        Raises:
            NotFoundError: there is no delivery with that id.
        """
        since = datetime.fromtimestamp(since_ms / 1000, UTC).isoformat(timespec="seconds") if since_ms else ""
        query = {"delivered_since": since.replace("+00:00", "Z") or None}
        names = ("companies", "results")
        return await self._page(op.DELIVERED, _COMPANY, names, offset, limit, path={"id": delivery_id}, query=query)

    # ---- the ways of sending -------------------------------------------------------------------------------------

    async def _one(self, operation: Operation, adapter: TypeAdapter[B], row_id: str) -> B | None:
        reply = await self._transport.send(operation, path={"id": row_id})
        return None if reply.status == 404 else replies.parsed(adapter, reply, self.name, operation.name)

    async def _list(
        self,
        operation: Operation,
        path: Mapping[str, object] | None,
        offset: int,
        limit: int,
        query: Mapping[str, object] | None = None,
    ) -> Reply:
        paging = {"limit": min(limit, PAGE_MOST), "offset": offset}
        return await self._transport.send(operation, path=path, query={**(query or {}), **paging})

    async def _page(
        self,
        operation: Operation,
        adapter: TypeAdapter[B],
        names: tuple[str, ...],
        offset: int = 0,
        limit: int = PAGE_MOST,
        *,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> ListPage[B]:
        reply = await self._list(operation, path, offset, limit, query)
        return read.page(adapter, reply, operation.name, names, offset, min(limit, PAGE_MOST))


async def _walk(
    page_at: Callable[[int], Awaitable[ListPage[B]]], key: Callable[[B], str], operation: Operation
) -> AsyncIterator[B]:
    """Yields every row once; rows may shift between pages while others arrive.

    Raises:
        ContractError: the same page came twice in a row, or the pages do not end.
    """
    seen: set[str] = set()
    before: tuple[str, ...] = ()
    offset: int | None = 0
    for _ in range(PAGES_MOST):
        if offset is None:
            return
        page = await page_at(offset)
        ids = tuple(key(row) for row in page.items)
        if ids and ids == before:
            raise ContractError(read.NAME, operation.name, "offset")
        for row in page.items:
            if key(row) not in seen:
                seen.add(key(row))
                yield row
        before, offset = ids, page.next_offset
    raise ContractError(read.NAME, operation.name, "has_more")
