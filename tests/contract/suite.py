"""Puts every operation of every vendor through the same cases, as one table: operation x case.

A row says how an operation is called and what of its answer is needed; a case says what goes wrong and what must
come of it for calls that may be repeated and for those that may not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import pytest

from connectors.errors import (
    AccessError,
    ConflictError,
    ConnectorError,
    ContractError,
    CreditsError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    UnavailableError,
)
from connectors.operations import Operation, Repeat
from tests.contract.wire import KeptTicket
from tests.harness.sandbox import Sandbox


class HasOperation(Protocol):
    """A row of any of the tables."""

    @property
    def operation(self) -> Operation: ...


T = TypeVar("T")
R = TypeVar("R", bound=HasOperation)
HANG_S = 0.1
ODD_S = 30.0  # a Retry-After that is obeyed is no fault; an endless loop is
Call = Callable[[Any, KeptTicket], Awaitable[object]]


@dataclass(frozen=True)
class Row:
    """One operation. ``needed`` is the field its answer cannot do without, ``""`` when there is none.

    ``good`` judges the ordinary answer; ``miss`` is a call that finds nobody, with what it then gives. ``blind``
    operations do not look at the body of a success.
    """

    operation: Operation
    call: Call
    good: Callable[[Any], bool] = bool
    needed: str = ""
    miss: Call | None = None
    missed: object = None
    blind: bool = False


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong.

    ``safe`` is the error and the number of requests of a repeatable call, ``once`` the error and the ticket's end of
    one that is not.
    """

    name: str
    kind: str
    safe: tuple[type[ConnectorError] | None, int]
    once: tuple[type[ConnectorError] | None, str]
    more: dict[str, Any] = field(default_factory=dict)


def _status(
    status: int, error: type[ConnectorError], *, tries: int = 1, name: str = "", headers: dict[str, str] | None = None
) -> Case:
    end: tuple[type[ConnectorError], str] = (error, "released")
    if status >= 500 or status == 408:
        end = (OutcomeUnknownError, "uncertain")
    params = {"status": status, "body": {"detail": "no"}, "headers": headers or {}}
    return Case(name or str(status), "status", (error, tries), end, {"params": params})


def _lost(name: str, kind: str) -> Case:
    return Case(name, kind, (UnavailableError, 3), (OutcomeUnknownError, "uncertain"))


READABLE = {"unknown field"}
UNREADABLE = {"truncated json", "html with 200", "missing needed field"}
CASES = (
    _status(401, AccessError),
    _status(402, CreditsError),
    _status(403, AccessError),
    _status(404, NotFoundError),
    _status(409, ConflictError),
    _status(429, RateLimitedError, tries=3, name="429 with retry-after", headers={"Retry-After": "1"}),
    _status(429, RateLimitedError, tries=3, name="429"),
    _status(500, UnavailableError, tries=3),
    _status(503, UnavailableError, tries=3),
    _lost("timeout", "hang"),
    _lost("close after the whole request", "close"),
    _lost("reset after the whole request", "reset"),
    _lost("reset mid-body", "reset_mid_body"),
    _lost("cut body", "cut_body"),
    _lost("garbled status line", "garbled_status"),
    Case("truncated json", "truncated_json", (ContractError, 1), (ContractError, "stored")),
    Case("html with 200", "html", (ContractError, 1), (ContractError, "stored")),
    Case(
        "unknown field", "extra_field", (None, 1), (None, "stored"), {"params": {"name": "zz_new", "value": {"a": [1]}}}
    ),
    Case("missing needed field", "missing_field", (ContractError, 1), (ContractError, "stored")),
)


def table(rows: Sequence[Row]) -> list[Any]:
    """The pytest parameters: every row with every case."""
    return crossed(rows, lambda row: (row.operation.method, row.operation.repeat, row.blind))


def crossed(rows: Sequence[R], kind: Callable[[R], object]) -> list[Any]:
    """The rows with the cases as pytest parameters.

    What a status or a broken wire comes to is decided by code that all rows of a kind share: the first of them meets
    those cases in every run, the others in make slow and make contract-table. What is read of an answer is each row's.
    """
    firsts = {kind(row): row for row in reversed(rows)}
    return [
        pytest.param(
            row,
            case,
            id=f"{row.operation.name}-{case.name.replace(' ', '_')}",
            marks=() if firsts[kind(row)] is row or _is_own(row, case) else (pytest.mark.slow,),
        )
        for row in rows
        for case in CASES
    ]


def _is_own(row: HasOperation, case: Case) -> bool:
    """Whether an operation has a say in what a case comes to."""
    status = case.more.get("params", {}).get("status", 0)
    return case.name in READABLE | UNREADABLE or status in row.operation.misses


def route_of(sandbox: Sandbox, operation: Operation) -> str:
    """The sandbox's name for an operation's path."""
    return urlsplit(sandbox.base_url).path + operation.path


def prepare(sandbox: Sandbox, row: Row, case: Case) -> None:
    """Arrange for the case on the row's route only."""
    more = dict(case.more)
    if case.kind == "missing_field":
        more["params"] = {"field": row.needed or "zz_none"}
    sandbox.fault(case.kind, route_of(sandbox, row.operation), method=row.operation.method, **more)


def expected(row: Row, case: Case) -> tuple[type[ConnectorError] | None, int, str]:
    """Error class, requests received and ticket's end."""
    operation = row.operation
    if operation.repeat is Repeat.SAFE:
        (error, count), end = case.safe, ""
    else:
        (error, end), count = case.once, 1
    status = case.more.get("params", {}).get("status", 0)
    if status in operation.misses:
        error, end = None, end and "stored"
    if error is ContractError and (row.blind or (case.kind == "missing_field" and not row.needed)):
        error = None
    return error, count, end


async def check(sandbox: Sandbox, client: Any, row: Row, case: Case, tries_429: int = 3) -> None:
    """Run one cell of the table."""
    prepare(sandbox, row, case)
    error, count, end = expected(row, case)
    if case.name == "429" and row.operation.repeat is Repeat.SAFE:
        count = tries_429
    ticket = KeptTicket()
    if error is None:
        value = await row.call(client, ticket)
        assert case.name not in READABLE or row.good(value)
    else:
        with pytest.raises(error) as caught:
            await row.call(client, ticket)
        assert type(caught.value) is error
        assert caught.value.operation == row.operation.name
    assert sandbox.wait_for_requests(route_of(sandbox, row.operation), count, row.operation.method) == count
    if row.operation.repeat is Repeat.PAID:
        assert ticket.steps == ["sent", end]
    if end == "released":
        assert sandbox.charges() == []


async def check_good(sandbox: Sandbox, client: Any, row: Row) -> None:
    """The ordinary call: one request, its answer, a stored ticket, at most the worst price charged."""
    ticket = KeptTicket()
    value = await row.call(client, ticket)
    assert row.good(value), value
    assert len(sandbox.requests(route_of(sandbox, row.operation), row.operation.method)) == 1
    charged = sum(charge["credits"] for charge in sandbox.charges())
    assert charged <= row.operation.credits
    if row.operation.repeat is Repeat.PAID:
        assert ticket.steps == ["sent", "stored"]
        assert charged > 0


async def check_miss(sandbox: Sandbox, client: Any, row: Row) -> None:
    """A call that finds nobody is an answer and no error."""
    assert row.miss is not None
    ticket = KeptTicket()
    assert await row.miss(client, ticket) == row.missed
    assert len(sandbox.requests(route_of(sandbox, row.operation), row.operation.method)) == 1
    if row.operation.repeat is Repeat.PAID:
        assert ticket.steps == ["sent", "stored"]


ODD = range(6)
ODDER = range(6, 200)


async def check_odd(sandbox: Sandbox, client: Any, row: Any, route: str, seeds: Iterable[int]) -> None:
    """Shows that a spoiled value, header or body of an answer gives a value or a typed error."""
    for seed in seeds:
        sandbox.control("faults", method="DELETE")
        sandbox.fault("odd_value", route, method=row.operation.method, times=1, params={"seed": seed})
        ticket = KeptTicket()
        try:
            async with asyncio.timeout(ODD_S):
                await row.call(client, ticket)
        except ConnectorError:
            pass
        except BaseException as error:
            error.add_note(f"{row.operation.name}, seed {seed}")
            raise
        if row.operation.repeat is Repeat.PAID:
            assert ticket.steps in (["sent", "stored"], ["sent", "released"], ["sent", "uncertain"]), seed


async def listed(rows: AsyncIterator[T]) -> list[T]:
    return [row async for row in rows]
