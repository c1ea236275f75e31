"""Every HubSpot operation through the common table of cases, in both generations of paths."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.hubspot import HubSpot, HubSpotOptions
from connectors.hubspot.operations import Calls, calls, token_call
from connectors.limits import NoLimiter
from connectors.models import Cursor, Write
from connectors.operations import Operation
from connectors.ports import Watched
from tests.contract.crm_suite import SILENCE_S, CrmRow, check, table
from tests.contract.sandbox import Sandbox, Start
from tests.contract.suite import Case

WATCHED = Watched("contact", ("email", "jobtitle"))


def rows(version: str) -> list[CrmRow]:
    of = calls(version)["contact"]

    def row(operation: Operation, call: Any, **more: Any) -> CrmRow:
        return CrmRow(
            operation, operation.path.replace("contacts", "{object}").replace("/companies", "/{to}"), call, **more
        )

    return [
        row(of.list, lambda crm, _: crm.walk(WATCHED, ""), needed="results"),
        row(of.read, lambda crm, _: crm.read(WATCHED, ["1"]), needed="results"),
        row(of.write, lambda crm, _: crm.write("contact", [Write("1", {"jobtitle": "CTO"})]), needed="results"),
        row(of.create, lambda crm, ticket: crm.create("contact", {"lastname": "Ny"}, ticket), needed="id"),
        row(of.search, lambda crm, _: crm.changed(WATCHED, Cursor(start=1, end=2)), needed="results"),
        row(of.properties, lambda crm, _: crm.properties("contact"), needed="results"),
        row(of.property, lambda crm, _: crm.standing(), blind=True),
        row(of.define, lambda crm, _: crm.setup("contact", ("openprospect_id",)), blind=True),
    ]


async def link(crm: HubSpot) -> None:
    people = await crm.walk(WATCHED, "")
    companies = await crm.walk(Watched("company", ("name",)), "")
    await crm.link("contact", [(people.records[0].id, companies.records[0].id)])


def link_row(version: str) -> CrmRow:
    operation = calls(version)["contact"].link
    route = operation.path.replace("contacts/companies", "{from}/{to}")
    return CrmRow(operation, route, lambda crm, _: link(crm))


def login_row(version: str) -> CrmRow:
    operation = token_call(version)
    return CrmRow(operation, operation.path, lambda crm, _: crm.standing(), needed="access_token", login=True)


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("hubspot", "--records", "4", "--companies", "2")


async def opened(sandbox: Sandbox, version: str, case: Case, *, oauth: bool = False) -> HubSpot:
    info = sandbox.info
    names = ("client_id", "client_secret", "refresh_token") if oauth else ("token",)
    values: dict[str, Any] = {"name": "acme", "base_url": info["base_url"], "api_version": version}
    values |= {name: info[name] for name in names}
    if case.kind == "hang":
        values["read_s"] = SILENCE_S
    return HubSpot.opened(HubSpotOptions.model_validate(values), NoLimiter())


@pytest.fixture
async def close() -> AsyncIterator[list[HubSpot]]:
    crms: list[HubSpot] = []
    yield crms
    for crm in crms:
        await crm.aclose()


@pytest.mark.parametrize(("row", "case"), table([*rows("2026-09"), link_row("2026-09")]))
async def test_each_operation_meets_each_case(sandbox: Sandbox, close: list[HubSpot], row: CrmRow, case: Case) -> None:
    crm = await opened(sandbox, "2026-09", case)
    close.append(crm)
    await crm.properties("contact")
    await check(sandbox, crm, row, case)


@pytest.mark.parametrize(("row", "case"), table([*rows("v3"), link_row("v3")]))
async def test_each_numbered_operation_meets_each_case(
    sandbox: Sandbox, close: list[HubSpot], row: CrmRow, case: Case
) -> None:
    crm = await opened(sandbox, "v3", case)
    close.append(crm)
    await crm.properties("contact")
    await check(sandbox, crm, row, case)


@pytest.mark.parametrize(("row", "case"), table([login_row("2026-09"), login_row("v3")]))
async def test_a_login_meets_each_case(sandbox: Sandbox, close: list[HubSpot], row: CrmRow, case: Case) -> None:
    crm = await opened(sandbox, "v3" if "v3" in row.route else "2026-09", case, oauth=True)
    close.append(crm)
    await check(sandbox, crm, row, case)


def test_no_operation_is_left_out() -> None:
    told = {row.operation for row in [*rows("v3"), link_row("v3")]}
    assert told == {getattr(calls("v3")["contact"], name) for name in Calls.__slots__}
