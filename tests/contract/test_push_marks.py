"""What is written beside the values, against both CRMs: in the same call, and never in a value's way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest

from connectors.batching import Batcher
from connectors.hubspot import HubSpot, HubSpotOptions
from connectors.limits import NoLimiter
from connectors.models import Found, Write, WriteResult
from connectors.ports import Crm
from connectors.salesforce import Salesforce, SalesforceOptions
from tests.contract.sandbox import Sandbox, Start
from worker.decide import marks
from worker.decide.decision import Change
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.ledger.reviews import Reviews
from worker.ledger.work import Lease, Work
from worker.policies import watched_of
from worker.push import Ended, Errand, Pushed, Pusher
from worker.watches import Companies, Watch

PHONE = "+4684000001"
FRESH = itertools.count(1)


@dataclass(frozen=True)
class Side:
    """One CRM under test: how its sandbox calls things, and what the watched properties are named."""

    kind: str
    table: str
    title: str
    phone: str

    def lease(self, record_id: str) -> Lease:
        return cast("Lease", LeaseOf(record_id))


@dataclass(frozen=True)
class LeaseOf:
    """All that a push reads of a lease."""

    id: str


class Intending:
    """A ledger in which every lease is ours still."""

    async def intend(self, _lease: Lease, _intents: Sequence[str]) -> bool:
        return True


HUBSPOT = Side("hubspot", "contacts", "jobtitle", "phone")
SALESFORCE = Side("salesforce", "Contact", "Title", "Phone")


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


def opened(sandbox: Sandbox, side: Side, **more: Any) -> Crm:
    info = sandbox.info
    names = ("base_url", "token") if side is HUBSPOT else ("base_url", "client_id", "client_secret")
    values = {"name": "acme", **{name: info[name] for name in names}, **more}
    if side is HUBSPOT:
        return HubSpot.opened(HubSpotOptions.model_validate(values), NoLimiter())
    return Salesforce.opened(SalesforceOptions.model_validate(values), NoLimiter())


@asynccontextmanager
async def pushing(
    sandbox: Sandbox,
    side: Side,
    *,
    verify: bool = False,
    through: Callable[[Crm], Crm] = lambda vendor: vendor,
    **more: Any,
) -> AsyncIterator[tuple[Watch, Pusher]]:
    vendor = through(opened(sandbox, side, **more))
    write = WriteRule.IF_OURS if verify else WriteRule.IF_BLANK
    rules = (FieldRule("job_title", side.title, ("forager",), write), FieldRule("phone", side.phone, ("kaspr",), write))
    policy = Policy("acme", "contact", rules=rules)
    schema = await vendor.properties("contact")
    what = watched_of(policy, also=marks.usable(vendor.marks, schema).names)

    async def read(ids: Sequence[str]) -> dict[str, Found]:
        return dict(await vendor.read(what, ids))

    reader: Batcher[str, Found] = Batcher("acme", "read", read, str, vendor.batch, linger_s=0.01)
    work = cast("Work", Intending())
    reviews = cast("Reviews", None)  # no visit runs here
    watch = Watch("acme", "contact", vendor, policy, what, schema, work, reader, Companies(vendor), reviews)
    pusher = Pusher(
        watch, NoLimiter(), verify=frozenset(rule.field for rule in watch.policy.rules) if verify else frozenset()
    )
    yield watch, pusher
    await pusher.aclose()
    await reader.aclose()
    await vendor.aclose()


def made(sandbox: Sandbox, side: Side) -> str:
    names = {"firstname": "Mara", "lastname": f"Quist{next(FRESH)}"}
    if side is SALESFORCE:
        names = {"FirstName": "Mara", "LastName": names["lastname"]}
    return str(sandbox.control(f"records/{side.table}", {"properties": names})["id"])


def held(sandbox: Sandbox, side: Side, record_id: str) -> dict[str, Any]:
    rows = sandbox.control(f"records/{side.table}")
    values: dict[str, Any] = next(row for row in rows if str(row["id"]) == record_id)["properties"]
    return values


async def push(watch: Watch, pusher: Pusher, side: Side, record_id: str, *changes: Change) -> Pushed:
    found = (await watch.vendor.read(watch.watched, [record_id]))[record_id]
    assert found.record is not None
    errand = Errand(side.lease(record_id), watch.view(found.record, {}), {}, changes, ())
    return await pusher.push(errand)


def title(side: Side) -> Change:
    return Change("job_title", side.title, "CTO", "forager", None, "q1")


def phone(side: Side) -> Change:
    return Change("phone", side.phone, PHONE, "kaspr", None, "q2")


def writes(sandbox: Sandbox) -> int:
    ends = ("/batch/update", "/composite/sobjects", "/composite")
    return sum(one["route"].endswith(ends) for one in sandbox.requests())


def names_of(watch: Watch) -> tuple[str, str]:
    return watch.vendor.marks.source, watch.vendor.marks.checked_at


@pytest.mark.parametrize("strict", [False, True])
async def test_marks_go_with_the_values_in_the_same_call(sandbox: Sandbox, side: Side, strict: bool) -> None:
    more: dict[str, Any] = {"strict": strict} if side is SALESFORCE else {}
    async with pushing(sandbox, side, **more) as (watch, pusher):
        record_id = made(sandbox, side)
        sandbox.calm()
        pushed = await push(watch, pusher, side, record_id, title(side))
        assert (pushed.ended, pushed.written) == (Ended.PUSHED, (title(side),))
        assert writes(sandbox) == 1
        day = held(sandbox, side, record_id)[names_of(watch)[1]][:10]
        source = held(sandbox, side, record_id)[names_of(watch)[0]]
        assert source == f"job_title forager {day}"
        await push(watch, pusher, side, record_id, phone(side))
        source = held(sandbox, side, record_id)[names_of(watch)[0]]
        assert source == f"phone kaspr {day}; job_title forager {day}"


async def test_a_crm_without_room_for_them_gets_none(sandbox: Sandbox, side: Side) -> None:
    define(sandbox, side, source=None, checked_at=None)
    async with pushing(sandbox, side) as (watch, pusher):
        record_id = made(sandbox, side)
        assert (await push(watch, pusher, side, record_id, title(side))).ended is Ended.PUSHED
        assert held(sandbox, side, record_id)[side.title] == "CTO"
        assert not {*names_of(watch)} & {*watch.watched.properties}


async def test_a_record_without_a_change_gets_no_mark(sandbox: Sandbox, side: Side) -> None:
    async with pushing(sandbox, side) as (watch, pusher):
        record_id = made(sandbox, side)
        body = {"object": side.table, "id": record_id, "properties": {side.title: "a person's"}}
        sandbox.control("edit", body)
        pushed = await push(watch, pusher, side, record_id, title(side))
        assert pushed.unsent == (title(side),)
        assert not held(sandbox, side, record_id).get(names_of(watch)[0])


async def test_a_crm_that_refuses_a_mark_gets_the_values_and_no_mark_again(sandbox: Sandbox, side: Side) -> None:
    async with pushing(sandbox, side) as (watch, pusher):
        first, second = made(sandbox, side), made(sandbox, side)
        define(sandbox, side, source={"type": "number", "field_type": "number"} if side is HUBSPOT else {"length": 5})
        pushed = await push(watch, pusher, side, first, title(side), phone(side))
        assert (pushed.ended, pushed.refused) == (Ended.PUSHED, ())
        assert (held(sandbox, side, first)[side.title], held(sandbox, side, first)[side.phone]) == ("CTO", PHONE)
        sandbox.calm()
        pushed = await push(watch, pusher, side, second, title(side))
        assert pushed.written == (title(side),)
        assert writes(sandbox) == 1
        assert not held(sandbox, side, second).get(names_of(watch)[1])


class Overtaken:
    """The portal, in which a person is faster once: they write between our read and our write."""

    def __init__(self, vendor: Crm, person: Callable[[], None]) -> None:
        self._vendor, self._person = vendor, person

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vendor, name)

    async def write(self, object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        self._person()
        self._person = lambda: None
        return await self._vendor.write(object, writes)


async def test_a_value_given_back_takes_its_source_with_it(start_sandbox: Start) -> None:
    side, sandbox = HUBSPOT, start_sandbox("hubspot", "--records", "3", "--companies", "2")
    define(sandbox, side, source={}, checked_at={})
    record_id = made(sandbox, side)
    edit = {"object": side.table, "id": record_id, "properties": {side.title: "a person's"}}

    def overtaken(vendor: Crm) -> Crm:
        return cast("Crm", Overtaken(vendor, lambda: sandbox.control("edit", edit)))

    async with pushing(sandbox, side, verify=True, through=overtaken) as (watch, pusher):
        pushed = await push(watch, pusher, side, record_id, title(side), phone(side))
        assert (pushed.written, pushed.overtaken) == ((phone(side),), (title(side),))
        values = held(sandbox, side, record_id)
        assert values[side.title] == "a person's"
        assert values["refill_source"].startswith("phone kaspr ")
        assert "job_title" not in values["refill_source"]


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
