"""``explain`` finds every value under its row, whoever wrote it, and says which delivery of whom did."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from tests.integration.deliveries.desk import FIELDS, Desk, ada
from worker.ledger.work.work import Due, Lane, Work

DELIVERY = "search/c1"


async def kinds_of(desk: Desk, kind: str, id: str) -> dict[str, Any]:
    """Returns what explain says of a row, by kind of line; a change by its property."""
    lines = await desk.told(kind, id)
    assert {one["delivery"] for one in lines} <= {DELIVERY}
    return {one.get("property") or one["kind"]: one for one in lines}


async def test_values_that_a_delivery_wrote_on_a_matched_row_stand_under_the_row(desk: Desk) -> None:
    names = FIELDS[desk.crm]
    row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
    company = desk.add("company", name="Acme", domain="acme.com")
    await desk.deliver(ada())

    lines = await kinds_of(desk, "contact", row)
    for name, value in (("title", "Analyst"), ("external", "p1")):
        line = lines[names[name]]
        assert (line["after"], line["state"]) == (value, "confirmed")
        assert (line["provider"], line["delivery"], line["external_id"]) == ("openprospect", DELIVERY, "p1")
    of_company = (await kinds_of(desk, "company", company))[names["external"]]
    assert (of_company["after"], of_company["external_id"]) == ("c1", "c1")


async def test_link_that_a_delivery_made_stands_under_the_contact(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
    company = desk.add("company", name="Acme", domain="acme.com")
    await desk.deliver(ada())
    line = (await kinds_of(desk, "contact", row))["linked"]
    assert (line["company_id"], line["external_id"]) == (company, "p1")


async def test_link_that_a_person_made_is_not_told_as_ours(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
    desk.link(row, desk.add("company", name="Acme", domain="acme.com"))
    await desk.deliver(ada())
    assert "linked" not in await kinds_of(desk, "contact", row)


async def test_row_that_a_delivery_made_tells_its_values_and_its_company(desk: Desk) -> None:
    names = FIELDS[desk.crm]
    await desk.deliver(ada())
    ((row, _),) = desk.rows().items()
    ((company, _),) = desk.rows("company").items()
    lines = await kinds_of(desk, "contact", row)
    made = lines["created"]
    assert (made["external_id"], made["delivery"]) == ("p1", DELIVERY)
    assert {names[one]: made["values"][names[one]] for one in ("title", "email")} == {
        names["title"]: "Analyst",
        names["email"]: "ada@acme.com",
    }
    assert lines["linked"]["company_id"] == company
    assert (await kinds_of(desk, "company", company))["created"]["values"][names["name"]] == "Acme"


async def test_row_merged_into_another_is_told_of_under_the_one_that_stays(desk: Desk) -> None:
    await desk.deliver(ada())
    ((row, _),) = desk.rows().items()
    work = Work(desk.runtime.ledger.scripts, desk.name, "contact")
    await work.add([Due(row)], lane=Lane.LIVE, run="day-x")
    (lease,) = await work.claim("w2", 10)
    await work.move(lease, "77", "contact")
    assert [one["kind"] for one in await desk.told("contact", "77")][:1] == ["created"]


async def test_line_leaves_both_lists_when_it_is_old(desk: Desk, redis: Redis) -> None:
    row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
    await desk.deliver(ada())
    journal = desk.runtime.ledger.journal
    while old := await journal.before(await desk.runtime.ledger.scripts.now() + 60_000):
        assert await journal.drop(old) == len(old)
    assert not await desk.told("contact", row)
    assert await redis.keys("refill:journal:*") == [b"refill:journal:last"]


async def test_value_that_was_refused_of_a_new_row_names_its_cause(hub: Desk) -> None:
    hub.vendors["hubspot"].portal.refused_values["contacts", "email", "ada@acme.com"] = "INVALID_EMAIL"
    await hub.deliver(ada())
    ((row, _),) = hub.rows().items()
    line = (await kinds_of(hub, "contact", row))["email"]
    assert line["state"] == "refused"
    assert line["cause"].startswith("invalid value (INVALID_EMAIL")
    assert "ada@acme.com" not in line["cause"]


async def test_value_that_was_refused_of_a_row_that_is_there_names_its_cause(hub: Desk) -> None:
    row = hub.add(first="Ada", last="Lovelace", email="ada@acme.com")
    hub.vendors["hubspot"].portal.refused_values["contacts", "jobtitle", "Analyst"] = "INVALID_OPTION"
    await hub.deliver(ada())
    line = (await kinds_of(hub, "contact", row))["jobtitle"]
    assert line["state"] == "refused"
    assert line["cause"].startswith("invalid value (INVALID_OPTION")
    assert [name for name in await hub.tally() if name.startswith("refused.invalid value (INVALID_OPTION")]
    assert hub.row(row)["external"] == "p1"
