"""Pushes against the CRMs of the sandbox, as visits make them, and what both kinds of CRM are called."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from connectors.batching import Batcher
from connectors.hubspot.client import HubSpot
from connectors.hubspot.options import HubSpotOptions
from connectors.limits import NoLimiter
from connectors.models import Edit, Found, Write, WriteResult
from connectors.ports import Crm
from connectors.salesforce.client import Salesforce
from connectors.salesforce.options import SalesforceOptions
from tests.harness.sandbox import Sandbox
from worker.decide.decision import Change
from worker.decide.handles import Handle
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.pushing import usable_marks
from worker.ledger.journal.reviews import Reviews
from worker.ledger.work.work import Lease, Work
from worker.service.policy import watched_of
from worker.visits.push import PendingWrite, Pusher, WriteOutcome
from worker.visits.watch import Companies, Watch

PHONE = "+4684000001"
FRESH = itertools.count(1)


@dataclass(frozen=True)
class Side:
    """One CRM under test: how its sandbox calls things, and what the watched properties are named."""

    kind: str
    table: str
    title: str
    phone: str
    email: str

    def lease(self, record_id: str) -> Lease:
        return cast("Lease", LeaseOf(record_id))


@dataclass(frozen=True)
class LeaseOf:
    """All that a push reads of a lease."""

    id: str


class Intending:
    """A ledger in which every lease is ours still."""

    async def intend_all(self, rows: Sequence[tuple[Lease, Sequence[str]]]) -> list[bool]:
        return [True] * len(rows)


HUBSPOT = Side("hubspot", "contacts", "jobtitle", "phone", "email")
SALESFORCE = Side("salesforce", "Contact", "Title", "Phone", "Email")


def opened(sandbox: Sandbox, side: Side, **more: Any) -> Crm:
    info = sandbox.info
    names = ("base_url", "token") if side is HUBSPOT else ("base_url", "client_id", "client_secret")
    values = {**{name: info[name] for name in names}, **more}
    if side is HUBSPOT:
        return HubSpot.opened("acme", HubSpotOptions.model_validate(values), NoLimiter())
    return Salesforce.opened("acme", SalesforceOptions.model_validate(values), NoLimiter())


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
    names = {"job_title": side.title, "phone": side.phone, "work_email": side.email}
    rules = tuple(FieldRule(name, place, ("kaspr",), write) for name, place in names.items())
    policy = Policy("acme", "contact", rules=rules)
    schema = dict(await vendor.properties("contact"))
    what = watched_of(policy, also=usable_marks(vendor.provenance, schema).names)

    async def read(ids: Sequence[str]) -> dict[str, Found]:
        return dict(await vendor.read(what, ids))

    reader: Batcher[str, Found] = Batcher("acme", "read", read, str, vendor.batch, linger_s=0.01)
    work = cast("Work", Intending())
    reviews = cast("Reviews", None)  # no visit runs here
    unasked = cast("Batcher[str, Mapping[str, Edit]]", None)  # nothing is locked here
    watch = Watch(
        "acme", "contact", vendor, policy, what, schema, work, reader, Companies(vendor), reviews, nobody, unasked,
        nothing_bad,
    )  # fmt: skip
    pusher = Pusher(
        watch, NoLimiter(), verify=frozenset(rule.field for rule in watch.policy.rules) if verify else frozenset()
    )
    yield watch, pusher
    await pusher.aclose()
    await reader.aclose()
    await vendor.aclose()


class Meanwhile:
    """A CRM in which a person does something once: just before our write, or just after it."""

    def __init__(self, vendor: Crm, *, before: Callable[[], object] = dict, after: Callable[[], object] = dict) -> None:
        self._vendor, self._before, self._after = vendor, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vendor, name)

    async def write(self, object: str, written: Sequence[Write]) -> Mapping[str, WriteResult]:
        self._before()
        told = await self._vendor.write(object, written)
        self._after()
        self._before = self._after = dict
        return told


async def nothing_bad(_: object) -> frozenset[Handle]:
    """No value is known to be bad."""
    return frozenset()


async def nobody(rows: Sequence[object]) -> list[bool]:
    """No one is suppressed."""
    return [False] * len(rows)


def made(sandbox: Sandbox, side: Side) -> str:
    names = {"firstname": "Mara", "lastname": f"Quist{next(FRESH)}"}
    if side is SALESFORCE:
        names = {"FirstName": "Mara", "LastName": names["lastname"]}
    return str(sandbox.control(f"records/{side.table}", {"properties": names})["id"])


def held(sandbox: Sandbox, side: Side, record_id: str) -> dict[str, Any]:
    rows = sandbox.control(f"records/{side.table}")
    values: dict[str, Any] = next(row for row in rows if str(row["id"]) == record_id)["properties"]
    return values


async def push(watch: Watch, pusher: Pusher, side: Side, record_id: str, *changes: Change) -> WriteOutcome:
    found = (await watch.vendor.read(watch.watched, [record_id]))[record_id]
    assert found.record is not None
    pending = PendingWrite(side.lease(record_id), watch.view(found.record, {}), {}, changes, ())
    return await pusher.push(pending)


def title(side: Side) -> Change:
    return Change("job_title", side.title, "CTO", "forager", None, "q1")


def phone(side: Side) -> Change:
    return Change("phone", side.phone, PHONE, "kaspr", None, "q2")


def email(side: Side, address: str) -> Change:
    return Change("work_email", side.email, address, "forager", None, "q3")


def writes(sandbox: Sandbox) -> int:
    ends = ("/batch/update", "/composite/sobjects", "/composite")
    return sum(one["route"].endswith(ends) for one in sandbox.requests())
