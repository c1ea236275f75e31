"""A record that is merged away while it is due, looked up, pushed or settled: the survivor ends once, with one bill."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.until import until
from tests.integration.triggers.floor import HUBSPOT, PUBLIC, SALESFORCE, Floor

HOOK = f"/webhooks/hubspot/{HUBSPOT}"
# where the loser's visit is caught: the vendor and call that is held, before or after it took effect
STEPS: dict[str, tuple[str, dict[str, Any]] | None] = {
    "due": None,
    "read": ("hubspot", {"route": "*batch/read*", "count": 1}),
    "looked up": ("kaspr", {"count": 1}),
    "looked up first": ("forager", {"count": 1, "method": "POST"}),
    "before the write": ("hubspot", {"route": "*batch/update*", "count": 1, "effect": False}),
    "after the write": ("hubspot", {"route": "*batch/update*", "count": 1}),
    "settled": None,
}


@pytest.mark.parametrize("keeps", [True, False], ids=["primary stays", "new row"])
@pytest.mark.parametrize("step", STEPS)
async def test_merge_at_any_step_of_a_visit_ends_on_the_survivor_once(floor: Floor, step: str, keeps: bool) -> None:
    await floor.control("hubspot", "settings", {"keeps_primary_id": keeps})
    await floor.control("hubspot", "webhooks", {"url": floor.url + HOOK, "signed_url": PUBLIC + HOOK})
    loser = await _a_gap(floor)
    (known,) = [row for row in await floor.control("hubspot", "records/contacts") if row["id"] == loser]
    named = {"firstname": known["properties"]["firstname"]}
    primary = (await floor.control("hubspot", "records/contacts", {"properties": named}))["id"]
    await floor.quiet("hubspot")
    await floor.visit_all()  # nobody can find somebody without a last name
    await floor.edit("hubspot", "contacts", loser, hs_email_optout="false")
    await floor.quiet("hubspot")
    assert loser in await floor.due()

    async def merged() -> str:
        body = {"object": "contacts", "id": primary, "other": loser}
        survivor = (await floor.control("hubspot", "merge", body))["id"]
        await floor.quiet("hubspot")
        return str(survivor)

    held = STEPS[step]
    if held is not None:
        vendor, rule = held
        await floor.control(vendor, "hold", rule)
        visiting = floor.visiting()

        async def caught() -> bool:
            assert not visiting.done(), "the visit was not caught"
            return bool((await floor.control(vendor, "held"))["held"])

        await until(caught, f"a visit at {step}")
        survivor = await merged()
        await floor.control(vendor, "release", {})
        await visiting
    else:
        if step == "settled":
            await floor.visit_all()
        survivor = await merged()
    await floor.visit_all()

    assert await floor.due() == set()
    gone = {loser, primary} - {survivor}
    memories = await floor.work().memory([loser, primary, survivor])
    assert survivor in memories
    assert not gone & memories.keys()
    assert floor.vendors.charged_twice() == []
    counts = await floor.work().counts()
    assert (counts.dead, counts.waiting, counts.leased) == (0, 0, 0)
    left = await floor.runtime.ledger.scripts.call("KEYS", "refill:work:acme_hubspot:contact:record:*")
    assert left == []
    (row,) = [one for one in await floor.control("hubspot", "records/contacts") if one["id"] == survivor]
    filled = {
        one["property"]
        for one in floor.vendors.our_writes()
        if one["crm"] == "hubspot" and one["id"] in {loser, primary, survivor}
    }
    assert filled, "nothing was filled, so nothing was proved"
    assert all(row["properties"].get(name) for name in filled)
    assert floor.vendors.overwritten() == []
    again = len(floor.vendors.our_writes())
    await floor.runtime.ledger.work(HUBSPOT, "contact").replay(survivor, "day-again")
    await floor.visit_all()
    assert floor.vendors.charged_twice() == []
    assert len(floor.vendors.our_writes()) == again


async def _a_gap(floor: Floor) -> str:
    """A contact of which a slug is known and whose gaps the providers can fill."""
    rows = [row for row in await floor.control("hubspot", "records/contacts") if not row["archived"]]
    names = ("hs_linkedin_url", "lastname", "firstname")
    fitting = [
        row["id"]
        for row in rows
        if all(row["properties"].get(name) for name in names)
        and not row["properties"].get("mobilephone")
        and row["properties"].get("hs_email_optout") in {None, ""}
    ]
    assert fitting
    return str(fitting[0])


async def test_converted_lead_ends_as_its_contact(floor: Floor) -> None:
    leads = [row for row in await floor.control("salesforce", "records/Lead") if not row["deleted"]]
    lead = next(row["id"] for row in leads if not row["properties"].get("IsConverted"))
    asked = {"crm": SALESFORCE, "object": "lead", "ids": [lead]}
    answer = await floor.http.post(
        f"{floor.url}/api/enrich", json=asked, headers={"authorization": "Bearer api-token-canary"}
    )
    assert answer.status_code == 202
    contact = (await floor.control("salesforce", "convert", {"id": lead}))["id"]
    await floor.visit_all(SALESFORCE, "lead")
    assert await floor.due(SALESFORCE) == {contact}
    await floor.visit_all(SALESFORCE)
    assert contact in await floor.work(SALESFORCE).memory([contact])
    followed = await floor.http.get(
        floor.url + answer.headers["location"], headers={"authorization": "Bearer api-token-canary"}
    )
    assert followed.json()["done"]
