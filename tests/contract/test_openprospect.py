"""Puts OpenProspect's 24 operations to the sandbox, over sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.errors import (
    AccessError,
    ContractError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
)
from connectors.limits import NoLimiter
from connectors.models import Grade
from connectors.openprospect import operations as op
from connectors.openprospect.client import PAGE_MOST, OpenProspect, open_transport
from connectors.openprospect.models import NewEntry, NewOrder, SearchEdit, WantedCompany
from connectors.openprospect.operations import OPERATIONS
from connectors.openprospect.options import OpenProspectOptions
from connectors.openprospect.read import delivered
from connectors.operations import Operation
from tests.contract.suite import (
    HANG_S,
    ODD,
    ODDER,
    Case,
    Row,
    check,
    check_good,
    check_miss,
    check_odd,
    listed,
    route_of,
    table,
)
from tests.contract.wire import KeptTicket, answers, wire
from tests.harness.sandbox import Sandbox, Start

NO_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("openprospect")


@pytest.fixture
async def client(sandbox: Sandbox, request: pytest.FixtureRequest) -> AsyncIterator[OpenProspect]:
    params = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    hangs = getattr(params.get("case"), "kind", "") == "hang"
    opened = at(sandbox.base_url, sandbox.info["api_key"], read_s=HANG_S if hangs else 10)
    known = await _known(sandbox)
    for name, value in known.items():  # the rows below speak of these
        setattr(opened, name, value)
    sandbox.control("reset-books", {})
    yield opened
    await opened.aclose()


def at(base_url: str, key: str = "lnc_test_x", read_s: float = 30) -> OpenProspect:
    chosen = OpenProspectOptions(api_key=SecretStr(key), base_url=base_url)
    return OpenProspect(open_transport(chosen, NoLimiter(), read_s), chosen)


_ids: dict[str, dict[str, str]] = {}


async def _known(sandbox: Sandbox) -> dict[str, str]:
    """Ids of one of everything, asked for once per sandbox."""
    if sandbox.base_url not in _ids:
        asking = at(sandbox.base_url, sandbox.info["api_key"])
        search = sandbox.info["delivery_ids"][0]
        company = (await asking.delivered_page(search)).items[0]
        orders = await listed(asking.orders(status="COMPLETED"))
        blacklist = await asking.create_blacklist("Customers of the tests")
        _ids[sandbox.base_url] = {
            "search_id": search, "company_id": company.id, "prospect_id": company.prospects[0].id,
            "order_id": orders[0].order_id, "blacklist_id": blacklist.id,
        }  # fmt: skip
        await asking.aclose()
    return _ids[sandbox.base_url]


def an_order(ref: str) -> NewOrder:
    company = WantedCompany(company_name="Example GmbH", external_id="CRM-1001", website_url="https://example.com")
    return NewOrder(
        order_type="ENRICHMENT", title=f"gaps ref:{ref}", features=("COMPANY_DATA", "CONTACTS"), companies=(company,)
    )


async def _edit_search(c: Any, _t: KeptTicket) -> object:
    search = await c.search(c.search_id)
    return await c.edit_search(c.search_id, SearchEdit(version=search.version, name="DACH SaaS"))


async def _remove(c: Any, _t: KeptTicket) -> object:
    return await c.remove_entries(c.blacklist_id, ["ee110000-0000-4000-8000-000000000001"])


def a_list(value: object) -> bool:
    return isinstance(value, list)


async def _delete(c: Any, _t: KeptTicket) -> object:
    return await c.delete_blacklist(NO_ID)


async def _add(c: Any, _t: KeptTicket) -> object:
    return await c.add_entries(c.blacklist_id, [NewEntry(company_name="Example GmbH", city="Berlin")])


async def _edit(c: Any, _t: KeptTicket) -> object:
    return await c.edit_blacklist(c.blacklist_id, description="edited")


async def _set(c: Any, _t: KeptTicket) -> object:
    return await c.set_search_blacklists(c.search_id, [c.blacklist_id])


def one(operation: Operation, method: str, id: str, needed: str = "id", good: Any = bool) -> Row:
    """Returns the row of a read of one thing."""
    return Row(
        operation,
        lambda c, _: getattr(c, method)(getattr(c, id)),
        good,
        needed,
        lambda c, _: getattr(c, method)(NO_ID),
    )


ROWS = (
    Row(op.ORDER_CREATE, lambda c, t: c.create_order(an_order("01A"), "01A", t), lambda v: not v.ended, "order_id"),
    Row(op.ORDERS, lambda c, _: listed(c.orders()), bool, "items"),
    one(op.ORDER, "order", "order_id", "order_id"),
    one(op.ORDER_RESULTS, "results_page", "order_id", "items", lambda v: v.items[0].prospects is not None),
    Row(op.BLACKLIST_CREATE, lambda c, _: c.create_blacklist("Lost ones", "by a test"), bool, "id"),
    Row(op.BLACKLISTS, lambda c, _: listed(c.blacklists()), bool, "items"),
    one(op.BLACKLIST, "blacklist", "blacklist_id"),
    Row(op.BLACKLIST_EDIT, _edit, lambda v: v.description == "edited", "id"),
    Row(op.BLACKLIST_DELETE, _delete, lambda v: v is False, "", _delete, missed=False, blind=True),
    Row(op.ENTRIES_ADD, _add, lambda v: v.added == 1),
    Row(op.ENTRIES, lambda c, _: listed(c.entries(c.blacklist_id)), a_list, "items"),
    Row(op.ENTRIES_REMOVE, _remove, lambda v: v is None, blind=True),
    Row(op.SEARCH_BLACKLISTS, lambda c, _: c.search_blacklists(c.search_id), lambda v: v is not None, "items"),
    Row(op.SEARCH_BLACKLISTS_SET, _set, lambda v: [row.id for row in v] != [], "items"),
    Row(op.SEARCHES, lambda c, _: listed(c.searches()), bool, "items"),
    one(op.SEARCH, "search", "search_id"),
    Row(op.SEARCH_EDIT, _edit_search, lambda v: v.name == "DACH SaaS", "id"),
    Row(op.COMPANIES, lambda c, _: listed(c.companies(c.search_id)), bool, "items"),
    one(op.COMPANY, "company", "company_id"),
    Row(op.COMPANY_JOBS, lambda c, _: listed(c.company_jobs(c.company_id)), a_list, "items"),
    one(op.COMPANY_WEBTECH, "company_webtech", "company_id", ""),
    Row(op.PROSPECTS, lambda c, _: listed(c.prospects(c.search_id)), bool, "items"),
    one(op.PROSPECT, "prospect", "prospect_id"),
    Row(op.DELIVERED, lambda c, _: c.delivered_page(c.search_id), lambda v: len(v.items) > 0, "items"),
)


def test_every_operation_has_its_rows() -> None:
    assert [row.operation for row in ROWS] == list(OPERATIONS)
    assert len(OPERATIONS) == 24


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation.name)
async def test_good(sandbox: Sandbox, client: OpenProspect, row: Row) -> None:
    await check_good(sandbox, client, row)


@pytest.mark.parametrize("row", [row for row in ROWS if row.miss], ids=lambda row: row.operation.name)
async def test_miss(sandbox: Sandbox, client: OpenProspect, row: Row) -> None:
    await check_miss(sandbox, client, row)


@pytest.mark.parametrize("seeds", [ODD, pytest.param(ODDER, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation.name)
async def test_odd_reply_is_a_value_or_an_error(sandbox: Sandbox, client: OpenProspect, row: Row, seeds: range) -> None:
    await check_odd(sandbox, client, row, route_of(sandbox, row.operation), seeds)


@pytest.mark.parametrize(("row", "case"), table(ROWS))
async def test_trouble(sandbox: Sandbox, client: OpenProspect, row: Row, case: Case) -> None:
    await check(sandbox, client, row, case, tries_429=1)  # a 429 that says nothing asks for a minute


# ---- deliveries and results ------------------------------------------------------------------------------------


@pytest.mark.parametrize("list_key", ["items", "collection"])
@pytest.mark.parametrize("paging", ["full", "no_has_more", "bare"])
async def test_every_list_form_is_walked(sandbox: Sandbox, client: OpenProspect, list_key: str, paging: str) -> None:
    wanted = {row.id for row in (await client.delivered_page(sandbox.info["delivery_ids"][0])).items}
    with sandbox.switched(list_key=list_key, paging=paging):
        seen: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = await client.delivered_page(sandbox.info["delivery_ids"][0], offset=offset, limit=5)
            seen += [row.id for row in page.items]
            offset = page.next_offset
        assert await listed(client.orders())
    assert len(seen) == len(wanted)
    assert set(seen) == wanted


async def test_a_delivery_is_companies_with_people(sandbox: Sandbox, client: OpenProspect) -> None:
    search = sandbox.info["delivery_ids"][0]
    page = await client.delivered_page(search)
    rows = [delivered(raw, search) for raw in page.items]
    assert page.server_time > 0
    assert page.broken == 0
    assert all(row.company.id and row.delivered_at for row in rows)
    assert {row.search_id for row in rows} == {search}
    people = [person for row in rows for person in row.people]
    assert all(person.id and person.full_name for person in people)
    assert any(person.slug for person in people)
    assert {email.kind for person in people for email in person.emails} == {"work"}


async def test_only_what_came_after_the_watermark_is_given(sandbox: Sandbox, client: OpenProspect) -> None:
    search = sandbox.info["delivery_ids"][0]
    rows = [delivered(raw) for raw in (await client.delivered_page(search)).items]
    newest = max(row.delivered_at for row in rows)
    later = await client.delivered_page(search, since_ms=newest + 60_000)
    assert later.items == ()
    assert later.next_offset is None


async def test_results_of_an_order_in_work_are_asked_for_later(sandbox: Sandbox, client: OpenProspect) -> None:
    order = await client.create_order(an_order("01B"), "01B", KeptTicket())
    assert await client.results_page(order.order_id) is None


async def test_the_same_key_places_one_order(client: OpenProspect) -> None:
    first = await client.create_order(an_order("01D"), "01D", KeptTicket())
    second = await client.create_order(an_order("01D"), "01D", KeptTicket())
    assert first.order_id == second.order_id


# ---- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["resource", "details", "entity", "nested", "legacy", "detail", "detail_list"])
async def test_every_error_body_is_a_typed_error(sandbox: Sandbox, client: OpenProspect, shape: str) -> None:
    with sandbox.switched(errors=shape), pytest.raises(RejectedError) as caught:
        await client.edit_blacklist(NO_ID, name="x")
    assert type(caught.value) is NotFoundError
    assert caught.value.code in {"BLACKLIST_NOT_FOUND", "ENTITY_NOT_FOUND", "HTTP_404"}


async def test_a_missing_scope_is_named(sandbox: Sandbox, client: OpenProspect) -> None:
    with (
        sandbox.switched(withheld="blacklists:write", errors="details"),
        pytest.raises(AccessError, match="blacklists:write"),
    ):
        await client.create_blacklist("x")


async def test_a_redirect_to_the_slash_form_is_followed_for_reads_only(sandbox: Sandbox, client: OpenProspect) -> None:
    with sandbox.switched(slash="redirect"):
        assert await listed(client.searches())
        with pytest.raises(AccessError, match="redirect"):
            await client.create_blacklist("x")


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        ("retry-after: 40\r\n", b"{}", 40.0),
        ("", b'{"error": "RATE_LIMIT_EXCEEDED", "retry_after": 3600}', 3600.0),
        ("date: Fri, 20 Nov 2026 08:00:00 GMT\r\nx-ratelimit-reset: 1795161690\r\n", b"{}", 90.0),
        ("", b"", 60.0),
        ("", b'{"retry_after": 99999}', 3600.0),
    ],
)
async def test_a_429_waits_by_header_body_or_reset(headers: str, body: bytes, wait: float) -> None:
    async with wire(answers(429, body, headers)) as served:
        client = at(served.url)
        with pytest.raises(RateLimitedError) as caught:
            await client.searches_page()
        await client.aclose()
    assert caught.value.retry_after_s == wait


async def test_a_list_that_never_ends_is_a_contract_error() -> None:
    rows = b'{"items": [{"id": "a"}], "has_more": true}'
    async with wire(answers(200, rows)) as served:
        client = at(served.url)
        with pytest.raises(ContractError):
            await listed(client.searches())
        await client.aclose()
        assert len(served.requests) == 2


async def test_a_row_that_cannot_be_read_is_counted_and_its_neighbours_stay() -> None:
    async with wire(answers(200, b'{"items": [{"id": "a", "name": "A"}, {"name": "no id"}, 7]}')) as served:
        client = at(served.url)
        page = await client.delivered_page("d1")
        await client.aclose()
    assert ([row.id for row in page.items], page.broken, page.next_offset) == (["a"], 2, None)


async def test_no_page_asks_for_more_than_the_vendor_gives() -> None:
    async with wire(answers(200, b'{"items": []}')) as served:
        client = at(served.url)
        await client.delivered_page("d1", limit=5000)
        await client.aclose()
        assert f"limit={PAGE_MOST}&".encode() in served.requests[0]


@pytest.mark.parametrize(
    ("status", "grade"), [("valid", Grade.VALID), ("catch-all", Grade.RISKY), ("", Grade.UNVERIFIED)]
)
async def test_an_email_status_is_a_grade(status: str, grade: Grade) -> None:
    row = f'{{"id": "c", "prospects": [{{"id": "p", "email": "ada@example.com", "email_status": "{status}"}}]}}'
    async with wire(answers(200, f"[{row}]".encode())) as served:
        client = at(served.url)
        page = await client.delivered_page("d1")
        await client.aclose()
    assert delivered(page.items[0]).people[0].emails[0].grade is grade
