"""Puts every Salesforce operation through the common table of cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.limits import NoLimiter
from connectors.models import Fate, Write, Written
from connectors.operations import Operation
from connectors.ports import Watched
from connectors.salesforce import org
from connectors.salesforce.client import Salesforce
from connectors.salesforce.options import SalesforceOptions
from connectors.salesforce.tokens import TOKEN
from tests.contract.crm_suite import SILENCE_S, CrmRow, check, check_good, check_miss, table
from tests.contract.suite import ODD, ODDER, Case, check_odd
from tests.contract.wire import KeptTicket
from tests.harness.sandbox import Sandbox, Start

WATCHED = Watched("contact", ("Email", "Title"))
NOBODY, LAST = "003000000000000AAA", "003zzzzzzzzzzzzAAA"
KEYED = {"LastName": "Ny", "OpenProspect_Id__c": "op-suite"}


def row(operation: Operation, path: str, call: Any, needed: str = "", **more: Any) -> CrmRow:
    return CrmRow(operation, f"/services/data{path}", call, needed, renewed=True, **more)


def done(told: Any) -> bool:
    return {one.outcome for one in told.values()} == {Written.DONE}


def gone(told: Any) -> bool:
    return bool(told[NOBODY].outcome is Written.GONE)


def lost(found: Any) -> bool:
    return bool(found[NOBODY].fate is Fate.GONE)


async def read_all(crm: Salesforce, _ticket: KeptTicket) -> object:
    ids: list[str] = []
    after, is_last = "", False
    while not is_last:
        page = await crm.walk(WATCHED, after)
        ids += [record.id for record in page.records]
        after, is_last = page.cursor.id, page.done
    return await crm.read(WATCHED, ids)


async def archive(crm: Salesforce, _ticket: KeptTicket) -> object:
    made = await crm.create("contact", {"LastName": "Archived"}, KeptTicket())  # the next case needs its row, too
    return await crm.archive("contact", [made])


async def write(crm: Salesforce, _ticket: KeptTicket) -> object:
    page = await crm.walk(WATCHED, "")
    return await crm.write("contact", [Write(page.records[0].id, {"Title": "CTO"})])


async def read_nobody(crm: Salesforce, _ticket: KeptTicket) -> object:
    return await crm.read(WATCHED, [NOBODY])


async def write_nobody(crm: Salesforce, _ticket: KeptTicket) -> object:
    return await crm.write("contact", [Write(NOBODY, {"Title": "CTO"})])


async def status(crm: Salesforce, _ticket: KeptTicket) -> object:
    return await crm.account_status()


AT = "/{version}"
ROWS = [
    row(org.VERSIONS, "", status, "version", grants=True, good=lambda told: "newest" in told.notes[-1]),
    row(org.LIMITS, f"{AT}/limits", status, grants=True, good=lambda told: "left" in told.notes[0]),
    row(
        org.DESCRIBE,
        f"{AT}/sobjects/{{object}}/describe",
        lambda crm, _: crm.properties("contact"),
        "fields",
        grants=True,
    ),
    row(
        org.QUERY,
        f"{AT}/query",
        lambda crm, _: crm.walk(WATCHED, ""),
        "records",
        grants=True,
        good=lambda page: page.records,
        miss=lambda crm, _: crm.walk(WATCHED, LAST),
        missed=lambda page: page.done and not page.records,
    ),
    row(org.QUERY_ALL, f"{AT}/queryAll", read_nobody, "records", grants=True, good=lost, miss=read_nobody, missed=lost),
    row(org.UPDATE, f"{AT}/composite/sobjects", write, good=done, miss=write_nobody, missed=gone),
    row(
        org.DELETE,
        f"{AT}/composite/sobjects",
        archive,
        good=lambda gone: len(gone) == 1,
        miss=lambda crm, _: crm.archive("contact", [NOBODY]),
        missed=lambda gone: not gone,
    ),
    row(
        org.UPSERT,
        f"{AT}/sobjects/{{object}}/{{field}}/{{value}}",
        lambda crm, ticket: crm.create("contact", KEYED, ticket),
        "id",
    ),
    row(
        org.CREATE,
        f"{AT}/sobjects/{{object}}",
        lambda crm, ticket: crm.create("contact", {"LastName": "Ny"}, ticket),
        "id",
    ),
]
STRICT = row(org.COMPOSITE, f"{AT}/composite", write, "compositeResponse", good=done, miss=write_nobody, missed=gone)
MORE = row(
    org.MORE,
    f"{AT}/query/{{locator}}",
    read_all,
    "records",
    grants=True,
    good=lambda found: {one.fate for one in found.values()} == {Fate.FOUND},
)
LOGIN = CrmRow(TOKEN, TOKEN.path, status, needed="access_token", login=True)
EVERY = [*ROWS, STRICT, MORE]
EACH = pytest.mark.parametrize("row", [*EVERY, LOGIN], ids=lambda row: row.operation.name)


@pytest.fixture
async def sandbox(start_sandbox: Start, row: CrmRow) -> AsyncIterator[Sandbox]:
    """Starts an org; it gives its rows in two pages where the row is about the second."""
    org = start_sandbox("salesforce", "--records", "12", "--companies", "4")
    if row is MORE:
        rows = len([one for one in org.control("records/Contact") if not one["properties"]["IsDeleted"]])
        org.control("settings", {"page_size": rows // 2 + 1})
    yield org
    org.control("settings", {"page_size": None})


@pytest.fixture
async def crm(sandbox: Sandbox, row: CrmRow, request: pytest.FixtureRequest) -> AsyncIterator[Salesforce]:
    """Opens a client; it has read the schema, unless the row is about what comes before or beside that."""
    params = request.node.callspec.params
    values = {name: sandbox.info[name] for name in ("base_url", "client_id", "client_secret")}
    options = SalesforceOptions.model_validate(values | {"strict": row is STRICT})
    read_s = SILENCE_S if getattr(params.get("case"), "kind", "") == "hang" else 60
    client = Salesforce.opened("acme", options, NoLimiter(), read_s=read_s)
    if params.keys() & {"case", "seeds"} and row not in (LOGIN, MORE):
        await client.properties("contact")
    yield client
    await client.aclose()


@EACH
async def test_good(sandbox: Sandbox, crm: Salesforce, row: CrmRow) -> None:
    await check_good(sandbox, crm, row)


@pytest.mark.parametrize("row", [row for row in EVERY if row.miss], ids=lambda row: row.operation.name)
async def test_miss(sandbox: Sandbox, crm: Salesforce, row: CrmRow) -> None:
    await check_miss(sandbox, crm, row)


@pytest.mark.parametrize("seeds", [ODD, pytest.param(ODDER, marks=pytest.mark.slow)], ids=["few", "many"])
@EACH
async def test_odd_reply_is_a_value_or_an_error(sandbox: Sandbox, crm: Salesforce, row: CrmRow, seeds: range) -> None:
    await check_odd(sandbox, crm, row, row.route, seeds)


@pytest.mark.parametrize(("row", "case"), [*table(ROWS), *table([STRICT]), *table([MORE]), *table([LOGIN])])
async def test_trouble(sandbox: Sandbox, crm: Salesforce, row: CrmRow, case: Case) -> None:
    await check(sandbox, crm, row, case)


def test_no_operation_is_left_out() -> None:
    held = {value for value in vars(org).values() if isinstance(value, Operation)}
    assert held == {row.operation for row in EVERY}
