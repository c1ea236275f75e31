"""Puts every HubSpot operation through the common table of cases, in both generations of paths."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.hubspot.client import HubSpot
from connectors.hubspot.operations import Calls, calls, token_call
from connectors.hubspot.options import HubSpotOptions
from connectors.hubspot.paths import PATHS
from connectors.limits import NoLimiter
from connectors.models import Cursor, Fate, Write, Written
from connectors.operations import Operation
from connectors.ports import Watched
from tests.contract.crm_suite import SILENCE_S, CrmRow, check, check_good, check_miss, table
from tests.contract.suite import ODD, ODDER, Case, check_odd
from tests.contract.wire import KeptTicket
from tests.harness.sandbox import Sandbox, Start

WATCHED = Watched("contact", ("email", "jobtitle"))
NOBODY = "999999999"
LATE = 4_102_444_800_000  # the year 2100, in ms


def named(value: object) -> str:
    return value.operation.name if isinstance(value, CrmRow) else str(value)


def some(page: Any) -> bool:
    return bool(page.records)


def nobody(page: Any) -> bool:
    return bool(page.done and not page.records)


def rows(version: str) -> list[CrmRow]:
    of = calls(version)["contact"]

    def row(operation: Operation, call: Any, **more: Any) -> CrmRow:
        return CrmRow(
            operation, operation.path.replace("contacts", "{object}").replace("/companies", "/{to}"), call, **more
        )

    return [
        row(
            of.list,
            lambda crm, _: crm.walk(WATCHED, ""),
            needed="results",
            grants=True,
            good=some,
            miss=lambda crm, _: crm.walk(WATCHED, NOBODY),
            missed=nobody,
        ),
        row(
            of.read,
            read,
            needed="results",
            good=lambda found: {one.fate for one in found.values()} == {Fate.FOUND},
            miss=lambda crm, _: crm.read(WATCHED, [NOBODY]),
            missed=lambda found: found[NOBODY].fate is Fate.GONE,
        ),
        row(
            of.write,
            write,
            needed="results",
            good=lambda told: {one.outcome for one in told.values()} == {Written.DONE},
            miss=lambda crm, _: crm.write("contact", [Write(NOBODY, {"jobtitle": "CTO"})]),
            missed=lambda told: told[NOBODY].outcome is Written.GONE,
        ),
        row(of.archive, archive, blind=True, bodiless=True, good=lambda gone: len(gone) == 1),
        row(of.create, lambda crm, ticket: crm.create("contact", {"lastname": "Ny"}, ticket), needed="id"),
        row(
            of.search,
            lambda crm, _: crm.changed(WATCHED, Cursor(start=1, end=LATE)),
            needed="results",
            grants=True,
            again=True,
            good=some,
            miss=lambda crm, _: crm.changed(WATCHED, Cursor(start=1, end=2)),
            missed=nobody,
        ),
        row(of.properties, lambda crm, _: crm.properties("contact"), needed="results", grants=True),
        row(
            of.property,
            lambda crm, _: crm.account_status(),
            blind=True,
            good=lambda told: told.who == "acme",
            miss=lambda crm, _: crm.account_status(),
            missed=lambda told: told.notes == (),
        ),
        row(
            of.define,
            lambda crm, _: crm.setup("contact", ("refill_source",)),
            blind=True,
            good=lambda told: "refill_source" in told,
            miss=lambda crm, _: crm.setup("contact", ("openprospect_id",)),
            missed=lambda told: "was there already" in told,
        ),
    ]


async def read(crm: HubSpot, _ticket: KeptTicket) -> object:
    page = await crm.walk(WATCHED, "")
    return await crm.read(WATCHED, [page.records[0].id])


async def write(crm: HubSpot, _ticket: KeptTicket) -> object:
    page = await crm.walk(WATCHED, "")
    return await crm.write("contact", [Write(page.records[0].id, {"jobtitle": "CTO"})])


async def archive(crm: HubSpot, _ticket: KeptTicket) -> object:
    return await crm.archive("contact", [NOBODY])  # HubSpot says nothing of rows that are not there


async def link(crm: HubSpot) -> None:
    people = await crm.walk(WATCHED, "")
    companies = await crm.walk(Watched("company", ("name",)), "")
    await crm.link("contact", [(people.records[0].id, companies.records[0].id)])


def link_row(version: str) -> CrmRow:
    operation = calls(version)["contact"].link
    route = operation.path.replace("contacts/companies", "{from}/{to}")
    return CrmRow(operation, route, lambda crm, _: link(crm), good=lambda told: told is None)


async def linked(crm: HubSpot) -> object:
    companies = await crm.walk(Watched("company", ("name",)), "")
    return await crm.attached([companies.records[0].id])


def linked_row(version: str) -> CrmRow:
    operation = calls(version)["company"].linked
    route = operation.path.replace("companies/contacts", "{from}/{to}")
    return CrmRow(
        operation,
        route,
        lambda crm, _: linked(crm),
        needed="results",
        good=lambda found: len(found) == 1,
        miss=lambda crm, _: crm.attached([NOBODY]),
        missed=lambda found: found == {NOBODY: frozenset()},
    )


def login_row(version: str) -> CrmRow:
    operation = token_call(version)
    return CrmRow(operation, operation.path, lambda crm, _: crm.account_status(), needed="access_token", login=True)


EVERY = [(version, row) for version in PATHS for row in [*rows(version), link_row(version), linked_row(version)]]
LOGINS = [(version, login_row(version)) for version in PATHS]
VERSION = {id(row): version for version, row in [*EVERY, *LOGINS]}
TROUBLE = [
    pytest.param(VERSION[id(one.values[0])], *one.values, id=f"{VERSION[id(one.values[0])]}-{one.id}", marks=one.marks)
    for one in table([row for _, row in [*EVERY, *LOGINS]])
]


NEWEST = [(version, row) for version, row in [*EVERY, *LOGINS] if version == "2026-09"]


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("hubspot", "--records", "4", "--companies", "2")


@pytest.fixture
async def crm(sandbox: Sandbox, version: str, row: CrmRow, request: pytest.FixtureRequest) -> AsyncIterator[HubSpot]:
    """Opens a client; it has read the schema before anything is spoiled, unless the row is about the login."""
    params = request.node.callspec.params
    names = ("client_id", "client_secret", "refresh_token") if row.login else ("token",)
    values: dict[str, Any] = {"api_version": version} | {name: sandbox.info[name] for name in ("base_url", *names)}
    read_s = SILENCE_S if getattr(params.get("case"), "kind", "") == "hang" else 60
    client = HubSpot.opened("acme", HubSpotOptions.model_validate(values), NoLimiter(), read_s=read_s)
    if params.keys() & {"case", "seeds"} and not row.login:
        await client.properties("contact")
    yield client
    await client.aclose()


@pytest.mark.parametrize(("version", "row"), [*EVERY, *LOGINS], ids=named)
async def test_good(sandbox: Sandbox, crm: HubSpot, row: CrmRow) -> None:
    await check_good(sandbox, crm, row)


@pytest.mark.parametrize(("version", "row"), [one for one in EVERY if one[1].miss], ids=named)
async def test_miss(sandbox: Sandbox, crm: HubSpot, row: CrmRow) -> None:
    await check_miss(sandbox, crm, row)


@pytest.mark.parametrize("seeds", [ODD, pytest.param(ODDER, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize(("version", "row"), NEWEST, ids=named)
async def test_odd_reply_is_a_value_or_an_error(sandbox: Sandbox, crm: HubSpot, row: CrmRow, seeds: range) -> None:
    await check_odd(sandbox, crm, row, row.route, seeds)


@pytest.mark.parametrize(("version", "row", "case"), TROUBLE)
async def test_trouble(sandbox: Sandbox, crm: HubSpot, row: CrmRow, case: Case) -> None:
    await check(sandbox, crm, row, case)


def test_no_operation_is_left_out() -> None:
    told = {row.operation for row in [*rows("v3"), link_row("v3"), linked_row("v3")]}
    of_contacts = {getattr(calls("v3")["contact"], name) for name in Calls.__struct_fields__ if name != "linked"}
    assert told == of_contacts | {calls("v3")["company"].linked}
