"""Puts the calls that a CRM's methods make through the common table of cases, one route at a time."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.errors import AccessError, ContractError, SignInUnavailableError, UnavailableError
from connectors.models import Cursor, Page
from connectors.operations import Operation, Repeat
from connectors.ports import Crm, Watched
from connectors.transport import RENEWALS
from tests.contract.suite import Case, crossed
from tests.contract.wire import KeptTicket
from tests.harness.sandbox import Sandbox

FRESH = itertools.count(1)
SILENCE_S = 0.15  # longer than any answer of the sandbox takes, short enough to wait for


@dataclass(frozen=True)
class CrmRow:
    """One operation, the sandbox's name of its route, and the method that makes just this call.

    ``good`` judges what the ordinary call gives; ``miss`` is a call about what is not there, ``missed`` judges that.
    ``needed`` is the member its answer cannot do without; ``blind`` operations do not look at a success's body;
    ``renewed`` says that a 401 is answered with a fresh token and one more try, twice. A ``login`` is sent
    on behalf of a repeatable call, and every refusal of it is for an operator. ``grants`` says that a 404 is about
    us, such as a right that is lacking, and about no record; ``again`` that it is then asked once more, with a fresh
    schema.
    """

    operation: Operation
    route: str
    call: Callable[[Any, KeptTicket], Awaitable[object]]
    needed: str = ""
    blind: bool = False
    bodiless: bool = False  # a success has no body that could be cut
    renewed: bool = False
    login: bool = False
    grants: bool = False
    again: bool = False
    good: Callable[[Any], bool] = bool
    miss: Callable[[Any, KeptTicket], Awaitable[object]] | None = None
    missed: Callable[[Any], bool] = bool


async def ids_found(
    crm: Any, object: str, property: str, values: Sequence[str], read: Callable[[str], str] = str.casefold
) -> dict[str, tuple[str, ...]]:
    """Ids of the rows that ``find`` gives per value."""
    found = await crm.find(object, property, values, (), read)
    return {value: tuple(row.id for row in rows) for value, rows in found.items()}


async def drained(crm: Crm, watched: Watched, cursor: Cursor) -> tuple[list[str], Page]:
    """Returns the ids that a poll sees to its end, and its last page."""
    seen: list[str] = []
    while True:
        page = await crm.changed(watched, cursor)
        seen += [record.id for record in page.records]
        cursor = page.cursor
        if page.done:
            return seen, page


def table(rows: Sequence[CrmRow]) -> list[Any]:
    """Every row with every case."""
    return crossed(rows, lambda row: (row.operation.method, row.operation.repeat, row.blind, row.renewed, row.login))


def received(sandbox: Sandbox, row: CrmRow) -> int:
    """Counts how often the row's call has come."""
    return sum(1 for one in sandbox.requests(row.route) if one["method"] == row.operation.method)


async def check_good(sandbox: Sandbox, crm: Any, row: CrmRow) -> None:
    """The ordinary call: its answer, one request, a stored ticket."""
    sandbox.control("reset-books", {})
    ticket = KeptTicket()
    value = await row.call(crm, ticket)
    assert row.good(value), value
    assert received(sandbox, row) == 1
    if row.operation.repeat is Repeat.CREATES and not row.login:
        assert ticket.steps == ["sent", "stored"]


async def check_miss(sandbox: Sandbox, crm: Any, row: CrmRow) -> None:
    """A call about what is not there is answered and no error."""
    assert row.miss is not None
    sandbox.control("reset-books", {})
    value = await row.miss(crm, KeptTicket())
    assert row.missed(value), value
    assert received(sandbox, row) == 1


async def check(sandbox: Sandbox, crm: Any, row: CrmRow, case: Case) -> None:
    """Run one cell: the error class, the ticket's end, and how many requests the sandbox received."""
    params = dict(case.more)
    if case.kind == "missing_field":
        params["params"] = {"field": row.needed or "zz_none"}
    sandbox.control("reset-books", {})
    sandbox.fault(case.kind, row.route, method=row.operation.method, **params)
    error, count, end = _expected(row, case)
    ticket = KeptTicket()
    if error is None:
        await row.call(crm, ticket)
    else:
        with pytest.raises(error) as caught:
            await row.call(crm, ticket)
        assert type(caught.value) is error
        assert getattr(caught.value, "operation", "") == row.operation.name
    assert received(sandbox, row) == count
    if row.operation.repeat is Repeat.CREATES and not row.login:
        assert ticket.steps == ["sent", end]


def _expected(row: CrmRow, case: Case) -> tuple[type[Exception] | None, int, str]:
    error: type[Exception] | None
    if row.operation.repeat is Repeat.UPDATES:
        (error, _), end, count = case.safe, "", 1
        if case.name == "401" and row.renewed:  # a fresh token is there: whoever reads the record again may write
            error = UnavailableError
    elif row.operation.repeat is Repeat.SAFE or row.login:
        (error, count), end = case.safe, ""
        count += RENEWALS if case.name == "401" and row.renewed else 0
    else:
        (error, end), count = case.once, 1
        if case.name == "401" and row.renewed:  # a fresh token is there: the next visit may try
            error = UnavailableError
    if row.bodiless and case.name in {"cut body", "reset mid-body"}:
        error = None
    if row.login and case.name in {"401", "402", "403", "404", "409"}:
        error = AccessError
    if row.grants and case.name == "404":
        error, count = AccessError, count + row.again
    if row.login and error is ContractError:
        error, count = UnavailableError, 3  # a page in front of the token endpoint, say: it is asked again
    if row.login and error is UnavailableError:
        error = SignInUnavailableError  # which blames neither the call's record nor the credential
    if case.more.get("params", {}).get("status", 0) in row.operation.misses:
        error = None
    if error is ContractError and (row.blind or (case.kind == "missing_field" and not row.needed)):
        error = None
    return error, count, end


async def check_part_of_a_text(crm: Crm, property: str, made: Callable[[str], str]) -> None:
    """Rows are found by a part of what a property holds. ``made`` gives the id of a row that holds a text."""
    marks = [f"part-{next(FRESH)}-{id(crm)}x" for _ in range(7)]
    ids = [made(f"https://de.linkedin.com/in/{mark}?trk=a_b%20c") for mark in marks]
    whole, near = made(f"linkedin.com/in/whole-{marks[0]}"), made("https://de.linkedin.com/in/part")
    exact = [f"linkedin.com/in/whole-{marks[0]}"]
    found = await crm.find_containing("contact", property, exact, [*marks, exact[0]])
    assert {row.id for row in found} >= {*ids, whole}
    assert near not in {row.id for row in found}
    assert await crm.find_containing("contact", property, [], ["nobody-has-this_"]) == ()


async def check_staff(crm: Crm, who: tuple[str, str], only: str) -> None:
    """Of a company's people the one with the last name is found, whoever else is asked for."""
    company, last = who
    found = await crm.staff("contact", [who, *((company, f"No{n}") for n in range(7))])
    assert [(row.id, row.company_id) for row in found] == [(only, company)]
    assert await crm.staff("lead", [(company, last)]) == ()
