"""Shows that no write lands on an edit that it could have seen: rows are read again before they are sent.

Real answers: 503 with Retry-After 20, 423 for two seconds, a lock of one row, a batch refused for another row's value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, cast

import pytest

from connectors.errors import StaleReadError
from connectors.limits import BEYOND_S, FRESH_S, LAST_READS, NoLimiter, note_read, slots_ahead
from connectors.models import Write, WriteResult
from connectors.ports import Crm
from connectors.telemetry import CALLS, UNSENT
from tests.contract.pushes import (
    HUBSPOT,
    SALESFORCE,
    Meanwhile,
    Side,
    email,
    held,
    made,
    opened,
    phone,
    push,
    pushing,
    title,
    writes,
)
from tests.harness.sandbox import Sandbox, Start
from worker.visits.push import PushEnd, WriteOutcome

ROUTES = {"hubspot": "*batch/update", "salesforce": "*composite*"}


@pytest.fixture(params=[HUBSPOT, SALESFORCE], ids=lambda side: side.kind)
def side(request: pytest.FixtureRequest) -> Side:
    side: Side = request.param
    return side


@pytest.fixture
def sandbox(side: Side, start_sandbox: Start) -> Sandbox:
    held_ = start_sandbox(side.kind, "--records", "3", "--companies", "2")
    held_.control("settings", {"locked_writes": 0} if side is HUBSPOT else {"page_size": None})
    return held_


def edit(sandbox: Sandbox, side: Side, record_id: str, **values: str) -> None:
    sandbox.control("edit", {"object": side.table, "id": record_id, "properties": values})


async def first_write(sandbox: Sandbox) -> None:
    async with asyncio.timeout(5):
        while not writes(sandbox):  # noqa: ASYNC110 - it is another process's
            await asyncio.sleep(0.005)


async def raced(sandbox: Sandbox, pushing_: Awaitable[WriteOutcome], person: Callable[[], None]) -> WriteOutcome:
    """The push, during whose first wait ``person`` does something."""
    task = asyncio.ensure_future(pushing_)
    await first_write(sandbox)
    person()
    return await task


@pytest.mark.parametrize("fault", [{"status": 503, "headers": {"Retry-After": "1"}}, {"status": 429}])
async def test_what_is_typed_while_a_write_waits_stays(sandbox: Sandbox, side: Side, fault: dict[str, Any]) -> None:
    async with pushing(sandbox, side) as (watch, pusher):
        record_id = made(sandbox, side)
        sandbox.calm()
        sandbox.fault("status", ROUTES[side.kind], times=1, params={"headers": {"Retry-After": "1"}, **fault})
        pushed = await raced(
            sandbox,
            push(watch, pusher, side, record_id, title(side), phone(side)),
            lambda: edit(sandbox, side, record_id, **{side.title: "typed"}),
        )
        assert held(sandbox, side, record_id)[side.title] == "typed"
        assert (pushed.ended, pushed.written, pushed.unsent) == (PushEnd.PUSHED, (phone(side),), (title(side),))


@pytest.mark.parametrize("kind", ["close", "reset_mid_body"])
async def test_a_write_whose_answer_was_lost_is_told_as_ours(sandbox: Sandbox, side: Side, kind: str) -> None:
    async with pushing(sandbox, side) as (watch, pusher):
        record_id = made(sandbox, side)
        sandbox.calm()
        sandbox.fault(kind, ROUTES[side.kind], times=1)
        pushed = await push(watch, pusher, side, record_id, title(side))
        assert (pushed.ended, pushed.written) == (PushEnd.PUSHED, (title(side),))
        assert writes(sandbox) == 1


async def test_nothing_of_a_refused_batch_is_sent_again_before_a_new_read(sandbox: Sandbox, side: Side) -> None:
    reads = {"hubspot": "/batch/read", "salesforce": "/query"}[side.kind]
    async with pushing(sandbox, side) as (watch, pusher):
        ids = [made(sandbox, side) for _ in range(5)]
        bad = email(side, "no address")
        sandbox.calm()
        pushes = [push(watch, pusher, side, one, title(side), *([bad] if one == ids[2] else [])) for one in ids]
        ended = await asyncio.gather(*pushes)
        assert [one.written for one in ended] == [(title(side),)] * 5
        assert ended[2].refused == (bad,)
        routes = [one["route"] for one in sandbox.requests()]
        steps = ["r" if route.endswith(reads) else "w" for route in routes][len(ids) :]
        assert "".join(steps).startswith("rwrw")
        assert steps.count("w") > 1


async def test_nothing_is_sent_on_a_read_that_is_two_seconds_old(sandbox: Sandbox, side: Side) -> None:
    crm, record_id = opened(sandbox, side), made(sandbox, side)
    await crm.properties("contact")
    sandbox.calm()
    CALLS.take()
    async with slots_ahead(NoLimiter(), []):
        note_read(perf_counter() - FRESH_S)
        with pytest.raises(StaleReadError):
            await crm.write("contact", [Write(record_id, {side.title: "CTO"})])
    assert writes(sandbox) == 0
    (unsent,) = [one for one in CALLS.take().items() if one[0][2] == UNSENT]
    assert (unsent[0][0], unsent[1]) == ("acme", 1)
    await crm.aclose()


async def test_a_crm_slow_in_all_reads_is_written_to_a_second_after_its_quickest(sandbox: Sandbox, side: Side) -> None:
    """One late answer is no licence to write on it; the eighth in a row is."""
    crm, record_id = opened(sandbox, side), made(sandbox, side)
    await crm.properties("contact")
    sandbox.calm()
    took_s = FRESH_S + 0.5
    for _ in range(LAST_READS - 1):
        with pytest.raises(StaleReadError):
            await written_after(crm, side, record_id, took_s)
    assert writes(sandbox) == 0
    assert await written_after(crm, side, record_id, took_s)
    with pytest.raises(StaleReadError):
        await written_after(crm, side, record_id, took_s + 2 * BEYOND_S)
    assert writes(sandbox) == 1
    await crm.aclose()


async def written_after(crm: Crm, side: Side, record_id: str, took_s: float) -> Mapping[str, WriteResult]:
    """A write on a read that was answered now and had left ``took_s`` ago."""
    async with slots_ahead(NoLimiter(), []):
        note_read(perf_counter() - took_s)
        return await crm.write("contact", [Write(record_id, {side.title: "CTO"})])


async def test_a_correction_of_what_we_wrote_is_not_taken_back(start_sandbox: Start) -> None:
    side, sandbox = HUBSPOT, start_sandbox("hubspot", "--records", "3", "--companies", "2")
    record_id = made(sandbox, side)
    edit(sandbox, side, record_id, **{side.title: "first typed"})
    edit(sandbox, side, record_id, **{side.title: ""})

    def corrected(vendor: Crm) -> Crm:
        return cast("Crm", Meanwhile(vendor, after=lambda: edit(sandbox, side, record_id, **{side.title: "corrected"})))

    async with pushing(sandbox, side, verify=True, through=corrected) as (watch, pusher):
        pushed = await push(watch, pusher, side, record_id, title(side), phone(side))
        assert held(sandbox, side, record_id)[side.title] == "corrected"
        assert pushed.overtaken == ()
        assert writes(sandbox) == 1
