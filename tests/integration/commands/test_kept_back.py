"""A CRM keeps deliveries back: a pass says what waits for what, and a later one brings them in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.installation import Ran, Refill
from tests.harness.vendors import all_vendors
from worker.ledger.work.work import Lane

DELIVERIES = ("acme_salesforce", "delivery")


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Refill]:
    """An installation at vendors of its own: others have brought these deliveries in already."""
    with all_vendors() as found:
        yield Refill(tmp_path, found)


async def passed(refill: Refill) -> Ran:
    return await refill("sync", "--json", "--patience", "3")


def reasons(ran: Ran) -> dict[str, str]:
    """Returns what a pass says of the org's deliveries, by why."""
    return {one["why"]: one["text"] for one in ran.json["left"] if (one["crm"], one["object"]) == DELIVERIES}


def somebody(refill: Refill) -> dict[str, str]:
    """Returns who is delivered and not in the org yet, as a person would have typed the contact."""
    world = refill.vendors["openprospect"].control("world")
    found = next(one for group in world["deliveries"].values() for one in group if not one["in_crm"])
    person = next(one for one in world["people"] if one["number"] == found["prospects"][0]["person"])
    return {
        "FirstName": person["first_name"],
        "LastName": person["last_name"],
        "LinkedIn_URL__c": f"https://www.linkedin.com/in/{person['slug']}",
    }


async def test_deliveries_that_a_full_org_keeps_back_are_told_with_its_word(alone: Refill) -> None:
    alone.vendors["salesforce"].control("rules", {"storage_full": True})
    ran = await passed(alone)
    assert ran.code == 4
    assert ran.json["dead"] == 0
    assert "acme_salesforce does not take them now: org limit (STORAGE_LIMIT_EXCEEDED" in reasons(ran)["crm"]
    assert reasons(ran)["crm"] in ran.err
    alone.vendors["salesforce"].control("rules", {"storage_full": False})
    async with alone.ledger() as ledger:
        keys = await ledger.scripts.call("ZRANGE", ledger.scripts.keys("due", *DELIVERIES, Lane.LIVE), 0, -1)
        await ledger.all_work.wake([(*DELIVERIES, key.decode()) for key in keys])
    ran = await passed(alone)
    assert not reasons(ran)
    assert ran.json["delivered"]["companies"] > 0


async def test_a_delivery_whose_row_is_locked_comes_with_the_pass_after_the_approval(alone: Refill) -> None:
    org = alone.vendors["salesforce"]
    contact = str(org.control("records/Contact", {"properties": somebody(alone)})["id"])
    approval = {"object": "Contact", "ids": [contact]}
    org.control("approval", approval)
    ran = await passed(alone)
    assert (ran.code, ran.json["dead"]) == (4, 0)
    told = reasons(ran)["record"]
    assert "until acme_salesforce lets their record be changed: record locked (ENTITY_IS_LOCKED" in told
    assert [cause for cause in ran.json["refused"] if cause.startswith("record locked (ENTITY_IS_LOCKED")]
    explained = await alone("explain", "acme_salesforce", "contact", contact, "--json")
    assert [one for one in explained.json["changes"] if "ENTITY_IS_LOCKED" in one.get("cause", "")]
    org.control("approval", approval | {"ended": True})
    ran = await passed(alone)
    assert not reasons(ran)
    (row,) = [one for one in org.control("records/Contact") if one["id"] == contact]
    assert row["properties"]["OpenProspect_Id__c"]
    assert row["properties"]["AccountId"]
