"""Every Salesforce operation through the common table of cases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
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
ROOT = "/services/data/{version}"
NOBODY, LAST = "003000000000000AAA", "003zzzzzzzzzzzzAAA"
KEYED = {"LastName": "Ny", "OpenProspect_Id__c": "op-suite"}
WRITES = [Write(NOBODY, {"Title": "CTO"})]


def done(told: Any) -> bool:
    return {one.outcome for one in told.values()} == {Written.DONE}


def gone(told: Any) -> bool:
    return bool(told[NOBODY].outcome is Written.GONE)


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


ROWS = [
    CrmRow(
        org.VERSIONS,
        "/services/data",
        lambda crm, _: crm.account_status(),
        needed="version",
        renewed=True,
        grants=True,
        good=lambda told: "newest" in told.notes[-1],
    ),
    CrmRow(
        org.LIMITS,
        f"{ROOT}/limits",
        lambda crm, _: crm.account_status(),
        renewed=True,
        good=lambda told: "left" in told.notes[0],
    ),
    CrmRow(
        org.DESCRIBE,
        f"{ROOT}/sobjects/{{object}}/describe",
        lambda crm, _: crm.properties("contact"),
        needed="fields",
        renewed=True,
        grants=True,
    ),
    CrmRow(
        org.QUERY,
        f"{ROOT}/query",
        lambda crm, _: crm.walk(WATCHED, ""),
        needed="records",
        renewed=True,
        grants=True,
        good=lambda page: page.records,
        miss=lambda crm, _: crm.walk(WATCHED, LAST),
        missed=lambda page: page.done and not page.records,
    ),
    CrmRow(
        org.QUERY_ALL,
        f"{ROOT}/queryAll",
        lambda crm, _: crm.read(WATCHED, [NOBODY]),
        needed="records",
        renewed=True,
        grants=True,
        good=lambda found: found[NOBODY].fate is Fate.GONE,
        miss=lambda crm, _: crm.read(WATCHED, [NOBODY]),
        missed=lambda found: found[NOBODY].fate is Fate.GONE,
    ),
    CrmRow(
        org.UPDATE,
        f"{ROOT}/composite/sobjects",
        write,
        renewed=True,
        good=done,
        miss=lambda crm, _: crm.write("contact", WRITES),
        missed=gone,
    ),
    CrmRow(
        org.DELETE,
        f"{ROOT}/composite/sobjects",
        archive,
        renewed=True,
        good=lambda gone: len(gone) == 1,
        miss=lambda crm, _: crm.archive("contact", [NOBODY]),
        missed=lambda gone: not gone,
    ),
    CrmRow(
        org.UPSERT,
        f"{ROOT}/sobjects/{{object}}/{{field}}/{{value}}",
        lambda crm, ticket: crm.create("contact", KEYED, ticket),
        needed="id",
        renewed=True,
    ),
    CrmRow(
        org.CREATE,
        f"{ROOT}/sobjects/{{object}}",
        lambda crm, ticket: crm.create("contact", {"LastName": "Ny"}, ticket),
        needed="id",
        renewed=True,
    ),
]
STRICT = CrmRow(
    org.COMPOSITE,
    f"{ROOT}/composite",
    write,
    needed="compositeResponse",
    renewed=True,
    good=done,
    miss=lambda crm, _: crm.write("contact", WRITES),
    missed=gone,
)
MORE = CrmRow(
    org.MORE,
    f"{ROOT}/query/{{locator}}",
    read_all,
    needed="records",
    renewed=True,
    grants=True,
    good=lambda found: {one.fate for one in found.values()} == {Fate.FOUND},
)
LOGIN = CrmRow(TOKEN, TOKEN.path, lambda crm, _: crm.account_status(), needed="access_token", login=True)
EVERY = [*ROWS, STRICT, MORE]


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("salesforce", "--records", "12", "--companies", "4")


@pytest.fixture
def paged(sandbox: Sandbox) -> Iterator[None]:
    """The org gives its rows in two pages."""
    rows = len([one for one in sandbox.control("records/Contact") if not one["properties"]["IsDeleted"]])
    sandbox.control("settings", {"page_size": rows // 2 + 1})
    yield
    sandbox.control("settings", {"page_size": None})


@pytest.fixture
async def close() -> AsyncIterator[list[Salesforce]]:
    crms: list[Salesforce] = []
    yield crms
    for crm in crms:
        await crm.aclose()


def opened(sandbox: Sandbox, case: Case | None = None, **more: Any) -> Salesforce:
    values = {name: sandbox.info[name] for name in ("base_url", "client_id", "client_secret")}
    options = SalesforceOptions.model_validate(values | more)
    read_s = SILENCE_S if case is not None and case.kind == "hang" else 60
    return Salesforce.opened("acme", options, NoLimiter(), read_s=read_s)


@pytest.mark.parametrize("row", [*ROWS, STRICT, LOGIN], ids=lambda row: row.operation.name)
async def test_good(sandbox: Sandbox, close: list[Salesforce], row: CrmRow) -> None:
    crm = opened(sandbox, strict=row is STRICT)
    close.append(crm)
    await check_good(sandbox, crm, row)


@pytest.mark.usefixtures("paged")
@pytest.mark.parametrize("row", [MORE], ids=lambda row: row.operation.name)
async def test_a_second_page_is_good(sandbox: Sandbox, close: list[Salesforce], row: CrmRow) -> None:
    crm = opened(sandbox)
    close.append(crm)
    await check_good(sandbox, crm, row)


@pytest.mark.parametrize("row", [row for row in EVERY if row.miss], ids=lambda row: row.operation.name)
async def test_miss(sandbox: Sandbox, close: list[Salesforce], row: CrmRow) -> None:
    crm = opened(sandbox, strict=row is STRICT)
    close.append(crm)
    await check_miss(sandbox, crm, row)


@pytest.mark.parametrize("seeds", [ODD, pytest.param(ODDER, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("row", [*ROWS, STRICT, LOGIN], ids=lambda row: row.operation.name)
async def test_odd_reply_is_a_value_or_a_typed_error(
    sandbox: Sandbox, close: list[Salesforce], row: CrmRow, seeds: range
) -> None:
    crm = opened(sandbox, strict=row is STRICT)
    close.append(crm)
    if row is not LOGIN:
        await crm.properties("contact")
    await check_odd(sandbox, crm, row, row.route, seeds)


@pytest.mark.usefixtures("paged")
@pytest.mark.parametrize(("row", "case"), table([MORE]))
async def test_a_second_page_meets_each_case(
    sandbox: Sandbox, close: list[Salesforce], row: CrmRow, case: Case
) -> None:
    crm = opened(sandbox, case)
    close.append(crm)
    await check(sandbox, crm, row, case)


@pytest.mark.parametrize(("row", "case"), table(ROWS))
async def test_each_operation_meets_each_case(
    sandbox: Sandbox, close: list[Salesforce], row: CrmRow, case: Case
) -> None:
    crm = opened(sandbox, case)
    close.append(crm)
    await crm.properties("contact")
    await check(sandbox, crm, row, case)


@pytest.mark.parametrize(("row", "case"), table([STRICT]))
async def test_a_conditional_write_meets_each_case(
    sandbox: Sandbox, close: list[Salesforce], row: CrmRow, case: Case
) -> None:
    crm = opened(sandbox, case, strict=True)
    close.append(crm)
    await crm.properties("contact")
    await check(sandbox, crm, row, case)


@pytest.mark.parametrize(("row", "case"), table([LOGIN]))
async def test_a_login_meets_each_case(sandbox: Sandbox, close: list[Salesforce], row: CrmRow, case: Case) -> None:
    crm = opened(sandbox, case)
    close.append(crm)
    await check(sandbox, crm, row, case)


def test_no_operation_is_left_out() -> None:
    held = {value for value in vars(org).values() if isinstance(value, Operation)}
    assert held == {row.operation for row in EVERY}
