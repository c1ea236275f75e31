"""Turns deliveries into companies, people and links, each once per crm, whatever happens meanwhile."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.e2e.conftest import Open
from tests.e2e.stage import Stage
from tests.harness.sandbox import Sandbox
from tests.harness.until import until
from tests.harness.workers import Process

CREATES = {
    "hubspot": {"route": "/crm/objects/2026-09/{object}", "method": "POST"},
    "salesforce": {"route": "*/sobjects/{object}/{field}/{value}", "method": "PATCH"},
}
OBJECTS = {
    "hubspot": ("companies", "contacts", "name", "email", "associatedcompanyid", "openprospect_id"),
    "salesforce": ("Account", "Contact", "Name", "Email", "AccountId", "OpenProspect_Id__c"),
}


async def test_a_kill_between_a_create_and_its_answer_makes_nothing_twice(opened: Open) -> None:
    stage = opened(records=12, companies=6, delivered_companies=5, delivered_prospects=10)
    for name, rule in CREATES.items():
        stage.vendors[name].control("hold", {**rule, "count": None})
    pair = [stage.spawn(), stage.spawn()]
    await until(partial(stopped_while_creations_are_held, stage, pair), "creations held open at both crms")
    for worker in pair:
        worker.kill()
    for name in CREATES:
        stage.vendors[name].control("release", {})
    await stage.time_passes()

    await stage.played(2)

    await each_once(stage)


async def test_an_order_is_delivered_when_it_completes_and_rows_that_arrive_meanwhile_come_too(opened: Open) -> None:
    stage = opened(records=12, companies=6, delivered_companies=3, delivered_prospects=6)
    prospect = stage.vendors["openprospect"]
    order = place_order(prospect)
    prospect.control("act/arrive", {"companies": 1})
    await stage.played(2)
    await each_once(stage)
    assert not await brought(stage, order)

    prospect.control("clock", {"advance": 700})
    assert prospect.control("world")["orders"][order]["status"] == "COMPLETED"
    prospect.control("act/arrive", {"companies": 2})
    await stage.orders_are_asked_for_again()
    await until(lambda: brought(stage, order), "the results of the order")
    prospect.control("act/arrive", {"companies": 0})
    await until(lambda: everything_stored(stage), "every delivered row")
    await stage.finished()

    await each_once(stage)


async def stopped_while_creations_are_held(stage: Stage, pair: Sequence[Process]) -> bool:
    """Whether the workers are stopped now with no creation under way but those whose answers are kept back.

    One that is sent between a look and a kill would be in doubt for minutes.
    """
    if not await only_held_creations_are_open(stage):
        return False
    for worker in pair:
        worker.process.send_signal(signal.SIGSTOP)
    if await only_held_creations_are_open(stage):
        return True
    for worker in pair:
        worker.process.send_signal(signal.SIGCONT)
    return False


async def only_held_creations_are_open(stage: Stage) -> bool:
    """Whether each crm made rows whose answers are kept back, and every creation on the wire is one of them.

    Creations that are claimed and wait for a free connection have sent nothing.
    """
    keys = stage.ledger.scripts.keys
    open_ = [id_.decode() for id_ in await stage.redis.zrange(keys("creations_open"), 0, -1)]
    states = [await stage.ledger.scripts.call("HGET", keys("creation", id_), "state") for id_ in open_]
    made = [created_and_open(stage.vendors[name]) for name in CREATES]
    return all(made) and sum(made) == states.count(b"sent")


def created_and_open(vendor: Sandbox) -> int:
    """Counts the rows made whose answers are being kept back."""
    held = {row["seq"] for row in vendor.control("held")["requests"]}
    made = {row["request"] for row in vendor.control("books?kind=writes")["writes"] if row["action"] == "create"}
    return len(held & made)


def place_order(prospect: Sandbox) -> str:
    """A new order of what no search delivers; it completes eleven minutes later by the vendor's clock."""
    body = {"order_type": "DISCOVERY", "title": "Second batch", "briefing_quantity": 2, "features": ["CONTACTS"]}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{prospect.base_url}/orders",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {prospect.info['api_key']}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - loopback
        return str(json.load(reply)["order_id"])


async def brought(stage: Stage, order: str) -> bool:
    return bool(await stage.ledger.deliveries.watermark(f"order-{order}"))


async def everything_stored(stage: Stage) -> bool:
    """Whether every delivered company is known to both crms."""
    world = stage.vendors["openprospect"].control("world")
    names = {world["companies"][one["company"] - 1]["name"] for group in world["deliveries"].values() for one in group}
    return all(
        names <= {row.get(OBJECTS[crm][2], "") for row in stage.vendors.rows(crm, OBJECTS[crm][0]).values()}
        for crm in OBJECTS
    )


async def each_once(stage: Stage) -> None:
    """Every delivered company and person is there exactly once per crm, and they are linked."""
    assert sum(one.dead for one in (await stage.counts()).values()) == 0
    world = stage.vendors["openprospect"].control("world")
    delivered = [one for group in world["deliveries"].values() for one in group]
    names = {world["companies"][one["company"] - 1]["name"] for one in delivered}
    for crm, (companies, people, name, email, link, external) in OBJECTS.items():
        accounts, contacts = stage.vendors.rows(crm, companies), stage.vendors.rows(crm, people)
        assert {one: count for one, count in _count(accounts, name).items() if count > 1 and one in names} == {}
        assert names <= set(_count(accounts, name))
        for rows in (accounts, contacts):
            assert [one for one, count in _count(rows, external).items() if count > 1] == []
        assert [one for one, count in _count(contacts, email).items() if count > 1] == []
        made = [row for row in contacts.values() if row.get(external)]
        assert made
        assert all(row.get(link) in accounts for row in made)


def _count(rows: dict[str, dict[str, Any]], name: str) -> Counter[str]:
    return Counter(row[name].lower() if "mail" in name else row[name] for row in rows.values() if name in row)
