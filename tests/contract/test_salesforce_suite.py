"""Every Salesforce operation through the common table of cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.limits import NoLimiter
from connectors.models import Write
from connectors.operations import Operation
from connectors.ports import Watched
from connectors.salesforce import Salesforce, SalesforceOptions, org
from connectors.salesforce.tokens import TOKEN
from tests.contract.crm_suite import SILENCE_S, CrmRow, check, table
from tests.contract.sandbox import Sandbox, Start
from tests.contract.suite import Case

WATCHED = Watched("contact", ("Email", "Title"))
ROOT = "/services/data/{version}"
NOBODY = "003000000000000AAA"
KEYED = {"LastName": "Ny", "OpenProspect_Id__c": "op-suite"}
WRITES = [Write(NOBODY, {"Title": "CTO"})]

ROWS = [
    CrmRow(org.WHO, "/services/oauth2/userinfo", lambda crm, _: crm.standing(), renewed=True),
    CrmRow(org.LIMITS, f"{ROOT}/limits", lambda crm, _: crm.standing(), renewed=True),
    CrmRow(
        org.DESCRIBE,
        f"{ROOT}/sobjects/{{object}}/describe",
        lambda crm, _: crm.properties("contact"),
        needed="fields",
        renewed=True,
    ),
    CrmRow(org.QUERY, f"{ROOT}/query", lambda crm, _: crm.walk(WATCHED, ""), needed="records", renewed=True),
    CrmRow(
        org.QUERY_ALL, f"{ROOT}/queryAll", lambda crm, _: crm.read(WATCHED, [NOBODY]), needed="records", renewed=True
    ),
    CrmRow(org.UPDATE, f"{ROOT}/composite/sobjects", lambda crm, _: crm.write("contact", WRITES), renewed=True),
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
    lambda crm, _: crm.write("contact", WRITES),
    needed="compositeResponse",
    renewed=True,
)
LOGIN = CrmRow(TOKEN, TOKEN.path, lambda crm, _: crm.standing(), needed="access_token", login=True)


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("salesforce", "--records", "12", "--companies", "4")


@pytest.fixture
async def close() -> AsyncIterator[list[Salesforce]]:
    crms: list[Salesforce] = []
    yield crms
    for crm in crms:
        await crm.aclose()


def opened(sandbox: Sandbox, case: Case, **more: Any) -> Salesforce:
    values = {name: sandbox.info[name] for name in ("base_url", "client_id", "client_secret")}
    values |= {"name": "acme", **more} | ({"read_s": SILENCE_S} if case.kind == "hang" else {})
    return Salesforce.opened(SalesforceOptions.model_validate(values), NoLimiter())


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
    told = {row.operation for row in [*ROWS, STRICT]}
    held = {value for value in vars(org).values() if isinstance(value, Operation)}
    assert held - told == {org.MORE}  # met by the reads of many rows
