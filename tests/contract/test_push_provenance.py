"""Writes provenance in the same call as the values, and never in a value's way, to both CRMs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from connectors.models import Write, WriteResult
from connectors.ports import Crm
from tests.contract.pushes import (
    HUBSPOT,
    PHONE,
    SALESFORCE,
    Meanwhile,
    Side,
    held,
    made,
    phone,
    push,
    pushing,
    title,
    writes,
)
from tests.harness.sandbox import Sandbox, Start
from worker.visits.push import PushEnd, Pusher
from worker.visits.watch import Watch


@pytest.fixture(params=[HUBSPOT, SALESFORCE], ids=lambda side: side.kind)
def side(request: pytest.FixtureRequest) -> Side:
    return cast("Side", request.param)


@pytest.fixture
def sandbox(side: Side, start_sandbox: Start) -> Sandbox:
    held = start_sandbox(side.kind, "--records", "3", "--companies", "2")
    define(held, side, source={}, checked_at={})
    return held


def define(sandbox: Sandbox, side: Side, **marks_: dict[str, Any] | None) -> None:
    """Our optional fields as given, over the form in which setup makes them; ``None`` takes one away."""
    forms: dict[str, dict[str, Any]]
    if side is HUBSPOT:
        forms = {
            "source": {"name": "refill_source", "label": "s", "type": "string", "field_type": "text"},
            "checked_at": {"name": "refill_checked_at", "label": "c", "type": "datetime", "field_type": "date"},
        }
    else:
        forms = {
            "source": {"name": "Refill_Source__c", "type": "string", "length": 255},
            "checked_at": {"name": "Refill_Checked_At__c", "type": "datetime"},
        }
    for word, more in marks_.items():
        sandbox.control(f"properties/{side.table}/{forms[word]['name']}", method="DELETE")
        if more is not None:
            sandbox.control(f"properties/{side.table}", {**forms[word], **more})


def names_of(watch: Watch) -> tuple[str, str]:
    return watch.vendor.provenance.source, watch.vendor.provenance.checked_at


@pytest.mark.parametrize("strict", [False, True])
async def test_marks_go_with_the_values_in_the_same_call(sandbox: Sandbox, side: Side, strict: bool) -> None:
    more: dict[str, Any] = {"strict": strict} if side is SALESFORCE else {}
    async with pushing(sandbox, side, **more) as (watch, pusher):
        record_id = made(sandbox, side)
        sandbox.calm()
        pushed = await push(watch, pusher, side, record_id, title(side))
        assert (pushed.ended, pushed.written) == (PushEnd.PUSHED, (title(side),))
        assert writes(sandbox) == 1
        day = held(sandbox, side, record_id)[names_of(watch)[1]][:10]
        source = held(sandbox, side, record_id)[names_of(watch)[0]]
        assert source == f"job_title forager {day}"
        await push(watch, pusher, side, record_id, phone(side))
        source = held(sandbox, side, record_id)[names_of(watch)[0]]
        assert source == f"phone kaspr {day}; job_title forager {day}"


async def test_a_crm_that_refuses_a_mark_gets_the_values_and_no_mark_again(sandbox: Sandbox, side: Side) -> None:
    async with pushing(sandbox, side) as (watch, pusher):
        first, second = made(sandbox, side), made(sandbox, side)
        define(sandbox, side, source={"type": "number", "field_type": "number"} if side is HUBSPOT else {"length": 5})
        pushed = await push(watch, pusher, side, first, title(side), phone(side))
        assert (pushed.ended, pushed.refused) == (PushEnd.PUSHED, ())
        assert (held(sandbox, side, first)[side.title], held(sandbox, side, first)[side.phone]) == ("CTO", PHONE)
        sandbox.calm()
        pushed = await push(watch, pusher, side, second, title(side))
        assert pushed.written == (title(side),)
        assert writes(sandbox) == 1
        assert not held(sandbox, side, second).get(names_of(watch)[1])


async def test_a_value_given_back_takes_its_source_with_it(start_sandbox: Start) -> None:
    side, sandbox = HUBSPOT, start_sandbox("hubspot", "--records", "3", "--companies", "2")
    define(sandbox, side, source={}, checked_at={})
    record_id = made(sandbox, side)
    edit = {"object": side.table, "id": record_id, "properties": {side.title: "a person's"}}

    def overtaken(vendor: Crm) -> Crm:
        return cast("Crm", Meanwhile(vendor, before=lambda: sandbox.control("edit", edit)))

    async with pushing(sandbox, side, verify=True, through=overtaken) as (watch, pusher):
        pushed = await push(watch, pusher, side, record_id, title(side), phone(side))
        assert (pushed.written, pushed.overtaken) == ((phone(side),), (title(side),))
        values = held(sandbox, side, record_id)
        assert values[side.title] == "a person's"
        assert values["refill_source"].startswith("phone kaspr ")
        assert "job_title" not in values["refill_source"]


async def test_the_overtaken_record_of_a_batch_of_ten_is_the_one_in_the_log(start_sandbox: Start) -> None:
    side, sandbox = HUBSPOT, start_sandbox("hubspot", "--records", "3", "--companies", "2")
    rows = [made(sandbox, side) for _ in range(10)]
    edit = {"object": side.table, "id": rows[7], "properties": {side.title: "a person's"}}

    def overtaken(vendor: Crm) -> Crm:
        return cast("Crm", Meanwhile(vendor, before=lambda: sandbox.control("edit", edit)))

    async def visit(pusher: Pusher, watch: Watch, id: str) -> None:
        with bound_contextvars(crm="acme", record_id=id, run="r"):
            pushed = await push(watch, pusher, side, id, title(side))
            assert bool(pushed.overtaken) == (id == rows[7])

    async with pushing(sandbox, side, verify=True, through=overtaken) as (watch, pusher):
        with capture_logs(processors=[merge_contextvars]) as lines:
            await asyncio.gather(*(visit(pusher, watch, one) for one in rows))
    told = [one for one in lines if one["event"] == "push.overtaken"]
    assert [(one["record_ids"], one.get("record_id")) for one in told] == [([rows[7]], None)]


class Slow:
    """The CRM, whose first answer to a write comes only after that to the second."""

    def __init__(self, vendor: Crm) -> None:
        self._vendor, self.first, self._second = vendor, asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vendor, name)

    async def write(self, object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        is_first = not self.first.is_set()
        answer = await self._vendor.write(object, writes)
        self.first.set()
        if is_first:
            await self._second.wait()
        else:
            self._second.set()
        return answer


async def test_batches_under_way_at_once_all_keep_their_values(sandbox: Sandbox, side: Side) -> None:
    async with pushing(sandbox, side, through=lambda vendor: cast("Crm", Slow(vendor))) as (watch, pusher):
        ids = [made(sandbox, side), made(sandbox, side)]
        define(sandbox, side, source={"type": "number", "field_type": "number"} if side is HUBSPOT else {"length": 5})
        first = asyncio.create_task(push(watch, pusher, side, ids[0], title(side)))
        await cast("Slow", watch.vendor).first.wait()
        second = await push(watch, pusher, side, ids[1], title(side))
        ended = [await first, second]
        assert [one.refused for one in ended] == [(), ()]
        assert [held(sandbox, side, one)[side.title] for one in ids] == ["CTO", "CTO"]
