"""No delivery brings a value that a CRM calls bad, and a delivered value that turns out bad counts as ours."""

from __future__ import annotations

from dataclasses import replace

from connectors.models import Company, Email, Grade
from tests.integration.deliveries.desk import ACME, Desk, Open, ada
from worker.decide.handles import read

BOUNCED = {"contact": {"work_email": {"hs_email_hard_bounce_reason_enum": ["*"]}}}
WATCH = {"contact": {"fields": {"work_email": {"property": "email"}}}}


async def mark(desk: Desk, text: str) -> None:
    handle = read(text)
    assert handle is not None
    await desk.runtime.ledger.bad.add([handle], 1)


async def test_a_bad_address_is_neither_made_nor_filled_in_and_the_person_is(desk: Desk) -> None:
    await mark(desk, "ada@acme.com")
    await desk.deliver(ada())
    (row,) = desk.rows().values()
    assert (row["first"], row.get("email", "")) == ("Ada", "")
    assert (await desk.tally())["dropped.bad_value"] == 1

    bob = ada(id="p2", slug="bob-babbage", first_name="Bob", last_name="Babbage", full_name="Bob Babbage")
    here = desk.add(first="Bob", last="Babbage", linkedin="https://linkedin.com/in/bob-babbage")
    await mark(desk, "bob@other.com")
    other = replace(ACME, id="c2") if isinstance(ACME, Company) else ACME
    await desk.deliver(replace(bob, emails=(Email("bob@other.com", Grade.VALID),)), company=other)
    assert desk.row(here).get("email", "") == ""


async def test_an_address_that_a_delivery_made_a_row_with_bounces(open_desk: Open) -> None:
    async with open_desk("hubspot", bad=BOUNCED, watch=WATCH) as desk:
        await desk.deliver(ada())
        ((id, row),) = desk.rows().items()
        assert row["email"] == "ada@acme.com"
        table = desk.vendors["hubspot"].portal.tables["contacts"]
        desk.vendors["hubspot"].portal.bounce(table, table.live(id), "UNKNOWN_USER")
        line = desk.runtime.lines["acme_hubspot.contact"]
        await desk.runtime.ledger.all_work.wake([("acme_hubspot", "contact", id)])
        await desk.runtime.visits.fill(line)
        (told,) = [one for one in await desk.journal() if one.get("signal") == "bad_value"]
        assert (told["provider"], told["field"], told["after"]) == ("openprospect", "work_email", "ada@acme.com")
        handle = read("ada@acme.com")
        assert handle is not None
        assert await desk.runtime.ledger.bad.among([handle])


async def test_an_address_that_a_person_typed_and_that_bounces_is_theirs(open_desk: Open) -> None:
    async with open_desk("hubspot", bad=BOUNCED, watch=WATCH) as desk:
        id = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        table = desk.vendors["hubspot"].portal.tables["contacts"]
        desk.vendors["hubspot"].portal.bounce(table, table.live(id), "UNKNOWN_USER")
        await desk.deliver(ada())
        await desk.runtime.visits.fill(desk.runtime.lines["acme_hubspot.contact"])
        assert not [one for one in await desk.journal() if one.get("signal") == "bad_value"]
